"""One world of the model: its facts, its nights, and what must be true in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState, PostingState, Way
from pipeline.stages import attempt, confirm, post
from pipeline.stages.plan import Terms
from tests.fakes.alma import Answer, Facts, FakeAlma, Read, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_payment, a_share
from tests.model.judge import ViolationError, judge_payment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Payment, Share
    from pipeline.ports.outside import AlmaFee, PayOrder
    from tests.model.explore import Chooser

SETTLE = timedelta(hours=6)
DAY = timedelta(hours=24)
RESTART = timedelta(minutes=5)
LONG = timedelta(hours=200)
RESENT_AFTER = timedelta(hours=72)
TERMS = Terms("model", {"CC": "CREDIT_CARD"})

ANSWERS = (
    Answer.OK,
    Answer.APPLIED_LOST,
    Answer.NOT_APPLIED_LOST,
    Answer.LATE_LOST,
    Answer.THROTTLED,
    Answer.NOT_SENT,
    Answer.REFUSED,
    Answer.SYSTEM,
)
"""Every outcome that differs for the poster: 402119, 5xx, resets and proxy pages are all "answer lost" at this port."""

CERTAIN = (Answer.OK, Answer.THROTTLED, Answer.NOT_SENT, Answer.REFUSED, Answer.SYSTEM)
"""Answers after which both sides know what happened."""

AT_ONCE = Facts()
DOUBLED = (Answer.DOUBLED, Answer.DOUBLED_UNSEEN, Answer.DOUBLED_LOST)
READS = (Read.FRESH, Read.BUSY, Read.SYSTEM, Read.STALE)


class Crash(BaseException):
    """The machine stops here: nothing catches it but the next start."""


@dataclass(frozen=True)
class Money:
    """A payment of so many cents: ``names`` are the fees it names with their cents; none for a patron's total."""

    cents: int
    names: tuple[tuple[int, int], ...] = ()


def named(cents: int, fee: int = 1) -> Money:
    """Make a payment that names one fee."""
    return Money(cents, ((fee, cents),))


@dataclass(frozen=True)
class World:
    """What is fixed in all the schedules of a world; everything else is chosen."""

    name: str
    payments: tuple[Money, ...] = (named(1000),)
    fees: tuple[int, ...] = (1000,)
    """What is open on each fee; all are one patron's."""
    ways: tuple[str, ...] = ()
    """How each is settled, where not all by the API."""
    status: str = "ACTIVE"
    facts: Facts = AT_ONCE
    answers: tuple[Answer, ...] = ANSWERS
    crashes: int = 1
    bad_reads: int = 1
    nights: int = 3
    ledger_lost: bool = False
    desk: bool = False
    intake: bool = False
    """Whether the machine may stop while plans are made too."""
    report: bool = False
    """Whether payments are verified by Alma's report."""
    resend: bool = False
    """Whether a person may have a doubt sent again after three days."""


