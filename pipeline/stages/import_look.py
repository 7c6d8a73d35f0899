"""Look at a fee in Alma before a payment of it is handed over: what is more than its balance would become a credit."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PostingState, Way
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.attempt import Desk, blind, hold, tell
from pipeline.stages.exported import exported_fee, handed_over
from pipeline.stages.external import OURS
from pipeline.stages.locate import NotLocatedError, Views
from pipeline.stages.meter import Metered, halted
from pipeline.stages.otherwise import MISMATCH, is_otherwise, on_record
from pipeline.stages.payable import ENTERED, Debt, Hold, by_another_hand, in_alma, unpayable, wrong_fee
from pipeline.stages.went_back import is_stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Posting
    from pipeline.ports.outside import AlmaFee
    from pipeline.stages.allocate import Books

EXCEEDS = "IMPORT-EXCEEDS"


def cleared(
    postings: Sequence[Posting], book: Books, alma: Metered, views: Views, desk: Desk
) -> tuple[list[Posting], list[Finding]]:
    """Give those of these payments (ready, or held by us before) that Alma can take now, oldest money first.

    One that she cannot take is held with the reason and looked at again every night; one that could not be looked at
    waits.  A person's yes to ENTERED or to EXCEEDS (a ready payment that bears the code) counts, for that reason alone.
    """
    looker = _Looker(book, views, desk)
    clear: list[Posting] = []
    findings: list[Finding] = []
    try:
        for number, posting in enumerate(postings):
            if why := alma.tired():
                findings.append(Finding("POST-PAUSED", "Alma", f"{len(postings) - number} payments wait: {why}"))
                break
            after = looker.look(posting)
            findings += tell(posting, after) if after is not None else []
            clear += [after] if after is not None and after.state is PostingState.READY else []
    except Refused as no:
        findings.append(halted(no, "nothing more was handed over"))
    return clear, findings


class _Looker:
    """Looks at one payment after the other; ``promised`` is what files on their way will take from each fee."""

    def __init__(self, book: Books, views: Views, desk: Desk) -> None:
        self._book, self._views, self._desk = book, views, desk
        self._promised: Counter[str] = Counter()
        for one in book.postings(PostingState.LISTED):
            self._promised[one.alma_fee_id] += one.cents

    def look(self, posting: Posting) -> Posting | None:
        """Give the payment as READY, or HELD with a reason; None if nobody could tell tonight."""
        if is_stopped(posting) or is_otherwise(posting):
            return posting
        try:
            reason = self._why_not(posting)
        except Busy as busy:
            after = blind(posting, str(busy), self._desk)
            return after if after.state is PostingState.HELD else None
        if reason is not None:
            return hold(posting, reason, self._desk)
        if self._waits(posting):
            return None
        self._promised[posting.alma_fee_id] += posting.cents
        if posting.state is PostingState.READY:
            return posting
        now = self._desk.clock.now()
        return self._book.move_posting(posting, PostingState.READY, now, why="what held it back is gone")

    def _why_not(self, posting: Posting) -> Hold | None:
        charged = self._book.charge_of(posting.source, posting.fee_id)
        if charged is None:
            return Hold("LOCATE-NOT-FOUND", f"fee {posting.fee_id} was never charged")
        try:
            debt = Debt(charged, exported_fee(charged, self._views.of(charged)))
        except NotLocatedError as not_located:
            return Hold(not_located.code, str(not_located))
        return (
            wrong_fee(debt)
            or self._otherwise(posting)
            or self._entered(posting, debt)
            or unpayable(debt.fee)
            or self._exceeds(posting, debt.fee)
        )

    def _otherwise(self, posting: Posting) -> Hold | None:
        """Another share of its payment stands in Alma otherwise than planned."""
        if _agreed(posting, MISMATCH):
            return None
        why = on_record(posting, self._book.postings_of(posting.payment_key))
        return None if why is None else Hold(MISMATCH, why)

    def _waits(self, posting: Posting) -> bool:
        """Say whether another share of its payment is to be paid through the API, and was not looked at yet."""
        mine = self._book.postings_of(posting.payment_key)
        ready = [one for one in mine if one.way == Way.API and one.state is PostingState.READY]
        return bool(ready) and not _agreed(posting, MISMATCH)

    def _entered(self, posting: Posting, debt: Debt) -> Hold | None:
        """What the balance fell by since the charge, without what we know of: it may be this very payment."""
        cents = posting.cents
        known = sum(one.cents for one in self._imported(debt))
        known += sum(one.cents for one in debt.fee.transactions if OURS.fullmatch(one.external_id))
        fell = min(debt.charged.charged_cents, debt.fee.original_cents) - debt.fee.balance_cents - known
        if _agreed(posting, ENTERED) or fell < cents or not by_another_hand(debt.fee, cents):
            return None
        why = f"somebody else paid {dollars(cents)} on it since it was charged; see whether it is this payment"
        return Hold(ENTERED, why)

    def _imported(self, debt: Debt) -> list[Posting]:
        """The payments of a fee that Alma was seen to have imported, be they for this debt or another it continues."""
        found = handed_over(self._book, debt.charged, in_alma(debt.charged))
        return [one for one in found if one.state is PostingState.VERIFIED]

    def _exceeds(self, posting: Posting, fee: AlmaFee) -> Hold | None:
        left = fee.balance_cents - self._promised[posting.alma_fee_id]
        if _agreed(posting, EXCEEDS) or posting.cents <= left:
            return None
        why = f"{dollars(max(0, left))} is left of it in Alma; importing {dollars(posting.cents)} would make a credit"
        return Hold(EXCEEDS, why)


def _agreed(posting: Posting, code: str) -> bool:
    """Say whether a person has seen this reason, and let the payment go on all the same."""
    return posting.state is PostingState.READY and posting.code == code
