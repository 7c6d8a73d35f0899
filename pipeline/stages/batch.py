"""Which movements travel in which file: what is new for a delta, everything outstanding for a snapshot."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.findings import Finding, Outcome
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from pipeline.rules import Sorting
from pipeline.stages.question import told
from pipeline.stages.scope import turned, without_a_place
from pipeline.stages.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.layouts.layout import Layout

NOWHERE = -2
"""As ``batch``: the movement stands in a box."""

ORDER = ["patron_id", "fee_id", "movement"]
"""What decides in which of several files a movement stands; render sorts the rows of each file by it."""

TWINS = ["bursar_id", "term", "item_type"]
"""Two reversals alike in these travel in two files: the bursar could not tell in one which charge each undoes."""


@dataclass(frozen=True)
class File:
    """One file to be made: its system, its kind, which of tonight's rows stand in it, and which of earlier nights."""

    system: str
    kind: str
    places: Sequence[int]
    carried: pd.DataFrame | None = None


def batch(
    movements: pd.DataFrame,
    campus: Loaded,
    today: date,  # noqa: ARG001 - every stage has this form
    *,
    repeated: pd.DataFrame,
    last_snapshots: pd.DataFrame,
    standing: pd.DataFrame,
) -> Outcome:
    """Give every movement its file (tables.LINES); hold those that have none, or whose file must wait for a person.

    ``repeated`` (tables.MOVEMENTS) is what earlier nights entered and tonight's files say: all that is owed, for a
    snapshot, else what stood in files that were given up.  ``last_snapshots`` (system, fee_id, amount_cents) are the
    rows of the newest snapshots, of systems that have no new debt tonight, ``standing`` (stages.system_files.standing)
    is what a system's files depend on.
    """
    plan = _Plan(Sorting(movements))
    for name in sorted(campus.campus.systems):
        system = campus.campus.systems[name]
        layout = layouts.load(system.layout, campus.folder)
        mine = plan.rows.frame["system"] == name
        depends = standing[standing["system"] == name]
        if fault := turned(name, layout, depends):
            plan.stop(name, fault)
            continue
        before = repeated[repeated["system"] == name]
        if layout.scope != "snapshot":
            # While a person is asked about its rows, nothing of a system goes out, what was given up neither.
            again = before if not depends["asked"].any() else before.head(0)
            plan.delta(name, mine, layout, again.reset_index(drop=True))
            continue
        first = mine & tables.first_charges(plan.rows.frame)
        snapshot = Snapshot(
            name,
            items=before,
            last=_tally(depends, "last"),
            made=_tally(depends, "made") if depends["unsent"].any() else None,
            said=last_snapshots[last_snapshots["system"] == name],
            first=plan.rows.frame.loc[first, ["fee_id", "amount_cents"]],
            later=plan.rows.frame[mine & ~first],
        )
        plan.snapshot(snapshot, depends, system.smaller_percent)
    return plan.outcome()


