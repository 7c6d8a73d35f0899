"""One cell of a file: a value becomes its text, the text becomes the value again, or somebody is told why not."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import money
from pipeline.layouts import bulk, dates
from pipeline.layouts.model import same

if TYPE_CHECKING:
    from collections.abc import Callable

    import pyarrow as pa

    from pipeline.layouts.model import Column, Layout, Line

MANGLED = re.compile(r"[0-9](\.[0-9]+)?[eE]\+[0-9]+|[0-9]{6,}\.0+", re.ASCII)
"""What a spreadsheet makes of a long id: ``2.34568E+18``, or ``13158640000101234.0``.  The id itself is lost."""

NUMBERS = {
    "dollars": money.POINT,
    "cents": re.compile(r"-?[0-9]{1,15}", re.ASCII),
    "count": re.compile(r"[0-9]{1,15}", re.ASCII),
}
"""What a number may look like in a file, going out as well as coming in."""

NEVER = ("Cc", "Cs", "Zl", "Zp")
"""Character classes that no text may have: they could end a line where no line ends."""


class MisfitError(ValueError):
    """A value does not fit its cell, or the text of a cell is no such value.  The text says why, without the column."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A column at its place in a file: knows the encoding, whether it is padded, and the least number allowed.

    ``minus``: what is a number of ours stands there with a minus sign.
    """

    column: Column
    encoding: str
    fixed: bool
    least: int | None = None
    minus: bool = False

    def write(self, value: str | int) -> str:
        """Give the text that stands in the file, padded in a fixed one.  Raises MisfitError.

        A literal was checked when the layout was loaded, and stands as it is, blank or not.
        """
        if self.column.literal is not None:
            return self.padded(str(value))
        text = self._number(value) if isinstance(value, int) else self._text(value)
        return self.padded(text)

    def read(self, text: str) -> str | int:
        """Give the value of a cell's text, without padding; of a literal, the text.  Raises MisfitError."""
        said = self.stripped(text)
        if self.column.literal is not None:
            return self._read_literal(said)
        if not said and self.column.required:
            message = "is blank"
            raise MisfitError(message)
        if self.column.is_number:
            return self._read_number(said)
        return self._read_text(said)

    def padded(self, text: str) -> str:
        """Fill up to the width, counted in bytes; text that is wider is a misfit."""
        width = self.column.width
        if not isinstance(width, int):
            return text
        size = len(text) if text.isascii() else len(text.encode(self.encoding))
        if size > width:
            message = f"is {size} wide, {width} allowed"
            raise MisfitError(message)
        if not self.fixed:
            return text
        if self.column.pad == "0" and text:
            return text.zfill(width)
        blanks = " " * (width - size)
        return blanks + text if self.column.align == "right" else text + blanks

    def stripped(self, text: str) -> str:
        """Take the padding away; in a delimited file blanks around a value say nothing."""
        if not self.fixed:
            return text.strip(" ")
        return text.lstrip(" ") if self.column.align == "right" else text.rstrip(" ")

    def takes(self, texts: pa.Array) -> bool:
        """Say at a glance whether every text can stand as it is; False means that each must be looked at.

        This is what makes a million rows quick: nearly all texts are short, plain and ASCII.
        """
        column = self.column
        if column.show != "text" or column.literal is not None or (column.required and bulk.has_blank(texts)):
            return False
        return self._fit(texts) and bulk.plain(texts)

    def write_all(self, texts: pa.Array) -> pa.Array:
        """Pad texts that this cell ``takes``."""
        width = self.column.width
        return bulk.padded(texts, width, self.column.align) if self.fixed and isinstance(width, int) else texts

    def leaves(self, texts: pa.Array) -> bool:
        """Say at a glance whether no text is cut or folded; False means that each must be looked at."""
        return bulk.is_ascii(texts) and self._fit(texts)

    def _fit(self, texts: pa.Array) -> bool:
        width = self.column.width
        return not isinstance(width, int) or bulk.widest(texts) <= width

    def changed(self, value: str) -> tuple[bool, bool]:
        """Say whether a text is cut, and whether it is folded, to fit."""
        folded = _folded(value) if self.column.fold else value
        return self._cut(folded) != folded, folded != value

    def _number(self, value: int) -> str:
        if self.least is not None and value < self.least:
            shown = money.dollars(value)
            message = f"is {shown}, which must not stand in this file"
            raise MisfitError(message)
        signed = -value if self.minus else value
        text = money.dollars(signed) if self.column.show == "dollars" else str(signed)
        if NUMBERS[self.column.show].fullmatch(text) is None:
            message = f"is {text}, more than could be read back"
            raise MisfitError(message)
        return text

    def _text(self, value: str) -> str:
        text = _folded(value) if self.column.fold else value
        _check_text(text, free=self.column.is_free_text)
        self._check_encoding(text)
        text = self._cut(text)
        if not text:
            if self.column.required:
                message = "is blank"
                raise MisfitError(message)
            return text
        return self._shown(text)

    def _shown(self, text: str) -> str:
        if self.column.show.startswith("date:"):
            return _day(dates.written, text, self.column.show)
        if self.column.show == "digits":
            self._check_digits(text)
        elif self.column.show == "choice" and text not in self.column.choices:
            message = f"is {text!r}, not one of {', '.join(self.column.choices)}"
            raise MisfitError(message)
        return text

    def _read_number(self, text: str) -> int:
        if NUMBERS[self.column.show].fullmatch(text) is None:
            like = {"dollars": "an amount like 12.50", "cents": "an amount in cents", "count": "a count"}
            message = f"{text[:24]!r} is not {like[self.column.show]}"
            raise MisfitError(message)
        signed = money.cents(text, money.POINT) if self.column.show == "dollars" else int(text)
        value = -signed if self.minus else signed
        if self.least is not None and value < self.least:
            message = f"{text[:24]!r} must not stand in this file"
            raise MisfitError(message)
        return value

    def _read_literal(self, text: str) -> str:
        allowed = self.column.literals.values() or [self.column.literal]
        if text not in allowed:
            message = f"is {text[:24]!r}, not {' or '.join(repr(one) for one in allowed)}"
            raise MisfitError(message)
        return text

    def _read_text(self, text: str) -> str:
        _check_text(text, free=self.column.is_free_text)
        if not text:
            return text
        if self.column.show.startswith("date:"):
            return _day(dates.read, text, self.column.show)
        if self.column.show == "digits":
            self._check_digits(text)
        if self.column.show == "choice":
            known = {same(choice): choice for choice in self.column.choices}
            if same(text) not in known:
                message = f"is {text[:24]!r}, not one of {', '.join(self.column.choices)}"
                raise MisfitError(message)
            return known[same(text)]
        return text

    def _check_digits(self, text: str) -> None:
        width = self.column.width
        if not (text.isascii() and text.isdigit()) or (isinstance(width, int) and len(text) != width):
            message = f"{text[:24]!r} is not exactly {width} digits"
            raise MisfitError(message)

    def _check_encoding(self, text: str) -> None:
        try:
            text.encode(self.encoding)
        except UnicodeEncodeError as error:
            message = f"has {_named(text[error.start])}, which {self.encoding} cannot write"
            raise MisfitError(message) from None

    def _cut(self, text: str) -> str:
        """At the width in bytes, never inside a character; free text only."""
        width = self.column.width
        if self.column.overflow != "cut" or not isinstance(width, int):
            return text
        raw = text.encode(self.encoding, "replace")
        return text if len(raw) <= width else raw[:width].decode(self.encoding, "ignore").rstrip(" ")


