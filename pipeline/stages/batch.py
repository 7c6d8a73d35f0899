"""Which movements travel in which file: what is new for a delta, everything outstanding for a snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.findings import Finding, Outcome
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from pipeline.rules import Sorting
from pipeline.tables import tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded


@dataclass(frozen=True)
class Outstanding:
    """What the ledger says about one snapshot system.

    ``items`` are owed there, ``last`` is what its newest file there says; ``unsent``: a later file never arrived.
    """

    items: pd.DataFrame
    last: pd.DataFrame
    unsent: bool


@dataclass(frozen=True)
class File:
    """One file to be made: its system, its kind, which of tonight's rows stand in it, and what it carries along."""

    system: str
    kind: str
    positions: Sequence[int]
    carried: pd.DataFrame | None = None


def batch(
    movements: pd.DataFrame,
    campus: Loaded,
    today: date,  # noqa: ARG001 - every stage has this form
    *,
    open_items: pd.DataFrame,
    last_snapshots: pd.DataFrame,
    standing: pd.DataFrame,
) -> Outcome:
    """Give every movement its file (tables.LINES); hold those whose file must wait for a person.

    ``open_items`` are tables.MOVEMENTS with ``has_line``, ``last_snapshots`` (system, fee_id, amount_cents) the rows
    of the newest snapshots, ``standing`` (system, unsent, unread, approved) what a system's files depend on tonight.
    """
    rows = Sorting(movements)
    files: list[File] = []
    findings: list[Finding] = []
    order = rows.frame[ORDER].sort_values(["patron_id", "fee_id", "movement"], kind="stable")
    for name in sorted(campus.campus.systems):
        layout = layouts.load(campus.campus.systems[name].layout, campus.folder)
        new = order[order["system"] == name]
        if layout.scope != "snapshot":
            files += _delta(name, new, layout.max_lines)
            continue
        owed = Outstanding(
            open_items[open_items["system"] == name],
            last_snapshots[last_snapshots["system"] == name],
            _is(standing, name, "unsent"),
        )
        fault = _unread(name, standing) or _too_small(name, new, owed, campus)
        if fault and fault.code == "SNAPSHOT-SMALLER" and _is(standing, name, "approved"):
            findings.append(Finding("SNAPSHOT-APPROVED", name, f"approved for this run: {fault.text}", "batch"))
            fault = None
        if fault:
            findings.append(fault)
            rows.hold(rows.frame["system"] == name, "OUTPUT-STOPPED", "its file waits for a person: " + fault.code)
        else:
            files += _snapshot(name, new, owed)
    planned = tuple((file.system, file.kind) for file in files)
    return Outcome(_lines(rows.frame, files), rows.outcome().boxes, tuple(findings), planned)


def _is(standing: pd.DataFrame, system: str, what: str) -> bool:
    return bool(standing.loc[standing["system"] == system, what].any())


NOWHERE = -1

ORDER = ["system", "kind", "patron_id", "fee_id", "movement", "amount_cents"]
"""What decides which file a movement stands in, and where; the index is its place in tonight's table."""


def _delta(system: str, new: pd.DataFrame, most: int | None) -> list[File]:
    """One file per kind, cut where the system takes no more lines; sorted, so that the same input is the same file."""
    files = []
    for kind, rows in new.groupby("kind", sort=True):
        size = most or len(rows)
        parts = (rows.index[start : start + size].tolist() for start in range(0, len(rows), size))
        files += [File(system, str(kind), part) for part in parts]
    return files


def _snapshot(system: str, new: pd.DataFrame, owed: Outstanding) -> list[File]:
    """Everything outstanding, once; nothing where the newest file says the same already.  It may come to no rows.

    A file that never arrived is old news by now: the new one takes its place, whatever it says.
    """
    if not len(new) and not owed.unsent and _rows_of(owed.items) == _rows_of(owed.last):
        return []
    carried = owed.items.drop(columns="has_line").assign(carried=True)
    return [File(system, "charge", new.index.tolist(), carried)]


def _rows_of(frame: pd.DataFrame) -> set[tuple[str, int]]:
    return set(zip(frame["fee_id"], frame["amount_cents"], strict=True))


def _unread(name: str, standing: pd.DataFrame) -> Finding | None:
    """What is paid must not be offered again: a full replacement waits until every payment of its system is read."""
    if not _is(standing, name, "unread"):
        return None
    return Finding("SNAPSHOT-UNREAD", name, f"{name}: not all its payments could be read tonight", "batch")


def _too_small(name: str, new: pd.DataFrame, owed: Outstanding, campus: Loaded) -> Finding | None:
    """A full replacement that is empty or shrunk may wipe out debts: that takes a person."""
    now, last = tally(new) + tally(owed.items), tally(owed.last)
    percent = campus.campus.systems[name].smaller_percent
    enough = now.count * 100 >= last.count * percent and now.cents * 100 >= last.cents * percent
    if last == Tally() or (now.count and enough):
        return None
    return Finding(
        "SNAPSHOT-SMALLER",
        name,
        f"{name}: the new snapshot has {now}, the last one {last}; less than {percent} % needs a person",
        "batch",
    )


def _lines(movements: pd.DataFrame, files: Sequence[File]) -> pd.DataFrame:
    """Say of every row in which file it stands.  Tonight's rows stay where they are: a copy of a night is large."""
    import numpy as np
    import pandas as pd

    number = np.full(len(movements), NOWHERE, dtype="int64")
    for place, file in enumerate(files):
        number[file.positions] = place
    lines = movements.assign(batch=number, carried=False)
    lines = lines if (number != NOWHERE).all() else lines[number != NOWHERE].reset_index(drop=True)
    carried = [
        file.carried.assign(batch=place)
        for place, file in enumerate(files)
        if file.carried is not None and len(file.carried)
    ]
    if carried:
        lines = pd.concat([lines, *carried], ignore_index=True)
    lines = lines[list(tables.LINES.names)].astype({"batch": "int64", "carried": "bool"})
    return tables.checked(lines, tables.LINES, "batch")
