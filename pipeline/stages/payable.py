"""Whether a fee, as it stands in Alma, can take money now; and if not, why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages.external import OURS

if TYPE_CHECKING:
    from pipeline.ports.ledger import Charged
    from pipeline.ports.outside import AlmaFee, AlmaTransaction

PAYABLE = ("ACTIVE", "EXPORTED")

CLOSED, ENTERED = "FEE-CLOSED", "LOOKS-ALREADY-ENTERED"


@dataclass(frozen=True, slots=True)
class Hold:
    """Why a payment must wait: a code of the catalogue, and the sentence for people."""

    code: str
    why: str


@dataclass(frozen=True, slots=True)
class Debt:
    """One debt as both sides know it: what we charged at the bursar, and the fee Alma shows."""

    charged: Charged
    fee: AlmaFee


def in_alma(charged: Charged) -> str:
    """Give the id under which a debt stands in Alma by now: its own, or that of the newest fee that continues it."""
    return ids_in_alma(charged)[-1]


def ids_in_alma(charged: Charged) -> tuple[str, ...]:
    """Give every id under which a debt, or a part of it, stands in Alma: its own, then those that continue it."""
    return (charged.fee_id, *charged.continued_by)


def fees_in_words(charged: Charged) -> str:
    """Name to people every fee that may be the one meant of a debt."""
    return " or ".join(ids_in_alma(charged))


def wrong_fee(debt: Debt) -> Hold | None:
    """Say why a fee is not the one that was charged; None where it is."""
    charged, fee = debt.charged, debt.fee
    if not {fee.bursar_id, fee.fee_id} & {*ids_in_alma(charged)}:
        return Hold("FEE-IDENTITY", f"Alma shows {fee.fee_id}, which the bursar knows as {fee.bursar_id!r}")
    if fee.currency and fee.currency != charged.currency:
        return Hold("FEE-CURRENCY", f"it is in {fee.currency}, and was charged in {charged.currency}")
    if fee.kind == "CREDIT" or fee.original_cents < 0:
        return Hold("FEE-IS-CREDIT", "it is a credit in Alma, and a credit is never paid")
    return None


def unpayable(fee: AlmaFee) -> Hold | None:
    """Say why nothing can be paid on a fee as it stands in Alma; None where something can."""
    if fee.status == "INDISPUTE":
        return Hold("FEE-IN-DISPUTE", "it is in dispute; settle the dispute and the payment follows by itself")
    if fee.status == "CLOSED" or (fee.status in PAYABLE and fee.balance_cents <= 0):
        return Hold(CLOSED, "nothing is left to pay on it; refund the payment or put it on another fee")
    if fee.status not in PAYABLE:
        return Hold("FEE-STATUS", f"Alma gives it the status {fee.status!r}, which we do not know")
    return None


def by_another_hand(fee: AlmaFee, cents: int) -> list[AlmaTransaction]:
    """List the payments of exactly these cents on the fee that are not ours: somebody may have typed ours in.

    Kinds are site codes; one that speaks of a payment counts, the trace an export leaves does not.
    """
    return [
        one
        for one in fee.transactions
        if one.cents == cents
        and "PAY" in one.kind.upper()
        and not one.kind.upper().startswith("EXPORT")
        and OURS.fullmatch(one.external_id) is None
    ]


def entered_already(debt: Debt, amounts: set[int]) -> Hold | None:
    """Say so if somebody else seems to have paid one of these amounts on the fee since it was charged.

    A payment before the charge is part of what was charged, so only a balance that fell since then counts.
    """
    fee = debt.fee
    ours = sum(one.cents for one in fee.transactions if OURS.fullmatch(one.external_id))
    fell = min(debt.charged.charged_cents, fee.original_cents) - fee.balance_cents - ours
    for amount in sorted(amounts, reverse=True):
        if 0 < amount <= fell and by_another_hand(fee, amount):
            why = f"somebody else paid {dollars(amount)} on it since it was charged; see whether it is this payment"
            return Hold(ENTERED, why)
    return None
