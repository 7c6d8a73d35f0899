"""The book of payments: every line of money that came in, which debts it is for, and how it was divided."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from pipeline.adapters.ledger import audit, chores, debtors, money_rows, plans, returns, shares
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.incoming import settle_file
from pipeline.adapters.ledger.runs import keep
from pipeline.adapters.ledger.schema import payments
from pipeline.adapters.ledger.schema import shares as share_rows
from pipeline.adapters.ledger.store import Book, iso
from pipeline.ports.ledger import PAYMENT_MOVES, PaymentState, StaleError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.adapters.ledger.store import Store
    from pipeline.findings import Finding
    from pipeline.ports.ledger import Allocation, Charged, Payment, Posting, Run, Share, Task

AGAIN = {PaymentState.RECEIVED: "returned", PaymentState.MATCHED: "goes on"}
"""A payment that is back where it was: ``received`` and ``matched`` vouch for rows, and there are none here."""

OPEN = (PaymentState.RECEIVED, PaymentState.HELD, PaymentState.SUSPENSE)
BY_VERB = (PaymentState.ALLOCATED, PaymentState.CANCELLED, PaymentState.TASKED, PaymentState.WITHDRAWN)
KEEPING = (PaymentState.HELD, PaymentState.MATCHED, PaymentState.SETTLED)
"""States that may be matched; that have a verb of their own; in which a payment stays for the debts it is for."""


class Payments(Book):
    """ports.ledger.PaymentBook in the database."""

    def known_payments(self, keys: Sequence[str]) -> Mapping[str, Payment]:
        """Find payments by their keys."""
        return money_rows.found_by_key(self.store, keys)

    def payments_in(self, *states: PaymentState) -> Sequence[Payment]:
        """List the payments of these states, by occurred_on, then key."""
        return money_rows.found(self.store, payments.c.state.in_(states))

    def payments_of(self, system: str, payment_ref: str) -> Sequence[Payment]:
        """List the payments that came under one receipt of a system, by payment_line, then key."""
        receipt = and_(payments.c.system == system, payments.c.payment_ref == payment_ref)
        found = money_rows.found(self.store, receipt)
        return sorted(found, key=lambda payment: (payment.payment_line, payment.key))

    def payments_for(self, source: str, fee_id: str) -> Sequence[Payment]:
        """List the payments with a share for this debt, whatever their state, by occurred_on, then key."""
        debt = (share_rows.c.source == source, share_rows.c.fee_id == fee_id, share_rows.c.live)
        keys = select(share_rows.c.payment_key).where(self.store.mine(share_rows), *debt)
        return money_rows.found(self.store, payments.c.key.in_(keys))

    def backs_of(self, key: str) -> Sequence[Payment]:
        """List the lines that took money of a payment back, by occurred_on, then key."""
        return money_rows.found(self.store, payments.c.takes_back == key) if key else []

    def payments_between(self, system: str, reader: str, first: str, last: str) -> Sequence[Payment]:
        """List what a system said through one layout with occurred_on from ``first`` to ``last`` (ISO), as above."""
        said = and_(payments.c.system == system, payments.c.reader == reader)
        return money_rows.found(self.store, and_(said, payments.c.occurred_on.between(first, last)))

    def enter_payments(
        self, run: Run, file_sha: str, payments: Sequence[Payment], findings: Sequence[Finding], at: datetime
    ) -> None:
        """Enter a file's new payments and mark the file booked, in one transaction.

        Raises StaleError on a known key, and when the file is not (any more) archived and waiting.
        """
        with self.store.changing() as connection:
            settle_file(connection, self.store, file_sha, "booked")
            entry = audit.append(connection, self.store, [money_rows.received(file_sha, payments)], at, run.number)
            money_rows.enter(connection, self.store, payments, iso(at), entry)
            keep(connection, self.store, findings, run.number, entry)

    def refuse_file(self, run: Run, file_sha: str, finding: Finding, at: datetime) -> None:
        """Mark a file refused; nothing of it is entered.  Raises StaleError if it is no longer waiting."""
        with self.store.changing() as connection:
            settle_file(connection, self.store, file_sha, "refused", finding.code, finding.text)
            event = Event("refused", file_sha, f"{finding.code}: {finding.text}")
            entry = audit.append(connection, self.store, [event], at, run.number)
            keep(connection, self.store, [finding], run.number, entry)

    def charged(self, system: str, reference: str) -> Charged | None:
        """Find the fee that was charged at a system under this reference, by its first charge or a later one.

        Where no reference is like this, the fee whose id in its source it is, if there is exactly one at that system.
        """
        return debtors.by_reference(self.store, system, reference)

    def charged_to(self, system: str, patron_id: str) -> Sequence[Charged]:
        """List the debts sent to a system for this patron, in any case of the id, whose file has arrived.

        By due_on (the empty last), sent_on, fee_id.
        """
        return debtors.of_patron(self.store, system, patron_id)

    def charge_of(self, source: str, fee_id: str) -> Charged | None:
        """Give the debt of a fee, by its first charge; None if it was never charged."""
        return debtors.of_fee(self.store, source, fee_id)

    def match_payment(
        self, payment: Payment, shares: Sequence[Share], at: datetime, *, code: str = "", why: str = ""
    ) -> Payment:
        """Say which debts a payment is for; they count as paid with it from then on.  Gives it as MATCHED.

        With a code it is HELD for that instead, in the same transaction.  A held payment that has shares gets these in
        their place.

        Raises LedgerError for no shares, and for shares that are not numbered from 1, of nothing, of the wrong sign,
        more than the payment, or for a debt that was never charged.  StaleError if the payment is not RECEIVED, HELD
        or SUSPENSE or was moved meanwhile.
        """
        state = PaymentState.HELD if code else PaymentState.MATCHED
        matched = replace(payment, state=state, code=code, why=why, shares=tuple(shares))
        return _match(self.store, payment, matched, at)

    def settle_payment(self, payment: Payment, to: PaymentState, code: str, why: str, at: datetime) -> Payment:
        """Move a payment that will not be posted (held, suspense, excluded, settled), or back to received or matched.

        Its shares are dropped, save as HELD, MATCHED and SETTLED, and so are those of what took money of it back.
        Staying in its state with another reason is allowed; with the same reason nothing is written.  Raises
        StaleError, and LedgerError when there is no such move, or a verb of its own for it.
        """
        if (payment.state, payment.code, payment.why) == (to, code, why):
            return payment
        _check_move(payment, to)
        reason = ": ".join(part for part in (f"{payment.state} to {to}", code, why) if part)
        event = Event(AGAIN.get(to, to), payment.key, reason)
        since = {"since": iso(at)} if (payment.state, payment.code) != (to, code) else {}
        moved = replace(payment, state=to, code=code, why=why, shares=payment.shares if to in KEEPING else ())
        with self.store.changing() as connection:
            money_rows.move(connection, self.store, payment, {"state": to, "code": code, "why": why, **since})
            freed = returns.free(connection, self.store, payment) if moved.shares != payment.shares else []
            audit.append(connection, self.store, [event, *freed], at)
        return moved

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
        """Write a payment's plan once: its allocations, a posting each, and what is left over; and open its tasks.

        The allocations and ``suspense_cents`` add up to the payment exactly, and each allocation is at most one share
        of it, else LedgerError, as for a task that is not open.  Raises StaleError if the payment is not MATCHED.
        """
        plans.check(payment, allocations, postings, suspense_cents)
        chores.check_open(payment, tasks)
        return plans.write(self.store, payment, (allocations, postings, suspense_cents, tasks), at)

    def cancel_payment(self, payment: Payment, back: Payment, why: str, at: datetime) -> None:
        """Cancel a payment together with the line that takes all of it back, before anything was posted.

        Both become CANCELLED, their shares count no more, and so does every posting; ``back`` names it.  Raises
        LedgerError unless both come to nothing together, StaleError if a posting was ever attempted or is not UNSENT,
        or either was moved meanwhile.
        """
        returns.cancel(self.store, payment, back, why, at)

    def take_back(
        self, back: Payment, shares: Sequence[Share], tasks: Sequence[Task], at: datetime, *, origin: str = ""
    ) -> Payment:
        """Book money going back of which a part may be in Alma, and the tasks that staff have with it.

        ``origin`` is the key of the payment it takes back.
        Gives it as TASKED, or as SETTLED where staff have nothing to do.  Raises as ``match_payment`` does, and
        LedgerError for a task that is not open or not about it.
        """
        return returns.take_back(self.store, replace(back, takes_back=origin), (shares, tasks), at)

    def withdraw_payment(
        self, writeoff: Payment, shares: Sequence[Share], tasks: Sequence[Task], at: datetime
    ) -> Payment:
        """Book what the bursar wrote off (positive shares) as credits against the debts that never go out in a file.

        Gives it as WITHDRAWN.  Raises as ``take_back`` does, and LedgerError if a debt would come to less than nothing.
        """
        return returns.withdraw(self.store, writeoff, (shares, tasks), at)


def _match(store: Store, payment: Payment, matched: Payment, at: datetime) -> Payment:
    given = matched.shares
    if not given:
        shares.refuse(payment, "is matched to no debt")
    shares.check(payment, given, payment.cents)
    if payment.state not in OPEN:
        message = f"payment {payment.key}: is {payment.state}, so it is not matched; nothing was changed"
        raise StaleError(message)
    values = {"state": matched.state, "code": matched.code, "why": matched.why, "since": iso(at)}
    held = [Event(PaymentState.HELD, payment.key, f"matched to held: {matched.code}: {matched.why}")]
    with store.changing() as connection:
        money_rows.move(connection, store, payment, values)
        told = [shares.matched(payment, given), *(held if matched.code else [])]
        shares.write(connection, store, payment, given, audit.append(connection, store, told, at))
    return matched


def _check_move(payment: Payment, to: PaymentState) -> None:
    """A payment whose money goes back is settled by closing its tasks."""
    there = to in PAYMENT_MOVES[payment.state] or to is payment.state
    by_tasks = payment.state is PaymentState.TASKED
    if not there or by_tasks or to in BY_VERB or (to is PaymentState.MATCHED and not payment.shares):
        shares.refuse(payment, f"there is no way from {payment.state} to {to}")
