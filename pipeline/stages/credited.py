"""How much of a debt Alma has given back already: credits that were booked, and those that wait for the refund."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.ports.ledger import ChargeBook, PaymentBook, PaymentState
from pipeline.stages.origins import cents_for

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.ports.ledger import Charged


class Books(PaymentBook, ChargeBook, Protocol):
    """The books of what was charged and what was paid."""


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

    def waiting(self, charged: Charged, cents: int) -> int:
        """Give the cents of a fall of this very fee that is held, or of a held credit of its patron of just so much.

        A paid debt is not credited before its money has gone back, so such a credit is the reason of the refund.
        """
        if self._pending is None:
            self._pending = self._book.pending_fees()
        rows = self._pending
        theirs = rows[(rows["source"] == charged.source) & (rows["amount_cents"] < 0)]
        own = theirs[theirs["fee_id"] == charged.fee_id]
        person = theirs["patron_id"].str.lower() == charged.patron_id.lower()
        credit = theirs[person & (theirs["fee_id"] != charged.fee_id) & (theirs["amount_cents"] == -cents)]
        return -int(own["amount_cents"].sum()) or (cents if len(credit) else 0)
