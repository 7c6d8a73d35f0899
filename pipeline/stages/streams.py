"""Which of a system's returned files belong together, and which of them is the newest."""

from __future__ import annotations

from datetime import date, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.layouts import layout as layouts

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.campus.back import Return
    from pipeline.campus.load import Loaded
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile, Payment

END_OF_TIME = "9999-12-31"

AHEAD = timedelta(days=7)
"""How far ahead of the day on which its file came a line may be dated: a bursar who has closed a day dates what comes
after it with the next business day.  What is dated later than that is a mistake."""


def fitting(campus: Loaded, system: str, name: str, layout: str = "") -> list[Return]:
    """Give the returns of a system that a file of this name may be of, in the order of the campus file.

    Those of a layout, if one is named.  None for a system that the campus has no more.
    """
    told = campus.campus.systems.get(system)
    returns = told.returns if told is not None else ()
    return [one for one in returns if fnmatchcase(name, one.pattern) and layout in ("", one.layout)]


class Streams:
    """The returned files of a campus: a stream is what a system sends under one pattern."""

    def __init__(self, work: Work) -> None:
        """Ask the ledger once which files there are."""
        self._work = work
        self._files: dict[str, InFile | None] = {}
        self._booked = work.ledger.files_in("payments", "booked")

    def file(self, sha: str) -> InFile | None:
        """Give a file by its hash."""
        if sha not in self._files:
            self._files[sha] = self._work.ledger.file(sha)
        return self._files[sha]

    def of(self, sha: str) -> Return | None:
        """Give the return that a file is of, None where the campus names none of that pattern any more."""
        file = self.file(sha)
        return next(iter(fitting(self._work.campus, file.feed, file.name)), None) if file is not None else None

    def same(self, sha: str, other: str) -> bool:
        """Whether two files may be of one stream: they are unless both are known to be of different ones."""
        one, two = self.of(sha), self.of(other)
        return sha == other or one is None or two is None or one.pattern == two.pattern

    def overtaken(self, sha: str, reader: str, covers_to: str) -> bool:
        """Whether a file is older than one of its stream that was booked before it came.

        It was written earlier, by its sender's clock, or lines of later days than its own are known; a line that is
        dated after its own file came tells nothing.
        """
        file = self.file(sha)
        if file is None:
            return False
        if any(0 < file.changed < one.changed for one in self._booked if self._with(file, one)):
            return True
        after = _day_after(covers_to)
        later = self._work.ledger.payments_between(file.feed, reader, after, END_OF_TIME) if after else ()
        return any(self.same(sha, one.file_sha) for one in later if one.file_sha != sha and not self._too_late(one))

    def fell_silent(self, sha: str) -> bool:
        """Whether lines are known that earlier files of its report said: one that repeats itself says them again."""
        file, of = self.file(sha), self.of(sha)
        if file is None or of is None or layouts.load(of.layout, self._work.campus.folder).repeats != "cumulative":
            return False
        known = self._work.ledger.payments_between(file.feed, of.layout, "", END_OF_TIME)
        return any(self.same(sha, one.file_sha) for one in known)

    def overcome(self, sha: str) -> bool:
        """Whether a whole file of its stream is booked that came after it: under its name, or on a later day."""
        file = self.file(sha)
        return file is not None and any(self._after(file, one) for one in self._booked if self._with(file, one))

    def newest_written(self, sha: str) -> bool:
        """Whether its sender's clock says that a file was written after all of its stream that are booked."""
        file = self.file(sha)
        return file is not None and all(0 < one.changed < file.changed for one in self._booked if self._with(file, one))

    def booked(self, sha: str) -> None:
        """Say that a file is dealt with by now."""
        self._booked = [*self._booked, *([file] if (file := self.file(sha)) is not None else [])]

    def _after(self, file: InFile, other: InFile) -> bool:
        days = [had_on(one, self._work.campus) for one in (file, other)]
        return days[0] < days[1] or (other.name == file.name and file.archived_at < other.archived_at)

    def _too_late(self, payment: Payment) -> bool:
        file = self.file(payment.file_sha)
        return file is not None and payment.occurred_on > last_day(had_on(file, self._work.campus))

    def _with(self, file: InFile, other: InFile) -> bool:
        return file.feed == other.feed and file.sha != other.sha and self.same(file.sha, other.sha)


def came_on(file: InFile, campus: Loaded) -> date:
    """Say on which day at the campus a file was left for us."""
    return (file.delivered_at or file.archived_at).astimezone(ZoneInfo(campus.campus.time_zone)).date()


def had_on(file: InFile, campus: Loaded) -> date:
    """Say on which day at the campus a file came into our archive, by our own clock: a sender's may stand anywhere."""
    return file.archived_at.astimezone(ZoneInfo(campus.campus.time_zone)).date()


def last_day(came: date) -> str:
    """Give the last day that a line of a file which came then can be of."""
    return (came + AHEAD).isoformat()


def earlier_until(work: Work) -> str:
    """Give the last day of which money can be that was there before the ledger was opened."""
    opened = work.ledger.opened_at()
    return last_day(opened.date()) if opened is not None else ""


def first_and_last(days: Sequence[str]) -> tuple[str, str]:
    """Give the first and the last of these days; blank where there is none."""
    told = sorted(day for day in days if day)
    return (told[0], told[-1]) if told else ("", "")


def _day_after(day: str) -> str:
    return (date.fromisoformat(day) + timedelta(days=1)).isoformat() if day else ""
