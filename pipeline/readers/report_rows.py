"""Makes the table of fees out of a report's lines, and says of every row that is no fee why not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import money
from pipeline.readers import keys, private
from pipeline.readers.report_columns import CALLED, FORMULA, MIXED, NUMBER, WHOLE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa

    from pipeline.readers.private import Private
    from pipeline.readers.report_columns import Line

ENDLESS = re.compile(r"(-?[0-9]{1,9}\.[0-9]{2})0+", re.ASCII)
"""Analytics writes 3.0 and now and then 3.000: zeros after the cents say nothing."""

NO_ITEM = "-1"
"""What Analytics writes for a fee without an item."""

KEYS = ("fee_id", "patron_id", "fee_type", "currency")
"""Columns that a fee cannot be without, where they are declared."""

MAY_HAVE_BLANKS = ("patron_id", "fee_type")
"""A user name may be two words, and a label is nothing but words."""

IDS = ("fee_id", "patron_id")
MANGLED = re.compile(r"[0-9](?:\.[0-9]+)?[Ee]\+[0-9]+|[0-9]+\.0", re.ASCII)
"""What a spreadsheet makes of a long number or an id."""

AS_TEXT = ("=", "'", '"')
"""With these a spreadsheet is told that an id is a text: ``="0071"``, ``'0071``.  They are no part of the id."""

KEPT_DIGITS = 15
"""Digits that a spreadsheet keeps of a number."""

SHOWN = 24

TEXTS = ("fee_id", "patron_id", "fee_type", "owner", "date", "currency", "barcode", "user_group", "as_of")

