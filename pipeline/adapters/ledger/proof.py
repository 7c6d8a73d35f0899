"""Proves a booking before it is entered: every file is worth its movements, and what is charged is what moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.money import Tally, dollars
from pipeline.ports.ledger import FeeState, LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pipeline.ports.ledger import Batch, Booking, Figure

BOOKED_FEES = tables.FEES.plus(
    "fees to book",
    tables.Column("state", tables.TEXT, "where it now stands: a FeeState", may_be_empty=False),
    tables.Column("code", tables.TEXT, "the finding that keeps it there, or nothing"),
    tables.Column("why", tables.TEXT, "one sentence with the figures"),
    tables.Column("system", tables.TEXT, "the debtor system it goes to, or nothing"),
)


def check(booking: Booking) -> None:
    """Raise LedgerError, naming the file or fee, unless the booking adds up; WrongTableError for columns amiss."""
    fees = tables.checked(booking.fees, BOOKED_FEES, "book")
    rows = tables.checked(booking.movements, tables.LINES, "book")
    new = tables.checked(rows[~rows["carried"]], tables.MOVEMENTS, "book")
    _check_places(rows, len(booking.batches))
    for number, batch in enumerate(booking.batches):
        _check_file(batch, rows[rows["batch"] == number])
    _check_kinds(new)
    _check_charged(fees[fees["state"] == FeeState.CHARGED], new)
    _check_figures(booking.figures)


def _check_places(rows: pd.DataFrame, files: int) -> None:
    folded = (rows["batch"] == tables.FOLDED) & ~rows["carried"] & ~tables.first_charges(rows)
    astray = rows[~rows["batch"].isin(range(files)) & ~folded]
    if len(astray):
        _refuse(f"{tables.tally(astray)} of movements in no file of the booking")


def _check_file(batch: Batch, rows: pd.DataFrame) -> None:
    stands, says = tables.tally(rows), Tally(batch.count, batch.cents)
    if stands != says:
        _refuse(f"file {batch.name} is said to hold {says}, but its movements are {stands}")
    if bool((rows["system"] != batch.system).any()):
        _refuse(f"file {batch.name} goes to {batch.system}, but holds a movement of another system")
    if bool((rows["kind"] != batch.kind).any()):
        _refuse(f"file {batch.name} is of kind {batch.kind}, but holds a movement of another kind")


def _check_kinds(new: pd.DataFrame) -> None:
    """A charge raises its own debt, a reversal names what it undoes, and only they; all but a charge lower a debt."""
    charge, cents = new["kind"] == "charge", new["amount_cents"]
    good = {
        "an amount of the wrong sign": (cents > 0) == charge,
        "no amount": cents != 0,
        "a charge against another fee": ~charge | (new["against"] == new["fee_id"]),
        "no word of what it undoes, or undoes something and is no reversal": (
            (new["kind"] == "reversal") == (new["undoes"] != "")
        ),
    }
    for what, fits in good.items():
        if not fits.all():
            wrong = new[~fits].iloc[0]
            _refuse(f"{wrong['kind']} {wrong['movement']} of fee {wrong['fee_id']} has {what}")


def _check_charged(charged: pd.DataFrame, new: pd.DataFrame) -> None:
    """Every version that is charged is one movement of the same amount, and every movement is such a version."""
    versions, moving = _versions(charged), _versions(new)
    known, moved = set(versions), set(moving)
    if lost := sorted(known - moved):
        _refuse(f"{_told(lost)} charged, but no movement of that amount")
    if planted := sorted(moved - known):
        _refuse(f"{_told(planted)} moved, but no version charged with that amount")
    if len(moving) != len(moved):
        _refuse(f"{len(moving) - len(moved)} movements of a version that has one already")


def _versions(frame: pd.DataFrame) -> list[tuple[str, str, int, int]]:
    names = ("fee_id", "source", "version", "amount_cents")
    return list(zip(*(frame[name].tolist() for name in names), strict=True))


def _told(keys: Sequence[tuple[str, str, int, int]]) -> str:
    fee_id, _, version, cents = keys[0]
    more = f" and {len(keys) - 1} more are" if len(keys) > 1 else " is"
    return f"fee {fee_id}, version {version} of {dollars(cents)}{more}"


def _check_figures(figures: Sequence[Figure]) -> None:
    said = [(figure.scope, figure.what) for figure in figures]
    if twice := sorted({one for one in said if said.count(one) > 1}):
        scope, what = twice[0]
        _refuse(f"the figure {what} of {scope} is given twice")


def _refuse(what: str) -> None:
    message = f"booking: {what}; nothing was booked"
    raise LedgerError(message)
