"""The demo: nights of the sample campus against a campus in a box, until one sends and posts nothing."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import typer

from pipeline import files, nightly
from pipeline.campus.load import load
from pipeline.cli import run
from pipeline.cli.books import clock, ledger_of
from pipeline.money import dollars
from pipeline.ports.ledger import PostingState
from pipeline.sandbox.campus_box import Box

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.campus.load import Loaded

FIRST_DAY = date(2026, 1, 5)
MOST_NIGHTS = 12
SATURDAY = 5


@dataclass
class Counts:
    """What this command did, over all its nights."""

    sent: int = 0
    posted: int = 0
    known: int = 0
    balanced: bool = True
    stopped: bool = False
    reports: list[Path] = field(default_factory=list)


def demo(folder: Path) -> int:
    """Run the demo below ``folder``, where its state stays for the next time; exit code 0 when all is balanced."""
    from pipeline.adapters.lock import Locked, run_lock

    try:
        with run_lock(files.private_folder(folder)):
            return _demo(folder)
    except Locked as locked:
        typer.echo(f"{folder}: {locked}", err=True)
        return nightly.LOCKED


def _demo(folder: Path) -> int:
    counts = Counts()
    with ExitStack() as stack:
        box = stack.enter_context(Box(folder / "box", clock()))
        loaded = campus_of(box, folder)
        exports = _deliver_exports(box)
        for export in exports:
            box.alma.load_from_export(export)
        earlier = _open_and_recall(loaded)
        _nights(loaded, box, counts, earlier)
    typer.echo(f"reports: {', '.join(str(path) for path in counts.reports)}")
    verdict = "balanced" if counts.balanced else "NOT BALANCED"
    typer.echo(
        f"demo: {counts.sent} files sent, {counts.posted} payments posted, {counts.known} already known, {verdict}"
    )
    return 0 if counts.balanced and not counts.stopped else nightly.OPERATOR


def _nights(loaded: Loaded, box: Box, counts: Counts, earlier: frozenset[str]) -> None:
    day = _next_day(loaded)
    for _ in range(MOST_NIGHTS):
        night = run.carry_out("night", loaded, day)
        _count(night, counts, earlier)
        typer.echo(f"{day}: {nightly.summary(night)}")
        for finding in night.findings:
            if finding.stops:
                typer.echo(f"  {finding.code}: {finding.text}", err=True)
        if night.sent == 0 and night.posted == 0:
            return
        box.office.business_day(day)
        day = _after(day)


def _count(night: nightly.Night, counts: Counts, earlier: frozenset[str]) -> None:
    known = night.desks["PAYMENTS_IN"].box("duplicate")
    counts.sent += night.sent
    counts.posted += night.posted
    counts.known += 0 if known is None else int(known["payment_key"].isin(earlier).sum())
    counts.balanced &= all(line.balanced for desk in night.desks.values() for line in desk.lines)
    counts.stopped |= night.exit_code == nightly.OPERATOR
    counts.reports.append(night.folder / "report.html")
    for batch, _, _ in night.desks["CHARGES_OUT"].made:
        typer.echo(f"  {batch.name}: {batch.count} lines, {dollars(batch.cents)}")


def _open_and_recall(loaded: Loaded) -> frozenset[str]:
    """Open the ledger the first time; later, know which payments an earlier command has posted."""
    ledger = ledger_of(loaded.identity)
    try:
        if not ledger.is_open():
            ledger.open_empty("demo", clock().now())
        posted = ledger.postings(PostingState.POSTED, PostingState.VERIFIED)
        return frozenset(posting.payment_key for posting in posted)
    finally:
        ledger.close()


def _next_day(loaded: Loaded) -> date:
    ledger = ledger_of(loaded.identity)
    try:
        last = ledger.runs(1)
    finally:
        ledger.close()
    return _after(last[0].business_date) if last else FIRST_DAY


def _after(day: date) -> date:
    following = day + timedelta(days=1)
    return following if following.weekday() < SATURDAY else _after(following)


def _deliver_exports(box: Box) -> list[Path]:
    """Alma delivers the same exports again every time the demo is started."""
    samples = sorted(files.resource("sample_data/export/exports").glob("*.xml"))
    for sample in samples:
        shutil.copyfile(sample, files.private_folder(box.exports_folder) / sample.name)
    return samples


def campus_of(box: Box, folder: Path) -> Loaded:
    """Write the campus file that points the sample campus at the box, and load it."""
    base = files.resource("sample_data/export/campus.toml").resolve()
    text = toml({"base": str(base), **box.overlay()})
    path = folder.resolve() / "campus.toml"
    files.replace(path, [text.encode()])
    return load(path, secrets=True)


def toml(table: dict[str, Any], above: str = "") -> str:
    """Write a table of strings, numbers, lists and tables as TOML."""
    plain = [f"{key} = {_value(value)}" for key, value in table.items() if not isinstance(value, dict)]
    lines = [*([f"\n[{above}]"] if above and plain else []), *plain]
    for key, value in table.items():
        if isinstance(value, dict):
            lines.append(toml(value, f"{above}.{key}" if above else key))
    return "\n".join(lines) + ("" if above else "\n")


def _value(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(one) for one in value)}]"
    if isinstance(value, bool | int | float):
        return str(value).lower()
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def up(folder: Path) -> int:
    """Keep a campus in a box running until it is stopped, with a campus file that points at it."""
    with Box(folder / "box", clock()) as box:
        for export in _deliver_exports(box):
            box.alma.load_from_export(export)
        campus_of(box, folder)
        typer.echo(f"campus file: {folder / 'campus.toml'}; open its ledger with `bursar opening --empty` first")
        box.serve(typer.echo)
    return 0
