"""The plan of a payment: which share of it goes to which fee in Alma, written once and never computed again."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING

from pipeline.adapters.ledger import audit, chores, money_rows, schema
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.shares import refuse
from pipeline.adapters.ledger.store import add, iso
from pipeline.money import dollars
from pipeline.ports.ledger import Allocation, PaymentState, Posting, PostingState, StaleError, Way

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Payment, Task

    Plan = tuple[Sequence[Allocation], Sequence[Posting], int, Sequence[Task]]


def check(
    payment: Payment, allocations: Sequence[Allocation], postings: Sequence[Posting], suspense_cents: int
) -> None:
    """Raise LedgerError unless the plan spends the payment to the cent, with one new posting for each allocation."""
    planned = sum(allocation.cents for allocation in allocations) + suspense_cents
    if planned != payment.cents:
        refuse(payment, f"holds {dollars(payment.cents)}, but its plan comes to {dollars(planned)}")
    if suspense_cents < 0 or any(allocation.cents <= 0 for allocation in allocations):
        refuse(payment, "its plan gives less than nothing to somebody")
    numbers = [allocation.number for allocation in allocations]
    if numbers != sorted(set(numbers)):
        refuse(payment, "its plan gives a share twice, or not in their order")
    _check_shares(payment, allocations)
    wanted = [(*_both(one), 0) for one in allocations]
    given = [(*_both(one), one.attempts) for one in postings]
    if given != wanted or any(one.state is not _new(one) for one in postings):
        refuse(payment, "its plan needs one new posting for each allocation, to the same fee and cent, in that order")


def _check_shares(payment: Payment, allocations: Sequence[Allocation]) -> None:
    known = {share.number: share for share in payment.shares}
    for one in allocations:
        share = known.get(one.number)
        if share is None or (one.source, one.fee_id) != (share.source, share.fee_id) or one.payment_key != payment.key:
            refuse(payment, f"allocation {one.number} is of no share of it")
        elif one.cents > share.cents:
            refuse(payment, f"allocation {one.number} of {dollars(one.cents)} is more than its share")


def _both(one: Allocation | Posting) -> tuple[str, str, str, str, int]:
    """What an allocation and its posting both say."""
    return one.payment_key, one.source, one.fee_id, one.alma_fee_id, one.cents


def _new(posting: Posting) -> PostingState:
    return PostingState.RECORDED if posting.way == Way.RECORD else PostingState.READY


def write(store: Store, payment: Payment, plan: Plan, at: datetime) -> Payment:
    """Enter a plan that was checked, with its tasks.

    Raises StaleError if the payment is not MATCHED or was moved meanwhile.
    """
    allocations, postings, rest, tasks = plan
    if payment.state is not PaymentState.MATCHED:
        message = f"payment {payment.key}: is {payment.state}, so no plan is written for it; nothing was changed"
        raise StaleError(message)
    placed = replace(payment, state=PaymentState.ALLOCATED, code="", why="")
    values = {"state": placed.state, "code": "", "why": "", "suspense_cents": rest, "since": iso(at)}
    with store.changing() as connection:
        money_rows.move(connection, store, payment, values)
        entry = audit.append(connection, store, [_told(payment, allocations, rest)], at)
        columns = _columns(allocations)
        add(connection, store, schema.allocations, columns if allocations else {}, entry=entry)
        _enter(connection, store, allocations, postings, iso(at))
        chores.enter(connection, store, tasks, at)
    return placed


def _columns(allocations: Sequence[Allocation]) -> dict[str, list[object]]:
    names = [field.name for field in fields(Allocation)]
    return {name: [getattr(allocation, name) for allocation in allocations] for name in names}


def _told(payment: Payment, allocations: Sequence[Allocation], suspense_cents: int) -> Event:
    """Tell the plan in one sentence; the audit row vouches for the allocations."""
    parts = [f"{dollars(one.cents)} to fee {one.fee_id}{_alma(one)}" for one in allocations]
    rest = [f"{dollars(suspense_cents)} left over"] if suspense_cents else []
    _, names = audit.VOUCHED["allocated"]
    columns = _columns(allocations)
    digest = audit.digest(columns[name] for name in names)
    return Event(PaymentState.ALLOCATED, payment.key, f"{', '.join([*parts, *rest])}; sha256 {digest}")


def _alma(one: Allocation) -> str:
    return f" (Alma {one.alma_fee_id})" if one.alma_fee_id else ""


def _enter(
    connection: Connection, store: Store, allocations: Sequence[Allocation], postings: Sequence[Posting], at: str
) -> None:
    rows = [
        asdict(posting) | {"number": one.number, "since": iso(posting.since) if posting.since else None}
        for one, posting in zip(allocations, postings, strict=True)
    ]
    columns: dict[str, list[object]] = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    columns["posted_at"] = [at if posting.way == Way.RECORD else None for posting in postings]
    add(connection, store, schema.postings, columns if rows else {}, evidence="", changed_at=at)
