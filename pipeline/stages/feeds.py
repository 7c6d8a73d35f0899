"""Where a campus's files come from: its sources, and what its systems send back, as feeds to look at."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.layouts import layout as layouts
from pipeline.stages.intake import Feed, Fetched, fetch_feed
from pipeline.stages.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile, PaymentBook


@dataclass(frozen=True, slots=True)
class Door:
    """One feed and the place it comes in by; ``reader`` is what reads its files."""

    feed: Feed
    connection: str
    folder: str
    reader: str


def sources(campus: Loaded) -> Iterator[Door]:
    """Give the doors that fees come in by.  An export is proved whole by its closing tag."""
    for name, source in campus.campus.sources.items():
        feed = Feed("charges", name, source.pattern, source.processed, source.quiet_s, source.max_bytes)
        yield Door(feed, source.connection, source.folder, source.kind)


@dataclass(frozen=True, slots=True)
class OurNumbers:
    """The long numbers that stand for fees of ours, so that none of them is taken for a card's."""

    system: str
    ledger: PaymentBook

    def __contains__(self, number: object) -> bool:
        """Whether a charge was sent under this reference."""
        return self.ledger.charged(self.system, str(number)) is not None


def returns(campus: Loaded, ledger: PaymentBook) -> Iterator[Door]:
    """Give the doors that payments come in by.  A cumulative file may come again under its name with more in it."""
    for name, system in campus.campus.systems.items():
        for back in system.returns:
            layout = layouts.load(back.layout, campus.folder)
            feed = Feed(
                "payments",
                name,
                back.pattern,
                back.processed,
                back.quiet_s,
                proved=layout.proved_whole,
                same_name="news" if layout.repeats == "cumulative" else "hold",
                fee_ids=OurNumbers(name, ledger),
            )
            yield Door(feed, back.connection, back.folder, back.layout)


def reader_of(file: InFile, doors: Iterable[Door]) -> str:
    """Say what reads a file, by its feed and its name; "" for a file whose door the campus has closed since."""
    fits = (door for door in doors if door.feed.name == file.feed and fnmatchcase(file.name, door.feed.pattern))
    return next((door.reader for door in fits), "")


def come_in(work: Work, doors: Iterable[Door]) -> list[Fetched]:
    """Look at every door; what kept a file or a feed back is a finding, and the other doors are looked at."""
    archive = work.campus.state / "archive"
    fetched = []
    for door in doors:
        place = work.outside.place(door.connection, door.folder)
        fetched.append(fetch_feed(door.feed, place, work.ledger, archive, work.outside.clock))
    work.findings += [finding for one in fetched for finding in one.findings]
    return fetched


def files_table(waiting: Sequence[InFile], state: Path, doors: Sequence[Door]) -> pd.DataFrame:
    """Make tables.FILES of archived files, in the order they came."""
    archive = state / "archive"
    return tables.FILES.frame(
        {
            "sha": [file.sha for file in waiting],
            "name": [file.name for file in waiting],
            "feed": [file.feed for file in waiting],
            "path": [str(shelf(archive, file)) for file in waiting],
            "reader": [reader_of(file, doors) for file in waiting],
        }
    )
