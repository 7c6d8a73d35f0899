"""The book of charges: what is known of every fee, what is outstanding, and what the last snapshot said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, exists, func, literal, select

from pipeline import tables
from pipeline.adapters.ledger import booking as bookkeeping
from pipeline.adapters.ledger.frames import frame
from pipeline.adapters.ledger.positions import as_sent
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
from pipeline.adapters.ledger.store import Book, in_pieces
from pipeline.adapters.ledger.sums import changed_later, received
from pipeline.money import Tally
from pipeline.ports.ledger import DROPPED_UPLOADS, UploadState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import ColumnElement, Select

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Booking, Run

KNOWN_FEES = tables.Table(
    "known versions of fees",
    (
        *(
            column
            for column in tables.FEES.columns
            if column.name in {"source", "fee_id", "as_of", "version", "content", "original_cents"}
        ),
        tables.Column("state", tables.TEXT, "where it stands: a FeeState", may_be_empty=False),
        tables.Column("system", tables.TEXT, "the debtor system it went to, or nothing"),
    ),
)
SNAPSHOT_ROWS = tables.Table(
    "rows of a snapshot", tuple(column for column in tables.FEES.columns if column.name in {"fee_id", "amount_cents"})
)

EVERY_ITEM = frozenset(
    {"source", "fee_id", "version", "patron_id", "bursar_id", "amount_cents", "reference", "payments_to"}
)
"""What an open item always says, besides what is the same in all of them: that it is the first charge of its fee."""
FIRST_CHARGE: dict[str, Any] = {"movement": 1, "kind": "charge"}


class Charges(Book):
    """ports.ledger.ChargeBook in the database."""

    def pending_fees(self) -> pd.DataFrame:
        """Give every fee that is held or waiting, as tables.FEES."""
        columns = [literal("pending") if name == "known" else fees.c[name] for name in tables.FEES.names]
        query = select(*columns).where(self.store.mine(fees), fees.c.state.in_(bookkeeping.PENDING))
        return frame(self.store, tables.FEES, [query.order_by(fees.c.fee_id, fees.c.source, fees.c.version)])

    def known_fees(self, source: str, fee_ids: Sequence[str]) -> pd.DataFrame:
        """Give every version of these fees: source, fee_id, as_of, version, content, original_cents, state, system."""
        query = select(*(fees.c[name] for name in KNOWN_FEES.names)).where(self.store.mine(fees))
        ordered = query.where(fees.c.source == source).order_by(fees.c.fee_id, fees.c.version)
        queries = (ordered.where(fees.c.fee_id.in_(piece)) for piece in in_pieces(fee_ids))
        return frame(self.store, KNOWN_FEES, queries)

    def known_exports(self, source: str, numbers: Sequence[str]) -> frozenset[str]:
        """Give those of these export numbers under which the ledger has fees of the source, of any state."""
        number = fees.c.export_number
        with self.store.reading() as connection:
            query = select(number).where(self.store.mine(fees), fees.c.source == source).distinct()
            found = [
                row[0] for piece in in_pieces(numbers) for row in connection.execute(query.where(number.in_(piece)))
            ]
        return frozenset(found)

    def next_sequence(self, system: str, kind: str) -> int:
        """Give the number that the next file of this system and kind will bear; 1 in the beginning."""
        query = select(func.max(batches.c.sequence)).where(
            self.store.mine(batches), batches.c.system == system, batches.c.kind == kind
        )
        with self.store.reading() as connection:
            return int(connection.execute(query).scalar() or 0) + 1

    def open_items(self, system: str, columns: Collection[str] = tables.MOVEMENTS.names) -> pd.DataFrame:
        """Give what is outstanding at a system: tables.MOVEMENTS of each first charge, one row a fee, by fee id.

        ``amount_cents`` is charges - reversals - credits less the money received (never below 0; fees at 0 are not
        given).  Columns that are neither asked for nor in EVERY_ITEM are blank: each costs a night its time.
        """
        wanted = EVERY_ITEM.union(columns) - {*FIRST_CHARGE, "against", "system"}
        names = [name for name in tables.MOVEMENTS.names if name in wanted]
        items = frame(self.store, tables.MOVEMENTS, [_outstanding(self.store, system, names)], names)
        return items.assign(**FIRST_CHARGE, against=items["fee_id"], system=system) if len(items) else items

    def given_up(self, system: str) -> pd.DataFrame:
        """Give the movements of a system that stood in a file which was given up, and stand in no other."""
        return frame(self.store, tables.MOVEMENTS, [_given_up(self.store, system)])

    def last_scope(self, system: str) -> str:
        """Give the scope of a system's newest file that was not given up, ``delta`` or ``snapshot``; "" if none is."""
        on = and_(self.store.mine(uploads, batches), uploads.c.batch_id == batches.c.batch_id)
        files = select(batches.c.scope).select_from(batches.join(uploads, on))
        told = (batches.c.system == system, uploads.c.state.not_in(DROPPED_UPLOADS))
        newest = files.where(*told).order_by(batches.c.batch_id.desc()).limit(1)
        with self.store.reading() as connection:
            return str(connection.execute(newest).scalar() or "")

    def last_snapshot(self, system: str) -> pd.DataFrame:
        """Give fee_id and amount_cents of every row of the newest snapshot file that is sent; empty if none is."""
        parts = _newest_snapshot(self.store, system, batches.c.batch_id)
        rows = select(batch_lines.c.fee_id, batch_lines.c.amount_cents).where(
            self.store.mine(batch_lines), batch_lines.c.batch_id.in_(parts)
        )
        return frame(self.store, SNAPSHOT_ROWS, [rows.order_by(batch_lines.c.batch_id, batch_lines.c.position)])

    def last_snapshot_total(self, system: str) -> Tally:
        """Give the rows and cents of the newest snapshot file that is sent, without its rows; nothing if none is."""
        sums = (func.coalesce(func.sum(column), 0) for column in (batches.c.count, batches.c.cents))
        with self.store.reading() as connection:
            count, cents = connection.execute(_newest_snapshot(self.store, system, *sums)).one()
        return Tally(int(count), int(cents))

    def book(self, run: Run, booking: Booking, at: datetime) -> None:
        """Enter a night's decisions, all or nothing.

        Snapshots of the same system that are not yet publishing become superseded and their lines free again.
        Raises StaleError if a fee, movement or file name is already there: the night was thought out on old news.
        LedgerError if it does not add up (adapters.ledger.proof, adapters.ledger.debts).
        """
        bookkeeping.enter(self.store, run, booking, at)


