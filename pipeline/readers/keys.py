"""What a fee cannot be without, and when it cannot be believed; the same for every source of fees."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

NOTHING = "null"
"""What Alma writes in an id it does not have."""


XML_BLANKS = " \t\r\n"
"""What XML calls white space.  Anything else around a value, such as a no-break space, is a part of it."""


def texts(values: Sequence[str | None], blanks: str | None = None) -> list[str]:
    """Give the values without the ``blanks`` around them (of every kind if not said), "" where nothing stands."""
    try:
        return [value.strip(blanks) for value in cast("Sequence[str]", values)]
    except AttributeError:  # the usual way, with a None in it
        return [value.strip(blanks) if value else "" for value in values]


def faults(values: Sequence[str], *, blanks: bool) -> Iterator[tuple[int, str]]:
    """Give the rows whose key is missing or cannot be trusted; nearly always the whole column is good at a glance."""
    together = "".join(values)
    if all(values) and NOTHING not in together and together.isprintable() and (blanks or " " not in together):
        return
    for row, value in enumerate(values):
        if not value:
            yield row, "is missing"
        elif value == NOTHING:
            yield row, "is the word null"
        elif not value.isprintable() or (not blanks and " " in value):
            yield row, "has blanks or invisible signs inside"
