"""Find a fee that was exported, in as few questions as can be: it is transferred, or closed, and hardly ever else."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from pipeline.ports.outside import Refused
from pipeline.stages.locate import locate
from pipeline.stages.payable import in_alma

if TYPE_CHECKING:
    from pipeline.ports.ledger import Charged
    from pipeline.ports.outside import AlmaFee
    from pipeline.stages.locate import PatronFees

LIKELY = ("EXPORTED", "CLOSED")


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
