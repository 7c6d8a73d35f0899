"""The referee: knows what the bursar took and what Alma truly has, and judges the ledger after every step."""

from __future__ import annotations

from collections import Counter
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Protocol

from pipeline.ports.ledger import PaymentState, PostingState, TaskState
from pipeline.stages.external import external_id
from tests.soak.campus import NAME, RECEIPTS
from tests.soak.files import FIRST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from pipeline.ports.ledger import Charged, InFile, Payment, Posting, Task
    from pipeline.ports.outside import AlmaFee, AlmaTransaction, PayOrder
    from tests.soak.files import Sent
    from tests.soak.money import Debt, Line
    from tests.soak.weather import SoakAlma

P, S = PaymentState, PostingState
DOUBLED, LOST, WRONGLY, BOOKS = "doubled", "lost", "wrongly marked", "unbalanced"
Mark = tuple[str, ...]

PROVED = (S.POSTED, S.VERIFIED)
OURS_NO_MORE = (S.CANCELLED, S.RECORDED)
CONTRADICTS = ("PAYMENT-CHANGED", "PAYMENT-UNREADABLE", "PAYMENT-REPEATED", "PAYMENT-OTHER-DAY")
"""Rows that are no line of money of their own: they contradict another one, or cannot be read, and wait for people."""

ON_ITS_WAY = (P.RECEIVED, P.MATCHED)
ASKING = (P.HELD, P.SUSPENSE, P.TASKED)
"""States in which a person is asked about a payment that a lost ledger knew better."""

AT_WORK = (S.READY, S.SENDING, S.UNKNOWN)
"""States in which nobody is asked to do anything: nothing may rest there for ever."""


class ViolationError(BaseException):
    """Something that must never be; ``kind`` is doubled, lost, wrongly marked or unbalanced.

    No stage and no night may catch it.
    """

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


@cache
def stem(payment_key: str) -> str:
    """Give what the ids of all shares of a payment begin with."""
    return external_id(NAME, payment_key, 1)[:-3]


def mark_of(payment: Payment) -> Mark:
    """Tell a payment of the ledger by the same words as a true line of money."""
    if payment.system == RECEIPTS:
        return (payment.system, payment.payment_ref, payment.payment_line, payment.kind, str(payment.cents))
    day = (date.fromisoformat(payment.occurred_on) - FIRST).days if payment.occurred_on else -1
    return (payment.system, payment.patron_id, payment.fee_ref, str(day), str(payment.cents))


class Records(Protocol):
    """What the referee looks at in a ledger."""

    @property
    def payments(self) -> Mapping[str, Payment]: ...
    @property
    def by_id(self) -> Mapping[str, Posting]: ...
    @property
    def by_task(self) -> Mapping[str, Task]: ...
    @property
    def arrivals(self) -> Mapping[str, InFile]: ...
    @property
    def suspense(self) -> Mapping[str, int]: ...
    @property
    def debts(self) -> Collection[tuple[str, str]]: ...
    def posting(self, external_id: str) -> Posting | None: ...
    def charge_of(self, source: str, fee_id: str) -> Charged | None: ...


