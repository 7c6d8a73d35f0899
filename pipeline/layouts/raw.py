"""A file taken apart into texts, before anybody says what they mean; and the reasons for refusing it whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.layouts.model import Layout
    from pipeline.money import Tally

BOM = b"\xef\xbb\xbf"

EMPTY = "LAYOUT-EMPTY"
ENCODING = "LAYOUT-ENCODING"
OTHER = "LAYOUT-OTHER-FORMAT"
CUT = "LAYOUT-CUT"
CONTROL = "LAYOUT-CONTROL"


class UnreadableFileError(Exception):
    """The file is refused whole: nothing of it may be used.  ``code`` is of the catalogue of findings."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the code beside the text, which is one line for people."""
        super().__init__(text)
        self.code = code


@dataclass(frozen=True)
class Raw:
    """The texts of a file: cells of header and trailer (None without one), and the detail lines by column name.

    ``lines`` are the line numbers of the rows, counted from 1; ``broken`` says why a row has no cells, "" where it
    has; ``ignored`` are headings that the layout does not know.  A column that the file does not have is not there.
    ``items`` are the numbers of the items within their transactions, where one line of the file holds several.
    ``stated`` and ``period`` are what the file itself says that it holds and covers, where that was compared already.
    """

    header: list[str] | None
    trailer: list[str] | None
    columns: Mapping[str, list[str]]
    lines: list[int]
    broken: list[str]
    ignored: tuple[str, ...] = ()
    items: list[str] | None = None
    stated: Tally | None = None
    period: tuple[str, str] | None = None


def decoded(layout: Layout, data: bytes) -> str:
    """Decode a file strictly, and see that it ends with a whole line.  Raises UnreadableFileError.

    A byte-order mark is accepted in a file that comes to us; one that we send has none.
    """
    encoding = layout.facts.encoding
    if not layout.facts.outgoing and encoding != "cp1252":
        data = data.removeprefix(BOM)
    if not data and layout.bare:
        return ""
    if not data.strip():
        raise UnreadableFileError(EMPTY, "the file is empty; ask for it again")
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        reason = f"line {line}: byte 0x{data[error.start]:02X} is not {encoding}; ask which encoding the file has"
        raise UnreadableFileError(ENCODING, reason) from None
    _check_newlines(layout, text)
    return text


def _check_newlines(layout: Layout, text: str) -> None:
    ends = {"LF": "\n", "CRLF": "\r\n", "any": "\n"}[layout.facts.newline]
    if not text.endswith(ends):
        line = text.count("\n") + 1
        raise UnreadableFileError(CUT, f"line {line}: the file ends in the middle of a line; ask for it again")
    pairs = text.count("\r\n")
    stray = text.count("\r") - pairs
    bare = text.count("\n") - pairs
    if stray or (layout.facts.newline == "LF" and pairs) or (layout.facts.newline == "CRLF" and bare):
        reason = f"lines do not end as the layout says ({layout.facts.newline}); ask how the file was made"
        raise UnreadableFileError(OTHER, reason)
