"""How an output file is written down, whatever travels in it."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, func, select

from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import batches, uploads
from pipeline.adapters.ledger.store import add, record
from pipeline.money import Tally
from pipeline.ports.ledger import Batch, Upload, UploadState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection, RowMapping, Select

    from pipeline.adapters.ledger.store import Store


def built(batch: Batch) -> Event:
    """Tell that a file was made, and what it is worth."""
    tally = Tally(batch.count, batch.cents)
    place = f"{batch.scope} of {batch.system} {batch.kind} {batch.sequence}, part {batch.part}"
    return Event("built", batch.name, f"{place}: {tally}, sha256 {batch.sha}")


def enter(connection: Connection, store: Store, new: Sequence[Batch], at: str, entry: int) -> int:
    """Enter files, BUILT; return the ledger's number of the first, the others follow."""
    query = select(func.max(batches.c.batch_id)).where(store.mine(batches))
    first = int(connection.execute(query).scalar() or 0) + 1
    rows = [asdict(batch) | {"business_date": batch.business_date.isoformat()} for batch in new]
    columns: dict[str, Iterable[object]] = {name: [row[name] for row in rows] for name in (rows[0] if rows else ())}
    numbers = {"batch_id": range(first, first + len(new))}
    add(connection, store, batches, columns | numbers, entry=entry)
    add(connection, store, uploads, numbers, state=UploadState.BUILT, evidence="", changed_at=at)
    return first


def asked(store: Store) -> Select[Any]:
    """Ask for files and where they stand."""
    mine = and_(store.mine(batches, uploads), batches.c.batch_id == uploads.c.batch_id)
    return select(batches, uploads.c.state, uploads.c.evidence, uploads.c.changed_at).join_from(batches, uploads, mine)


def upload(row: RowMapping) -> Upload:
    """Make the record of a file out of a row of the answer."""
    batch = record(Batch, row, business_date=date.fromisoformat(row["business_date"]))
    changed_at = datetime.fromisoformat(row["changed_at"])
    return Upload(row["batch_id"], batch, UploadState(row["state"]), row["evidence"], changed_at)
