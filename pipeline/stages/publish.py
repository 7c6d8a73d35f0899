"""Publish each file once at its bursar: look, note, do, note; whatever crashes, the next run sees where it stood."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from itertools import groupby
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.findings import Finding
from pipeline.ports.ledger import MAY_BE_TAKEN, OPEN_UPLOADS, UNSETTLED_UPLOADS, Upload, UploadState
from pipeline.ports.outside import Busy, Lost, OutsideError, Refused
from pipeline.stages.retry import retry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.ports.ledger import UploadBook
    from pipeline.ports.outside import Clock, Place

LOOKS = 3
"""How often one run starts from the top when the world changed under it or an answer was lost."""

TAKEN = "taken: we were publishing it and it is gone under both names, so the bursar has it"
FOUND = "found: our very bytes lie there under the final name"

RENAMED = "renamed"
"""How the evidence begins where we know to the minute when the file came to lie there."""

CODES = ((Busy, "DELIVER-BUSY"), (Refused, "DELIVER-REFUSED"), (Lost, "DELIVER-DOUBT"))


class AlteredError(Exception):
    """The built file is not, byte for byte, the one that the ledger has entered; it must not go out."""


def staging_name(upload: Upload) -> str:
    """Give the name a file bears while it is being written: bursars ignore a dot in front and ``.part`` behind."""
    return f".{upload.batch.sha[:12]}.part"


def deliver_upload(upload: Upload, built: Path, place: Place, book: UploadBook, clock: Clock) -> Upload:
    """Bring one file to its place, or find that it is there; give the record as it now stands: SENT or CONFLICT.

    ``built`` is the file as it was made.  Raises AlteredError if it is to be copied and is no longer that file; Busy,
    Refused or Lost if the outside kept it from being finished.  Then the ledger knows how far it got and the next call
    goes on from there.
    """
    delivery = _Delivery(upload, built, place, book, clock)
    for _ in range(LOOKS - 1):
        try:
            return delivery.from_the_top()
        except Lost:
            continue
        except Refused as no:
            if no.scope == "system":
                raise
    return delivery.from_the_top()


def deliver_all(
    uploads: Sequence[Upload], places: Mapping[str, Place], root: Path, book: UploadBook, clock: Clock
) -> tuple[list[Upload], list[Finding]]:
    """Deliver what is on its way, system by system, in the order given; give each of these records as it now stands.

    ``places`` is by system; built files lie below ``root``.  The first file of a system that does not end as sent stops
    that system, so that no later file overtakes it; the other systems go on.  Findings are DELIVER-*.
    """
    ended: list[Upload] = []
    findings: list[Finding] = []
    unfinished = [upload for upload in uploads if upload.state in UNSETTLED_UPLOADS]
    for system, waiting in groupby(sorted(unfinished, key=_system), key=_system):
        done, said = _deliver_system(list(waiting), places.get(system), root, book, clock)
        ended += done
        findings += said
    return ended, findings


def _system(upload: Upload) -> str:
    return upload.batch.system


def _deliver_system(
    waiting: list[Upload], place: Place | None, root: Path, book: UploadBook, clock: Clock
) -> tuple[list[Upload], list[Finding]]:
    ended: list[Upload] = []
    findings: list[Finding] = []
    for number, upload in enumerate(waiting):
        try:
            if place is None:
                message = f"no place is configured for {upload.batch.system}; mend the campus file"
                raise Refused(message, scope="system")
            now = deliver_upload(upload, root / upload.batch.path, place, book, clock)
        except (OutsideError, AlteredError) as error:
            return [*ended, *_as_noted(waiting[number:], book)], [*findings, _stopped(upload, error)]
        ended.append(now)
        findings += _worth_telling(upload, now)
        if now.state is UploadState.CONFLICT:
            return [*ended, *waiting[number + 1 :]], findings
    return ended, findings


def _as_noted(waiting: Sequence[Upload], book: UploadBook) -> list[Upload]:
    """The records of files that have not arrived, as the ledger has them now."""
    noted = {upload.batch_id: upload for upload in book.uploads()}
    return [noted.get(upload.batch_id, upload) for upload in waiting]


def _stopped(upload: Upload, error: Exception) -> Finding:
    code = next((code for kind, code in CODES if isinstance(error, kind)), "DELIVER-ALTERED")
    return Finding(code, upload.batch.name, f"{upload.batch.name} for {upload.batch.system}: {error}", "deliver")


def _worth_telling(before: Upload, upload: Upload) -> list[Finding]:
    name = f"{upload.batch.name} for {upload.batch.system}"
    if before.state is UploadState.CONFLICT and upload.state is UploadState.SENT and upload.evidence != FOUND:
        said = f"{name}: sent, for the other file is gone; {before.evidence}"
        return [Finding("DELIVER-CONFLICT-OVER", upload.batch.name, said, "deliver")]
    if upload.state is UploadState.CONFLICT:
        return [Finding("DELIVER-CONFLICT", upload.batch.name, f"{name}: {upload.evidence}", "deliver")]
    if upload.evidence == TAKEN:
        return [Finding("DELIVER-TAKEN", upload.batch.name, f"{name}: {upload.evidence}", "deliver")]
    return []


def _check_built(upload: Upload, built: Path) -> None:
    do = f"restore it from the backup, or give it up with `bursar resolve {upload.batch.name} --reject`"
    try:
        same = files.sha256(built) == upload.batch.sha
    except OSError as error:
        message = f"{built}: cannot be read ({error.strerror}); {do}"
        raise AlteredError(message) from error
    if not same:
        message = f"{built}: is not the file that was built and entered; {do}"
        raise AlteredError(message)


class _Delivery:
    """One file on its way: what the ledger says of it, and what is looked at and done next."""

    def __init__(self, upload: Upload, built: Path, place: Place, book: UploadBook, clock: Clock) -> None:
        self.upload = upload
        self.staging = staging_name(upload)
        self.built = built
        self.place = place
        self.book = book
        self.clock = clock

    def from_the_top(self) -> Upload:
        """Look at both names, and go on from what is there.

        The final name is looked at first: the only way from the staging name to it is our own rename.
        """
        final = self._size(self.upload.batch.name)
        staged = self._size(self.staging)
        if final is not None:
            return self._found(final, staged)
        if self.upload.state is UploadState.PUBLISHING and staged is None:
            return self._note(UploadState.SENT, TAKEN)
        if not self._is_ours(self.staging, staged):
            if self._may_be_taken():
                return self.upload
            self._stage(staged)
        return self._publish()

    def _may_be_taken(self) -> bool:
        """A file that the bursar may have must not go out a second time: only a person can find out."""
        return self.upload.state is UploadState.CONFLICT and self.upload.evidence.endswith(MAY_BE_TAKEN)

    def _found(self, final: int, staged: int | None) -> Upload:
        """Somebody has put a file there: our own bytes are the delivery, any others are nobody's to overwrite."""
        if self._is_ours(self.upload.batch.name, final):
            self._note(UploadState.SENT, FOUND)
            if staged is not None:
                with suppress(OutsideError):
                    self.place.remove(self.staging)
        elif self.upload.state in OPEN_UPLOADS:
            was = self.upload.state
            self._note(UploadState.CONFLICT, f"another file of this name lay there ({final} bytes); ours was {was}")
        return self.upload

    def _stage(self, staged: int | None) -> None:
        if self.upload.state is UploadState.PUBLISHING:
            self._note(UploadState.STAGED, "it is still there under its staging name, but not whole")
        _check_built(self.upload, self.built)
        if self.upload.state is not UploadState.UPLOADING:
            self._note(UploadState.UPLOADING, f"as {self.staging}")
        if staged is not None:
            self._clear_staging()
        retry(lambda: self.place.write_new(self.staging, self.built), self.clock)
        if not self._is_ours(self.staging, self._size(self.staging)):
            message = f"{self.staging}: what was read back is not what was written"
            raise Lost(message)

    def _clear_staging(self) -> None:
        """A remove whose answer is lost may still come about later and take the next copy: not again in this run."""
        try:
            retry(lambda: self.place.remove(self.staging), self.clock)
        except Lost as lost:
            message = f"{lost}; the next run looks again"
            raise Busy(message) from lost

    def _publish(self) -> Upload:
        """What we are about to do is in the ledger before it is done: else a file that is taken at once goes twice."""
        if self.upload.state in (UploadState.BUILT, UploadState.UPLOADING, UploadState.CONFLICT):
            self._note(UploadState.STAGED, f"read back as {self.staging}, all {self.upload.batch.size} bytes")
        if self.upload.state is UploadState.STAGED:
            self._note(UploadState.PUBLISHING, f"renaming {self.staging}")
        retry(lambda: self.place.rename(self.staging, self.upload.batch.name), self.clock)
        return self._note(UploadState.SENT, f"{RENAMED}; {self._glance()}")

    def _glance(self) -> str:
        try:
            seen = self.place.size(self.upload.batch.name)
        except OutsideError:
            return "not looked at since"
        return "already gone when looked at" if seen is None else f"{seen} bytes lie there"

    def _size(self, name: str) -> int | None:
        return retry(lambda: self.place.size(name), self.clock)

    def _is_ours(self, name: str, size: int | None) -> bool:
        if size != self.upload.batch.size:
            return False
        content = retry(lambda: self.place.read(name), self.clock)
        return hashlib.sha256(content).hexdigest() == self.upload.batch.sha

    def _note(self, state: UploadState, evidence: str) -> Upload:
        self.upload = self.book.move_upload(self.upload, state, evidence, self.clock.now())
        return self.upload
