"""Keeps card numbers out: a file that seems to hold one is never kept, read or reported beyond the place it stands."""

from __future__ import annotations

import io
import itertools
import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline.layouts import archive
from pipeline.stages.cardcells import cells

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator

CANDIDATE = re.compile(
    rb"(?<![0-9])(?:"
    rb"[0-9]{13,19}"  # in one run
    rb"|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{1,4}(?:\1[0-9]{1,3})?"  # as embossed: Visa, Mastercard and most others
    rb"|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5}"  # as embossed: American Express, Diners
    rb")(?![0-9])"
)

BRANDS = (
    (range(4, 5), (13, 16, 19)),  # Visa
    (range(51, 56), (16,)),  # Mastercard
    (range(2221, 2721), (16,)),  # Mastercard since 2017
    (range(34, 35), (15,)),  # American Express
    (range(37, 38), (15,)),
    (range(6011, 6012), (16, 17, 18, 19)),  # Discover
    (range(644, 660), (16, 17, 18, 19)),
    (range(62, 63), (16, 17, 18, 19)),  # UnionPay
    (range(3528, 3590), (16, 17, 18, 19)),  # JCB
    (range(300, 306), (14, 16, 17, 18, 19)),  # Diners Club
    (range(309, 310), (14, 16, 17, 18, 19)),
    (range(36, 37), (14, 15, 16, 17, 18, 19)),
    (range(38, 40), (14, 16, 17, 18, 19)),
)
"""How a brand's numbers begin and how long they are.  Luhn's sum alone would cry wolf at every tenth long number."""


class Spot(NamedTuple):
    """Where something stands in a file: line and column, both counted from 1.  Never what stands there.

    In a workbook they are row and column of the cell; 0 and 0 for what stands in no cell.
    """

    line: int
    column: int


NO_CELL = Spot(0, 0)


def card_numbers(lines: Iterable[bytes], ours: Container[str]) -> Iterator[Spot]:
    """Find what looks like a payment card's number: 13 to 19 digits, a brand's beginning and length, Luhn's sum.

    ``ours`` are long numbers that we know to be something else (fee ids).  Text in UTF-16 is searched as well, and a
    workbook is looked into.  One that unpacks to something monstrous counts as one with a card number: nobody knows
    what it holds, and it must not be kept either.
    """
    rest = iter(lines)
    first = next(rest, b"")
    every = itertools.chain([first], rest)
    yield from _inside(b"".join(every), ours) if first.startswith(archive.START) else _lines(every, ours)


def covered(name: str, ours: Container[str]) -> str:
    """Give a name with asterisks for whatever in it looks like a card's number."""
    text = name.encode("utf-8", "surrogateescape")
    for start in _found(text, ours):
        number = CANDIDATE.match(text, start)
        if number is not None:
            text = text[:start] + re.sub(rb"[0-9]", b"*", number[0]) + text[number.end() :]
    return text.decode("utf-8", "replace")


def _lines(lines: Iterable[bytes], ours: Container[str]) -> Iterator[Spot]:
    for number, line in enumerate(lines, start=1):
        text = line.replace(b"\0", b"")
        for start in _found(text, ours):
            yield Spot(number, start + 1)


def _inside(data: bytes, ours: Container[str]) -> Iterator[Spot]:
    """Search each cell of a workbook, and whatever text its other parts have; then its bytes as they are.

    What is damaged is searched as far as it opens.  It cannot be read as a workbook later on.
    """
    try:
        parts = archive.parts(io.BytesIO(data), len(data))
        for place, text in cells(dict(parts)):
            yield from (Spot(*place) for _ in _found(text.encode("utf-8", "replace"), ours))
    except archive.MonstrousError:
        yield NO_CELL
    except archive.DAMAGED:
        yield from _lines(data.splitlines(keepends=True), ours)


def _found(text: bytes, ours: Container[str]) -> Iterator[int]:
    """Give where each number begins in a text."""
    for found in CANDIDATE.finditer(text):
        digits = re.sub(rb"[ -]", b"", found[0]).decode("ascii")
        if _of_a_brand(digits) and _luhn(digits) and digits not in ours:
            yield found.start()


def _of_a_brand(digits: str) -> bool:
    return any(len(digits) in lengths and int(digits[: len(str(first[0]))]) in first for first, lengths in BRANDS)


def _luhn(digits: str) -> bool:
    """Every second digit from the right counts double, and twice nine is nine."""
    doubled = (2 * int(digit) - 9 * (digit > "4") for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
