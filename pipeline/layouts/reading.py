"""Reading a file back: every row in our own nouns, or with the reason why not; a file that is not whole is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.layouts import control, delimited, fixed, kinds
from pipeline.layouts.cells import Cell, MisfitError, cells
from pipeline.layouts.returned import Returned
from pipeline.layouts.sources import LISTED_SOURCES, PER_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.layouts.model import Incoming, Layout
    from pipeline.layouts.raw import Raw

PAYMENT_TEXTS = (
    "payment_ref",
    "payment_line",
    "fee_ref",
    "patron_id",
    "occurred_on",
    "kind",
    "status",
    "method",
    "item_code",
)
"""The text columns of a line of money; those that a layout does not give are blank."""

Values = list[Any]
"""The values of one column: texts, or numbers with None where a cell cannot be read."""


def read(layout: Layout, path: Path) -> Returned:
    """Read a file.

    A row that cannot be read is kept, with the reason.  Raises UnreadableFileError when the file is not whole, is
    another format, or its control totals are wrong.
    """
    data = path.read_bytes()
    raw = fixed.parse(layout, data) if layout.facts.format == "fixed" else delimited.parse(layout, data)
    said = control.stated(layout, raw)
    reading = Reading(layout, raw)
    stated = control.checked(layout, said, raw, reading.written, minus=reading.minus)
    once = {name: [value] * reading.size for name, value in said.items() if name in PER_FILE}
    return Returned(_frame(layout, raw, {**once, **reading.columns()}, reading.unreadable), stated, raw.ignored)


class Reading:
    """The rows of a raw while they are being understood: values by source, and what is wrong with each row."""

    def __init__(self, layout: Layout, raw: Raw) -> None:
        """Understand every column that the layout uses; ``written`` are the amounts as the file writes them."""
        self.layout = layout
        self.size = len(raw.lines)
        self._raw = raw
        self._why: dict[int, list[str]] = {place: [why] for place, why in enumerate(raw.broken) if why}
        self._cells = {cell.column.name: cell for cell in cells(layout, layout.detail)}
        used = set(kinds.asked(layout))
        self._values: dict[str, Values] = {
            name: self._understood(cell)
            for name, cell in self._cells.items()
            if name in raw.columns and (cell.column.source or cell.column.literal is not None or name in used)
            if not (cell.column.source and cell.column.literals)
        }
        self.written: list[int | None] = self._values[layout.amount.name] if layout.amount else [0] * self.size
        self._fitting = self._kinds() if layout.facts.outgoing else []
        for name, cell in self._cells.items():
            if cell.column.source and cell.column.literals:
                self._values[name] = self._by_kind(cell)

    @property
    def minus(self) -> bool:
        """Whether the totals of such a file stand there with a minus sign, going by the kinds of its rows."""
        lines = (line for line in (self.layout.header, self.layout.trailer) if line)
        negative = {kind for line in lines for column in line.columns for kind in column.negative}
        return bool(self._fitting) and all(fitting and negative.issuperset(fitting) for fitting in self._fitting)

    def columns(self) -> dict[str, Values]:
        """Give the values by our own nouns, with the kind and the signed cents of each row."""
        found = {
            cell.column.source: self._values[name]
            for name, cell in self._cells.items()
            if name in self._values and cell.column.source and not cell.column.setting
        }
        if "payment_line" in self.layout.sources and "payment_line" not in found:
            found["payment_line"] = _numbered(found["payment_ref"])
        if self.layout.facts.returned:
            found |= self._money(self.layout.facts.returned, found.get("occurred_on"))
        else:
            told = [fitting[0] if len(fitting) == 1 else "" for fitting in self._fitting] or [""] * self.size
            found |= {"kind": told, "amount_cents": [amount or 0 for amount in self.written]}
        return found

    @property
    def unreadable(self) -> list[str]:
        """Why each row cannot be used, "" for a good one."""
        return ["; ".join(self._why.get(place, ())) for place in range(self.size)]

    def _blame(self, place: int, reason: str) -> None:
        """What a line with the wrong number of cells seems to say is not looked at."""
        if not self._raw.broken[place]:
            self._why.setdefault(place, []).append(reason)

    def _understood(self, cell: Cell) -> Values:
        """Every distinct text once; a row whose text makes no sense is blamed and has a blank there."""
        texts = [cell.stripped(text) for text in self._raw.columns[cell.column.name]]
        if cell.takes(texts):
            return texts
        known: dict[str, str | int | None] = {}
        wrong: dict[str, str] = {}
        for text in set(texts):
            try:
                known[text] = cell.read(text)
            except MisfitError as misfit:
                known[text] = None if cell.column.is_number else ""
                wrong[text] = f"{cell.column.name} {misfit}"
        for place, text in enumerate(texts) if wrong else ():
            if text in wrong:
                self._blame(place, wrong[text])
        return [known[text] for text in texts]

    def _money(self, incoming: Incoming, days: Values | None) -> dict[str, Values]:
        """What each line of money is, and how much; a line that moves money must have its day."""
        names = kinds.asked(self.layout)
        choices = [self._values.get(name, [""] * self.size) for name in names]
        found: list[str] = []
        amounts: list[int] = []
        for place, amount in enumerate(self.written):
            kind, signed = "", 0
            try:
                if amount is not None:
                    said = {name: values[place] for name, values in zip(names, choices, strict=True)}
                    kind, signed = kinds.said(incoming, said, amount)
            except MisfitError as misfit:
                if place not in self._why:
                    self._blame(place, str(misfit))
            if signed and days is not None and not days[place] and place not in self._why:
                self._blame(place, "it moves money and has no day")
            found.append(kind)
            amounts.append(signed)
        return {"kind": found, "amount_cents": amounts}

    def _kinds(self) -> list[tuple[str, ...]]:
        """The kinds each row of a file of ours may be, by the columns where they differ and the sign of its money."""
        names = [column.name for column in kinds.telling(self.layout)]
        texts = list(zip(*(self._values[name] for name in names), strict=True)) if names else [()] * self.size
        known: dict[tuple[Any, ...], tuple[tuple[str, ...], int | None]] = {}
        wrong: dict[tuple[Any, ...], str] = {}
        rows = list(zip(texts, self.written, strict=True))
        for row in set(rows):
            said, amount = row
            try:
                fitting = kinds.of_movement(self.layout, dict(zip(names, said, strict=True)))
                known[row] = (fitting, None) if amount is None else kinds.of_amount(self.layout, fitting, amount)
            except MisfitError as misfit:
                known[row], wrong[row] = ((), amount), str(misfit)
        for place, row in enumerate(rows) if wrong else ():
            if row in wrong and place not in self._why:
                self._blame(place, wrong[row])
        self.written = [known[row][1] for row in rows]
        return [known[row][0] for row in rows]

    def _by_kind(self, cell: Cell) -> Values:
        """A column that some kinds fill with a text of their own: that text says nothing, any other is its value."""
        texts = [cell.stripped(text) for text in self._raw.columns[cell.column.name]]
        kinds_of = [fitting[0] if fitting else "" for fitting in self._fitting]
        known: dict[tuple[str, str], str | int] = {}
        wrong: dict[tuple[str, str], str] = {}
        pairs = list(zip(kinds_of, texts, strict=True))
        cells_of = {kind: replace(cell, column=cell.column.of(kind)) for kind in set(kinds_of)}
        for kind, text in set(pairs):
            own = cells_of[kind]
            try:
                value = own.read(text) if kind else ""
                known[kind, text] = value if own.column.source else ""
            except MisfitError as misfit:
                known[kind, text], wrong[kind, text] = "", f"{cell.column.name} {misfit}"
        for place, pair in enumerate(pairs) if wrong else ():
            if pair in wrong:
                self._blame(place, wrong[pair])
        return [known[pair] for pair in pairs]


def _numbered(references: Sequence[str]) -> list[str]:
    """Number the lines of each transaction as they come."""
    seen: dict[str, int] = {}
    found = []
    for reference in references:
        seen[reference] = seen.get(reference, 0) + 1
        found.append(str(seen[reference]))
    return found


def _frame(layout: Layout, raw: Raw, columns: Mapping[str, Values], unreadable: list[str]) -> pd.DataFrame:
    import pandas as pd

    texts = PAYMENT_TEXTS if layout.facts.returned else tuple(name for name in columns if name != "amount_cents")
    texts += tuple(sorted(LISTED_SOURCES.get(layout.lists, frozenset()) - set(texts)))
    blank = [""] * len(raw.lines)
    data: dict[str, pd.Series[Any]] = {"line": pd.Series(raw.lines, dtype="int64")}
    data |= {name: pd.Series(columns.get(name, blank), dtype="str") for name in texts}
    data["amount_cents"] = pd.Series(columns["amount_cents"], dtype="int64")
    data["unreadable"] = pd.Series(unreadable, dtype="str")
    return pd.DataFrame(data)
