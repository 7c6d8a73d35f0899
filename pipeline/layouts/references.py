"""What a line of money pays: one fee, several fees with their shares, or nothing that it names."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

from pipeline import money
from pipeline.layouts.cells import Cell, MisfitError, cells
from pipeline.layouts.model import same

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.layouts.incoming import References
    from pipeline.layouts.model import Layout

LISTED = re.compile(r"[^:|]+:[0-9]{1,13}(?:\|[^:|]+:[0-9]{1,13})*", re.ASCII)
"""Several fees with their cents, as they are handed to a checkout that has one field for them."""

PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*", re.ASCII)
SIGNS = ":|"


class Named(NamedTuple):
    """What a line names: one fee, or several as JSON ``[[ref, cents], ...]``; and why it cannot be used, if so."""

    fee_ref: str = ""
    fees: str = ""
    wrong: str = ""


class Naming:
    """Reads the references of a file's lines; ``columns`` are its texts by column name."""

    def __init__(self, layout: Layout, references: References, columns: Mapping[str, Sequence[str]]) -> None:
        """Take the columns that the layout names for references, as far as the file has them."""
        self._references = references
        self._columns = columns
        self._cells = {cell.column.name: cell for cell in cells(layout, layout.detail)}
        names = self._cells
        self._slots = (
            [slot for number in range(1, 10) if (slot := references.slot(number))[1] in names and slot[1] in columns]
            if references.value
            else []
        )
        self._types = {same(one) for one in references.types}
        self._whole = [name for name in references.types if name in names and name in columns]

    def named(self, place: int, amount: int) -> Named:
        """Say what the line at a place names.  ``amount`` are its cents, negative where money goes back."""
        if self._references.shares:
            return self._listed(place, amount)
        found = list(dict.fromkeys(self._typed(place)))
        if len({text for _, text in found}) > 1:
            return Named(wrong=f"{' and '.join(name for name, _ in found)} name two fees")
        return self._one(*found[0]) if found else self._untyped(place)

    def _text(self, name: str, place: int) -> str:
        return self._columns[name][place].strip(" ") if name in self._columns else ""

    def _typed(self, place: int) -> Iterator[tuple[str, str]]:
        """Whatever says that it is a reference of ours: in any slot, or for the whole transaction."""
        slots = [
            (value, self._text(value, place))
            for kind, value in self._slots
            if same(self._text(kind, place)) in self._types
        ]
        whole = [(name, self._text(name, place)) for name in self._whole]
        yield from [one for one in slots if one[1]] or [one for one in whole if one[1]]

    def _untyped(self, place: int) -> Named:
        """The first slot is ours if it does not say what it is."""
        if not self._slots:
            return Named()
        kind, value = self._slots[0]
        if value != self._references.slot(1)[1] or self._text(kind, place):
            return Named()
        return self._one(value, self._text(value, place))

    def _one(self, name: str, text: str) -> Named:
        try:
            return Named(str(self._cell(name).read(text)))
        except MisfitError as misfit:
            return Named(wrong=f"{name} {misfit}")

    def _cell(self, name: str) -> Cell:
        return self._cells[name]

    def _listed(self, place: int, amount: int) -> Named:
        name, text = self._references.shares, self._text(self._references.shares, place)
        if PLAIN.fullmatch(text):
            return self._one(name, text)
        if not set(text) & set(SIGNS):
            other = self._references.otherwise
            return self._one(other, self._text(other, place)) if other else Named()
        if LISTED.fullmatch(text) is None:
            return Named(wrong=f"{name} {text[: money.SHOWN]!r} is no list of fees with their cents")
        return self._shared(place, text, amount)

    def _shared(self, place: int, text: str, amount: int) -> Named:
        """Shares of more than was paid cannot be.  What goes back may be a part: then its payment says what it was."""
        pairs = [(ref.strip(" "), int(cents)) for ref, _, cents in (one.partition(":") for one in text.split("|"))]
        total, name = sum(cents for _, cents in pairs), self._references.shares
        if len({ref for ref, _ in pairs}) < len(pairs):
            return Named(wrong=f"{name} names a fee twice")
        if amount > 0 and total > amount:
            shown = f"{money.dollars(total)}, more than the {money.dollars(amount)} paid"
            return Named(wrong=f"the shares in {name} are {shown}")
        if amount < 0 and total != -amount:
            other = self._references.otherwise
            return self._one(other, self._text(other, place)) if other else Named()
        if len(pairs) == 1 and total == abs(amount):
            return self._one(name, pairs[0][0])
        sign = -1 if amount < 0 else 1
        return Named(fees=json.dumps([[ref, sign * cents] for ref, cents in pairs]))
