"""Files of separated values: written with as few quotes as possible, read by their headings in any order."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.layouts import bulk
from pipeline.layouts.model import same
from pipeline.layouts.raw import CUT, OTHER, Raw, UnreadableFileError, decoded
from pipeline.layouts.unfold import unfolded

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from pipeline.layouts.model import Column, Layout, Line
    from pipeline.layouts.rows import Printed

Record = tuple[int, list[str]]
"""The number of a line, counted from 1, and its cells."""


class NotTheHeadingsError(Exception):
    """The line of headings does not have what the layout needs."""


def blocks(layout: Layout, printed: Printed) -> Iterator[bytes]:
    """Give the bytes of a file, some thousand lines at a time."""
    heading = [column.name for column in layout.detail.columns] if layout.facts.headings else None
    yield _block(layout, [line for line in (printed.header, heading) if line is not None])
    for part in printed.parts:
        yield _plain_block(layout, part) or _block(layout, zip(*(column.to_pylist() for column in part), strict=True))
    if printed.trailer is not None:
        yield _block(layout, [printed.trailer])


def _plain_block(layout: Layout, part: Sequence[pa.Array]) -> bytes:
    """Lines of which no cell needs a quote, all at once; no bytes where one may.

    A cell with a delimiter or the end of a line in it shows in how many of them there are.  One cell alone may be
    blank, and a line without anything in it would need quotes.
    """
    ends, between = layout.newline, layout.delimiter
    lines = bulk.lines(part, between)
    text = ends.join([*lines, ""])
    wanted = {'"': 0, between: len(lines) * (len(part) - 1), "\n": len(lines), "\r": len(lines) * (ends == "\r\n")}
    plain = len(part) > 1 and all(text.count(sign) == many for sign, many in wanted.items())
    return text.encode(layout.facts.encoding) if plain else b""


def _block(layout: Layout, records: Iterable[Iterable[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=layout.delimiter, lineterminator=layout.newline).writerows(records)
    return text.getvalue().encode(layout.facts.encoding)


def parse(layout: Layout, data: bytes) -> Raw:
    """Take a file apart by its headings.  Raises UnreadableFileError when it is not whole or is another format."""
    records = _records(layout, decoded(layout, data))
    header = _single(layout, layout.header, records, 0) if layout.header else None
    line, headings = _headings(layout, records)
    trailer = _single(layout, layout.trailer, records, -1) if layout.trailer else None
    try:
        places = found_places(layout, headings)
    except NotTheHeadingsError as error:
        raise UnreadableFileError(OTHER, f"line {line}: {error}") from None
    if layout.numbered:
        return replace(unfolded(layout, line, headings, records, places), header=header, trailer=trailer)
    broken = [_broken(cells, headings) for _, cells in records]
    blank = [""] * len(headings)
    whole = [cells if not why else blank for (_, cells), why in zip(records, broken, strict=True)]
    columns = {name: [cells[place] for cells in whole] for name, place in places.items()}
    ignored = tuple(heading for place, heading in enumerate(headings) if place not in places.values())
    return Raw(header, trailer, columns, [line for line, _ in records], broken, ignored)


def _records(layout: Layout, text: str) -> list[Record]:
    """Every line is a record of its own: a quote that runs over a line's end could swallow somebody's payment."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=layout.delimiter, strict=True)
    found: list[Record] = []
    line = 0
    try:
        for cells in reader:
            if reader.line_num != line + 1:
                reason = f"line {line + 1}: a quote opens and does not close on this line; ask how the file was made"
                raise UnreadableFileError(OTHER, reason)
            line += 1
            if any(cell.strip(" ") for cell in cells):
                found.append((line, cells))
    except csv.Error as error:
        reason = f"line {line + 1}: {error}; ask how the file was made"
        raise UnreadableFileError(OTHER, reason) from None
    return found


def _single(layout: Layout, line: Line, records: list[Record], place: int) -> list[str]:
    """Take the one header or trailer line off; blank cells behind it say nothing."""
    name, code = ("header", OTHER) if place == 0 else ("trailer", CUT)
    if not records:
        raise UnreadableFileError(CUT, f"the {name} line is missing; ask for the file again")
    number, cells = records.pop(place)
    size = len(line.columns)
    literal = line.columns[0].literal
    if len(cells) < size or any(cells[size:]) or (literal is not None and cells[0].strip(" ") != literal):
        wanted = layout.delimiter.join(str(column.literal or column.name) for column in line.columns)
        raise UnreadableFileError(code, f"line {number}: not the {name} {wanted}; the file is not whole, or another")
    return cells[:size]


def _headings(layout: Layout, records: list[Record]) -> Record:
    if not layout.facts.headings:
        return 0, [column.name for column in layout.detail.columns]
    if not records:
        raise UnreadableFileError(OTHER, "there is no line of headings; ask for the file again")
    line, cells = records.pop(0)
    return line, [cell.strip(" ") for cell in cells]


def found_places(layout: Layout, headings: list[str]) -> dict[str, int]:
    """Find every column under its own name, or else under one of its other names; two amounts are one too many.

    Columns that stand once for each item are left to others.  Raises NotTheHeadingsError.
    """
    if not layout.facts.headings:
        return {name: place for place, name in enumerate(headings)}
    where: dict[str, list[int]] = {}
    for place, heading in enumerate(headings):
        where.setdefault(same(heading), []).append(place)
    found: dict[str, int] = {}
    missing: list[str] = []
    for column in layout.detail.columns:
        hits = [] if column.numbered else _hits(layout, column, where)
        if len(hits) > 1:
            message = f"{column.name} stands under {len(hits)} headings; ask which one is meant"
            raise NotTheHeadingsError(message)
        if hits:
            found[column.name] = hits[0]
        elif not column.numbered and (not column.optional or layout.facts.outgoing):
            missing.append(column.name)
    if missing:
        message = f"not the headings of {layout.name}: no {', '.join(missing)} among its {len(headings)} headings"
        raise NotTheHeadingsError(message)
    return found


def _hits(layout: Layout, column: Column, where: Mapping[str, list[int]]) -> list[int]:
    exact = where.get(same(column.name), [])
    spelled = [place for other in sorted(column.spelled()) for place in where.get(other, []) if place not in exact]
    return [*exact, *spelled] if column == layout.amount else exact or spelled


def _broken(cells: list[str], headings: list[str]) -> str:
    return "" if len(cells) == len(headings) else f"has {len(cells)} cells, not {len(headings)}"
