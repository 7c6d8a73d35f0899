"""Proves a booking before it is entered: every file is worth what its movements are, and no charge lacks a movement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.money import Tally
from pipeline.ports.ledger import FeeState, LedgerError

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.ports.ledger import Batch, Booking

BOOKED_FEES = tables.FEES.plus(
    "fees to book",
    tables.Column("state", tables.TEXT, "where it now stands: a FeeState", may_be_empty=False),
    tables.Column("code", tables.TEXT, "the finding that keeps it there, or nothing"),
    tables.Column("why", tables.TEXT, "one sentence with the figures"),
    tables.Column("system", tables.TEXT, "the debtor system it goes to, or nothing"),
)


def check(booking: Booking) -> None:
    """Raise LedgerError, naming the file or fee, unless the booking adds up; WrongTableError for columns amiss."""
    tables.checked(booking.fees, BOOKED_FEES, "book")
    rows = tables.checked(booking.movements, tables.LINES, "book")
    numbers = range(len(booking.batches))
    astray = rows[~rows["batch"].isin(numbers)]
    if len(astray):
        _refuse(f"{tables.tally(astray)} of movements in no file of the booking")
    for number, batch in zip(numbers, booking.batches, strict=True):
        _check_file(batch, rows[rows["batch"] == number])
    charged = booking.fees.loc[booking.fees["state"] == FeeState.CHARGED, "fee_id"]
    lost = sorted(set(charged.tolist()) - set(rows.loc[~rows["carried"], "fee_id"].tolist()))
    if lost:
        _refuse(f"fee {lost[0]} and {len(lost) - 1} more are charged, but have no movement")


def _check_file(batch: Batch, rows: pd.DataFrame) -> None:
    stands, says = tables.tally(rows), Tally(batch.count, batch.cents)
    if stands != says:
        _refuse(f"file {batch.name} is said to hold {says}, but its movements are {stands}")
    if bool((rows["system"] != batch.system).any()):
        _refuse(f"file {batch.name} goes to {batch.system}, but holds a movement of another system")
    if batch.scope != "snapshot" and bool(rows["carried"].any()):
        _refuse(f"file {batch.name} is no snapshot, but repeats a movement sent before")


def _refuse(what: str) -> None:
    message = f"booking: {what}; nothing was booked"
    raise LedgerError(message)
