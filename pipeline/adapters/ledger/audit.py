"""The audit trail: one row for every change, chained by hashes, so that a row altered later is found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from pipeline.adapters.ledger.schema import (
    allocations,
    audit,
    decisions,
    ledgers,
    movements,
    payments,
    runs,
    shares,
    tasks,
    words,
)
from pipeline.adapters.ledger.store import add, iso, one

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Table

    from pipeline.adapters.ledger.store import Store

PROGRAM = "bursar"
"""Who acts when no person does."""

BEGINNING = "0" * 64
CHAINED = ("seq", "at", "run", "actor", "event", "subject", "text")
"""What a link vouches for, beside campus and environment."""

MOVED = (
    *("source", "fee_id", "version", "movement", "kind", "against", "undoes", "system"),
    *("patron_id", "bursar_id", "reference", "amount_cents"),
)
RECEIVED = (
    *("key", "fingerprint", "system", "payment_ref", "payment_line", "fee_ref", "fees", "origin_ref"),
    *("patron_id", "cents", "occurred_on", "kind"),
)
DEBT = ("source", "fee_id")

VOUCHED = {
    "booked": (movements, MOVED),
    "written off": (movements, MOVED),
    "received": (payments, RECEIVED),
    "matched": (shares, ("payment_key", "number", *DEBT, "cents")),
    "allocated": (allocations, ("payment_key", "number", *DEBT, "alma_fee_id", "cents")),
    "task": (tasks, ("task_id", "kind", "subject", "system", *DEBT, "reference", "patron_id", "cents", "text")),
    "said": (words, ("subject", "action", "by", "reason", "at")),
    "approved": (decisions, (*DEBT, "version", "code", "against", "by", "reason")),
}
"""Events whose text ends in the digest of these columns of the rows they entered."""


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to whom, in one sentence; ``subject`` is one of our ids or a file's name or hash."""

    event: str
    subject: str
    text: str
    actor: str = PROGRAM


def append(connection: Connection, store: Store, events: Sequence[Event], at: datetime, run: int | None = None) -> int:
    """Add rows to the chain in this transaction; return the number of the first.

    Without ``run`` the rows belong to the run that is going on, or to none (0).  Raises StaleError when somebody else
    added to the chain meanwhile.
    """
    newest = select(ledgers.c.seq, ledgers.c.hash).where(store.mine(ledgers)).with_for_update()
    head = connection.execute(newest).one()
    number = current_run(connection, store) if run is None else run
    rows = list(_chained(store, (head.seq, head.hash), events, (iso(at), number)))
    seq, digest = (rows[-1][0], rows[-1][-1]) if rows else (head.seq, head.hash)
    moved = update(ledgers).where(store.mine(ledgers), ledgers.c.hash == head.hash).values(seq=seq, hash=digest)
    one(connection, moved, "audit trail")
    names = (*CHAINED, "hash")
    add(connection, store, audit, dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {})
    return int(head.seq) + 1


def _chained(
    store: Store, head: tuple[int, str], events: Iterable[Event], when: tuple[str, int]
) -> Iterator[tuple[Any, ...]]:
    seq, link = head
    for event in events:
        seq += 1
        row = (seq, *when, event.actor, event.event, event.subject, event.text)
        link = _link(store, link, row)
        yield (*row, link)


def _link(store: Store, before: str, row: tuple[Any, ...]) -> str:
    written = json.dumps([before, store.campus, store.environment, *row], ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(written.encode("ascii")).hexdigest()


def current_run(connection: Connection, store: Store) -> int:
    """Give the number of the run that has begun and not ended, 0 if none."""
    newest = select(runs.c.number, runs.c.ended_at).where(store.mine(runs)).order_by(runs.c.number.desc()).limit(1)
    row = connection.execute(newest).one_or_none()
    return int(row.number) if row is not None and row.ended_at is None else 0


def digest(columns: Iterable[Iterable[object]]) -> str:
    """Fingerprint rows given column by column, whatever their order."""
    rows = sorted(map("\x1f".join, zip(*(map(str, column) for column in columns), strict=True)))
    return hashlib.sha256("\x1e".join(rows).encode()).hexdigest()


def problems(connection: Connection, store: Store) -> Iterator[str]:
    """Recompute every link, and every digest a link vouches for; yield one sentence for each that does not fit."""
    head = connection.execute(select(ledgers.c.seq, ledgers.c.hash).where(store.mine(ledgers))).one()
    seq, link = 0, BEGINNING
    everything = select(*(audit.c[name] for name in (*CHAINED, "hash"))).where(store.mine(audit)).order_by(audit.c.seq)
    for row in connection.execute(everything):
        expected = _link(store, link, tuple(row)[:-1])
        if row.seq != seq + 1:
            yield f"audit row {seq + 1} is missing; the next is {row.seq}"
        elif row.hash != expected:
            yield f"audit row {row.seq} ({row.event} {row.subject}) was changed, or the row before it"
        seq, link = row.seq, row.hash
    if (seq, link) != (head.seq, head.hash):
        yield f"the audit trail ends at row {seq}, but was written up to row {head.seq}"
    for table, names in dict(VOUCHED.values()).items():
        yield from _altered(connection, store, table, names)


def _altered(connection: Connection, store: Store, table: Table, names: Sequence[str]) -> Iterator[str]:
    events = [event for event, (vouched, _) in VOUCHED.items() if vouched is table]
    entered: dict[int, list[tuple[Any, ...]]] = {}
    for entry, *values in connection.execute(
        select(table.c.entry, *(table.c[n] for n in names)).where(store.mine(table))
    ):
        entered.setdefault(entry, []).append(tuple(values))
    vouching = select(audit.c.seq, audit.c.text).where(store.mine(audit), audit.c.event.in_(events))
    vouched = {row.seq: row.text for row in connection.execute(vouching)}
    for entry in sorted({*entered, *vouched}):
        if not vouched.get(entry, "").endswith(digest(zip(*entered.get(entry, []), strict=True))):
            yield f"the {table.name} that audit row {entry} vouches for were changed"
