"""Before a share of a payment is paid: if Alma has another one otherwise than planned, both would be too much."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import UNSENT, PostingState, Way
from pipeline.stages.external import of_one_payment, share_number
from pipeline.stages.look import Sight, View, first_look, look

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Posting
    from pipeline.ports.outside import AlmaFees
    from pipeline.stages.locate import PatronFees

MISMATCH = "POST-MISMATCH"

LOOKED_AT = (*UNSENT, PostingState.MISMATCH)
"""Of shares in another state it is known what Alma has of them, or they are looked at for that very reason."""


def is_otherwise(posting: Posting) -> bool:
    """Say whether it is held because Alma has its payment otherwise, and nobody has said yet what becomes of it."""
    return posting.state is PostingState.HELD and posting.code == MISMATCH


def otherwise(posting: Posting, mine: Sequence[Posting], fees: PatronFees, alma: AlmaFees) -> View | None:
    """Give the look that speaks against sending a posting: one of its payment stands otherwise, or cannot be seen.

    ``mine`` are all postings of its payment, ``fees`` those of its patron.  One that is held is not waited for: why
    it cannot be seen is told of that one.  Raises Refused only with scope ``system``.
    """
    planned = {(one.external_id, one.alma_fee_id) for one in mine}
    for fee in fees.known.values():
        for one in fee.transactions:
            name, where = one.external_id, f"on fee {fee.fee_id}, and is not planned there"
            if of_one_payment(name, posting.external_id) and (name, fee.fee_id) not in planned:
                return View(Sight.OTHER, f"share {share_number(name)} stands with {dollars(one.cents)} {where}", fee)
    for other in mine:
        if other.external_id == posting.external_id or other.way != Way.API or other.state not in LOOKED_AT:
            continue
        view = _seen(other, posting, fees, alma)
        blind = view.sight is Sight.BLIND and other.state is PostingState.READY
        if blind or view.sight in (Sight.OTHER, Sight.MANY):
            return View(view.sight, f"share {share_number(other.external_id)} of its payment: {view.text}", view.fee)
    return None


def _seen(other: Posting, posting: Posting, fees: PatronFees, alma: AlmaFees) -> View:
    """What was just listed is not asked for again; what may have been sent is looked at alone."""
    same = (other.patron_id, other.patron_id_type) == (posting.patron_id, posting.patron_id_type)
    return first_look(other, fees, alma) if same and not other.attempts else look(other, alma)
