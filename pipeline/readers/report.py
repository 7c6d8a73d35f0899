"""Reads a report of Alma Analytics: every fee in it as it is written, or why it cannot be a fee; nothing is left out.

It comes as CSV, as a workbook, or as the XML of Analytics itself, its columns in any order.  It is refused whole if a
declared column is missing, if it was cut off, or if it does not say which day it describes.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, NamedTuple

from pipeline.campus.sources import CUT_OFF, ReportFile
from pipeline.readers import refused, report_columns, report_csv, report_days, report_rows, report_rowset, report_xlsx
from pipeline.readers.private import Private
from pipeline.readers.refused import RefusedFileError
from pipeline.tables import READ_FEES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd
    import pyarrow as pa

    from pipeline.campus.sources import Report
    from pipeline.readers.report_columns import Line

__all__ = ["Read", "RefusedFileError", "read"]

CHUNK = 20_000
"""Rows that are worked on together, so that a large report needs little more memory than its table."""

MAX_BYTES, MAX_ROWS = 4 << 30, 5_000_000
"""What is thought possible of a report that is asked for; of a delivered one the campus says it."""


class Read(NamedTuple):
    """A report that was read: its rows (tables.READ_FEES), and the day whose evening it describes.

    The day is "" only where a report without rows could not say it.
    """

    rows: pd.DataFrame
    as_of: str


def read(  # noqa: PLR0913 - where the file is from, when it came, and what the campus says of its source
    path: Path,
    *,
    source: str,
    report: Report,
    file_sha: str,
    came_on: str,
    currency: str,
    title_key: bytes | None = None,
) -> Read:
    """Read a report; it may have no rows.

    ``came_on`` is the day it was delivered, as YYYY-MM-DD; ``currency`` is that of rows which name none; with a
    ``title_key`` the keyed hash of each title is given.  Private columns that the campus does not keep stay blank.
    Amounts are what is still open, or in a ``new_since`` report what the fee was first for.  Raises RefusedFileError.
    """
    columns = report_columns.wanted(report)
    lines = _lines(path, report, columns)
    above, headings = _headings(lines, columns, path.name, report)
    if headings is None:
        day = report_days.described(report, came_on, [], [], path.name) if not report.as_of.header else ""
        return Read(READ_FEES.empty(), day)
    shape = report_rows.Shape(
        places=report_columns.places(headings, columns, path.name),
        width=len(headings[1]),
        ragged=_format(report) == "xlsx",
        amount="remaining" if report.lists == "open_now" else "original",
        currency=currency,
        private=Private(frozenset(report.keep), title_key),
        file_sha=file_sha,
    )
    parts = list(_tables(lines, shape, path.name, report))
    said = {text for part in parts for text in part["as_of"].unique().to_pylist()}
    as_of = report_days.described(report, came_on, [" ".join(line[1]).strip() for line in above], said, path.name)
    same = {"source": source, "file_sha": file_sha, "lists": report.lists, "as_of": as_of}
    same |= {"patron_id_type": report.patron_id_type, "export_number": "", "vat_text": ""}
    return Read(_frame(parts, same), as_of)


def _format(report: Report) -> str:
    return report.format if isinstance(report, ReportFile) else "rowset"


def _limits(report: Report) -> tuple[int, int]:
    return (report.max_bytes, report.max_fees) if isinstance(report, ReportFile) else (MAX_BYTES, MAX_ROWS)


def _lines(path: Path, report: Report, columns: Mapping[str, Sequence[str]]) -> Iterator[Line]:
    max_bytes, _ = _limits(report)
    if not isinstance(report, ReportFile) or report.format == "rowset":
        return report_rowset.lines(path, max_bytes)
    if report.format == "xlsx":
        return report_xlsx.lines(path, columns, report.dates[0], max_bytes)
    return report_csv.lines(path, report.delimiter, max_bytes)


def _headings(
    lines: Iterator[Line], columns: Mapping[str, Sequence[str]], name: str, report: Report
) -> tuple[list[Line], Line | None]:
    """Find the headings; None where Analytics itself answers, in full, that there is nothing."""
    first = next(lines, None)
    if first is None and _format(report) == "rowset":
        return [], None
    return report_columns.headings(chain([first] if first else [], lines), columns, name)


def _tables(lines: Iterator[Line], shape: report_rows.Shape, name: str, report: Report) -> Iterator[pa.Table]:
    """Give the tables of some rows each.  Raises RefusedFileError if there are as many rows as a cut-off report has."""
    rows, (_, most) = 0, _limits(report)
    while chunk := list(islice(lines, CHUNK)):
        rows += len(chunk)
        if rows > most:
            what = f"has more than {most:,} rows; look why, and only then raise max_fees of its source"
            raise RefusedFileError(refused.TOO_LARGE, f"{name}: {what}")
        yield report_rows.table(chunk, shape)
    if limit := _reached(report.row_limit, rows):
        what = f"has {rows:,} rows, and is cut off at {limit:,}; narrow the report, or raise row_limit"
        raise RefusedFileError(refused.ROW_LIMIT, f"{name}: {what}")


def _reached(said: int | None, rows: int) -> int:
    """Give the limit that a report has reached, or 0.

    One that has more rows than a known limit shows that its own limit is another.
    """
    if said is None:
        return rows if rows in CUT_OFF else 0
    return said if 0 < said <= rows else 0


def _frame(parts: Sequence[pa.Table], same: Mapping[str, str]) -> pd.DataFrame:
    import pyarrow as pa

    if not parts:
        return READ_FEES.empty()
    whole = pa.concat_tables(parts).combine_chunks().drop_columns(["as_of"])
    for column, value in same.items():
        whole = whole.append_column(column, pa.repeat(pa.scalar(value, pa.large_string()), whole.num_rows))
    made: pd.DataFrame = whole.select(READ_FEES.names).to_pandas()
    return made
