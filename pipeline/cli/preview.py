"""What would be sent: charges out up to files on disk, with an empty ledger in memory and no network."""

from __future__ import annotations

import json
import os
from collections import Counter
from contextlib import ExitStack, nullcontext
from typing import TYPE_CHECKING, Any

import typer

from pipeline import files, nightly, stages, tables
from pipeline.campus.load import load
from pipeline.cli import world
from pipeline.cli.books import clock
from pipeline.cli.failures import UsageError
from pipeline.findings import BOXES
from pipeline.flow import runner
from pipeline.flow.runner import Outside, Work, own_money
from pipeline.money import Tally, dollars, total
from pipeline.tables import tally

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.ports.outside import Place

HELD, REFUSED = 1, 2
MOST_REASONS = 20


def preview(
    exports: Sequence[Path], campus: Path, out: Path, day: date | None, *, as_json: bool, second_opinion: bool
) -> int:
    """Write the files that a night would send below ``out`` and tell what became of every fee.

    Exit code 0: nothing held; 1: something held; 2: a file was refused (the others go on).
    """
    loaded = load(campus)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        message = f"{out}: must be a new or an empty folder"
        raise UsageError(message)
    world.give_memory_back()
    with ExitStack() as stack:
        opinion = stack.enter_context(world.second_opinion() if second_opinion else nullcontext())
        work = _desk(loaded, out, day or world.today_at(loaded), Outside(clock(), _nowhere, opinion=opinion))
        missing = _lay_out(work, exports)
        with nightly.told(work):
            runner.run(nightly.PREVIEW, work, stages.find, nightly.KNOWN)
    told = _told(work, missing)
    typer.echo(json.dumps(told, ensure_ascii=False, indent=1) if as_json else _words(told))
    if told["refused"] or not told["balanced"]:
        return REFUSED
    return HELD if told["held"]["count"] else 0


def _desk(loaded: Loaded, out: Path, day: date, outside: Outside) -> Work:
    from pipeline.adapters.ledger import open_ledger

    ledger = open_ledger("sqlite://", loaded.campus.name, loaded.campus.environment)
    now = outside.clock.now()
    ledger.open_empty("preview", now)
    run = ledger.begin_run("preview", day, loaded.sha, now)
    return Work("PREVIEW", loaded, day, run, ledger, outside, out, keep_stages=False, prefix="PREVIEW_")


def _nowhere(connection: str, folder: str) -> Place:
    message = f"preview: {connection}/{folder}: a preview touches nothing outside"
    raise UsageError(message)


def _lay_out(work: Work, exports: Sequence[Path]) -> list[dict[str, str]]:
    """Put the files given on the desk; those that cannot be read are refused, and the others go on."""
    refused: list[dict[str, str]] = []
    there: dict[str, list[str]] = {"sha": [], "name": [], "path": []}
    for path in exports:
        shown = os.fsencode(path).decode("utf-8", "replace")
        why = "its name is not UTF-8; rename it" if shown != str(path) else ""
        why = why or ("" if path.is_file() else "no such file, or not a plain one")
        sha = ""
        try:
            sha = "" if why else files.sha256(path)
        except OSError as error:
            why = str(error.strerror)
        if why:
            refused.append({"file": shown, "code": "FILE-MISSING", "why": f"{shown}: {why}"})
            continue
        for name, value in (("sha", sha), ("name", path.name), ("path", str(path))):
            there[name].append(value)
    count = len(there["sha"])
    source = next(iter(work.campus.campus.sources))
    work.table = tables.FILES.frame({**there, "feed": [source] * count, "reader": ["alma_export"] * count})
    return refused


def _told(work: Work, missing: list[dict[str, str]]) -> dict[str, Any]:
    currency = work.campus.campus.currency
    boxes = {box: work.box(box) for box in BOXES}
    tallies = {box: own_money(frame, currency) for box, frame in boxes.items()}
    sent = _sent(work)
    refused = [
        {"file": finding.where, "code": finding.code, "why": finding.text}
        for finding in work.findings
        if finding.spoils_file
    ]
    read = work.fees_read or Tally()
    whole = total([*tallies.values(), *(Tally(one["count"], one["cents"]) for one in sent.values())])
    return {
        "date": work.today.isoformat(),
        "read": _pair(read),
        "sent": sent,
        "held": _held(boxes["held"], currency),
        **{box: _pair(tallies[box]) for box in BOXES if box != "held"},
        "refused": [*missing, *refused],
        "findings": [
            *(f"{finding.code}: {finding.text}" for finding in work.findings if not finding.spoils_file),
            *_reasons(boxes["held"]),
        ],
        "balanced": read == whole and all(line.balanced for line in work.lines),
    }


def _reasons(held: pd.DataFrame | None) -> list[str]:
    """Name the commonest reasons for which rows are held, so that a campus file can be mended from a preview."""
    if held is None:
        return []
    counts = Counter(zip(held["code"].tolist(), held["why"].tolist(), strict=True))
    return [f"{code}: {why} ({count})" for (code, why), count in counts.most_common(MOST_REASONS)]


def _sent(work: Work) -> dict[str, dict[str, Any]]:
    sent: dict[str, dict[str, Any]] = {}
    for batch, path, _ in work.made:
        one = sent.setdefault(f"{batch.system}/{tables.PLURAL[batch.kind]}", {"count": 0, "cents": 0, "files": []})
        one["count"] += batch.count
        one["cents"] += batch.cents
        one["files"].append(str(path.relative_to(work.folder)))
    return sent


def _held(frame: pd.DataFrame | None, currency: str) -> dict[str, Any]:
    if frame is None:
        return {"count": 0, "cents": 0, "by_code": {}, "other_currency": {}}
    foreign = frame[frame["currency"] != currency]
    return {
        **_pair(own_money(frame, currency)),
        "by_code": {str(code): _pair(own_money(rows, currency)) for code, rows in frame.groupby("code", sort=True)},
        "other_currency": {str(other): _pair(tally(rows)) for other, rows in foreign.groupby("currency", sort=True)},
    }


def _pair(amount: Tally) -> dict[str, int]:
    return {"count": amount.count, "cents": amount.cents}


def _words(told: dict[str, Any]) -> str:
    lines = [f"read {told['read']['count']} fees, {dollars(told['read']['cents'])}"]
    for output, one in told["sent"].items():
        lines.append(f"{output}: {one['count']} lines, {dollars(one['cents'])}: {', '.join(one['files'])}")
    lines += [f"{box}: {told[box]['count']}, {dollars(told[box]['cents'])}" for box in BOXES if told[box]["count"]]
    lines += [f"  {code}: {one['count']}, {dollars(one['cents'])}" for code, one in told["held"]["by_code"].items()]
    lines += [f"refused: {one['why']}" for one in told["refused"]]
    lines += told["findings"]
    return "\n".join([*lines, "balanced" if told["balanced"] else "NOT BALANCED"])
