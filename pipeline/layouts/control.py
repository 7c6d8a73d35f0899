"""What a file says about itself in its header or trailer, compared with what it holds: no control total, no money."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.layouts.cells import Cell, MisfitError, cells
from pipeline.layouts.raw import CONTROL, OTHER, Raw, UnreadableFileError
from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.layouts.model import Layout, Line


def stated(layout: Layout, raw: Raw) -> dict[str, str | int]:
    """Give what header and trailer say, by source.  Raises UnreadableFileError when a cell of theirs makes no sense."""
    return {
        **_said(layout, layout.header, raw.header, "header"),
        **_said(layout, layout.trailer, raw.trailer, "trailer"),
    }


def _said(layout: Layout, line: Line | None, texts: list[str] | None, name: str) -> dict[str, str | int]:
    found: dict[str, str | int] = {}
    if line is None or texts is None:
        return found
    for cell, text in zip(cells(layout, line), texts, strict=True):
        try:
            value = cell.read(text)
        except MisfitError as misfit:
            reason = f"{name}: {cell.column.name} {misfit}; ask for the file again"
            raise UnreadableFileError(OTHER, reason) from None
        if cell.column.source:
            found[cell.column.source] = value
    return found


def checked(
    layout: Layout, said: Mapping[str, str | int], raw: Raw, written: Sequence[int | None], *, minus: bool
) -> Tally | None:
    """Give the count and total that the file states, None if it states none.  ``written`` are its amounts, as written.

    ``minus``: a file of this kind states its total with a minus sign; it is given without.  Raises UnreadableFileError
    when they are wrong.  The count must agree always.  A total can be compared only if every amount in it can be read;
    a row with an amount that cannot is held anyway.
    """
    if "control.count" not in said:
        return None
    count, total = int(said["control.count"]), int(said.get("control.cents", 0)) * (-1 if minus else 1)
    if count != len(written):
        reason = f"its control count is {count}, but it has {len(written)} lines; ask for the file again"
        raise UnreadableFileError(CONTROL, reason)
    added = _added(layout, raw, written)
    if "control.cents" in said and added is not None and added != total:
        reason = f"its control total is {Tally(count, total)}, its lines are {Tally(count, added)}; ask for it again"
        raise UnreadableFileError(CONTROL, reason)
    return Tally(count, total)


def _added(layout: Layout, raw: Raw, written: Sequence[int | None]) -> int | None:
    """Add up, as written, the lines that the total is made of; None when one of them cannot be read."""
    wanted = [True] * len(written)
    for cell in cells(layout, layout.detail):
        choices = layout.facts.control.adds.get(cell.column.name)
        if choices is None:
            continue
        fits = _fits(cell, raw.columns.get(cell.column.name, [""] * len(written)), choices)
        if fits is None:
            return None
        wanted = [want and fit for want, fit in zip(wanted, fits, strict=True)]
    total = 0
    for amount, want in zip(written, wanted, strict=True):
        if want and amount is None:
            return None
        total += amount if want and amount is not None else 0
    return total


def _fits(cell: Cell, texts: Sequence[str], choices: Sequence[str]) -> list[bool] | None:
    try:
        known = {text: cell.read(text) in choices for text in set(texts)}
    except MisfitError:
        return None
    return [known[text] for text in texts]
