"""Laws of every layout that comes with the product, over names, ids, days and amounts as nasty as they get."""

from __future__ import annotations

import contextlib
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import money, tables
from pipeline.layouts import cells, dates, delimited, rows
from pipeline.layouts import layout as layouts
from pipeline.layouts.load import from_table
from pipeline.layouts.sources import FREE_TEXT
from pipeline.money import Tally
from tests.depth import deep
from tests.unit.layout_rows import CONSTANTS, GOLDEN, LOOSE, MOVEMENT, TIGHT, movements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import pandas as pd

LAYOUTS = {
    **{name: layouts.load(name) for name in layouts.names()},
    "test/tight": from_table("test/tight", TIGHT),
    "test/loose": from_table("test/loose", LOOSE),
}
SENDING = [name for name, layout in LAYOUTS.items() if layout.scope]
RETURNED = [name for name, layout in LAYOUTS.items() if layout.repeats]

NASTY = st.text(st.sampled_from(' ",;|\t\n\r\x00\x85\u2028\ufeff=+-@E.0159aZéßÅ書🎓\u0301\u200b\xa0'), max_size=12)
TEXT = st.one_of(
    NASTY, st.text(st.characters(exclude_categories=["Cs"]), max_size=50), st.sampled_from(["", "2.3E+18"])
)
DAY = st.one_of(st.dates().map(str), st.sampled_from(["", "2026-02-30", "20260120", "0001-01-01", "2026-W03-2"]), NASTY)
CENTS = st.one_of(st.integers(1, 10**6), st.integers(-(10**3), 10**3), st.integers(10**9 - 9, 10**15))
KEYED = {
    "item_type": st.one_of(st.from_regex(r"[0-9]{12}", fullmatch=True), TEXT),
    "term": st.one_of(st.just("2262"), TEXT),
    "account_type": st.one_of(st.just("SFS"), TEXT),
    "item_code": st.one_of(st.just("LIB-LOST"), TEXT),
    "effective_date": DAY,
    "due_date": DAY,
    "amount_cents": CENTS,
    "currency": st.sampled_from(["USD", "USD", "USD", "CAD", ""]),
}


@st.composite
def changes(draw: st.DrawFn) -> dict[str, object]:
    """A good row with at most three things changed, so that many rows survive and each may be wrong in its own way."""
    names = draw(st.lists(st.sampled_from(sorted(MOVEMENT)), max_size=3, unique=True))
    return {name: draw(KEYED.get(name, TEXT)) for name in names}


TABLES = st.lists(changes(), min_size=1, max_size=6).map(lambda rows: movements(*rows))


@contextlib.contextmanager
def stored(data: bytes) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        yield path


def attempt(layout: layouts.Layout, path: Path) -> layouts.Returned | str:
    """Read a file, or give the code of its refusal."""
    try:
        return layouts.read(layout, path)
    except layouts.UnreadableFileError as refusal:
        return refusal.code


def survives(layout: layouts.Layout, frame: pd.DataFrame, kind: str) -> int:
    """Hold what has faults, write the rest, read it back: nothing may differ.  Returns how many rows were written."""
    if layout.name == "banner/tspload":
        frame = frame.assign(item_code=frame["item_code"].replace({"LIB-OVERDUE": "LIBF", "LIB-LOST": "LIBL"}))
    why = layouts.faults(layout, frame, kind, CONSTANTS)
    for place in range(len(frame)):
        alone = frame.iloc[[place]]
        if why.iloc[place] and layouts.faults(layout, alone, kind, CONSTANTS).iloc[0]:
            with pytest.raises(ValueError, match="must be held, not written"):
                b"".join(layouts.write(layout, alone, kind, CONSTANTS))
    sound = frame[why == ""]
    if not len(sound):
        return 0
    data = b"".join(layouts.write(layout, sound, kind, CONSTANTS))
    assert data == b"".join(layouts.write(layout, sound.copy(), kind, CONSTANTS))
    with stored(data) as path:
        returned = layouts.read(layout, path)
        assert layouts.count(layout, path) == tables.tally(sound)
    if returned.control is not None:
        assert returned.control in (tables.tally(sound), Tally(len(sound), 0))
    assert set(returned.rows["unreadable"]) == {""}
    out = layout.facts.outgoing
    assert out is not None
    sent = sound.sort_values(list(out.sort), kind="stable") if out.sort else sound
    for source in sorted(layout.sources & set(sent.columns)):
        own = any(column.source == source and kind in column.literals for column in layout.detail.columns)
        for before, after in zip(sent[source], returned.rows[source], strict=True):
            assert (own and after == "") or same(layout, source, before, after), (source, before, after)
    assert set(returned.rows["kind"]) == ({kind} if kind in told(layout) else {""})
    return len(sent)


