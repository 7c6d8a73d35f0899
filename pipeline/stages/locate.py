"""Find the fee in Alma that a payment is for: exactly one, or somebody is told why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.payable import PAYABLE, ids_in_alma, in_alma

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from pipeline.ports.ledger import Charged, Posting
    from pipeline.ports.outside import AlmaFee, AlmaFees, Clock

STATUSES = ("ACTIVE", "INDISPUTE", "EXPORTED", "CLOSED")
"""Every status Alma lists fees by (Alma API, Retrieve user fines/fees); one call shows one status."""

NO_PATRON = frozenset({"401651", "401861", "401890", "OTHER-PATRON"})
"""Alma's three codes for a patron she does not know, and ours for an answer about somebody else."""

IN_PARTS = "FEE-IN-PARTS"

FRESH_FOR = timedelta(minutes=10)
"""How long what Alma listed is good enough to pay by."""


class NotLocatedError(Exception):
    """The fee cannot be told for certain.  ``code`` is of the catalogue; the text says where we looked and for what."""

    def __init__(self, code: str, text: str) -> None:
        """Keep the code beside the text."""
        super().__init__(text)
        self.code = code


class PatronFees:
    """What Alma lists for one patron, a status at a time and only when it is needed.

    What our own payments change is kept up to date from their answers.  A fee seen in two lists counts as it was seen
    last.  A list that did not come is not asked for again in this run.
    """

    def __init__(
        self, alma: AlmaFees, clock: Clock, patron_id: str, patron_id_type: str, likely: dict[str, str] | None = None
    ) -> None:
        self._alma, self._clock = alma, clock
        self._who = (patron_id, patron_id_type)
        self._likely = {} if likely is None else likely
        self._since: datetime | None = None
        self._asked: set[str] = set()
        self._fees: dict[str, AlmaFee] = {}
        self._alone: dict[str, AlmaFee] = {}
        self._failed: Busy | Refused | None = None

    def active(self) -> dict[str, AlmaFee]:
        """Give the fees known by Alma's id, the ACTIVE ones surely.  Raises what ``list_fees`` raises."""
        return self._listed(STATUSES[:1])

    def likely(self, source: str) -> dict[str, AlmaFee]:
        """Give the fees known by Alma's id, surely those of the status in which fees of a source were found last.

        That is ACTIVE to begin with.  A source whose export transfers its fees has nearly all of them EXPORTED.
        """
        return self._listed((self._likely.get(source, STATUSES[0]),))

    def found(self, source: str, fee: AlmaFee) -> None:
        """Note the status in which a fee of a source stands, if more of them can be expected there."""
        if fee.status in PAYABLE:
            self._likely[source] = fee.status

    def of_status(self, status: str) -> dict[str, AlmaFee]:
        """Give the fees known by Alma's id, those of a status surely.  Raises what ``list_fees`` raises."""
        return self._listed((status,))

    def every(self) -> dict[str, AlmaFee]:
        """Give all the patron's fees, whatever their status.  Raises what ``list_fees`` raises."""
        return self._listed(STATUSES)

    @property
    def known(self) -> dict[str, AlmaFee]:
        """What was seen so far, without asking; nothing once it is too old."""
        return {**self._alone, **self._fees} if self._fresh() else {}

    def read(self, source: str, fee: AlmaFee) -> None:
        """Keep a fee of a source that was on no list asked for; read alone it has no currency, so no list gets it."""
        self._alone[fee.fee_id] = fee
        self.found(source, fee)

    def paid(self, fee: AlmaFee) -> None:
        """Keep a fee as Alma answered it to a payment; a single fee comes without its currency."""
        self._alone.pop(fee.fee_id, None)
        before = self._fees.get(fee.fee_id)
        if before is not None:
            self._fees[fee.fee_id] = replace(fee, currency=before.currency)

    def forget(self, fee_id: str) -> None:
        """Nobody knows how a fee stands now: it must be looked at alone."""
        self._fees.pop(fee_id, None)
        self._alone.pop(fee_id, None)

    def _fresh(self) -> bool:
        return self._since is not None and self._clock.now() - self._since < FRESH_FOR

    def _listed(self, statuses: Iterable[str]) -> dict[str, AlmaFee]:
        if self._failed is not None:
            raise self._failed
        if not self._fresh():
            self._since, self._asked = self._clock.now(), set()
            self._fees, self._alone = {}, {}
        for status in statuses:
            if status not in self._asked:
                self._ask(status)
        return self._fees

    def _ask(self, status: str) -> None:
        try:
            listed = self._alma.list_fees(*self._who, status)
        except (Busy, Refused) as failed:
            self._failed = failed
            raise
        self._asked.add(status)
        self._fees.update({fee.fee_id: fee for fee in listed})