@dataclass
class _Plan:
    """What is decided so far: the files of tonight, and which movements stand in none because they change a row."""

    rows: Sorting
    files: list[File] = field(default_factory=list)
    folded: list[int] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def delta(self, system: str, mine: pd.Series[bool], layout: Layout, given_up: pd.DataFrame) -> None:
        """One file per kind, cut where the system takes no more lines; what was given up goes before what is new."""
        if fault := without_a_place(system, layout, given_up):
            self.stop(system, fault)
            return
        if len(given_up):
            says = f"{system}: into new files go {tables.tally(given_up)}, of files that were given up"
            self.findings.append(Finding("OUTPUT-AGAIN", system, says, "batch"))
        again = ((kind, given_up.loc[list(places)]) for kind, places in _parts(given_up, layout))
        self.files += [File(system, kind, [], rows) for kind, rows in again]
        frame = self.rows.frame
        served = frame["kind"].isin(layout.kinds)
        self.rows.hold(mine & ~served, "OUTPUT-NO-KIND", f"a {{kind}} has no place in the files of {layout.name}")
        new = frame.loc[mine & served, ["kind", *ORDER, *TWINS]]
        self.files += [File(system, kind, places) for kind, places in _parts(new, layout)]

    def snapshot(self, snapshot: Snapshot, standing: pd.DataFrame, percent: int) -> None:
        """Everything outstanding, once; nothing where the newest file says the same already.

        It may come to no rows.  A file that never arrived is old news by now: the new one takes its place, whatever it
        says.  What is paid must not be offered again: it waits until every payment of its system is read.
        """
        question = snapshot.too_small(percent)
        said = told([question], standing["yes"].item()) if question else []
        if standing["unread"].any():
            says = f"{snapshot.system}: not all its payments could be read tonight"
            said = [Finding("SNAPSHOT-UNREAD", snapshot.system, says, "batch")]
        if any(one.stops for one in said):
            self.stop(snapshot.system, said[0])
            return
        self.findings += said
        self.folded += snapshot.later.index.tolist()
        if snapshot.is_news or standing["unsent"].any():
            self.files.append(File(snapshot.system, "charge", snapshot.first.index.tolist(), snapshot.carried))

    def stop(self, system: str, fault: Finding) -> None:
        """Make no file of a system tonight."""
        self.findings.append(fault)
        mine = self.rows.frame["system"] == system
        self.rows.hold(mine, "OUTPUT-STOPPED", "its file waits for a person: " + fault.code)

    def outcome(self) -> Outcome:
        """Give the rows with their files, and the boxes."""
        planned = tuple((file.system, file.kind) for file in self.files)
        return Outcome(self._lines(), self.rows.outcome().boxes, tuple(self.findings), planned)

    def _lines(self) -> pd.DataFrame:
        """Say of every row in which file it stands.  Tonight's rows stay where they are: a copy of a night is large."""
        import numpy as np
        import pandas as pd

        number = np.full(len(self.rows.frame), NOWHERE, dtype="int64")
        number[self.folded] = tables.FOLDED
        for place, file in enumerate(self.files):
            number[file.places] = place
        tables.checked(self.rows.frame, tables.MOVEMENTS, "batch")
        lines = self.rows.frame.assign(batch=number, carried=False)
        lines = lines if (number != NOWHERE).all() else lines[number != NOWHERE].reset_index(drop=True)
        carried = [
            file.carried.assign(batch=place, carried=True)
            for place, file in enumerate(self.files)
            if file.carried is not None and len(file.carried)
        ]
        if carried:
            lines = pd.concat([lines, *carried], ignore_index=True)
        lines = lines[list(tables.LINES.names)].astype({"batch": "int64", "carried": "bool"})
        return tables.checked(lines, tables.LINES, "batch")


def _tally(depends: pd.DataFrame, name: str) -> Tally:
    return Tally(int(depends[name].iloc[0]), int(depends[f"{name}_cents"].iloc[0]))


def _parts(rows: pd.DataFrame, layout: Layout) -> Iterator[tuple[str, Sequence[int]]]:
    """Give kind and places of each file that these rows of a delta make."""
    for kind, same in rows.groupby("kind", sort=True):
        for part in _twins_apart(same) if kind == "reversal" else [same]:
            for places in _cut(part, layout.max_lines):
                yield str(kind), places


def _twins_apart(reversals: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """The first of all twins in one file, the second in the next; which is which does not hang on their order."""
    ordered = reversals.sort_values(ORDER, kind="stable")
    for _, part in ordered.groupby(ordered.groupby(TWINS).cumcount(), sort=True):
        yield part


def _cut(rows: pd.DataFrame, most: int | None) -> Iterator[Sequence[int]]:
    """The places of the rows, ``most`` at a time; in order only where the order decides what stands in which file."""
    if most is None or len(rows) <= most:
        yield rows.index.tolist()
        return
    places = rows.sort_values(ORDER, kind="stable").index.tolist()
    for start in range(0, len(places), most):
        yield places[start : start + most]
