"""A new snapshot says everything, so an older one that has not left yet must not be sent after it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, exists, or_, select, true, update

from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import MOVEMENT, batch_lines, batches, uploads
from pipeline.adapters.ledger.store import iso
from pipeline.ports.ledger import MAY_BE_TAKEN, LedgerError, UploadState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Batch

REPLACEABLE = or_(
    uploads.c.state.in_((UploadState.BUILT, UploadState.UPLOADING, UploadState.STAGED)),
    and_(uploads.c.state == UploadState.CONFLICT, ~uploads.c.evidence.endswith(MAY_BE_TAKEN)),
)
"""A file that is being published may be at the bursar's already: it goes its way, and the new one after it."""


def supersede(connection: Connection, store: Store, new: Sequence[Batch], run: int, at: datetime) -> None:
    """Give up every snapshot of the new ones' systems that has not begun to be published."""
    systems = sorted({batch.system for batch in new if batch.scope == "snapshot"})
    if not systems:
        return
    joined = batches.join(uploads, and_(store.mine(batches, uploads), batches.c.batch_id == uploads.c.batch_id))
    query = select(batches.c.batch_id, batches.c.name).select_from(joined)
    unsent = (batches.c.system.in_(systems), batches.c.scope == "snapshot", REPLACEABLE)
    old = connection.execute(query.where(*unsent).order_by(batches.c.batch_id)).all()
    if not old:
        return
    evidence = "a newer snapshot takes its place"
    numbers = [row.batch_id for row in old]
    moved = update(uploads).where(store.mine(uploads), uploads.c.batch_id.in_(numbers))
    connection.execute(moved.values(state=UploadState.SUPERSEDED, evidence=evidence, changed_at=iso(at)))
    free_lines(connection, store, numbers)
    audit.append(connection, store, [Event("superseded", row.name, evidence) for row in old], at, run)


def free_lines(connection: Connection, store: Store, numbers: Iterable[int]) -> None:
    """Let the movements of these files stand in another file."""
    lines = (store.mine(batch_lines), batch_lines.c.batch_id.in_(list(numbers)), batch_lines.c.live == true())
    connection.execute(update(batch_lines).where(*lines).values(live=False))


def take_over(connection: Connection, store: Store, first: int) -> None:
    """From batch ``first`` on, a carried row whose movement stands in no other file becomes the one it is sent by."""
    other = batch_lines.alias("other")
    same_movement = [other.c[name] == batch_lines.c[name] for name in MOVEMENT]
    sent_there = exists().where(other.c.live == true(), ~other.c.carried, *same_movement)
    orphans = (
        store.mine(batch_lines),
        batch_lines.c.batch_id >= first,
        batch_lines.c.carried == true(),
        ~sent_there,
    )
    connection.execute(update(batch_lines).where(*orphans).values(carried=False))


def check_repeated(connection: Connection, store: Store, first: int) -> None:
    """Raise LedgerError where a file from ``first`` on that says what is new repeats what another file sends."""
    file = and_(store.mine(batches, batch_lines), batches.c.batch_id == batch_lines.c.batch_id)
    query = select(batches.c.name, batch_lines.c.fee_id).join_from(batch_lines, batches, file)
    repeated = query.where(batch_lines.c.batch_id >= first, batch_lines.c.carried == true(), batches.c.scope == "delta")
    if row := connection.execute(repeated.limit(1)).one_or_none():
        what = f"file {row.name} is no snapshot, but repeats a movement of fee {row.fee_id} sent before"
        message = f"booking: {what}; nothing was booked"
        raise LedgerError(message)
