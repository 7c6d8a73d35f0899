"""The second opinion: counts a file's rows and money by a short scan of its own, without the code that reads it."""

from __future__ import annotations

import csv
from collections import Counter
from typing import TYPE_CHECKING, TypeVar

from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from pipeline.layouts.model import Column, Incoming, Layout

MOST_DIGITS = 13
MARK = "\xef\xbb\xbf"  # a byte-order mark, byte by byte, as some programs put it before UTF-8
Record = TypeVar("Record")


def count(layout: Layout, path: Path) -> Tally:
    """Count the detail lines and add up their money: in positive, back negative; what is no amount counts 0.

    In a file that we send, and whatever its kind, money counts without a sign.
    """
    wanted = [*([layout.amount.name] if layout.amount else []), *_asked(layout.facts.returned)]
    scan = _fixed if layout.facts.format == "fixed" else _delimited
    seen: Counter[tuple[str, ...]] = Counter(scan(layout, path, wanted))
    cents = sum(times * _worth(layout, dict(zip(wanted, texts, strict=True))) for texts, times in seen.items())
    return Tally(seen.total(), cents)


def stated(layout: Layout, path: Path) -> Tally | None:
    """Read the control count and total off the header of a fixed file, by position; None for a file without any.

    A total with a minus sign counts without it where the layout gives some kind of file such a sign.
    """
    if layout.header is None or layout.facts.format != "fixed":
        return None
    places: dict[str, slice] = {}
    start = 0
    for column in layout.header.columns:
        width = column.width if isinstance(column.width, int) else 0
        places[column.source] = slice(start, start + width)
        start += width + len(layout.facts.between)
    if not {"control.count", "control.cents"} <= set(places):
        return None
    with path.open(encoding="latin-1", newline="\n") as stream:
        line = stream.readline()
    count, total = (line[places[source]].strip() for source in ("control.count", "control.cents"))
    minus = any(column.negative for column in layout.header.columns)
    sign = -1 if total.startswith("-") and not minus else 1
    return Tally(int(count or 0), sign * int(total.lstrip("-").replace(".", "") or 0))


def _fixed(layout: Layout, path: Path, wanted: list[str]) -> Iterator[tuple[str, ...]]:
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
        for line in _between_header_and_trailer(layout, stream):
            text = line.rstrip("\r\n")
            whole = (size is None or len(text) == size) and "".join([text[gap : gap + 1] for gap in gaps]) == filled
            yield tuple([text[cut] for cut in cuts]) if whole else blank


def _delimited(layout: Layout, path: Path, wanted: list[str]) -> Iterator[tuple[str, ...]]:
    """Take the wanted cells of each detail line; a line of another number of cells has blanks."""
    encoding = "cp1252" if layout.facts.encoding == "cp1252" else "utf-8-sig"
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        lines = csv.reader(stream, delimiter=layout.delimiter)
        records = _between_header_and_trailer(layout, (cells for cells in lines if "".join(cells).strip(" ")))
        if layout.facts.headings:
            headings = [" ".join(heading.split()) for heading in next(records, [])]
            names = [_own_name(layout, heading, headings) for heading in headings]
        else:
            names = [column.name for column in layout.detail.columns]
        places = [names.index(name) if name in names else len(names) for name in wanted]
        for cells in records:
            row = [*cells, ""] if len(cells) == len(names) else [""] * (len(names) + 1)
            yield tuple([row[place] for place in places])


def _between_header_and_trailer(layout: Layout, lines: Iterator[Record]) -> Iterator[Record]:
    if layout.header:
        next(lines, None)
    if not layout.trailer:
        yield from lines
        return
    waiting: list[Record] = []
    for line in lines:
        yield from waiting
        waiting = [line]


def _own_name(layout: Layout, heading: str, headings: list[str]) -> str:
    """The layout's name of a heading: it or another way to say it, unless the name itself stands in the file."""
    plain = "".join(heading.split()).casefold()
    others = {"".join(one.split()).casefold() for one in headings}
    for column in layout.detail.columns:
        own, *aliases = ["".join(one.split()).casefold() for one in (column.name, *column.aliases)]
        if plain == own or (plain in aliases and own not in others):
            return column.name
    return heading


def _worth(layout: Layout, cells: Mapping[str, str]) -> int:
    column, incoming = layout.amount, layout.facts.returned
    amount = _amount(layout, column, cells.get(column.name, "").strip(" ")) if column else None
    if column is None or amount is None or incoming is None:
        return abs(amount or 0) if column and column.negative else amount or 0
    for rule in incoming.kinds:
        fits = all(_choice(cells.get(name, "")) in map(_choice, allowed) for name, allowed in rule.when.items())
        sign = {"positive": amount > 0, "zero": amount == 0, "negative": amount < 0, None: True}[rule.amount]
        if fits and sign:
            return {"in": max(amount, 0), "back": -abs(amount), "none": 0}[rule.money]
    return 0


def _asked(incoming: Incoming | None) -> list[str]:
    return [name for rule in incoming.kinds for name in rule.when] if incoming else []


def _choice(text: str) -> str:
    return "".join(text.split()).casefold()


def _amount(layout: Layout, column: Column, text: str) -> int | None:
    """Whole cents out of ``12.50`` or ``1250``, as the layout shows them; None for anything else."""
    digits, minus = text.removeprefix("-"), text.startswith("-")
    if column.show == "dollars":
        whole, point, places = digits.partition(".")
        if not point or len(places) != 2 or len(whole) > MOST_DIGITS:  # noqa: PLR2004 - dollars have two places
            return None
        digits = whole + places if whole else ""
    if not (digits.isascii() and digits.isdigit()) or (minus and layout.facts.sign == "unsigned"):
        return None
    return -int(digits) if minus else int(digits)
