"""A check bounces: from the payment to the fee entered anew, night by night, with the stages as the nights run them."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import PaymentState, PostingState, Run, TaskState
from pipeline.stages.allocate import Planner, allocate_payment
from pipeline.stages.known import KNOWN
from pipeline.stages.locate import Views
from pipeline.stages.match import match
from pipeline.stages.plan import Terms
from pipeline.stages.recognise import recognise
from pipeline.stages.take_back import take_back
from tests.fakes.alma import FakeAlma, Scripted, a_fee
from tests.fakes.postings import a_charge, a_payment
from tests.samples import sample_campus
from tests.unit.back_kit import Desk, HeldFall, a_back, debt
from tests.unit.test_recognise import decisions, elsewhere, movements, recent

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.findings import Outcome

FIRST = date(2026, 11, 25)
NEW: dict[str, Any] = {"source": "export", "patron_id": "P1", "amount_cents": 1000, "barcode": "", "fee_type": "OTHER"}
SENT: dict[str, Any] = {"source": "export", "fee_id": "B1", "reference": "B1", "patron_id": "P1", "billed_cents": 1000}


def a_night(desk: Desk, folder: Path, number: int, *fees: Any) -> Work:
    """Run the two stages of a night; Alma shows these fees of the patron."""
    today = FIRST + timedelta(days=number)
    run = Run(number, today, 1, "night", desk.now)
    alma = FakeAlma(desk.clock, [("P1", fee) for fee in fees], Scripted())
    outside = Outside(desk.clock, lambda _connection, _folder: None, alma)  # type: ignore[arg-type, return-value]
    work = Work("PAYMENTS_IN", sample_campus(), today, run, desk.book, outside, folder)
    match(work)
    take_back(work)
    desk.clock.sleep(timedelta(days=1).total_seconds())
    return work


def charged_out(work: Work, **fee: Any) -> Outcome:
    """What becomes of a new fee in the same night."""
    asked = KNOWN["tasks"](work)
    return recognise(
        movements({**NEW, **fee}),
        work.campus,
        work.today,
        recent=recent({**SENT, "amount_cents": 1000}),
        elsewhere=elsewhere(),
        decisions=decisions(),
        tasks=asked,
    )


def told(work: Work) -> list[str]:
    return [finding.entry.code for finding in work.findings]


def test_a_bounced_check_ends_with_one_bill_and_one_payment(tmp_path: Path) -> None:
    desk = Desk(a_charge())
    desk.receive(a_payment())
    assert told(a_night(desk, tmp_path, 1)) == []
    (posting,) = desk.allocate("K1")
    desk.moved(posting, PostingState.POSTED)

    desk.receive(a_back(kind="reversal", origin_ref="R-K1"))
    night = a_night(desk, tmp_path, 2)
    assert (told(night), desk.state("R1"), desk.open()) == ([], PaymentState.TASKED, 1000)
    assert charged_out(night).boxes["held"]["code"].tolist() == ["FEE-MAY-REOPEN"]
    assert list(charged_out(night, comment="reopens B1").boxes) == ["continued"]

    desk.book.continue_as("B1", "2001", 1000, "2026-11-27T03:00:00+00:00")
    night = a_night(desk, tmp_path, 3)
    (task,) = desk.book.by_task.values()
    assert (task.state, desk.state("R1")) == (TaskState.DONE, PaymentState.SETTLED)
    assert len(charged_out(night).passed) == 1

    desk.receive(a_payment("K2", occurred_on="2026-11-28"))
    a_night(desk, tmp_path, 4)
    assert (desk.state("K2"), desk.shares("K2"), desk.open()) == (PaymentState.MATCHED, [("B1", 1000)], 0)


def test_a_refunded_returned_book_ends_when_alma_shows_no_credit(tmp_path: Path) -> None:
    desk = Desk(a_charge())
    desk.receive(a_payment())
    a_night(desk, tmp_path, 1)
    (posting,) = desk.allocate("K1")
    desk.moved(posting, PostingState.POSTED)
    desk.book.held_falls.append(HeldFall("C1", -1000))
    desk.receive(a_back(origin_ref="R-K1"))
    a_night(desk, tmp_path, 2, a_fee("C1", kind="CREDIT", original=-1000))
    assert (desk.tasks(), desk.state("R1")) == ([("clear-credit", "B1", 1000)], PaymentState.TASKED)
    a_night(desk, tmp_path, 3, a_fee("F9"))
    assert desk.state("R1") is PaymentState.SETTLED
    assert [one.closed_by for one in desk.book.by_task.values()] == ["pipeline"]


def test_a_surplus_that_goes_back_at_the_bursar_ends_its_task(tmp_path: Path) -> None:
    desk = Desk(a_charge())
    desk.receive(a_payment(cents=1500))
    a_night(desk, tmp_path, 1)
    planner = Planner(desk.book, Views(FakeAlma(desk.clock, [("P1", a_fee())], Scripted()), desk.clock))
    allocate_payment(desk.book.payments["K1"], planner, Terms("campus", {}), FIRST, desk.now)
    desk.moved(desk.book.postings_of("K1")[0], PostingState.POSTED)
    desk.receive(a_back(cents=-200, origin_ref="R-K1"))
    a_night(desk, tmp_path, 2)
    assert [one.state for one in desk.book.by_task.values()] == [TaskState.OPEN]
    desk.receive(a_back("R2", -300, origin_ref="R-K1"))
    a_night(desk, tmp_path, 3)
    assert [(one.kind, one.state) for one in desk.book.by_task.values()] == [("refund", TaskState.DONE)]
    assert desk.state("K1") is PaymentState.ALLOCATED


def test_a_surplus_that_goes_back_with_its_whole_receipt_ends_its_task(tmp_path: Path) -> None:
    desk = Desk(a_charge(), debt("B2", 500))
    desk.receive(a_payment(cents=1500, payment_ref="T1"), a_payment("K2", 500, fee_ref="B2", payment_ref="T1"))
    a_night(desk, tmp_path, 1)
    planner = Planner(desk.book, Views(FakeAlma(desk.clock, [("P1", a_fee())], Scripted()), desk.clock))
    allocate_payment(desk.book.payments["K1"], planner, Terms("campus", {}), FIRST, desk.now)
    desk.moved(desk.book.postings_of("K1")[0], PostingState.POSTED)
    desk.receive(a_back(cents=-2000, fee_ref="", origin_ref="T1"))
    a_night(desk, tmp_path, 2, a_fee("F2", bursar_id="B2", original=500))
    done = {one.kind: (one.cents, one.state) for one in desk.book.by_task.values()}
    assert done == {"refund": (500, TaskState.DONE), "unpay": (1000, TaskState.OPEN)}


def test_what_waits_is_told_once_and_looked_at_every_night(tmp_path: Path) -> None:
    desk = Desk(a_charge())
    desk.receive(a_payment(fee_ref="B7"), a_back(origin_ref="R-K9"))
    assert told(a_night(desk, tmp_path, 1)) == ["MATCH-UNKNOWN-FEE", "REVERSAL-EARLY"]
    assert told(a_night(desk, tmp_path, 2)) == []
    late = a_charge(fee_id="B7", reference="B7")
    desk.book.debts["export", "B7"] = desk.book.references["peoplesoft", "B7"] = late
    desk.receive(a_payment("K9", payment_ref="R-K9"))
    assert told(a_night(desk, tmp_path, 3, a_fee("F1"))) == []
    assert [desk.state(key) for key in ("K1", "K9", "R1")] == [
        PaymentState.MATCHED,
        PaymentState.CANCELLED,
        PaymentState.CANCELLED,
    ]
