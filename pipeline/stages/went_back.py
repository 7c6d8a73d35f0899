"""Money of which a part goes back before it was sent: what is left to be paid, and what no longer goes by itself."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Protocol

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import UNSENT, PaymentBook, PaymentState, PostingBook, PostingState
from pipeline.stages.holding import hold_for
from pipeline.stages.origins import cents_for
from pipeline.stages.payable import Hold

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.ports.ledger import Payment, Posting, Share
    from pipeline.ports.outside import Clock

WENT_BACK = "MONEY-WENT-BACK"


class Books(PaymentBook, PostingBook, Protocol):
    """The books of what came in and what is on its way into Alma."""


def left_of(payment: Payment, backs: Sequence[Payment]) -> int:
    """Give the cents of a payment that the bursar has kept; ``backs`` are the lines that took money of it back."""
    return max(0, payment.cents + sum(back.cents for back in backs))


def kept(payment: Payment, backs: Sequence[Payment]) -> Mapping[int, int]:
    """Give the cents of each share that the bursar has kept, by its number: never more than is left of the payment."""
    left, found = left_of(payment, backs), {}
    for share in payment.shares:
        gone = sum(cents_for(back, (share.source, share.fee_id)) for back in backs)
        found[share.number] = min(left, max(0, share.cents + gone))
        left -= found[share.number]
    return found


def taken(payment: Payment, share: Share, book: Books) -> int:
    """Add up what other payments took of the debt of a share, as far as the bursar has kept it.

    For debts of which Alma's balance says nothing.  What a person settled stays for its debts, so it counts in full.
    What went back before its plan was never taken; what went back and nobody says of which payment, is taken no longer.
    """
    debt = (share.source, share.fee_id)
    lines = [one for one in book.payments_for(*debt) if one.state is not PaymentState.CANCELLED]
    gone: Counter[str] = Counter()
    for line in lines:
        gone[line.takes_back] -= min(0, cents_for(line, debt))
    total = -gone[""]
    for other in lines:
        if other.key != payment.key and other.state in (PaymentState.ALLOCATED, PaymentState.SETTLED):
            total += max(0, min(_placed(other, debt, book), cents_for(other, debt) - gone[other.key]))
    return total


def _placed(payment: Payment, debt: tuple[str, str], book: Books) -> int:
    """Give the cents that a payment pays of a debt: as its plan says, or all it is for if a person settled it."""
    if payment.state is PaymentState.SETTLED:
        return cents_for(payment, debt)
    return sum(one.cents for one in book.postings_of(payment.key) if _takes(one, debt))


def _takes(posting: Posting, debt: tuple[str, str]) -> bool:
    return (posting.source, posting.fee_id) == debt and posting.state is not PostingState.CANCELLED


def is_stopped(posting: Posting) -> bool:
    """Say whether money of it went back and nobody has said yet what is to become of it."""
    return posting.state is PostingState.HELD and posting.code == WENT_BACK


def stop(book: Books, clock: Clock) -> list[Finding]:
    """Hold every posting that would pay more than the bursar has kept; a person says what becomes of it.

    It is written down in full, once, so it cannot be paid in part.  Safe to call again; one that a person has let go
    all the same (it is ready and bears the code) goes on, until still more goes back (``ask_again``).
    """
    unsent = [one for one in book.postings(*UNSENT) if one.code != WENT_BACK]
    payments = book.known_payments(sorted({one.payment_key for one in unsent}))
    findings = []
    for posting in unsent:
        payment = payments[posting.payment_key]
        left = _kept_for(posting, payment, book)
        if posting.cents > left:
            why = f"{dollars(posting.cents)} were to be paid on it, and the bursar has kept {dollars(left)} of them"
            findings += [stop_one(posting, why, book, clock)]
    return findings


def ask_again(posting: Posting, line: Payment, book: PostingBook, clock: Clock) -> list[Finding]:
    """Hold again what a person had let go, because a line takes still more of it back."""
    if posting.state is not PostingState.READY or posting.code != WENT_BACK:
        return []
    return [stop_one(posting, f"{dollars(-line.cents)} more went back since a person let it go", book, clock)]


def _kept_for(posting: Posting, payment: Payment, book: PaymentBook) -> int:
    """Give the cents kept of what is to be posted, less what went back of its debt and nobody says of which payment."""
    debt = (posting.source, posting.fee_id)
    numbers = [share.number for share in payment.shares if (share.source, share.fee_id) == debt]
    mine = kept(payment, book.backs_of(payment.key))
    lines = [one for one in book.payments_for(*debt) if one.cents < 0 and not one.takes_back]
    since = [min(0, cents_for(one, debt)) for one in lines if one.occurred_on >= payment.occurred_on]
    return max(0, sum(mine[number] for number in numbers) + sum(since))


def stop_one(posting: Posting, why: str, book: PostingBook, clock: Clock) -> Finding:
    """Hold one that was not sent, whatever it was held for before: it never goes by itself."""
    held = hold_for(posting, Hold(WENT_BACK, why), book, clock)
    return Finding(WENT_BACK, held.external_id, f"fee {held.alma_fee_id}: {why}")
