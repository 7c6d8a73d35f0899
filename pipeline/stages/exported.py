"""Find a fee that was exported, in as few questions as can be: it is transferred, or closed, and hardly ever else."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PostingState
from pipeline.ports.outside import Refused
from pipeline.stages.locate import IN_PARTS, NotLocatedError, every_fee, the_one
from pipeline.stages.payable import ids_in_alma, in_alma

if TYPE_CHECKING:
    from pipeline.ports.ledger import Charged, Posting
    from pipeline.ports.outside import AlmaFee
    from pipeline.stages.allocate import Books
    from pipeline.stages.locate import PatronFees

LIKELY = ("EXPORTED", "CLOSED")
CANCELLED = PostingState.CANCELLED


def handed_over(book: Books, charged: Charged, alma_fee_id: str) -> list[Posting]:
    """Give what was ever planned for one fee in Alma, for this debt or another that it continues: a file says one sum.

    In the order of the debts, each oldest money first.
    """
    patron = charged.bursar_id or charged.patron_id
    others = [one for one in book.charged_to(charged.system, patron) if alma_fee_id in ids_in_alma(one)]
    debts = dict.fromkeys((charged.source, one.fee_id) for one in (charged, *others) if one.source == charged.source)
    money = dict.fromkeys(payment.key for debt in debts for payment in book.payments_for(*debt))
    found = [one for key in money for one in book.postings_of(key)]
    return [one for one in found if (one.source, one.alma_fee_id) == (charged.source, alma_fee_id)]


def check_whole(charged: Charged, book: Books) -> None:
    """Raise NotLocatedError where a debt may stand on older fees as well, which a file would leave open.

    Nobody need be asked for that: an older fee is done with when our payments cover it, or, of one whose sum is not
    known here, when any was for it.
    """
    if not charged.continued_by:
        return
    paid: Counter[str] = Counter()
    for key in dict.fromkeys(payment.key for payment in book.payments_for(charged.source, charged.fee_id)):
        for one in book.postings_of(key):
            if (one.source, one.fee_id) == (charged.source, charged.fee_id) and one.state is not CANCELLED:
                paid[one.alma_fee_id] += one.cents
    older = [fee for fee in charged.continued_by[:-1] if not paid[fee]]
    if paid[charged.fee_id] < charged.charged_cents:
        older = [charged.fee_id, *older]
    if older:
        named = ", ".join((*older, charged.continued_by[-1]))
        raise NotLocatedError(IN_PARTS, f"its debt stands in Alma on several fees that may be open: {named}")


def exported_fee(charged: Charged, fees: PatronFees) -> AlmaFee:
    """Find the one fee of this bursar transaction id, by which Alma's import finds it too; else as ``locate`` does.

    Raises what ``locate`` raises.
    """
    with suppress(Refused):  # what Alma refuses once in a run, locate hears again and puts into words
        for status in LIKELY:
            fits = [fee for fee in fees.of_status(status).values() if fee.bursar_id == in_alma(charged)]
            if len(fits) == 1:
                return fits[0]
    return the_one(in_alma(charged), every_fee(fees).values())