class Views:
    """The patrons looked at in one run."""

    def __init__(self, alma: AlmaFees, clock: Clock) -> None:
        self._alma, self._clock = alma, clock
        self._of: dict[tuple[str, str], PatronFees] = {}
        self._likely: dict[str, str] = {}

    def of(self, one: Charged | Posting) -> PatronFees:
        """Give what is known of the patron of a debt or a posting; nothing is asked yet."""
        who = (one.patron_id, one.patron_id_type)
        if who not in self._of:
            self._of[who] = PatronFees(self._alma, self._clock, *who, self._likely)
        return self._of[who]


def locate(charged: Charged, fees: PatronFees, *, everywhere: bool = False) -> AlmaFee:
    """Find the charged fee among its patron's fees: by its bursar transaction id, else by Alma's own id.

    Those of the likely status are asked for first, and the others only if it is not surely among them, or
    ``everywhere``.  Of a debt that other fees continue it is the one that is open, else the newest.  Raises
    NotLocatedError when none or several fit or the patron is unknown; Busy when Alma could not be asked, which never
    means that the fee is absent; Refused only with scope ``system``.
    """
    try:
        likely = not everywhere and not charged.continued_by
        if likely and (fee := _surely(charged, fees.likely(charged.source).values())):
            return fee
        fee = _still_open(charged, fees.every().values())
        fees.found(charged.source, fee)
        return fee
    except Refused as no:
        raise _unseen(no) from None


def every_fee(fees: PatronFees) -> dict[str, AlmaFee]:
    """Give all the fees of a patron, of whatever status.  Raises as ``locate`` does."""
    try:
        return fees.every()
    except Refused as no:
        raise _unseen(no) from None


def past_of(charged: Charged, fees: PatronFees) -> dict[str, AlmaFee]:
    """Give all the fees of a debt's patron, those of the debt surely among them.

    Each list is of a moment of its own: a fee that has left the one and is not on the other yet is on none.  So what
    may stand on it was not seen, which never means that it is absent.  Raises as ``locate`` does, and Busy for that.
    """
    seen = every_fee(fees)
    shown = {one for fee in seen.values() for one in (fee.bursar_id, fee.fee_id)}
    missing = [one for one in ids_in_alma(charged) if one not in shown]
    if missing:
        text = f"it may stand in Alma on fee {', '.join(missing)}, which is on none of her lists of the patron's fees"
        raise Busy(text)
    return seen


def _unseen(no: Refused) -> NotLocatedError:
    """Say of what Alma refuses which catalogue code it is.  Raises it itself if she refuses all of us."""
    if no.scope == "system":
        raise no
    return NotLocatedError("LOCATE-NO-PATRON" if no.code in NO_PATRON else "LOCATE-REFUSED", str(no))


def _surely(charged: Charged, listed: Iterable[AlmaFee]) -> AlmaFee | None:
    """Alma's own id counts at once only on a fee without a bursar id: another fee may bear ours as its bursar id."""
    wanted = in_alma(charged)
    fits = [fee for fee in listed if wanted == (fee.bursar_id or fee.fee_id)]
    return fits[0] if len(fits) == 1 else None


def _still_open(charged: Charged, fees: Iterable[AlmaFee]) -> AlmaFee:
    """Where staff have entered a part of a debt anew, each open fee is a part of it, and one posting pays one fee."""
    fees = list(fees)
    newest = the_one(in_alma(charged), fees)
    each = {fee.fee_id: fee for wanted in ids_in_alma(charged) for fee in _bearing(wanted, fees)}
    left = [fee for fee in each.values() if fee.status != "CLOSED" and fee.balance_cents > 0]
    if charged.continued_by and len(left) > 1:
        named = ", ".join(f"{dollars(fee.balance_cents)} on fee {fee.fee_id}" for fee in left)
        raise NotLocatedError(IN_PARTS, f"its debt stands in Alma on {len(left)} open fees: {named}")
    return left[0] if charged.continued_by and left else newest


def _bearing(wanted: str, fees: Sequence[AlmaFee]) -> list[AlmaFee]:
    found = [fee for fee in fees if fee.bursar_id == wanted]
    return found or [fee for fee in fees if fee.fee_id == wanted]


def the_one(wanted: str, fees: Iterable[AlmaFee]) -> AlmaFee:
    """Give the one of a patron's fees that bears an id.  Raises NotLocatedError when none or several do."""
    fees = list(fees)
    found = _bearing(wanted, fees)
    if len(found) == 1:
        return found[0]
    if found:
        code, text = "LOCATE-AMBIGUOUS", f"{len(found)} fees of the patron bear this bursar id"
    else:
        code, text = "LOCATE-NOT-FOUND", f"it is none of the {len(fees)} fees that Alma lists for the patron"
    raise NotLocatedError(code, text)
