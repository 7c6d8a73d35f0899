"""How a line of money is written down and read again, and how it is moved: only from where it was seen to be."""

from __future__ import annotations

import json
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from pipeline.adapters.ledger import audit, shares
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import payments
from pipeline.adapters.ledger.schema import shares as share_rows
from pipeline.adapters.ledger.store import add, in_pieces, one
from pipeline.money import Tally
from pipeline.ports.ledger import Payment, PaymentState, Share, StaleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection

    from pipeline.adapters.ledger.store import Store

NAMES = tuple(field.name for field in fields(Payment) if field.name != "shares")


def found(store: Store, condition: ColumnElement[bool]) -> list[Payment]:
    """Read the payments that meet a condition, with their shares, by date, then key: two questions, however many.

    They are sorted here: asked for in order, a database reads all payments there are by date to find a few.
    """
    own = (store.mine(payments), condition)
    query = select(*(payments.c[name] for name in NAMES)).where(*own)
    of_these = share_rows.c.payment_key.in_(select(payments.c.key).where(*own))
    with store.reading() as connection:
        rows = connection.execute(query).cursor.fetchall()
        known = shares.live(connection, store, of_these) if rows else {}
    return sorted((_payment(row, known) for row in rows), key=lambda payment: (payment.occurred_on, payment.key))


def found_by_key(store: Store, keys: Iterable[str]) -> dict[str, Payment]:
    """Read the payments of these keys."""
    return {payment.key: payment for piece in in_pieces(keys) for payment in found(store, payments.c.key.in_(piece))}


def _payment(row: Sequence[object], known: Mapping[str, tuple[Share, ...]]) -> Payment:
    said: dict[str, Any] = dict(zip(NAMES, row, strict=True))
    said["state"] = PaymentState(said["state"])
    said["fees"] = tuple((ref, cents) for ref, cents in json.loads(said["fees"])) if said["fees"] else ()
    return Payment(**said, shares=known.get(said["key"], ()))


def columns(new: Sequence[Payment]) -> dict[str, list[object]]:
    """Give payments column by column, as the table has them."""
    written: dict[str, list[object]] = {name: [getattr(payment, name) for payment in new] for name in NAMES}
    return {**written, "fees": [json.dumps(payment.fees) if payment.fees else "" for payment in new]}


def received(file_sha: str, new: Sequence[Payment]) -> Event:
    """Tell what came in; the audit row vouches for these lines."""
    _, names = audit.VOUCHED["received"]
    written = columns(new)
    tally = Tally(len(new), sum(payment.cents for payment in new))
    text = f"{tally} of new payments, sha256 {audit.digest(written[name] for name in names)}"
    return Event("received", file_sha, text)


def enter(connection: Connection, store: Store, new: Sequence[Payment], since: str, entry: int) -> None:
    """Write them down."""
    add(connection, store, payments, columns(new), suspense_cents=0, since=since, entry=entry)


def move(connection: Connection, store: Store, seen: Payment, values: Mapping[str, object]) -> None:
    """Change a payment that still stands as it was seen, shares and all; else raise StaleError."""
    here = (payments.c.key == seen.key, payments.c.state == seen.state)
    said = (payments.c.code == seen.code, payments.c.why == seen.why)
    moved = update(payments).where(store.mine(payments), *here, *said).values(**values)
    one(connection, moved, f"payment {seen.key}")
    known = shares.live(connection, store, share_rows.c.payment_key == seen.key)
    if known.get(seen.key, ()) != seen.shares:
        message = f"payment {seen.key}: is for other debts by now; nothing was changed"
        raise StaleError(message)