Reasons = dict[int, list[str]]


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows of one report have in common.

    ``places`` says in which cell each column stands, ``width`` how many headings there are; ``ragged`` whether blank
    cells at the end of a row are left out, as in a workbook.  ``amount`` is the column that says what is billed.
    """

    places: Mapping[str, int]
    width: int
    ragged: bool
    amount: str
    currency: str
    private: Private
    file_sha: str


def cents_of(text: str) -> int | None:
    """Read an amount of a report in cents; None where it is not whole cents.  ``3``, ``3.0``, ``3.000``, ``-12.5``."""
    found = ENDLESS.fullmatch(text)
    plain = found[1] if found else text
    return money.cents_of_each([plain])[plain]


def table(lines: Sequence[Line], shape: Shape) -> pa.Table:
    """Make a table of the columns that differ from row to row, and ``as_of`` as it is written.

    A row that has no fee id is called after the file and its line.
    """
    import pyarrow as pa

    n = len(lines)
    reasons: Reasons = {}
    cells = _columns(lines, shape, reasons)
    narrow = frozenset(reasons)
    amounts = _amounts(cells, shape, reasons, narrow)
    _odd_cells(lines, shape, reasons)
    _keys(cells, reasons, narrow)
    columns = {name: cells.get(name, [""] * n) for name in TEXTS}
    columns |= shape.private.shown({name: cells.get(name, [""] * n) for name in private.COLUMNS})
    columns["fee_time"] = columns.pop("date")
    columns["fee_id"] = [
        fee if fee not in ("", keys.NOTHING) else f"?{shape.file_sha[:12]}-{line[0]}"
        for fee, line in zip(columns["fee_id"], lines, strict=True)
    ]
    columns["barcode"] = ["" if barcode == NO_ITEM else barcode for barcode in columns["barcode"]]
    columns["amount_text"] = cells[shape.amount]
    columns["unreadable"] = ["; ".join(reasons[row]) if row in reasons else "" for row in range(n)]
    numbers = {"line": [line[0] for line in lines], **amounts}
    arrays = {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    return pa.table({**arrays, **{name: pa.array(values, pa.int64()) for name, values in numbers.items()}})


def _columns(lines: Sequence[Line], shape: Shape, reasons: Reasons) -> dict[str, list[str]]:
    """Turn lines into columns; of a row with too few or too many cells only the fee id is kept, if it has one."""
    rows = [line[1] for line in lines]
    for row, cells in enumerate(rows):
        if len(cells) != shape.width:
            rows[row] = _fitted(row, cells, shape, reasons)
    slots = list(zip(*rows, strict=True))
    columns = {name: keys.texts(slots[place]) for name, place in shape.places.items()}
    if "currency" not in columns:
        columns["currency"] = [shape.currency] * len(rows)
    return columns


def _fitted(row: int, cells: Sequence[str], shape: Shape, reasons: Reasons) -> list[str]:
    if shape.ragged and len(cells) < shape.width:
        return [*cells, *[""] * (shape.width - len(cells))]
    reasons.setdefault(row, []).append(f"it has {len(cells)} cells under {shape.width} headings")
    place = shape.places["fee_id"]
    fitted = [""] * shape.width
    fitted[place] = cells[place] if place < len(cells) else ""
    return fitted


def _amounts(
    cells: Mapping[str, list[str]], shape: Shape, reasons: Reasons, narrow: frozenset[int]
) -> dict[str, list[int]]:
    """Read what is billed and what the fee was first for; 0 where the text is no amount."""
    found = {}
    for name in dict.fromkeys((shape.amount, "original")):
        values = cells[name]
        known = {text: cents_of(text) for text in set(values)}
        found[name] = [known[text] or 0 for text in values]
        wrong = {text: _wrong(text, cents) for text, cents in known.items() if cents is None or cents < 0}
        for row, text in enumerate(values) if wrong else ():
            if text in wrong and row not in narrow:
                reasons.setdefault(row, []).append(f"{CALLED[name]} {wrong[text]}")
    return {"amount_cents": found[shape.amount], "original_cents": found["original"]}


def _wrong(text: str, cents: int | None) -> str:
    if not text:
        return "is missing"
    return f"is {text[:SHOWN]!r}, " + ("which is not whole cents" if cents is None else "below nothing")


def _odd_cells(lines: Sequence[Line], shape: Shape, reasons: Reasons) -> None:
    """Name the cells of a used column whose value cannot be believed: formulas, and ids that are numbers."""
    called = {place: name for name, place in shape.places.items()}
    for row, (_, cells, odd) in enumerate(lines):
        for place, what in odd.items() if odd else ():
            why = what if place == WHOLE else _odd_cell(called.get(place, ""), cells[place], what)
            if why:
                reasons.setdefault(row, []).append(why)


def _odd_cell(name: str, text: str, what: str) -> str:
    if name and what in (FORMULA, MIXED):
        return f"{CALLED.get(name, name)} is {what}"
    if MANGLED.fullmatch(text):
        return ""  # the reason is told with those of keys
    digits = sum(map(str.isdigit, text))
    if what == NUMBER and (name in IDS or (name == "barcode" and text != NO_ITEM and digits > KEPT_DIGITS)):
        return f"{CALLED.get(name, name)} {text[:SHOWN]} is stored as a number, which loses zeros and digits"
    return ""


def _keys(cells: Mapping[str, list[str]], reasons: Reasons, narrow: frozenset[int]) -> None:
    for name in KEYS:
        for row, fault in _faults(name, cells[name]):
            if row not in narrow:
                reasons.setdefault(row, []).append(f"{CALLED.get(name, name)} {fault}")


def _faults(name: str, values: Sequence[str]) -> Iterator[tuple[int, str]]:
    yield from keys.faults(values, blanks=name in MAY_HAVE_BLANKS)
    if name not in IDS:
        return
    together = "".join(values)
    if any(sign in together for sign in AS_TEXT):
        for row, value in enumerate(values):
            if value.startswith(AS_TEXT):
                yield row, f"begins with {value[0]}, by which a spreadsheet marks a text"
    if "+" in together or "." in together:
        for row, value in enumerate(values):
            if MANGLED.fullmatch(value):
                yield row, f"is {value[:SHOWN]}, a number that a spreadsheet has changed"
