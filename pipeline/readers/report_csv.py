"""Reads a report that came as a CSV file: its lines of cells, or why it is none."""

from __future__ import annotations

import codecs
import csv
from typing import TYPE_CHECKING

from pipeline.files import blocks_of
from pipeline.readers import refused
from pipeline.readers.refused import RefusedFileError
from pipeline.readers.report_columns import PLAIN, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.readers.report_columns import Line

LONGEST = 256 << 10
"""A line that no report has, in bytes."""

LINE_ENDS = (b"\n", b"\r")

KINDS = (
    (b"PK\x03\x04", refused.WRONG_KIND, "is a workbook or an archive; say format = xlsx if that is how it comes"),
    (b"%PDF", refused.WRONG_KIND, "is a PDF; have the report delivered as CSV"),
    (b"\xff\xfe", refused.ENCODING, "is in UTF-16; have the report delivered in UTF-8"),
    (b"\xfe\xff", refused.ENCODING, "is in UTF-16; have the report delivered in UTF-8"),
)
"""First bytes of what is sometimes delivered instead."""

PAGES = (b"<", b"{")
"""What a page for people, or an error of a program, begins with."""


def lines(path: Path, delimiter: str, max_bytes: int) -> Iterator[Line]:
    """Give every line in which something stands.

    Raises RefusedFileError if the file is empty, too large, no text in UTF-8, a page or a workbook, or if its quotes
    do not fit together.
    """
    ended = _look(path, max_bytes)
    reader, before = None, None
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter, strict=True)
            begin = 1
            for cells in reader:
                if before:
                    yield before
                before = (begin, cells, PLAIN) if any(map(str.strip, cells)) else None
                begin = reader.line_num + 1
    except UnicodeDecodeError:
        after = reader.line_num if reader else 0
        what = f"{path.name}, after line {after}: is not in UTF-8; have the report delivered in UTF-8"
        raise RefusedFileError(refused.ENCODING, what) from None
    except csv.Error as error:
        raise _broken(path.name, reader.line_num if reader else 1, str(error)) from None
    if before:
        yield before if ended else (before[0], before[1], UNFINISHED)


def _look(path: Path, max_bytes: int) -> bool:
    """Refuse what is plainly something else; say whether the last line has an end."""
    last, size = b"", 0
    try:
        for block in blocks_of(path):
            if not size:
                _kind(path.name, block)
            size += len(block)
            if size > max_bytes:
                what = f"is larger than {max_bytes:,} bytes; look why, and only then raise max_bytes of its source"
                raise RefusedFileError(refused.TOO_LARGE, f"{path.name}: {what}")
            if b"\0" in block:
                what = "holds bytes of zero, so it is no text in UTF-8; have the report delivered as that"
                raise RefusedFileError(refused.ENCODING, f"{path.name}: {what}")
            if len(block) > LONGEST and b"\n" not in block and b"\r" not in block:
                raise RefusedFileError(refused.TOO_LONG, f"{path.name}: has a line of a MiB; look at what it is")
            last = block[-1:]
    except OSError as error:
        what = f"cannot be read ({error.strerror}); see that it is a file and that our account may read it"
        raise RefusedFileError(refused.NOT_READABLE, f"{path.name}: {what}") from None
    if not last:
        what = "is empty; fetch it again, for even a report without rows has headings"
        raise RefusedFileError(refused.EMPTY, f"{path.name}: {what}")
    return last in LINE_ENDS


def _kind(name: str, head: bytes) -> None:
    for start, code, what in KINDS:
        if head.startswith(start):
            raise RefusedFileError(code, f"{name}: {what}")
    if head[: 1 << 10].removeprefix(codecs.BOM_UTF8).lstrip().startswith(PAGES):
        what = "is a page or an error of a server, not a report; look at it, and have the report delivered again"
        raise RefusedFileError(refused.WRONG_KIND, f"{name}: {what}")


def _broken(name: str, line: int, why: str) -> RefusedFileError:
    if "field limit" in why:
        what = "a cell is longer than 128 KiB; look at what it is"
        return RefusedFileError(refused.TOO_LONG, f"{name}, line {line}: {what}")
    what = "a quote is not closed, or not followed by the next cell; nothing was used: have the report delivered again"
    return RefusedFileError(refused.NOT_WHOLE, f"{name}, line {line}: {what}")
