"""The run sheet: which files of the night the bursar's office loads, in which order, and what it types in for each.

Amounts have no sign here, as in the files; which way a file goes, its kind says.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from pipeline.ports.ledger import UploadState
from pipeline.stages import pages, printable, workbook
from pipeline.stages.outgoing import outgoing
from pipeline.stages.workbook import Sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Batch, Upload

NAME = "run_sheet"
FOLDERS = ("templates/run_sheet", "templates/report")
KINDS = ("charge", "reversal", "credit")
"""The order within a day: nothing can be lowered that is not there yet."""

WHERE: Mapping[UploadState, str] = {
    UploadState.SENT: "lies there",
    UploadState.CONFLICT: "do not load: another file lies there under this name",
    UploadState.SUPERSEDED: "do not load: a newer file took its place",
    UploadState.CANCELLED: "do not load: it was taken back",
}
"""What is told of a file by its state; in any other it is still on its way."""

ON_ITS_WAY = "not there yet: load it once it is"


@dataclass(frozen=True, slots=True)
class Subtotal:
    """A part of a file by its item type or item code, and by the fund note of the campus file."""

    item: str
    fund: str
    total: Tally


@dataclass(frozen=True, slots=True)
class RunSheetRow:
    """One file to load.  ``total`` is what the loader's control totals must be, unsigned."""

    step: int
    system: str
    group_type: str
    business_unit: str
    layout_id: str
    layout: str
    file: str
    kind: str
    total: Tally
    control: str
    replaces: str
    where: str
    business_date: str
    subtotals: tuple[Subtotal, ...] = ()


def rows(
    uploads: Sequence[Upload], campus: Loaded, subtotals: Mapping[str, Sequence[Subtotal]] | None = None
) -> list[RunSheetRow]:
    """Put the files of a night in loading order: by system, older before newer, charges before what lowers them.

    ``subtotals`` by file name, where they are known.
    """
    order = sorted(uploads, key=lambda one: _place(one.batch))
    known = subtotals or {}
    return [_row(step, one, campus, known.get(one.batch.name, ())) for step, one in enumerate(order, start=1)]


def _place(batch: Batch) -> tuple[str, str, int, int]:
    return batch.system, batch.business_date.isoformat(), KINDS.index(batch.kind), batch.sequence


def _row(step: int, upload: Upload, campus: Loaded, subtotals: Sequence[Subtotal]) -> RunSheetRow:
    batch = upload.batch
    system = campus.campus.systems[batch.system]
    layout = layouts.load(system.layout, campus.folder)
    return RunSheetRow(
        step=step,
        system=batch.system,
        group_type=system.run_sheet.group_type,
        business_unit=system.run_sheet.business_unit,
        layout_id=system.run_sheet.layout_id,
        layout=system.layout,
        file=batch.name,
        kind=layout.kinds.get(batch.kind, batch.kind),
        total=Tally(batch.count, abs(batch.cents)),
        control="stand in the file" if layout.states_totals else "to be typed in, if the loader asks for them",
        replaces=_replaces(batch),
        where=WHERE.get(upload.state, ON_ITS_WAY),
        business_date=batch.business_date.isoformat(),
        subtotals=tuple(subtotals),
    )


def _replaces(batch: Batch) -> str:
    """A snapshot takes the place of all before it; loaded in the wrong order it would bring back what is paid."""
    if batch.scope != "snapshot":
        return "nothing: it comes on top"
    if batch.sequence == 1:
        return "everything: it is the first, and says all that is owed"
    return f"everything sent before: number {batch.sequence - 1} and all older ones"


