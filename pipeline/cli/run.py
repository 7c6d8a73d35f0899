"""Running a night: the lock, the ledger, the real world, and an exit code that says what the operator must know."""

from __future__ import annotations

import getpass
from contextlib import ExitStack
from datetime import timedelta
from typing import TYPE_CHECKING

import typer

from pipeline import files, nightly
from pipeline.campus.approvals import approvable
from pipeline.campus.load import load
from pipeline.cli import world
from pipeline.cli.books import ledger_of
from pipeline.cli.failures import UsageError
from pipeline.cli.shadow import shadowed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.campus.load import Loaded
    from pipeline.ports.ledger import Run


CAMPUS_FILE = "campus.json"
"""What a run keeps, in its folder, of the campus file that it was made under; it names secrets and holds none."""


SAID = "said when the run was started"
"""Who said yes is written down first: a run may be broken off before it can tell what the yes let through."""


def run(command: str, campus: Path, day: date | None, approved: frozenset[str] = frozenset()) -> int:
    """Run ``night``, ``charges`` or ``payments`` of a campus for one business date; print one line and the report."""
    from pipeline.adapters.lock import Locked, run_lock

    loaded = load(campus, secrets=True)
    known_names(loaded, approved)
    today = world.today_at(loaded)
    _has_come(day or today, today)
    files.private_folder(loaded.state)
    try:
        with run_lock(loaded.state):
            night = carry_out(command, loaded, day or today, approved)
    except Locked as locked:
        typer.echo(f"{loaded.campus.name}: {locked}", err=True)
        return nightly.LOCKED
    for finding in night.findings:
        if finding.stops:
            typer.echo(f"{finding.code}: {finding.text}; {finding.entry.do}", err=True)
    typer.echo(f"{loaded.campus.name} {command} {night.today}: {nightly.summary(night)}")
    if (night.folder / "report.html").is_file():
        typer.echo(f"report: {night.folder / 'report.html'}")
    return night.exit_code


def carry_out(command: str, loaded: Loaded, day: date, approved: frozenset[str] = frozenset()) -> nightly.Night:
    """Run a command under a lock that the caller holds; give the night as it ended."""
    with ExitStack() as stack:
        outside = world.outside_of(loaded, stack)
        ledger = ledger_of(loaded.identity)
        stack.callback(ledger.close)
        _in_order(ledger.runs(1), day)
        started = ledger.begin_run(command, day, loaded.sha, outside.clock.now())
        folder = files.private_folder(loaded.state / "runs" / f"{day}-{started.sequence:02d}")
        files.replace(folder / CAMPUS_FILE, [loaded.campus.model_dump_json(indent=1).encode()])
        by = getpass.getuser() if approved else ""
        ledger.let_through(started, by, [(name, SAID) for name in sorted(approved)], outside.clock.now())
        night = nightly.Night(command, shadowed(loaded), day, started, ledger, outside, folder, approved, by)
        nightly.run_night(night)
    return night


def _has_come(day: date, today: date) -> None:
    """Refuse a day that lies ahead: no earlier one could be run after it, so a slip would stop the nights for years.

    It may be tomorrow already where the command is typed.
    """
    if day > today + timedelta(days=1):
        message = f"--date {day}: lies ahead, today is {today} at the campus; give today's date or an earlier one"
        raise UsageError(message)


def _in_order(last: Sequence[Run], day: date) -> None:
    """Files are named and replaced by date, so a night never lies before one that was run."""
    if last and day < last[0].business_date:
        message = f"--date {day}: a run of {last[0].business_date} was made already; give that date or a later one"
        raise UsageError(message)


def known_names(loaded: Loaded, approved: frozenset[str]) -> None:
    """Refuse an approval of a system or source that the campus does not have: it was meant for another."""
    names = approvable(loaded.campus)
    if strange := sorted(approved - set(names)):
        message = f"--approve {strange[0]}: there is no such system or source; the campus has {', '.join(names)}"
        raise UsageError(message)
