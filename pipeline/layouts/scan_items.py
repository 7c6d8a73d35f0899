"""The second opinion on lines that hold several items of one transaction."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.layouts import scanning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.layouts.model import Layout

NUMBER = re.compile(r"([1-9][0-9]?)?", re.ASCII)


def rows(layout: Layout, path: Path, wanted: list[str]) -> Iterator[tuple[str, ...]]:
    """Give the wanted cells of each item; a line that cannot be taken apart is one row of blanks."""
    lines = scanning.lines(layout, path)
    headings = [" ".join(heading.split()) for heading in next(lines, [])]
    own = {place: scanning.own_name(layout, heading, headings) for place, heading in enumerate(headings)}
    groups: dict[int, dict[str, int]] = defaultdict(dict)
    for place, heading in enumerate(headings):
        for name, number in _item(layout, heading):
            groups[number].setdefault(name, place)
    counter = layout.facts.returned.items if layout.facts.returned else ""
    counters = [place for place, name in own.items() if counter and name == counter]
    numbered = {column.name for column in layout.detail.columns if column.numbered}
    shared = {name: place for place, name in reversed(own.items()) if name not in numbered}
    for cells in lines:
        whole = len(cells) == len(headings)
        filled = [one for one in sorted(groups) if whole and any(cells[at].strip(" ") for at in groups[one].values())]
        said = next((cells[place].strip(" ") for place in counters if whole), "")
        if not filled or (said and said != str(len(filled))):
            sound = whole and not said
            yield tuple([cells[shared[name]] if sound and name in shared else "" for name in wanted])
            continue
        for number in filled:
            places = {**shared, **groups[number]}
            yield tuple([cells[places[name]] if name in places else "" for name in wanted])


def _item(layout: Layout, heading: str) -> Iterator[tuple[str, int]]:
    """Give the column and the number of the item that a heading such as ``amount2`` is for."""
    plain = "".join(heading.split()).casefold()
    for column in layout.detail.columns:
        for name in (column.name, *column.aliases) if column.numbered else ():
            begin = "".join(name.split()).casefold()
            number = NUMBER.fullmatch(plain.removeprefix(begin)) if plain.startswith(begin) else None
            if number is not None:
                yield column.name, int(number[0] or 1)
                return