class Play:
    """One schedule of a world, played by the production code."""

    def __init__(self, world: World, chooser: Chooser) -> None:
        self._world = world
        self._chooser = chooser
        self._crashes = world.crashes
        self._bad_reads = world.bad_reads
        self._clock = FakeClock()
        self._doubled: set[str] = set()
        numbers = range(1, len(world.fees) + 1)
        ways = world.ways or (Way.API,) * len(world.fees)
        self._debts = [
            a_charge(fee_id=f"B{n}", reference=f"B{n}", charged_cents=abs(world.fees[n - 1]), payments_to=ways[n - 1])
            for n in numbers
        ]
        self._alma = FakeAlma(self._clock, [("P1", _fee(n, world)) for n in numbers], self, world.facts, self._step)
        self._book = FakeBook(self._debts, self._step)
        self._received = [_received(n, one) for n, one in enumerate(world.payments, 1)]
        self._lose_after = 0
        self._troubled = world.desk or world.ledger_lost

    def run(self) -> None:
        """Play all nights, then calm ones, and judge.  Raises ViolationError."""
        self._lose_after = self._chooser.pick(self._world.nights) if self._world.ledger_lost else 0
        self._enter()
        for number in range(1, self._world.nights + 1):
            self._night()
            self._clock.sleep(DAY.total_seconds())
            self._between(number)
        self._chooser.calm = True
        self._clock.sleep(LONG.total_seconds())
        for _ in range(3):
            self._night()
            self._clock.sleep(DAY.total_seconds())
        self._judge()

    def read(self, *, may_be_stale: bool) -> Read:
        """Decide how a question is answered (Behaviour)."""
        if self._bad_reads == 0:
            return Read.FRESH
        choice = READS[self._chooser.pick(len(READS) if may_be_stale else len(READS) - 1)]
        self._bad_reads -= choice is not Read.FRESH
        return choice

    def answer(self, order: PayOrder) -> Answer:
        """Decide what becomes of a payment request (Behaviour)."""
        choice = self._world.answers[self._chooser.pick(len(self._world.answers))]
        if choice in DOUBLED:
            self._doubled.add(order.comment)
        self._troubled |= choice not in CERTAIN
        return choice

    def _step(self, label: str) -> None:
        """Perhaps the machine stops.  Stopping before a call is stopping after the last one: one choice, not two."""
        planning = label in ("after list", "after allocate", "after report") or "matched" in label
        by_hand = label == "after doubt -> ready"
        if self._crashes == 0 or label.startswith("before") or by_hand or (planning and not self._world.intake):
            return
        if self._chooser.pick(2):
            self._crashes -= 1
            self._troubled = True
            raise Crash(label)

    def _night(self) -> None:
        """Run until it ends by itself; after a stop the same command is given again."""
        while True:
            try:
                self._command()
            except Crash:
                self._clock.sleep(RESTART.total_seconds())
            else:
                return

    def _command(self) -> None:
        started = self._clock.now()
        alma, book, clock = self._alma, self._book, self._clock
        self._match()
        post.post_all(alma, book, clock, post.Rules(started.date(), SETTLE, lambda _system: TERMS, 1000))
        desk = attempt.Desk(alma, book, clock, started.date(), SETTLE)
        confirm.confirm_all(desk, alma if self._world.report else None, started, 1000)

    def _enter(self) -> None:
        """The files of all payments come; after a lost ledger they come again, and are not divided as they were."""
        self._book.payments |= {one.key: one for one in self._received}

    def _match(self) -> None:
        """Say which debts each payment is for: those it names; else those still open, in the order they stand here."""
        waiting = {one.key for one in self._book.payments_in(PaymentState.RECEIVED)}
        for payment in self._received:
            if payment.key in waiting:
                shares = _named(payment) or self._divided(payment)
                self._book.match_payment(payment, shares, self._clock.now())

    def _divided(self, payment: Payment) -> list[Share]:
        shares: list[Share] = []
        for debt in self._debts:
            left = payment.cents - sum(one.cents for one in shares)
            now = self._book.charge_of(debt.source, debt.fee_id)
            if now is not None and min(left, now.open_cents) > 0:
                shares.append(a_share(min(left, now.open_cents), len(shares) + 1, debt.fee_id))
        return shares or [a_share(payment.cents)]

    def _between(self, night: int) -> None:
        """Between two nights people do something, or the ledger is lost and the files come again."""
        if self._world.desk:
            self._at_the_desk()
        if self._world.resend:
            self._have_doubts_sent_again()
        if night == self._lose_after:
            self._book.lose()
            if len(self._received) > 1 and self._chooser.pick(2):
                self._received.reverse()
            if len(self._debts) > 1 and self._chooser.pick(2):
                self._debts.reverse()
            self._enter()

    def _have_doubts_sent_again(self) -> None:
        for one in self._book.postings(PostingState.DOUBT):
            old = one.since is not None and self._clock.now() - one.since >= RESENT_AFTER
            if old and self._chooser.pick(2):
                self._book.move_posting(one, PostingState.READY, self._clock.now(), code=one.code, why="ann: not there")

    def _at_the_desk(self) -> None:
        fee = self._alma.fee("F1")
        paid = min(self._world.payments[0].cents, self._world.fees[0])
        match self._chooser.pick(5):
            case 1 if fee.status == "ACTIVE" and fee.balance_cents >= paid:
                self._alma.pay_by_hand("F1", paid)
            case 2 if fee.status == "ACTIVE" and fee.balance_cents > 100:
                self._alma.pay_by_hand("F1", 100)
            case 3 if fee.status == "ACTIVE":
                self._alma.pay_by_hand("F1", fee.balance_cents, "WAIVE")
            case 4 if fee.status in ("ACTIVE", "INDISPUTE"):
                other = "INDISPUTE" if fee.status == "ACTIVE" else "ACTIVE"
                self._alma.change(replace(fee, status=other))

    def _judge(self) -> None:
        applied = Counter((one.comment, one.fee_id) for one in self._alma.applied)
        cents = Counter[str]()
        for one in self._alma.applied:
            cents[one.comment] += one.cents
        self._judge_fees()
        for payment in self._received:
            comment = next((one for one in cents if f" R-{payment.key} " in one), "")
            mine = {fee_id: times for (said, fee_id), times in applied.items() if said == comment}
            judge_payment(self._book, payment.key, mine, cents[comment], by_proxy=comment in self._doubled)
            parked = self._book.payments[payment.key].state is PaymentState.HELD
            if parked and not mine and payment is self._received[0] and not self._troubled:
                kind = "wrongly parked"
                raise ViolationError(kind, f"payment {payment.key}: {self._book.payments[payment.key].why}")

    def _judge_fees(self) -> None:
        """No fee takes more than was open on it, and none that is not ours to pay takes anything."""
        taken = Counter[str]()
        for one in self._alma.applied:
            taken[one.fee_id] += one.cents if one.comment not in self._doubled else 0
        for number, (debt, open_cents) in enumerate(
            zip(sorted(self._debts, key=lambda one: one.fee_id), self._world.fees, strict=True), 1
        ):
            most = max(0, open_cents) if debt.payments_to == Way.API else 0
            if taken[f"F{number}"] > most:
                kind = "doubled"
                raise ViolationError(kind, f"fee F{number} of {open_cents} took {taken[f'F{number}']}")


