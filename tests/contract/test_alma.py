"""The poster through the real client to the Alma of the box: every switch and every misbehaviour, exactly once."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.alma import AlmaHttp, AlmaSettings
from pipeline.adapters.alma_report import AlmaReport
from pipeline.adapters.pace import Pace
from pipeline.ports.ledger import PostingState
from pipeline.sandbox import mischief
from pipeline.sandbox.mischief import Call, Mischief
from pipeline.sandbox.records import PayRequest, Switches
from pipeline.stages.attempt import Desk
from pipeline.stages.confirm import confirm_all
from pipeline.stages.plan import Terms, external_id
from pipeline.stages.post import Rules, post_all
from tests.fakes.postings import FakeBook, a_charge, a_match, a_payment, a_share
from tests.unit.sandbox_kit import KEY, STUDENT, HandClock, running

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.ports.ledger import Payment
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

    reported: bool = False

    def night(self) -> list[str]:
        started = self.clock.now()
        told = post_all(self.alma, self.book, self.clock, Rules(started.date(), SETTLE, lambda _system: TERMS))
        desk = Desk(self.alma, self.book, self.clock, started.date(), SETTLE)
        report = AlmaReport(self.alma.line) if self.reported else None
        told += confirm_all(desk, report, started, 1000)
        self.clock.sleep(86_400)
        return [one.code for one in told]

    @property
    def state(self) -> PostingState | None:
        return self.book.by_id[X1].state if self.book.by_id else None

    @property
    def applied(self) -> int:
        return self.box.applied_for(X1)


def of_the_fee(payment: Payment, bursar_id: str) -> Payment:
    return a_match(replace(payment, fee_ref=bursar_id), a_share(payment.cents, fee_id=bursar_id))


@contextmanager
def campus(
    cents: int = 400, switches: Switches | None = None, *, id_type: str = "02", reserve: int = 0
) -> Iterator[Campus]:
    with running(switches) as (box, clock):
        fee = box.world.exported(box.world.add_fee(STUDENT, "OVERDUEFINE", 1000, owner="MAIN"), "BURSAR")
        patron = {"patron_id": STUDENT.identifier(id_type), "patron_id_type": id_type}
        book = FakeBook([a_charge(fee_id=fee.bursar_id, reference=fee.bursar_id, **patron)])
        book.enter([of_the_fee(a_payment(cents=cents), fee.bursar_id)])
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
        payment = of_the_fee(a_payment(cents=400), it.book.payments["K1"].fee_ref)
        it.book.lose()
        it.book.enter([payment])
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
        it.alma.line.remaining = None
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


@pytest.mark.parametrize("get_closed", [True, False])
@pytest.mark.parametrize("cents", [400, 1000])
def test_the_report_verifies_a_payment_without_a_look_at_its_fee(cents: int, *, get_closed: bool) -> None:
    with campus(cents, Switches(get_closed=get_closed)) as it:
        it.reported = True
        assert [it.night(), it.night(), it.night()] == [[], [], []]
        assert (it.applied, it.state) == (1, PostingState.VERIFIED)
        calls = [entry.call for entry in it.box.journal]
        assert (calls.count(Call.FEE_REPORT), calls.count(Call.GET_FEE)) == (1, 0)


@pytest.mark.parametrize("wrong", mischief.EVERY, ids=str)
def test_whatever_goes_wrong_with_the_report_a_payment_is_verified_all_the_same(wrong: Mischief) -> None:
    with campus(400) as it:
        it.reported = True
        it.night()
        it.box.mischiefs.order(wrong, call=Call.FEE_REPORT)
        assert set(it.night()) <= {"FEE-REPORT-FAILED"}
        it.night()
        assert (it.applied, it.state) == (1, PostingState.VERIFIED)


def test_a_doubled_payment_is_found_in_the_report() -> None:
    with campus(400) as it:
        it.reported = True
        it.night()
        (fee,) = it.box.world.fees.values()
        it.box.world.pay(PayRequest(fee.fee_id, 400, "ONLINE", X1, "a proxy sent it again"))
        assert it.night() == ["POST-DOUBLE"]


def test_a_report_of_many_fees_is_read_page_by_page() -> None:
    with running() as (box, clock), AlmaHttp(AlmaSettings(box.url, KEY), Pace(1000, clock)) as alma:
        for number in range(250):
            fee = box.world.add_fee(STUDENT, "OVERDUEFINE", 1000, owner="MAIN")
            box.world.pay(PayRequest(fee.fee_id, 400, "ONLINE", external_id("campus", f"K{number}", 1), ""))
        today = clock.now().date()
        report = AlmaReport(alma.line)
        pages = [report.page(today, today, offset) for offset in (0, 100, 200)]
        assert [(len(page.fees), page.total) for page in pages] == [(100, 250), (100, 250), (50, 250)]
        assert len({fee.fee_id for page in pages for fee in page.fees}) == 250
