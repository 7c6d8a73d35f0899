"""The second opinion's way through a file: cuts the wanted cells out of each line, and knows no parser of ours."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.layouts.model import Layout

MARK = "\xef\xbb\xbf"  # a byte-order mark, byte by byte, as some programs put it before UTF-8
Record = TypeVar("Record")


def fixed(layout: Layout, path: Path, wanted: list[str]) -> Iterator[tuple[str, ...]]:
    """Cut the wanted columns out of each detail line; a line that does not have the form has blanks."""
    spans, start = {}, 0
    for column in layout.detail.columns:
        end = start + column.width if isinstance(column.width, int) else None
        spans[column.name] = slice(start, end)
        start = (end or start) + len(layout.facts.between)
    size = None if layout.detail.columns[-1].width == "rest" else start - len(layout.facts.between)
    gaps = [span.start - 1 for span in spans.values() if span.start and layout.facts.between]
    filled = layout.facts.between * len(gaps)
    cuts, blank = [spans[name] for name in wanted], ("",) * len(wanted)
    with path.open(encoding="latin-1", newline="\n") as stream:
        if stream.read(len(MARK)) != MARK:
            stream.seek(0)
        for line in between_header_and_trailer(layout, stream):
            text = line.rstrip("\r\n")
            whole = (size is None or len(text) == size) and "".join([text[gap : gap + 1] for gap in gaps]) == filled
            yield tuple([text[cut] for cut in cuts]) if whole else blank


def delimited(layout: Layout, path: Path, wanted: list[str]) -> Iterator[tuple[str, ...]]:
    """Take the wanted cells of each detail line; a line of another number of cells has blanks."""
    records = lines(layout, path)
    if layout.facts.headings:
        headings = [" ".join(heading.split()) for heading in next(records, [])]
        names = [own_name(layout, heading, headings) for heading in headings]
    else:
        names = [column.name for column in layout.detail.columns]
    places = [names.index(name) if name in names else len(names) for name in wanted]
    for cells in records:
        row = [*cells, ""] if len(cells) == len(names) else [""] * (len(names) + 1)
        yield tuple([row[place] for place in places])


def lines(layout: Layout, path: Path) -> Iterator[list[str]]:
    """Give the cells of each line that has any, between header and trailer."""
    encoding = "cp1252" if layout.facts.encoding == "cp1252" else "utf-8-sig"
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        every = csv.reader(stream, delimiter=layout.delimiter)
        yield from between_header_and_trailer(layout, (cells for cells in every if "".join(cells).strip(" ")))


def between_header_and_trailer(layout: Layout, lines: Iterator[Record]) -> Iterator[Record]:
    """Give the lines without the first and the last, where these are header and trailer."""
    if layout.header:
        next(lines, None)
    if not layout.trailer:
        yield from lines
        return
    waiting: list[Record] = []
    for line in lines:
        yield from waiting
        waiting = [line]


def own_name(layout: Layout, heading: str, headings: list[str]) -> str:
    """The layout's name of a heading: it or another way to say it, unless the name itself stands in the file."""
    plain = "".join(heading.split()).casefold()
    others = {"".join(one.split()).casefold() for one in headings}
    for column in layout.detail.columns:
        own, *aliases = ["".join(one.split()).casefold() for one in (column.name, *column.aliases)]
        if plain == own or (plain in aliases and own not in others):
            return column.name
    return heading
