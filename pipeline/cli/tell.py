"""Commands that only tell: the plan, the standing, a fee's life, where the report is.  None of them loads pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pipeline.campus.identity import identity
from pipeline.cli.books import ledger_of
from pipeline.money import dollars

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.ports.ledger import Run

NEXT = {
    "held": "it comes back every night by itself and waits for a person: {do}",
    "waiting": "it comes back every night by itself until what it waits for has come",
    "excluded": "nothing more: by the campus's policy it never goes out",
    "charged": "it goes out once, with the file named above; a payment of it is taken off when the bursar reports one",
    "rejected": "nothing more: a person rejected it",
    "withdrawn": "nothing more: its source says otherwise by now; what it says instead stands under another version",
    "continued": "nothing of its own: it is the debt named above under another id, and is paid there",
}
"""What happens next to a fee, by its state."""

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


def explain(subject: str, campus: Path) -> int:
    """Tell a fee's life in order, and what happens next; exit code 1 where the ledger knows nothing of it."""
    who = identity(campus)
    ledger = ledger_of(who)
    story = ledger.story(subject)
    records = ledger.fee_record(subject)
    if not story and not records:
        typer.echo(f"{subject}: the ledger of {who.name} knows nothing under this name", err=True)
        return 1
    for row in story:
        typer.echo(f"{row['at'][:19].replace('T', ' ')}  {row['event']}: {row['text']}")
    for line in _next(records):
        typer.echo(line)
    return 0


def _next(records: Sequence[Mapping[str, str | int]]) -> list[str]:
    from pipeline.findings import catalogue

    lines = []
    for record in records:
        code = str(record["code"])
        do = catalogue()[code].do if code in catalogue() else ""
        what = NEXT[str(record["state"])].format(do=do)
        paid = int(record["paid_cents"])
        if paid:
            lines.append(f"{dollars(paid)} of {dollars(int(record['amount_cents']))} is paid at {record['system']}")
        lines.append(f"fee {record['fee_id']} is {record['state']}: next: {what}")
    return lines


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
