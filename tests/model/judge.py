"""What must be true of a payment in the end, whatever happened on the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState, PostingState, Way
from pipeline.stages.plan import ALREADY

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.ports.ledger import Posting
    from tests.fakes.postings import FakeBook

PROVED = (PostingState.POSTED, PostingState.VERIFIED)
UNSEEN = (PostingState.READY, PostingState.SENDING, PostingState.UNKNOWN)
"""States in which nobody is asked to do anything; no posting may rest there for ever."""


class ViolationError(AssertionError):
    """Something that must never be.  ``kind`` is doubled, lost, wrongly marked or wrongly parked."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(f"{kind}: {text}")
        self.kind = kind


def judge_payment(book: FakeBook, key: str, mine: Mapping[str, int], cents: int, *, by_proxy: bool) -> None:
    """Compare what truly stands in Alma for a payment (times by fee, cents in all) with what the ledger says of it."""
    payment = book.payments[key]
    postings = {one.alma_fee_id: one for one in book.by_id.values() if one.payment_key == key and one.way == Way.API}
    says = f"payment {key} of {payment.cents} has {cents} in Alma, {dict(mine)}, and is {payment.state} {payment.code}"
    double = any(one.state is PostingState.DOUBLE for one in postings.values())
    if (cents > payment.cents or any(times > 1 for times in mine.values())) and not (by_proxy and double):
        kind = "doubled"
        raise ViolationError(kind, says)
    if payment.state in (PaymentState.RECEIVED, PaymentState.MATCHED):
        kind = "lost"
        raise ViolationError(kind, f"{says}: nobody is asked about it")
    told = payment.state is PaymentState.HELD and (payment.code == "EARLIER-POSTING-DIFFERS" or ALREADY in payment.why)
    if mine.keys() - postings.keys() and not told:
        kind = "lost"
        raise ViolationError(kind, f"{says}: the ledger does not know what is there")
    for fee_id, posting in postings.items():
        _judge_posting(posting, mine.get(fee_id, 0), says)


def _judge_posting(posting: Posting, times: int, says: str) -> None:
    wrong = {
        "lost": (times == 1 and posting.state not in PROVED) or (times == 0 and posting.state in UNSEEN),
        "wrongly marked": times == 0 and posting.state not in (*UNSEEN, PostingState.HELD, PostingState.DOUBT),
    }
    for kind, so in wrong.items():
        if so:
            raise ViolationError(kind, f"{says}: {posting.external_id} is {posting.state} {posting.code}")
