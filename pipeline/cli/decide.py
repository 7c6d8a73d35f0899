"""Decisions that only a person can make, written down with their name and reason."""

from __future__ import annotations

import getpass
from typing import TYPE_CHECKING

import typer

from pipeline.campus.identity import identity
from pipeline.cli.books import clock, ledger_of
from pipeline.cli.failures import UsageError
from pipeline.ports.ledger import FeeState

if TYPE_CHECKING:
    from pathlib import Path

PENDING = (FeeState.HELD, FeeState.WAITING)


def reject(fee: str, campus: Path, version: int | None, reason: str) -> int:
    """End a held fee for good; with several held versions one must be named."""
    if not reason.strip():
        message = f"{fee}: say why with --reason"
        raise UsageError(message)
    with ledger_of(identity(campus)) as ledger:
        held = [int(record["version"]) for record in ledger.fee_record(fee) if record["state"] in PENDING]
        chosen = [version] if version in held else held if version is None else []
        if len(chosen) != 1:
            message = f"{fee}: held or waiting are versions {held or 'none'}; name one of them with --version"
            raise UsageError(message)
        ledger.reject_fee(fee, chosen[0], getpass.getuser(), reason.strip(), clock().now())
    typer.echo(f"{fee}, version {chosen[0]}: rejected; it does not come back")
    return 0
