"""Where everything stands, in rows and cents, and whether the ledger's own sums agree with each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select

from pipeline.adapters.ledger.schema import (
    allocations,
    batch_lines,
    batches,
    fees,
    movements,
    payments,
    postings,
    uploads,
)
from pipeline.adapters.ledger.sums import cents
from pipeline.money import Tally
from pipeline.ports.ledger import FeeState, PaymentState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Select

    from pipeline.adapters.ledger.store import Store


def by_state(connection: Connection, store: Store) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    """Give (rows, cents) of fees, uploads, payments and postings by state; a file is worth what its lines are."""
    sent = and_(store.mine(batches, uploads), batches.c.batch_id == uploads.c.batch_id)
    questions = {
        "fees": _by_state(fees.c.state, fees.c.amount_cents).where(store.mine(fees)),
        "uploads": _by_state(uploads.c.state, batches.c.cents).where(sent),
        "payments": _by_state(payments.c.state, payments.c.cents).where(store.mine(payments)),
        "postings": _by_state(postings.c.state, postings.c.cents).where(store.mine(postings)),
    }
    return {
        name: {row.state: (row.n, row.cents) for row in connection.execute(question)}
        for name, question in questions.items()
    }


def sums(connection: Connection, store: Store) -> Sequence[tuple[str, Tally, Tally]]:
    """Give pairs that must be equal: each side comes from another table than the other."""

    def tally(amount: ColumnElement[int], *conditions: ColumnElement[bool]) -> Tally:
        where = (store.mine(amount.table), *conditions)
        return Tally(*connection.execute(select(func.count(), cents(amount)).where(*where)).one())

    placed = tally(payments.c.cents, payments.c.state == PaymentState.ALLOCATED)
    planned = tally(allocations.c.cents).cents + tally(payments.c.suspense_cents).cents
    written = select(func.coalesce(func.sum(batches.c.count), 0), cents(batches.c.cents)).where(store.mine(batches))
    count, total = connection.execute(written).one()
    return (
        (
            "fees charged = movements entered",
            tally(fees.c.amount_cents, fees.c.state == FeeState.CHARGED),
            tally(movements.c.amount_cents),
        ),
        ("files written = their lines", Tally(int(count), total), tally(batch_lines.c.amount_cents)),
        ("payments placed = their plans", placed, Tally(placed.count, planned)),
        ("plans = postings", tally(allocations.c.cents), tally(postings.c.cents)),
    )


def _by_state(state: ColumnElement[Any], amount: ColumnElement[int]) -> Select[Any]:
    return select(state.label("state"), func.count().label("n"), cents(amount).label("cents")).group_by(state)
