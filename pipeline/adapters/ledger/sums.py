"""What a bursar system was told to bill for a fee, and what it took in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, case, cast, func, select

from pipeline.adapters.ledger.schema import movements, payments

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause


def cents(amount: ColumnElement[int]) -> ColumnElement[int]:
    """Add up amounts as whole cents; some databases would otherwise answer with decimals, or with nothing."""
    return cast(func.coalesce(func.sum(amount), 0), BigInteger)


def billed(fee: FromClause) -> ColumnElement[int]:
    """Give charges - reversals - credits booked for each row of ``fee`` (ledger, system, source, fee_id)."""
    booked = movements.alias("booked")
    signed = case((booked.c.kind == "charge", booked.c.amount_cents), else_=-booked.c.amount_cents)
    same = (booked.c[name] == fee.c[name] for name in ("ledger", "system", "source", "fee_id"))
    return select(cents(signed)).where(*same).correlate(fee).scalar_subquery()


def paid(fee: FromClause) -> ColumnElement[int]:
    """Give the money that came in for each row of ``fee`` (ledger, system, fee_id), in whatever state the payment is.

    Money that is held or in suspense counts too: the bursar has it, so the debt must not be asked for again.
    """
    same = (payments.c[name] == fee.c[name] for name in ("ledger", "system", "fee_id"))
    sales = (*same, payments.c.fee_id != "", payments.c.kind == "sale")
    return select(cents(payments.c.cents)).where(*sales).correlate(fee).scalar_subquery()
