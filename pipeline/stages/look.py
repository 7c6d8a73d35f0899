"""Look at a fee in Alma and say whether a payment of ours stands on it: once, twice, otherwise, or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import PostingState
from pipeline.ports.outside import Busy, Refused

if TYPE_CHECKING:
    from pipeline.ports.ledger import Posting
    from pipeline.ports.outside import AlmaFee, AlmaFees
    from pipeline.stages.locate import PatronFees

CLOSED_FEE = "CLOSED-FEE"
"""The code under which Alma's "does not support closed fees" arrives."""


class Sight(StrEnum):
    """What a look can show.  BLIND proves nothing; REFUSED is Alma saying there is no such patron or fee."""

    SEEN = "seen"
    MANY = "many"
    OTHER = "other"
    ABSENT = "absent"
    BLIND = "blind"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class View:
    """One look: what it showed, in words with figures, and the fee it showed (None when blind or refused)."""

    sight: Sight
    text: str
    fee: AlmaFee | None = None


def look(posting: Posting, alma: AlmaFees) -> View:
    """Read the posting's fee and judge it.  Only the single fee, or a closed fee's own entry, is ever believed.

    This is the look that settles a doubt.  The list of ACTIVE fees is not asked: a fee that was paid has left it, so it
    would call every paid fee unpaid.
    Raises Refused only with scope ``system``.
    """
    try:
        return judge(posting, alma.get_fee(posting.patron_id, posting.patron_id_type, posting.alma_fee_id))
    except Busy as busy:
        return unseen(busy)
    except Refused as no:
        return _among_closed(posting, alma) if no.code == CLOSED_FEE else unseen(no)


def unseen(failed: Busy | Refused) -> View:
    """Say what a question shows that failed.  Raises Refused again if Alma refuses all of us."""
    if isinstance(failed, Busy):
        return View(Sight.BLIND, str(failed))
    if failed.scope == "system":
        raise failed
    return View(Sight.REFUSED, str(failed))


def _among_closed(posting: Posting, alma: AlmaFees) -> View:
    try:
        closed = alma.list_fees(posting.patron_id, posting.patron_id_type, "CLOSED")
    except (Busy, Refused) as failed:
        return unseen(failed)
    for fee in closed:
        if fee.fee_id == posting.alma_fee_id:
            return judge(posting, fee)
    return View(Sight.BLIND, f"Alma calls fee {posting.alma_fee_id} closed and does not list it among the closed ones")


def judge(posting: Posting, fee: AlmaFee) -> View:
    """Find the posting's external id among the fee's transactions.  Another fee than asked for proves nothing."""
    if fee.fee_id != posting.alma_fee_id:
        return View(Sight.BLIND, f"Alma answered with another fee than {posting.alma_fee_id}")
    ours = [one for one in fee.transactions if one.external_id == posting.external_id]
    if not ours:
        return View(Sight.ABSENT, f"not on the fee, whose balance is {dollars(fee.balance_cents)}", fee)
    if len(ours) > 1:
        return View(Sight.MANY, f"{len(ours)} times on the fee, {dollars(sum(one.cents for one in ours))} in all", fee)
    (one,) = ours
    if one.cents != posting.cents:
        return View(Sight.OTHER, f"on the fee with {dollars(one.cents)}, not {dollars(posting.cents)}", fee)
    return View(Sight.SEEN, f"on the fee since {one.time or 'an unknown time'}, transaction {one.transaction_id}", fee)


def sums_close(fee: AlmaFee) -> bool:
    """Say whether the fee's own figures agree: original amount less what was taken off is the balance.

    A fee whose figures do not agree may be an old or half-written answer, so nothing is believed absent from it.  The
    trace that the bursar export leaves takes the balance off where the fee is closed, and not where it is transferred.
    """
    missing = fee.original_cents - fee.balance_cents - sum(one.cents for one in fee.transactions)
    exported = sum(one.cents for one in fee.transactions if one.kind.upper().startswith("EXPORT"))
    return missing in (0, -exported)


def first_look(posting: Posting, fees: PatronFees, alma: AlmaFees) -> View:
    """Judge a posting of which no request was ever attempted by what Alma has just listed for its patron.

    A fee that is not listed is read alone, once while that is fresh; so is that of a held one, unless its patron is
    asked about anyhow.  Raises Refused only with scope ``system``.
    """
    try:
        fee = fees.known.get(posting.alma_fee_id)
        if fee is None and posting.state is not PostingState.HELD:
            fee = fees.likely(posting.source).get(posting.alma_fee_id)
    except (Busy, Refused) as failed:
        return unseen(failed)
    if fee is not None:
        return judge(posting, fee)
    view = look(posting, alma)
    if view.fee is not None:
        fees.read(posting.source, view.fee)
    return view
