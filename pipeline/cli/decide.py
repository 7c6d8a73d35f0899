"""Decisions that only a person can make, written down with their name and reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from pipeline import files, nightly
from pipeline.campus.identity import identity
from pipeline.cli.account import account
from pipeline.cli.books import clock, ledger_of
from pipeline.cli.failures import UsageError
from pipeline.findings import catalogue
from pipeline.ports.ledger import FeeState, Question

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from pipeline.adapters.ledger import SqlLedger

PLACED = "CREDIT-UNRESOLVED"
"""Why a credit waits for somebody to say which charge it is for."""

PENDING = (FeeState.HELD, FeeState.WAITING)

OWED = (FeeState.CHARGED, FeeState.CONTINUED)
"""States of a version by which a fee is a debt, so that what has fallen of it is no credit for another."""

OVER: Mapping[str, str] = {
    FeeState.CHARGED: "it is billed, and no word takes it back: what is not owed is lowered in Alma or at the bursar",
    FeeState.REJECTED: "a person has said no, and that is final; if it is owed all the same, enter it in Alma anew",
    FeeState.EXCLUDED: "the campus file keeps it back: change its routes, and what comes from then on goes out",
    FeeState.WITHDRAWN: "its source says otherwise by now",
    FeeState.CONTINUED: "it is an older debt under another id, and that one is billed",
}
"""What there is to do about a fee of which nothing is held or waits, by its state."""


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
    """End a held fee for good; of several held versions one must be named.  Exit code 75 while a run is at work."""
    why = _said(named.fee, reason)

    def decide(ledger: SqlLedger) -> str:
        question = _asked(ledger, named)
        ledger.reject_fee(question, account(), why, clock().now())
        return f"{question}: rejected; it does not come back"

    return _between_runs(campus, decide)


def approve(named: Named, campus: Path, word: Word) -> int:
    """Write down a person's yes to what a fee is held for; of several held versions one must be named.

    Exit code 75 while a run is at work.
    """
    why = _said(named.fee, word.reason)

    def decide(ledger: SqlLedger) -> str:
        question = _asked(ledger, named)
        _may_be_approved(question, word, ledger)
        ledger.approve_fee(question, word.against, account(), why, clock().now())
        said = f"is for fee {word.against}" if word.against else f"{question.code} approved"
        return f"{question}: {said}; the next night takes it along, if nothing else holds it"

    return _between_runs(campus, decide)


def _between_runs(campus: Path, decide: Callable[[SqlLedger], str]) -> int:
    """Decide while no run is at work: one that has read the fee already would go on as if nothing had been said."""
    from pipeline.adapters.lock import Locked, run_lock

    who = identity(campus)
    try:
        with run_lock(files.private_folder(who.state)), ledger_of(who) as ledger:
            typer.echo(decide(ledger))
    except Locked as locked:
        typer.echo(f"{who.name}: {locked}", err=True)
        return nightly.LOCKED
    return 0


def _may_be_approved(question: Question, word: Word, ledger: SqlLedger) -> None:
    """A yes that nobody reads would be a promise: what else holds a fee back is put right, not approved.

    For which fee a credit is can be said whatever holds it: it may be held because another one was named for it.
    """
    if word.against and (question.code == PLACED or _is_credit(question, ledger)):
        return
    entry = catalogue().get(question.code)
    if entry is None or not entry.yes:
        do = f": {entry.do}" if entry else ""
        message = f"{question}: it is held as {question.code}, which no yes to a row lets go{do}"
        raise UsageError(message)
    if (question.code == PLACED) != bool(word.against):
        message = f"{question}: --against names the fee that a credit is for, of a held credit; {PLACED} asks for it"
        raise UsageError(message)


def _is_credit(question: Question, ledger: SqlLedger) -> bool:
    """Whether it takes something off another fee; what has fallen itself is lowered where it was charged."""
    record = [row for row in ledger.fee_record(question.fee_id) if row["source"] == question.source]
    charged = any(row["state"] in OWED and int(row["amount_cents"]) > 0 for row in record)
    return not charged and any(row["version"] == question.version and int(row["amount_cents"]) < 0 for row in record)


def _said(fee: str, reason: str) -> str:
    if not reason.strip():
        message = f"{fee}: say why with --reason"
        raise UsageError(message)
    return reason.strip()


def _asked(ledger: SqlLedger, named: Named) -> Question:
    """Find the one held or waiting version that is meant, and why it is held."""
    record = ledger.fee_record(named.fee)
    pending = [row for row in record if row["state"] in PENDING]
    held = [Question(str(row["source"]), named.fee, int(row["version"]), str(row["code"])) for row in pending]
    meant = [one for one in held if named.version in (None, one.version) and named.source in ("", one.source)]
    if len(meant) == 1:
        return meant[0]
    message = f"{named.fee}: held or waiting are {_told(held)}" if held else _over(named.fee, record)
    raise UsageError(message)


def _over(fee: str, record: Sequence[Mapping[str, str | int]]) -> str:
    """Say where a fee stands of which nothing waits for a word, and what to do."""
    if not record:
        return f"{fee}: the ledger knows no fee of this id; see how the report or `bursar explain` writes it"
    state = str(record[-1]["state"])
    return f"{fee}: is {state}, not held: {OVER[state]}; `bursar explain {fee}` tells its life"


def _told(held: Sequence[Question]) -> str:
    """Name what may be meant, and the options that tell it apart."""
    options = [
        option
        for option, values in (("--source", {one.source for one in held}), ("--version", {one.version for one in held}))
        if len(values) > 1
    ]
    told = ", ".join(f"version {one.version} of {one.source}" for one in held)
    return f"{told}; name one of them with {' and '.join(options) or '--version'}"
