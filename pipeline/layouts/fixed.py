"""Files of fixed positions: joined out of columns, and cut into columns again."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.layouts import bulk
from pipeline.layouts.raw import CUT, OTHER, Raw, UnreadableFileError, decoded

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.layouts.model import Layout, Line
    from pipeline.layouts.rows import Printed


def starts(layout: Layout, line: Line) -> list[int]:
    """Give where each column of a line begins, in bytes from 0."""
    found, place = [], 0
    for column in line.columns:
        found.append(place)
        place += (column.width if isinstance(column.width, int) else 0) + len(layout.facts.between)
    return found


def blocks(layout: Layout, printed: Printed) -> Iterator[bytes]:
    """Give the bytes of a file, some thousand lines at a time."""
    between, newline, encoding = layout.facts.between, layout.newline, layout.facts.encoding
    if printed.header is not None:
        yield (between.join(printed.header) + newline).encode(encoding)
    for part in printed.parts:
        yield newline.join([*bulk.lines(part, between), ""]).encode(encoding)
    if printed.trailer is not None:
        yield (between.join(printed.trailer) + newline).encode(encoding)


def parse(layout: Layout, data: bytes) -> Raw:
    """Cut a file into cells by bytes.  Raises UnreadableFileError when it is not whole or its header does not fit."""
    lines = [line.removesuffix("\r") for line in _bytes_as_text(layout, decoded(layout, data)).split("\n")[:-1]]
    header = _single(layout, layout.header, lines, 0) if layout.header else None
    trailer = _single(layout, layout.trailer, lines, -1) if layout.trailer else None
    first = 1 if layout.header else 0
    details = lines[first : len(lines) - (1 if layout.trailer else 0)]
    broken = _broken(layout, layout.detail, details)
    whole = [line if not why else "" for line, why in zip(details, broken, strict=True)]
    columns = _columns(layout, layout.detail, whole)
    return Raw(header, trailer, columns, list(range(first + 1, first + 1 + len(details))), broken)


def _bytes_as_text(layout: Layout, text: str) -> str:
    """One character per byte, since positions count bytes."""
    return text if text.isascii() else text.encode(layout.facts.encoding).decode("latin-1")


def _columns(layout: Layout, line: Line, lines: list[str]) -> dict[str, list[str]]:
    plain = all(map(str.isascii, lines))
    found = {}
    for column, start in zip(line.columns, starts(layout, line), strict=True):
        end = start + column.width if isinstance(column.width, int) else None
        texts = [one[start:end] for one in lines]
        if not plain:
            texts = [text.encode("latin-1").decode(layout.facts.encoding, "replace") for text in texts]
        found[column.name] = texts
    return found


def _single(layout: Layout, line: Line, lines: list[str], place: int) -> list[str]:
    """The one header or trailer line; a file that does not even have it is not whole."""
    name = "header" if place == 0 else "trailer"
    wanted = sum(1 for one in (layout.header, layout.trailer) if one)
    if len(lines) < wanted:
        raise UnreadableFileError(CUT, f"the {name} line is missing; ask for the file again")
    number = 1 if place == 0 else len(lines)
    (why,) = _broken(layout, line, [lines[place]])
    if why:
        raise UnreadableFileError(OTHER, f"line {number}: not the {name} of {layout.name}: it {why}")
    return [texts[0] for texts in _columns(layout, line, [lines[place]]).values()]


def _broken(layout: Layout, line: Line, lines: list[str]) -> list[str]:
    """Say of each line why it cannot be cut into cells; "" where it can."""
    begins = starts(layout, line)
    last = line.columns[-1].width
    size = begins[-1] + (last if isinstance(last, int) else 0)
    between = layout.facts.between
    gaps = [place - len(between) for place in begins[1:]] if between else []
    found = []
    for one in lines:
        if len(one) != size if isinstance(last, int) else len(one) < size:
            found.append(f"is {len(one)} bytes long, not {size}")
        else:
            wrong = [gap for gap in gaps if one[gap : gap + len(between)] != between]
            found.append(f"has no {between!r} at position {wrong[0] + 1}" if wrong else "")
    return found
