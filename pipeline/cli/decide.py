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
from pipeline.ports.ledger import FeeState, Question

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.adapters.ledger import SqlLedger

PLACED = "CREDIT-UNRESOLVED"
"""Why a credit waits for somebody to say which charge it is for."""

PENDING = (FeeState.HELD, FeeState.WAITING)


@dataclass(frozen=True, slots=True)
class Named:
    """A fee as a person names it: by its id, and where that is not enough by version or source."""

    fee: str
    version: int | None = None
    source: str = ""


@dataclass(frozen=True, slots=True)
class Word:
    """A person's yes: why, and for a credit the fee it is for."""

    reason: str
    against: str = ""


def reject(named: Named, campus: Path, reason: str) -> int:
    """End a held fee for good; of several held versions one must be named."""
    why = _said(named.fee, reason)
    with ledger_of(identity(campus)) as ledger:
        question = _asked(ledger, named)
        ledger.reject_fee(question, account(), why, clock().now())
    typer.echo(f"{question}: rejected; it does not come back")
    return 0


def approve(named: Named, campus: Path, word: Word) -> int:
    """Write down a person's yes to what a fee is held for; of several held versions one must be named."""
    why = _said(named.fee, word.reason)
    with ledger_of(identity(campus)) as ledger:
        question = _asked(ledger, named)
        _may_be_approved(question, word)
        ledger.approve_fee(question, word.against, account(), why, clock().now())
    debt = f" against fee {word.against}" if word.against else ""
    typer.echo(f"{question}: {question.code} approved{debt}; the next night takes it along, if nothing else holds it")
    return 0


def _may_be_approved(question: Question, word: Word) -> None:
    """A yes that nobody reads would be a promise: what else holds a fee back is put right, not approved."""
    entry = catalogue().get(question.code)
    if entry is None or not entry.yes:
        do = f": {entry.do}" if entry else ""
        message = f"{question}: it is held as {question.code}, which no yes lets go{do}"
        raise UsageError(message)
    if (question.code == PLACED) != bool(word.against):
        message = f"{question}: --against names the fee that a credit is for, of a credit that is held as {PLACED}"
        raise UsageError(message)


def _said(fee: str, reason: str) -> str:
    if not reason.strip():
        message = f"{fee}: say why with --reason"
        raise UsageError(message)
    return reason.strip()


def _asked(ledger: SqlLedger, named: Named) -> Question:
    """Find the one held or waiting version that is meant, and why it is held."""
    record = [row for row in ledger.fee_record(named.fee) if row["state"] in PENDING]
    held = [Question(str(row["source"]), named.fee, int(row["version"]), str(row["code"])) for row in record]
    meant = [one for one in held if named.version in (None, one.version) and named.source in ("", one.source)]
    if len(meant) == 1:
        return meant[0]
    message = f"{named.fee}: held or waiting are {_told(held)}"
    raise UsageError(message)


def _told(held: Sequence[Question]) -> str:
    """Name what may be meant, and the options that tell it apart."""
    if not held:
        return "no versions"
    options = [
        option
        for option, values in (("--source", {one.source for one in held}), ("--version", {one.version for one in held}))
        if len(values) > 1
    ]
    told = ", ".join(f"version {one.version} of {one.source}" for one in held)
    return f"{told}; name one of them with {' and '.join(options) or '--version'}"
