"""The tasks and words of a ledger, in memory."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState, StaleError, Task, TaskState, Word
from tests.fakes.kept import Kept
from tests.fakes.payments import refuse

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime


class FakeTasks(Kept):
    """TaskBook in memory."""

    def open_task(self, task: Task, at: datetime) -> bool:
        if task.state is not TaskState.OPEN:
            refuse(f"task {task.task_id}: is done before it is opened")
        if task.task_id in self.by_task:
            return False
        self.step("before task")
        self.by_task[task.task_id] = task
        self.step("after task")
        return True

    def tasks(self, state: TaskState | None = None) -> Sequence[Task]:
        found = [one for one in self.by_task.values() if state in (None, one.state)]
        return sorted(found, key=lambda one: (one.opened_on, one.task_id))

    def close_task(self, task_id: str, by: str, reason: str, at: datetime) -> Task:
        task = self.by_task.get(task_id)
        if task is None or task.state is TaskState.DONE:
            raise StaleError(task_id)
        self.step("before close")
        done = replace(task, state=TaskState.DONE, closed_by=by, reason=reason)
        self.by_task[task_id] = done
        self.moved_since_said.add(task_id)
        left = [one for one in self.by_task.values() if (one.subject, one.state) == (done.subject, TaskState.OPEN)]
        payment = self.payments.get(done.subject)
        if payment is not None and payment.state is PaymentState.TASKED and not left:
            self.pay(replace(payment, state=PaymentState.SETTLED))
        self.step("after close")
        return done

    def say(self, word: Word) -> None:
        self.step("before say")
        self.words[word.subject] = word
        self.moved_since_said.discard(word.subject)
        self.step("after say")

    def said(self, subject: str) -> Word | None:
        return None if subject in self.moved_since_said else self.words.get(subject)

    def heard(self, word: Word, by: str, at: datetime) -> None:
        if self.words.get(word.subject) != word:
            raise StaleError(word.subject)
        self.step("before heard")
        del self.words[word.subject]
        self.heard_words.append((word, by))
        self.step("after heard")
