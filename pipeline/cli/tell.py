"""Commands that only tell: the plan, the standing, where the report is.  None of them loads pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pipeline.campus.identity import identity
from pipeline.cli.books import ledger_of
from pipeline.money import dollars

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.ledger import Run

MOST_RUNS = 100
"""So many runs back a report is looked for."""


def plan() -> None:
    """Print the tables of the night, step by step."""
    from pipeline.nightly import plan_text

    typer.echo(plan_text(), nl=False)


def status(campus: Path) -> None:
    """Print how the last run went, who holds the lock, and what waits or is held."""
    from pipeline.adapters.lock import holder

    who = identity(campus)
    ledger = ledger_of(who)
    if not ledger.is_open():
        typer.echo(f"{who.name}: the ledger is not open; `bursar opening --empty` opens a new one")
        return
    typer.echo("last run: " + "".join(_run_line(run) for run in ledger.runs(1)) if ledger.runs(1) else "no run yet")
    at_work = holder(who.state)
    typer.echo(f"at work: {at_work}" if at_work else "at work: nobody")
    for noun, states in ledger.standing().items():
        for state, (count, cents) in states.items():
            typer.echo(f"{noun} {state}: {count}, {dollars(cents)} {who.currency}")
    for row in ledger.held_rows():
        typer.echo(f"{row['kind']} {row['subject']}: {row['code']}: {row['why']}")


def _run_line(run: Run) -> str:
    ended = f"exit {run.exit_code}, {run.summary}" if run.ended_at else "not ended: still at work, or it died"
    return f"{run.command} of {run.business_date}, number {run.sequence}: {ended}"


def newest_report(campus: Path) -> int:
    """Print the path of the newest morning report."""
    who = identity(campus)
    with ledger_of(who) as ledger:
        runs = ledger.runs(MOST_RUNS)
    pages = [who.state / "runs" / f"{run.business_date}-{run.sequence:02d}" / "report.html" for run in runs]
    newest = next((page for page in pages if page.is_file()), None)
    if newest is None:
        typer.echo(f"{who.name}: no run has made a report yet", err=True)
        return 1
    typer.echo(newest)
    return 0
