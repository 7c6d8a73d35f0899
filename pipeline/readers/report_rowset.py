"""Reads a report as Alma's Analytics interface gives it: pages of rows, whose headings stand on the first page alone.

A page is ``<report>`` around ``QueryResult``, ``ResultXml`` and ``rowset``; several pages may stand side by side in one
``<pages>``.  A cell without a value is left out, so cells are known by their number and never by their place.  Seen in
Ex Libris' interface description and in public clients of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn
from xml.parsers import expat

from pipeline.readers import alma_bytes, refused
from pipeline.readers.refused import RefusedFileError
from pipeline.readers.report_columns import MIXED, NO_HEADING, PLAIN

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.readers.report_columns import Line

ROWSET = "urn:schemas-microsoft-com:xml-analysis:rowset rowset"
ROW = "urn:schemas-microsoft-com:xml-analysis:rowset Row"
PAGE, PAGES, FINISHED = "report", "pages", "IsFinished"
COLUMN = "http://www.w3.org/2001/XMLSchema element"
HEADING = "urn:saw-sql columnHeading"
DUMMY = "Column0"
"""A constant that every row begins with; it is no column of the report."""

MAX_DEPTH = 64
KIND = "report of Analytics"


def lines(path: Path, max_bytes: int) -> Iterator[Line]:
    """Give the headings as a line, and every row after it.

    A whole answer of Analytics that has neither headings nor rows gives no line at all.  Raises RefusedFileError if the
    file is no report, is cut off, lacks its last page or its headings, or is hostile.
    """
    pages = _Pages(path.name)
    try:
        for block in alma_bytes.blocks(path, max_bytes, KIND):
            yield from pages.feed(block)
        yield from pages.end()
    except expat.ExpatError as error:
        why = expat.ErrorString(error.code)
        what = f"cut off or damaged ({why}); nothing of it was used: fetch it again"
        raise RefusedFileError(refused.NOT_WHOLE, f"{path.name}, line {error.lineno}: {what}") from None


class _Pages:
    """Fed with the bytes of a file, gives its lines; raises RefusedFileError where it cannot be a whole report."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lines: list[Line] = []
        self._open = [""]
        self._headings: dict[str, str] = {}
        self._rowsets = self._line = 0
        self._page_has_rows = self._said_headings = False
        self._row: dict[str, str] = {}
        self._odd: dict[str, str] = {}
        self._pieces: list[str] | None = None
        self._finished = ""
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._text
        self._parser.StartDoctypeDeclHandler = self._document_type
        self._parser.EntityDeclHandler = self._document_type

    def feed(self, block: bytes) -> list[Line]:
        """Take the next bytes; give the lines that end in them."""
        try:
            self._parser.Parse(block, False)  # noqa: FBT003 - the parser takes its arguments by place only
        except (LookupError, ValueError) as error:
            what = f"is in an encoding that cannot be read ({error}); ask for it in UTF-8"
            raise self._refused(refused.NOT_WHOLE, what) from None
        found, self._lines = self._lines, []
        return found

    def end(self) -> list[Line]:
        """Hear that the file ends here: a report must be there, down to its last page."""
        self._parser.Parse(b"", True)  # noqa: FBT003
        if not self._rowsets:
            raise self._refused(refused.WRONG_KIND, f"has no rowset, so it is no {KIND}; ask for it again")
        if self._finished not in ("", "true"):
            raise self._refused(refused.NOT_WHOLE, "lacks its last page; nothing of it was used: fetch it again")
        if not self._said_headings and self._finished != "true":
            raise self._no_headings()
        return self._lines

    def _refused(self, code: str, what: str) -> RefusedFileError:
        return RefusedFileError(code, f"{self._name}, line {self._parser.CurrentLineNumber}: {what}")

    def _no_headings(self) -> RefusedFileError:
        return self._refused(refused.COLUMNS, "has no headings on its first page; ask for it with col_names=true")

    def _document_type(self, *_what: object) -> NoReturn:
        what = "has a document type or entities, which Alma never writes; find out who did"
        raise self._refused(refused.DOCTYPE, what)

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        above = self._open[-1]
        if above in ("", PAGES) and name not in ((PAGES, PAGE, ROWSET) if not above else (PAGE, ROWSET)):
            what = f"has {name[:100]!r} in the place of a report, so it is no {KIND}; ask for it again"
            raise self._refused(refused.WRONG_KIND, what)
        if len(self._open) > MAX_DEPTH:
            raise self._refused(refused.TOO_DEEP, f"elements are nested deeper than {MAX_DEPTH}; this is no {KIND}")
        self._open.append(name)
        if ROW in self._open[:-2]:
            self._odd[_local(self._open[self._open.index(ROW) + 1])] = MIXED
        elif above == ROW or name == FINISHED:
            self._pieces = []
        elif name == ROW and above == ROWSET:
            self._begin_row()
        else:
            self._begin(name, attributes)

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == PAGE:
            self._page_has_rows = False
        elif name == ROWSET:
            self._rowsets += 1
            self._page_has_rows = True
        elif name == COLUMN and self._learns and HEADING in attributes and attributes.get("name") != DUMMY:
            self._headings.setdefault(attributes.get("name", ""), attributes[HEADING])

    @property
    def _learns(self) -> bool:
        """Whether headings may still come: only the first page tells them for certain."""
        return self._rowsets == 1 and not self._said_headings

    def _begin_row(self) -> None:
        self._say_headings()
        if not self._said_headings:
            raise self._no_headings()
        self._line, self._row, self._odd = self._parser.CurrentLineNumber, {}, {}

    def _say_headings(self) -> None:
        if self._headings and not self._said_headings:
            self._said_headings = True
            self._lines.append((self._parser.CurrentLineNumber, list(self._headings.values()), PLAIN))

    def _end(self, name: str) -> None:
        self._open.pop()
        above = self._open[-1]
        if name == ROW and above == ROWSET:
            self._finish_row()
        elif above == ROW and ROW not in self._open[:-1]:
            self._finish_cell(_local(name))
        elif name == FINISHED:
            self._finished = "".join(self._pieces or ()).strip()
            self._pieces = None
        elif name == ROWSET:
            self._say_headings()
        elif name == PAGE and not self._page_has_rows:
            raise self._refused(refused.WRONG_KIND, "has a page without a rowset; nothing was used: ask for it again")

    def _finish_cell(self, number: str) -> None:
        if number in self._row:
            self._odd[number] = MIXED
        self._row[number] = "".join(self._pieces or ())
        self._pieces = None

    def _finish_row(self) -> None:
        cells = [self._row.pop(number, "") for number in self._headings]
        self._row.pop(DUMMY, None)
        odd: Mapping[int, str] = PLAIN
        if self._row:
            odd = NO_HEADING
        elif self._odd:
            odd = {place: MIXED for place, number in enumerate(self._headings) if number in self._odd}
            cells = ["" if place in odd else cell for place, cell in enumerate(cells)]
        self._lines.append((self._line, cells, odd))

    def _text(self, text: str) -> None:
        if self._pieces is not None:
            self._pieces.append(text)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
