"""Reading a file back: every row in our own nouns, or with the reason why not; a file that is not whole is refused."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline.layouts import bulk, control, delimited, fixed, kinds, records, workbook
from pipeline.layouts.cells import Cell, MisfitError, cells
from pipeline.layouts.judging import Faults, Judge
from pipeline.layouts.returned import PAYMENT_TEXTS, Returned
from pipeline.layouts.sources import LISTED_SOURCES, PER_FILE

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    import pandas as pd

    from pipeline.layouts.judging import Values
    from pipeline.layouts.model import Layout
    from pipeline.layouts.raw import Raw

FORMS: Mapping[str, Callable[[Layout, bytes], Raw]] = {
    "fixed": fixed.parse,
    "delimited": delimited.parse,
    "records": records.parse,
    "workbook": workbook.parse,
}

GROUPED = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+\.[0-9]{2}", re.ASCII)
"""An amount with a sign between its thousands, each of three digits."""


def read(layout: Layout, path: Path) -> Returned:
    """Read a file.

    A row that cannot be read is kept, with the reason.  Raises UnreadableFileError when the file is not whole, is
    another format, or its control totals are wrong.
    """
    raw = FORMS[layout.facts.format](layout, path.read_bytes())
    said = control.stated(layout, raw)
    reading = Reading(layout, raw)
    stated = raw.stated or control.checked(layout, said, raw, reading.written, minus=reading.minus)
    once = {name: [value] * reading.size for name, value in said.items() if name in PER_FILE}
    columns = {**once, **reading.columns()}
    unreadable = reading.unreadable
    period = _period(layout, raw, said, columns)
    ignored = (*raw.ignored, *sorted(reading.strange))
    undoing = frozenset(raw.lines[place] for place in reading.undoing)
    return Returned(_frame(layout, raw, columns, unreadable), stated, ignored, period, undoing)


def _period(
    layout: Layout, raw: Raw, said: Mapping[str, str | int], columns: Mapping[str, Values]
) -> tuple[str, str] | None:
    """Give the days a returned file covers: as it says itself, or else from its first to its last row."""
    if layout.facts.returned is None:
        return None
    stated = str(said.get("period.first", "")), str(said.get("period.last", ""))
    days = sorted({day for day in columns.get("occurred_on", ()) if day})
    return raw.period or (stated if all(stated) else None) or ((days[0], days[-1]) if days else None)


class Reading:
    """The rows of a raw while they are being understood: values by source, and what is wrong with each row."""

    def __init__(self, layout: Layout, raw: Raw) -> None:
        """Understand every column that the layout uses; ``written`` are the amounts as the file writes them."""
        self.layout = layout
        self.size = len(raw.lines)
        self._raw = raw
        self._faults = Faults(raw.broken)
        self._cells = {cell.column.name: cell for cell in cells(layout, layout.detail)}
        self._no_amount: set[int] = set()
        self.strange: set[str] = set()
        self.undoing: set[int] = set()
        only = {name for cell in self._cells.values() for name in cell.column.only}
        used = {*kinds.asked(layout), *kinds.needed(layout), *only}
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
        if self._raw.items is not None:
            found["payment_line"] = self._raw.items
        returned = self.layout.facts.returned
        if returned:
            judge = Judge(
                self.layout, returned, self._raw, self._values, found, self.written, self._no_amount, self._faults
            )
            found |= judge.columns()
            self.strange |= judge.strange
            self.undoing |= judge.undoing
        else:
            told = [fitting[0] if len(fitting) == 1 else "" for fitting in self._fitting] or [""] * self.size
            found |= {"kind": told, "amount_cents": [amount or 0 for amount in self.written]}
        return found

    @property
    def unreadable(self) -> list[str]:
        """Why each row cannot be used, "" for a good one."""
        return self._faults.texts()

    def _understood(self, cell: Cell) -> Values:
        """Every distinct text once; a row whose text makes no sense is blamed and has a blank there."""
        texts = [cell.stripped(text) for text in self._raw.columns[cell.column.name]]
        if all(map(str.isascii, texts)) and cell.takes(bulk.of(texts)):
            return texts
        known: dict[str, str | int | None] = {}
        wrong: dict[str, str] = {}
        for text in set(texts):
            try:
                known[text] = cell.read(_ungrouped(cell, text))
            except MisfitError as misfit:
                known[text] = None if cell.column.is_number else text if cell.column.show == "code" else ""
                wrong[text] = f"{cell.column.name} {misfit}"
        is_amount = cell.column == self.layout.amount and self.layout.facts.returned is not None
        for place, text in enumerate(texts) if wrong else ():
            if text in wrong and is_amount and not text and not self._raw.broken[place]:
                self._no_amount.add(place)
            elif text in wrong:
                self._faults.blame(place, wrong[text])
        return [known[text] for text in texts]

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
            if row in wrong and not self._faults.has(place):
                self._faults.blame(place, wrong[row])
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
                self._faults.blame(place, wrong[pair])
        return [known[pair] for pair in pairs]


def _ungrouped(cell: Cell, text: str) -> str:
    """Take the signs between thousands away; an amount that has them elsewhere stays, and makes no sense."""
    return text.replace(",", "") if cell.column.thousands and GROUPED.fullmatch(text) else text


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
