"""Say every movement in the words of its system: item type or code, term, due date, reference."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.findings import Finding
from pipeline.layouts import layout as layouts
from pipeline.rules import Sorting
from pipeline.stages.codes import AS_SENT, codes, sent
from pipeline.stages.due import due_date, ending, term_of
from pipeline.stages.ids import bursar_ids
from pipeline.stages.lookup import looked_up

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.settings import Campus
    from pipeline.findings import Outcome
    from pipeline.layouts.model import Layout

FROM_FIRST = ("against", "undoes", "bursar_id", "label", "term", "effective_date", "payments_to", *AS_SENT)
"""What a later movement brings along as its first charge was sent; a new debt has none of it yet."""

OURS = ("fault", "mapped", "folded")


def code(movements: pd.DataFrame, campus: Loaded, today: date) -> Outcome:
    """Add codes, term, dates, reference and description; hold what has no code or does not fit its layout.

    Whatever a row says already is as it was sent, and stays.  A snapshot has no file for what changes a row of it, so
    such a movement needs no codes of its own.
    """
    settings, shapes = campus.campus, _layouts(campus)
    coded = _dated(_coded(_whole(movements), settings, today), settings, today)
    coded["folded"] = _folded(coded, shapes)
    coded["fault"] = _faults(coded, settings, shapes)
    rows = Sorting(coded)
    _hold(rows, shapes)
    outcome = rows.outcome(_ending(settings, shapes, today))
    boxes = {box: frame.drop(columns=list(OURS)) for box, frame in outcome.boxes.items()}
    passed = tables.checked(outcome.passed.drop(columns=list(OURS)), tables.MOVEMENTS, "code")
    return replace(outcome, passed=passed, boxes=boxes)


def _layouts(campus: Loaded) -> dict[str, Layout]:
    return {name: layouts.load(system.layout, campus.folder) for name, system in campus.campus.systems.items()}


def _whole(movements: pd.DataFrame) -> pd.DataFrame:
    """The same rows, with every column that a later movement may bring along."""
    missing = [name for name in FROM_FIRST if name not in movements.columns]
    return movements.reset_index(drop=True).assign(**dict.fromkeys(missing, "")).astype(dict.fromkeys(missing, "str"))


def _coded(movements: pd.DataFrame, campus: Campus, today: date) -> pd.DataFrame:
    """Codes, the id and the words of every row.  A credit has an item type of its own, whatever its charge had."""
    known, brought = codes(movements, campus, today), sent(movements)
    undoing, credit = movements["kind"] == "reversal", movements["kind"] == "credit"
    keeps = brought | undoing
    fresh = {name: movements[name].where(keeps, known[name]) for name in AS_SENT}
    given = movements["item_type"]
    fresh["item_type"] = fresh["item_type"].where(~credit, given.where(given != "", known["credit_item_type"]))
    label = _or(
        movements["label"],
        looked_up(movements["fee_type"], {kind: one.label for kind, one in campus.fee_types.items()}),
    )
    return movements.assign(
        **fresh,
        mapped=known["mapped"] | keeps,
        against=_or(movements["against"], movements["fee_id"]),
        bursar_id=_or(movements["bursar_id"], bursar_ids(movements, campus.systems)),
        reference=_references(movements),
        label=label,
        description=(label + " " + movements["barcode"]).str.strip(),
        payments_to=_or(movements["payments_to"], campus.payments_to),
    )


def _or(said: pd.Series[str], otherwise: pd.Series[str] | str) -> pd.Series[str]:
    return said.where(said != "", otherwise)


def _references(movements: pd.DataFrame) -> pd.Series[str]:
    """The fee's id for its first movement, numbered after; a reversal repeats the reference that it undoes."""
    numbers = movements["movement"].unique().tolist()
    ending = movements["movement"].map({number: f"-{number}" if number > 1 else "" for number in numbers})
    own = movements["fee_id"] + ending.astype("str")
    return own.where(movements["kind"] != "reversal", movements["undoes"])


