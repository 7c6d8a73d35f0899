"""The machine stops at any move of a night of matching and taking back; the same night again ends as if it had not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.campus.back import Unnamed
from pipeline.ports.ledger import Payment, PaymentState, PostingState
from pipeline.ports.outside import AlmaTransaction
from pipeline.stages.external import external_id
from pipeline.stages.plan import Terms
from pipeline.stages.post import Rules, post_all
from tests.fakes.alma import Read
from tests.fakes.postings import a_payment
from tests.unit.back_kit import TODAY, Desk, a_back, debt, unnamed

OWED = (
    debt("B1", 1000),
    debt("B2", 500),
    debt("B3", 800, "2026-12-24"),
    debt("B4", 700),
    debt("B5", 90, patron_id="P5", bursar_id="P5"),
)


class Crash(BaseException):
    """The machine stops here."""


class Fuse:
    """Stops at the n-th step, once."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, _label: str) -> None:
        self.left -= 1
        if self.left == 0:
            raise Crash


def an_evening(rule: Unnamed) -> Desk:
    """Money of an earlier night is partly posted; tonight brings money of every kind, and money goes back."""
    desk = Desk(*OWED, rule=rule)
    desk.receive(a_payment("K1", 1500, fee_ref="", fees=(("B1", 1000), ("B2", 500))))
    desk.match()
    first, _ = desk.allocate("K1")
    desk.moved(first, PostingState.POSTED)
    desk.receive(
        a_payment("K2", 800, fee_ref="B3", patron_id="P9"),
        a_payment("K3", 300, fee_ref="X"),
        a_payment("K4", 900, fee_ref="", fees=(("B4", 600), ("Y", 300))),
        unnamed("K5", 100, patron_id="P5"),
        a_payment("K6", 100, fee_ref="B4"),
        a_back("R1", -1500, fee_ref="", origin_ref="R-K1"),
        a_back("R2", -100, kind="void", fee_ref="B4", payment_ref="R-K6"),
        a_back("R3", -50, origin_ref="R-K77"),
        a_back("W1", 10, kind="writeoff", fee_ref="B4", payment_ref=""),
        a_back("A1", 70, kind="adjustment"),
    )
    return desk


def told(desk: Desk) -> tuple[object, ...]:
    """Where everything stands."""
    payments = {one.key: (one.state, one.code, one.shares, one.takes_back) for one in desk.book.payments.values()}
    postings = {one.external_id: one.state for one in desk.book.by_id.values()}
    return payments, postings, sorted(desk.book.by_task), [desk.open(one.fee_id) for one in OWED]


def ends(number: int, rule: Unnamed) -> tuple[bool, tuple[object, ...]]:
    """Whether the machine stopped at the n-th step, and how the night ends after all."""
    desk, stopped = an_evening(rule), False
    desk.book.step = Fuse(number)
    try:
        desk.night()
    except Crash:
        stopped = True
        assert all(_kept_back(one) for one in desk.book.payments.values())
        desk.book.step = Fuse(0)
        desk.night()
    return stopped, told(desk)


def _kept_back(payment: Payment) -> bool:
    """What a person must look at is never, for a moment, ready to be posted."""
    return payment.key not in ("K2", "K4") or payment.state is not PaymentState.MATCHED


def _every_step(rule: Unnamed) -> int:
    whole, number = ends(0, rule)[1], 0
    while True:
        number += 1
        stopped, end = ends(number, rule)
        assert end == whole
        if not stopped:
            return number - 1


def test_a_night_that_stops_anywhere_ends_the_same() -> None:
    assert _every_step(Unnamed()) > 20


def test_so_it_does_where_a_person_wants_to_look() -> None:
    assert _every_step(Unnamed(review=True)) > 20


def a_lost_ledger(*reads: Read) -> Desk:
    """Alma has K1 of an earlier ledger, and not K2; all files come again, and both went back."""
    desk = Desk(*OWED)
    desk.alma = desk.an_alma(*reads)
    fee = desk.alma.fee("F1")
    past = AlmaTransaction("PAYMENT", 1000, external_id("campus", "K1", 1), "2026-11-20T10:00:00Z", "t1")
    desk.alma.change(replace(fee, status="CLOSED", balance_cents=0, transactions=(past,)))
    desk.receive(a_payment("K1"), a_payment("K2", 700, fee_ref="B4"))
    desk.receive(a_back("R1", origin_ref="R-K1"), a_back("R2", -700, fee_ref="B4", origin_ref="R-K2"))
    return desk


def two_nights(number: int, *reads: Read) -> tuple[bool, Desk]:
    """Match, take back and post on two nights; the machine stops at the n-th step of them, and begins again."""
    desk, stopped = a_lost_ledger(*reads), False
    desk.book.step = Fuse(number)
    for _ in range(3):
        try:
            for _ in range(2):
                desk.night()
                rules = Rules(TODAY, timedelta(hours=6), lambda _s: Terms("campus", {}), withheld=desk.withheld)
                post_all(desk.alma, desk.book, desk.clock, rules)
                desk.clock.sleep(86_400)
        except Crash:
            stopped = True
    return stopped, desk


@pytest.mark.parametrize("reads", [[], [Read.BUSY], [Read.FRESH, Read.BUSY]])
def test_after_a_lost_ledger_a_refund_ends_the_same_wherever_the_night_stops(reads: list[Read]) -> None:
    number, stopped = 0, True
    while stopped:
        number += 1
        stopped, desk = two_nights(number, *reads)
        assert desk.alma is not None
        assert desk.alma.requests == []
        assert [desk.state(key) for key in ("K1", "R1", "K2", "R2")] == [
            PaymentState.ALLOCATED,
            PaymentState.TASKED,
            PaymentState.CANCELLED,
            PaymentState.CANCELLED,
        ]
        assert desk.tasks() == [("unpay", "B1", 1000)]
    assert number > 10
