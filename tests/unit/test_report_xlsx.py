"""Reports as workbooks: what Excel does to ids is noticed, and what is no workbook is refused."""

from __future__ import annotations

import io
import zipfile
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.money import Tally
from pipeline.readers import report_archive, report_xlsx
from pipeline.readers.refused import RefusedFileError
from tests.unit.analytics_kit import HEADINGS, ROW, as_csv, as_xlsx, counted, read, read_bytes, row, settings, written

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SAID = settings("xlsx")


def changed(content: bytes, part: str, change: Callable[[bytes], bytes]) -> bytes:
    """Change one part of a workbook."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, change(old.read(name)) if name == part else old.read(name))
    return made.getvalue()


def in_sheet(content: bytes, old: str, new: str) -> bytes:
    """Change the text of the sheet; it must stand there."""

    def change(text: bytes) -> bytes:
        assert old.encode() in text
        return text.replace(old.encode(), new.encode())

    return changed(content, "xl/worksheets/sheet1.xml", change)


def cells(**said: Any) -> list[Any]:
    names = ["fee_id", "patron_id", "fee_type", "original", "remaining", "date"]
    return [said.get(name, value) for name, value in zip(names, ROW, strict=True)]


CHANGED = "a number that a spreadsheet has changed"
STORED = "is stored as a number, which loses zeros and digits"


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"fee_id": 2.34568e18}, f"fee id is 2.34568E+18, {CHANGED}"),
        ({"fee_id": 11122233300006421}, f"fee id is 1.11222333000064E+16, {CHANGED}"),
        ({"fee_id": 1234}, f"fee id 1234 {STORED}"),
        ({"patron_id": 1234567}, f"patron id 1234567 {STORED}"),
        ({"patron_id": 999991234.0}, f"patron id 999991234 {STORED}"),
        ({"patron_id": True}, f"patron id TRUE {STORED}"),
        ({"patron_id": datetime(2026, 1, 2)}, f"patron id 2026-01-02 {STORED}"),  # noqa: DTZ001 - a workbook has no zones
    ],
)
def test_an_id_that_excel_holds_as_a_number_is_held_and_named(tmp_path: Path, said: dict[str, Any], why: str) -> None:
    found = read_bytes(tmp_path, as_xlsx(cells(**said), cells(fee_id="0042", patron_id="001234567")), SAID)
    assert found["unreadable"].tolist() == [why, ""]
    assert found[["fee_id", "patron_id"]].iloc[1].tolist() == ["0042", "001234567"]


def test_a_barcode_is_held_only_where_digits_are_surely_lost(tmp_path: Path) -> None:
    rows = [[*cells(), barcode] for barcode in (39080036507785, -1, "-1", "039080036507785", 3908003650778512)]
    said = settings("xlsx", columns={"barcode": ["Barcode"]})
    found = read_bytes(tmp_path, as_xlsx(*rows, headings=[*HEADINGS, "Barcode"]), said)
    assert found["barcode"].tolist() == ["39080036507785", "", "", "039080036507785", "3908003650778512"]
    assert [text != "" for text in found["unreadable"]] == [False, False, False, False, True]


@pytest.mark.parametrize(
    ("amount", "cents"),
    [(12, 1200), (12.5, 1250), (0.1 + 0.2, 30), (1.1, 110), ("12.50", 1250), (0, 0), (123456789.99, 12345678999)],
)
def test_an_amount_may_be_a_number_of_15_digits(tmp_path: Path, amount: object, cents: int) -> None:
    found = read_bytes(tmp_path, as_xlsx(cells(remaining=amount)), SAID)
    assert found["amount_cents"].tolist() == [cents]
    assert found["unreadable"].tolist() == [""]


@pytest.mark.parametrize("amount", [12.345, 1e12, True, "12,5", None, date(2026, 5, 1), "=1+1"])
def test_what_is_no_amount_holds_its_row(tmp_path: Path, amount: object) -> None:
    found = read_bytes(tmp_path, as_xlsx(cells(remaining=amount), cells(fee_id="2")), SAID)
    assert found["amount_cents"].tolist() == [0, 1250]
    assert [text != "" for text in found["unreadable"]] == [True, False]


def test_digits_that_excel_adds_to_a_number_are_none(tmp_path: Path) -> None:
    content = in_sheet(as_xlsx(cells(remaining=12.35)), "<v>12.35</v>", "<v>12.350000000000001</v>")
    assert read_bytes(tmp_path, content, SAID)["amount_cents"].tolist() == [1235]


def test_a_formula_in_a_used_column_holds_its_row_and_elsewhere_nothing(tmp_path: Path) -> None:
    rows = [[*cells(fee_id="=A1"), ""], [*cells(date="=NOW()"), ""], [*cells(), "=1+1"]]
    found = read_bytes(tmp_path, as_xlsx(*rows, headings=[*HEADINGS, "Note"]), SAID)
    assert ["is a formula" in text for text in found["unreadable"]] == [True, True, False]


@pytest.mark.parametrize(
    ("forms", "day", "text"),
    [
        (["YYYY-MM-DD"], date(2026, 1, 2), "2026-01-02"),
        (["MM/DD/YYYY", "YYYY-MM-DD"], datetime(2026, 1, 2), "01/02/2026"),  # noqa: DTZ001
        (["MM/DD/YYYY"], datetime(2026, 1, 2, 15, 30), "01/02/2026 15:30:00"),  # noqa: DTZ001
        (["MMDDYY"], date(1999, 1, 2), "1999-01-02"),
    ],
)
def test_a_real_date_is_written_as_the_source_writes_dates(
    tmp_path: Path, forms: list[str], day: date, text: str
) -> None:
    found = read_bytes(tmp_path, as_xlsx(cells(date=day)), settings("xlsx", dates=forms))
    assert found["fee_time"].tolist() == [text]
    assert found["unreadable"].tolist() == [""]


def test_the_first_sheet_with_the_headings_counts(tmp_path: Path) -> None:
    content = as_xlsx(ROW, before=["Cover", "Notes"])
    assert read_bytes(tmp_path, content, SAID)["fee_id"].tolist() == [ROW[0]]


def test_rows_on_a_second_sheet_are_not_lost_in_silence(tmp_path: Path) -> None:
    from openpyxl import load_workbook

    book = load_workbook(io.BytesIO(as_xlsx(ROW, before=["Cover"])))
    book["Cover"].append(["Filter", "open fees"])
    book.create_sheet("More").append(list(row(fee_id="2")))
    content = io.BytesIO()
    book.save(content)
    with pytest.raises(RefusedFileError, match="sheet 3 has 1 rows like fees") as refused:
        read_bytes(tmp_path, content.getvalue(), SAID)
    assert refused.value.code == "REPORT-COLUMNS"


def test_what_a_sheet_says_of_its_own_size_hides_no_row(tmp_path: Path) -> None:
    content = in_sheet(as_xlsx(ROW, row(fee_id="2")), "<sheetData>", '<dimension ref="A1:A1"/><sheetData>')
    assert len(read_bytes(tmp_path, content, SAID)) == 2


def test_hidden_rows_count_and_blank_rows_are_none(tmp_path: Path) -> None:
    content = in_sheet(as_xlsx(ROW, [None] * 6, ["  "], row(fee_id="2")), '<row r="2">', '<row r="2" hidden="1">')
    found = read_bytes(tmp_path, content, SAID)
    assert found[["line", "fee_id"]].to_numpy().tolist() == [[2, ROW[0]], [5, "2"]]


def test_rows_may_lack_numbers_and_cells_their_places(tmp_path: Path) -> None:
    content = as_xlsx(ROW)
    for number in (1, 2):
        content = in_sheet(content, f'<row r="{number}">', "<row>")
        for letter in "ABCDEF":
            content = in_sheet(content, f' r="{letter}{number}"', "")
    assert read_bytes(tmp_path, content, SAID)["fee_id"].tolist() == [ROW[0]]


def test_a_row_that_is_wider_than_its_headings_is_held(tmp_path: Path) -> None:
    found = read_bytes(tmp_path, as_xlsx([*ROW, "", ""], [*row(fee_id="2"), "x"], row(fee_id="3")[:4]), SAID)
    assert found["unreadable"].tolist() == ["", "it has 7 cells under 6 headings", "remaining amount is missing"]


def test_a_line_above_the_headings_may_hold_a_real_date(tmp_path: Path) -> None:
    content = as_xlsx(HEADINGS, ROW, headings=["As of:", date(2026, 1, 4)])
    assert read_bytes(tmp_path, content, settings("xlsx", as_of={"header": "As of"}))["as_of"].tolist() == [
        "2026-01-04"
    ]


ENTITY = b'<!DOCTYPE w [<!ENTITY x SYSTEM "file:///etc/hostname">]>'
SHEET = "xl/worksheets/sheet1.xml"


def declared(text: bytes) -> bytes:
    start = text.find(b"?>") + 2 if text.startswith(b"<?xml") else 0
    return text[:start] + ENTITY + text[start:]


def locked(content: bytes) -> bytes:
    """Mark every part as encrypted, as a workbook with a password may be."""
    return content.replace(b"PK\x01\x02\x14\x03\x14\x00\x00\x00", b"PK\x01\x02\x14\x03\x14\x00\x01\x00")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "FILE-EMPTY"),
        (as_csv(ROW), "FILE-WRONG-KIND"),
        (b"<html>", "FILE-WRONG-KIND"),
        (b"PK\x03\x04", "FILE-NOT-WHOLE"),
        (b"PK\x03\x04" + b"x" * 5000, "FILE-NOT-WHOLE"),
        (as_xlsx(ROW)[:-30], "FILE-NOT-WHOLE"),
        (locked(as_xlsx(ROW)), "FILE-NOT-WHOLE"),
        (changed(as_xlsx(ROW), SHEET, declared), "FILE-DOCTYPE"),
        (changed(as_xlsx(ROW), "xl/workbook.xml", declared), "FILE-DOCTYPE"),
        (changed(as_xlsx(ROW), SHEET, lambda text: text[:-40]), "FILE-NOT-WHOLE"),
        (changed(as_xlsx(ROW), SHEET, lambda _: b"\x00\x01"), "FILE-NOT-WHOLE"),
        (changed(as_xlsx(ROW), "xl/workbook.xml", lambda _: b"<a/>"), "REPORT-COLUMNS"),
        (in_sheet(as_xlsx(ROW, ROW), '<row r="3">', '<row r="2">'), "FILE-NOT-WHOLE"),
        (in_sheet(as_xlsx(ROW), '<row r="2">', '<row r="99999999">'), "FILE-NOT-WHOLE"),
        (changed(as_xlsx(ROW), SHEET, lambda text: text + b" " * (64 << 20)), "FILE-TOO-LARGE"),
    ],
)
def test_what_is_no_whole_and_harmless_workbook_is_refused(tmp_path: Path, content: bytes, code: str) -> None:
    path = written(tmp_path, content)
    with pytest.raises(RefusedFileError) as caught:
        read(path, SAID)
    assert caught.value.code == code, str(caught.value)
    assert str(caught.value).startswith("report.bin")
    assert "\n" not in str(caught.value)


def test_a_workbook_cut_off_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = as_xlsx(ROW)
    for cut in range(0, len(whole), 61):
        with pytest.raises(RefusedFileError):
            read(written(tmp_path, whole[:cut]), SAID)


def test_damaged_bytes_anywhere_are_refused_or_read_but_never_a_crash(tmp_path: Path) -> None:
    whole = as_xlsx(ROW, row(fee_id="2"))
    for place in range(0, len(whole), 37):
        content = whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :]
        try:
            read_bytes(tmp_path, content, SAID)
        except RefusedFileError:
            continue


def test_a_workbook_larger_than_its_source_allows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedFileError) as caught:
        read(written(tmp_path, as_xlsx(ROW)), settings("xlsx", max_bytes=100))
    assert caught.value.code == "FILE-TOO-LARGE"


def test_the_second_count_of_what_is_no_workbook_is_nothing(tmp_path: Path) -> None:
    assert counted(tmp_path, b"PK\x03\x04", SAID) == Tally()
    assert counted(tmp_path, as_xlsx(ROW)[:-30], SAID) == Tally()


def test_the_limits_are_those_of_excel() -> None:
    assert (report_xlsx.LAST_ROW, report_xlsx.LAST_COLUMN) == (1_048_576, 16_384)


def test_rows_rise_however_the_sheet_is_cut_into_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = as_xlsx(*[row(fee_id=str(number)) for number in range(30)])
    for piece in (7, 64, 250):
        monkeypatch.setattr(report_archive, "PIECE", piece)
        assert len(read_bytes(tmp_path, content, SAID)) == 30
