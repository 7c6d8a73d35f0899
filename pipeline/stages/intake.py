"""Bring files home from bursar or library: whole, free of card numbers, and kept safe before anybody reads them."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.findings import Finding
from pipeline.ports.ledger import GIVEN_UP, InFile
from pipeline.ports.outside import OutsideError, Refused
from pipeline.stages.cardguard import card_numbers, covered
from pipeline.stages.retry import retry
from pipeline.stages.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Container, Sequence
    from pathlib import Path
    from typing import Literal

    from pipeline.ports.ledger import FileBook
    from pipeline.ports.outside import Clock, Listed, Place

UNFINISHED = (".part", ".tmp", ".filepart")
"""How senders' programs end the names of files that they are still writing."""

READ_ONLY = 0o400

STATES = ("archived", "booked", "refused")
"""Where a file that came may stand in the ledger."""


@dataclass(frozen=True, slots=True)
class Feed:
    """Files of one kind that somebody leaves for us: which they are, and what may be believed of them.

    ``role`` is ``charges``, ``people``, ``counters``, or ``payments``: these are searched for card numbers, and
    ``fee_ids`` are long numbers that are none.  ``name`` is the source or system, ``pattern`` the file names (``*`` and
    ``?``).  ``processed`` is a folder below, or "" to leave files where they are.  ``quiet_s``: seconds between two
    looks that must show the same.  ``proved``: whether reading a file shows that it is whole (a trailer, a closing
    tag); if not, that is said each time.  ``same_name``: what other bytes under a name seen before are: held back, or
    news (a cumulative file).  ``dated``: a file says what is so on the day it is left, so the same bytes left anew say
    something too.  ``recurs``: its lines may be of equal payments, so the same bytes under another name, or left anew,
    may be further ones: they are read as another file, which is known by its delivery instead of its bytes alone.
    """

    role: str
    name: str
    pattern: str
    processed: str = ""
    quiet_s: float = 60
    max_bytes: int = 4 * 2**30
    proved: bool = True
    same_name: Literal["hold", "news"] = "hold"
    dated: bool = False
    recurs: bool = False
    fee_ids: Container[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a look at a feed brought: files new in the archive, files dealt with on an earlier day, and findings.

    A file that an earlier run archived and did not live to read is in neither: the ledger lists it as ``archived``.
    ``latest`` is when the youngest whole file there was written, by the sender's clock (seconds, UTC); ``looked`` is
    false where the look itself failed, so that nothing can be said of what is not there.
    """

    new: tuple[InFile, ...]
    again: tuple[InFile, ...]
    findings: tuple[Finding, ...]
    latest: float | None = None
    looked: bool = True


def fetch_feed(feed: Feed, place: Place, book: FileBook, archive: Path, clock: Clock) -> Fetched:
    """Fetch what is new in a feed into ``archive`` (``in/YYYY/MM/<hash>_<name>``, read-only) and enter it in the book.

    Never deletes anything at the other end.  What keeps a file or the whole feed back is a finding FETCH-*; the other
    files go on.  Raises OSError when the archive cannot be written.
    """
    fetching = _Fetching(feed, place, book, archive, clock)
    try:
        fetching.run()
    except OutsideError as error:
        code = "FETCH-REFUSED" if isinstance(error, Refused) else "FETCH-BUSY"
        fetching.say(code, feed.name, f"what {feed.name} left for us could not all be fetched: {error}")
    return fetching.fetched()


def left_last(book: FileBook, role: str, feed: str) -> InFile | None:
    """Give the file of a feed that was left for us last, be it that its bytes had come before another's."""
    mine = [file for state in STATES for file in book.files_in(role, state) if file.feed == feed]
    return max(mine, key=lambda file: (file.delivered_at or file.archived_at, file.archived_at), default=None)


class _Fetching:
    """One look at one feed."""

    def __init__(self, feed: Feed, place: Place, book: FileBook, archive: Path, clock: Clock) -> None:
        self.feed = feed
        self.place = place
        self.book = book
        self.archive = archive
        self.clock = clock
        self.new: list[InFile] = []
        self.again: list[InFile] = []
        self.findings: list[Finding] = []
        self.latest: float | None = None
        self.looked = False

    def fetched(self) -> Fetched:
        return Fetched(tuple(self.new), tuple(self.again), tuple(self.findings), self.latest, self.looked)

    def say(self, code: str, subject: str, text: str) -> None:
        self.findings.append(Finding(code, subject, text, "fetch"))

    def run(self) -> None:
        incoming = files.private_folder(self.archive / "incoming")
        for left_over in incoming.iterdir():
            _wipe(left_over)
        for number, listed in enumerate(self._settled()):
            here = incoming / f"{number:04d}"
            try:
                self._take(listed, here)
            except Refused as no:
                if no.scope == "system":
                    raise
                self.say("FETCH-REFUSED", listed.name, f"{listed.name}: {no}")
            finally:
                self._discard(here)

    def _settled(self) -> Sequence[Listed]:
        """Two looks must show the same; what is still growing is left for the next run."""
        first = self._ours(retry(self.place.list, self.clock))
        for one in first:
            self._check_name(one.name)
        if first and self.feed.quiet_s:
            self.clock.sleep(self.feed.quiet_s)
        second = self._ours(retry(self.place.list, self.clock)) if first else []
        second = [one for one in second if not self._is_card(one.name)]
        for one in second:
            if one not in first or not one.size:
                self._growing(one)
        still = sorted((one for one in second if one in first and one.size), key=lambda one: (one.modified, one.name))
        self.looked, self.latest = True, still[-1].modified if still else None
        return still

    def _ours(self, listed: Sequence[Listed]) -> list[Listed]:
        return [
            one
            for one in listed
            if fnmatchcase(one.name, self.feed.pattern)
            and not one.name.startswith(".")
            and not one.name.lower().endswith(UNFINISHED)
        ]

    def _is_card(self, name: str) -> bool:
        return self.feed.role == "payments" and covered(name, self.feed.fee_ids) != name

    def _check_name(self, name: str) -> None:
        """A name is kept and printed wherever its file is spoken of, so it is looked at before anything else."""
        if self._is_card(name):
            shown = covered(name, self.feed.fee_ids)
            self.say("FETCH-CARD-NUMBER", shown, f"{shown}: its name looks like a card number; nothing was kept")

    def _growing(self, listed: Listed) -> None:
        self.say("FETCH-GROWING", listed.name, f"{listed.name}: empty or still being written; the next run looks again")

    def _take(self, listed: Listed, here: Path) -> None:
        if listed.size > self.feed.max_bytes:
            limit = f"{listed.size} bytes are more than the {self.feed.max_bytes} allowed"
            self.say("FETCH-TOO-LARGE", listed.name, f"{listed.name}: {limit}")
        elif not self._copied_whole(listed, here):
            self._growing(listed)
        elif not self._has_card_numbers(listed.name, here):
            self._keep(listed, here)

    def _copied_whole(self, listed: Listed, here: Path) -> bool:
        name = listed.name
        before = retry(lambda: self.place.size(name), self.clock)
        copied = retry(lambda: self.place.fetch(name, here), self.clock) if before is not None else None
        after = retry(lambda: self.place.size(name), self.clock)
        return listed.size == before == copied == after

    def _discard(self, here: Path) -> None:
        """Whatever ended the copying, it may hold card numbers that nobody has looked for yet."""
        if not here.exists():
            return
        if self.feed.role == "payments":
            _wipe(here)
        else:
            here.unlink()

    def _has_card_numbers(self, name: str, here: Path) -> bool:
        """Even an encrypted copy would be stored card data: nothing is kept, and only the place is told."""
        if self.feed.role != "payments":
            return False
        with here.open("rb") as lines:
            spots = list(card_numbers(lines, self.feed.fee_ids))
        if not spots:
            return False
        more = f" (and {len(spots) - 1} more)" if len(spots) > 1 else ""
        place = f"line {spots[0].line}, column {spots[0].column}{more}" if spots[0].line else "somewhere inside"
        what = "this looks like a card number" if spots[0].line else "it could not be searched for card numbers"
        self.say("FETCH-CARD-NUMBER", name, f"{name}, {place}: {what}; nothing was kept")
        return True

    def _keep(self, listed: Listed, here: Path) -> None:
        name, sha = listed.name, files.sha256(here)
        now, changed = self.clock.now(), max(0, int(listed.modified))
        left = min(now, datetime.fromtimestamp(changed, UTC)) if changed else now
        known = self.book.file(sha)
        first = known if known is not None and self._is_delivered_anew(known, name, changed) else None
        if first is not None:
            sha = _delivery(sha, name, changed)
            known = self.book.file(sha)
        if known is not None and self._is_news(known, changed):
            self.book.archived(replace(known, changed=changed, delivered_at=left))
            self._move_aside(name, sha)
        elif known is not None:
            self._known(name, known)
        elif first is None and self.feed.same_name == "hold" and self._taken(name):
            self.say("FETCH-SAME-NAME", name, f"{name}: came before with other content; it stays where it is")
        else:
            size = here.stat().st_size
            file = InFile(sha, name, self.feed.role, self.feed.name, size, now, changed=changed, delivered_at=left)
            self._archive(file, here)
            if first is not None:
                self.say("FETCH-SAME-BYTES", name, f"{name}: the bytes of {first.name}; it may be further payments")

    def _is_delivered_anew(self, known: InFile, name: str, changed: int) -> bool:
        """Whether bytes that came before were left once more, where equal payments give equal files."""
        mine = self.feed.recurs and known.feed == self.feed.name
        return mine and (known.name != name or changed > known.changed)

    def _is_news(self, known: InFile, changed: int) -> bool:
        """Whether bytes that came before say something new: what was so once is so again today.

        A people file is never done with: it is as good as its last delivery.
        """
        if not self.feed.dated or changed <= known.changed:
            return False
        if self.feed.role == "people":
            return known.state == "archived"
        newest = left_last(self.book, self.feed.role, self.feed.name)
        return known.state == "booked" and newest is not None and newest.sha != known.sha

    def _taken(self, name: str) -> bool:
        """Whether other content came under this name; a file that was refused gives its name free for a better one."""
        before = self.book.files_named(self.feed.role, self.feed.name, name)
        return any(file.state != "refused" for file in before)

    def _known(self, name: str, known: InFile) -> None:
        if known.state == "refused" and known.code == GIVEN_UP:
            self.say(GIVEN_UP, name, f"{name}: lies there still; nothing of it is used, as {known.why}")
            self._move_aside(name, known.sha)
            return
        if known.state == "refused":
            self.book.archived(known)
            return
        if known.state != "archived":
            self.again.append(known)
        self.say("FETCH-AGAIN", name, f"{name}: the same bytes came as {known.name}; they count once")
        self._move_aside(name, known.sha)

    def _archive(self, file: InFile, here: Path) -> None:
        """The ledger hears of a file when it cannot get lost any more, and the sender's folder changes after that."""
        kept = shelf(self.archive, file)
        files.publish(kept, files.blocks_of(here))
        kept.chmod(READ_ONLY)
        self.book.archived(file)
        self.new.append(file)
        if not self.feed.proved:
            self.say("FETCH-UNPROVED", file.name, f"{file.name}: nothing in it proves that it is whole; taken as it is")
        self._move_aside(file.name, file.sha)

    def _move_aside(self, name: str, sha: str) -> None:
        """Where this is not allowed the file stays, is fetched again, and its hash keeps it from counting twice.

        A name that is taken there is worth another one, with the hash in front.
        """
        if not self.feed.processed:
            return
        error = self._renamed(name, name)
        if isinstance(error, Refused):
            error = self._renamed(name, f"{sha[:12]}_{name}")
        if error is not None:
            self.say("FETCH-LEFT", name, f"{name}: kept, but not moved to {self.feed.processed}: {error}")

    def _renamed(self, name: str, target: str) -> OutsideError | None:
        """Give what kept it from being moved, or None."""
        try:
            self.place.rename(name, f"{self.feed.processed}/{target}")
        except OutsideError as error:
            return error
        return None


def _delivery(sha: str, name: str, changed: int) -> str:
    """Name a delivery of bytes that came before: by them, the name it has, and when it was last changed."""
    return hashlib.sha256("\x1f".join((sha, name, str(changed))).encode()).hexdigest()


def _wipe(path: Path) -> None:
    """Overwrite a file before it is removed."""
    with path.open("r+b") as stream:
        left = path.stat().st_size
        while left > 0:
            left -= stream.write(b"\0" * min(left, files.BLOCK))
        stream.flush()
        os.fsync(stream.fileno())
    path.unlink()
