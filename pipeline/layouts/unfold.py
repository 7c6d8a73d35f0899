"""Lines that hold several items of one transaction: each item becomes a row of its own, under the item's number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.layouts.model import same
from pipeline.layouts.raw import OTHER, Raw, UnreadableFileError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.layouts.model import Column, Layout

LAST = 99
"""The highest number of an item."""

Places = dict[int, dict[str, int]]
"""Where the columns of each item stand, by the item's number and the column's name."""


def unfolded(
    layout: Layout,
    line: int,
    headings: Sequence[str],
    records: Sequence[tuple[int, list[str]]],
    once: Mapping[str, int],
) -> Raw:
    """Give a row for every item of every record.  ``once`` says where the columns stand that are not numbered.

    A record with the wrong number of cells, or of items, is one row that cannot be read.  Raises UnreadableFileError
    when the headings do not name the amounts of items, or name something twice; ``line`` is theirs.
    """
    places = _places(layout, line, headings)
    columns: dict[str, list[str]] = {name: [] for name in [*once, *(one for item in places.values() for one in item)]}
    lines: list[int] = []
    broken: list[str] = []
    items: list[str] = []
    for number, cells in records:
        why, found = _items(layout, headings, cells, places, once)
        for item in found:
            spots = {**once, **places.get(item, {})}
            for name, texts in columns.items():
                texts.append(cells[spots[name]] if name in spots and not why else "")
            lines.append(number)
            broken.append(why)
            items.append(str(item))
    used = {place for item in places.values() for place in item.values()} | set(once.values())
    ignored = tuple(heading for place, heading in enumerate(headings) if place not in used)
    return Raw(None, None, columns, lines, broken, ignored, items)


def _items(
    layout: Layout, headings: Sequence[str], cells: list[str], places: Places, once: Mapping[str, int]
) -> tuple[str, list[int]]:
    """Say why a record is broken, if it is, and which items it has; one that names none has the first."""
    if len(cells) != len(headings):
        return f"has {len(cells)} cells, not {len(headings)}", [1]
    found = [number for number in sorted(places) if any(cells[place].strip(" ") for place in places[number].values())]
    counter = layout.facts.returned.items if layout.facts.returned else ""
    said = cells[once[counter]].strip(" ") if counter in once else ""
    if said and said != str(len(found)):
        return f"{counter} is {said[:24]!r}, but it has {len(found)} items", [1]
    return "", found or [1]


def _places(layout: Layout, line: int, headings: Sequence[str]) -> Places:
    found: Places = {}
    for place, heading in enumerate(headings):
        for column in layout.detail.columns:
            number = _number(column, heading) if column.numbered else None
            if number is None:
                continue
            item = found.setdefault(number, {})
            if column.name in item:
                reason = f"line {line}: {column.name} of item {number} stands under 2 headings; ask which one is meant"
                raise UnreadableFileError(OTHER, reason)
            item[column.name] = place
            break
    for column in layout.detail.columns:
        missing = [number for number in sorted(found) or [1] if column.name not in found.get(number, {})]
        if column.numbered and not column.optional and missing:
            reason = f"line {line}: not the headings of {layout.name}: no {column.name}{missing[0]} among them"
            raise UnreadableFileError(OTHER, reason)
    return found


def _number(column: Column, heading: str) -> int | None:
    """Give the number of the item in a heading such as ``amount2``; a name alone is that of the only item."""
    plain = same(heading)
    for name in _longest_first(column):
        rest = plain.removeprefix(name)
        if plain == name:
            return 1
        if plain.startswith(name) and rest.isascii() and rest.isdigit() and rest[0] != "0" and int(rest) <= LAST:
            return int(rest)
    return None


def _longest_first(column: Column) -> Iterator[str]:
    yield from sorted(column.spelled(), key=len, reverse=True)
