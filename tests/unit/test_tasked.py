"""Fees that staff enter anew after money went back: with the mark they continue the debt, without it they are held."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.ports.ledger import PaymentState, PostingState, TaskState
from pipeline.stages import closing
from pipeline.stages.recognise import recognise
from tests.fakes.alma import FakeAlma, Read, Scripted, a_fee
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import Desk, a_back, open_tasks
from tests.unit.test_recognise import CAMPUS, TODAY, codes, decisions, elsewhere, movements, recent

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings import Outcome
    from tests.fakes.alma import Behaviour

ASKED = ("report", "1001", "1001", "001234567", 1250)
PLAIN: dict[str, Any] = {"barcode": "39777", "fee_type": "OTHER"}
"""Another item and type, so that nothing else holds it."""
MARKED = {**PLAIN, "comment": "reopens 1001"}


def run(new: pd.DataFrame, sent: pd.DataFrame, *asked: tuple[str, str, str, str, int], yes: bool = False) -> Outcome:
    decided = decisions("c2001", code="FEE-MAY-REOPEN") if yes else decisions()
    return recognise(
        new, CAMPUS, TODAY, recent=sent, elsewhere=elsewhere(), decisions=decided, tasks=open_tasks(*asked)
    )


def test_a_new_fee_of_that_patron_and_amount_without_the_mark_is_held_and_the_mark_is_named() -> None:
    outcome = run(movements(PLAIN), recent(), ASKED)
    assert codes(outcome) == {"held": ["FEE-MAY-REOPEN"]}
    assert outcome.boxes["held"]["why"].tolist() == [
        'fee 2001, 12.50: 12.50 of this patron went back and the fee was to be entered anew with "reopens 1001"'
    ]


@pytest.mark.parametrize(
    "asked",
    [
        (),
        (("report", "1001", "1001", "001234568", 1250),),
        (("report", "1001", "1001", "001234567", 1251),),
    ],
    ids=["no task", "other patron", "other amount"],
)
def test_any_other_new_fee_passes(asked: tuple[tuple[str, str, str, str, int], ...]) -> None:
    assert len(run(movements(PLAIN), recent(), *asked).passed) == 1


@pytest.mark.parametrize("source", ["report", "export"])
def test_where_no_mark_is_read_a_task_that_is_done_holds_a_fee_of_its_source_too(source: str) -> None:
    done = open_tasks(("report", "1001", "1001", "001234567", 1250), state=TaskState.DONE)
    new = movements({**PLAIN, "source": source})
    nothing = {"recent": recent(), "elsewhere": elsewhere(), "decisions": decisions()}
    outcome = recognise(new, CAMPUS, TODAY, **nothing, tasks=done)
    assert codes(outcome) == ({"held": ["FEE-MAY-REOPEN"]} if source == "report" else {})
    said = "comments of report are not read, so this may be that fee"
    words = f"fee 2001, 12.50: 12.50 of this patron went back and fee 1001 was entered anew; {said}"
    assert not outcome.boxes or outcome.boxes["held"]["why"].tolist() == [words]


def test_a_task_that_is_done_lets_no_second_fee_pass_with_its_mark() -> None:
    part = open_tasks(("report", "1001", "1001", "001234567", 400), state=TaskState.DONE)
    less = movements({**MARKED, "amount_cents": 400})
    outcome = recognise(
        less, CAMPUS, TODAY, recent=recent({}), elsewhere=elsewhere(), decisions=decisions(), tasks=part
    )
    assert codes(outcome) == {"held": ["REOPENS-DIFFERS"]}


def test_a_persons_yes_lets_it_go_as_a_debt_of_its_own() -> None:
    assert len(run(movements(PLAIN), recent(), ASKED, yes=True).passed) == 1


def test_with_the_mark_it_continues_the_debt() -> None:
    assert codes(run(movements(MARKED), recent({}), ASKED)) == {"continued": ["REOPENS"]}


def test_after_a_part_refund_it_may_be_worth_less_than_was_billed() -> None:
    part = ("report", "1001", "1001", "001234567", 400)
    less = {**MARKED, "amount_cents": 400}
    assert codes(run(movements(less), recent({}), part)) == {"continued": ["REOPENS"]}
    assert codes(run(movements(less), recent({}))) == {"held": ["REOPENS-DIFFERS"]}


def test_after_a_second_refund_the_debt_is_continued_once_more() -> None:
    before = recent({"continued_by": "1500"})
    assert codes(run(movements(MARKED), before, ASKED)) == {"continued": ["REOPENS"]}
    assert codes(run(movements(MARKED), before)) == {"held": ["REOPENS-TWICE"]}


def test_one_task_lets_one_fee_pass() -> None:
    both = movements(MARKED, {**MARKED, "fee_id": "2002", "against": "2002", "reference": "2002", "content": "c2002"})
    assert codes(run(both, recent({}), ASKED)) == {"held": ["REOPENS-TWICE", "REOPENS-TWICE"]}


def test_a_mark_that_names_a_charge_of_nobody_stays_a_question() -> None:
    assert codes(run(movements(MARKED), recent(), ASKED)) == {"held": ["REOPENS-UNKNOWN"]}


def unpaid(*backs: int, behaviour: Behaviour | None = None) -> Desk:
    """Money of B1 went back in these parts, and staff are to enter fees anew."""
    desk = Desk(a_charge())
    desk.receive(a_payment())
    desk.match()
    for posting in desk.allocate("K1"):
        desk.moved(posting, PostingState.POSTED)
    for number, cents in enumerate(backs, 1):
        desk.receive(a_back(f"R{number}", -cents, origin_ref="R-K1"))
    assert desk.back() == []
    return desk


def test_the_task_closes_by_itself_when_the_fee_has_come() -> None:
    desk = unpaid(1000)
    desk.book.continue_as("B1", "N1", 1000)
    closing.reopened(desk.book, desk.clock)
    (task,) = desk.book.by_task.values()
    assert (task.state, task.closed_by, task.reason) == (
        TaskState.DONE,
        "pipeline",
        "fee N1 of 10.00 continues it",
    )
    assert desk.state("R1") is PaymentState.SETTLED


@pytest.mark.parametrize(("cents", "booked_on"), [(999, "2026-11-26"), (1000, "2026-11-24")])
def test_it_stays_open_for_another_amount_or_a_fee_that_came_before(cents: int, booked_on: str) -> None:
    desk = unpaid(1000)
    desk.book.continue_as("B1", "N1", cents, booked_on)
    closing.reopened(desk.book, desk.clock)
    assert [one.state for one in desk.book.by_task.values()] == [TaskState.OPEN]


def test_it_stays_open_while_nothing_continues_the_debt() -> None:
    desk = unpaid(1000)
    closing.reopened(desk.book, desk.clock)
    assert [one.state for one in desk.book.by_task.values()] == [TaskState.OPEN]


def test_one_fee_closes_one_task() -> None:
    desk = unpaid(500, 500)
    desk.book.continue_as("B1", "N1", 500)
    for _ in range(2):
        closing.reopened(desk.book, desk.clock)
    assert [one.state for one in desk.book.by_task.values()] == [TaskState.DONE, TaskState.OPEN]
    desk.book.continue_as("B1", "N2", 500)
    closing.reopened(desk.book, desk.clock)
    assert [one.state for one in desk.book.by_task.values()] == [TaskState.DONE, TaskState.DONE]


def test_each_of_two_fees_of_one_night_closes_the_task_of_its_amount() -> None:
    desk = unpaid(600, 400)
    for fee, cents in (("N1", 600), ("N2", 400)):
        desk.book.continue_as("B1", fee, cents)
    closing.reopened(desk.book, desk.clock)
    assert [(one.state, one.reason) for one in desk.book.by_task.values()] == [
        (TaskState.DONE, "fee N1 of 6.00 continues it"),
        (TaskState.DONE, "fee N2 of 4.00 continues it"),
    ]


def refunded(behaviour: Scripted, *fees: Any) -> tuple[Desk, FakeAlma]:
    """A credited book was refunded, and the credit is to be cleared."""
    desk = unpaid()
    desk.book.credit("B1", 1000)
    desk.receive(a_back(origin_ref="R-K1"))
    assert desk.back() == []
    return desk, FakeAlma(desk.clock, [("P1", fee) for fee in fees], behaviour)


@pytest.mark.parametrize(
    ("fees", "state"),
    [
        ([a_fee("F2")], TaskState.DONE),
        ([], TaskState.DONE),
        ([a_fee("C1", kind="CREDIT", original=-1000)], TaskState.OPEN),
        ([a_fee("C1", kind="OTHER", original=-1000)], TaskState.OPEN),
    ],
    ids=["no credit", "no fee", "a credit", "a negative balance"],
)
def test_a_credit_is_cleared_when_alma_shows_none(fees: list[Any], state: TaskState) -> None:
    desk, alma = refunded(Scripted(), *fees)
    assert closing.cleared(desk.book, alma, desk.clock) == []
    assert [one.state for one in desk.book.by_task.values()] == [state]
    assert alma.calls == ["list ACTIVE"]


@pytest.mark.parametrize(("read", "told"), [(Read.BUSY, []), (Read.SYSTEM, ["POST-STOPPED"])])
def test_a_look_that_does_not_come_closes_nothing(read: Read, told: list[str]) -> None:
    desk, alma = refunded(Scripted(reads=[read]))
    assert [finding.entry.code for finding in closing.cleared(desk.book, alma, desk.clock)] == told
    assert [one.state for one in desk.book.by_task.values()] == [TaskState.OPEN]
    assert closing.cleared(desk.book, None, desk.clock) == []
