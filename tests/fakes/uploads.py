"""The ledger's books of files, in memory: what is passed in outlives the run, the book itself does not."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

from pipeline.ports.ledger import (
    GIVEN_UP,
    UNSETTLED_UPLOADS,
    UPLOAD_MOVES,
    Batch,
    InFile,
    LedgerError,
    StaleError,
    Upload,
    UploadState,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime
    from pathlib import Path


class FakeUploadBook:
    """ports.ledger.UploadBook over a dict of uploads by batch id."""

    def __init__(self, rows: dict[int, Upload]) -> None:
        self.rows = rows

    def uploads(self) -> Sequence[Upload]:
        return self.uploads_of([])

    def uploads_of(self, names: Sequence[str]) -> Sequence[Upload]:
        asked = [row for row in self.rows.values() if row.batch.name in names or row.state in UNSETTLED_UPLOADS]
        return sorted(asked, key=lambda row: (row.batch.system, row.batch.sequence, row.batch.part))

    def sent_since(self, at: datetime) -> Sequence[Upload]:
        sent = [row for row in self.rows.values() if row.state is UploadState.SENT]
        found = [row for row in sent if row.changed_at is not None and row.changed_at >= at]
        return sorted(found, key=lambda row: (row.batch.system, row.batch.sequence, row.batch.part))

    def move_upload(self, upload: Upload, to: UploadState, evidence: str, at: datetime) -> Upload:
        if to not in UPLOAD_MOVES[upload.state]:
            message = f"no way from {upload.state} to {to}"
            raise LedgerError(message)
        if self.rows[upload.batch_id].state != upload.state:
            message = f"{upload.batch.name} was moved meanwhile"
            raise StaleError(message)
        self.rows[upload.batch_id] = replace(upload, state=to, evidence=evidence, changed_at=at)
        return self.rows[upload.batch_id]


class FakeFileBook:
    """ports.ledger.FileBook over a dict of files by hash."""

    def __init__(self, rows: dict[str, InFile] | None = None) -> None:
        self.rows = {} if rows is None else rows

    def file(self, sha: str) -> InFile | None:
        return self.rows.get(sha)

    def files_named(self, role: str, feed: str, name: str) -> Sequence[InFile]:
        return [row for row in self.rows.values() if (row.role, row.feed, row.name) == (role, feed, name)]

    def files_with(self, source: str, fee_ids: Sequence[str]) -> Mapping[str, InFile]:
        """Nobody told this book which fees stand in a file."""
        return {}

    def archived(self, file: InFile) -> None:
        there = self.rows.setdefault(file.sha, file)
        if there.state == "refused":
            self.rows[file.sha] = replace(there, state="archived", code="", why="")
        elif file.changed > there.changed and file.delivered_at is not None:
            self.rows[file.sha] = replace(there, state="archived", changed=file.changed, delivered_at=file.delivered_at)

    def give_up_file(self, file: InFile, by: str, why: str, at: datetime) -> InFile:
        if self.rows[file.sha].state != "refused":
            message = f"{file.name} is not refused any more"
            raise StaleError(message)
        self.rows[file.sha] = replace(file, code=GIVEN_UP, why=f"{by}: {why}")
        return self.rows[file.sha]

    def files_in(self, role: str, state: str) -> Sequence[InFile]:
        return [row for row in self.rows.values() if (row.role, row.state) == (role, state)]

    def newest_file(self, role: str, feed: str) -> InFile | None:
        mine = [row for row in self.rows.values() if (row.role, row.feed) == (role, feed)]
        return max(mine, key=lambda row: row.archived_at, default=None)

    def settle(self, sha: str, state: str = "booked") -> None:
        """Mark a file as dealt with, as the stages that read it do."""
        self.rows[sha] = replace(self.rows[sha], state=state)


def built(root: Path, system: str, sequence: int, content: bytes) -> Upload:
    """Build a file below ``root`` and give its record, as the ledger enters it."""
    name = f"{system}_{sequence:04d}.dat"
    path = root / "out" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    sha = hashlib.sha256(content).hexdigest()
    day = date(2026, 3, 2)
    number = sum(map(ord, system)) * 1000 + sequence
    batch = Batch(system, "charges", sequence, 1, "delta", name, f"out/{name}", sha, len(content), 1, 500, day)
    return Upload(number, batch, UploadState.BUILT)
