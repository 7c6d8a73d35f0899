"""The money books of a ledger, in memory: the same moves, the same refusals, nothing that lasts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.ports.ledger import (
    POSTING_MOVES,
    UNSETTLED_UPLOADS,
    UPLOAD_MOVES,
    Batch,
    Paid,
    Posting,
    PostingState,
    Run,
    StaleError,
    Upload,
    UploadState,
)
from tests.fakes.money import a_charge, a_match, a_payment, a_share
from tests.fakes.payments import FakePayments, refuse
from tests.fakes.tasks import FakeTasks

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from pipeline.ports.ledger import InFile

__all__ = ["FakeBook", "a_charge", "a_match", "a_payment", "a_share"]

KNOWN = (PostingState.POSTED, PostingState.VERIFIED, PostingState.RECORDED)

BY_FILE = {(PostingState.READY, PostingState.LISTED), (PostingState.LISTED, PostingState.READY)}
"""Moves that only a file for Alma's import makes, or one that is given up."""


class FakeBook(FakePayments, FakeTasks):
    """PaymentBook, PostingBook, TaskBook and, for import files, UploadBook in memory.

    ``step`` is told before and after every durable move, and may raise.
    """

    def opened_at(self) -> datetime | None:
        """Nobody opens a book in memory, and there was none before it."""
        return None

    def last_scope(self, system: str) -> str:
        """Every bursar of this book is told what is new, and adds it up."""
        return "delta"

    def postings(self, *states: PostingState) -> Sequence[Posting]:
        found = [one for one in self.by_id.values() if one.state in states]
        if len(found) > 1:
            found.sort(key=lambda one: (self.payments[one.payment_key].occurred_on, one.external_id))
        return found

    def posting(self, external_id: str) -> Posting | None:
        return self.by_id.get(external_id)

    def postings_of(self, payment_key: str) -> Sequence[Posting]:
        return [one for one in self.by_id.values() if one.payment_key == payment_key]

    def paid_since(self, at: datetime) -> Sequence[Paid]:
        """Every fee is owned by MAIN: a charge in memory has no library."""
        done = [(when, name) for name, when in self.posted_at.items() if when >= at and self.by_id[name].state in KNOWN]
        return [self._paid(self.by_id[name]) for _, name in sorted(done)]

    def _paid(self, posting: Posting) -> Paid:
        money = self.payments[posting.payment_key]
        ids = (posting.external_id, money.key, money.payment_ref, money.system, posting.source, posting.fee_id)
        return Paid(*ids, "MAIN", posting.cents, posting.way)

    def move_posting(  # noqa: PLR0913 - as the Protocol has it
        self,
        posting: Posting,
        to: PostingState,
        at: datetime,
        *,
        attempts: int | None = None,
        since: datetime | None = None,
        code: str = "",
        why: str = "",
        evidence: str = "",
    ) -> Posting:
        held = self._unmoved(posting)
        by_file = (posting.state, to) in BY_FILE or (to is PostingState.SENDING and posting.way != "api")
        if to not in POSTING_MOVES[posting.state] or by_file:
            refuse(f"{posting.external_id}: there is no move from {posting.state} to {to}")
        after = replace(
            held,
            state=to,
            attempts=held.attempts if attempts is None else attempts,
            since=held.since if since is None else since,
            code=code,
            why=why,
            blind_nights=0,
            blind_on="",
        )
        put = self._put(held, after)
        if to is PostingState.POSTED or held.state is PostingState.LISTED:
            self.posted_at[held.external_id] = at
        return put

    def _unmoved(self, posting: Posting) -> Posting:
        held = self.by_id.get(posting.external_id)
        if held is None or (held.state, held.attempts) != (posting.state, posting.attempts):
            raise StaleError(posting.external_id)
        return held

    def _put(self, held: Posting, after: Posting) -> Posting:
        self.step(f"before {held.state} -> {after.state}")
        self.by_id[held.external_id] = after
        self.moves.append((held.external_id, held.state, after.state))
        self.moved_since_said.add(held.external_id)
        self.step(f"after {held.state} -> {after.state}")
        return after

    def note_blind(self, posting: Posting, today: date, why: str, at: datetime) -> Posting:
        held = self._unmoved(posting)
        day = today.isoformat()
        if held.blind_on == day:
            return held
        self.step("before blind")
        self.by_id[held.external_id] = replace(held, blind_nights=held.blind_nights + 1, blind_on=day)
        self.step("after blind")
        return self.by_id[held.external_id]

    def list_postings(self, run: Run, batch: Batch, postings: Sequence[Posting], at: datetime) -> None:
        worth = (len(postings), sum(one.cents for one in postings))
        if (batch.kind, batch.scope) != ("payment", "delta") or not postings or worth != (batch.count, batch.cents):
            refuse(f"file {batch.name}: is no import file worth its postings")
        for one in postings:
            if (one.state, one.way, one.source) != (PostingState.READY, "import_file", batch.system):
                refuse(f"{one.external_id}: is not ready for an import file of {batch.system}")
            self._unmoved(one)
        taken = {(one.batch.system, word) for one in self.import_files.values() for word in _marks(one.batch)}
        if {(batch.system, word) for word in _marks(batch)} & taken or len(set(postings)) != len(postings):
            raise StaleError(batch.name)
        self.step("before list")
        number = len(self.import_files) + 1
        self.import_files[number] = Upload(number, batch, UploadState.BUILT, changed_at=at)
        self.listed |= {one.external_id: number for one in postings}
        self.moved_since_said |= {one.external_id for one in postings}
        self.moves += [(one.external_id, one.state, PostingState.LISTED) for one in postings]
        self.by_id |= {one.external_id: _at(self.by_id[one.external_id], PostingState.LISTED) for one in postings}
        self.step("after list")

    def listed_in(self, posting: Posting) -> Upload | None:
        return self.import_files.get(self.listed.get(posting.external_id, 0))

    def next_sequence(self, system: str, kind: str) -> int:
        mine = [one.batch for one in self.import_files.values() if (one.batch.system, one.batch.kind) == (system, kind)]
        return max((one.sequence for one in mine), default=0) + 1

    def files_with(self, source: str, fee_ids: Sequence[str]) -> Mapping[str, InFile]:
        """A charge in memory came in no file."""
        return {}

    def uploads(self) -> Sequence[Upload]:
        return self.uploads_of([])

    def uploads_of(self, names: Sequence[str]) -> Sequence[Upload]:
        found = [one for one in self.import_files.values() if one.batch.name in names or one.state in UNSETTLED_UPLOADS]
        return sorted(found, key=lambda one: (one.batch.system, one.batch_id))

    def sent_since(self, at: datetime) -> Sequence[Upload]:
        sent = [one for one in self.import_files.values() if one.state is UploadState.SENT]
        found = [one for one in sent if one.changed_at is not None and one.changed_at >= at]
        return sorted(found, key=lambda one: (one.batch.system, one.batch_id))

    def move_upload(self, upload: Upload, to: UploadState, evidence: str, at: datetime) -> Upload:
        if to not in UPLOAD_MOVES[upload.state]:
            refuse(f"file {upload.batch.name}: there is no way from {upload.state} to {to}")
        if self.import_files[upload.batch_id].state is not upload.state:
            raise StaleError(upload.batch.name)
        self.step(f"before file {upload.state} -> {to}")
        after = replace(upload, state=to, evidence=evidence, changed_at=at)
        self.import_files[upload.batch_id] = after
        self.moved_since_said.add(upload.batch.name)
        if to in (UploadState.CANCELLED, UploadState.SUPERSEDED):
            self._free(upload.batch_id)
        self.step(f"after file {upload.state} -> {to}")
        return after

    def _free(self, number: int) -> None:
        """Let the postings of a file that was given up stand in another."""
        for external_id in [one for one, file in self.listed.items() if file == number]:
            del self.listed[external_id]
            if (held := self.by_id[external_id]).state is PostingState.LISTED:
                self.moves.append((external_id, held.state, PostingState.READY))
                self.moved_since_said.add(external_id)
                self.by_id[external_id] = _at(held, PostingState.READY)


def _at(posting: Posting, state: PostingState) -> Posting:
    return replace(posting, state=state, code="", why="", blind_nights=0, blind_on="")


def _marks(batch: Batch) -> tuple[object, ...]:
    """What no two files of a system may have in common."""
    return batch.name, (batch.kind, batch.sequence, batch.part)
