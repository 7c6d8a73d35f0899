"""Which lines of a receipt a refund takes back: the one that it fits, or all that is left of the receipt."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages.origins import is_for, names
from pipeline.stages.payable import Hold

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from pipeline.ports.ledger import Payment
    from pipeline.stages.giveback import Origin

TOO_MUCH = "REVERSAL-TOO-MUCH"
UNCLEAR = "REVERSAL-UNCLEAR"


def taken_back(
    back: Payment, lines: Sequence[Origin], debts: Collection[tuple[str, str] | None]
) -> Sequence[Origin] | Hold:
    """Give the one line of a receipt of which money goes back, or every line that has any left; or why nobody knows.

    ``lines`` are those that it may be for (origins.by_receipt), ``debts`` those of the fees it names (origins.is_for).
    """
    wanted = -back.cents
    enough = [one for one in lines if one.left >= wanted] or (lines if len(lines) == 1 else [])
    if enough:
        return _unclear(back, enough, debts) or enough[:1]
    left = sum(one.left for one in lines)
    if wanted > left:
        return Hold(TOO_MUCH, f"{dollars(wanted)} go back, and {dollars(left)} of receipt {_receipt(back)} are left")
    whole = [one for one in lines if one.left]
    if wanted < left:
        return Hold(UNCLEAR, f"{_says(back)}, and {dollars(left)} are left of it in {len(whole)} lines")
    return whole if _names_the_whole(back, whole, debts) else _another_fee(back)


def _unclear(back: Payment, enough: Sequence[Origin], debts: Collection[tuple[str, str] | None]) -> Hold | None:
    """A receipt says enough if one line of it is left, or several of the one fee that is named, and of no other."""
    if len(enough) > 1 and len(names(back)) != 1:
        return Hold(UNCLEAR, f"{_says(back)}, which has {len(enough)} lines that they may be for")
    if all(is_for(back, one.payment, debts) for one in enough):
        return None
    return _another_fee(back)


def _names_the_whole(back: Payment, whole: Sequence[Origin], debts: Collection[tuple[str, str] | None]) -> bool:
    """Say whether nothing contradicts that all of these go back: no fee is named, or the fees of each of them."""
    paid = {(share.source, share.fee_id) for one in whole for share in one.payment.shares}
    named = {name for one in whole for name in names(one.payment)}
    return not names(back) or names(back) == named or (paid == set(debts))


def _another_fee(back: Payment) -> Hold:
    return Hold(UNCLEAR, f"{_says(back)} for {', '.join(sorted(names(back)))}, and that receipt paid another fee")


def _says(back: Payment) -> str:
    return f"{dollars(-back.cents)} go back of receipt {_receipt(back)}"


def _receipt(back: Payment) -> str:
    return back.origin_ref or back.payment_ref
