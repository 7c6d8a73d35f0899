"""The parallel run: the file of the process that is to be replaced, set against ours, differences by cause."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from pipeline import files
from pipeline.campus.load import load
from pipeline.cli.books import ledger_of
from pipeline.cli.contrast import AMOUNT, Contrast, contrast
from pipeline.cli.failures import UsageError
from pipeline.layouts import layout as layouts
from pipeline.money import dollars

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.campus.load import Loaded
    from pipeline.cli.contrast import Difference, Row

SAME, DIFFERENT, UNUSABLE = 0, 1, 2
MOST_RUNS = 400
"""So many runs back a file of ours is looked for."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks: the old file and its layout; the campus; which system, and which file of ours, if said."""

    file: Path
    layout: str
    campus: Path
    system: str = ""
    ours: Path | None = None


@dataclass(frozen=True)
class Side:
    """One side: the names of its files, its rows, and which columns they have."""

    names: tuple[str, ...]
    rows: Sequence[Row]
    columns: frozenset[str]

    def told(self) -> dict[str, Any]:
        """Give names, count and cents."""
        return {"files": self.names, "count": len(self.rows), "cents": sum(int(row[AMOUNT]) for row in self.rows)}


def compare(wish: Wish, *, as_json: bool) -> int:
    """Tell what differs; exit code 0 for nothing, 1 for differences, 2 where one of the files cannot be used."""
    loaded = load(wish.campus)
    system = wish.system or _system(loaded, wish.layout)
    if system not in loaded.campus.systems:
        message = f"--system {system}: there is no such system; the campus has {', '.join(loaded.campus.systems)}"
        raise UsageError(message)
    try:
        old = _side([wish.file], wish.layout, loaded)
        ours = _side([wish.ours] if wish.ours else _newest(loaded, system), _layout(loaded, system), loaded)
    except layouts.UnreadableFileError as refusal:
        typer.echo(f"{refusal.code}: {refusal}", err=True)
        return UNUSABLE
    shared = (old.columns & ours.columns) - {"line", "unreadable"}
    found = contrast(old.rows, ours.rows, shared)
    told = _told(system, old, ours, found)
    typer.echo(json.dumps(told, ensure_ascii=False, indent=1) if as_json else _words(told))
    return DIFFERENT if found.differences else SAME


def _layout(loaded: Loaded, system: str) -> str:
    return loaded.campus.systems[system].layout


def _system(loaded: Loaded, layout: str) -> str:
    """The only system, or the only one whose layout is of the same family; else a person must say."""
    systems = list(loaded.campus.systems)
    family = [name for name in systems if _layout(loaded, name).partition("/")[0] == layout.partition("/")[0]]
    for fitting in (systems, family):
        if len(fitting) == 1:
            return fitting[0]
    message = f"{layout}: say with --system which of {', '.join(systems)} it is for"
    raise UsageError(message)


def _side(paths: Sequence[Path], name: str, loaded: Loaded) -> Side:
    """Read the files of one side.  Raises UnreadableFileError, with the file's name in its text."""
    layout = layouts.load(name, loaded.folder)
    if not layout.scope:
        message = f"{name}: is not a layout of files that go to a bursar"
        raise UsageError(message)
    rows: list[Row] = []
    columns: set[str] = set()
    for path in paths:
        try:
            read = layouts.read(layout, path).rows
        except layouts.UnreadableFileError as refusal:
            refusal.args = (f"{path}: {refusal}",)
            raise
        columns |= set(read.columns)
        rows += read.to_dict("records")  # type: ignore[arg-type]  # every column is text or a whole number
    return Side(tuple(path.name for path in paths), rows, frozenset(columns))


def _newest(loaded: Loaded, system: str) -> list[Path]:
    """Find the files that the newest run with any made for a system; each must be as the ledger knows it."""
    with ledger_of(loaded.identity) as ledger:
        for run in ledger.runs(MOST_RUNS):
            folder = loaded.state / "runs" / f"{run.business_date}-{run.sequence:02d}" / "charges_out" / "out" / system
            made = {path.name: path for path in sorted(folder.glob("*")) if not path.name.startswith(".")}
            booked = {one.batch.name: one.batch for one in ledger.uploads_of(list(made)) if one.batch.name in made}
            for name, batch in booked.items():
                if files.sha256(made[name]) != batch.sha:
                    message = f"{made[name]}: was changed since it was made; restore it, or name another with --with"
                    raise UsageError(message)
            if booked:
                return [made[name] for name in sorted(booked)]
    message = f"{system}: no run has made a file yet; name one with --with"
    raise UsageError(message)


def _told(system: str, old: Side, ours: Side, found: Contrast) -> dict[str, Any]:
    return {
        "system": system,
        "old": old.told(),
        "ours": ours.told(),
        "same": {"count": found.same.count, "cents": found.same.cents},
        "causes": {cause: {"count": one.count, "cents": one.cents} for cause, one in found.by_cause().items()},
        "rows": [_row(one) for one in found.differences],
    }


def _row(one: Difference) -> dict[str, Any]:
    differing = {name: {"old": one.old[name], "ours": one.ours[name]} for name in one.columns if one.old and one.ours}
    return {"causes": one.causes, "differs": differing, "old": one.old, "ours": one.ours}


def _words(told: dict[str, Any]) -> str:
    lines = [
        f"{side}: {', '.join(told[side]['files'])}: {told[side]['count']} rows, {dollars(told[side]['cents'])}"
        for side in ("old", "ours")
    ]
    lines.append(f"the same: {told['same']['count']} rows, {dollars(told['same']['cents'])}")
    lines += [f"{cause}: {one['count']} rows, {dollars(one['cents'])}" for cause, one in told["causes"].items()]
    return "\n".join([*lines, *(_line(row) for row in told["rows"])])


def _line(row: dict[str, Any]) -> str:
    one = row["ours"] or row["old"]
    who = [str(one[name]) for name in ("reference", "patron_id") if one.get(name)]
    says = [
        f"{name} {_shown(name, both['old'])} there, {_shown(name, both['ours'])} here"
        for name, both in row["differs"].items()
    ]
    if one["unreadable"]:
        says.append(one["unreadable"])
    place = ", ".join([f"line {one['line']}", *who, dollars(one[AMOUNT])])
    return ": ".join([f"  {', '.join(row['causes'])}", place, *(["; ".join(says)] if says else [])])


def _shown(name: str, value: str | int) -> str:
    return dollars(int(value)) if name == AMOUNT else repr(value)
