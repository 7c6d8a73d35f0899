"""Laws of the formats that are more than columns: both counts agree, and nothing makes a reader stumble."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.layouts import layout as layouts
from tests.properties.test_layouts import CELL, attempt, joined, stored
from tests.unit.layout_rows import GOLDEN

WIDE, STL, TRR, BOOK = (
    layouts.load(name) for name in ("cashnet/wide", "paypal/stl", "paypal/trr", "bursar/settlement")
)

CODE = st.sampled_from(
    ["T0006", "T0001", "t1107", "T1106", "T1201", "T0400", "T1300", "T4242", " T0006 ", "", "2.3E+18"]
)
PAYPAL = st.one_of(CODE, CELL, st.sampled_from(["CR", "DR", "USD", "EUR", "1250", "-5", "F1:5|F2:6", "S", "V", "F"]))
RESULT = st.sampled_from(["0", "00", "", "209", "0 ", "1"])
VALUE = st.one_of(
    CELL.filter(str.isprintable),
    st.sampled_from([12.5, 0.1, 1e20, 12345678901234567, 2.345, -7, True, None, "=1+1", "Refund", "Payment", ""]),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
)


def agree(layout: layouts.Layout, data: bytes) -> None:
    with stored(data) as path:
        returned = attempt(layout, path)
        if isinstance(returned, str):
            assert returned.startswith("LAYOUT-")
            return
        assert layouts.count(layout, path) == tables.tally(returned.rows)
        sums = returned.totals
        assert sum(part["cents"] for part in sums["by_kind"].values()) == sums["cents"]
        layouts.to_json(returned)


@pytest.mark.parametrize("layout", [STL, TRR], ids=lambda layout: layout.name)
@settings(max_examples=60)
@given(data=st.data())
def test_both_counts_of_a_report_of_records_agree(layout: layouts.Layout, data: Any) -> None:
    columns = [column.name for column in layout.detail.columns]
    good = [column.example or "" for column in layout.detail.columns]
    keep = data.draw(st.integers(15, len(columns)))
    places = st.dictionaries(st.integers(0, 13), PAYPAL, max_size=4)
    drawn = data.draw(st.lists(places, max_size=5))
    rows = [[found.get(place, cell) for place, cell in enumerate(good)][:keep] for found in drawn]
    headed = data.draw(st.booleans())
    version = layout.facts.records.versions[0] if layout.facts.records else ""
    lines = [["RH", "x", "A", "y", version], ["FH", "01"], ["SH", *["2026/02/03 00:00:00 -0800"] * 2, "z"]]
    lines += [["CH", *columns[:keep]]] if headed else []
    lines += [["SB", *row] for row in rows] + [["SC", str(len(rows))], ["FF", str(len(rows))]]
    agree(
        layout, "".join(f"{joined(line)}\n" for line in lines).encode(data.draw(st.sampled_from(["utf-8", "utf-16"])))
    )


@settings(max_examples=60)
@given(st.lists(st.tuples(RESULT, *[CELL] * 9), max_size=5), st.sampled_from(["itemcnt", "colour"]))
def test_both_counts_of_items_side_by_side_agree(rows: list[tuple[str, ...]], seventh: str) -> None:
    once = ["result", "tx", "failedtx", "origtx", "busdate", "custcode"]
    lines = [[*once, "itemcode1", "amount1", "itemcode2", "amount2", seventh], *([*row, "2"] for row in rows)]
    agree(WIDE, "".join(f"{joined(line)}\n" for line in lines).encode())


@example([["SALE", "SALE", "SALE", "1.00", "SALE", 1000000054099968.0]], False)  # noqa: FBT003
@settings(max_examples=40)
@given(st.lists(st.lists(VALUE, min_size=1, max_size=7), max_size=5), st.booleans())
def test_both_counts_of_a_workbook_agree(rows: list[list[Any]], titled: bool) -> None:  # noqa: FBT001
    made = openpyxl.Workbook(write_only=True)
    sheet = made.create_sheet("Paid")
    if titled:
        sheet.append(["Paid in February"])
    sheet.append(["Payment ID", "Patron ID", "Fee ID", "Amount", "Date", "Type", "Original"])
    for row in rows:
        sheet.append(row)
    stream = io.BytesIO()
    made.save(stream)
    agree(BOOK, stream.getvalue())


@settings(max_examples=60)
@given(st.integers(0, 30_000), st.integers(0, 255))
def test_no_byte_of_a_workbook_makes_its_reader_stumble(place: int, byte: int) -> None:
    data = bytearray((GOLDEN / "returned/bursar_settlement.xlsx").read_bytes())
    data[place % len(data)] = byte
    agree(BOOK, bytes(data))


@settings(max_examples=60)
@given(st.integers(0, 30_000), st.integers(32, 126))
def test_no_character_of_a_report_can_change_its_money_unseen(place: int, byte: int) -> None:
    data = bytearray((GOLDEN / "returned/paypal_stl.csv").read_bytes())
    place %= len(data)
    data[place] = byte
    agree(STL, bytes(data))


@given(st.binary(max_size=200))
def test_no_archive_makes_a_reader_stumble(data: bytes) -> None:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("xl/workbook.xml", data)
    agree(BOOK, stream.getvalue())
