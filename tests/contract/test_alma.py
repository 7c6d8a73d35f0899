"""The poster through the real client to the Alma of the box: every switch and every misbehaviour, exactly once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.alma import AlmaHttp, AlmaSettings
from pipeline.adapters.pace import Pace
from pipeline.ports.ledger import PaymentState, PostingState
from pipeline.sandbox import mischief
from pipeline.sandbox.mischief import Call, Mischief
from pipeline.sandbox.records import Switches
from pipeline.stages.allocate import RECONSIDERED, allocate_all
from pipeline.stages.confirm import confirm_all
from pipeline.stages.plan import Terms, external_id
from pipeline.stages.post import post_all
from tests.fakes.postings import FakeBook, a_charge, a_payment
from tests.unit.sandbox_kit import KEY, STUDENT, HandClock, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.sandbox.alma import Alma

SETTLE = timedelta(hours=6)
TERMS = Terms("campus", {"CC": "CREDIT_CARD"})
X1 = external_id("campus", "K1", 1)


@dataclass
class Campus:
    """One exported fee of 10.00, one payment for it, and the nights."""

    box: Alma
    clock: HandClock
    alma: AlmaHttp
    book: FakeBook

    def night(self) -> list[str]:
        started = self.clock.now()
        held = [one for one in self.book.payments_in(PaymentState.HELD) if one.code in RECONSIDERED]
        waiting = [*self.book.payments_in(PaymentState.RECEIVED), *held]
        told = allocate_all(waiting, self.alma, self.book, self.clock, lambda _: TERMS)
        told += post_all(self.alma, self.book, self.clock, SETTLE, 100)
        told += confirm_all(self.alma, self.book, self.clock, SETTLE, started, 100)
        self.clock.sleep(86_400)
        return [one.code for one in told]

    @property
    def state(self) -> PostingState | None:
        return self.book.by_id[X1].state if self.book.by_id else None

    @property
    def applied(self) -> int:
        return self.box.applied_for(X1)


@contextmanager
def campus(
    cents: int = 400, switches: Switches | None = None, *, id_type: str = "02", reserve: int = 0
) -> Iterator[Campus]:
    with running(switches) as (box, clock):
        fee = box.world.exported(box.world.add_fee(STUDENT, "OVERDUEFINE", 1000, owner="MAIN"), "BURSAR")
        patron = {"patron_id": STUDENT.identifier(id_type), "patron_id_type": id_type}
        book = FakeBook([a_charge(fee_id=fee.bursar_id, **patron)])
        book.enter([a_payment(cents=cents)])
        with AlmaHttp(AlmaSettings(box.url, KEY, reserve=reserve), Pace(1000, clock)) as alma:
            yield Campus(box, clock, alma, book)


@pytest.mark.parametrize("wrong", mischief.EVERY, ids=str)
@pytest.mark.parametrize(
    ("call", "cents"),
    [(Call.LIST_FEES, 400), (Call.GET_FEE, 400), (Call.FEE_OP, 400), (Call.FEE_OP, 1000)],
    ids=["list", "get", "pay a part", "pay all"],
)
def test_whatever_goes_wrong_the_payment_is_there_once_or_somebody_is_asked(
    wrong: Mischief, call: Call, cents: int
) -> None:
    with campus(cents) as it:
        it.box.mischiefs.order(wrong, call=call)
        for _ in range(4):
            it.night()
        assert (it.applied, it.state) in ((1, PostingState.VERIFIED), (0, PostingState.DOUBT))
        if call is not Call.FEE_OP:
            assert it.state is PostingState.VERIFIED


@pytest.mark.parametrize("late_apply_s", [60, 300_000])
@pytest.mark.parametrize("get_closed", [True, False])
def test_a_payment_that_lands_late_is_found_and_never_sent_again(late_apply_s: int, *, get_closed: bool) -> None:
    with campus(1000, Switches(late_apply_s=late_apply_s, get_closed=get_closed)) as it:
        it.box.mischiefs.order(mischief.TIMEOUT_APPLIED, call=Call.FEE_OP)
        for _ in range(8):
            it.night()
        assert (it.applied, it.state) == (1, PostingState.VERIFIED)
        assert [entry.call for entry in it.box.journal].count(Call.FEE_OP) == 1


@pytest.mark.parametrize("get_closed", [True, False])
@pytest.mark.parametrize("closed_code", ["402119", "401665"])
@pytest.mark.parametrize("cents", [400, 1000])
def test_part_and_full_payments_are_verified_whether_closed_fees_are_shown_or_not(
    cents: int, closed_code: str, *, get_closed: bool
) -> None:
    with campus(cents, Switches(get_closed=get_closed, closed_code=closed_code)) as it:
        assert [it.night(), it.night()] == [[], []]
        assert (it.applied, it.state) == (1, PostingState.VERIFIED)


@pytest.mark.parametrize("export_shows", [True, False])
def test_a_fee_that_the_export_closed_holds_its_payment(*, export_shows: bool) -> None:
    with campus(switches=Switches(exported="closed", export_shows=export_shows)) as it:
        assert [it.night(), it.night()] == [["FEE-CLOSED"], []]
        assert (it.applied, it.state) == (0, None)


def test_a_fee_that_cannot_be_paid_after_the_export_holds_its_payment() -> None:
    with campus(switches=Switches(exported="transferred_unpayable")) as it:
        assert [it.night(), it.night()] == [["POST-REFUSED"], []]
        assert (it.applied, it.state) == (0, PostingState.HELD)


def test_an_alma_that_does_not_echo_our_id_ends_in_front_of_a_person_and_not_in_a_second_payment() -> None:
    with campus(switches=Switches(echo_external_id=False)) as it:
        assert [it.night(), it.night(), it.night()] == [["POST-UNKNOWN"], ["POST-DOUBT"], []]
        assert (it.applied, it.state) == (1, PostingState.DOUBT)


@pytest.mark.parametrize("overpay", ["refuse", "credit", "accept"])
def test_more_than_the_balance_is_never_sent_whatever_alma_would_do(overpay: str) -> None:
    with campus(1500, Switches(overpay=overpay)) as it:  # type: ignore[arg-type]
        assert [it.night(), it.night()] == [["OVERPAID"], []]
        assert (it.applied, it.state, it.book.suspense) == (1, PostingState.VERIFIED, {"K1": 500})


def test_a_lost_ledger_finds_the_payment_again() -> None:
    with campus(400) as it:
        it.night()
        it.book.lose()
        it.book.enter([a_payment(cents=400)])
        assert [it.night(), it.night()] == [[], []]
        assert (it.applied, it.state) == (1, PostingState.VERIFIED)


@pytest.mark.parametrize("id_type", ["02", "userName"])
def test_a_patron_is_found_by_each_type_of_identifier(id_type: str) -> None:
    with campus(id_type=id_type) as it:
        assert it.night() == []
        assert it.applied == 1


@pytest.mark.parametrize("left", range(1, 7))
def test_when_the_day_is_used_up_posting_stops_anywhere_and_goes_on_the_next_day(left: int) -> None:
    with campus() as it:
        it.box.remaining = left
        assert set(it.night()) <= {"POST-PAUSED", "LOCATE-BUSY", "POST-UNKNOWN"}
        assert it.applied <= 1
        it.box.remaining = 1000
        it.alma.remaining = None
        it.night()
        it.night()
        assert (it.applied, it.state) == (1, PostingState.VERIFIED)


def test_the_calls_reserved_for_others_are_left_to_them() -> None:
    with campus(reserve=100) as it:
        it.box.remaining = 103
        assert it.night() == ["POST-PAUSED"]
        assert (it.box.remaining, it.applied) == (99, 0)


def test_a_wrong_key_stops_posting() -> None:
    with campus() as it, AlmaHttp(AlmaSettings(it.box.url, "another-key"), Pace(1000, it.clock)) as refused:
        it.alma = refused
        assert it.night() == ["POST-STOPPED"]
        assert it.applied == 0
