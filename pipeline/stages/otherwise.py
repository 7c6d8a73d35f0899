"""Before a share of a payment is paid: if Alma has another one otherwise than planned, both would be too much.

What the ledger knows comes first, then what was just listed of the patron, then a look at each share that was not sent.
A share on a fee that is not its own is seen only while that fee is open, and the same patron's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import UNSENT, PostingState, Way
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.external import of_one_payment, share_number
from pipeline.stages.look import Sight, View, first_look, judge, look, unseen

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Posting
    from pipeline.ports.outside import AlmaFees
    from pipeline.stages.locate import PatronFees

MISMATCH, BLIND = "POST-MISMATCH", "POST-BLIND"

OTHERWISE = frozenset({MISMATCH, "POST-DOUBLE", "IMPORT-DOUBLE"})
"""What a share bears that stands otherwise than planned, or is held for that; it keeps it when a person settles it."""

STANDING = (PostingState.MISMATCH, PostingState.DOUBLE)

TOO_MUCH = (Sight.OTHER, Sight.MANY)


def is_otherwise(posting: Posting) -> bool:
    """Say whether it is held because Alma has its payment otherwise, and nobody has said yet what becomes of it."""
    return posting.state is PostingState.HELD and posting.code == MISMATCH


def on_record(posting: Posting, mine: Sequence[Posting]) -> str | None:
    """Say what the ledger knows of other shares that speaks against sending one; None for nothing.

    What stands otherwise speaks against it also when a person has settled that: the money may have stayed there.
    ``mine`` are all postings of its payment.
    """
    others = [one for one in _others(posting, mine) if _stands_otherwise(one)]
    if not others:
        return None
    first = min(others, key=is_otherwise)  # what stands wrong says more than what is held for it
    if is_otherwise(first):
        return first.why
    settled = "stood otherwise than planned, and is settled: " if first.state is PostingState.SETTLED else ""
    return f"share {share_number(first.external_id)} of its payment: {settled}{first.why}"


def otherwise(posting: Posting, mine: Sequence[Posting], fees: PatronFees, alma: AlmaFees) -> View | None:
    """Give what speaks against sending a posting: one of its payment stands otherwise, or (BLIND) cannot be seen.

    ``mine`` are all postings of its payment, ``fees`` those of its patron.  What a person was told of as unseen is not
    waited for, nor anything by one that a person has let go all the same.  Raises Refused only with scope ``system``.
    """
    if (why := on_record(posting, mine)) is not None:
        return View(Sight.OTHER, why)
    others = _others(posting, mine)
    if others and (failed := _not_listed(fees)) is not None and not _let_go(posting):
        return failed
    return _not_planned(posting, mine, fees) or _not_as_planned(posting, others, fees, alma)


def _others(posting: Posting, mine: Sequence[Posting]) -> list[Posting]:
    return [one for one in mine if one.external_id != posting.external_id]


def _stands_otherwise(share: Posting) -> bool:
    settled = share.state is PostingState.SETTLED and share.code in OTHERWISE
    return share.state in STANDING or settled or is_otherwise(share)


def _let_go(posting: Posting) -> bool:
    """Say whether a person has let it go although something could not be seen."""
    return posting.state is PostingState.READY and posting.code == BLIND


def _not_listed(fees: PatronFees) -> View | None:
    """Ask for what is open of the patron, for one that is held was read alone; give why if it cannot be had."""
    try:
        fees.active()
    except (Busy, Refused) as failed:
        return View(Sight.BLIND, unseen(failed).text)
    return None


def _not_planned(posting: Posting, mine: Sequence[Posting], fees: PatronFees) -> View | None:
    """Find an id of its payment where no share of it is planned."""
    planned = {(one.external_id, one.alma_fee_id) for one in mine}
    for fee in fees.known.values():
        for one in fee.transactions:
            name, where = one.external_id, f"on fee {fee.fee_id}, and is not planned there"
            if of_one_payment(name, posting.external_id) and (name, fee.fee_id) not in planned:
                return View(Sight.OTHER, f"share {share_number(name)} stands with {dollars(one.cents)} {where}", fee)
    return None


def _not_as_planned(posting: Posting, others: Sequence[Posting], fees: PatronFees, alma: AlmaFees) -> View | None:
    for other in others:
        view = _seen(other, posting, fees, alma)
        blind = view is not None and view.sight in (Sight.BLIND, Sight.REFUSED)
        if view is None or not (view.sight in TOO_MUCH or (blind and other.code != BLIND and not _let_go(posting))):
            continue
        text = f"share {share_number(other.external_id)} of its payment: {view.text}"
        return View(Sight.BLIND if blind else view.sight, text, view.fee)
    return None


def _seen(other: Posting, posting: Posting, fees: PatronFees, alma: AlmaFees) -> View | None:
    """What was just listed is not asked for again; what may have been sent is looked at alone.

    One that was sent is looked at for its own sake elsewhere: of that only what is in hand counts.
    """
    if other.way != Way.API or other.state not in UNSENT:
        fee = fees.known.get(other.alma_fee_id)
        return None if fee is None else judge(other, fee)
    same = (other.patron_id, other.patron_id_type) == (posting.patron_id, posting.patron_id_type)
    return first_look(other, fees, alma) if same and not other.attempts else look(other, alma)
