"""The morning report as a workbook to work in: every row there is, ids as text, amounts as numbers.

Text stays text whatever it begins with: nothing out of a file becomes a formula or a link.  The same night gives the
same bytes.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

from pipeline.stages import printable
from pipeline.stages.morning import entry, masked, named

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date

    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet._write_only import WriteOnlyWorksheet

    from pipeline.money import Tally
    from pipeline.stages.morning import Morning

    Value = str | int | Decimal | None
    Row = tuple[Value, ...]

MOST_ROWS = 1_000_000
"""Rows a sheet holds before the next one is begun; a spreadsheet program takes 1,048,576."""

MOST_TEXT = 32_000
"""Characters of a cell; a spreadsheet program takes 32,767."""

AMOUNT_FORMAT = "#,##0.00"

ZIP_DATE = (1980, 1, 1, 0, 0, 0)
"""The date of every part of the file: the oldest that a zip knows, so that it says nothing."""


@dataclass(frozen=True)
class Sheet:
    """A sheet to write: its title, its columns with their widths in characters, and its rows."""

    title: str
    columns: Sequence[tuple[str, int]]
    rows: Iterable[Row]


def write(morning: Morning) -> bytes:
    """Write the whole workbook.  Amounts have two places in the campus's currency; empty cells mean nothing said."""
    title = f"{morning.campus}, {morning.business_date}, {morning.run}"
    return pack(title, morning.business_date, sheets(morning))


def pack(title: str, day: date, sheets: Iterable[Sheet]) -> bytes:
    """Write sheets as a workbook that says it was made at midnight of ``day``: the same sheets are the same bytes."""
    from openpyxl import Workbook

    moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    book = Workbook(write_only=True)
    book.properties.creator = "bursar"
    book.properties.title = printable.text(title)
    book.properties.created = moment
    for sheet in sheets:
        _write(book, sheet)
    stream = io.BytesIO()
    book.save(stream)
    return _dateless(stream.getvalue(), book, moment)


def sheets(morning: Morning) -> Iterator[Sheet]:
    """The sheets in their order."""
    money = f"Amount {morning.currency}"
    yield Sheet("Summary", [("What", 28), ("Rows", 10), (money, 16), ("Says", 70)], _summary(morning))
    head = [("System", 16), ("Kind", 16), ("File", 46), ("Rows", 10), (money, 16), ("State", 14), ("Evidence", 50)]
    yield Sheet("Outputs", head, _outputs(morning))
    head = [("Box", 10), ("Code", 28), ("Means", 44), ("What to do", 50), ("Fee", 22), ("Patron", 10)]
    head += [("File", 36), ("Line", 9), (money, 16), ("Days", 8), ("Why", 70)]
    yield Sheet("Held", head, _held(morning))
    head = [("Key", 30), ("Receipt", 22), ("System", 14), (money, 16), ("State", 12), ("Code", 24), ("Why", 60)]
    yield Sheet("Payments", [*head, ("What to do", 50), ("Age", 10)], _payments(morning))
    head = [("Task", 30), ("Kind", 12), ("Fee", 22), ("Reference", 30), ("Patron", 10), (money, 16), ("Days", 8)]
    yield Sheet("Tasks", [*head, ("What to do", 90)], _tasks(morning))
    head = [("Run", 16), ("Command", 12), ("Exit", 8), ("What it did", 70)]
    yield Sheet("Runs", head, ((one.run, one.command, one.exit_code, one.says) for one in morning.runs))
    head = [("Level", 8), ("Code", 28), ("Subject", 40), ("Text", 80), ("Where", 36), ("Means", 44), ("What to do", 50)]
    yield Sheet("Findings", head, _findings(morning))
    head = [("Stage", 14), ("Equation", 50), ("Left rows", 11), (f"Left {morning.currency}", 16), ("Right rows", 11)]
    head += [(f"Right {morning.currency}", 16), ("Difference rows", 16), (f"Difference {morning.currency}", 16)]
    yield Sheet("Equations", head, _equations(morning))


def _summary(morning: Morning) -> Iterator[Row]:
    yield "Campus", None, None, morning.campus
    yield "Environment", None, None, morning.environment
    yield "Business date", None, None, morning.business_date.isoformat()
    yield "Run", None, None, morning.run
    if morning.kept_in is not None:
        yield "Shadow", None, None, f"nothing was let out; files lie in {morning.kept_in}"
    yield "Verdict", None, None, morning.verdict
    for name, tally in named(morning.totals):
        yield f"Fees {name}", *_figures(tally), None
    for name, tally in named(morning.payments):
        yield f"Payments {name}", *_figures(tally), None
    for sentence in morning.missing:
        yield "Did not arrive", None, None, sentence


