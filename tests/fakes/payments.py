"""The payments of a ledger, in memory: the same moves, the same refusals, nothing that lasts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.ports.ledger import (
    PAYMENT_MOVES,
    UNSENT,
    Allocation,
    Charged,
    LedgerError,
    Payment,
    PaymentState,
    Posting,
    PostingState,
    Run,
    Share,
    StaleError,
    Task,
    TaskState,
)
from tests.fakes.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from pipeline.findings import Finding

S = PaymentState
VERBS = (S.ALLOCATED, S.CANCELLED, S.TASKED, S.WITHDRAWN)
KEEPING = (S.HELD, S.MATCHED, S.SETTLED)


def refuse(what: str) -> None:
    """Say no in the ledger's words."""
    message = f"{what}; nothing was changed"
    raise LedgerError(message)


class FakePayments(Kept):
    """PaymentBook in memory."""

    def known_payments(self, keys: Sequence[str]) -> Mapping[str, Payment]:
        return {key: self.payments[key] for key in keys if key in self.payments}

    def enter_payments(
        self, run: Run, file_sha: str, payments: Sequence[Payment], findings: Sequence[Finding], at: datetime
    ) -> None:
        if file_sha in self.files:
            raise StaleError(file_sha)
        self.enter(payments)
        self.files[file_sha] = "booked"

    def enter(self, payments: Iterable[Payment]) -> None:
        """Enter payments without a file."""
        payments = list(payments)
        if known := [one.key for one in payments if one.key in self.payments]:
            raise StaleError(", ".join(known))
        self.step("before enter")
        self.payments |= {one.key: one for one in payments}
        self.step("after enter")

    def refuse_file(self, run: Run, file_sha: str, finding: Finding, at: datetime) -> None:
        if file_sha in self.files:
            raise StaleError(file_sha)
        self.files[file_sha] = "refused"
        self.refused_files[file_sha] = finding.code

    def payments_in(self, *states: PaymentState) -> Sequence[Payment]:
        return _by_date(one for one in self.payments.values() if one.state in states)

    def payments_of(self, system: str, payment_ref: str) -> Sequence[Payment]:
        found = [one for one in self.payments.values() if (one.system, one.payment_ref) == (system, payment_ref)]
        return sorted(found, key=lambda one: (one.payment_line, one.key))

    def payments_for(self, source: str, fee_id: str) -> Sequence[Payment]:
        debt = (source, fee_id)
        return _by_date(
            one for one in self.payments.values() if debt in {(share.source, share.fee_id) for share in one.shares}
        )

    def backs_of(self, key: str) -> Sequence[Payment]:
        return _by_date(one for one in self.payments.values() if key and one.takes_back == key)

    def payments_between(self, system: str, reader: str, first: str, last: str) -> Sequence[Payment]:
        said = (one for one in self.payments.values() if (one.system, one.reader) == (system, reader))
        return _by_date(one for one in said if first <= one.occurred_on <= last)

    def charged(self, system: str, reference: str) -> Charged | None:
        known = self.references.get((system, reference))
        if known is not None:
            return self.now(known)
        named = [one for one in self.debts.values() if (one.system, one.fee_id) == (system, reference)]
        return self.now(named[0]) if len(named) == 1 else None

    def charged_to(self, system: str, patron_id: str) -> Sequence[Charged]:
        small = patron_id.lower()
        mine = [one for one in self.debts.values() if small in (one.patron_id.lower(), one.bursar_id.lower())]
        found = [self.now(one) for one in mine if one.system == system and one.sent_on]
        return sorted(found, key=lambda one: (one.due_on == "", one.due_on, one.sent_on, one.fee_id, one.source))

    def charge_of(self, source: str, fee_id: str) -> Charged | None:
        known = self.debts.get((source, fee_id))
        return self.now(known) if known is not None else None

    def match_payment(
        self, payment: Payment, shares: Sequence[Share], at: datetime, *, code: str = "", why: str = ""
    ) -> Payment:
        if not shares:
            refuse(f"{payment.key}: is matched to nothing")
        self.check_shares(payment, shares, payment.cents)
        if payment.state not in (S.RECEIVED, S.HELD, S.SUSPENSE):
            raise StaleError(payment.key)
        state = S.HELD if code else S.MATCHED
        return self.moved(payment, replace(payment, state=state, code=code, why=why, shares=tuple(shares)))

    def check_shares(self, payment: Payment, shares: Sequence[Share], most: int) -> None:
        """Raise LedgerError unless these shares add up to no more than ``most``, all of its sign, for known debts."""
        if [one.number for one in shares] != list(range(1, len(shares) + 1)):
            refuse(f"{payment.key}: its shares are not numbered from 1")
        if any(one.cents * most <= 0 for one in shares) or sum(abs(one.cents) for one in shares) > abs(most):
            refuse(f"{payment.key}: its shares are of nothing, of the wrong sign, or more than it is")
        if any((one.source, one.fee_id) not in self.debts for one in shares):
            refuse(f"{payment.key}: a share is for a debt that was never charged")

    def settle_payment(self, payment: Payment, to: PaymentState, code: str, why: str, at: datetime) -> Payment:
        if (payment.state, payment.code, payment.why) == (to, code, why):
            return payment
        there = to in PAYMENT_MOVES[payment.state] or to is payment.state
        if not there or to in VERBS or payment.state is S.TASKED or (to is S.MATCHED and not payment.shares):
            refuse(f"payment {payment.key}: there is no way from {payment.state} to {to}")
        shares = payment.shares if to in KEEPING else ()
        after = replace(payment, state=to, code=code, why=why, shares=shares)
        return self.moved(payment, after, *(self.backs_of(payment.key) if shares != payment.shares else ()))

    def moved(self, seen: Payment, after: Payment, *backs: Payment) -> Payment:
        """Put a payment in the place of what was seen of it; ``backs`` come to be for nothing with it."""
        self.unmoved(seen)
        self.step(f"before {seen.state} -> {after.state}")
        self.pay(after, *(replace(one, shares=()) for one in backs))
        self.step(f"after {seen.state} -> {after.state}")
        return after

    def unmoved(self, *seen: Payment) -> None:
        """Raise StaleError unless these stand as they were seen."""
        for one in seen:
            if self.payments.get(one.key) != one:
                raise StaleError(one.key)

    def allocate(
        self,
        payment: Payment,
        allocations: Sequence[Allocation],
        postings: Sequence[Posting],
        suspense_cents: int,
        at: datetime,
        *,
        tasks: Sequence[Task] = (),
    ) -> Payment:
        _check_plan(payment, allocations, postings, suspense_cents)
        if any(one.state is not TaskState.OPEN for one in tasks):
            refuse(f"{payment.key}: a task is not open")
        known = any(one.external_id in self.by_id for one in postings) or any(
            one.task_id in self.by_task for one in tasks
        )
        if payment.state is not S.MATCHED or known:
            raise StaleError(payment.key)
        self.unmoved(payment)
        self.step("before allocate")
        after = replace(payment, state=S.ALLOCATED, code="", why="")
        self.pay(after)
        self.allocations += allocations
        self.suspense[payment.key] = suspense_cents
        self.by_id |= {one.external_id: one for one in postings}
        self.posted_at |= {one.external_id: at for one in postings if one.state is PostingState.RECORDED}
        self.by_task |= {one.task_id: one for one in tasks}
        self.step("after allocate")
        return after

    def cancel_payment(self, payment: Payment, back: Payment, why: str, at: datetime) -> None:
        if payment.cents + back.cents or payment.cents <= 0:
            refuse(f"{payment.key} and {back.key}: do not come to nothing together")
        for one in (payment, back):
            if S.CANCELLED not in PAYMENT_MOVES[one.state]:
                refuse(f"payment {one.key}: there is no way from {one.state} to cancelled")
        self.unmoved(payment, back)
        own = [one for one in self.by_id.values() if one.payment_key == payment.key]
        if tried := [one.external_id for one in own if one.attempts or one.state not in UNSENT]:
            raise StaleError(", ".join(tried))
        self.step("before cancel")
        named = (payment, replace(back, takes_back=payment.key))
        self.pay(*(replace(one, state=S.CANCELLED, code="", why=why) for one in named))
        self.moves += [(one.external_id, one.state, PostingState.CANCELLED) for one in own]
        self.by_id |= {one.external_id: replace(one, state=PostingState.CANCELLED, why=why) for one in own}
        self.suspense.pop(payment.key, None)
        self.step("after cancel")

    def take_back(
        self, back: Payment, shares: Sequence[Share], tasks: Sequence[Task], at: datetime, *, origin: str = ""
    ) -> Payment:
        if back.cents >= 0:
            refuse(f"{back.key}: is no money going back")
        self.check_shares(back, shares, back.cents)
        return self._with_tasks(back, S.TASKED if tasks else S.SETTLED, shares, tasks, origin)

    def withdraw_payment(
        self, writeoff: Payment, shares: Sequence[Share], tasks: Sequence[Task], at: datetime
    ) -> Payment:
        if not shares:
            refuse(f"{writeoff.key}: is written off nothing")
        self.check_shares(writeoff, shares, abs(writeoff.cents))
        for debt in {(one.source, one.fee_id) for one in shares}:
            off = sum(one.cents for one in shares if (one.source, one.fee_id) == debt)
            if self.now(self.debts[debt]).charged_cents < off:
                refuse(f"{writeoff.key}: fee {debt[1]} would come to less than nothing")
        return self._with_tasks(writeoff, S.WITHDRAWN, shares, tasks)

    def _with_tasks(
        self, seen: Payment, to: PaymentState, shares: Sequence[Share], tasks: Sequence[Task], origin: str = ""
    ) -> Payment:
        if any(one.subject != seen.key or one.state is not TaskState.OPEN for one in tasks):
            refuse(f"{seen.key}: a task is not about it, or not open")
        if seen.state not in (S.RECEIVED, S.HELD) or any(one.task_id in self.by_task for one in tasks):
            raise StaleError(seen.key)
        self.unmoved(seen)
        self.step(f"before {seen.state} -> {to}")
        after = replace(seen, state=to, code="", why="", shares=tuple(shares), takes_back=origin)
        self.pay(after)
        self.by_task |= {one.task_id: one for one in tasks}
        self.step(f"after {seen.state} -> {to}")
        return after