def told(layout: layouts.Layout) -> set[str]:
    """The kinds that a line of theirs shows by itself."""
    shown = {
        kind: tuple((column.literals.get(kind), kind in column.negative) for column in layout.detail.columns)
        for kind in layout.kinds
    }
    return {kind for kind, marks in shown.items() if list(shown.values()).count(marks) == 1}


def same(layout: layouts.Layout, source: str, before: Any, after: Any) -> bool:
    """Equal; free text may have lost its end, and only where its width in bytes says so."""
    if before == after or source not in FREE_TEXT:
        return bool(before == after)
    column = next(column for column in layout.detail.columns if column.source == source)
    if column.fold:
        return bool(after.isascii() and (not before.isascii() or before.startswith(after)))
    width = column.width
    assert isinstance(width, int)
    used = len(after.encode()) > width - 4 or before.removeprefix(after).startswith(" ")
    return bool(before.startswith(after) and len(before.encode()) > width and used)


@pytest.mark.parametrize("name", SENDING)
@settings(max_examples=deep(20))
@given(frame=TABLES, data=st.data())
def test_what_is_written_reads_back_as_it_was_and_all_else_is_named(
    name: str, frame: pd.DataFrame, data: st.DataObject
) -> None:
    layout = LAYOUTS[name]
    survives(layout, frame, data.draw(st.sampled_from(sorted(layout.kinds))))


@pytest.mark.parametrize("name", SENDING)
@settings(max_examples=deep(12))
@given(count=st.integers(1, 30), shuffle=st.randoms(use_true_random=False))
def test_good_rows_all_go_out(name: str, count: int, shuffle: Any) -> None:
    rows = [{"reference": f"{shuffle.randrange(10**19):019d}"} for _ in range(count)]
    assert survives(LAYOUTS[name], movements(*rows), "charge") == count


PADDED, PARTS = cells.Cell.padded, rows._parts  # noqa: SLF001 - a planted bug stands in the way of the real thing


def cut(cell: cells.Cell, text: str) -> str:
    return PADDED(cell, text[: cell.column.width] if isinstance(cell.column.width, int) else text)


def pass_any_sign(text: str, *, free: bool) -> None:
    """Control characters go through."""


def lose_a_cent_in(text: str, notation: object = None) -> int:
    return int(text.replace(".", "")) - 1


def lose_a_cent_out(value: int) -> str:
    return f"{(value - 1) // 100}.{(value - 1) % 100:02d}"


def swap_day_and_month(text: str, form: str) -> str:
    return "2026-02-01"


def leave_out_quotes(layout: layouts.Layout, records: Sequence[Sequence[str]]) -> bytes:
    return "".join(",".join(record) + layout.newline for record in records).encode()


def lose_the_last_row(
    line: list[cells.Cell], frame: pd.DataFrame, constants: dict[str, str]
) -> Iterator[list[list[str]]]:
    return ([texts[:-1] for texts in part] for part in PARTS(line, frame, constants))


PLANTED = [
    (cells.Cell, "padded", cut),
    (cells, "_check_text", pass_any_sign),
    (money, "cents", lose_a_cent_in),
    (money, "dollars", lose_a_cent_out),
    (dates, "read", swap_day_and_month),
    (delimited, "_block", leave_out_quotes),
    (rows, "_parts", lose_the_last_row),
]

TEETH = movements(
    {"reference": "1"},
    {"patron_id": "1" * 65, "reference": "2"},
    {"description": "a\r\nb", "patron_id": "1\n2", "reference": "3"},
    {"description": 'X",Y', "reference": "4"},
)


