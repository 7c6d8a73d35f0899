"""Keeps each file that came once, in the archive and in the ledger, however often and by whatever name it is left."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.ports.ledger import GIVEN_UP, InFile
from pipeline.ports.outside import OutsideError, Refused
from pipeline.stages.shelf import shelf

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.ledger import FileBook
    from pipeline.ports.outside import Clock, Listed, Place
    from pipeline.stages.feed import Look

READ_ONLY = 0o400

STATES = ("archived", "booked", "refused")
"""Where a file that came may stand in the ledger."""


def left_last(book: FileBook, role: str, feed: str) -> InFile | None:
    """Give the file of a feed that was left for us last, be it that its bytes had come before another's."""
    mine = [file for state in STATES for file in book.files_in(role, state) if file.feed == feed]
    return max(mine, key=lambda file: (file.delivered_at or file.archived_at, file.archived_at), default=None)


class Keeping:
    """Keeps the files of one look at a feed, and tells the look what each of them is."""

    def __init__(self, look: Look, place: Place, book: FileBook, archive: Path, clock: Clock) -> None:
        self.look = look
        self.feed = look.feed
        self.place = place
        self.book = book
        self.archive = archive
        self.clock = clock

    def keep(self, listed: Listed, here: Path) -> None:
        """Keep a file that was copied whole to ``here``; bytes that are known count as what they are now.

        Raises OSError when the archive cannot be written.
        """
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
            self.look.say("FETCH-SAME-NAME", name, f"{name}: came before with other content; it stays where it is")
        else:
            size = here.stat().st_size
            file = InFile(sha, name, self.feed.role, self.feed.name, size, now, changed=changed, delivered_at=left)
            self._archive(file, here)
            if first is not None:
                self.look.say(
                    "FETCH-SAME-BYTES", name, f"{name}: the bytes of {first.name}; it may be further payments"
                )

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
            self.look.say(GIVEN_UP, name, f"{name}: lies there still; nothing of it is used, as {known.why}")
            self._move_aside(name, known.sha)
            return
        if known.state == "refused":
            self.book.archived(known)
            return
        if known.state != "archived":
            self.look.again.append(known)
        self.look.say("FETCH-AGAIN", name, f"{name}: the same bytes came as {known.name}; they count once")
        self._move_aside(name, known.sha)

    def _archive(self, file: InFile, here: Path) -> None:
        """The ledger hears of a file when it cannot get lost any more, and the sender's folder changes after that."""
        kept = shelf(self.archive, file)
        files.publish(kept, files.blocks_of(here))
        kept.chmod(READ_ONLY)
        self.book.archived(file)
        self.look.new.append(file)
        if not self.feed.proved:
            self.look.say(
                "FETCH-UNPROVED", file.name, f"{file.name}: nothing in it proves that it is whole; taken as it is"
            )
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
            self.look.say("FETCH-LEFT", name, f"{name}: kept, but not moved to {self.feed.processed}: {error}")

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