def subtotals_of(lines: pd.DataFrame, names: Sequence[str]) -> dict[str, list[Subtotal]]:
    """Add up tonight's rows (tables.LINES) by file, item and fund; ``names`` are the files in the order of ``batch``.

    Money without its sign: every row of a file goes the same way.
    """
    item = lines["item_type"].where(lines["item_type"] != "", lines["item_code"])
    keyed = lines[["batch", "fund"]].assign(item=item, cents=lines["amount_cents"].abs())
    inside = keyed[keyed["batch"] >= 0].groupby(["batch", "item", "fund"], sort=True)["cents"]
    found: dict[str, list[Subtotal]] = {}
    for part in inside.agg(["size", "sum"]).reset_index().to_dict("records"):
        total = Tally(int(part["size"]), int(part["sum"]))
        found.setdefault(names[int(part["batch"])], []).append(Subtotal(str(part["item"]), str(part["fund"]), total))
    return found


def run_sheet(work: Work) -> None:
    """Write ``run_sheet.html`` and ``run_sheet.xlsx`` into the run's folder; the same night gives the same bytes.

    ``work`` is the desk of CLOSE.  On the sheet stands every file made tonight, every older one that is still on its
    way, and what left since a sheet was last written (stages.outgoing), but none for Alma's import: those are not the
    bursar's to load.  Without any there is no sheet.
    """
    parts: dict[str, list[Subtotal]] = {}
    made = [desk for desk in work.before if desk.made]
    for desk in made:
        parts |= subtotals_of(desk.rows, [batch.name for batch, _, _ in desk.made])
    systems = work.campus.campus.systems
    theirs = [one for one in outgoing(work) if one.batch.kind in KINDS and one.batch.system in systems]
    found = rows(theirs, work.campus, parts)
    if found:
        files.replace(work.folder.parent / f"{NAME}.html", [html(found, work).encode()])
        files.replace(work.folder.parent / f"{NAME}.xlsx", [xlsx(found, work)])


def html(found: Sequence[RunSheetRow], work: Work) -> str:
    """Write the page: one line per file, then what each is made of."""
    settings = work.campus.campus
    return (
        pages.environment(*FOLDERS)
        .get_template(f"{NAME}.html.j2")
        .render(
            campus=settings.title,
            environment=settings.environment,
            shadow=settings.mode == "shadow",
            currency=settings.currency,
            day=work.today.isoformat(),
            run=_run(work),
            rows=found,
        )
    )


def xlsx(found: Sequence[RunSheetRow], work: Work) -> bytes:
    """Write the workbook.  Every cell is text, so that no name, number or amount is changed by the program it opens."""
    title = f"{work.campus.campus.title}, run sheet {_run(work)}"
    return workbook.pack(title, work.today, sheets(found, work.campus.campus.currency))


def sheets(found: Sequence[RunSheetRow], currency: str) -> Iterator[Sheet]:
    """The files in loading order, and their parts."""
    money = f"Amount {currency}"
    head = [("Step", 6), ("File", 46), ("Kind", 12), ("Lines", 10), (money, 18), ("Where it is", 46), ("Replaces", 46)]
    head += [("System", 14), ("Group type", 11), ("Business unit", 14), ("Layout id", 12), ("Control totals", 30)]
    yield Sheet("Run sheet", [*head, ("Day", 12), ("Form", 24)], map(_cells, found))
    head = [("Step", 6), ("File", 46), ("Item", 16), ("Fund", 30), ("Lines", 10), (money, 18)]
    yield Sheet("Subtotals", head, [cells for row in found for cells in _parts(row)])


def _cells(row: RunSheetRow) -> tuple[str, ...]:
    said = (str(row.step), row.file, row.kind, *_figures(row.total), row.where, row.replaces)
    asked = (row.system, row.group_type, row.business_unit, row.layout_id, row.control)
    return (*said, *asked, row.business_date, row.layout)


def _parts(row: RunSheetRow) -> Iterator[tuple[str, ...]]:
    for part in row.subtotals:
        yield str(row.step), row.file, part.item, part.fund, *_figures(part.total)


def _figures(total: Tally) -> tuple[str, str]:
    return str(total.count), printable.amount(total.cents)


def _run(work: Work) -> str:
    return f"{work.run.business_date}-{work.run.sequence:02d}"
