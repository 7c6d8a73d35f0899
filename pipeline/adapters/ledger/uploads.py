"""The book of uploads: every file on its way to a bursar, and how far it got."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, or_, select, update

from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import batches, uploads
from pipeline.adapters.ledger.snapshots import free_lines
from pipeline.adapters.ledger.store import Book, iso, one, record
from pipeline.ports.ledger import UNSETTLED_UPLOADS, UPLOAD_MOVES, Batch, LedgerError, Upload, UploadState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping

GIVEN_UP = (UploadState.SUPERSEDED, UploadState.CANCELLED)


class Uploads(Book):
    """ports.ledger.UploadBook in the database."""

    def uploads(self) -> Sequence[Upload]:
        """List the files in UNSETTLED_UPLOADS, by system, oldest first: none may be overtaken by a later one."""
        return self.uploads_of([])

    def uploads_of(self, names: Sequence[str]) -> Sequence[Upload]:
        """Give the files of these names, wherever they stand, and all that ``uploads`` gives, in the same order."""
        mine = and_(self.store.mine(batches, uploads), batches.c.batch_id == uploads.c.batch_id)
        facts = (batches, uploads.c.state, uploads.c.evidence, uploads.c.changed_at)
        wanted = or_(uploads.c.state.in_(UNSETTLED_UPLOADS), batches.c.name.in_(names))
        order = (batches.c.system, batches.c.batch_id)
        with self.store.reading() as connection:
            rows = connection.execute(select(*facts).join_from(batches, uploads, mine).where(wanted).order_by(*order))
            return [_upload(row) for row in rows.mappings()]

    def move_upload(self, upload: Upload, to: UploadState, evidence: str, at: datetime) -> Upload:
        """Move a file along UPLOAD_MOVES, durable on return; give the new record.

        A file that is cancelled or superseded sets its lines free.  Raises StaleError, and LedgerError when there is no
        such move.
        """
        name = upload.batch.name
        if to not in UPLOAD_MOVES[upload.state]:
            message = f"file {name}: there is no way from {upload.state} to {to}; nothing was changed"
            raise LedgerError(message)
        with self.store.changing() as connection:
            here = (self.store.mine(uploads), uploads.c.batch_id == upload.batch_id, uploads.c.state == upload.state)
            moved = update(uploads).where(*here).values(state=to, evidence=evidence, changed_at=iso(at))
            one(connection, moved, f"file {name}")
            if to in GIVEN_UP:
                free_lines(connection, self.store, [upload.batch_id])
            text = f"{upload.state} to {to}: {evidence}" if evidence else f"{upload.state} to {to}"
            audit.append(connection, self.store, [Event(to, name, text)], at)
        return replace(upload, state=to, evidence=evidence, changed_at=at)


def _upload(row: RowMapping) -> Upload:
    batch = record(Batch, row, business_date=date.fromisoformat(row["business_date"]))
    changed_at = datetime.fromisoformat(row["changed_at"])
    return Upload(row["batch_id"], batch, UploadState(row["state"]), row["evidence"], changed_at)