def _by_date(payments: Iterable[Payment]) -> list[Payment]:
    return sorted(payments, key=lambda one: (one.occurred_on, one.key))


def _check_plan(
    payment: Payment, allocations: Sequence[Allocation], postings: Sequence[Posting], suspense_cents: int
) -> None:
    shares = {share.number: share for share in payment.shares}
    numbers = [one.number for one in allocations]
    if sum(one.cents for one in allocations) + suspense_cents != payment.cents or suspense_cents < 0:
        refuse(f"{payment.key}: its plan does not come to the payment")
    if numbers != sorted(set(numbers)) or len(postings) != len(allocations):
        refuse(f"{payment.key}: its plan gives a share twice, or has no posting for it")
    for one, posting in zip(allocations, postings, strict=True):
        share = shares.get(one.number)
        if share is None or (one.source, one.fee_id) != (share.source, share.fee_id) or one.payment_key != payment.key:
            refuse(f"{payment.key}: allocation {one.number} is of no share of it")
        elif not 0 < one.cents <= share.cents:
            refuse(f"{payment.key}: allocation {one.number} is of nothing, or more than its share")
        same = (one.payment_key, one.source, one.fee_id, one.alma_fee_id, one.cents)
        state = PostingState.RECORDED if posting.way == "record" else PostingState.READY
        if (posting.state, posting.attempts) != (state, 0) or same != (
            *(posting.payment_key, posting.source, posting.fee_id, posting.alma_fee_id, posting.cents),
        ):
            refuse(f"{payment.key}: posting {posting.external_id} is not what allocation {one.number} says")
