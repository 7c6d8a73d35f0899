"""How much of a debt Alma has given back already: credits that were booked, and those that wait for the refund."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pipeline.ports.ledger import ChargeBook, PaymentBook, PaymentState, TaskBook
from pipeline.stages.duties import answers
from pipeline.stages.origins import cents_for

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.ports.ledger import Charged


class Books(PaymentBook, ChargeBook, TaskBook, Protocol):
    """The books of what was charged, what was paid, and what staff were told of it."""


@dataclass(frozen=True, slots=True)
class Credit:
    """So many cents that Alma has given back; ``fee_id`` is the credit in Alma where it is one of its own, else ""."""

    cents: int
    fee_id: str = ""


class Credited:
    """Asks the ledger, only when a refund wants to know."""

    def __init__(self, book: Books) -> None:
        """Ask nothing yet."""
        self._book = book
        self._pending: pd.DataFrame | None = None

    def booked(self, charged: Charged) -> int:
        """Give the cents of reversals and credits that its source brought; what the bursar wrote off is none."""
        debt = (charged.source, charged.fee_id)
        charges = self._book.charges_of([charged.patron_id])
        mine = charges[(charges["source"] == debt[0]) & (charges["fee_id"] == debt[1]) & (charges["kind"] == "charge")]
        lines = self._book.payments_for(*debt)
        off = sum(cents_for(one, debt) for one in lines if one.state is PaymentState.WITHDRAWN)
        return max(0, int(mine["amount_cents"].sum()) - charged.charged_cents - off)

    def waiting(self, charged: Charged, cents: int) -> Credit:
        """Give a fall of this very fee that is held, or a held credit of its patron of just so many cents.

        A paid debt is not credited before its money has gone back, so such a credit is the reason of the refund.  A
        credit of its own is the reason of one: what a task asks to be taken away already, done or not, is none.
        """
        if self._pending is None:
            self._pending = self._book.pending_fees()
        rows = self._pending
        theirs = rows[(rows["source"] == charged.source) & (rows["amount_cents"] < 0)]
        own = theirs[theirs["fee_id"] == charged.fee_id]
        if len(own):
            return Credit(-int(own["amount_cents"].sum()))
        person = theirs["patron_id"].str.lower() == charged.patron_id.lower()
        fitting = theirs[person & (theirs["amount_cents"] == -cents)]["fee_id"]
        told = self._book.tasks() if len(fitting) else ()
        left = [one for one in sorted(fitting.tolist()) if not any(answers(task, charged, one) for task in told)]
        return Credit(cents, left[0]) if left else Credit(0)
