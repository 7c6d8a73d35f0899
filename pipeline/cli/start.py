"""Getting started: a campus file to fill in, and the opening of a ledger."""

from __future__ import annotations

from typing import TYPE_CHECKING

import typer

from pipeline import files
from pipeline.campus.identity import identity
from pipeline.cli.account import account
from pipeline.cli.books import clock, ledger_of
from pipeline.cli.failures import UsageError

if TYPE_CHECKING:
    from pathlib import Path


def init(path: Path) -> None:
    """Write the commented campus file; never over an existing one."""
    from pipeline.campus import template

    if path.exists():
        message = f"{path}: exists already; give another name"
        raise UsageError(message)
    files.publish(path.resolve(), [template.campus_file().encode()])
    typer.echo(f"{path}: written; every line says what it means")


def opening(campus: Path, *, empty: bool) -> int:
    """Open the ledger of a campus where nothing was ever sent."""
    if not empty:
        message = "opening: say --empty if nothing was ever sent to the bursar or posted to Alma by this campus"
        raise UsageError(message)
    who = identity(campus)
    with ledger_of(who) as ledger:
        ledger.open_empty(account(), clock().now())
    typer.echo(f"{who.name}: the ledger is open; nothing was sent or posted before")
    return 0
