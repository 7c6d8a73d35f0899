"""Which debts a payment is for: read with it, written when it is matched, never taken away."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import select, tuple_, update
from sqlalchemy import true as yes

from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import movements, shares
from pipeline.adapters.ledger.store import add
from pipeline.adapters.ledger.sums import IS_MONEY, MONEY, cents
from pipeline.money import dollars
from pipeline.ports.ledger import LedgerError, Share

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Payment

FACTS = ("number", "source", "fee_id", "cents")


def check(payment: Payment, given: Sequence[Share], most: int) -> None:
    """Raise LedgerError unless the shares are numbered, each of the sign of ``most``, and together no more than it."""
    if [share.number for share in given] != list(range(1, len(given) + 1)):
        refuse(payment, "its shares are not numbered from 1 on")
    if any(share.cents * most <= 0 for share in given):
        refuse(payment, "a share of it is of nothing, or of the wrong sign")
    if abs(total(given)) > abs(most):
        refuse(payment, f"is {dollars(most)}, but its shares come to {dollars(total(given))}")


def refuse(payment: Payment, what: str) -> None:
    """Raise LedgerError, saying what is wrong with the payment."""
    message = f"payment {payment.key}: {what}; nothing was changed"
    raise LedgerError(message)


def total(given: Iterable[Share]) -> int:
    """Add them up, in cents."""
    return sum(share.cents for share in given)


def live(connection: Connection, store: Store, condition: ColumnElement[bool]) -> Mapping[str, tuple[Share, ...]]:
    """Give the shares that count by the key of their payment, each payment's in their order."""
    query = select(shares.c.payment_key, *(shares.c[name] for name in FACTS))
    mine = query.where(store.mine(shares), shares.c.live == yes(), condition)
    found: dict[str, list[Share]] = defaultdict(list)
    for key, *facts in connection.execute(mine.order_by(shares.c.payment_key, shares.c.number)):
        found[key].append(Share(*facts))
    return {key: tuple(each) for key, each in found.items()}


def matched(payment: Payment, given: Sequence[Share]) -> Event:
    """Tell for which debts it is; the audit row vouches for the shares."""
    _, names = audit.VOUCHED["matched"]
    rows = _columns(payment, given)
    parts = ", ".join(f"{dollars(share.cents)} for fee {share.fee_id} of {share.source}" for share in given)
    digest = audit.digest(rows[name] for name in names)
    return Event("matched", payment.key, f"{parts or 'for no debt'}; sha256 {digest}")


def write(connection: Connection, store: Store, payment: Payment, given: Sequence[Share], entry: int) -> None:
    """Put these in the place of the payment's shares.

    Raises LedgerError for a debt that was never charged, and where more would have gone back of one than came in.
    """
    known = _charged(connection, store, given)
    if stray := [share.fee_id for share in given if (share.source, share.fee_id) not in known]:
        refuse(payment, f"fee {stray[0]} was never charged, so nothing can be paid on it")
    if payment.shares:
        end(connection, store, [payment.key])
    columns = _columns(payment, given)
    add(connection, store, shares, columns, live=True, entry=entry) if given else None
    check_covered(connection, store, payment, [*payment.shares, *(share for share in given if share.cents < 0)])


def end(connection: Connection, store: Store, keys: Sequence[str]) -> None:
    """Let these payments be for nothing any more."""
    mine = (store.mine(shares), shares.c.payment_key.in_(keys), shares.c.live == yes())
    connection.execute(update(shares).where(*mine).values(live=False))


def check_covered(connection: Connection, store: Store, payment: Payment, touched: Iterable[Share]) -> None:
    """Look at the debts of these shares.  Raises LedgerError if more has gone back of one than came in for it."""
    debts = sorted({(share.fee_id, share.source) for share in touched})
    debt, paid = (shares.c.fee_id, shares.c.source), cents(shares.c.cents)
    query = select(*debt, paid.label("paid")).select_from(MONEY).where(store.mine(shares), *IS_MONEY)
    asked = query.where(tuple_(*debt).in_(debts)).group_by(*debt).order_by(*debt)
    for row in connection.execute(asked) if debts else ():
        if row.paid < 0:
            refuse(payment, f"{dollars(-row.paid)} more of fee {row.fee_id} would go back than came in for it")


def _columns(payment: Payment, given: Sequence[Share]) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {name: [getattr(share, name) for share in given] for name in FACTS}
    return {"payment_key": [payment.key] * len(given), **columns}


def _charged(connection: Connection, store: Store, given: Sequence[Share]) -> set[tuple[str, str]]:
    first = (store.mine(movements), movements.c.movement == 1, movements.c.kind == "charge")
    debts = sorted({(share.fee_id, share.source) for share in given})
    if not debts:
        return set()
    query = select(movements.c.source, movements.c.fee_id).where(*first)
    asked = query.where(tuple_(movements.c.fee_id, movements.c.source).in_(debts))
    return {(row.source, row.fee_id) for row in connection.execute(asked)}
