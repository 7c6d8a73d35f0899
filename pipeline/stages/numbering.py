"""Which version and movement of its fee each line becomes; a version has one movement, and its amount."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence

    from pipeline.stages.means import Line

Row = dict["Hashable", Any]
"""One row of tables.CHANGES."""

Fee = tuple[str, str]
"""A source and a fee id."""

NAMES = ("version", "movement", "content", "known", "amount_cents")
"""What a line says of these is its own, not its change's."""

AS_SEVERAL = "it goes out as several reversals"
AS_NEWEST = "it goes out under a newer version than what was taken off beside it"
"""Why a version that the ledger holds is left."""


@dataclass(frozen=True)
class Numbered:
    """The columns of NAMES, line after line; and by the place of its change each held version that is left, and why."""

    columns: Mapping[str, Sequence[Any]]
    left: Mapping[int, tuple[str, str]]


def numbered(changes: Sequence[Row], lines: Sequence[Sequence[Line]]) -> Numbered:
    """Number the lines of each change.

    The newest version charged says up to which original amount a fee is billed.  Where a fee has grown and fallen in
    one night that must be the growth's: else the growth would be charged again the next night.
    """
    overtaken = _overtaken(changes, [len(each) for each in lines])
    renewed = [
        place in overtaken or (len(lines[place]) > 1 and row["known"] != "") for place, row in enumerate(changes)
    ]
    order = sorted(range(len(changes)), key=lambda place: place in overtaken)
    versions, movements = _from(changes, "version"), _from(changes, "movement")
    given = {
        place: list(_versions(changes[place], len(lines[place]), versions, renew=renewed[place])) for place in order
    }
    rows = [
        (version, next(movements[_fee(row)]), _content(row, part, len(lines[place])), known, line.cents)
        for place, row in enumerate(changes)
        for part, ((version, known), line) in enumerate(zip(given[place], lines[place], strict=True), 1)
    ]
    left = [place for place, row in enumerate(changes) if renewed[place] and row["known"]]
    columns = {name: [row[at] for row in rows] for at, name in enumerate(NAMES)}
    return Numbered(columns, {place: _why(len(lines[place])) for place in left})


def _overtaken(changes: Sequence[Row], parts: Sequence[int]) -> Collection[int]:
    """Give the places of growths that a fall of the same fee tonight would leave behind an older original amount."""
    grown: dict[Fee, int] = {}
    falls: dict[Fee, list[tuple[int, int]]] = defaultdict(list)
    for place, row in enumerate(changes):
        fee = _fee(row)
        if row["change"] != "grown" and parts[place]:
            falls[fee].append((parts[place], row["version"]))
        elif parts[place] and (fee not in grown or changes[grown[fee]]["version"] < row["version"]):
            grown[fee] = place
    return {
        place
        for fee, place in grown.items()
        if any(several > 1 or version > changes[place]["version"] for several, version in falls[fee])
    }


def _from(changes: Sequence[Row], name: str) -> Mapping[Fee, Iterator[int]]:
    """Count on, for every fee: versions after the highest there is, movements from the lowest that is free."""
    said = defaultdict(list)
    for row in changes:
        said[_fee(row)].append(row[name])
    return {fee: count(max(each) + 1 if name == "version" else min(each)) for fee, each in said.items()}


def _versions(row: Row, parts: int, versions: Mapping[Fee, Iterator[int]], *, renew: bool) -> Iterator[tuple[int, str]]:
    """Give version and ``known`` of each part; the first keeps those of its change unless it is to ``renew`` them."""
    for part in range(parts):
        own = part == 0 and not renew
        yield (row["version"], row["known"]) if own else (next(versions[_fee(row)]), "")


def _content(row: Row, part: int, parts: int) -> str:
    """The fingerprint of one part of a change; what change it is stands in front of it, as in that of the whole."""
    if parts == 1:
        return str(row["content"])
    kind, between, whole = str(row["content"]).rpartition(":")
    return kind + between + hashlib.sha256(f"{whole} part {part}".encode()).hexdigest()[: len(whole)]


def _why(parts: int) -> tuple[str, str]:
    return ("CHANGE-SPLIT", AS_SEVERAL) if parts > 1 else ("CHANGE-RENUMBERED", AS_NEWEST)


def _fee(row: Row) -> Fee:
    return row["source"], row["fee_id"]