class Referee:
    """Judges one seed."""

    def __init__(self, lines: Sequence[Line], debts: Sequence[Debt], sent: Sequence[Sent], alma: SoakAlma) -> None:
        self.alma = alma
        self.truth = Counter(one.mark for one in lines)
        self.line = {one.mark: one for one in lines}
        self.debt = {one.fee_id: one for one in debts}
        self.says = {one.sha: (one.system, one.says) for one in sent}
        self.stems: dict[str, Mark] = {}
        self.approved: Counter[str] = Counter()
        self.booked: set[str] = set()
        self.looks = 0

    def before_a_request(self, book: Records, order: PayOrder) -> None:
        """No request without a durable intent, and none again after doubt unless a person said so."""
        intent = book.posting(order.external_id)
        if intent is None or (intent.state, intent.cents, intent.alma_fee_id) != (S.SENDING, order.cents, order.fee_id):
            raise ViolationError(DOUBLED, f"{order.external_id} is being sent, and the ledger has {intent}")
        if self.alma.risked[order.external_id] > self.approved[order.external_id]:
            raise ViolationError(DOUBLED, f"{_posted(intent)} is sent again, and nobody said so")

    def after_step(self, book: Records) -> None:
        """Judge what must hold at every moment.  Raises ViolationError."""
        self.looks += 1
        payments = list(book.payments.values())
        self.stems |= {stem(one.key): mark_of(one) for one in payments}
        self._every_line_once(payments, book)
        self._every_cent_once(payments, book)
        self._alma_has_each_once()
        self._marked_as_it_is(book)

    def _every_line_once(self, payments: Sequence[Payment], book: Records) -> None:
        """Each line of money of a file that is booked is in the ledger as often as it is true."""
        told: Counter[Mark] = Counter()
        once: Counter[Mark] = Counter()
        for file in book.arrivals.values():
            if file.state == "booked":
                self.booked.add(file.sha)
            if file.sha in self.booked:  # also while it is read once more, because it was left there anew
                system, says = self.says[file.sha]
                if system == RECEIPTS:
                    once |= Counter(dict.fromkeys(says, 1))
                else:
                    told |= says
        expected = told + once
        entered = Counter(mark_of(one) for one in payments if one.code not in CONTRADICTS)
        if entered != expected and (missing := expected - entered):
            raise ViolationError(LOST, f"{dict(missing)} came, and the ledger does not have it")
        if entered != expected:
            raise ViolationError(DOUBLED, f"{dict(entered - expected)} is in the ledger too often")

    def _every_cent_once(self, payments: Sequence[Payment], book: Records) -> None:
        """A payment is in one place; what is planned of it and what is left over are the payment."""
        planned: Counter[str] = Counter()
        for one in book.by_id.values():
            planned[one.payment_key] += one.cents
        for payment in payments:
            matched = sum(share.cents for share in payment.shares)
            if payment.state is P.ALLOCATED:
                left = book.suspense.get(payment.key, 0)
                if planned[payment.key] + left != payment.cents or left < 0:
                    raise ViolationError(BOOKS, f"{_told(payment)}: {planned[payment.key]} planned, {left} left over")
            elif planned[payment.key] and payment.state is not P.CANCELLED:
                raise ViolationError(BOOKS, f"{_told(payment)} is not allocated and has postings")
            if payment.cents > 0 and not 0 <= matched <= payment.cents:
                raise ViolationError(BOOKS, f"{_told(payment)}: shares of {matched}")

    def _alma_has_each_once(self) -> None:
        """What our requests did in Alma: each payment at most once, to the cent, and on no stranger's fee."""
        taken: Counter[Mark] = Counter()
        on_fee: Counter[tuple[Mark, str]] = Counter()
        for order in self.alma.applied:
            mark = self.stems.get(order.external_id[:-3])
            if mark is None:
                raise ViolationError(WRONGLY, f"{order.external_id} is nobody's payment")
            taken[mark] += order.cents
            on_fee[mark, order.fee_id] += 1
            self._belongs(order, self.line[mark])
        for mark, cents in taken.items():
            if cents > self.line[mark].cents * self.truth[mark]:
                raise ViolationError(DOUBLED, f"{mark} came {self.truth[mark]} times, and Alma has {cents} of it")
        for (mark, fee_id), times in on_fee.items():
            if times > self.truth[mark]:
                raise ViolationError(DOUBLED, f"{mark} came {self.truth[mark]} times, and is {times} times on {fee_id}")
        self._imports()

    def _imports(self) -> None:
        """Alma never imports more of a fee than truly came in for its patron."""
        for fee_id, cents in Counter[str](dict(_summed(self.alma.imported))).items():
            debt = self.debt[fee_id.removeprefix("F")]
            if cents > debt.cents:
                raise ViolationError(DOUBLED, f"fee {fee_id} of {debt.cents} was given {cents} to import")

    def _belongs(self, order: PayOrder, line: Line) -> None:
        debt = self.debt[order.fee_id.removeprefix("F")]
        named = {reference for reference, _ in line.names}
        if debt.way != "api" or (named and debt.fee_id not in named) or debt.patron != line.patron:
            raise ViolationError(WRONGLY, f"{line} was paid on {debt}")

    def _marked_as_it_is(self, book: Records) -> None:
        """What is marked as posted stands in Alma with its cents on its fee; what is cancelled does not."""
        there = self.alma.standing()
        for posting in book.by_id.values():
            found = [(fee.fee_id, one.cents) for fee, one in there.get(posting.external_id, ())]
            if posting.way == "api" and posting.state in PROVED and found != [(posting.alma_fee_id, posting.cents)]:
                raise ViolationError(WRONGLY, f"{_posted(posting)}, and Alma has {found}")
            if posting.state in OURS_NO_MORE and found:
                raise ViolationError(WRONGLY, f"{_posted(posting)}, and Alma has {found}")
        for payment in book.payments.values():
            if payment.state in (P.CANCELLED, P.EXCLUDED, P.WITHDRAWN):
                mine = [one for one in there if one[:-3] == stem(payment.key)]
                if mine:
                    raise ViolationError(WRONGLY, f"{_told(payment)} stands in Alma as {mine}")

    def at_the_end(self, book: Records) -> None:
        """Judge what must hold once the world has been calm for days.  Raises ViolationError."""
        self.after_step(book)
        entered = Counter(mark_of(one) for one in book.payments.values() if one.code not in CONTRADICTS)
        if entered != self.truth:
            raise ViolationError(LOST, f"in the end {dict(self.truth - entered)} never came in")
        self._debts_are_paid(book)
        there = self.alma.standing()
        by_key: dict[str, list[Posting]] = {}
        for posting in book.by_id.values():
            by_key.setdefault(posting.payment_key, []).append(posting)
            if posting.state in AT_WORK and posting.way == "api":
                raise ViolationError(LOST, f"{_posted(posting)}: nobody is asked about it")
        for payment in book.payments.values():
            if payment.state in ON_ITS_WAY:
                raise ViolationError(LOST, f"{_told(payment)}: nobody is asked about it")
            line = self.line.get(mark_of(payment))
            if payment.state is P.EXCLUDED and line is not None and line.moved and line.item.startswith("LIB-"):
                raise ViolationError(LOST, f"{_told(payment)}: it was money of the library's")
            self._known_to_us(payment, by_key.get(payment.key, ()), there)
            self._gone_back(payment, book, there)

    @property
    def unseen(self) -> set[str]:
        """The fees of patrons whom Alma does not know any more: nobody can look at them."""
        return {f"F{one.fee_id}" for one in self.debt.values() if one.patron in self.alma.gone}

    def _debts_are_paid(self, book: Records) -> None:
        """What counts as paid of a debt is what came in for it, less what went back."""
        paid: Counter[tuple[str, str]] = Counter()
        for payment in book.payments.values():
            if payment.state not in (P.CANCELLED, P.WITHDRAWN):
                for share in payment.shares:
                    paid[share.source, share.fee_id] += share.cents
        for debt in book.debts:
            charged = book.charge_of(*debt)
            if charged is None or charged.paid_cents != paid[debt] or charged.paid_cents < 0:
                raise ViolationError(BOOKS, f"debt {debt}: {paid[debt]} came in, and {charged} says otherwise")

    def _known_to_us(
        self,
        payment: Payment,
        postings: Sequence[Posting],
        there: Mapping[str, Sequence[tuple[AlmaFee, AlmaTransaction]]],
    ) -> None:
        """What stands in Alma of a payment is known to stand there, or a person is asked."""
        mine = stem(payment.key)
        states = {one.external_id: one.state for one in postings}
        for external in (one for one in there if one[:-3] == mine):
            state = states.get(external)
            unseen = there[external][0][0].fee_id in self.unseen
            asking = state is None or (unseen and state in (S.DOUBT, S.HELD))
            if state in PROVED or (asking and payment.state in (*ASKING, P.ALLOCATED)):
                continue
            raise ViolationError(LOST, f"{_told(payment)}: {external} stands in Alma, and is {state} here")

    def _gone_back(
        self, payment: Payment, book: Records, there: Mapping[str, Sequence[tuple[AlmaFee, AlmaTransaction]]]
    ) -> None:
        """What went back at the bursar and is paid in Alma, staff have a task for."""
        backs = [one for one in book.payments.values() if one.takes_back == payment.key]
        if not backs:
            return
        gone = -sum(one.cents for one in backs)
        mine = stem(payment.key)
        in_alma = sum(one.cents for name, every in there.items() if name[:-3] == mine for _, one in every)
        tasks = [task for one in backs for task in book.by_task.values() if task.subject == one.key]
        told = sum(max(0, one.cents) for one in tasks if one.kind in ("unpay", "clear-credit", "look"))
        if in_alma - told > payment.cents - gone:
            raise ViolationError(LOST, f"{_told(payment)}: {gone} went back, Alma has {in_alma}, tasks say {told}")

    def waits(self, book: Records) -> Counter[str]:
        """Count what stands in front of a person, by its reason."""
        held = Counter(f"{one.state} {one.code}" for one in book.payments.values() if one.state in (P.HELD, P.SUSPENSE))
        held += Counter(f"{one.state} {one.code}" for one in book.by_id.values() if one.state in (S.HELD, S.DOUBT))
        return held + Counter(f"task {one.kind}" for one in book.by_task.values() if one.state is TaskState.OPEN)


def _summed(given: Sequence[tuple[str, int]]) -> Iterator[tuple[str, int]]:
    total: Counter[str] = Counter()
    for fee_id, cents in given:
        total[fee_id] += cents
    yield from total.items()


def _told(payment: Payment) -> str:
    return (
        f"payment {payment.key} {mark_of(payment)} of {payment.cents} is {payment.state} {payment.code} {payment.why!r}"
    )


def _posted(posting: Posting) -> str:
    return f"posting {posting.external_id} of {posting.cents} is {posting.state} {posting.code} {posting.why!r}"
