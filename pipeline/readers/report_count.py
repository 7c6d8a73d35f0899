"""Counts the rows of a report and adds up its amounts once more, without the reader and without what it reads with.

The books compare this with what the reader gave, so it shares no line with it: a CSV is cut by a pattern of its own, a
workbook is taken as the archive of XML that it is, and pages of Analytics are taken a row at a time.

What both must agree on: the headings are the first line in which every declared column stands; every line after it in
which something stands is a row.  Its money is what stands under the amount's heading, if that is a plain decimal with
zeros at most after the cents.  It is worth nothing where the amount is anything else, stands there twice or around
other elements, is a formula or a date, and where the row has not as many cells as there are headings.
"""

from __future__ import annotations

import re
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.campus.sources import ReportFile
from pipeline.money import Tally
from pipeline.readers import report_count_rowset, report_count_xlsx

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pipeline.campus.sources import Report

PLAIN = re.compile(r"(-?)0*([0-9]+)(?:\.([0-9])([0-9])?0*)?", re.ASCII)
FARTHEST = 51
"""Lines among which the headings are looked for."""

MOST_DIGITS = 9
"""Whole digits of an amount, at most; also zeros in front count."""


def count(path: Path, report: Report) -> Tally:
    """Count the rows of a whole report and add up their cents: what is still open, or first was in a new_since report.

    Of a file that is no report it counts what it sees; it raises OSError alone.
    """
    amount = report.columns.remaining if report.lists == "open_now" else report.columns.original
    others = [getattr(report.columns, name) for name in type(report.columns).model_fields]
    needed = [{_plain(name) for name in names} for names in others if names]
    if report.as_of.column:
        needed.append({_plain(report.as_of.column)})
    for rows in _tables(path, report):
        width, place = _headings(rows, needed, [_plain(name) for name in amount])
        if width:
            seen = Counter(_amounts(rows, width, place, ragged=_is_workbook(report)))
            return Tally(seen.total(), sum(cents(text) * times for text, times in seen.items()))
    return Tally()


def cents(text: str) -> int:
    """Give the cents of an amount, 0 for what is none."""
    found = PLAIN.fullmatch(text)
    if found is None or len(text.removeprefix("-").partition(".")[0]) > MOST_DIGITS:
        return 0
    value = int(found[2]) * 100 + int(found[3] or 0) * 10 + int(found[4] or 0)
    return -value if found[1] else value


def _plain(heading: str) -> str:
    return re.sub(r"\s+", " ", heading.strip()).casefold()


def _is_workbook(report: Report) -> bool:
    return isinstance(report, ReportFile) and report.format == "xlsx"


def _tables(path: Path, report: Report) -> Iterator[Iterator[list[str]]]:
    """Give the rows of every table in the file; only a workbook has several."""
    if _is_workbook(report):
        yield from report_count_xlsx.sheets(path)
    elif isinstance(report, ReportFile) and report.format == "csv":
        yield _csv_rows(path, report.delimiter)
    else:
        yield report_count_rowset.rows(path)


def _headings(rows: Iterator[list[str]], needed: Sequence[set[str]], amount: Sequence[str]) -> tuple[int, int]:
    """Find the headings: how many there are, and the place of the amount; 0 and 0 if there are none."""
    for row in islice(rows, FARTHEST):
        said = [_plain(cell) for cell in row]
        if all(names.intersection(said) for names in needed):
            return len(row), said.index(next(name for name in amount if name in said))
    return 0, 0


def _amounts(rows: Iterator[list[str]], width: int, place: int, *, ragged: bool) -> Iterator[str]:
    """Give the text of each row's amount, "" where it has none to be believed."""
    for row in rows:
        if len(row) == width or (ragged and place < len(row) < width):
            yield row[place].strip()
        else:
            yield ""


def _csv_rows(path: Path, delimiter: str) -> Iterator[list[str]]:
    """Cut a CSV into rows of cells, with those in which nothing stands left out."""
    sign = re.escape(delimiter)
    cell = re.compile(rf'(?:"((?:[^"]|"")*+)"|([^"{sign}\r\n][^{sign}\r\n]*+|))({sign}|\r\n|\n|\r|\Z)')
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        rest = ""
        for line in stream:
            if not rest and '"' not in line:
                row: list[str] | None = line.rstrip("\r\n").split(delimiter)
            else:
                rest += line
                row = _cut(rest, cell)
                if row is None:
                    continue
                rest = ""
            if row is not None and any(text.strip() for text in row):
                yield row
        if rest:
            yield [rest]


def _cut(text: str, cell: re.Pattern[str]) -> list[str] | None:
    """Cut a line with quotes; None if a quote is still open."""
    row, at = [], 0
    while found := cell.match(text, at):
        quoted = found[1]
        row.append(found[2] if quoted is None else quoted.replace('""', '"'))
        at = found.end()
        if at == len(text) and not _goes_on(found[3]):
            return row
    return None


def _goes_on(end: str) -> bool:
    return end not in ("", "\n", "\r", "\r\n")
