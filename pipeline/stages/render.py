"""Write tonight's files, in the form each system asks for."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.findings import Finding, Outcome
from pipeline.layouts import layout as layouts
from pipeline.ports.ledger import Batch
from pipeline.tables import tally

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from pipeline.flow.runner import Work


ORDER = ["patron_id", "fee_id", "movement"]
"""By which the rows of every file are sorted, so that the same input is the same file."""


def render(work: Work) -> Outcome:
    """Write one file per batch below the run's folder ``out/<system>``; the runner reads each back and compares."""
    used: Counter[tuple[str, str]] = Counter()
    made = []
    findings: list[Finding] = []
    for number, (system, kind) in enumerate(work.planned):
        sequence = work.ledger.next_sequence(system, kind) + used[system, kind]
        used[system, kind] += 1
        rows = _rows(work, number, system)
        findings += _altered(work, rows, system, kind)
        made.append(_file(work, rows, (system, kind), sequence))
    return Outcome(work.rows, {}, tuple(findings), made=tuple(made))


def _rows(work: Work, number: int, system: str) -> pd.DataFrame:
    """One file's rows in order, with no more columns than its layout, its order and its control totals take."""
    needed = {*_layout(work, system).sources, *ORDER, "amount_cents"}
    columns = [column for column in work.rows.columns if column in needed]
    return work.rows.loc[work.rows["batch"] == number, columns].sort_values(ORDER, kind="stable")


def _layout(work: Work, system: str) -> layouts.Layout:
    return layouts.load(work.campus.campus.systems[system].layout, work.campus.folder)


def _altered(work: Work, rows: pd.DataFrame, system: str, kind: str) -> list[Finding]:
    """Free text may be cut or folded where the layout says so; it is always told."""
    return [
        Finding("RENDER-ALTERED", system, f"{system}: {note.column}: {note.cut} cut, {note.folded} folded", "render")
        for note in layouts.notes(_layout(work, system), rows, kind)
        if note.cut or note.folded
    ]


def _file(work: Work, rows: pd.DataFrame, output: tuple[str, str], sequence: int) -> tuple[Batch, Path, str]:
    system, kind = output
    settings = work.campus.campus.systems[system]
    layout = _layout(work, system)
    name = work.prefix + layouts.file_name(layout, kind, work.today, sequence)
    path = work.folder / "out" / system / name
    sha = files.publish(path, layouts.write(layout, rows, kind, settings.constants))
    total = tally(rows)
    batch = Batch(
        system=system,
        kind=kind,
        sequence=sequence,
        part=1,
        scope=layout.scope,
        name=name,
        path=work.below_state(path),
        sha=sha,
        size=path.stat().st_size,
        count=total.count,
        cents=total.cents,
        business_date=work.today,
    )
    return batch, path, settings.layout
