"""Reads a report that came as a workbook: its lines of cells, and which of them Excel does not hold as text."""

from __future__ import annotations

import warnings
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Any

from pipeline.layouts import dates
from pipeline.readers import refused, report_archive, report_columns
from pipeline.readers.refused import RefusedFileError
from pipeline.readers.report_columns import FORMULA, NUMBER, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.readers.report_columns import Line

LAST_ROW, LAST_COLUMN = 1 << 20, 1 << 14
"""Excel's own limits."""

KEPT_DIGITS = 15
"""Digits that Excel keeps of a number; it writes zeros or an exponent for the others."""

NEEDED = 5
"""So many columns every report has: fee, patron, type, amount and date."""


def lines(path: Path, columns: Mapping[str, Sequence[str]], day: str, max_bytes: int) -> Iterator[Line]:
    """Give every line of the first sheet that has the headings ``columns``, or of the first sheet if none has.

    A real date is written in the form ``day``, as text would be.  Raises RefusedFileError if the file is no workbook,
    too large, hostile or damaged.
    """
    report_archive.look(path, max_bytes)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not concern us
            sheets = list(_sheets(path, day))
            first = next((sheet for sheet in sheets if _has(sheet, columns)), sheets[0] if sheets else [])
            _alone(first, sheets, path.name)
    except RefusedFileError:
        raise
    except Exception as error:  # noqa: BLE001 - the library fails in any way it likes on a damaged workbook
        what = f"is a damaged workbook ({type(error).__name__}); nothing was used: have the report delivered again"
        raise RefusedFileError(refused.NOT_WHOLE, f"{path.name}: {what}") from None
    yield from first


def _alone(chosen: Sequence[Line], sheets: Sequence[Sequence[Line]], name: str) -> None:
    """Fees on another sheet would be lost; a sheet of notes or filters has no rows so wide."""
    for number, sheet in enumerate(sheets, 1):
        wide = [line for line in sheet if sum(cell != "" for cell in line[1]) >= NEEDED]
        if sheet is not chosen and wide:
            what = f"{name}: sheet {number} has {len(wide)} rows like fees, beside the sheet with the headings"
            raise RefusedFileError(refused.COLUMNS, f"{what}; have the report delivered on one sheet")


def _has(sheet: Sequence[Line], columns: Mapping[str, Sequence[str]]) -> bool:
    try:
        report_columns.headings(iter(sheet), columns, "")
    except RefusedFileError:
        return False
    return True


def _sheets(path: Path, day: str) -> Iterator[list[Line]]:
    from openpyxl import load_workbook

    with path.open("rb") as stream:  # by its name alone the library would judge what it is
        for sheet in load_workbook(stream, read_only=True, keep_links=False).worksheets:
            sheet.reset_dimensions()  # what a sheet says of its own size may be wrong, and rows would be lost
            yield list(_rows(sheet.iter_rows(), day, path.name))


def _rows(rows: Iterator[Sequence[Any]], day: str, name: str) -> Iterator[Line]:
    for number, row in enumerate(rows, 1):
        if number > LAST_ROW or len(row) > LAST_COLUMN:
            what = "has more rows or columns than Excel can write; find out where it came from"
            raise RefusedFileError(refused.TOO_LARGE, f"{name}: {what}")
        cells, odd = [], {}
        for place, cell in enumerate(row):
            value = cell.value
            if value is None:
                cells.append("")
            elif cell.data_type == "s":
                cells.append(str(value))
            else:
                cells.append(_written(value, cell.data_type, day))
                odd[place] = FORMULA if cell.data_type == "f" else NUMBER
        while cells and not cells[-1].strip():
            cells.pop()
        if cells:
            yield number, cells, odd or PLAIN


def _written(value: object, kind: str, day: str) -> str:
    """Write what is no text as it would stand in a CSV: a number with the 15 digits that Excel keeps, a day."""
    if kind == "f":
        return "="
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return f"{value:.{KEPT_DIGITS}g}".upper()
    if isinstance(value, datetime):
        hour = "" if value.time() == time() else f" {value.time().isoformat('seconds')}"
        return _day(value.date(), day) + hour
    return str(value)


def _day(value: date, form: str) -> str:
    try:
        return dates.written(value.isoformat(), form)
    except dates.NotADayError:
        return value.isoformat()
