"""The bytes of a foreign XML file a MiB at a time, refused before the parser sees them where they are monstrous."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.files import BLOCK
from pipeline.readers import refused
from pipeline.readers.refused import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MAX_TEXT = 64 << 10
"""Longest text, in signs, and farthest that two tags may be apart, in bytes."""

BEFORE_THE_FIRST_TAG = b" \t\r\n\0\xef\xbb\xbf\xfe\xff"
"""Blanks, and the marks that tell one encoding of Unicode from another."""


def blocks(path: Path, max_bytes: int, kind: str = "Alma bursar export") -> Iterator[bytes]:
    """Read a file that should be of this ``kind``.

    Raises RefusedFileError if it is empty, too large, no XML, or holds a monstrous text.
    """
    read = gap = 0
    try:
        with path.open("rb") as stream:
            while block := stream.read(BLOCK):
                if not read and not block.lstrip(BEFORE_THE_FIRST_TAG).startswith(b"<"):
                    what = f"is no XML, so it is no {kind}; look at what it is and how it came here"
                    raise _refusal(path, refused.WRONG_KIND, what)
                read += len(block)
                gap = _longest_gap(block, gap)
                if read > max_bytes:
                    what = f"is larger than {max_bytes:,} bytes; look why, and only then raise max_bytes of its source"
                    raise _refusal(path, refused.TOO_LARGE, what)
                if gap > MAX_TEXT:
                    raise _refusal(path, refused.TOO_LONG, "has a text longer than 64 KiB; look at who put it there")
                yield block
    except OSError as error:
        what = f"cannot be read ({error.strerror}); see that it is a file and that our account may read it"
        raise _refusal(path, refused.NOT_READABLE, what) from None
    if not read:
        what = "is empty; fetch it again, for even an export without fees has a header"
        raise _refusal(path, refused.EMPTY, what)


def _refusal(path: Path, code: str, what: str) -> RefusedFileError:
    return RefusedFileError(code, f"{path.name}: {what}")


def _longest_gap(block: bytes, before: int) -> int:
    """Measure how far two tags are apart: the first monstrous distance, or else how long the block's end lacks one.

    No text and no attribute can be longer than that, so none that is monstrous ever reaches the parser.
    """
    place = block.find(b"<")
    if place < 0 or before + place > MAX_TEXT:
        return before + (len(block) if place < 0 else place)
    while len(block) - place > MAX_TEXT:
        following = block.rfind(b"<", place + 1, place + MAX_TEXT + 1)
        if following < 0:
            return MAX_TEXT + 1
        place = following
    return len(block) - block.rfind(b"<")
