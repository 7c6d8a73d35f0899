"""A small Alma in memory that answers late, twice, wrongly or not at all, as its behaviour says."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

from pipeline.ports.outside import AlmaFee, AlmaTransaction, Busy, Lost, PayOrder, Refused, ReportPage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.fakes.clock import FakeClock


class Read(StrEnum):
    """How a question is answered."""

    FRESH = "fresh"
    BUSY = "no usable answer"
    STALE = "an answer from before the last change"
    SYSTEM = "the key is refused"


class Answer(StrEnum):
    """What becomes of a payment request, and of the answer to it."""

    OK = "applied, answered"
    APPLIED_LOST = "applied, answer lost"
    NOT_APPLIED_LOST = "not applied, answer lost"
    LATE_LOST = "applied later, answer lost"
    GENERAL_APPLIED = "applied, answered 402119"
    GENERAL_NOT_APPLIED = "not applied, answered 402119"
    THROTTLED = "429, too many a second"
    USED_UP = "429, too many a day"
    NOT_SENT = "no connection"
    REFUSED = "refused by a named code"
    SYSTEM = "the key is refused"
    DOUBLED = "applied twice by a proxy, the answer shows both"
    DOUBLED_UNSEEN = "applied twice by a proxy, the answer shows one"
    DOUBLED_LOST = "applied twice by a proxy, answer lost"


class Throttled(Busy):
    """Too many requests, with Alma's code."""

    def __init__(self, code: str) -> None:
        super().__init__(f"429 {code}")
        self.code = code


class Behaviour(Protocol):
    """What the outside does next."""

    def read(self, *, may_be_stale: bool) -> Read: ...

    def answer(self, order: PayOrder) -> Answer: ...


@dataclass
class Scripted:
    """Does what the lists say, from the front, and behaves when they are used up."""

    reads: list[Read] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)

    def read(self, *, may_be_stale: bool) -> Read:
        return self.reads.pop(0) if self.reads else Read.FRESH

    def answer(self, order: PayOrder) -> Answer:
        return self.answers.pop(0) if self.answers else Answer.OK


@dataclass(frozen=True)
class Facts:
    """What nobody has published about Alma, as this one does it."""

    shows_closed: bool = True
    echoes_id: bool = True
    takes_overpayment: bool = False
    late: timedelta = timedelta(minutes=1)
    lag: timedelta = timedelta(minutes=10)


def no_step(_label: str) -> None:
    """Nothing happens at any step."""


def alone(fee: AlmaFee) -> AlmaFee:
    """Give a fee as Alma gives a single one: without a currency, which stands on lists only."""
    return replace(fee, currency="") if fee.currency else fee


