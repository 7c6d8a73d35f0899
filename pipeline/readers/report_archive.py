"""A workbook is an archive of XML: it is looked through, part by part, before anything reads it as a workbook."""

from __future__ import annotations

import re
import zipfile
import zlib
from typing import TYPE_CHECKING
from xml.parsers import expat

from pipeline.readers import refused
from pipeline.readers.refused import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_UNPACKED = 1 << 30
MAX_RATIO = 200
SMALL = 16 << 20
"""Bytes a workbook may unpack to: in all, as a multiple of its own, and in any case."""

MOST_ROWS = 1 << 20
PIECE = 64 << 10
START = b"PK\x03\x04"
XML = (".xml", ".rels")

DAMAGED = (zipfile.BadZipFile, zlib.error, expat.ExpatError, EOFError, OSError, RuntimeError, LookupError, ValueError)
"""How an archive fails that is damaged, cut off, locked, or packed in a way nobody packs workbooks."""

ROW = re.compile(
    rb"<(?:[\w.-]{1,20}:)?row\b(?:[^>\"']|\"[^\"]{0,99}\"|'[^']{0,99}'){0,500}?\br\s*=\s*[\"']([0-9]{1,20})[\"'][^>]*>"
)


def look(path: Path, max_bytes: int) -> None:
    """Read every part of a workbook once.

    Raises RefusedFileError if it is empty, no workbook, larger than ``max_bytes``, unpacks to something monstrous, is
    damaged or locked, has a document type inside, or a sheet whose rows do not rise: some of them would be passed over.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as stream:
            head = stream.read(len(START))
    except OSError as error:
        what = f"cannot be read ({error.strerror}); see that it is a file and that our account may read it"
        raise _refusal(path, refused.NOT_READABLE, what) from None
    if not head:
        what = "is empty; fetch it again, for even a report without rows has headings"
        raise _refusal(path, refused.EMPTY, what)
    if head != START:
        what = "is no workbook (XLSX); look at what it is, and have the report delivered again"
        raise _refusal(path, refused.WRONG_KIND, what)
    try:
        with zipfile.ZipFile(path) as archive:
            _parts(archive, path, min(max_bytes, size * MAX_RATIO))
    except DAMAGED:
        what = "is a damaged or locked workbook; nothing was used: have the report delivered again"
        raise _refusal(path, refused.NOT_WHOLE, what) from None
    if size > max_bytes:
        raise _too_large(path)


def _refusal(path: Path, code: str, what: str) -> RefusedFileError:
    return RefusedFileError(code, f"{path.name}: {what}")


def _too_large(path: Path) -> RefusedFileError:
    what = "is larger, or unpacks to more, than any report; find out where it came from"
    return _refusal(path, refused.TOO_LARGE, what)


def _parts(archive: zipfile.ZipFile, path: Path, most: int) -> None:
    members = archive.infolist()
    if sum(member.file_size for member in members) > min(MAX_UNPACKED, max(SMALL, most)):
        raise _too_large(path)
    for member in members:
        rows = _Rows("sheet" in member.filename.lower())
        prologue = _Prologue(member.filename.lower().endswith(XML))
        for piece in _pieces(archive, member):
            rows.feed(piece)
            prologue.feed(piece)
            if prologue.has_doctype:
                what = "has a document type inside, which Excel never writes; find out who did"
                raise _refusal(path, refused.DOCTYPE, what)


def _pieces(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> Iterator[bytes]:
    with archive.open(member) as stream:
        yield from iter(lambda: stream.read(PIECE), b"")


class _Prologue:
    """Fed with a part, knows whether a document type stands before its first element."""

    def __init__(self, is_xml: bool) -> None:  # noqa: FBT001 - the one thing to know of a part
        self.has_doctype = False
        self._waiting = is_xml
        self._parser = expat.ParserCreate()
        self._parser.StartDoctypeDeclHandler = self._doctype
        self._parser.StartElementHandler = self._root

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; after the first element nothing is looked at any more."""
        if self._waiting:
            self._parser.Parse(piece, False)  # noqa: FBT003 - the parser takes its arguments by place only

    def _doctype(self, *_what: object) -> None:
        self.has_doctype = True

    def _root(self, *_what: object) -> None:
        self._waiting = False


class _Rows:
    """Fed with a sheet, raises ValueError where the number of a row is not above the one before."""

    def __init__(self, is_sheet: bool) -> None:  # noqa: FBT001 - the one thing to know of a part
        self._is_sheet = is_sheet
        self._last = 0
        self._rest = b""

    def feed(self, piece: bytes) -> None:
        """Take the next bytes; a tag that is not whole waits for more."""
        if not self._is_sheet:
            return
        text, end = self._rest + piece, 0
        for found in ROW.finditer(text):
            number, end = int(found[1]), found.end()
            if not self._last < number <= MOST_ROWS:
                raise ValueError(number)
            self._last = number
        self._rest = text[max(end, text.rfind(b"<")) :][-PIECE:]