def test_the_law_of_reading_back_holds_for_the_rows_that_the_planted_bugs_meet() -> None:
    assert [survives(LAYOUTS[name], TEETH, "charge") for name in SENDING] == [
        2 if "patron_id" in LAYOUTS[name].sources else 4 for name in SENDING
    ]


@pytest.mark.parametrize(("place", "name", "bug"), PLANTED, ids=[bug.__name__ for _, _, bug in PLANTED])
def test_the_law_of_reading_back_catches_a_planted_bug(
    monkeypatch: pytest.MonkeyPatch, place: object, name: str, bug: Callable[..., object]
) -> None:
    monkeypatch.setattr(place, name, bug)
    with pytest.raises((AssertionError, layouts.UnreadableFileError, pytest.fail.Exception)):
        _ = [survives(LAYOUTS[name], TEETH, "charge") for name in SENDING]


CELL = st.one_of(
    st.sampled_from(
        ["SALE", "sale ", "REFUND", "VOID", "REVERSAL", "ADJUST", "CLOSED", "Void", "MEMO", "No Sale", "T", "D"]
    ),
    st.from_regex(r"-?[0-9]{1,6}\.[0-9]{2}", fullmatch=True),
    st.sampled_from(["1/7/2026", "$5.00", "1,000.00", "0.00", "-0.00", "5", "2.3E+18", "", " ", "7.505", "5.00 "]),
    st.text(st.sampled_from('aé", 1.-'), max_size=6),
)


def joined(cells: Sequence[str]) -> str:
    return ",".join('"' + cell.replace('"', '""') + '"' if set(cell) & set('",') else cell for cell in cells)


@pytest.mark.parametrize("name", RETURNED)
@given(data=st.data(), bare=st.booleans())
def test_the_second_scan_always_agrees_with_the_reader(name: str, data: st.DataObject, bare: bool) -> None:  # noqa: FBT001
    layout = LAYOUTS[name]
    columns = [one for one in layout.detail.columns if not (bare and one.optional)]
    good = [one.example or str(one.literal) for one in columns]
    places = st.dictionaries(st.integers(0, len(columns) - 1), CELL, max_size=4)
    lines = [
        [found.get(place, cell) for place, cell in enumerate(good)] for found in data.draw(st.lists(places, max_size=5))
    ]
    if data.draw(st.booleans()):
        lines.append(good[:-1])
    text = [joined([one.name for one in columns]), *map(joined, lines)]
    if layout.trailer:
        text.append(f"T,{len(lines)},{data.draw(CELL)}")
    with stored("".join(f"{line}\r\n" for line in text).encode()) as path:
        returned = attempt(layout, path)
        if isinstance(returned, str):
            return
        assert layouts.count(layout, path) == tables.tally(returned.rows)
        totals = returned.totals
        assert sum(part["cents"] for part in totals["by_kind"].values()) == totals["cents"]
        filled = [line for line in lines if any(cell.strip(" ") for cell in line)]  # a line of blanks is no line
        assert sum(part["count"] for part in totals["by_kind"].values()) == totals["count"] == len(filled)


@pytest.mark.parametrize("name", sorted(LAYOUTS))
@given(data=st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_no_bytes_make_a_reader_stumble(name: str, data: bytes) -> None:
    layout = LAYOUTS[name]
    with stored(data) as path:
        returned = attempt(layout, path)
        if isinstance(returned, str):
            assert returned.startswith("LAYOUT-")
        else:
            assert layouts.count(layout, path) == tables.tally(returned.rows)


@settings(max_examples=deep(75))
@given(place=st.integers(0, 403), byte=st.integers(32, 126))
def test_no_byte_of_a_peoplesoft_file_can_change_its_money_unseen(place: int, byte: int) -> None:
    data = bytearray((GOLDEN / "peoplesoft/default/charges.dat").read_bytes())
    data[place] = byte
    with stored(bytes(data)) as path:
        returned = attempt(LAYOUTS["peoplesoft/default"], path)
    if not isinstance(returned, str) and not (returned.rows["unreadable"] != "").any():
        assert tables.tally(returned.rows) == Tally(3, 100000000012249)
