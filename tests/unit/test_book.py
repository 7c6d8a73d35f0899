"""What a night decided is handed to the ledger: every box as its state, what was not read tonight left for later."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from pipeline import tables
from pipeline.adapters.ledger.positions import FIGURES
from pipeline.findings import Finding
from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import Booking, Run
from pipeline.stages.book import book
from tests.contract.ledger_kit import fee, frame, movement
from tests.fakes.clock import FakeClock
from tests.unit.movement_kit import campus

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from pipeline.ports.ledger import Ledger

TODAY = date(2026, 1, 6)
NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
FOUND = tables.FEES.plus("fees found", tables.Column("code", tables.TEXT, ""), tables.Column("why", tables.TEXT, ""))
PLACED = FOUND.plus("fees placed", tables.Column("system", tables.TEXT, ""))


class Shelf:
    """A ledger that keeps what it is told and knows of no night before."""

    def __init__(self) -> None:
        self.told: list[Booking] = []

    def book(self, run: Run, booking: Booking, at: datetime) -> None:
        self.told.append(booking)

    def figures(self, since: date) -> pd.DataFrame:
        return FIGURES.empty()


def desk(folder: Path, *lines: dict[str, object], **boxes: list[pd.DataFrame]) -> tuple[Work, Shelf]:
    shelf = Shelf()
    work = Work(
        "CHARGES_OUT",
        replace(campus(), folder=folder),
        TODAY,
        Run(1, TODAY, 1, "night", NOON),
        cast("Ledger", shelf),
        Outside(FakeClock(NOON), cast("Any", None)),
        folder / "run",
        table=frame(tables.LINES, lines),
    )
    for box, frames in boxes.items():
        work.boxes[box] += frames
    return work, shelf


def booked(work: Work, shelf: Shelf) -> list[tuple[object, ...]]:
    book(work)
    fees = shelf.told[0].fees
    facts = ("fee_id", "version", "amount_cents", "state", "code", "system", "continues")
    return list(zip(*(fees[name].tolist() for name in facts), strict=True))


def test_every_box_becomes_its_state_whatever_columns_its_stage_knew(tmp_path: Path) -> None:
    early = frame(FOUND, [fee("F2", -300, "held", code="MOVED")])
    late = frame(PLACED, [fee("F3", 70, "held", code="OUTPUT-STOPPED", system="cashnet")])
    again = frame(PLACED, [fee("F6", 70, "continued", code="CONTINUES", continues="F1")])
    boxes = {
        "held": [early, late],
        "waiting": [frame(FOUND, [fee("F4", 5, "waiting", code="MINIMUM")])],
        "excluded": [frame(FOUND, [fee("F5", 5, "excluded", code="POLICY")])],
        "withdrawn": [frame(FOUND, [fee("F7", 5, "withdrawn", code="CHANGE-REPLACED")])],
        "continued": [again],
    }
    lines = (movement(fee("F1", 1000)), movement(fee("F0", 40), carried=True))
    assert booked(*desk(tmp_path, *lines, **boxes)) == [
        ("F1", 1, 1000, "charged", "", "peoplesoft", ""),
        ("F2", 1, -300, "held", "MOVED", "", ""),
        ("F3", 1, 70, "held", "OUTPUT-STOPPED", "cashnet", ""),
        ("F4", 1, 5, "waiting", "MINIMUM", "", ""),
        ("F5", 1, 5, "excluded", "POLICY", "", ""),
        ("F7", 1, 5, "withdrawn", "CHANGE-REPLACED", "", ""),
        ("F6", 1, 70, "continued", "CONTINUES", "peoplesoft", "F1"),
    ]


def test_what_a_report_repeats_every_night_is_not_entered(tmp_path: Path) -> None:
    said = [frame(PLACED, [fee("F2", version=0), fee("F3", version=2)])]
    unread = [frame(FOUND, [fee("F4")]).drop(columns=["version", "fee_date", "continues", "known"])]
    work, shelf = desk(tmp_path, unchanged=said, duplicate=said, held=[*said, *unread])
    assert booked(work, shelf) == [("F3", 2, 1000, "held", "", "peoplesoft", "")]
    assert shelf.told[0].fees["known"].dtype == "str"


def test_a_file_that_waits_for_a_yes_stays_in_the_archive_and_one_that_is_broken_is_refused(tmp_path: Path) -> None:
    work, shelf = desk(tmp_path)
    work.files = ("a" * 64, "b" * 64, "c" * 64)
    work.findings += [
        Finding("REPORT-COLUMNS", "a" * 64, "no column for the amount"),
        Finding("FILE-NOT-WHOLE", "b" * 64, "the file ends in the middle"),
    ]
    assert booked(work, shelf) == []
    (told,) = shelf.told
    assert (told.files, told.refused) == (
        ["c" * 64],
        {"b" * 64: ("FILE-NOT-WHOLE", "the file ends in the middle")},
    )
    assert {figure.what for figure in told.figures} >= {"sent"}
