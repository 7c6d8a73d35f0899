"""Settlement workbooks: which sheet counts, what Excel has spoilt, and archives that nobody should unpack."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from pipeline.layouts import archive
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from tests.golden.layouts.returned.settlement_workbook import build
from tests.unit.layout_rows import texts

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYOUT = layouts.load("bursar/settlement")
HEADINGS = ["Payment ID", "Patron ID", "Fee ID", "Amount", "Date", "Type"]
PAID = ["R1", "007", "F1", "12.50", "2/3/2026", "Payment"]


def book(*sheets: tuple[str, list[list[Any]], str]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.worksheets[0])
    for title, rows, state in sheets:
        sheet = made.create_sheet(title)
        sheet.sheet_state = state
        for line in rows:
            sheet.append(line)
    stream = io.BytesIO()
    made.save(stream)
    return stream.getvalue()


def read(folder: Path, data: bytes) -> layouts.Returned:
    path = folder / "settled.xlsx"
    path.write_bytes(data)
    returned = layouts.read(LAYOUT, path)
    assert layouts.count(LAYOUT, path) == Tally(len(returned.rows), int(returned.rows["amount_cents"].sum()))
    return returned


def refused(folder: Path, data: bytes) -> str:
    with pytest.raises(layouts.UnreadableFileError) as error:
        read(folder, data)
    assert "\n" not in str(error.value)
    return f"{error.value.code}: {error.value}"


def test_the_first_sheet_that_is_shown_and_has_the_headings_counts_and_the_others_are_named(tmp_path: Path) -> None:
    other = [["Colour"], ["red"]]
    data = book(
        ("Cover", other, "visible"),
        ("Spare", [HEADINGS, ["R9", *PAID[1:]]], "hidden"),
        ("Deep", [HEADINGS, ["R8", *PAID[1:]]], "veryHidden"),
        ("Paid", [HEADINGS, PAID], "visible"),
        ("Empty", [HEADINGS], "visible"),
    )
    returned = read(tmp_path, data)
    assert returned.rows["payment_ref"].tolist() == ["R1"]
    assert returned.ignored == ("sheet Cover", "sheet Spare (hidden)", "sheet Deep (hidden)", "sheet Empty")


def test_two_sheets_with_payments_are_one_too_many(tmp_path: Path) -> None:
    data = book(("A", [HEADINGS, PAID], "visible"), ("B", [HEADINGS, PAID], "visible"))
    assert refused(tmp_path, data) == "LAYOUT-OTHER-FORMAT: sheets A and B both have payments; ask for one sheet"


def test_a_heading_that_is_missing_is_named_with_its_sheet_and_row(tmp_path: Path) -> None:
    data = book(("Paid", [["Title"], HEADINGS[:-3], PAID], "visible"))
    assert "sheet Paid, row 2: not the headings of bursar/settlement: no Amount, Date" in refused(tmp_path, data)
    assert "no sheet has the headings" in refused(tmp_path, book(("Paid", [["x"]], "visible")))


def test_ids_written_as_shared_text_keep_their_zeros_and_blank_rows_say_nothing(tmp_path: Path) -> None:
    data = book(("Paid", [HEADINGS, ["0001", *PAID[1:]], [None] * 6, ["0002", *PAID[1:]]], "visible"))
    assert texts(read(tmp_path, data).rows, "line", "payment_ref", "patron_id") == [
        (2, "0001", "007"),
        (4, "0002", "007"),
    ]


def test_amounts_in_binary_are_the_cents_that_people_see(tmp_path: Path) -> None:
    amounts = [0.1, 0.29, 1.15, 19.99, 4503599627.37, 1e5, 7, 0.005, 1e300]
    rows = [[f"R{number}", "007", "F1", amount, "2/3/2026", "Payment"] for number, amount in enumerate(amounts)]
    returned = read(tmp_path, book(("Paid", [HEADINGS, *rows], "visible")))
    assert returned.rows["amount_cents"].tolist() == [10, 29, 115, 1999, 450359962737, 10000000, 700, 0, 0]
    assert (returned.rows["unreadable"] != "").tolist() == [False] * 7 + [True] * 2


def replaced(name: str, change: Callable[[bytes], bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(build())) as old, zipfile.ZipFile(stream, "w", method) as new:
        for member in old.infolist():
            data = old.read(member)
            new.writestr(member.filename, change(data) if member.filename == name else data)
    return stream.getvalue()


SHEET = "xl/worksheets/sheet3.xml"


def test_an_archive_that_unpacks_to_something_monstrous_is_refused_before_it_does(tmp_path: Path) -> None:
    bomb = replaced(SHEET, lambda _: b" " * (archive.SMALL + 1))
    assert len(bomb) < 60_000
    assert refused(tmp_path, bomb).startswith("LAYOUT-OTHER-FORMAT: it unpacks to more than any workbook of payments")


def test_many_small_parts_are_monstrous_as_well(tmp_path: Path) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        for number in range(archive.MOST_PARTS + 1):
            made.writestr(f"{number}", "")
    assert refused(tmp_path, stream.getvalue()).startswith("LAYOUT-OTHER-FORMAT: it unpacks to more")


def test_a_document_type_is_refused(tmp_path: Path) -> None:
    def hostile(data: bytes) -> bytes:
        return data.replace(b"<worksheet", b'<!DOCTYPE x [<!ENTITY a "1">]><worksheet', 1)

    assert "has a document type" in refused(tmp_path, replaced(SHEET, hostile))


@pytest.mark.parametrize(
    "change",
    [
        lambda _: b"",
        lambda data: data[:900],
        lambda data: data.replace(b"</row>", b"", 1),
        lambda data: data.replace(b'<row r="6"', b'<row r="x"', 1),
        lambda data: data.replace(b"<v>12.5</v>", b"<v>twelve</v>"),
    ],
    ids=["nothing", "cut", "a tag left open", "a row without a number", "a number in letters"],
)
def test_a_sheet_that_is_no_good_xml_is_refused(tmp_path: Path, change: Callable[[bytes], bytes]) -> None:
    assert refused(tmp_path, replaced(SHEET, change)).startswith("LAYOUT-")


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    assert refused(tmp_path, b"") == "LAYOUT-EMPTY: the file is empty; ask for it again"
    assert refused(tmp_path, b"Payment ID,Amount\n").startswith("LAYOUT-OTHER-FORMAT: it is no workbook")
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as made:
        made.writestr("a.txt", "hello")
    assert refused(tmp_path, stream.getvalue()).startswith("LAYOUT-CUT: the workbook is damaged")
