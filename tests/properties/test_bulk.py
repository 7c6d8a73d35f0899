"""Columns at once: what passes at a glance would pass cell by cell, and the glance sees no further than its rows."""

from __future__ import annotations

import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from pipeline.layouts import bulk
from pipeline.layouts.cells import MANGLED

TEXTS = st.lists(
    st.one_of(
        st.text(alphabet="ab1 +.0E\n\té", max_size=6),
        st.from_regex(MANGLED, fullmatch=True),
        st.text(max_size=4).filter(lambda text: text.isprintable()),
        st.sampled_from(["", "LIB-OVERDUE", "Overdue fine 39000000000000"]),
    ),
    max_size=8,
)


def is_plain(text: str) -> bool:
    return text.isascii() and text.isprintable() and text == text.strip(" ") and not MANGLED.fullmatch(text)


@given(TEXTS, st.integers(0, 8), st.integers(0, 8))
def test_texts_that_pass_together_would_pass_one_by_one(texts: list[str], first: int, last: int) -> None:
    part = pd.Series(texts, dtype="str").iloc[first:last]
    if bulk.plain(bulk.of(part)):
        assert all(is_plain(text) for text in part)


@given(TEXTS, st.text(alphabet="+.0é \n", min_size=1, max_size=3))
def test_what_stands_in_other_rows_stops_nobody(texts: list[str], beside: str) -> None:
    rows = pd.Series([beside, *texts, beside], dtype="str")
    alone = bulk.plain(bulk.of(pd.Series(texts, dtype="str")))
    assert bulk.plain(bulk.of(rows.iloc[1:-1])) == alone


@given(st.lists(st.tuples(st.text(max_size=4), st.text(max_size=4)), max_size=6), st.sampled_from(["", ",", " | "]))
def test_lines_are_the_cells_of_each_row_side_by_side(rows: list[tuple[str, str]], between: str) -> None:
    columns = [bulk.of(pd.Series([row[place] for row in rows], dtype="str")) for place in (0, 1)]
    assert bulk.lines(columns, between) == [between.join(row) for row in rows]


@given(st.lists(st.text(max_size=4), max_size=6))
def test_a_column_knows_its_widest_text_its_blanks_and_whether_it_is_ascii(texts: list[str]) -> None:
    column = bulk.of(pd.Series(texts, dtype="str"))
    assert bulk.widest(column) == max((len(text.encode()) for text in texts), default=0)
    assert bulk.has_blank(column) == ("" in texts)
    assert bulk.is_ascii(column) == all(map(str.isascii, texts))
