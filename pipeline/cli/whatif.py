"""A changed campus file tried on past nights: every row whose route, code, amount or file would differ."""

from __future__ import annotations

import json
import tempfile
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from pydantic import ValidationError

from pipeline.campus.load import Loaded, load
from pipeline.campus.settings import Campus
from pipeline.cli import world
from pipeline.cli.books import ledger_of
from pipeline.cli.failures import UsageError
from pipeline.cli.replay import CODES, PastRun, days, past, replay
from pipeline.cli.run import CAMPUS_FILE
from pipeline.money import dollars

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.cli.replay import Key, Replayed, Sent
    from pipeline.ports.ledger import Run

SAME, DIFFERENT, UNUSABLE = 0, 1, 2
LEFT_OUT = (
    "looks in Alma (what a fee that fell was settled by, and postings)",
    "what people approved or rejected; every brake counts as approved",
    "what was charged before the first of these nights",
)
"""What a replay cannot know; both campus files are replayed without it."""


@dataclass(frozen=True)
class Change:
    """A movement, or a fee as a whole, that fares otherwise: in what, and how under the old file and the new."""

    key: Key
    what: tuple[str, ...]
    old: dict[str, str]
    new: dict[str, str]


def whatif(campus: Path, nights: int, old: Path | None, *, as_json: bool) -> int:
    """Tell what would differ; exit code 0 for nothing, 1 for differences, 2 where a replay stopped."""
    world.give_memory_back()
    new = load(campus)
    before = load(old) if old else None
    home = before or new
    history = _history(home, nights)
    before = before or _last_run_under(new, [one.run for one in history])
    with tempfile.TemporaryDirectory(prefix="bursar-whatif-") as folder:
        both = [
            replay(_at_home(one, home), history, Path(folder) / name) for name, one in (("old", before), ("new", new))
        ]
    told = _told(history, *both)
    typer.echo(json.dumps(told, ensure_ascii=False, indent=1) if as_json else _words(told))
    if told["stopped"]["old"] or told["stopped"]["new"]:
        return UNUSABLE
    return DIFFERENT if told["rows"] or told["files"] else SAME


def _history(home: Loaded, nights: int) -> list[PastRun]:
    """Read the past; a ledger that is not there is not made."""
    history: list[PastRun] = []
    if (home.state / "ledger.sqlite").is_file():
        with ledger_of(home.identity) as ledger:
            history = past(ledger, nights)
    if not history:
        message = f"{home.state}: no night was run there by {home.campus.name}; there is nothing to replay"
        raise UsageError(message)
    return history


def _last_run_under(new: Loaded, runs: Sequence[Run]) -> Loaded:
    """Find what the newest run was made under; it keeps that in its folder."""
    for run in reversed(runs):
        kept = new.state / "runs" / f"{run.business_date}-{run.sequence:02d}" / CAMPUS_FILE
        if kept.is_file():
            try:
                said = Campus.model_validate_json(kept.read_bytes())
            except ValidationError:
                break
            return replace(new, campus=said)
    message = f"{new.state}: no run has kept the campus file it was made under; name that file with --old"
    raise UsageError(message)


def _at_home(loaded: Loaded, home: Loaded) -> Loaded:
    """Both replays read the same archive, wherever their campus files lie."""
    folders = loaded.campus.folders.model_copy(update={"state": str(home.state)})
    same = {"name": home.campus.name, "environment": home.campus.environment}
    return replace(loaded, campus=loaded.campus.model_copy(update={"folders": folders, **same}))


def changes(old: Replayed, new: Replayed) -> Iterator[Change]:
    """Give every movement that differs, then every fee that is in another box under one of the two."""
    for key in sorted({*old.sent, *new.sent}):
        one, other = old.sent.get(key), new.sent.get(key)
        what = _what(one, other)
        if what:
            yield Change(key, what, _shown(one, key, old), _shown(other, key, new))
    for key in sorted({*old.boxed, *new.boxed}):
        sent = {(source, fee) for replayed in (old, new) for source, fee, _ in replayed.sent}
        if key[:2] not in sent and old.boxed.get(key) != new.boxed.get(key):
            yield Change(key, ("box",), _shown(None, key, old), _shown(None, key, new))


def _what(one: Sent | None, other: Sent | None) -> tuple[str, ...]:
    if one is None or other is None:
        return ("sent",)
    pairs = {
        "route": (one.system, other.system),
        "kind": (one.kind, other.kind),
        "code": (one.codes, other.codes),
        "amount": (one.cents, other.cents),
        "file": (one.file, other.file),
    }
    return tuple(name for name, (left, right) in pairs.items() if left != right)


def _shown(sent: Sent | None, key: Key, replayed: Replayed) -> dict[str, str]:
    if sent is None:
        return {"box": replayed.boxed.get((*key[:2], 0), "nowhere")}
    codes = dict(zip(CODES, sent.codes, strict=True))
    return {"system": sent.system, "kind": sent.kind, **codes, "amount": dollars(sent.cents), "file": sent.file}


def _told(history: Sequence[PastRun], old: Replayed, new: Replayed) -> dict[str, Any]:
    found = list(changes(old, new))
    dates = [day.isoformat() for day in days(history)]
    other = sorted(name for name in {*old.files, *new.files} if old.files.get(name) != new.files.get(name))
    return {
        "nights": len(dates),
        "first": dates[0],
        "last": dates[-1],
        "not_replayed": list(LEFT_OUT),
        "stopped": {"old": old.stops, "new": new.stops},
        "counts": dict(Counter(what for one in found for what in one.what)),
        "files": [{"name": name, "old": name in old.files, "new": name in new.files} for name in other],
        "rows": [
            {"source": one.key[0], "fee_id": one.key[1], "movement": one.key[2], "what": one.what}
            | {"old": one.old, "new": one.new}
            for one in found
        ],
    }


def _words(told: dict[str, Any]) -> str:
    lines = [f"{told['nights']} nights from {told['first']} to {told['last']}, replayed under both campus files"]
    lines += [f"not replayed: {text}" for text in told["not_replayed"]]
    lines += [f"stopped under the {side} file: {text}" for side in ("old", "new") for text in told["stopped"][side]]
    lines += [f"{what}: {count} rows differ" for what, count in told["counts"].items()]
    lines += [f"file {one['name']}: {_which(one)}" for one in told["files"]]
    lines += [_line(row) for row in told["rows"]]
    return "\n".join([*lines, *([] if told["rows"] or told["files"] else ["nothing would differ"])])


def _which(file: dict[str, Any]) -> str:
    if file["old"] and file["new"]:
        return "other bytes"
    return "only under the old file" if file["old"] else "only under the new file"


def _line(row: dict[str, Any]) -> str:
    place = f"  fee {row['fee_id']}" + (f", movement {row['movement']}" if row["movement"] else "")
    old, new = row["old"], row["new"]
    if not (old.keys() & new.keys() - {"box"}):
        return f"{place}: {', '.join(row['what'])}: {_place(old)} -> {_place(new)}"
    differing = [f"{name} {old[name] or 'none'} -> {new[name] or 'none'}" for name in old if old[name] != new[name]]
    return f"{place}: {', '.join(row['what'])}: {'; '.join(differing)}"


def _place(shown: dict[str, str]) -> str:
    return shown.get("box") or f"{shown['amount']} to {shown['system']}"
