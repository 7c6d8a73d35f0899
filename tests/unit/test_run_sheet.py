from __future__ import annotations

import io
import re
import zlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest
from openpyxl import load_workbook

from pipeline import tables
from pipeline.flow.runner import Work
from pipeline.money import Tally
from pipeline.ports.ledger import Batch, Run, Upload, UploadState
from pipeline.stages import run_sheet
from tests.fakes.uploads import FakeUploadBook
from tests.samples import sample_campus

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.campus.load import Loaded

TODAY, YESTERDAY = date(2026, 2, 3), date(2026, 2, 2)
KIND_WORDS = {"charge": "charges", "reversal": "reversals", "credit": "credits"}


def upload(
    system: str, kind: str, sequence: int, cents: int, day: date = TODAY, state: UploadState = UploadState.SENT
) -> Upload:
    scope = "snapshot" if system == "cashnet" else "delta"
    name = f"{system}_{KIND_WORDS[kind]}_{day:%Y%m%d}_{sequence:04d}.dat"
    batch = Batch(system, kind, sequence, 1, scope, name, f"out/{name}", "0" * 64, 100, 2, cents, day)
    return Upload(zlib.crc32(name.encode()), batch, state)


def told() -> Loaded:
    """The sample campus, whose bursar wants to know how a PeopleSoft file is loaded."""
    loaded = sample_campus()
    systems = dict(loaded.campus.systems)
    sheet = systems["peoplesoft"].run_sheet.model_copy(
        update={"group_type": "L", "business_unit": "SJ000", "layout_id": "LIBGROUP"}
    )
    systems["peoplesoft"] = systems["peoplesoft"].model_copy(update={"run_sheet": sheet})
    return replace(loaded, campus=loaded.campus.model_copy(update={"systems": systems}))


NIGHT = [
    upload("peoplesoft", "credit", 3, -2250),
    upload("peoplesoft", "reversal", 2, -11500),
    upload("peoplesoft", "charge", 8, 99999999999999),
    upload("peoplesoft", "charge", 7, 1500, YESTERDAY, UploadState.STAGED),
    upload("cashnet", "charge", 9, 5000),
    upload("peoplesoft", "reversal", 1, -700, YESTERDAY, UploadState.CONFLICT),
]


def test_files_stand_in_loading_order_older_first_and_charges_before_what_lowers_them() -> None:
    found = run_sheet.rows(NIGHT, told())
    assert [(row.step, row.system, row.business_date, row.kind) for row in found] == [
        (1, "cashnet", "2026-02-03", "openitems"),
        (2, "peoplesoft", "2026-02-02", "charges"),
        (3, "peoplesoft", "2026-02-02", "reversals"),
        (4, "peoplesoft", "2026-02-03", "charges"),
        (5, "peoplesoft", "2026-02-03", "reversals"),
        (6, "peoplesoft", "2026-02-03", "credits"),
    ]
    assert run_sheet.rows(NIGHT[::-1], told()) == found


def test_a_row_says_what_the_bursar_types_in_with_amounts_that_have_no_sign() -> None:
    row = run_sheet.rows([NIGHT[1]], told())[0]
    assert (row.group_type, row.business_unit, row.layout_id) == ("L", "SJ000", "LIBGROUP")
    assert (row.total, row.control, row.layout) == (Tally(2, 11500), "stand in the file", "peoplesoft/default")
    assert (row.replaces, row.where) == ("nothing: it comes on top", "lies there")


def test_a_snapshot_says_what_it_replaces_and_that_its_totals_are_typed_in() -> None:
    first, later = run_sheet.rows([upload("cashnet", "charge", 9, 1), upload("cashnet", "charge", 1, 1)], told())
    assert first.replaces == "everything: it is the first, and says all that is owed"
    assert later.replaces == "everything sent before: number 8 and all older ones"
    assert later.control == "to be typed in, if the loader asks for them"


def test_a_file_that_must_not_be_loaded_says_so() -> None:
    for state, word in (
        (UploadState.CONFLICT, "do not load"),
        (UploadState.SUPERSEDED, "do not load"),
        (UploadState.CANCELLED, "do not load"),
        (UploadState.BUILT, "not there yet"),
        (UploadState.UPLOADING, "not there yet"),
        (UploadState.PUBLISHING, "not there yet"),
        (UploadState.SENT, "lies there"),
    ):
        (row,) = run_sheet.rows([upload("cashnet", "charge", 9, 1, state=state)], told())
        assert row.where.startswith(word)


def lines() -> Any:
    return tables.LINES.frame(
        {
            "batch": [0, 0, 0, 1, tables.FOLDED],
            "item_type": ["300000006919", "300000006919", "300000006920", "", ""],
            "item_code": ["", "", "", "LIB-LOST", "LIB-LOST"],
            "fund": ["GF001", "GF001", "", "", ""],
            "amount_cents": [-750, -250, -11500, 5000, 999],
        }
    )


