"""Workbooks (XLSX): the first sheet that people see and that has the headings, taken apart into texts."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pipeline.layouts import archive, dates
from pipeline.layouts.delimited import NotTheHeadingsError, found_places
from pipeline.layouts.raw import CUT, EMPTY, OTHER, Raw, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.layouts.model import Column, Layout

TITLES = 20
"""So many rows of titles may stand above the headings."""

KEPT_DIGITS = 15
"""Digits that Excel keeps of a number: of a longer id the end is lost, even where zeros stand."""

LOST = 4
"""So many zeros behind the digits that Excel keeps are no chance: a text was made of a number."""


@dataclass(frozen=True, slots=True)
class Cell:
    """What stands in a cell: text, or a value of another kind (s, n, d, b, e, f: as workbooks call them)."""

    value: Any
    kind: str

    @property
    def text(self) -> str:
        """What people see, more or less; of a formula nothing."""
        return "" if self.value is None or self.kind == "f" else str(self.value).strip(" ")


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with its rows, each with its number; ``hidden`` from those who look at the workbook."""

    name: str
    hidden: bool
    rows: list[tuple[int, list[Cell]]]


def parse(layout: Layout, data: bytes) -> Raw:
    """Take a workbook apart.  Sheets that are not used are named among what is ignored.

    Raises UnreadableFileError when it is no workbook, is damaged or monstrous, no sheet has the headings, or a second
    one has them as well, with rows.
    """
    if not data:
        raise UnreadableFileError(EMPTY, "the file is empty; ask for it again")
    archive.look(io.BytesIO(data), len(data))
    sheets = _sheets(data)
    chosen, at, places = _chosen(layout, sheets)
    headings = [cell.text for cell in chosen.rows[at][1]]
    rows = [(number, cells) for number, cells in chosen.rows[at + 1 :] if any(cell.value is not None for cell in cells)]
    columns: dict[str, list[str]] = {name: [] for name in places}
    broken = []
    known = {column.name: column for column in layout.detail.columns}
    for _, cells in rows:
        why = []
        for name, place in places.items():
            text, wrong = _written(known[name], cells[place] if place < len(cells) else Cell(None, "n"))
            columns[name].append(text)
            why += [f"{name} {wrong}"] if wrong else []
        broken.append("; ".join(why))
    strange = [heading for place, heading in enumerate(headings) if heading and place not in places.values()]
    others = [f"sheet {one.name}{' (hidden)' if one.hidden else ''}" for one in sheets if one is not chosen]
    return Raw(None, None, columns, [number for number, _ in rows], broken, (*strange, *others))


def _sheets(data: bytes) -> list[Sheet]:
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not concern us
            book = load_workbook(io.BytesIO(data), read_only=True, keep_links=False)
            return [_sheet(sheet) for sheet in book.worksheets]
    except Exception as error:  # noqa: BLE001 - the library fails in any way it likes on a damaged workbook
        reason = f"the workbook is damaged ({type(error).__name__}); ask for it again"
        raise UnreadableFileError(CUT, reason) from None


def _sheet(sheet: Any) -> Sheet:  # noqa: ANN401 - the library's kinds of sheets have no common type
    sheet.reset_dimensions()  # what a sheet says of its own size may be wrong, and rows would be lost
    rows = [
        (number, [Cell(cell.value, str(cell.data_type)) for cell in row])
        for number, row in enumerate(sheet.iter_rows(), 1)
    ]
    return Sheet(str(sheet.title), sheet.sheet_state != "visible", rows)


def _chosen(layout: Layout, sheets: Sequence[Sheet]) -> tuple[Sheet, int, dict[str, int]]:
    """Give the sheet, the place of its headings among its rows, and where each column stands."""
    why = f"no sheet has the headings of {layout.name}"
    found: list[tuple[Sheet, int, dict[str, int]]] = []
    for sheet in sheets:
        for at, (number, cells) in enumerate(sheet.rows[:TITLES]) if not sheet.hidden else ():
            try:
                places = found_places(layout, [cell.text for cell in cells])
            except NotTheHeadingsError as error:
                why = f"sheet {sheet.name}, row {number}: {error}" if _nearly(layout, cells) else why
                continue
            found.append((sheet, at, places))
            break
    if not found:
        raise UnreadableFileError(OTHER, f"{why}; see that the right file came")
    first, *more = found
    for sheet, at, _ in more:
        if len(sheet.rows) > at + 1:
            reason = f"sheets {first[0].name} and {sheet.name} both have payments; ask for one sheet"
            raise UnreadableFileError(OTHER, reason)
    return first


def _nearly(layout: Layout, cells: Sequence[Cell]) -> bool:
    """Whether a row seems meant to be the headings: then what it lacks is worth saying."""
    known = {name for column in layout.detail.columns for name in column.spelled()}
    return sum("".join(cell.text.split()).casefold() in known for cell in cells) > 1


def _written(column: Column, cell: Cell) -> tuple[str, str]:
    """Give the text of a cell as it would stand in a file of text, and what is wrong with it, if something is."""
    if cell.value is None:
        return "", ""
    if cell.kind == "f":
        return "", "is a formula; ask for the file with values"
    if cell.kind == "s":
        text = str(cell.value).strip(" ")
        return (text, "") if _whole(text) or column.is_number else ("", _mangled(text))
    if isinstance(cell.value, datetime):
        return _day(cell.value.date(), column), ""
    if isinstance(cell.value, bool) or not isinstance(cell.value, int | float):
        return str(cell.value), ""
    return _number(column, cell.value)


def _whole(text: str) -> bool:
    """Whether a long id still has its end."""
    end = text[KEPT_DIGITS:]
    return not (text.isascii() and text.isdigit() and len(end) >= LOST and not end.strip("0"))


def _number(column: Column, value: Any) -> tuple[str, str]:  # noqa: ANN401 - a number of either kind
    plain = f"{value:.{KEPT_DIGITS}g}" if isinstance(value, float) else str(value)
    if column.is_number:
        return _amount(plain) if column.show == "dollars" else plain, ""
    if column.show in ("code", "choice"):
        return plain, ""
    if len(plain.strip("-")) > KEPT_DIGITS and isinstance(value, int):
        return "", _mangled(plain)
    if "e" in plain or (isinstance(value, float) and abs(value) >= 10**KEPT_DIGITS):
        return "", _mangled(plain.upper())
    return plain, ""


def _mangled(text: str) -> str:
    return f"{text[:24]!r} was mangled by Excel, which keeps {KEPT_DIGITS} digits; ask for this column as text"


def _amount(plain: str) -> str:
    """Write a number as an amount with two places; one that is no whole number of cents stays as it is."""
    value = Decimal(plain)
    cents = value * 100
    return f"{value:.2f}" if cents == cents.to_integral_value() else plain


def _day(value: date, column: Column) -> str:
    form = column.show.removeprefix("date:") if column.show.startswith("date:") else "YYYY-MM-DD"
    try:
        return dates.written(value.isoformat(), form)
    except dates.NotADayError:
        return value.isoformat()
