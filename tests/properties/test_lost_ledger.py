"""The ledger is lost, the same files come again, and what they say is divided otherwise: nothing is paid twice."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import Payment, PaymentState, PostingState, Share
from pipeline.stages.attempt import Desk
from pipeline.stages.confirm import confirm_all
from pipeline.stages.plan import Terms
from pipeline.stages.post import Rules, post_all
from tests.fakes.alma import FakeAlma, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_payment, a_share
from tests.model.planted import PLANTED, Planted

if TYPE_CHECKING:
    from pipeline.ports.outside import PayOrder

SETTLE = timedelta(hours=6)
TERMS = Terms("campus", {})
PATRONS, FEES, MONEY = 6, 4, 9
SEEDS = 60


@dataclass
class Campus:
    """Patrons with fees of 10.00, and payments that name a fee, several, or none: part, whole and too much."""

    draw: random.Random
    clock: FakeClock = field(default_factory=FakeClock)

    def __post_init__(self) -> None:
        ids = [(f"P{who}", f"{who}{number}") for who in range(PATRONS) for number in range(FEES)]
        self.alma = FakeAlma(self.clock, [(who, a_fee(f"F{one}", bursar_id=f"B{one}")) for who, one in ids], Scripted())
        charges = [a_charge(fee_id=f"B{one}", reference=f"B{one}", patron_id=who, bursar_id=who) for who, one in ids]
        self.book = FakeBook(charges)
        self.files = [self._payment(f"K{who}.{number}", f"P{who}") for who in range(PATRONS) for number in range(MONEY)]

    def _payment(self, key: str, patron: str) -> Payment:
        fees = self.draw.sample([f"B{patron[1:]}{number}" for number in range(FEES)], k=2)
        cents = self.draw.choice((300, 500, 1000, 1500))
        match self.draw.randrange(3):
            case 0:
                return a_payment(key, cents, fee_ref=fees[0], patron_id=patron)
            case 1:
                return a_payment(
                    key, cents, fee_ref="", patron_id=patron, fees=((fees[0], 200), (fees[1], cents - 200))
                )
            case _:
                return a_payment(key, cents, fee_ref="", patron_id=patron)

    def match(self) -> None:
        """Divide what names no fee over what is still open, in an order that is another one every time."""
        for payment in self.book.payments_in(PaymentState.RECEIVED):
            shares = [a_share(cents, number, one) for number, (one, cents) in enumerate(payment.fees, 1)]
            shares = shares or ([a_share(payment.cents, 1, payment.fee_ref)] if payment.fee_ref else [])
            shares = shares or self._divided(payment)
            if shares:
                self.book.match_payment(payment, shares, self.clock.now())

    def _divided(self, payment: Payment) -> list[Share]:
        shares: list[Share] = []
        debts = list(self.book.charged_to(payment.system, payment.patron_id))
        self.draw.shuffle(debts)
        for debt in debts:
            left = payment.cents - sum(one.cents for one in shares)
            if min(left, debt.open_cents) > 0:
                shares.append(a_share(min(left, debt.open_cents), len(shares) + 1, debt.fee_id))
        return shares

    def night(self) -> None:
        started = self.clock.now()
        self.match()
        post_all(self.alma, self.book, self.clock, Rules(started.date(), SETTLE, lambda _system: TERMS, 120))
        confirm_all(Desk(self.alma, self.book, self.clock, started.date(), SETTLE), None, started, 1000)
        self.clock.sleep(86_400)

    def lose(self) -> None:
        """All is forgotten but what was charged; the files come again, their lines in another order."""
        self.book.lose()
        self.draw.shuffle(self.files)
        self.book.enter([replace(one, occurred_on=f"2026-11-{self.draw.randrange(10, 23)}") for one in self.files])


def receipt(order: PayOrder) -> str:
    """Give the key of the payment that an order says it is of."""
    return next(word for word in order.comment.split() if word.startswith("R-")).removeprefix("R-")


def paid_twice(campus: Campus) -> list[str]:
    """Name what took more than it may: an id, a payment, a fee."""
    times = Counter(one.external_id for one in campus.alma.applied)
    of_payment, of_fee = Counter[str](), Counter[str]()
    for one in campus.alma.applied:
        of_payment[receipt(one)] += one.cents
        of_fee[one.fee_id] += one.cents
    wrong = [external_id for external_id, count in times.items() if count > 1]
    wrong += [one.key for one in campus.files if of_payment[one.key] > one.cents]
    return wrong + [fee_id for fee_id, cents in of_fee.items() if cents > 1000]


def unknown(campus: Campus) -> list[str]:
    """Name what stands in Alma of a payment that the ledger has planned without it."""
    known = {one.external_id for one in campus.book.postings(PostingState.POSTED, PostingState.VERIFIED)}
    planned = {one.key for one in campus.book.payments_in(PaymentState.ALLOCATED)}
    return [one.external_id for one in campus.alma.applied if receipt(one) in planned and one.external_id not in known]


def played(seed: int) -> Campus:
    """Lose the ledger twice, each time after some nights."""
    campus = Campus(random.Random(seed))
    campus.book.enter(campus.files)
    for _ in range(2):
        for _ in range(campus.draw.randrange(1, 4)):
            campus.night()
        assert campus.alma.applied
        campus.lose()
    for _ in range(3):
        campus.night()
    return campus


@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_lost_ledger_and_the_same_files_again_pay_nothing_twice(seed: int) -> None:
    campus = played(seed)
    assert paid_twice(campus) == []
    assert unknown(campus) == []


@pytest.mark.parametrize(
    "bug", [one for one in PLANTED if one.name.startswith(("a total", "amount"))], ids=lambda one: one.name
)
def test_a_poster_that_does_not_find_its_past_is_caught(bug: Planted, monkeypatch: pytest.MonkeyPatch) -> None:
    bug.plant(monkeypatch)
    assert any(paid_twice(played(seed)) for seed in range(SEEDS))
