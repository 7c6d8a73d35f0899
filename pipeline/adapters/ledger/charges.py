"""The book of charges: what is known of every fee, what is outstanding, and what the last snapshot said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, literal, select, update

from pipeline import tables
from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger import booking as bookkeeping
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import (
    FEE_VERSION,
    MOVEMENT,
    SENT_HERE,
    batch_lines,
    batches,
    fees,
    movements,
    uploads,
)
from pipeline.adapters.ledger.store import Book, iso, one
from pipeline.adapters.ledger.sums import billed, paid
from pipeline.ports.ledger import FeeState, UploadState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import ColumnElement, Row, Select

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Booking, Run

KNOWN_FEES = tables.Table(
    "known versions of fees",
    (
        *(column for column in tables.FEES.columns if column.name in {"source", "fee_id", "version", "content"}),
        tables.Column("state", tables.TEXT, "where it stands: a FeeState", may_be_empty=False),
        tables.Column("system", tables.TEXT, "the debtor system it went to, or nothing"),
    ),
)
OPEN_ITEMS = tables.MOVEMENTS.plus(
    "open items", tables.Column("has_line", tables.FLAG, "whether it stands in a file that was not given up")
)
SNAPSHOT_ROWS = tables.Table(
    "rows of a snapshot", tuple(column for column in tables.FEES.columns if column.name in {"fee_id", "amount_cents"})
)

IDS_A_QUERY = 500
"""So many fee ids are asked for at a time: databases limit the length of a question."""


class Charges(Book):
    """ports.ledger.ChargeBook in the database."""

    def pending_fees(self) -> pd.DataFrame:
        """Give every fee that is held or waiting, as tables.FEES."""
        columns = [literal("pending") if name == "known" else fees.c[name] for name in tables.FEES.names]
        query = select(*columns).where(self.store.mine(fees), fees.c.state.in_(bookkeeping.PENDING))
        return _frame(self.store, tables.FEES, [query.order_by(fees.c.fee_id, fees.c.source, fees.c.version)])

    def known_fees(self, source: str, fee_ids: Sequence[str]) -> pd.DataFrame:
        """Give source, fee_id, version, content, state, system of every version known of these fees."""
        query = select(*(fees.c[name] for name in KNOWN_FEES.names)).where(self.store.mine(fees))
        ids = sorted(set(fee_ids))
        pieces = (ids[start : start + IDS_A_QUERY] for start in range(0, len(ids), IDS_A_QUERY))
        ordered = query.where(fees.c.source == source).order_by(fees.c.fee_id, fees.c.version)
        queries = (ordered.where(fees.c.fee_id.in_(piece)) for piece in pieces)
        return _frame(self.store, KNOWN_FEES, queries)

    def next_sequence(self, system: str, kind: str) -> int:
        """Give the number that the next file of this system and kind will bear; 1 in the beginning."""
        query = select(func.max(batches.c.sequence)).where(
            self.store.mine(batches), batches.c.system == system, batches.c.kind == kind
        )
        with self.store.reading() as connection:
            return int(connection.execute(query).scalar() or 0) + 1

    def open_items(self, system: str) -> pd.DataFrame:
        """Give what is outstanding at a system: tables.MOVEMENTS of each first charge, one row a fee.

        ``amount_cents`` is charges - reversals - credits less the money received (never below 0; fees at 0 are not
        given); also ``has_line`` (bool): whether its movement has a live line in some file that was not superseded.
        """
        return _frame(self.store, OPEN_ITEMS, [_outstanding(self.store, system)])

    def last_snapshot(self, system: str) -> pd.DataFrame:
        """Give fee_id and amount_cents of every row of the newest snapshot file that is sent; empty if none is."""
        query = _snapshots_sent(self.store, system, batches.c.kind, batches.c.sequence)
        with self.store.reading() as connection:
            newest = connection.execute(query.order_by(batches.c.batch_id.desc()).limit(1)).one_or_none()
        if newest is None:
            return SNAPSHOT_ROWS.empty()
        parts = _snapshots_sent(self.store, system, batches.c.batch_id).where(
            batches.c.kind == newest.kind, batches.c.sequence == newest.sequence
        )
        rows = select(batch_lines.c.fee_id, batch_lines.c.amount_cents).where(
            self.store.mine(batch_lines), batch_lines.c.batch_id.in_(parts)
        )
        return _frame(self.store, SNAPSHOT_ROWS, [rows.order_by(batch_lines.c.batch_id, batch_lines.c.position)])

    def book(self, run: Run, booking: Booking, at: datetime) -> None:
        """Enter a night's decisions, all or nothing.

        Snapshots of the same system that are not yet publishing become superseded and their lines free again.
        Raises StaleError if a fee, movement or file name is already there: the night was thought out on old news.
        LedgerError if a file's count or total is not that of its movements.
        """
        bookkeeping.enter(self.store, run, booking, at)

    def reject_fee(self, fee_id: str, version: int, by: str, reason: str, at: datetime) -> None:
        """End a held or waiting version of a fee for good, in a person's name.  Raises StaleError if it is neither."""
        here = (self.store.mine(fees), fees.c.fee_id == fee_id, fees.c.version == version)
        ended = update(fees).where(*here, fees.c.state.in_(bookkeeping.PENDING))
        with self.store.changing() as connection:
            values = {"state": FeeState.REJECTED, "code": "", "why": f"{by}: {reason}", "since": iso(at)}
            one(connection, ended.values(**values), f"fee {fee_id}, version {version}")
            text = f"version {version} rejected by {by}: {reason}"
            audit.append(connection, self.store, [Event("rejected", fee_id, text, actor=by)], at)


def _frame(store: Store, table: tables.Table, queries: Iterable[Select[Any]]) -> pd.DataFrame:
    with store.reading() as connection:
        rows = [row for query in queries for row in connection.execute(query)]
    return table.frame(dict(zip(table.names, _columns(rows, len(table.names)), strict=True)))


def _columns(rows: Sequence[Row[Any]], width: int) -> Iterator[Sequence[object]]:
    return iter(zip(*rows, strict=True)) if rows else iter([()] * width)


def _outstanding(store: Store, system: str) -> Select[Any]:
    live = select(batch_lines.c.position).where(
        SENT_HERE, *(batch_lines.c[name] == movements.c[name] for name in MOVEMENT)
    )
    special: dict[str, ColumnElement[Any]] = {
        "amount_cents": billed(movements) - paid(movements),
        "known": literal(""),
        "has_line": live.exists(),
    }
    facts = {**dict(fees.c.items()), **dict(movements.c.items()), **special}
    version = and_(*(fees.c[name] == movements.c[name] for name in FEE_VERSION))
    first = (store.mine(movements), movements.c.system == system, movements.c.movement == 1)
    items = select(*(facts[name].label(name) for name in OPEN_ITEMS.names)).join_from(movements, fees, version)
    every = items.where(*first).subquery("items")
    return select(every).where(every.c.amount_cents > 0).order_by(every.c.fee_id, every.c.source)


def _snapshots_sent(store: Store, system: str, *columns: ColumnElement[Any]) -> Select[Any]:
    on = and_(
        store.mine(uploads, batches),
        uploads.c.batch_id == batches.c.batch_id,
        uploads.c.state == UploadState.SENT,
    )
    snapshots = (batches.c.system == system, batches.c.scope == "snapshot")
    return select(*columns).select_from(batches.join(uploads, on)).where(*snapshots)
