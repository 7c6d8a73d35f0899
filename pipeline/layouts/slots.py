"""Columns that a layout says once and a file has several times: references 1 to 9, or under a name of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.layouts.incoming import SLOT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST = 9
SAMPLE = "2345678901230001121"
"""A fee id, as an example of what stands under a reference's own name."""


def spread(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Give a layout's table with a column for each slot; what is wrong in it stays, and is told by those who check.

    The first slot may be missing from a file if its column is optional; the others always.
    """
    detail = raw.get("detail")
    columns = detail.get("columns") if isinstance(detail, dict) else None
    if (
        not isinstance(detail, dict)
        or not isinstance(columns, list)
        or not all(isinstance(column, dict) for column in columns)
    ):
        return dict(raw)
    every = [one for column in columns for one in _slots(column)]
    named = {column.get("name") for column in every}
    whole = [{"name": name, "optional": True, "example": SAMPLE} for name in _whole(raw) if name not in named]
    return {**raw, "detail": {**detail, "columns": [*every, *whole]}}


def _slots(column: dict[str, Any]) -> Iterator[dict[str, Any]]:
    name, slots = column.get("name"), column.get("slots")
    if not isinstance(name, str) or SLOT not in name or not isinstance(slots, int) or not 1 <= slots <= MOST:
        yield column
        return
    for number in range(1, slots + 1):
        one = {key: value for key, value in column.items() if key != "slots"}
        one["name"] = name.replace(SLOT, str(number))
        if isinstance(column.get("aliases"), list):
            one["aliases"] = [str(alias).replace(SLOT, str(number)) for alias in column["aliases"]]
        if number > 1:
            one["optional"] = True
        yield one


def _whole(raw: Mapping[str, Any]) -> list[str]:
    """The headings under which a reference holds for a whole transaction."""
    returned = raw.get("returned")
    references = returned.get("references") if isinstance(returned, dict) else None
    if not isinstance(references, dict) or references.get("whole") is not True:
        return []
    types = references.get("types")
    return [one for one in types if isinstance(one, str)] if isinstance(types, list) else []
