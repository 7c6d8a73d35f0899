"""Money that a chargeback took and that is there again: what it was for counts as paid once more."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages.origins import backs_of
from pipeline.stages.resolving import NotPossibleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Payment, PaymentBook, Share

UNDONE = "CHARGEBACK-UNDONE"


def paid_again(line: Payment, book: PaymentBook) -> Sequence[Share]:
    """Give the shares that the chargeback took which a line undoes: that of its receipt, over just as much.

    Raises NotPossibleError where no such chargeback opened a debt, or what it opened is open no more.
    """
    took = [one.shares for one in _chargebacks(line, book) if one.shares and one.cents == -line.cents]
    again = [[replace(share, cents=-share.cents) for share in shares] for shares in took]
    for shares in again:
        if _open(shares, book):
            return shares
    what = f"{dollars(line.cents)} of receipt {line.origin_ref or line.payment_ref}"
    why = "what it opened is not open any more" if again else "none is known that opened a debt"
    message = (
        f"payment {line.key}: undoes a chargeback of {what}, and {why}; say --to with the fee it pays, or "
        "--settled-elsewhere"
    )
    raise NotPossibleError(message)


def _chargebacks(line: Payment, book: PaymentBook) -> Sequence[Payment]:
    """Give those of the receipt that a line names, be it the payment's or the chargeback's own."""
    named = book.payments_of(line.system, line.origin_ref) if line.origin_ref else []
    every = {one.key: one for paid in named for one in (paid, *backs_of(paid, book))}
    return [one for one in every.values() if one.kind == "chargeback"]


def _open(shares: Sequence[Share], book: PaymentBook) -> bool:
    debts = [(book.charge_of(one.source, one.fee_id), one.cents) for one in shares]
    return all(charged is not None and charged.open_cents >= cents for charged, cents in debts)