def _fee(number: int, world: World) -> AlmaFee:
    """Make a fee; one of less than nothing was closed before anything came."""
    cents = world.fees[number - 1]
    status = world.status if cents > 0 else "CLOSED"
    return a_fee(f"F{number}", bursar_id=f"B{number}", original=abs(cents), balance=max(0, cents), status=status)


def _received(number: int, money: Money) -> Payment:
    fees = tuple((f"B{fee}", cents) for fee, cents in money.names)
    fee_ref = fees[0][0] if len(fees) == 1 else ""
    return a_payment(f"K{number}", money.cents, fee_ref=fee_ref, fees=fees if len(fees) > 1 else ())


def _named(payment: Payment) -> list[Share]:
    fees = payment.fees or ([(payment.fee_ref, payment.cents)] if payment.fee_ref else [])
    return [a_share(cents, number, fee_id) for number, (fee_id, cents) in enumerate(fees, 1)]


def play(world: World, chooser: Chooser) -> None:
    """Play one schedule of a world.  Raises ViolationError, or whatever broke, with the line that replays it."""
    try:
        Play(world, chooser).run()
    except Exception as error:
        error.add_note(f"replay: python -m tests.model.run --replay {world.name}:{dotted(chooser.taken)}")
        raise


def dotted(schedule: Sequence[int]) -> str:
    """Write a schedule as one word."""
    return ".".join(str(choice) for choice in schedule)