def test_the_parts_of_a_file_add_up_to_it_and_a_folded_row_stands_in_none() -> None:
    found = run_sheet.subtotals_of(lines(), ["a.dat", "b.csv"])
    assert found == {
        "a.dat": [
            run_sheet.Subtotal("300000006919", "GF001", Tally(2, 1000)),
            run_sheet.Subtotal("300000006920", "", Tally(1, 11500)),
        ],
        "b.csv": [run_sheet.Subtotal("LIB-LOST", "", Tally(1, 5000))],
    }


class Books(FakeUploadBook):
    """Files on their way, and the run before tonight's, which told of those that had left by then."""

    def runs(self, most: int) -> list[Run]:
        return [Run(6, TODAY, 1, "night", LAST_TOLD, LAST_TOLD)][:most]


def desk(folder: Path, uploads: list[Upload], rows: Any = None) -> Work:
    """The desk of CLOSE after a night that made the first two of these files."""
    run = Run(7, TODAY, 2, "night", datetime(2026, 2, 3, tzinfo=UTC))
    ledger = cast("Any", Books({one.batch_id: one for one in uploads}))
    made = tuple((one.batch, folder / one.batch.name, "peoplesoft/default") for one in uploads[:2])
    outside = cast("Any", None)
    night = Work("CHARGES_OUT", told(), TODAY, run, ledger, outside, folder / "charges_out", table=rows, made=made)
    empty = Work("PAYMENTS_IN", told(), TODAY, run, ledger, outside, folder / "payments_in")
    return Work("CLOSE", told(), TODAY, run, ledger, outside, folder / "close", before=(empty, night))


LAST_TOLD = datetime(2026, 2, 2, 4, tzinfo=UTC)

SENT_TONIGHT = [upload("peoplesoft", "credit", 3, -12500), upload("cashnet", "charge", 9, 5000), NIGHT[3]]


def test_the_page_and_the_workbook_of_a_night_say_the_same_and_nothing_acts(tmp_path: Path) -> None:
    evil = replace(SENT_TONIGHT[0], batch=replace(SENT_TONIGHT[0].batch, name="<b>=1+1</b>.dat"))
    run_sheet.run_sheet(desk(tmp_path, [evil, *SENT_TONIGHT[1:]], lines()))
    page = (tmp_path / "run_sheet.html").read_text("utf-8")
    assert "default-src 'none'" in page
    assert "<script" not in page
    assert "<b>=1+1" not in page
    assert "&lt;b&gt;=1+1&lt;/b&gt;.dat" in page
    for word in ("LIBGROUP", "125.00", "number 8 and all older ones", "GF001", "Not production"):
        assert word in page
    book = load_workbook(io.BytesIO((tmp_path / "run_sheet.xlsx").read_bytes()))
    assert book.sheetnames == ["Run sheet", "Subtotals"]
    cells = [[cell.value for cell in row] for row in book["Run sheet"].iter_rows(min_row=2)]
    assert [(row[0], row[1], row[3], row[4]) for row in cells] == [
        ("1", "cashnet_charges_20260203_0009.dat", "2", "50.00"),
        ("2", "peoplesoft_charges_20260202_0007.dat", "2", "15.00"),
        ("3", "<b>=1+1</b>.dat", "2", "125.00"),
    ]
    assert {cell.data_type for sheet in book for row in sheet.iter_rows() for cell in row if cell.value} == {"s"}
    assert [row[2] for row in cells] == re.findall(r"</code></td><td>(\w+)</td>", page.split("</section>")[0])


def test_the_same_night_writes_the_same_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        run_sheet.run_sheet(desk(tmp_path / name, SENT_TONIGHT, lines()))
    for name in ("run_sheet.html", "run_sheet.xlsx"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_night_without_a_file_has_no_sheet(tmp_path: Path) -> None:
    run_sheet.run_sheet(desk(tmp_path, [], lines()))
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_still_on_its_way_stands_on_the_sheet_of_a_night_that_made_none(tmp_path: Path) -> None:
    quiet = desk(tmp_path, [NIGHT[3]], lines())
    run_sheet.run_sheet(replace(quiet, before=()))
    assert "not there yet: load it once it is" in (tmp_path / "run_sheet.html").read_text("utf-8")


@pytest.mark.parametrize(("hours", "stands"), [(1, True), (0, False), (-1, False)])
def test_what_left_since_a_run_last_came_to_its_end_stands_on_the_sheet_of_a_night_that_made_none(
    tmp_path: Path, hours: int, *, stands: bool
) -> None:
    late = replace(NIGHT[3], state=UploadState.SENT, changed_at=LAST_TOLD + timedelta(hours=hours))
    run_sheet.run_sheet(replace(desk(tmp_path, [late], lines()), before=()))
    assert (tmp_path / "run_sheet.html").is_file() == stands


def test_a_shadow_night_says_that_there_is_nothing_to_load(tmp_path: Path) -> None:
    night = desk(tmp_path, SENT_TONIGHT, lines())
    shadow = replace(night.campus, campus=night.campus.campus.model_copy(update={"mode": "shadow"}))
    run_sheet.run_sheet(replace(night, campus=shadow))
    assert "there is nothing to load" in (tmp_path / "run_sheet.html").read_text("utf-8")