class FakeAlma:
    """AlmaFees in memory.  ``step`` is told before and after every call takes effect, and may raise."""

    def __init__(
        self,
        clock: FakeClock,
        fees: Iterable[tuple[str, AlmaFee]],
        behaviour: Behaviour,
        facts: Facts = Facts(),
        step: Callable[[str], None] = no_step,
    ) -> None:
        self._clock = clock
        self._behaviour = behaviour
        self._facts = facts
        self._step = step
        self._patron_of: dict[str, str] = {}
        self._versions: dict[str, list[tuple[datetime, AlmaFee]]] = {}
        self._pending: list[tuple[datetime, PayOrder]] = []
        self.calls: list[str] = []
        self.requests: list[PayOrder] = []
        self.applied: list[PayOrder] = []
        for patron, fee in fees:
            self._patron_of[fee.fee_id] = patron
            self._versions[fee.fee_id] = [(clock.now(), fee)]

    def add(self, patron: str, fee: AlmaFee) -> None:
        """A fee is made, or stands there already."""
        if fee.fee_id not in self._versions:
            self._patron_of[fee.fee_id] = patron
            self._versions[fee.fee_id] = [(self._clock.now(), fee)]

    def fee(self, fee_id: str) -> AlmaFee:
        """Give the fee as it truly is now."""
        self._catch_up()
        return self._versions[fee_id][-1][1]

    def change(self, fee: AlmaFee) -> None:
        """Somebody at a desk changes a fee."""
        self._catch_up()
        self._versions[fee.fee_id].append((self._clock.now(), fee))

    def as_of(self, when: datetime) -> Iterator[tuple[str, AlmaFee]]:
        """Give every patron and fee as they stood at a moment."""
        self._catch_up()
        for fee_id, versions in self._versions.items():
            known = [fee for since, fee in versions if since <= when]
            if known:
                yield self._patron_of[fee_id], known[-1]

    def pay_by_hand(self, fee_id: str, cents: int, kind: str = "PAYMENT") -> None:
        """Somebody at a desk takes a payment."""
        self.change(self._paid(self.fee(fee_id), cents, "", kind, self._clock.now()))

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> tuple[AlmaFee, ...]:
        self._step("before list")
        self.calls.append(f"list {status}")
        mine = [fee_id for fee_id, patron in self._patron_of.items() if patron == patron_id]
        known = self._read(mine)
        self._step("after list")
        return tuple(fee for fee in known if fee.status == status)

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        self._step("before get")
        self.calls.append("get")
        if self._patron_of.get(fee_id) != patron_id:
            text = "401665 fine not found"
            raise Refused(text, code="401665")
        (fee,) = self._read([fee_id])
        self._step("after get")
        if fee.status == "CLOSED" and not self._facts.shows_closed:
            text = "closed fees are not supported"
            raise Refused(text, code="CLOSED-FEE")
        return alone(fee)

    def page(self, first: date, last: date, offset: int) -> ReportPage:
        """Answer as the fee-transactions report (FeeReport), two fees a page."""
        self._step("before report")
        self.calls.append("report")
        fees = [replace(fee, transactions=_between(fee, first, last)) for fee in self._read(list(self._versions))]
        fees = [fee for fee in fees if fee.transactions]
        self._step("after report")
        return ReportPage(tuple(fees[offset : offset + 2]), len(fees))

    def pay(self, order: PayOrder) -> AlmaFee:
        self._step("before pay")
        self.calls.append("pay")
        self.requests.append(order)
        self._catch_up()
        answer = self._behaviour.answer(order)
        shown = self._take(order, answer)
        self._step("after pay")
        if shown is None:
            raise trouble(answer)
        return alone(shown)

    def _take(self, order: PayOrder, answer: Answer) -> AlmaFee | None:
        """Do what the answer says is done; give the fee that is shown, if one is."""
        if answer is Answer.LATE_LOST:
            self._pending.append((self._clock.now() + self._facts.late, order))
        if answer not in APPLIES:
            return None
        now = self._clock.now()
        done = self._apply(order, now)
        shown = self.fee(order.fee_id)
        if answer in DOUBLES:
            self._apply(order, now)
        if answer is Answer.DOUBLED:
            shown = self.fee(order.fee_id)
        return shown if done and answer in SHOWS else None

    def _apply(self, order: PayOrder, at: datetime) -> bool:
        fee = self._versions[order.fee_id][-1][1]
        too_much = order.cents > fee.balance_cents and not self._facts.takes_overpayment
        if fee.status not in ("ACTIVE", "EXPORTED") or too_much:
            return False
        external_id = order.external_id if self._facts.echoes_id else ""
        self._versions[fee.fee_id].append((at, self._paid(fee, order.cents, external_id, "PAYMENT", at)))
        self.applied.append(order)
        return True

    def _paid(self, fee: AlmaFee, cents: int, external_id: str, kind: str, at: datetime) -> AlmaFee:
        number = f"t{len(fee.transactions) + 1}"
        one = AlmaTransaction(kind, cents, external_id, at.isoformat(), number)
        balance = max(0, fee.balance_cents - cents)
        status = fee.status if balance else "CLOSED"
        return replace(fee, transactions=(*fee.transactions, one), balance_cents=balance, status=status)

    def _catch_up(self) -> None:
        """Apply what was under way and has arrived by now."""
        if not self._pending:
            return
        for entry in [one for one in self._pending if one[0] <= self._clock.now()]:
            self._pending.remove(entry)
            self._apply(entry[1], entry[0])

    def _read(self, fee_ids: list[str]) -> list[AlmaFee]:
        self._catch_up()
        now = [self._versions[fee_id][-1][1] for fee_id in fee_ids]
        before = [self._before(fee_id) for fee_id in fee_ids]
        how = self._behaviour.read(may_be_stale=before != now)
        if how is Read.BUSY:
            raise Busy(how.value)
        if how is Read.SYSTEM:
            raise Refused(how.value, scope="system", code="401")
        return before if how is Read.STALE else now

    def _before(self, fee_id: str) -> AlmaFee:
        """Give the fee as it was ``lag`` ago, or as it first was."""
        versions = self._versions[fee_id]
        if len(versions) == 1:
            return versions[0][1]
        oldest = self._clock.now() - self._facts.lag
        return next((fee for since, fee in reversed(versions) if since <= oldest), versions[0][1])


def _between(fee: AlmaFee, first: date, last: date) -> tuple[AlmaTransaction, ...]:
    return tuple(one for one in fee.transactions if first.isoformat() <= one.time[:10] <= last.isoformat())


SHOWS = frozenset({Answer.OK, Answer.DOUBLED, Answer.DOUBLED_UNSEEN})
DOUBLES = frozenset({Answer.DOUBLED, Answer.DOUBLED_UNSEEN, Answer.DOUBLED_LOST})
APPLIES = SHOWS | DOUBLES | {Answer.APPLIED_LOST, Answer.GENERAL_APPLIED}


def trouble(answer: Answer) -> Exception:
    """Make what the caller of a payment gets to see."""
    match answer:
        case Answer.THROTTLED:
            return Throttled("PER_SECOND_THRESHOLD")
        case Answer.USED_UP:
            return Throttled("DAILY_THRESHOLD")
        case Answer.NOT_SENT:
            return Busy(answer.value)
        case Answer.REFUSED:
            return Refused("Alma refused with 401666", code="401666")
        case Answer.SYSTEM:
            return Refused(answer.value, scope="system", code="401")
        case _:
            return Lost(answer.value)


def a_fee(  # noqa: PLR0913 - a test says only what matters to it
    fee_id: str = "F1",
    *,
    bursar_id: str = "B1",
    status: str = "ACTIVE",
    kind: str = "OVERDUEFINE",
    original: int = 1000,
    balance: int | None = None,
    currency: str = "USD",
    transactions: tuple[AlmaTransaction, ...] = (),
) -> AlmaFee:
    """Make a fee of 10.00, open and unpaid unless told otherwise."""
    left = original if balance is None else balance
    return AlmaFee(fee_id, bursar_id, status, kind, original, left, currency, transactions)
