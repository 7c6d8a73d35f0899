"""Decisions that only a person can make, written down with their name and reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from pipeline.campus.identity import identity
from pipeline.cli.account import account
from pipeline.cli.books import clock, ledger_of
from pipeline.cli.failures import UsageError
from pipeline.findings import catalogue
from pipeline.ports.ledger import FeeState

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.adapters.ledger import SqlLedger

PLACED = "CREDIT-UNRESOLVED"
"""Why a credit waits for somebody to say which charge it is for."""

PENDING = (FeeState.HELD, FeeState.WAITING)


@dataclass(frozen=True, slots=True)
class Word:
    """A person's yes: why, and for a credit the fee it is for."""

    reason: str
    against: str = ""


def reject(fee: str, campus: Path, version: int | None, reason: str) -> int:
    """End a held fee for good; with several held versions one must be named."""
    why = _said(fee, reason)
    with ledger_of(identity(campus)) as ledger:
        chosen = _chosen(ledger, fee, version)
        ledger.reject_fee(fee, chosen, account(), why, clock().now())
    typer.echo(f"{fee}, version {chosen}: rejected; it does not come back")
    return 0


def approve(fee: str, campus: Path, version: int | None, word: Word) -> int:
    """Write down a person's yes to a held fee; with several held versions one must be named."""
    why = _said(fee, word.reason)
    with ledger_of(identity(campus)) as ledger:
        chosen = _chosen(ledger, fee, version)
        _may_be_approved(ledger, fee, chosen, word)
        ledger.approve_fee(fee, chosen, word.against, account(), why, clock().now())
    debt = f" against fee {word.against}" if word.against else ""
    typer.echo(f"{fee}, version {chosen}: approved{debt}; the next night takes it along, if nothing else holds it back")
    return 0


def _may_be_approved(ledger: SqlLedger, fee: str, version: int, word: Word) -> None:
    """A yes that nobody reads would be a promise: what else holds a fee back is put right, not approved."""
    [code] = {str(record["code"]) for record in ledger.fee_record(fee) if record["version"] == version}
    entry = catalogue().get(code)
    if entry is None or not entry.yes:
        do = f": {entry.do}" if entry else ""
        message = f"{fee}, version {version}: it is held as {code}, which no yes lets go{do}"
        raise UsageError(message)
    if (code == PLACED) != bool(word.against):
        message = f"{fee}: --against names the fee that a credit is for, of a credit that is held as {PLACED}"
        raise UsageError(message)


def _said(fee: str, reason: str) -> str:
    if not reason.strip():
        message = f"{fee}: say why with --reason"
        raise UsageError(message)
    return reason.strip()


def _chosen(ledger: SqlLedger, fee: str, version: int | None) -> int:
    held = [int(record["version"]) for record in ledger.fee_record(fee) if record["state"] in PENDING]
    chosen = [version] if version in held else held if version is None else []
    if len(chosen) != 1 or chosen[0] is None:
        message = f"{fee}: held or waiting are versions {held or 'none'}; name one of them with --version"
        raise UsageError(message)
    return chosen[0]
