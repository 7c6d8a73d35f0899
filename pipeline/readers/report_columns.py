"""Finds the headings of a report and the columns it must have; a report without one of them is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from pipeline.readers import refused
from pipeline.readers.refused import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.campus.sources import Report

Line = tuple[int, Sequence[str], Mapping[int, str]]
"""A line of a report: its number, its cells, and what is odd: by the place of a cell, or by WHOLE of all of it."""

WHOLE = -1
NUMBER, FORMULA, MIXED = "a number", "a formula", "said twice, or around other elements"
"""What a cell may be other than text."""

PLAIN: Mapping[int, str] = {}
"""Nothing is odd: every cell of the line is text."""

UNFINISHED: Mapping[int, str] = {WHOLE: "the last line does not end, so it may be cut off"}
NO_HEADING: Mapping[int, str] = {WHOLE: "it has a cell without a heading"}

ABOVE = 50
"""Lines that may stand above the headings: the report's name, the day it describes."""

SHOWN = 30
"""Headings, and signs of a heading, that are repeated to people."""

CALLED = {
    "fee_id": "fee id",
    "patron_id": "patron id",
    "fee_type": "fee type",
    "original": "original amount",
    "remaining": "remaining amount",
    "user_group": "user group",
    "patron_name": "patron name",
    "as_of": "day the report describes",
}
"""What people are told a column is, where its name would not do."""


def wanted(report: Report) -> dict[str, tuple[str, ...]]:
    """Give every column the campus declares, with the headings it may have."""
    columns = {name: getattr(report.columns, name) for name in type(report.columns).model_fields}
    return {**columns, "as_of": (report.as_of.column,) if report.as_of.column else ()}


def headings(lines: Iterator[Line], columns: Mapping[str, Sequence[str]], name: str) -> tuple[list[Line], Line]:
    """Give the lines above the headings, and the line of the headings: the first in which every column stands.

    Raises RefusedFileError (REPORT-COLUMNS), which says what is missing and which headings stand there; also where the
    line of the headings has no end (FILE-NOT-WHOLE).
    """
    declared = {column: names for column, names in columns.items() if names}
    above: list[Line] = []
    for line in lines:
        if len(_places(line[1], declared)) == len(declared):
            if WHOLE in line[2]:
                what = "ends with its headings, so it may be cut off; nothing was used: have the report delivered again"
                raise RefusedFileError(refused.NOT_WHOLE, f"{name}, line {line[0]}: {what}")
            return above, line
        above.append(line)
        if len(above) > ABOVE:
            break
    raise _missing(above, declared, name)


def places(line: Line, columns: Mapping[str, Sequence[str]], name: str) -> dict[str, int]:
    """Say in which cell of a line each column stands, by the headings.  Raises RefusedFileError if one is doubled."""
    number, cells, _ = line
    found = _places(cells, columns)
    keys = [_key(cell) for cell in cells]
    for place in found.values():
        if keys.count(keys[place]) > 1:
            what = f"the heading {cells[place]!r} stands there twice; have the report's author take one away"
            raise RefusedFileError(refused.COLUMNS, f"{name}, line {number}: {what}")
    return found


def _key(heading: str) -> str:
    return " ".join(heading.split()).casefold()


def _places(cells: Sequence[str], columns: Mapping[str, Sequence[str]]) -> dict[str, int]:
    standing: dict[str, int] = {}
    for place, cell in enumerate(cells):
        standing.setdefault(_key(cell), place)
    found = {}
    for column, names in columns.items():
        there = [standing[_key(name)] for name in names if _key(name) in standing]
        if there:
            found[column] = there[0]
    return found


def _missing(above: Sequence[Line], columns: Mapping[str, Sequence[str]], name: str) -> RefusedFileError:
    best = max(above, key=lambda line: len(_places(line[1], columns)), default=(1, (), PLAIN))
    found = _places(best[1], columns)
    if not found:
        some = ", ".join(repr(names[0]) for names in columns.values())
        what = f"has no line of headings such as {some}; look at what it is, and have the report delivered again"
        return RefusedFileError(refused.COLUMNS, f"{name}: {what}")
    lost = [
        f"{CALLED.get(column, column)} ({_named(names)})" for column, names in columns.items() if column not in found
    ]
    there = ", ".join(repr(cell[:SHOWN]) for cell in best[1][:SHOWN])
    what = (
        f"has no column for {'; '.join(lost)}; its headings are {there}; have the report's author put it back, or name "
        "the new heading in the campus file"
    )
    return RefusedFileError(refused.COLUMNS, f"{name}, line {best[0]}: {what}")


def _named(names: Sequence[str]) -> str:
    return " or ".join(repr(name) for name in names)
