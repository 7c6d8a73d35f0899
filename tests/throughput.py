"""A clean night of many payments over an Alma that counts what she is asked, with a clock that goes only in waits."""

from __future__ import annotations

import random
from bisect import bisect_left
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.adapters.pace import Pace
from pipeline.ports.ledger import PostingState
from pipeline.ports.outside import AlmaFee, AlmaTransaction, PayOrder, ReportPage
from pipeline.stages.attempt import Desk
from pipeline.stages.confirm import confirm_all
from pipeline.stages.plan import Terms
from pipeline.stages.post import Rules, post_all
from tests.fakes.alma import a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_match, a_payment, a_share

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from pipeline.ports.ledger import Charged, Payment

SETTLE = timedelta(hours=6)
TERMS = Terms("campus", {"CC": "CREDIT_CARD"})
ANSWERS_S = (*(0.04, 0.08, 0.12, 0.16) * 5, 0.3)
"""Seconds that an answer takes, drawn; the longest is more than the distance of calls at five a second."""


class CountingAlma:
    """AlmaFees and FeeReport that answer at once or late, and note when each call began."""

    def __init__(self, pace: Pace, clock: FakeClock, answers: Callable[[], float]) -> None:
        self._pace, self._clock, self._answers = pace, clock, answers
        self.fees: dict[str, dict[str, AlmaFee]] = {}
        self.calls: Counter[str] = Counter()
        self.begun: list[datetime] = []

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> Sequence[AlmaFee]:
        self._call("list")
        return [fee for fee in self.fees[patron_id].values() if fee.status == status]

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        self._call("get")
        return replace(self.fees[patron_id][fee_id], currency="")

    def pay(self, order: PayOrder) -> AlmaFee:
        self._call("pay")
        fee = self.fees[order.patron_id][order.fee_id]
        one = AlmaTransaction("PAYMENT", order.cents, order.external_id, self._clock.now().isoformat(), "t")
        left = fee.balance_cents - order.cents
        status = fee.status if left else "CLOSED"
        paid = replace(fee, transactions=(*fee.transactions, one), balance_cents=left, status=status)
        self.fees[order.patron_id][order.fee_id] = paid
        return replace(paid, currency="")

    def page(self, first: date, last: date, offset: int) -> ReportPage:
        self._call("report")
        paid = [fee for fees in self.fees.values() for fee in fees.values() if fee.transactions]
        return ReportPage(tuple(paid[offset : offset + 100]), len(paid))

    def _call(self, kind: str) -> None:
        self._pace.slot()
        self.begun.append(self._clock.now())
        self.calls[kind] += 1
        self._clock.sleep(self._answers())


class QuickBook(FakeBook):
    """A book of money of which no charge changes, so that it can be asked for it often."""

    def now(self, charge: Charged) -> Charged:
        return charge


@dataclass
class Night:
    """What a night came to."""

    payments: int
    rate: float
    alma: CountingAlma
    verified: int = 0
    looked_or_paid: int = 0
    seconds: float = 0.0
    paid_begun: list[datetime] = field(default_factory=list)

    @property
    def per_payment(self) -> float:
        """Requests that look or pay, for each payment."""
        return self.looked_or_paid / self.payments

    @property
    def achieved(self) -> float:
        """The rate achieved, as a part of the configured one."""
        return (len(self.paid_begun) - 1) / self.seconds / self.rate

    @property
    def most_in_a_second(self) -> int:
        """The most calls that began in any one second, whether of posting or of verifying."""
        return most_in_a_second(self.alma.begun)


def most_in_a_second(begun: Sequence[datetime]) -> int:
    """Count the calls in the fullest second; ``begun`` rises."""
    second = timedelta(seconds=1)
    return max(bisect_left(begun, first + second) - at for at, first in enumerate(begun))


def clean_night(payments: int, patrons: int, rate: float, *, named: bool = True, status: str = "ACTIVE") -> Night:
    """Post so many payments of so many patrons, nothing going wrong, and verify them by the report the night after.

    ``named`` says whether the money names its fees, ``status`` is how these stand in Alma.
    """
    draw = random.Random(payments)
    clock = FakeClock()
    alma = CountingAlma(Pace(rate, clock), clock, lambda: draw.choice(ANSWERS_S) * 5 / max(5, rate))
    money = [_one(number, draw.randrange(patrons), draw, alma, named=named) for number in range(payments)]
    for fees in alma.fees.values():
        fees.update({fee_id: replace(fee, status=status) for fee_id, fee in fees.items()})
    book = QuickBook(charge for charge, _ in money)
    book.enter(payment for _, payment in money)
    today = clock.now().date()
    post_all(alma, book, clock, Rules(today, SETTLE, lambda _system: TERMS))
    night = Night(payments, rate, alma, looked_or_paid=alma.calls.total(), paid_begun=list(alma.begun))
    night.seconds = (alma.begun[-1] - alma.begun[0]).total_seconds()
    clock.sleep(86_400)
    confirm_all(Desk(alma, book, clock, today + timedelta(days=1), SETTLE), alma, clock.now(), 1_000_000)
    night.verified = len(book.postings(PostingState.VERIFIED))
    return night


def _one(number: int, patron: int, draw: random.Random, alma: CountingAlma, *, named: bool) -> tuple[Charged, Payment]:
    """Make a fee and a payment of all or half of it, on one of three days."""
    who, fee_id, cents = f"P{patron}", f"B{number}", draw.randrange(100, 9000)
    alma.fees.setdefault(who, {})[f"F{number}"] = a_fee(f"F{number}", bursar_id=fee_id, original=cents)
    charge = a_charge(fee_id=fee_id, reference=fee_id, patron_id=who, charged_cents=cents)
    paid = draw.choice((cents, cents, cents // 2))
    day = f"2026-02-{draw.randrange(26, 29)}"
    payment = a_payment(f"K{number}", paid, fee_ref=fee_id if named else "", patron_id=who, occurred_on=day)
    return charge, a_match(payment, a_share(paid, fee_id=fee_id))
