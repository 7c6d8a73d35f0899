"""One world of the model: its facts, its nights, and what must be true in the end."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState, PostingState
from pipeline.stages import allocate, confirm, post
from pipeline.stages.plan import Terms
from tests.fakes.alma import Answer, Facts, FakeAlma, Read, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_payment

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Payment, Posting
    from pipeline.ports.outside import PayOrder
    from tests.model.explore import Chooser

SETTLE = timedelta(hours=6)
DAY = timedelta(hours=24)
RESTART = timedelta(minutes=5)
LONG = timedelta(hours=200)
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
PROVED = (PostingState.POSTED, PostingState.VERIFIED)
UNSEEN = (PostingState.READY, PostingState.SENDING, PostingState.UNKNOWN)
"""States in which nobody is asked to do anything; no posting may rest there for ever."""


class Crash(BaseException):
    """The machine stops here: nothing catches it but the next start."""


class ViolationError(AssertionError):
    """Something that must never be.  ``kind`` is doubled, lost, wrongly marked or wrongly parked."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


@dataclass(frozen=True)
class World:
    """What is fixed in all the schedules of a world; everything else is chosen."""

    name: str
    payments: tuple[int, ...] = (1000,)
    balance: int = 1000
    status: str = "ACTIVE"
    facts: Facts = AT_ONCE
    answers: tuple[Answer, ...] = ANSWERS
    crashes: int = 1
    bad_reads: int = 1
    nights: int = 3
    ledger_lost: bool = False
    desk: bool = False
    intake: bool = False
    """Whether looking for the fee and planning may fail too."""


class Play:
    """One schedule of a world, played by the production code."""

    def __init__(self, world: World, chooser: Chooser) -> None:
        self._world = world
        self._chooser = chooser
        self._crashes = world.crashes
        self._bad_reads = world.bad_reads
        self._planning = False
        self._clock = FakeClock()
        self._doubled: set[str] = set()
        status = world.status
        fees = [("P1", a_fee(original=world.balance, status=status, currency=""))]
        self._alma = FakeAlma(self._clock, fees, self, world.facts, self._step)
        self._book = FakeBook([a_charge(charged_cents=world.balance)], self._step)
        self._received = [a_payment(f"K{n}", cents) for n, cents in enumerate(world.payments, 1)]
        self._lose_after = 0
        self._troubled = world.desk or world.ledger_lost

    def run(self) -> None:
        """Play all nights, then calm ones, and judge.  Raises ViolationError."""
        self._lose_after = self._chooser.pick(self._world.nights) if self._world.ledger_lost else 0
        self._book.payments |= {one.key: one for one in self._received}
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
        if self._bad_reads == 0 or (self._planning and not self._world.intake):
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
        if self._crashes == 0 or label.startswith("before") or (self._planning and not self._world.intake):
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
        self._planning = True
        allocate.allocate_all(self._waiting(), alma, book, clock, lambda _payment: TERMS)
        self._planning = False
        post.post_all(alma, book, clock, SETTLE, 1000)
        confirm.confirm_all(alma, book, clock, SETTLE, started, 1000)

    def _waiting(self) -> list[Payment]:
        order = {one.key: place for place, one in enumerate(self._received)}
        received = sorted(self._book.payments_in(PaymentState.RECEIVED), key=lambda one: order[one.key])
        held = [one for one in self._book.payments_in(PaymentState.HELD) if one.code in allocate.RECONSIDERED]
        return [*received, *held]

    def _between(self, night: int) -> None:
        """Between two nights: somebody at the desk does something, or the ledger is lost and the files come again."""
        if self._world.desk:
            self._at_the_desk()
        if night == self._lose_after:
            self._book.lose()
            if len(self._received) > 1 and self._chooser.pick(2):
                self._received.reverse()
            self._book.payments |= {one.key: one for one in self._received}

    def _at_the_desk(self) -> None:
        fee = self._alma.fee("F1")
        match self._chooser.pick(5):
            case 1 if fee.status == "ACTIVE" and fee.balance_cents >= self._world.payments[0]:
                self._alma.pay_by_hand("F1", self._world.payments[0])
            case 2 if fee.status == "ACTIVE" and fee.balance_cents > 100:
                self._alma.pay_by_hand("F1", 100)
            case 3 if fee.status == "ACTIVE":
                self._alma.pay_by_hand("F1", fee.balance_cents, "WAIVE")
            case 4 if fee.status in ("ACTIVE", "INDISPUTE"):
                other = "INDISPUTE" if fee.status == "ACTIVE" else "ACTIVE"
                self._alma.change(replace(fee, status=other))

    def _judge(self) -> None:
        applied = Counter(one.comment for one in self._alma.applied)
        cents = Counter[str]()
        for one in self._alma.applied:
            cents[one.comment] += one.cents
        for payment in self._received:
            mine = next((key for key in applied if f" R-{payment.key} " in key), "")
            posting = next((one for one in self._book.by_id.values() if one.payment_key == payment.key), None)
            self._judge_one(payment, posting, applied[mine], cents[mine], by_proxy=mine in self._doubled)

    def _judge_one(self, payment: Payment, posting: Posting | None, times: int, cents: int, *, by_proxy: bool) -> None:
        state = posting.state if posting else None
        says = f"payment {payment.key} of {payment.cents} stands {times} times in Alma with {cents}, and is {state}"
        waits = state in UNSEEN or self._book.payments[payment.key].state is PaymentState.RECEIVED
        parked = state in (None, PostingState.HELD, PostingState.DOUBT)
        wrong = {
            "doubled": (times > 1 or cents > payment.cents) and not (by_proxy and state is PostingState.DOUBLE),
            "lost": (times == 1 and state not in PROVED) or (times == 0 and waits),
            "wrongly marked": times == 0 and not waits and not parked,
            "wrongly parked": times == 0 and parked and payment is self._received[0] and not self._troubled,
        }
        for kind, so in wrong.items():
            if so:
                raise ViolationError(kind, says)


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
