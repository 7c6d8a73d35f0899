"""What a bursar system was told to bill for a fee, and what it took in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, cast, func, or_, select

from pipeline.adapters.ledger.schema import movements, payments

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause, Subquery

    from pipeline.adapters.ledger.store import Store


def cents(amount: ColumnElement[int]) -> ColumnElement[int]:
    """Add up amounts as whole cents; some databases would otherwise answer with decimals, or with nothing."""
    return cast(func.coalesce(func.sum(amount), 0), BigInteger)


def billed(fee: FromClause) -> ColumnElement[int]:
    """Give charges - reversals - credits booked against each row of ``fee`` (ledger, source, fee_id)."""
    booked = movements.alias("booked")
    same = (booked.c.ledger == fee.c.ledger, booked.c.source == fee.c.source, booked.c.against == fee.c.fee_id)
    return select(cents(booked.c.amount_cents)).where(*same).correlate(fee).scalar_subquery()


def paid(fee: FromClause) -> ColumnElement[int]:
    """Give the money that came in for each row of ``fee`` (ledger, system, fee_id), in whatever state the payment is.

    Money that is held or in suspense counts too: the bursar has it, so the debt must not be asked for again.
    """
    same = (payments.c[name] == fee.c[name] for name in ("ledger", "system", "fee_id"))
    return select(cents(payments.c.cents)).where(*same, *_for_a_fee()).correlate(fee).scalar_subquery()


def changed_later(store: Store) -> Subquery:
    """Give (source, fee_id, cents) of every fee that later movements or credits have changed: they are few."""
    later = or_(movements.c.movement != 1, movements.c.kind != "charge")
    query = select(
        movements.c.source, movements.c.against.label("fee_id"), cents(movements.c.amount_cents).label("cents")
    )
    return query.where(store.mine(movements), later).group_by(movements.c.source, movements.c.against).subquery("later")


def received(store: Store, system: str) -> Subquery:
    """Give (fee_id, cents) of every fee for which a system took in money: what ``paid`` gives, for all fees at once."""
    query = select(payments.c.fee_id, cents(payments.c.cents).label("cents"))
    here = (store.mine(payments), payments.c.system == system, *_for_a_fee())
    return query.where(*here).group_by(payments.c.fee_id).subquery("received")


def _for_a_fee() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return payments.c.fee_id != "", payments.c.kind == "sale"
