"""Find a fee that was exported, in as few questions as can be: it is transferred, or closed, and hardly ever else."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.ports.outside import Refused
from pipeline.stages.locate import locate
from pipeline.stages.payable import in_alma

if TYPE_CHECKING:
    from pipeline.ports.ledger import Charged, Posting
    from pipeline.ports.outside import AlmaFee
    from pipeline.stages.allocate import Books
    from pipeline.stages.locate import PatronFees

LIKELY = ("EXPORTED", "CLOSED")


def handed_over(book: Books, charged: Charged, alma_fee_id: str) -> list[Posting]:
    """Give what was ever planned for one fee in Alma, for this debt or another that it continues: a file says one sum.

    In the order of the debts, each oldest money first.
    """
    patron = charged.bursar_id or charged.patron_id
    others = [one for one in book.charged_to(charged.system, patron) if in_alma(one) == alma_fee_id]
    debts = dict.fromkeys((charged.source, one.fee_id) for one in (charged, *others) if one.source == charged.source)
    money = dict.fromkeys(payment.key for debt in debts for payment in book.payments_for(*debt))
    found = [one for key in money for one in book.postings_of(key)]
    return [one for one in found if (one.source, one.alma_fee_id) == (charged.source, alma_fee_id)]


def exported_fee(charged: Charged, fees: PatronFees) -> AlmaFee:
    """Find the one fee of this bursar transaction id, by which Alma's import finds it too; else as ``locate`` does.

    Raises what ``locate`` raises.
    """
    with suppress(Refused):  # what Alma refuses once in a run, locate hears again and puts into words
        for status in LIKELY:
            fits = [fee for fee in fees.of_status(status).values() if fee.bursar_id == in_alma(charged)]
            if len(fits) == 1:
                return fits[0]
    return locate(charged, fees, everywhere=True)
