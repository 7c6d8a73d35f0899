"""A workbook is an archive of XML: how far it may unpack, and what may stand in it, before anybody looks for money."""

from __future__ import annotations

import zipfile
import zlib
from typing import IO, TYPE_CHECKING

from pipeline.layouts.raw import CUT, OTHER, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator

START = b"PK\x03\x04"
MOST = 1 << 28
MOST_TIMES = 200
SMALL = 16 << 20
"""Bytes that a workbook may unpack to: in all, as a multiple of its own, and in any case."""

MOST_PARTS = 10_000
PROLOGUE = 4096
"""Bytes of a part in which a document type would stand."""

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    LookupError,
    ValueError,
)
"""How an archive fails that is damaged, cut off, locked, or packed in a way nobody packs workbooks."""


class MonstrousError(Exception):
    """The archive unpacks to more than any workbook of payments."""


def parts(stream: IO[bytes], size: int) -> Iterator[tuple[str, bytes]]:
    """Give the parts of an archive of ``size`` bytes, by name.

    Raises MonstrousError before anything large is unpacked, and one of DAMAGED when it cannot be read.
    """
    with zipfile.ZipFile(stream) as archive:
        members = archive.infolist()
        most = min(MOST, max(SMALL, size * MOST_TIMES))
        if len(members) > MOST_PARTS or sum(member.file_size for member in members) > most:
            raise MonstrousError
        for member in members:
            with archive.open(member) as part:
                data = part.read(most + 1)
            if len(data) > most:
                raise MonstrousError
            yield member.filename, data


def look(stream: IO[bytes], size: int) -> None:
    """Read every part of a workbook once.

    Raises UnreadableFileError if it is no archive, unpacks to something monstrous, is damaged, or has a document type
    inside, which Excel never writes.
    """
    if stream.read(len(START)) != START:
        raise UnreadableFileError(OTHER, "it is no workbook (XLSX); see that the right file came")
    stream.seek(0)
    try:
        for name, data in parts(stream, size):
            if b"<!DOCTYPE" in data[:PROLOGUE].replace(b"\0", b"").upper():
                raise UnreadableFileError(OTHER, f"{name} in the workbook has a document type; find out who made it")
    except MonstrousError:
        reason = "it unpacks to more than any workbook of payments; find out where it came from"
        raise UnreadableFileError(OTHER, reason) from None
    except DAMAGED:
        raise UnreadableFileError(CUT, "the workbook is damaged, locked or not whole; ask for it again") from None
