"""A feed on a desk, for tests of fetching: what the sender has, the ledger's book, an archive and a clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stages.feed import Feed, Fetched
from pipeline.stages.intake import fetch_feed
from tests.fakes.clock import FakeClock
from tests.fakes.place import Drive, FakePlace
from tests.fakes.uploads import FakeFileBook

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.ledger import InFile
    from pipeline.ports.outside import Place

PAID = b"RECTYPE,TX,AMOUNT\nD,77972,12.50\nT,1,12.50\n"
FEED = Feed("payments", "cashnet", "CASHNET_*.csv", quiet_s=60, same_name="news")


class Desk:
    """A feed, its sender's drive, the ledger's book, an archive and a clock; ``look`` is one night's fetch."""

    def __init__(self, archive: Path, feed: Feed = FEED) -> None:
        self.feed = feed
        self.drive = Drive()
        self.book = FakeFileBook()
        self.archive = archive
        self.clock = FakeClock()
        self.place: Place = FakePlace(self.drive)

    def look(self) -> Fetched:
        got = fetch_feed(self.feed, self.place, self.book, self.archive, self.clock)
        assert all(finding.entry.do for finding in got.findings)
        assert list((self.archive / "incoming").iterdir()) == [], "nothing half done stays"
        return got

    def kept(self) -> list[str]:
        return sorted(path.name for path in self.archive.glob("in/*/*/*"))


def codes(got: Fetched) -> list[str]:
    return [finding.code for finding in got.findings]


def names(files: tuple[InFile, ...]) -> list[str]:
    return [file.name for file in files]
