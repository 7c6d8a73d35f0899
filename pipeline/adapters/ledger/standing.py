"""Where everything stands, in rows and cents."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select

from pipeline.adapters.ledger.schema import batches, fees, payments, postings, tasks, uploads
from pipeline.adapters.ledger.sums import cents
from pipeline.ports.ledger import PaymentState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement, Connection, Select

    from pipeline.adapters.ledger.store import Store


def by_state(connection: Connection, store: Store) -> Mapping[str, Mapping[str, tuple[int, int]]]:
    """Give (rows, cents) of fees, uploads, payments, postings, tasks by state; a file is worth what its lines are.

    A payment that was cancelled counts as such, its postings do not.
    """
    sent = and_(store.mine(batches, uploads), batches.c.batch_id == uploads.c.batch_id)
    own = and_(store.mine(payments, postings), payments.c.key == postings.c.payment_key)
    placed = and_(own, payments.c.state == PaymentState.ALLOCATED)
    questions = {
        "fees": _by_state(fees.c.state, fees.c.amount_cents).where(store.mine(fees)),
        "uploads": _by_state(uploads.c.state, batches.c.cents).where(sent),
        "payments": _by_state(payments.c.state, payments.c.cents).where(store.mine(payments)),
        "postings": _by_state(postings.c.state, postings.c.cents).where(placed),
        "tasks": _by_state(tasks.c.state, tasks.c.cents).where(store.mine(tasks)),
    }
    return {
        name: {row.state: (row.n, row.cents) for row in connection.execute(question)}
        for name, question in questions.items()
    }


def _by_state(state: ColumnElement[Any], amount: ColumnElement[int]) -> Select[Any]:
    return select(state.label("state"), func.count().label("n"), cents(amount).label("cents")).group_by(state)
