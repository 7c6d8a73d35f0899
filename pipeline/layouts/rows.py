"""Rows of ours as the texts of a file, column by column, and every row that cannot be written named with the reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.layouts import bulk
from pipeline.layouts.cells import Cell, MisfitError, cells
from pipeline.layouts.order import in_order
from pipeline.layouts.sources import PER_FILE, SETTING
from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    import pandas as pd
    import pyarrow as pa

    from pipeline.layouts.model import Layout, Line

Value = str | int
ROWS_A_PART = 20_000


@dataclass(frozen=True, slots=True)
class Changed:
    """How many values of a column of free text were cut, and how many folded to plain letters, to fit."""

    column: str
    cut: int
    folded: int

    def __str__(self) -> str:
        """For people: ``DESC: 3 cut, 0 folded``."""
        return f"{self.column}: {self.cut} cut, {self.folded} folded"


@dataclass(frozen=True)
class Printed:
    """A file as texts: cells of header and trailer (None without one), and the detail lines by columns, in parts."""

    header: list[str] | None
    parts: Iterable[list[pa.Array]]
    trailer: list[str] | None


def faults(layout: Layout, rows: pd.DataFrame, kind: str, constants: Mapping[str, str]) -> pd.Series[str]:
    """Say for each row why it cannot be written as this kind, "" where it can: ``ITEM_AMT is 16 wide, 15 allowed``.

    What is wrong with the file as a whole (a setting that is missing, a total too large) is wrong with every row.
    """
    import pandas as pd

    if kind not in layout.kinds:
        return pd.Series(f"{layout.name} has no file for a {kind}", index=rows.index, dtype="str")
    why: dict[int, list[str]] = {}
    for cell in cells(layout, layout.detail, kind):
        values = _column(cell, rows, constants)
        reasons = _misfits(cell, values)
        for place, value in enumerate(values.to_pylist()) if reasons else ():
            if value in reasons:
                why.setdefault(place, []).append(reasons[value])
    _mixed(layout, rows, why)
    sound = rows.iloc[[place for place in range(len(rows)) if place not in why]] if why else rows
    whole = _file_faults(layout, sound, kind, constants)
    texts = ["; ".join([*why.get(place, ()), *whole]) for place in range(len(rows))] if why or whole else ""
    return pd.Series(texts, index=rows.index, dtype="str")


def notes(layout: Layout, rows: pd.DataFrame, kind: str) -> list[Changed]:
    """Count what is cut or folded when these rows are written; a column where nothing is changed is not named."""
    found = []
    for cell in cells(layout, layout.detail, kind):
        if not cell.column.is_free_text:
            continue
        texts = _column(cell, rows, {})
        if cell.leaves(texts):
            continue
        values = texts.to_pylist()
        known = {value: cell.changed(value) for value in set(values)}
        cut = sum(known[value][0] for value in values)
        folded = sum(known[value][1] for value in values)
        if cut or folded:
            found.append(Changed(cell.column.name, cut, folded))
    return found


def printed(layout: Layout, rows: pd.DataFrame, kind: str, constants: Mapping[str, str]) -> Printed:
    """Turn rows into texts, sorted as the layout says, some thousand at a time so that memory does not grow.

    Raises ValueError, here or while the parts are made, for a row that ``faults`` would name.
    """
    out = layout.facts.outgoing
    if out is None or kind not in layout.kinds or (out.max_lines and len(rows) > out.max_lines):
        message = f"{layout.name} cannot write {len(rows)} rows of kind {kind!r} into one file"
        raise ValueError(message)
    mixed: dict[int, list[str]] = {}
    _mixed(layout, rows, mixed)
    if mixed:
        message = f"{layout.name}: {next(iter(mixed.values()))[0]}"
        raise ValueError(message)
    header, trailer = (
        None if line is None else [_text(cell, value) for cell, value in _once(layout, line, rows, kind, constants)]
        for line in (layout.header, layout.trailer)
    )
    ordered = in_order(rows, out.sort) if out.sort else rows
    return Printed(header, _parts(cells(layout, layout.detail, kind), ordered, constants), trailer)


def _parts(line: list[Cell], rows: pd.DataFrame, constants: Mapping[str, str]) -> Iterator[list[pa.Array]]:
    """Amounts, types and days repeat: what one part has learnt about them helps the next."""
    learnt: list[tuple[Cell, dict[Value, str]]] = [(cell, {}) for cell in line]
    for place in range(0, len(rows), ROWS_A_PART):
        part = rows.iloc[place : place + ROWS_A_PART]
        yield [_texts(cell, _column(cell, part, constants), known) for cell, known in learnt]


def _column(cell: Cell, rows: pd.DataFrame, constants: Mapping[str, str]) -> pa.Array:
    """The values of a column."""
    said = _in_all(cell, rows, constants)
    return bulk.of(rows[cell.column.source]) if said is None else bulk.alike(said, len(rows))


def _in_all(cell: Cell, rows: pd.DataFrame, constants: Mapping[str, str]) -> str | None:
    """What all rows say, or None; a column that the source does not carry is blank where the layout allows that."""
    column = cell.column
    if isinstance(column.literal, str):
        return column.literal
    if column.setting:
        return constants.get(column.setting, "")
    return "" if column.source not in rows.columns and column.optional else None


def _texts(cell: Cell, values: pa.Array, known: dict[Value, str]) -> pa.Array:
    """Plain text all at once; of everything else each distinct value once."""
    if not cell.column.is_number and cell.takes(values):
        return cell.write_all(values)
    told = values.dictionary_encode()
    distinct: list[Value] = told.dictionary.to_pylist()
    known.update({value: _text(cell, value) for value in distinct if value not in known})
    return bulk.of([known[value] for value in distinct]).take(told.indices)


def _text(cell: Cell, value: Value) -> str:
    try:
        return cell.write(value)
    except MisfitError as misfit:
        message = f"{cell.column.name} {misfit}: rows with faults must be held, not written"
        raise ValueError(message) from None


def _misfits(cell: Cell, values: pa.Array) -> dict[Value, str]:
    found: dict[Value, str] = {}
    if not cell.column.is_number and cell.takes(values):
        return found
    for value in values.unique().to_pylist():
        try:
            cell.write(value)
        except MisfitError as misfit:
            found[value] = f"{cell.column.name} {misfit}"
    return found


def _once(
    layout: Layout, line: Line, rows: pd.DataFrame, kind: str, constants: Mapping[str, str]
) -> Iterator[tuple[Cell, Value]]:
    """What stands once in a file: control totals, settings of the campus, and what all its rows have in common."""
    total = Tally(len(rows), int(rows["amount_cents"].sum()))
    known: dict[str, Value] = {
        "control.count": total.count,
        "control.cents": total.cents,
        **{SETTING + name: value for name, value in constants.items()},
    }
    for cell in cells(layout, line, kind):
        column = cell.column
        if isinstance(column.literal, str):
            yield cell, column.literal
        elif column.source in PER_FILE:
            yield cell, str(rows[column.source].iloc[0]) if len(rows) else ""
        else:
            yield cell, known.get(column.source, "")


def _file_faults(layout: Layout, rows: pd.DataFrame, kind: str, constants: Mapping[str, str]) -> list[str]:
    found = [
        f"{name} must be set for this system in the campus file"
        for name in sorted(layout.settings)
        if not constants.get(name)
    ]
    for line in (layout.header, layout.trailer):
        for cell, value in _once(layout, line, rows, kind, constants) if line and len(rows) and not found else ():
            found += _misfits(cell, bulk.of([value])).values()
    return found


def _mixed(layout: Layout, rows: pd.DataFrame, why: dict[int, list[str]]) -> None:
    """A value that stands once in the file must be the same in all its rows; the first row decides which."""
    for source in sorted(PER_FILE & layout.sources):
        if any(column.source == source for column in layout.detail.columns) or not len(rows):
            continue
        first = rows[source].iloc[0]
        for place, value in enumerate(rows[source].tolist()):
            if value != first:
                why.setdefault(place, []).append(f"{source} {value} cannot stand in a file of {first}")
