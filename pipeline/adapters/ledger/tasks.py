"""The book of tasks: what staff have to do, and what people have said should become of something."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from pipeline.adapters.ledger import audit, chores
from pipeline.adapters.ledger import schema as s
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import payments, words
from pipeline.adapters.ledger.store import Book, iso, one, record
from pipeline.ports.ledger import LedgerError, PaymentState, StaleError, Task, TaskState, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, RowMapping


NO_MOVES = ("said", "heard", "blind")
"""Rows of the audit trail about something that stands where it stood."""


class Tasks(Book):
    """ports.ledger.TaskBook in the database."""

    def open_task(self, task: Task, at: datetime) -> bool:
        """Open a task; False, and nothing is written, if one of its id is there, open or done."""
        if task.state is not TaskState.OPEN:
            message = f"task {task.task_id}: is {task.state}, and only an open one is opened; nothing was changed"
            raise LedgerError(message)
        there = select(s.tasks.c.task_id).where(self.store.mine(s.tasks), s.tasks.c.task_id == task.task_id)
        with self.store.changing() as connection:
            known = connection.execute(there).one_or_none() is not None
            chores.enter(connection, self.store, [] if known else [task], at)
        return not known

    def tasks(self, state: TaskState | None = None) -> Sequence[Task]:
        """List the tasks, oldest first."""
        query = select(s.tasks).where(self.store.mine(s.tasks), s.tasks.c.state.in_([state] if state else TaskState))
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(s.tasks.c.opened_on, s.tasks.c.task_id))
            return [_task(row) for row in rows.mappings()]

    def close_task(self, task_id: str, by: str, reason: str, at: datetime) -> Task:
        """Write down that it is done.  A TASKED payment all of whose tasks are done becomes SETTLED.

        Raises StaleError if there is no such task, or it is done.
        """
        here = (self.store.mine(s.tasks), s.tasks.c.task_id == task_id)
        values = {"state": TaskState.DONE, "closed_by": by, "reason": reason, "closed_at": iso(at)}
        with self.store.changing() as connection:
            closed = update(s.tasks).where(*here, s.tasks.c.state == TaskState.OPEN).values(**values)
            one(connection, closed, f"task {task_id}")
            done = _task(connection.execute(select(s.tasks).where(*here)).mappings().one())
            told = [Event("done", task_id, f"done by {by}: {reason}", actor=by)]
            if self._settled(connection, done.subject, at):
                told.append(Event(PaymentState.SETTLED, done.subject, "tasked to settled: all its tasks are done", by))
            audit.append(connection, self.store, told, at)
        return done

    def _settled(self, connection: Connection, key: str, at: datetime) -> bool:
        mine = (self.store.mine(s.tasks), s.tasks.c.subject == key, s.tasks.c.state == TaskState.OPEN)
        if connection.execute(select(s.tasks.c.task_id).where(*mine).limit(1)).one_or_none() is not None:
            return False
        here = (self.store.mine(payments), payments.c.key == key, payments.c.state == PaymentState.TASKED)
        settled = update(payments).where(*here).values(state=PaymentState.SETTLED, since=iso(at))
        return connection.execute(settled).rowcount == 1

    def say(self, word: Word) -> None:
        """Keep a person's word; the newest of a subject counts until it is acted on."""
        row = {"subject": word.subject, "action": word.action, "by": word.by, "reason": word.reason}
        row |= {"at": iso(word.at)}
        _, names = audit.VOUCHED["said"]
        digest = audit.digest([row[name]] for name in names)
        text = f"{word.action}, says {word.by}: {word.reason}; sha256 {digest}"
        with self.store.changing() as connection:
            entry = audit.append(connection, self.store, [Event("said", word.subject, text, word.by)], word.at)
            connection.execute(insert(words).values(**self.store.scope, **row, heard_by=None, entry=entry))

    def said(self, subject: str) -> Word | None:
        """Give the newest word on a subject; None if there is none, somebody has acted on it, or it is overtaken."""
        with self.store.reading() as connection:
            row = self._newest(connection, subject)
            waits = row is not None and row["heard_by"] is None and not self._overtaken(connection, row)
        return _word(row) if row is not None and waits else None

    def _overtaken(self, connection: Connection, row: RowMapping) -> bool:
        """Say whether what a word is about has moved since, be it back to where it was."""
        trail = s.audit
        since = (trail.c.subject == row["subject"], trail.c.seq > row["entry"], trail.c.event.not_in(NO_MOVES))
        moved = select(trail.c.seq).where(self.store.mine(trail), *since).limit(1)
        return connection.execute(moved).one_or_none() is not None

    def heard(self, word: Word, by: str, at: datetime) -> None:
        """Write down that a word was acted on, by whom.  Raises StaleError unless it is the one that waits."""
        with self.store.changing() as connection:
            row = self._newest(connection, word.subject)
            if row is None or row["heard_by"] is not None or _word(row) != word:
                message = f"{word.subject}: what {word.by} said of it does not wait any more; nothing was changed"
                raise StaleError(message)
            this = (self.store.mine(words), words.c.entry == row["entry"])
            connection.execute(update(words).where(*this).values(heard_by=by))
            event = Event("heard", word.subject, f"{word.action} of {word.by}, acted on by {by}", by)
            audit.append(connection, self.store, [event], at)

    def _newest(self, connection: Connection, subject: str) -> RowMapping | None:
        """Give the last of the words on a subject, which are few; asked for the last, a database reads all words."""
        rows = connection.execute(select(words).where(self.store.mine(words), words.c.subject == subject)).mappings()
        return max(rows, key=lambda row: int(row["entry"]), default=None)


def _task(row: RowMapping) -> Task:
    return record(Task, row, state=TaskState(row["state"]))


def _word(row: RowMapping) -> Word:
    return record(Word, row, at=datetime.fromisoformat(row["at"]))
