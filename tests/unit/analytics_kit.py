"""Reports of Analytics for tests, in as few words as possible: made-up fees as CSV, as a workbook, as its XML."""

from __future__ import annotations

import csv
import hashlib
import io
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from pipeline import tables
from pipeline.campus.sources import AnalyticsReport, ReportFile
from pipeline.readers import report, report_count

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.money import Tally

HEADINGS = [
    "Fine Fee Id",
    "Primary Identifier",
    "Fine Fee Type",
    "Original Amount",
    "Remaining Amount",
    "Creation Date",
]
ROW = ["11122233300006421", "999991234", "Damaged item fine", "30.0", "12.5", "2026-01-02"]
COLUMNS: dict[str, Any] = {
    "fee_id": ["Fine Fee Id"],
    "patron_id": ["Primary Identifier"],
    "fee_type": ["Fine Fee Type"],
    "original": ["Original Amount"],
    "remaining": ["Remaining Amount"],
    "date": ["Creation Date"],
}
ROWSET = "urn:schemas-microsoft-com:xml-analysis:rowset"


def settings(file_format: str = "csv", *, columns: dict[str, Any] | None = None, **said: Any) -> ReportFile:
    """Say of a source what is usual of it; ``columns`` are more, other or (None) fewer columns."""
    named = {**COLUMNS, **(columns or {})}
    whole = {
        "kind": "report",
        "format": file_format,
        "connection": "exchange",
        "lists": "open_now",
        "as_of": {"lag_days": 1},
        "columns": {name: headings for name, headings in named.items() if headings is not None},
        **said,
    }
    return ReportFile.model_validate(whole)


def analytics(**said: Any) -> AnalyticsReport:
    """Say the same of a report that is asked for."""
    whole = {
        "kind": "analytics",
        "path": "/shared/Library/Fees",
        "lists": "open_now",
        "as_of": {"lag_days": 1},
        "columns": COLUMNS,
    }
    return AnalyticsReport.model_validate({**whole, **said})


def row(**said: str) -> list[str]:
    """Make a good row that says something else in some column."""
    return [said.get(name, value) for name, value in zip(COLUMNS, ROW, strict=True)]


def as_csv(*rows: Sequence[str], headings: Sequence[str] = HEADINGS, above: str = "", end: str = "\r\n") -> bytes:
    """Write a report as Analytics delivers it: with a byte order mark and CRLF."""
    text = io.StringIO()
    csv.writer(text, lineterminator=end).writerows([headings, *rows])
    return ("\ufeff" + above + text.getvalue()).encode()


def as_xlsx(*rows: Sequence[object], headings: Sequence[object] = HEADINGS, before: Sequence[str] = ()) -> bytes:
    """Write a workbook in which text stays text; ``before`` names empty sheets that come first."""
    from openpyxl import Workbook

    book = Workbook(write_only=True)
    for name in before:
        book.create_sheet(name)
    sheet = book.create_sheet("Report")
    for cells in [headings, *rows]:
        sheet.append(list(cells))
    stream = io.BytesIO()
    book.save(stream)
    return stream.getvalue()


def schema(headings: Sequence[str] = HEADINGS) -> str:
    """Write the headings of a first page."""
    columns = "".join(
        f'<xsd:element name="Column{place}" type="xsd:string" saw-sql:columnHeading={quoteattr(name)}/>'
        for place, name in enumerate(["0", *headings])
    )
    return (
        '<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:saw-sql="urn:saw-sql">'
        f'<xsd:complexType name="Row"><xsd:sequence>{columns}</xsd:sequence></xsd:complexType></xsd:schema>'
    )


def xml_row(cells: Sequence[str | None]) -> str:
    """Write a row; a cell that is None is left out."""
    said = "".join(
        f"<Column{place}>{escape(cell)}</Column{place}>" for place, cell in enumerate(cells, 1) if cell is not None
    )
    return f"<Row><Column0>0</Column0>{said}</Row>\n"


def page(*rows: Sequence[str | None], finished: bool = True, headings: Sequence[str] | None = HEADINGS) -> str:
    """Write one page; only a first one has headings."""
    inside = (schema(headings) if headings is not None else "") + "".join(map(xml_row, rows))
    return (
        f"<report><QueryResult><IsFinished>{str(finished).lower()}</IsFinished><ResultXml>"
        f'<rowset xmlns="{ROWSET}">{inside}</rowset></ResultXml></QueryResult></report>'
    )


def as_rowset(*rows: Sequence[str | None], pages: int = 1, headings: Sequence[str] = HEADINGS) -> bytes:
    """Write a report as the interface gives it, cut into some pages."""
    size = -(-len(rows) // pages) or 1
    cuts = [rows[start : start + size] for start in range(0, max(1, len(rows)), size)]
    said = [
        page(*cut, finished=number == len(cuts), headings=headings if number == 1 else None)
        for number, cut in enumerate(cuts, 1)
    ]
    return f"<?xml version='1.0' encoding='UTF-8'?><pages>{''.join(said)}</pages>".encode()


WRITERS: Mapping[str, Callable[..., bytes]] = {"csv": as_csv, "xlsx": as_xlsx, "rowset": as_rowset}


def written(folder: Path, content: bytes, name: str = "report.bin") -> Path:
    """Put a report on disk."""
    path = folder / name
    path.write_bytes(content)
    return path


def read(path: Path, said: ReportFile | AnalyticsReport, **more: Any) -> pd.DataFrame:
    """Read a report with the product's reader."""
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = {"source": "fees", "report": said, "file_sha": sha, "came_on": "2026-01-06", "currency": "USD", **more}
    return tables.checked(report.read(path, **wanted).rows, tables.READ_FEES, "read")


def read_bytes(folder: Path, content: bytes, said: ReportFile | AnalyticsReport, **more: Any) -> pd.DataFrame:
    """Read a report that is given as bytes; the second count must agree."""
    path = written(folder, content)
    found = read(path, said, **more)
    assert tables.tally(found) == report_count.count(path, said)
    return found


def counted(folder: Path, content: bytes, said: ReportFile | AnalyticsReport) -> Tally:
    """Count a report once more."""
    return report_count.count(written(folder, content), said)
