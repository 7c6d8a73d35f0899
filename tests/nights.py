"""Whole nights in a folder: the sample campus, its exchange folders, an Alma in memory, and a clock that tests move."""

from __future__ import annotations

from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from pipeline import files, nightly, stages
from pipeline.adapters.folder import FolderPlace
from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.campus.load import Loaded, load
from pipeline.flow.runner import Outside
from pipeline.money import cents
from pipeline.ports.ledger import PostingState
from tests.fakes.alma import FakeAlma, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.samples import GOOD, SAMPLES

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import Self

    from pipeline.ports.outside import Place

FOLDERS = ("alma", "bursar/peoplesoft/in", "bursar/peoplesoft/out", "bursar/cashnet/in", "bursar/cashnet/out")
NAMESPACE = "http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans"

FIRST = date(2026, 1, 5)


def export(*rows: dict[str, Any], number: str = "100") -> str:
    """Write an export in the published shape; each row is the good fee of tests.samples with what differs.

    Every fee is for an item of its own, unless it says which.
    """
    users = "".join(_user({**GOOD, "barcode": barcode(row), **row}) for row in rows)
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>\n<xb:xml-fragment xmlns:xb="{NAMESPACE}">\n'
        f"<xb:userExportedFineFees><xb:exportNumber>{number}</xb:exportNumber></xb:userExportedFineFees>\n"
        f"<xb:userExportedFineFees><xb:userExportedList>\n{users}</xb:userExportedList></xb:userExportedFineFees>\n"
        "</xb:xml-fragment>\n"
    )


def barcode(row: dict[str, Any]) -> str:
    """Give the item of a fee."""
    return f"039080{row.get('fee_id', GOOD['fee_id']):0>9}"


def _user(row: dict[str, Any]) -> str:
    said = {name: escape(str(value)) for name, value in row.items()}
    return (
        f"<xb:userExportedFineFeesList><xb:user><xb:type>{said['patron_id_type']}</xb:type>"
        f"<xb:value>{said['patron_id']}</xb:value></xb:user><xb:patronName>Patron, Sample</xb:patronName>"
        f"<xb:finefeeList><xb:userFineFee>\n<xb:fineFeeType>{said['fee_type']}</xb:fineFeeType>"
        f"<xb:owneredEntity><xb:InstitutionId>9901</xb:InstitutionId><xb:libraryCode>{said['owner']}</xb:libraryCode>"
        f"</xb:owneredEntity><xb:lastTransactionDate>{said['fee_time']}</xb:lastTransactionDate>"
        f"<xb:itemTitle>A sample title</xb:itemTitle><xb:itemBarcode>{said['barcode']}</xb:itemBarcode>"
        f"<xb:compositeSum><xb:currency>{said['currency']}</xb:currency><xb:sum>{said['amount_text']}</xb:sum><xb:vat/>"
        f"</xb:compositeSum><xb:bursarTransactionId>{said['fee_id']}</xb:bursarTransactionId></xb:userFineFee>"
        "</xb:finefeeList></xb:userExportedFineFeesList>\n"
    )


class Nights:
    """A campus below a folder, and what a test does to it between nights."""

    keep_stages = False
    """Whether the tables of every step are written for people: few tests look at them; it is a tenth of a night."""

    def __init__(
        self, folder: Path, *, way: str = "export", find: Callable[[str], Callable[..., Any]] = stages.find
    ) -> None:
        self.folder = folder
        self.way = way
        self.find = find
        self.clock = FakeClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
        self.alma: Any = FakeAlma(self.clock, [], Scripted())
        for name in FOLDERS:
            (folder / "exchange" / name).mkdir(parents=True)
        self.campus_file = folder / "campus.toml"
        self.campus_file.write_text(
            f'base = "{SAMPLES / way / "campus.toml"}"\n\n[alma]\nurl = "https://alma.example.edu"\n', "utf-8"
        )
        with closing(self.ledger()) as ledger:
            ledger.open_empty("test", self.clock.now())

    @classmethod
    def again(cls, nights: Nights, find: Callable[[str], Callable[..., Any]] = stages.find) -> Self:
        """The same campus on later nights, run by other stages."""
        later = cls.__new__(cls)
        later.__dict__.update(nights.__dict__, find=find)
        return later

    def loaded(self) -> Loaded:
        return load(self.campus_file)

    def ledger(self) -> SqlLedger:
        path = files.private_folder(self.folder / "state") / "ledger.sqlite"
        return open_ledger(f"sqlite:///{path}", self.way, "train")

    def doubts(self) -> list[tuple[str, int]]:
        """The payments that nobody knows the end of, as fee and cents: they wait for a person and are never re-sent."""
        with closing(self.ledger()) as ledger:
            unsure = ledger.postings(PostingState.UNKNOWN, PostingState.DOUBT, PostingState.SENDING)
            return [(posting.alma_fee_id, posting.cents) for posting in unsure]

    def say(self, toml: str) -> None:
        """Add lines to the campus file."""
        self.campus_file.write_text(self.campus_file.read_text("utf-8") + toml, "utf-8")

    def exported(self, name: str, *rows: dict[str, Any], number: str = "100") -> None:
        """Alma delivers an export; its fees then stand there as transferred and payable."""
        (self.folder / "exchange" / "alma" / name).write_text(export(*rows, number=number), "utf-8")
        for row in rows:
            said = {**GOOD, **row}
            fee = a_fee(
                f"F{said['fee_id']}", bursar_id=said["fee_id"], status="EXPORTED", original=cents(said["amount_text"])
            )
            self.alma.add(said["patron_id"], fee)

    def drop(self, place: str, name: str, text: str) -> None:
        """The bursar leaves a file."""
        (self.folder / "exchange" / "bursar" / place / name).write_bytes(text.encode())

    def delivered(self, place: str) -> dict[str, str]:
        """What lies at the bursar, by name."""
        folder = self.folder / "exchange" / "bursar" / place
        return {path.name: path.read_text("utf-8") for path in sorted(folder.iterdir())}

    def place(self, connection: str, folder: str) -> Place:
        root = {"library": "alma", "bursar": "bursar"}[connection]
        return FolderPlace(self.folder / "exchange" / root / folder)

    def night(self, day: int, command: str = "night", approved: frozenset[str] = frozenset()) -> nightly.Night:
        """Run one night; ``day`` counts from the first."""
        when = FIRST + timedelta(days=day - 1)
        loaded = self.loaded()
        with closing(self.ledger()) as ledger:
            run = ledger.begin_run(command, when, loaded.sha, self.clock.now())
            folder = files.private_folder(loaded.state / "runs" / f"{when}-{run.sequence:02d}")
            outside = Outside(self.clock, self.place, self.alma)
            night = nightly.Night(
                command, loaded, when, run, ledger, outside, folder, approved, keep_stages=self.keep_stages
            )
            nightly.run_night(night, self.find)
        self.clock.sleep(timedelta(days=1).total_seconds())
        return night


def codes(night: nightly.Night, table: str, box: str) -> list[str]:
    """The codes of the rows in a box, sorted."""
    frame = night.desks[table].box(box)
    return [] if frame is None else sorted(frame["code"])
