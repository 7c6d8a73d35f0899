"""The book of files that came in: each lies in the archive under its hash and is dealt with once."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update

from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import fees, files
from pipeline.adapters.ledger.store import Book, Store, in_pieces, iso, one, record
from pipeline.ports.ledger import GIVEN_UP, InFile

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, RowMapping


class Incoming(Book):
    """ports.ledger.FileBook in the database."""

    def file(self, sha: str) -> InFile | None:
        """Find a file by its hash."""
        return next(iter(_found(self.store, files.c.sha == sha)), None)

    def files_named(self, role: str, feed: str, name: str) -> Sequence[InFile]:
        """Find the files of a feed that came under this name, oldest first."""
        return _found(self.store, files.c.role == role, files.c.feed == feed, files.c.name == name)

    def files_in(self, role: str, state: str) -> Sequence[InFile]:
        """List a role's files of one state, oldest first."""
        return _found(self.store, files.c.role == role, files.c.state == state)

    def files_with(self, source: str, fee_ids: Sequence[str]) -> Mapping[str, InFile]:
        """Give, by fee id, the file in which each of these fees of a source first stood; an unknown one is missing."""
        shas: dict[str, str] = {}
        mine = (self.store.mine(fees), fees.c.source == source)
        with self.store.reading() as connection:
            for ids in in_pieces(fee_ids):
                query = select(fees.c.fee_id, fees.c.file_sha).where(*mine, fees.c.fee_id.in_(ids))
                for row in connection.execute(query.order_by(fees.c.version)):
                    shas.setdefault(row.fee_id, row.file_sha)
        known = {sha: self.file(sha) for sha in sorted(set(shas.values()))}
        return {fee_id: file for fee_id, sha in shas.items() if (file := known[sha]) is not None}

    def newest_file(self, role: str, feed: str) -> InFile | None:
        """Give the file of a feed that came last, whatever became of it."""
        return next(reversed(_found(self.store, files.c.role == role, files.c.feed == feed)), None)

    def archived(self, file: InFile) -> None:
        """Enter a file that now lies in the archive.

        Entering the same one again changes nothing, except that a refused one is to be read once more: whoever left it
        there wants it read, and a layout or the campus file may have been mended; and so is one that was dealt with and
        has been left there anew (``changed`` is later).  One that is left anew while it waits is as old as that.
        """
        store = self.store
        with store.changing() as connection:
            mine = (store.mine(files), files.c.sha == file.sha)
            known = connection.execute(select(files).where(*mine)).mappings().one_or_none()
            if known is not None:
                refused = update(files).where(*mine, files.c.state == "refused")
                connection.execute(refused.values(state="archived", code="", why=""))
                if file.changed > known["changed"] and file.delivered_at is not None:
                    kept = update(files).where(*mine, files.c.state.in_(("booked", "archived")))
                    again = {"state": "archived", "delivered_at": iso(file.delivered_at), "changed": file.changed}
                    connection.execute(kept.values(**again))
                    audit.append(connection, store, [Event("archived", file.sha, "came again")], file.delivered_at)
                return
            text = f"{file.name} of {file.feed} ({file.role}, {file.size} bytes) lies in the archive"
            entry = audit.append(connection, store, [Event("archived", file.sha, text)], file.archived_at)
            connection.execute(insert(files).values(**store.scope, **_columns(file), entry=entry))

    def give_up_file(self, file: InFile, by: str, why: str, at: datetime) -> InFile:
        """Do what ports.ledger.FileBook.give_up_file promises."""
        with self.store.changing() as connection:
            refused = (self.store.mine(files), files.c.sha == file.sha, files.c.state == "refused")
            given_up = replace(file, code=GIVEN_UP, why=f"{by}: {why}")
            values = {"code": given_up.code, "why": given_up.why}
            one(connection, update(files).where(*refused).values(**values), f"file {file.name}")
            audit.append(connection, self.store, [Event("given up", file.sha, why, by)], at)
        return given_up


def _found(store: Store, *conditions: ColumnElement[bool]) -> Sequence[InFile]:
    query = select(files).where(store.mine(files), *conditions).order_by(files.c.archived_at, files.c.entry)
    with store.reading() as connection:
        return [_file(row) for row in connection.execute(query).mappings()]


def settle_file(connection: Connection, store: Store, sha: str, state: str, code: str = "", why: str = "") -> None:
    """Move a file from archived to booked or refused.  Raises StaleError if it is no longer waiting to be read."""
    waiting = (store.mine(files), files.c.sha == sha, files.c.state == "archived")
    one(connection, update(files).where(*waiting).values(state=state, code=code, why=why), f"file {sha[:12]}")


def _columns(file: InFile) -> dict[str, object]:
    return {
        "sha": file.sha,
        "name": file.name,
        "role": file.role,
        "feed": file.feed,
        "size": file.size,
        "archived_at": iso(file.archived_at),
        "state": file.state,
        "code": file.code,
        "changed": file.changed,
        "delivered_at": iso(file.delivered_at or file.archived_at),
        "why": file.why,
    }


def _file(row: RowMapping) -> InFile:
    moments = {name: datetime.fromisoformat(row[name]) for name in ("archived_at", "delivered_at")}
    return record(InFile, row, **moments)
