"""Find the fee in Alma that a payment is for: exactly one, or somebody is told why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.outside import Refused

if TYPE_CHECKING:
    from pipeline.ports.ledger import Charged
    from pipeline.ports.outside import AlmaFee, AlmaFees

STATUSES = ("ACTIVE", "INDISPUTE", "EXPORTED", "CLOSED")
"""Every status Alma lists fees by (Alma API, Retrieve user fines/fees); one call shows one status."""

NO_PATRON = frozenset({"401651", "401861", "401890", "OTHER-PATRON"})
"""Alma's three codes for a patron she does not know, and ours for an answer about somebody else."""


class NotLocatedError(Exception):
    """The fee cannot be told for certain.  ``code`` is of the catalogue; the text says where we looked and for what."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the code beside the text."""
        super().__init__(text)
        self.code = code


class Memo:
    """What Alma listed for each patron tonight, so that nobody is asked for twice.  Make a new one for every run."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str, str], tuple[AlmaFee, ...]] = {}

    def fees(self, alma: AlmaFees, patron_id: str, patron_id_type: str) -> dict[str, AlmaFee]:
        """Give all the patron's fees by Alma's id.  A fee seen in two lists counts as it was seen last.

        Raises what ``list_fees`` raises; lists that did come are kept.
        """
        fees: dict[str, AlmaFee] = {}
        for status in STATUSES:
            key = (patron_id_type, patron_id, status)
            if key not in self._lists:
                self._lists[key] = tuple(alma.list_fees(patron_id, patron_id_type, status))
            fees.update({fee.fee_id: fee for fee in self._lists[key]})
        return fees


def locate(alma: AlmaFees, charged: Charged, memo: Memo) -> AlmaFee:
    """Find the charged fee among its patron's fees: by its bursar transaction id, else by Alma's own id.

    Raises NotLocatedError when none or several fit or the patron is unknown; Busy when Alma could not be asked, which
    never means that the fee is absent; Refused only with scope ``system``.
    """
    try:
        fees = memo.fees(alma, charged.patron_id, charged.patron_id_type).values()
    except Refused as no:
        if no.scope == "system":
            raise
        code = "LOCATE-NO-PATRON" if no.code in NO_PATRON else "LOCATE-REFUSED"
        raise NotLocatedError(code, str(no)) from None
    found = [fee for fee in fees if fee.bursar_id == charged.fee_id]
    found = found or [fee for fee in fees if fee.fee_id == charged.fee_id]
    if len(found) == 1:
        return found[0]
    if found:
        code, text = "LOCATE-AMBIGUOUS", f"{len(found)} fees of the patron bear this bursar id"
    else:
        code, text = "LOCATE-NOT-FOUND", f"it is none of the {len(fees)} fees that Alma lists for the patron"
    raise NotLocatedError(code, text)
