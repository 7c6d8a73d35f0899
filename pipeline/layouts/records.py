"""Reports of records (PayPal): sections of rows between headers and footers, which say what the rows add up to.

Each line begins with its type.  RH and FH head the report and the file, SH and CH a section and its columns, SB is a
row; SF and SC close a section with sums and a count, RF and RC the report, FF the file.  As PayPal publishes it and
as public samples show it.
"""

from __future__ import annotations

import codecs
import csv
import io
from typing import TYPE_CHECKING

from pipeline.layouts import dates
from pipeline.layouts.model import same
from pipeline.layouts.raw import CUT, OTHER, Raw, UnreadableFileError, decoded
from pipeline.layouts.sections import Report, Row, Section

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from pipeline.layouts.model import Layout

STAMP = "YYYY/MM/DD hh:mm:ss zzzzz"
VERSION, FIRST = 4, 1
"""Where RH has the version of the report, and FH the number of the file, counted from the type."""


def parse(layout: Layout, data: bytes) -> Raw:
    """Take a report apart; compare what its footers say with its rows.

    Raises UnreadableFileError when it is not whole, is another report or version, or its totals are wrong.
    """
    walk = _Walk(layout)
    for line, cells in _records(layout, _text(layout, data)):
        walk.take(line, [cell.strip(" ") for cell in cells])
    report = walk.done()
    report.check()
    return _raw(layout, report, walk.ignored)


def _text(layout: Layout, data: bytes) -> str:
    """Decode a report; old ones are in UTF-16.  Its last record shows that it is whole: its last line may be bare."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        try:
            data = data.decode("utf-16").encode()
        except UnicodeDecodeError:
            raise UnreadableFileError(CUT, "the file ends in the middle of a character; ask for it again") from None
    return decoded(layout, data if data.endswith(b"\n") or not data.strip() else data + b"\n")


def _records(layout: Layout, text: str) -> Iterator[tuple[int, list[str]]]:
    """Give every record with the line it begins on.  A note may run over lines: the counts show if it took a row."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, strict=True)
    line = 0
    try:
        for cells in reader:
            begins, line = line + 1, reader.line_num
            if any(cell.strip(" ") for cell in cells):
                yield begins, cells
    except csv.Error as error:
        raise UnreadableFileError(OTHER, f"line {line + 1}: {error}; ask how the file was made") from None


class _Walk:
    """Goes through the records in the order of the file."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._report = Report(layout)
        self._built_in = [column.name for column in layout.detail.columns]
        self._headings = self._built_in
        self._steps: Mapping[str, Callable[[int, list[str]], None]] = {
            "RH": self._header,
            "FH": self._file,
            "SH": self._section,
            "CH": self._columns,
            "SB": self._row,
            "SF": lambda line, cells: self._open().sums.append((line, cells[1:])),
            "SC": lambda line, cells: self._open().counts.append((line, cells[1:])),
            "RF": lambda line, cells: self._report.sums.append((line, cells[1:])),
            "RC": lambda line, cells: self._report.counts.append((line, cells[1:])),
            "FF": self._end,
        }
        self._last = ""
        self.ignored: dict[str, None] = {}

    def take(self, line: int, cells: list[str]) -> None:
        """Take one record.  Raises UnreadableFileError where it cannot stand."""
        kind = cells[0]
        wanted = {"": "RH", "RH": "FH"}.get(self._last, "")
        if self._last == "FF" or kind not in self._steps or (wanted and kind != wanted):
            then = f"{wanted} must stand" if wanted else "no such record may stand"
            raise UnreadableFileError(
                OTHER, f"line {line}: begins with {kind[:24]!r}, where {then}; it is another file"
            )
        self._last = kind
        self._steps[kind](line, cells)

    def done(self) -> Report:
        """Give the report.  Raises UnreadableFileError when the record that ends a file is missing."""
        if self._last != "FF":
            raise UnreadableFileError(CUT, "the file does not end with its FF record; ask for it again")
        return self._report

    def _header(self, line: int, cells: list[str]) -> None:
        known = self._layout.facts.records.versions if self._layout.facts.records else ()
        version = cells[VERSION] if len(cells) > VERSION else ""
        if version not in known:
            said = f"the report has version {version[:24]!r}, {self._layout.name} reads {', '.join(known)}"
            raise UnreadableFileError(OTHER, f"line {line}: {said}; see which report it is and what has changed")

    def _file(self, line: int, cells: list[str]) -> None:
        number = cells[FIRST] if len(cells) > FIRST else ""
        if not (number.isascii() and number.isdigit()):
            raise UnreadableFileError(OTHER, f"line {line}: FH has no number of the file; it is another file")
        self._report.part = int(number)

    def _section(self, line: int, cells: list[str]) -> None:
        try:
            period = (dates.read(cells[1], STAMP), dates.read(cells[2], STAMP))
        except (IndexError, dates.NotADayError):
            raise UnreadableFileError(OTHER, f"line {line}: SH does not say its period; it is another file") from None
        self._report.sections.append(Section(line, period))
        self._headings = self._built_in

    def _columns(self, line: int, cells: list[str]) -> None:
        self._headings = _named(self._layout, line, cells[1:])
        known = {column.name for column in self._layout.detail.columns}
        self.ignored |= dict.fromkeys(heading for heading in self._headings if heading and heading not in known)
        self._open().headed = True

    def _row(self, line: int, cells: list[str]) -> None:
        said, size = cells[1:], len(self._headings)
        why = "" if len(said) == size else f"has {len(said)} cells, not {size}"
        texts = {} if why else dict(zip(self._headings, said, strict=True))
        self._open().rows.append(Row(line, texts, why))

    def _open(self) -> Section:
        """The section that is open; a file that continues another goes on with the one that was open there."""
        if not self._report.sections:
            self._report.sections.append(Section(0, None))
        return self._report.sections[-1]

    def _end(self, line: int, cells: list[str]) -> None:
        self._report.end = (line, cells[1:])


def _named(layout: Layout, line: int, headings: list[str]) -> list[str]:
    """Give the layout's names of the headings, others as they stand.  Raises UnreadableFileError for a doubtful one."""
    found: dict[str, int] = {}
    names = [" ".join(heading.split()) for heading in headings]
    plain = [same(heading) for heading in headings]
    for column in layout.detail.columns:
        hits = [place for place, one in enumerate(plain) if one in column.spelled()]
        if len(hits) > 1:
            reason = f"line {line}: {column.name} stands under {len(hits)} headings; ask which one is meant"
            raise UnreadableFileError(OTHER, reason)
        if hits:
            found[column.name] = hits[0]
    missing = [one.name for one in layout.detail.columns if not one.optional and one.name not in found]
    if missing:
        reason = (
            f"line {line}: not the headings of {layout.name}: no {', '.join(missing)} among its {len(names)} headings"
        )
        raise UnreadableFileError(OTHER, reason)
    for name, place in found.items():
        names[place] = name
    return names


def _raw(layout: Layout, report: Report, ignored: Mapping[str, None]) -> Raw:
    rows = [row for section in report.sections for row in section.rows]
    columns = {column.name: [row.texts.get(column.name, "") for row in rows] for column in layout.detail.columns}
    return Raw(
        None,
        None,
        columns,
        [row.line for row in rows],
        [row.broken for row in rows],
        tuple(ignored),
        stated=report.stated,
        period=report.period,
    )
