"""What staff have to do, oldest first, with all that they need for it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import typer

from pipeline.campus.identity import identity
from pipeline.cli.books import ledger_of
from pipeline.money import dollars
from pipeline.ports.ledger import TaskState

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.campus.identity import Identity
    from pipeline.ports.ledger import Task

FACTS = ("task_id", "kind", "opened_on", "cents", "system", "source", "fee_id", "reference", "patron_id", "subject")


def tasks(campus: Path, *, as_json: bool) -> int:
    """Print every open task; nothing is changed."""
    who = identity(campus)
    with ledger_of(who) as ledger:
        found = ledger.tasks(TaskState.OPEN)
    if as_json:
        told = {"campus": who.name, "environment": who.environment, "tasks": [_record(one) for one in found]}
        typer.echo(json.dumps(told, ensure_ascii=False))
        return 0
    if not found:
        typer.echo(f"{who.name}: nothing waits to be done")
    for task in found:
        typer.echo("\n".join(_lines(task, who)))
    return 0


def _record(task: Task) -> dict[str, Any]:
    return {**{name: getattr(task, name) for name in FACTS}, "text": task.text}


def _lines(task: Task, who: Identity) -> list[str]:
    fee = f"fee {task.fee_id}" + (f" ({task.reference})" if task.reference not in ("", task.fee_id) else "")
    about = ", ".join(part for part in (fee if task.fee_id else "", f"patron {task.patron_id}", task.system) if part)
    return [
        f"{task.opened_on}  {task.kind}: {dollars(task.cents)} {who.currency}, {about}",
        f"    {task.text}",
        f"    when it is done: bursar resolve {task.task_id} --settled-elsewhere --reason TEXT",
    ]
