"""What a bursar system was told to bill for a fee, and what it took in for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import BigInteger, and_, cast, func, or_, select, true

from pipeline.adapters.ledger.schema import movements, payments, shares
from pipeline.ports.ledger import PaymentState

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


def written_off(fee: FromClause) -> ColumnElement[int]:
    """Give what the bursar wrote off of each row of ``fee`` (ledger, source, fee_id), above 0."""
    off = movements.alias("off")
    same = (off.c.ledger == fee.c.ledger, off.c.source == fee.c.source, off.c.against == fee.c.fee_id)
    theirs = select(cents(-off.c.amount_cents)).where(*same, off.c.payment_key.is_not(None))
    return theirs.correlate(fee).scalar_subquery()


def paid(fee: FromClause) -> ColumnElement[int]:
    """Give the money that came in for each row of ``fee`` (ledger, source, fee_id), less what went back.

    Money that is held or waits to be posted counts too: the bursar has it, so the debt must not be asked for again.
    """
    same = (shares.c[name] == fee.c[name] for name in ("ledger", "source", "fee_id"))
    money = select(cents(shares.c.cents)).select_from(MONEY).where(*same, *IS_MONEY)
    return money.correlate(fee).scalar_subquery()


def changed_later(store: Store) -> Subquery:
    """Give (source, fee_id, cents) of every fee that later movements or credits have changed: they are few."""
    later = or_(movements.c.movement != 1, movements.c.kind != "charge")
    query = select(
        movements.c.source, movements.c.against.label("fee_id"), cents(movements.c.amount_cents).label("cents")
    )
    return query.where(store.mine(movements), later).group_by(movements.c.source, movements.c.against).subquery("later")


def received(store: Store) -> Subquery:
    """Give (source, fee_id, cents) of every fee that money came in for: what ``paid`` gives, for all fees at once."""
    query = select(shares.c.source, shares.c.fee_id, cents(shares.c.cents).label("cents")).select_from(MONEY)
    mine = query.where(store.mine(shares), *IS_MONEY)
    return mine.group_by(shares.c.source, shares.c.fee_id).subquery("received")


NO_MONEY = (PaymentState.CANCELLED, PaymentState.WITHDRAWN)
"""Payments whose shares are no money received: it was taken back at once, or written off (which is a credit)."""

IS_MONEY = (shares.c.live == true(), payments.c.state.not_in(NO_MONEY))
MONEY = shares.join(payments, and_(payments.c.ledger == shares.c.ledger, payments.c.key == shares.c.payment_key))
"""Shares with their payments, and which of them count as money received for a debt, or as gone back."""
