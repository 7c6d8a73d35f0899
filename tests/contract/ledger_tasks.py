"""What the ledger promises of tasks and of people's words."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import LedgerError, StaleError, TaskState, Word
from tests.contract.ledger_kit import later, payment, task

if TYPE_CHECKING:
    from pipeline.ports.ledger import TaskBook

MONEY = payment("K1")


class TaskBookContract:
    """``ledger``: a book without tasks."""

    def test_a_task_is_opened_once_whatever_became_of_it(self, ledger: TaskBook) -> None:
        one = task(MONEY)
        assert ledger.open_task(one, later(1))
        assert not ledger.open_task(replace(one, text="another"), later(2))
        ledger.close_task(one.task_id, "kim", "done it", later(3))
        assert not ledger.open_task(one, later(4))
        assert ledger.tasks() == [replace(one, state=TaskState.DONE, closed_by="kim", reason="done it")]

    def test_tasks_come_oldest_first(self, ledger: TaskBook) -> None:
        days = {3: "2026-01-05", 1: "2026-01-06", 2: "2026-01-06"}
        for number, day in days.items():
            ledger.open_task(task(MONEY, number, opened_on=day), later(1))
        ledger.close_task("T-K1-1", "kim", "", later(2))
        assert [one.task_id for one in ledger.tasks()] == ["T-K1-3", "T-K1-1", "T-K1-2"]
        assert [one.task_id for one in ledger.tasks(TaskState.OPEN)] == ["T-K1-3", "T-K1-2"]
        assert [one.task_id for one in ledger.tasks(TaskState.DONE)] == ["T-K1-1"]

    def test_a_task_is_closed_once_and_only_one_that_is_there(self, ledger: TaskBook) -> None:
        ledger.open_task(task(MONEY), later(1))
        done = ledger.close_task("T-K1-1", "kim", "done it", later(2))
        assert (done.state, done.closed_by, done.reason) == (TaskState.DONE, "kim", "done it")
        for task_id in ("T-K1-1", "T-K1-9"):
            with pytest.raises(StaleError, match=task_id):
                ledger.close_task(task_id, "pat", "", later(3))
        assert ledger.tasks() == [done]

    def test_a_task_is_open_when_it_is_opened(self, ledger: TaskBook) -> None:
        with pytest.raises(LedgerError, match="T-K1-1"):
            ledger.open_task(task(MONEY, state=TaskState.DONE), later(1))
        assert ledger.tasks() == []

    def test_the_newest_word_waits_until_somebody_acts_on_it(self, ledger: TaskBook) -> None:
        first, second = (Word("BPK1-01", what, "kim", "seen", later(1)) for what in ("resend", "reject"))
        assert ledger.said("BPK1-01") is None
        ledger.say(first)
        assert ledger.said("BPK1-01") == first
        ledger.say(second)
        assert ledger.said("BPK1-01") == second
        with pytest.raises(StaleError):
            ledger.heard(first, "pat", later(2))
        ledger.heard(second, "pat", later(2))
        assert ledger.said("BPK1-01") is None
        with pytest.raises(StaleError):
            ledger.heard(second, "pat", later(3))
        ledger.say(replace(first, at=later(4)))
        assert ledger.said("BPK1-01") == replace(first, at=later(4))
        assert ledger.said("BPK1-02") is None

    def test_a_word_on_a_task_is_overtaken_when_it_is_done(self, ledger: TaskBook) -> None:
        ledger.open_task(task(MONEY), later(1))
        word = Word("T-K1-1", "reject", "kim", "not needed", later(2))
        ledger.say(word)
        assert ledger.said("T-K1-1") == word
        ledger.close_task("T-K1-1", "pat", "done", later(3))
        assert ledger.said("T-K1-1") is None
