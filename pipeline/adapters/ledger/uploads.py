"""The book of uploads: every file on its way to a bursar, and how far it got."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import or_, update

from pipeline.adapters.ledger import audit, filed, handover
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import batches, uploads
from pipeline.adapters.ledger.snapshots import free_lines
from pipeline.adapters.ledger.store import Book, iso, one
from pipeline.ports.ledger import DROPPED_UPLOADS, UNSETTLED_UPLOADS, UPLOAD_MOVES, LedgerError, Upload, UploadState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection


class Uploads(Book):
    """ports.ledger.UploadBook in the database."""

    def uploads(self) -> Sequence[Upload]:
        """List the files in UNSETTLED_UPLOADS, by system, oldest first: none may be overtaken by a later one."""
        return self.uploads_of([])

    def uploads_of(self, names: Sequence[str]) -> Sequence[Upload]:
        """Give the files of these names, wherever they stand, and all that ``uploads`` gives, in the same order."""
        wanted = or_(uploads.c.state.in_(UNSETTLED_UPLOADS), batches.c.name.in_(names))
        order = (batches.c.system, batches.c.batch_id)
        with self.store.reading() as connection:
            rows = connection.execute(filed.asked(self.store).where(wanted).order_by(*order))
            return [filed.upload(row) for row in rows.mappings()]

    def sent_since(self, at: datetime) -> Sequence[Upload]:
        """Give the files that were sent at ``at`` or later, by system, oldest first."""
        sent = (uploads.c.state == UploadState.SENT, uploads.c.changed_at >= iso(at))
        query = filed.asked(self.store).where(*sent).order_by(batches.c.system, batches.c.batch_id)
        with self.store.reading() as connection:
            return [filed.upload(row) for row in connection.execute(query).mappings()]

    def move_upload(self, upload: Upload, to: UploadState, evidence: str, at: datetime) -> Upload:
        """Move a file along UPLOAD_MOVES, durable on return; give the new record.

        A file that is cancelled or superseded sets its lines free; payments that stood in it are READY again.  Raises
        StaleError, and LedgerError when there is no such move.
        """
        name = upload.batch.name
        if to not in UPLOAD_MOVES[upload.state]:
            message = f"file {name}: there is no way from {upload.state} to {to}; nothing was changed"
            raise LedgerError(message)
        with self.store.changing() as connection:
            here = (self.store.mine(uploads), uploads.c.batch_id == upload.batch_id, uploads.c.state == upload.state)
            moved = update(uploads).where(*here).values(state=to, evidence=evidence, changed_at=iso(at))
            one(connection, moved, f"file {name}")
            freed = self._freed(connection, upload, at) if to in DROPPED_UPLOADS else []
            text = f"{upload.state} to {to}: {evidence}" if evidence else f"{upload.state} to {to}"
            audit.append(connection, self.store, [Event(to, name, text), *freed], at)
        return replace(upload, state=to, evidence=evidence, changed_at=at)

    def _freed(self, connection: Connection, upload: Upload, at: datetime) -> list[Event]:
        free_lines(connection, self.store, [upload.batch_id])
        return handover.free(connection, self.store, upload.batch_id, iso(at))