def cells(layout: Layout, line: Line, kind: str = "") -> list[Cell]:
    """Give the cells of a line in order: as they are in a file of this kind, or as any kind may have them.

    Money is never negative in an unsigned file, and never zero in one that we send: a charge of nothing is a mistake.
    """
    return [_cell(layout, column.of(kind) if kind else column, kind) for column in line.columns]


def _cell(layout: Layout, column: Column, kind: str) -> Cell:
    facts, least = layout.facts, None
    told = kind or not column.negative
    if told and (facts.sign == "unsigned" or column.negative):
        charge = 1 if facts.outgoing else 0
        least = {"amount_cents": charge, "control.cents": 0}.get(column.source)
    return Cell(column, facts.encoding, facts.format == "fixed", least, minus=kind in column.negative)


def _day(turn: Callable[[str, str], str], text: str, show: str) -> str:
    try:
        return turn(text, show.removeprefix("date:"))
    except dates.NotADayError as error:
        raise MisfitError(str(error)) from None


def _check_text(text: str, *, free: bool) -> None:
    if text.startswith(" ") or text.endswith(" "):
        message = "begins or ends with a blank"
        raise MisfitError(message)
    if not text.isprintable():
        for sign in text:
            if unicodedata.category(sign) in NEVER or not (free or sign.isprintable()):
                message = f"has {_named(sign)}, which no line may have"
                raise MisfitError(message)
    if not free and MANGLED.fullmatch(text):
        message = f"{text!r} was mangled by a spreadsheet; ask for the file with this column as text"
        raise MisfitError(message)


def _folded(text: str) -> str:
    """Letters lose their accents; what has no plain letter becomes a question mark, so that it is seen."""
    if text.isascii():
        return text
    plain = (sign for sign in unicodedata.normalize("NFKD", text) if not unicodedata.combining(sign))
    return "".join(sign if sign.isascii() else "?" for sign in plain).strip(" ")


def _named(sign: str) -> str:
    return f"the character U+{ord(sign):04X}"
