"""Bring files home from bursar or library: whole, free of card numbers, and kept safe before anybody reads them."""

from __future__ import annotations

import os
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.ports.outside import OutsideError, Refused
from pipeline.stages.cardguard import card_numbers, covered
from pipeline.stages.feed import Look
from pipeline.stages.keeping import Keeping
from pipeline.stages.retry import retry

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.ports.ledger import FileBook
    from pipeline.ports.outside import Clock, Listed, Place
    from pipeline.stages.feed import Feed, Fetched

UNFINISHED = (".part", ".tmp", ".filepart")
"""How senders' programs end the names of files that they are still writing."""


def fetch_feed(feed: Feed, place: Place, book: FileBook, archive: Path, clock: Clock) -> Fetched:
    """Fetch what is new in a feed into ``archive`` (``in/YYYY/MM/<hash>_<name>``, read-only) and enter it in the book.

    Never deletes anything at the other end.  What keeps a file or the whole feed back is a finding FETCH-*; the other
    files go on.  Raises OSError when the archive cannot be written.
    """
    look = Look(feed)
    fetching = _Fetching(look, place, Keeping(look, place, book, archive, clock), archive, clock)
    try:
        fetching.run()
    except OutsideError as error:
        code = "FETCH-REFUSED" if isinstance(error, Refused) else "FETCH-BUSY"
        look.say(code, feed.name, f"what {feed.name} left for us could not all be fetched: {error}")
    return look.fetched()


class _Fetching:
    """One look at one feed, from the sender's folder to the archive."""

    def __init__(self, look: Look, place: Place, keeping: Keeping, archive: Path, clock: Clock) -> None:
        self.look = look
        self.feed = look.feed
        self.place = place
        self.keeping = keeping
        self.archive = archive
        self.clock = clock

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
                self.look.say("FETCH-REFUSED", listed.name, f"{listed.name}: {no}")
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
        self.look.looked, self.look.latest = True, still[-1].modified if still else None
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
            self.look.say("FETCH-CARD-NUMBER", shown, f"{shown}: its name looks like a card number; nothing was kept")

    def _growing(self, listed: Listed) -> None:
        self.look.say(
            "FETCH-GROWING", listed.name, f"{listed.name}: empty or still being written; the next run looks again"
        )

    def _take(self, listed: Listed, here: Path) -> None:
        if listed.size > self.feed.max_bytes:
            limit = f"{listed.size} bytes are more than the {self.feed.max_bytes} allowed"
            self.look.say("FETCH-TOO-LARGE", listed.name, f"{listed.name}: {limit}")
        elif not self._copied_whole(listed, here):
            self._growing(listed)
        elif not self._has_card_numbers(listed.name, here):
            self.keeping.keep(listed, here)

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
        self.look.say("FETCH-CARD-NUMBER", name, f"{name}, {place}: {what}; nothing was kept")
        return True


def _wipe(path: Path) -> None:
    """Overwrite a file before it is removed."""
    with path.open("r+b") as stream:
        left = path.stat().st_size
        while left > 0:
            left -= stream.write(b"\0" * min(left, files.BLOCK))
        stream.flush()
        os.fsync(stream.fileno())
    path.unlink()