def _outputs(morning: Morning) -> Iterator[Row]:
    for one in morning.outputs:
        yield one.system, one.kind, one.name, *_figures(one.total), one.state, one.evidence


def _held(morning: Morning) -> Iterator[Row]:
    for group in morning.held:
        reason = (group.box, group.code, group.entry.means, group.entry.do)
        for row in group.rows:
            place = (row.fee_id, masked(row.patron_id), row.file, row.line)
            yield *reason, *place, _units(row.cents), row.days, row.why


def _payments(morning: Morning) -> Iterator[Row]:
    for one in morning.unposted:
        reason = (one.code, one.why, one.entry.do)
        yield one.key, one.receipt, one.system, _units(one.cents), one.state, *reason, _days(one.days)
    for doubt in morning.doubts:
        reason = (doubt.code, doubt.why, doubt.entry.do)
        yield doubt.external_id, None, None, _units(doubt.cents), "doubt", *reason, doubt.age


def _days(days: int) -> str:
    return f"{days} {'day' if days == 1 else 'days'}"


def _tasks(morning: Morning) -> Iterator[Row]:
    for one in morning.tasks:
        about = (one.task_id, one.kind, one.fee_id, one.reference, masked(one.patron_id))
        yield *about, _units(one.cents), one.days, one.text


def _findings(morning: Morning) -> Iterator[Row]:
    for file in morning.refused:
        reason = entry(file.code)
        yield "stop", file.code, file.name, file.why, None, reason.means, reason.do
    for one in chain(morning.findings, morning.second_opinion):
        reason = entry(one.code)
        yield str(reason.level), one.code, one.subject, one.text, one.where, reason.means, reason.do


def _equations(morning: Morning) -> Iterator[Row]:
    for line in morning.equations:
        sides = (*_figures(line.left), *_figures(line.right), *_figures(line.left - line.right))
        yield line.stage, line.what, *sides


def _figures(tally: Tally) -> tuple[int, Decimal]:
    return tally.count, _units(tally.cents)


def _units(cents: int) -> Decimal:
    return Decimal(cents).scaleb(-2)


def _write(book: Workbook, sheet: Sheet) -> None:
    rows, number = iter(sheet.rows), 1
    while True:
        written = _write_page(book, sheet, sheet.title if number == 1 else f"{sheet.title} {number}", rows)
        number += 1
        if written < MOST_ROWS:
            return


def _write_page(book: Workbook, sheet: Sheet, title: str, rows: Iterator[Row]) -> int:
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    page: Any = book.create_sheet(title)  # the published types know little of sheets that are only written
    page.freeze_panes = "A2"
    for number, (_, width) in enumerate(sheet.columns, start=1):
        page.column_dimensions[get_column_letter(number)].width = width
    heads = [_cell(page, head) for head, _ in sheet.columns]
    for head in heads:
        head.font = Font(bold=True)
        head.alignment = Alignment(vertical="top", wrap_text=True)
    page.append(heads)
    written = 0
    for row in islice(rows, MOST_ROWS):
        page.append([_cell(page, value) for value in row])
        written += 1
    page.auto_filter.ref = f"A1:{get_column_letter(len(sheet.columns))}{written + 1}"
    return written


def _cell(page: WriteOnlyWorksheet, value: Value) -> Cell:
    """Make a cell; text is declared to be text, for otherwise ``=1+1`` would be a formula."""
    from openpyxl.cell import WriteOnlyCell

    if isinstance(value, Decimal):
        cell: Cell = WriteOnlyCell(page, value)  # type: ignore[arg-type]  # the published types forget Decimal
        cell.number_format = AMOUNT_FORMAT
    elif isinstance(value, str) and value:
        cell = WriteOnlyCell(page, _fitting(printable.text(value)))
        cell.data_type = "s"
    else:
        cell = WriteOnlyCell(page, value if isinstance(value, int) else None)
    return cell


def _fitting(text: str) -> str:
    if len(text) <= MOST_TEXT:
        return text
    return f"{text[:MOST_TEXT]} ... (cut here; {len(text)} characters)"


def _dateless(packed: bytes, book: Workbook, moment: datetime) -> bytes:
    """Pack the file again without the time of day that its writer put everywhere."""
    from openpyxl.xml.functions import tostring

    book.properties.modified = moment
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            part = tostring(book.properties.to_tree()) if name == "docProps/core.xml" else old.read(name)
            info = zipfile.ZipInfo(name, ZIP_DATE)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, part)
    return stream.getvalue()
