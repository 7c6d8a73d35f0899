"""Laws of the report reader, over reports that are as odd as people and spreadsheets make them: nothing is lost."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.readers import report_count, report_rows
from pipeline.readers.refused import RefusedFileError
from tests.unit.analytics_kit import HEADINGS, WRITERS, as_csv, read, row, settings, written

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pandas as pd

    from pipeline.money import Tally

signs = st.sampled_from([*"0123459.,-+eE \t'\";|=<>&", "\u00e9", "\u00a0", "\u200e", "\u0663", "\r\n", "\n", "]]>"])
odd = st.lists(signs, max_size=8).map("".join)
amounts = st.sampled_from(["12.5", "3.0", "3.000", "0", "-1.25", "1,5", "", " 7 ", "1E+2", "0.001", "300"]) | odd
ids = st.sampled_from(["1001", "007", "2.34568E+18", "null", "", "a b"]) | odd
numbers = st.integers(-(10**18), 10**18) | st.floats(-1e17, 1e17) | st.sampled_from([1.1, 12.35, 0.3, 1e9, 5])


@st.composite
def lines(draw: st.DrawFn) -> list[str]:
    """Write one row, now and then with too few or too many cells."""
    cells = row(
        fee_id=draw(ids),
        patron_id=draw(ids),
        fee_type=draw(odd),
        original=draw(amounts),
        remaining=draw(amounts),
        date=draw(st.sampled_from(["2026-01-02", ""])),
    )
    change = draw(st.integers(0, 12))
    return cells[:change] if change < len(cells) else [*cells, *["x"] * (change == len(cells))]


reports = st.lists(lines(), max_size=8)


def both(content: bytes, form: str, **said: Any) -> tuple[pd.DataFrame, Tally]:
    """Read and count a report."""
    with tempfile.TemporaryDirectory() as folder:
        path = written(Path(folder), content)
        whole = settings(form, **said)
        return read(path, whole), report_count.count(path, whole)


def rows_of(reader_rows: Sequence[Sequence[object]]) -> int:
    """How many of the rows have something in them."""
    return sum(any("" if cell is None else str(cell).strip() for cell in cells) for cells in reader_rows)


@given(reports, st.sampled_from(["\r\n", "\n"]), st.booleans())
def test_a_csv_is_counted_as_it_is_read(rows: list[list[str]], end: str, whole: bool) -> None:  # noqa: FBT001
    content = as_csv(*rows, end=end)
    with suppress(RefusedFileError):
        found, counted = both(content if whole or not rows else content[: -len(end)], "csv")
        assert tables.tally(found) == counted
        assert len(found) == rows_of(rows)


@given(reports, st.integers(1, 4))
def test_pages_of_analytics_are_counted_as_they_are_read(rows: list[list[str]], pages: int) -> None:
    cells = [[cell or None for cell in one] for one in rows]
    found, counted = both(WRITERS["rowset"](*cells, pages=pages), "rowset")
    assert tables.tally(found) == counted
    assert len(found) == len(rows)


@given(st.lists(st.lists(amounts | ids | numbers | st.booleans() | st.none() | st.dates(), max_size=8), max_size=5))
@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
def test_a_workbook_is_counted_as_it_is_read(rows: list[list[object]]) -> None:
    found, counted = both(WRITERS["xlsx"](*rows), "xlsx")
    assert tables.tally(found) == counted
    assert len(found) == rows_of(rows)


@given(st.binary(max_size=40), st.integers(0, 4000), st.sampled_from(["csv", "rowset"]))
def test_damaged_bytes_are_refused_or_counted_as_they_are_read(bytes_: bytes, place: int, form: str) -> None:
    content = WRITERS[form](row(), row(fee_id="2", remaining="3.25"))
    place %= len(content)
    with suppress(RefusedFileError):
        found, counted = both(content[:place] + bytes_ + content[place + len(bytes_) :], form)
        assert tables.tally(found) == counted


@given(st.permutations(range(6)), st.lists(amounts, min_size=1, max_size=4), st.sampled_from(["csv", "rowset"]))
def test_the_order_of_columns_says_nothing(order: list[int], said: list[str], form: str) -> None:
    rows = [row(remaining=amount.replace("\r", "").replace("\n", "")) for amount in said]
    moved = [[cells[place] for place in order] for cells in rows]
    first, _ = both(WRITERS[form](*rows), form)
    second, _ = both(WRITERS[form](*moved, headings=[HEADINGS[place] for place in order]), form)
    same = ["fee_id", "patron_id", "fee_type", "amount_cents", "original_cents", "unreadable"]
    assert first[same].to_dict("list") == second[same].to_dict("list")


@pytest.mark.parametrize("form", sorted(WRITERS))
def test_the_law_notices_a_reader_that_loses_a_row_or_a_cent(form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = WRITERS[form](row(), row(remaining="3"), row(remaining="0.01"))
    found, counted = both(content, form)
    assert tables.tally(found) == counted
    whole, cents = report_rows.table, report_rows.cents_of
    faults: list[tuple[str, Callable[..., Any]]] = [
        ("table", lambda rows, shape: whole(rows[:-1], shape)),
        ("table", lambda rows, shape: whole([*rows, rows[0]], shape)),
        ("cents_of", lambda text: (cents(text) or 1) - 1),
    ]
    for name, fault in faults:
        with monkeypatch.context() as patch:
            patch.setattr(report_rows, name, fault)
            found, counted = both(content, form)
            assert tables.tally(found) != counted
