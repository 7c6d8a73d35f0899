"""What staff are told to see to when a report says no more what was dealt with already."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PaymentState, Share
from pipeline.stages.said_no_more import looks
from tests.fakes.alma import a_fee
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import Book, debt
from tests.unit.evening_kit import Evening

if TYPE_CHECKING:
    from pipeline.ports.ledger import Payment, Task

S = PaymentState
ONE = (Share(1, "export", "B1", 1000),)


class Told(Book):
    """A ledger whose system was last sent a file of this scope."""

    def __init__(self, scope: str) -> None:
        super().__init__([a_charge(reference="LIB-1"), debt("B2", 2000)])
        self.scope = scope

    def last_scope(self, system: str) -> str:
        return self.scope


def told(line: Payment, scope: str = "delta") -> list[Task]:
    return list(looks(line, "day2.csv does not say it any more", Told(scope), "2026-11-25"))  # type: ignore[arg-type]


def test_money_that_did_not_come_names_the_fee_and_the_mark_under_which_it_is_owed_again() -> None:
    (task,) = told(a_payment(state=S.ALLOCATED, shares=ONE))
    assert (task.task_id, task.fee_id, task.reference, task.patron_id) == ("look-K1-1", "B1", "LIB-1", "P1")
    assert task.text == (
        "sale of 10.00 of receipt R-K1 on 2026-11-22 for B1 (fee B1 of patron P1), first said by line 2 of its file, "
        "is allocated here: day2.csv does not say it any more. Ask the bursar whether the money came; if it did not, "
        "it is owed in Alma: enter a fee of exactly 10.00 there for the same patron, type and item, with the comment "
        '"reopens LIB-1", so that it is not billed twice, then close this task'
    )


def test_a_bursar_who_is_told_all_that_is_owed_gets_a_new_debt_in_place_of_the_one_that_counts_as_paid() -> None:
    (task,) = told(a_payment(state=S.ALLOCATED, shares=ONE), "snapshot")
    assert "without a mark: fee LIB-1 counts as settled here, so the new one is billed instead" in task.text
    assert "It is held first (FEE-MAY-REOPEN): bursar approve it" in task.text


def test_money_for_several_fees_is_a_task_for_each() -> None:
    both = told(a_payment(cents=3000, state=S.ALLOCATED, shares=(*ONE, Share(2, "export", "B2", 2000))))
    assert [(one.task_id, one.fee_id, one.cents) for one in both] == [
        ("look-K1-1", "B1", 1000),
        ("look-K1-2", "B2", 2000),
    ]


def test_money_for_no_fee_is_a_task_about_its_patron() -> None:
    (task,) = told(a_payment(fee_ref="", state=S.SETTLED))
    assert (task.fee_id, task.patron_id, task.cents) == ("", "P1", 1000)
    assert "for P1, first said" in task.text
    assert "if it did not, put it right in Alma by hand" in task.text


@pytest.mark.parametrize("state", [S.TASKED, S.CANCELLED])
def test_of_money_that_went_back_nobody_asks_whether_it_came(state: PaymentState) -> None:
    (task,) = told(a_payment("R1", -1000, kind="refund", state=state, shares=(Share(1, "export", "B1", -1000),)))
    assert task.cents == 1000
    assert "whether the money came" not in task.text
    assert (
        "Ask the bursar whether the money went back; if it did not, close the task that was opened for it" in task.text
    )
    assert "the debt is open, and the bursar is told so, until he says a payment of it" in task.text


def test_of_a_write_off_it_is_asked_whether_it_stands() -> None:
    (task,) = told(a_payment("W1", kind="writeoff", state=S.WITHDRAWN, shares=ONE))
    assert "Ask the bursar whether that is still written off; if it is not, close the task" in task.text
    assert "whether the money came" not in task.text


def test_after_money_that_never_came_the_next_pays_the_fee_that_staff_entered_anew() -> None:
    """What the task asks for: a fee with the mark that it reopens the debt, which counts as paid here."""
    evening = Evening(a_charge())
    evening.receive(a_payment())
    evening.evening()
    evening.fees.add("P1", a_fee("F9", bursar_id="B9"))
    reopened = a_charge(continued_by=("B9",))
    evening.book.debts["export", "B1"] = evening.book.references["peoplesoft", "B1"] = reopened
    evening.receive(a_payment("K2", payment_ref="R-K2", occurred_on="2026-11-28"))
    assert evening.evening() == []
    assert [one.fee_id for one in evening.fees.requests] == ["F1", "F9"]
    assert evening.standing("K1", "K2") == [(S.ALLOCATED, "")] * 2


def test_what_was_cancelled_needs_nothing_in_alma() -> None:
    (task,) = told(a_payment(state=S.CANCELLED, shares=ONE))
    assert "Nothing of it was sent to Alma" in task.text
