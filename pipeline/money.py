"""Whole cents: the only code that turns text into an amount and back.

An amount is an ``int`` of cents; a currency travels beside it, never inside it.  Nothing here rounds:
text that is not exactly a number of whole cents is refused.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PLAIN = re.compile(r"-?[0-9]{1,9}(?:\.[0-9]{1,2})?", re.ASCII)
"""A plain decimal as Alma writes it: up to nine digits, a dot, at most two places (``300``, ``0.5``, ``-3.25``)."""

POINT = re.compile(r"-?[0-9]{1,13}\.[0-9]{2}", re.ASCII)
"""A fixed-point amount as bursars write it: exactly two places, zeros in front allowed."""


SHOWN = 24
"""How much of a text that is no amount is repeated to people."""


class NotMoneyError(ValueError):
    """The text is not a whole number of cents in the notation expected."""


@dataclass(frozen=True, slots=True, order=True)
class Tally:
    """So many rows worth so many cents: one side of an equation."""

    count: int = 0
    cents: int = 0

    def __add__(self, other: Tally) -> Tally:
        """Both together."""
        return Tally(self.count + other.count, self.cents + other.cents)

    def __sub__(self, other: Tally) -> Tally:
        """What is here and not there; either part may be negative."""
        return Tally(self.count - other.count, self.cents - other.cents)

    def __str__(self) -> str:
        """For people: ``3 rows, 12.50``."""
        return f"{self.count} {'row' if self.count == 1 else 'rows'}, {dollars(self.cents)}"


def total(tallies: Iterable[Tally]) -> Tally:
    """Add up tallies; none give zero rows and zero cents."""
    return sum(tallies, Tally())


def cents(text: str, notation: re.Pattern[str] = PLAIN) -> int:
    """Read ``text`` as whole cents: ``"300"`` is 30000, ``"0.5"`` is 50, ``"-3.25"`` is -325.

    Raises NotMoneyError when the text is anything but ``notation``: a thousands separator, an exponent, a third
    place, digits that are not ASCII, blanks, nothing at all.
    """
    if notation.fullmatch(text) is None:
        message = f"{text[:SHOWN]!r} is not an amount in whole cents"
        raise NotMoneyError(message)
    sign = -1 if text.startswith("-") else 1
    units, _, places = text.lstrip("-").partition(".")
    return sign * (int(units) * 100 + int(places.ljust(2, "0") or "0"))


def dollars(amount: int) -> str:
    """Write cents with exactly two places and an explicit point: -325 is ``-3.25``."""
    units, places = divmod(abs(amount), 100)
    return f"{'-' if amount < 0 else ''}{units}.{places:02d}"


def cents_of_each(texts: Iterable[str]) -> dict[str, int | None]:
    """Read every distinct text once; None where it is no amount.  Fee amounts repeat, so this is the fast way."""
    return {text: _cents_or_none(text) for text in set(texts)}


def _cents_or_none(text: str) -> int | None:
    try:
        return cents(text)
    except NotMoneyError:
        return None