def _first(movements: pd.DataFrame) -> pd.Series[bool]:
    return (movements["kind"] == "charge") & (movements["movement"] == 1)


def _dated(movements: pd.DataFrame, campus: Campus, today: date) -> pd.DataFrame:
    """Term and days.  Only a first charge is given a term; what changes it later took effect when it is sent.

    A CREDIT row of an export has a day of its own, as its charge has.
    """
    picking = _first(movements) & (campus.terms.by == "fee_date")
    days = movements["fee_date"].where(picking, today.isoformat())
    terms = {day: term_of(day, campus.terms) for day in days.unique()}
    due = {name: due_date(today, system.due) for name, system in campus.systems.items()}
    own_day = _first(movements) | (movements["lists"] == "export")
    return movements.assign(
        term=_or(movements["term"], looked_up(days, terms).where(_first(movements), "")),
        effective_date=_or(movements["effective_date"], movements["fee_date"].where(own_day, today.isoformat())),
        due_date=looked_up(movements["system"], due).where(movements["kind"] == "charge", ""),
    )


def _folded(movements: pd.DataFrame, shapes: dict[str, Layout]) -> pd.Series[bool]:
    """What changes a row that a snapshot carries, and so stands in no file of its own."""
    snapshots = [name for name, layout in shapes.items() if layout.scope == "snapshot"]
    return movements["system"].isin(snapshots) & ~_first(movements)


def _faults(coded: pd.DataFrame, campus: Campus, shapes: dict[str, Layout]) -> pd.Series[str]:
    """Ask every layout about its own rows, shown with no more columns than it writes."""
    import pandas as pd

    faults = pd.Series("", index=coded.index, dtype="str")
    lines = coded[~coded["folded"]]
    for (system, kind), rows in lines.groupby(["system", "kind"], sort=True):
        layout = shapes[str(system)]
        written = layouts.as_written(rows)
        shown = written[[name for name in written.columns if name in layout.sources]]
        faults[rows.index] = layouts.faults(layout, shown, str(kind), campus.systems[str(system)].constants)
    return faults


def _hold(rows: Sorting, shapes: dict[str, Layout]) -> None:
    frame = rows.frame
    alone, credit, first = ~frame["folded"], frame["kind"] == "credit", _first(frame)
    typed, dated = (_writing(frame, shapes, column) for column in ("item_type", "term"))
    rows.hold(frame["bursar_id"] == "", "CODE-ID", "the id rule of {system} cannot write the id without losing digits")
    rows.hold(alone & ~credit & ~frame["mapped"], "CODE-UNMAPPED", "no {system} code for type {fee_type}")
    untyped = alone & credit & typed & (frame["item_type"] == "")
    rows.hold(untyped, "CODE-NO-CREDIT-TYPE", "no credit item type of {system} for type {fee_type} of {owner!r}")
    without = alone & dated & (frame["term"] == "")
    rows.hold(without & first, "CODE-NO-TERM", "no term for {fee_date}; the term table ends or begins")
    rows.hold(without, "CODE-NO-TERM", "its charge was sent without a term, and {system} now wants one")
    rows.hold(frame["fault"] != "", "CODE-DOES-NOT-FIT", "{fault}")


def _writing(frame: pd.DataFrame, shapes: dict[str, Layout], column: str) -> pd.Series[bool]:
    """Only a system whose layout has a place for a value needs it."""
    return frame["system"].isin([name for name, layout in shapes.items() if column in layout.sources])


def _ending(campus: Campus, shapes: dict[str, Layout], today: date) -> list[Finding]:
    """Once a night, and only where some file has a place for the term."""
    if not any("term" in layout.sources for layout in shapes.values()) or not ending(campus.terms, today):
        return []
    until = campus.terms.until.isoformat()
    return [Finding("TERM-ENDING", until, f"terms.until: the table of terms ends on {until}")]
