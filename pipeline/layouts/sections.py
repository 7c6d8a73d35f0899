"""What a report of records says of itself, compared with its rows: every sum in every direction, every count."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn

from pipeline import money
from pipeline.layouts.raw import CONTROL, OTHER, UnreadableFileError
from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.layouts.model import Layout

FIGURE = re.compile(r"[0-9]{1,15}", re.ASCII)

Footer = tuple[int, list[str]]
"""The line of a footer, and its cells after the type."""

SIDES = ("gross credits", "gross debits", "fee credits", "fee debits")
"""What a footer with sums adds up, in its order, after the currency."""

Sums = dict[tuple[str, str], int | None]
"""Cents by currency and side; None where one of the amounts cannot be read."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: its line, its texts by column name, and why it has none, if so."""

    line: int
    texts: Mapping[str, str]
    broken: str


@dataclass(slots=True)
class Section:
    """Rows of one account and period, with the footers that close it; ``begins`` is 0 if it began in another file."""

    begins: int
    period: tuple[str, str] | None
    headed: bool = False
    rows: list[Row] = field(default_factory=list)
    sums: list[Footer] = field(default_factory=list)
    counts: list[Footer] = field(default_factory=list)


@dataclass(slots=True)
class Report:
    """One file of a report: ``part`` is its number, ``end`` its last record."""

    layout: Layout
    part: int = 1
    sections: list[Section] = field(default_factory=list)
    sums: list[Footer] = field(default_factory=list)
    counts: list[Footer] = field(default_factory=list)
    end: Footer = (0, [])

    @property
    def rows(self) -> list[Row]:
        """All its rows in the order of the file."""
        return [row for section in self.sections for row in section.rows]

    @property
    def period(self) -> tuple[str, str] | None:
        """From the first to the last day of its sections."""
        periods = [section.period for section in self.sections if section.period]
        return (min(first for first, _ in periods), max(last for _, last in periods)) if periods else None

    @property
    def stated(self) -> Tally:
        """What it says that it holds: rows, and credits less debits in the currency of the layout."""
        returned = self.layout.facts.returned
        footers = (
            self.sums
            if self.sums and self.part == 1
            else [footer for section in self.sections for footer in section.sums]
        )
        cents = 0
        for line, cells in footers:
            said = _Footer(line, cells)
            if returned and said.sums and said.currency == returned.currency:
                cents += said.sums[0] - said.sums[1]
        return Tally(_count(self.end), cents)

    def check(self) -> None:
        """Compare every footer with the rows.  Raises UnreadableFileError for one that says otherwise.

        The sums of a section or a report that began in an earlier file hold rows that are not here: there the footers
        may say more than the rows, never less.
        """
        for section in self.sections:
            whole = bool(section.begins) and (section.headed or self.part == 1)
            self._closed(section.sums, section.counts, section.rows, "S", whole=whole)
        self._closed(self.sums, self.counts, self.rows, "R", whole=self.part == 1)
        _agree(self.end, "FF", "rows", _count(self.end), len(self.rows))

    def _closed(self, sums: list[Footer], counts: list[Footer], rows: list[Row], name: str, *, whole: bool) -> None:
        for count in counts:
            stated = _count(count)
            if whole or stated < len(rows):
                _agree(count, f"{name}C", "rows", stated, len(rows))
        found, per_currency = self._added(rows)
        every_row = not any(row.broken for row in rows)
        for footer in sums:
            said = _Footer(*footer)
            here = (len(rows), per_currency[said.currency]) if said.currency else (len(rows),)
            if said.count is not None and said.count not in here and (whole or said.count < min(here)):
                _agree(footer, f"{name}F", f"rows{said.shown}", said.count, here[-1])
            for side, cents in zip(SIDES, said.sums, strict=False) if whole and every_row else ():
                added = found.get((said.currency, side), 0)
                if added is not None and added != cents:
                    _differ(footer, f"{name}F", f"{side}{said.shown}", money.dollars(cents), money.dollars(added))

    def _added(self, rows: Iterable[Row]) -> tuple[Sums, Counter[str]]:
        """Add up the rows by currency and side, and count them by currency."""
        found: Sums = {}
        seen: Counter[str] = Counter()
        for row in rows:
            currency = row.texts.get(self._names[2], "")
            seen[currency] += 1
            for key, text in self._sides(row):
                before = found.get(key, 0)
                found[key] = before + int(text) if FIGURE.fullmatch(text) and before is not None else None
        return found, seen

    @property
    def _names(self) -> tuple[str, ...]:
        return self.layout.facts.records.columns() if self.layout.facts.records else ()

    def _sides(self, row: Row) -> Iterator[tuple[tuple[str, str], str]]:
        """The gross amount and the fee of a row, each with its currency and its side."""
        direction, amount, currency, fee_direction, fee_amount, fee_currency = (
            row.texts.get(name, "") for name in self._names
        )
        words = {"CR": "credits", "DR": "debits"}
        for word, text, of, what in (
            (direction, amount, currency, "gross"),
            (fee_direction, fee_amount, fee_currency, "fee"),
        ):
            if word.upper() in words and text:
                yield (of, f"{what} {words[word.upper()]}"), text


class _Footer:
    """What a footer says: a count alone, or a currency with four sums, balances in pairs, and a count."""

    def __init__(self, line: int, cells: list[str]) -> None:
        while cells and not cells[-1]:
            cells = cells[:-1]
        self.currency = ""
        self.sums: list[int] = [0, 0, 0, 0]
        self.count: int | None = None
        if len(cells) == 1 or (len(cells) == 2 and cells[0].isalpha()):  # noqa: PLR2004 - a currency and its count
            self.currency = cells[0] if len(cells) > 1 else ""
            self.sums, self.count = [], _number(line, cells[-1])
            return
        if len(cells) <= len(SIDES) or not cells[0].isalpha():
            reason = f"line {line}: the footer has neither a count nor a currency with four sums; it is another file"
            raise UnreadableFileError(OTHER, reason)
        self.currency, rest = cells[0], cells[1 + len(SIDES) :]
        self.sums = [_number(line, text) for text in cells[1 : 1 + len(SIDES)]]
        self.count = _number(line, rest[-1]) if len(rest) % 2 else None

    @property
    def shown(self) -> str:
        """For people: which currency it speaks of."""
        return f" in {self.currency}" if self.currency else ""


def _count(footer: Footer) -> int:
    line, cells = footer
    return _number(line, cells[0] if cells else "")


def _number(line: int, text: str) -> int:
    if FIGURE.fullmatch(text) is None:
        raise UnreadableFileError(OTHER, f"line {line}: {text[:24]!r} in a footer is no number; ask for the file again")
    return int(text)


def _agree(footer: Footer, name: str, what: str, stated: int, found: int) -> None:
    if stated != found:
        _differ(footer, name, what, str(stated), str(found))


def _differ(footer: Footer, name: str, what: str, stated: str, found: str) -> NoReturn:
    reason = f"line {footer[0]}: {name} says {stated} of {what}, the file has {found}; ask for it again"
    raise UnreadableFileError(CONTROL, reason)