def _outstanding(store: Store, system: str, names: Sequence[str]) -> Select[Any]:
    """Ask for first charges, with the few that were changed or paid set beside them; for their fees only if need be."""
    later, money = changed_later(store), received(store)
    now = func.coalesce(later.c.cents, 0) - func.coalesce(money.c.cents, 0) + movements.c.amount_cents
    facts = {**dict(fees.c.items()), **dict(movements.c.items()), "known": literal(""), "amount_cents": now}
    changed = and_(later.c.source == movements.c.source, later.c.fee_id == movements.c.fee_id)
    paid = and_(money.c.source == movements.c.source, money.c.fee_id == movements.c.fee_id)
    rows = movements.outerjoin(later, changed).outerjoin(money, paid)
    if any(name in fees.c and name not in movements.c for name in names):
        rows = rows.join(fees, and_(*(fees.c[name] == movements.c[name] for name in FEE_VERSION)))
    first = (movements.c.system == system, movements.c.movement == 1, movements.c.kind == "charge")
    owed = select(*(facts[name].label(name) for name in names)).select_from(rows).where(store.mine(movements), *first)
    return owed.where(now > 0).order_by(movements.c.fee_id, movements.c.source)


def _given_up(store: Store, system: str) -> Select[Any]:
    """Ask for them by the files that were given up: these are few, and the lines of all files are many.

    A snapshot that another took the place of was not given up: what is owed of it stands in the later one.
    """
    way = and_(store.mine(uploads, batches), uploads.c.batch_id == batches.c.batch_id)
    files = select(batches.c.batch_id).join_from(batches, uploads, way)
    dropped = (batches.c.scope == "delta", uploads.c.state.in_(DROPPED_UPLOADS))
    over = files.where(batches.c.system == system, *dropped)
    stood = select(*(batch_lines.c[name] for name in MOVEMENT)).where(batch_lines.c.batch_id.in_(over))
    lines = stood.where(store.mine(batch_lines)).distinct().subquery("lines")
    line = and_(*(lines.c[name] == movements.c[name] for name in MOVEMENT))
    stands = exists().where(SENT_HERE, *(batch_lines.c[name] == movements.c[name] for name in MOVEMENT))
    asked = as_sent(tables.MOVEMENTS, {}).join(lines, line).where(store.mine(movements), ~stands)
    return asked.order_by(movements.c.fee_id, movements.c.source, movements.c.movement)


def _newest_snapshot(store: Store, system: str, *columns: ColumnElement[Any]) -> Select[Any]:
    """Ask of all the files of the snapshot that was sent last: those of its kind and number."""
    newest = _snapshots_sent(store, system, batches.c.kind, batches.c.sequence)
    last = newest.order_by(batches.c.batch_id.desc()).limit(1).subquery("last")
    parts = _snapshots_sent(store, system, *columns)
    return parts.where(batches.c.kind == last.c.kind, batches.c.sequence == last.c.sequence)


def _snapshots_sent(store: Store, system: str, *columns: ColumnElement[Any]) -> Select[Any]:
    on = and_(
        store.mine(uploads, batches),
        uploads.c.batch_id == batches.c.batch_id,
        uploads.c.state == UploadState.SENT,
    )
    snapshots = (batches.c.system == system, batches.c.scope == "snapshot")
    return select(*columns).select_from(batches.join(uploads, on)).where(*snapshots)
