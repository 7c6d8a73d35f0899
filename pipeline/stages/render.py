"""Write tonight's files, in the form each system asks for."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.findings import Finding, Outcome
from pipeline.layouts import layout as layouts
from pipeline.ports.ledger import Batch
from pipeline.stages.batch import ORDER
from pipeline.tables import tally

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from pipeline.flow.runner import Work
    from pipeline.money import Tally


@dataclass(frozen=True)
class Planned:
    """A file to be written: its system and kind, the number that makes its name unique, and its part of the night."""

    system: str
    kind: str
    sequence: int
    part: int


def render(work: Work) -> Outcome:
    """Write one file per batch below the run's folder ``out/<system>``; the runner reads each back and compares.

    Every file has a sequence of its own, and so a name that is never used again; ``part`` counts, for people, the files
    that one system is sent of one kind tonight.
    """
    parts: Counter[tuple[str, str]] = Counter()
    made = []
    findings: list[Finding] = []
    for number, (system, kind) in enumerate(work.planned):
        parts[system, kind] += 1
        part = parts[system, kind]
        planned = Planned(system, kind, work.ledger.next_sequence(system, kind) + part - 1, part)
        rows = _rows(work, number, system)
        written = layouts.as_written(rows)
        findings += _altered(work, written, planned)
        made.append(_file(work, written, tally(rows), planned))
    return Outcome(work.rows, {}, tuple(findings), made=tuple(made))


def _rows(work: Work, number: int, system: str) -> pd.DataFrame:
    """One file's rows in order, with no more columns than its layout, its order and its control totals take."""
    needed = {*_layout(work, system).sources, *ORDER, "bursar_id", "amount_cents"}
    columns = [column for column in work.rows.columns if column in needed]
    return layouts.in_order(work.rows.loc[work.rows["batch"] == number, columns], ORDER)


def _layout(work: Work, system: str) -> layouts.Layout:
    return layouts.load(work.campus.campus.systems[system].layout, work.campus.folder)


def _altered(work: Work, written: pd.DataFrame, planned: Planned) -> list[Finding]:
    """Free text may be cut or folded where the layout says so; it is always told."""
    system = planned.system
    return [
        Finding("RENDER-ALTERED", system, f"{system}: {note.column}: {note.cut} cut, {note.folded} folded", "render")
        for note in layouts.notes(_layout(work, system), written, planned.kind)
        if note.cut or note.folded
    ]


def _file(work: Work, written: pd.DataFrame, total: Tally, planned: Planned) -> tuple[Batch, Path, str]:
    """Write one file; ``total`` is what its rows are worth with their signs, as the ledger counts."""
    settings = work.campus.campus.systems[planned.system]
    layout = _layout(work, planned.system)
    name = work.prefix + layouts.file_name(layout, planned.kind, work.today, planned.sequence, planned.part)
    path = work.folder / "out" / planned.system / name
    sha = files.publish(path, layouts.write(layout, written, planned.kind, settings.constants))
    batch = Batch(
        **asdict(planned),
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
