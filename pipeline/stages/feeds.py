"""Where a campus's files come from: its sources, who is who, and what its systems send back, as feeds to look at."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.campus.sources import AlmaExport, AnalyticsReport
from pipeline.layouts import layout as layouts
from pipeline.stages.feed import Feed, Fetched
from pipeline.stages.intake import fetch_feed
from pipeline.stages.shelf import shelf
from pipeline.stages.streams import came_on, had_on

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.sources import Expected
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile, PaymentBook


ANALYTICS = "analytics:"
"""Begins the connection that a report is asked for by, before the name of its source; no campus file can say it."""


@dataclass(frozen=True, slots=True)
class Door:
    """One feed and the place it comes in by; ``reader`` is what reads its files, ``expected`` when one must come."""

    feed: Feed
    connection: str
    folder: str
    reader: str
    expected: Expected | None = None


def sources(campus: Loaded) -> Iterator[Door]:
    """Give the doors that fees come in by.

    An export and a report in XML are proved whole by their closing tag, a workbook by its directory; a CSV by nothing.
    Reports repeat themselves night after night, often under one name: there another content is news.
    """
    for name, source in campus.campus.sources.items():
        if isinstance(source, AnalyticsReport):
            dated = source.as_of.lag_days is not None
            feed = Feed("charges", name, f"{name}_*.xml", quiet_s=0, same_name="news", dated=dated)
            yield Door(feed, f"{ANALYTICS}{name}", "", "report", source.expected)
            continue
        feed = Feed("charges", name, source.pattern, source.processed, source.quiet_s, source.max_bytes)
        if isinstance(source, AlmaExport):
            yield Door(feed, source.connection, source.folder, source.kind, source.expected)
        else:
            dated = source.as_of.lag_days is not None
            report = replace(feed, proved=source.format != "csv", same_name="news", dated=dated)
            yield Door(report, source.connection, source.folder, source.kind, source.expected)


def counters(campus: Loaded) -> Iterator[Door]:
    """Give the doors that the counters of export jobs come in by, beside their exports."""
    for name, source in campus.campus.sources.items():
        if isinstance(source, AlmaExport) and source.counters:
            feed = Feed("counters", name, source.counters, source.processed, source.quiet_s, same_name="news")
            yield Door(feed, source.connection, source.folder, "counters")


def people(campus: Loaded) -> Iterator[Door]:
    """Give the door that the file of who is who comes in by, if the campus has one.

    Nothing need prove it whole: somebody who is missing from it is held, and nobody is billed for that.  Left anew with
    the same bytes it proves anew who is who.
    """
    said = campus.campus.people
    if said is not None:
        feed = Feed("people", "people", said.pattern, said.processed, said.quiet_s, same_name="news", dated=True)
        yield Door(feed, said.connection, said.folder, said.layout)


@dataclass(frozen=True, slots=True)
class OurNumbers:
    """The long numbers that stand for fees of ours, so that none of them is taken for a card's."""

    system: str
    ledger: PaymentBook

    def __contains__(self, number: object) -> bool:
        """Whether a charge was sent under this reference."""
        return self.ledger.charged(self.system, str(number)) is not None


def returns(campus: Loaded, ledger: PaymentBook) -> Iterator[Door]:
    """Give the doors that payments come in by.

    A cumulative file may come again under its name with more in it, and says what is so on the day it is left.  One
    that never repeats itself may have the bytes of an earlier one, if its lines name no receipts.
    """
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
                dated=layout.repeats == "cumulative",
                recurs=layout.repeats == "none" and not layout.has_receipts,
                fee_ids=OurNumbers(name, ledger),
            )
            yield Door(feed, back.connection, back.folder, back.layout, back.expected)


def reader_of(file: InFile, doors: Iterable[Door]) -> str:
    """Say what reads a file, by its feed and its name; "" for a file whose door the campus has closed since."""
    return next(iter(readers_of(file, doors)), "")


def readers_of(file: InFile, doors: Iterable[Door]) -> list[str]:
    """Give all that may read a file of this feed and name, each once."""
    fits = (door for door in doors if door.feed.name == file.feed and fnmatchcase(file.name, door.feed.pattern))
    return list(dict.fromkeys(door.reader for door in fits))


def come_in(work: Work, doors: Iterable[Door]) -> list[Fetched]:
    """Look at every door; what kept a file or a feed back is a finding, and the other doors are looked at."""
    archive = work.campus.state / "archive"
    fetched = []
    for door in doors:
        place = work.outside.place(door.connection, door.folder)
        fetched.append(fetch_feed(door.feed, place, work.ledger, archive, work.outside.clock))
    work.findings += [finding for one in fetched for finding in one.findings]
    return fetched


def files_table(waiting: Sequence[InFile], campus: Loaded, doors: Sequence[Door]) -> pd.DataFrame:
    """Make tables.FILES of archived files, in the order they came; a day is a day at the campus."""
    archive = campus.state / "archive"
    return tables.FILES.frame(
        {
            "sha": [file.sha for file in waiting],
            "name": [file.name for file in waiting],
            "came_on": [(had_on if file.role == "payments" else came_on)(file, campus).isoformat() for file in waiting],
            "feed": [file.feed for file in waiting],
            "path": [str(shelf(archive, file)) for file in waiting],
            "reader": [reader_of(file, doors) for file in waiting],
        }
    )
