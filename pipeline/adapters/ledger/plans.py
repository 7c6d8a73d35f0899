"""The plan of a payment: which fee gets how many cents, written once and never computed again."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from sqlalchemy import insert

from pipeline.adapters.ledger import schema
from pipeline.adapters.ledger.store import iso
from pipeline.money import dollars
from pipeline.ports.ledger import LedgerError, PostingState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Allocation, Payment, Posting


def check(
    payment: Payment, allocations: Sequence[Allocation], postings: Sequence[Posting], suspense_cents: int
) -> None:
    """Raise LedgerError unless the plan spends the payment to the cent, with one new posting for each allocation."""
    planned = sum(allocation.cents for allocation in allocations) + suspense_cents
    if planned != payment.cents:
        _refuse(payment, f"holds {dollars(payment.cents)}, but its plan comes to {dollars(planned)}")
    if suspense_cents < 0 or any(allocation.cents <= 0 for allocation in allocations):
        _refuse(payment, "its plan gives less than nothing to somebody")
    if [(one.payment_key, one.number) for one in allocations] != [
        (payment.key, n + 1) for n in range(len(allocations))
    ]:
        _refuse(payment, "its allocations are not numbered from 1 on under its own key")
    wanted = [(payment.key, one.alma_fee_id, one.cents, PostingState.READY, 0) for one in allocations]
    given = [(one.payment_key, one.alma_fee_id, one.cents, one.state, one.attempts) for one in postings]
    if given != wanted:
        _refuse(
            payment, "its plan needs one ready posting for each allocation, to the same fee and cent, in that order"
        )


def _refuse(payment: Payment, what: str) -> None:
    message = f"payment {payment.key}: {what}; nothing was changed"
    raise LedgerError(message)


def told(fee_id: str, allocations: Sequence[Allocation], suspense_cents: int) -> str:
    """Tell the plan in one sentence."""
    shares = [f"{dollars(share.cents)} to fee {share.fee_id} (Alma {share.alma_fee_id})" for share in allocations]
    rest = [f"{dollars(suspense_cents)} left over"] if suspense_cents else []
    return f"for fee {fee_id}: {', '.join([*shares, *rest])}"


def enter(
    connection: Connection, store: Store, allocations: Sequence[Allocation], postings: Sequence[Posting], at: str
) -> None:
    """Write the allocations and their postings; ``at`` is ISO."""
    for allocation in allocations:
        connection.execute(insert(schema.allocations).values(**store.scope, **asdict(allocation)))
    for number, posting in enumerate(postings, 1):
        since = iso(posting.since) if posting.since else None
        first = {"number": number, "since": since, "posted_at": None, "evidence": "", "changed_at": at}
        connection.execute(insert(schema.postings).values(**store.scope, **(asdict(posting) | first)))
