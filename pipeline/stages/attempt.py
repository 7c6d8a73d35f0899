"""Bring one posting as far as evidence allows: look, note, do, note; what is not known is never sent again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PostingState
from pipeline.ports.outside import Busy, Lost, PayOrder, Refused
from pipeline.stages.holding import hold_for
from pipeline.stages.look import Sight, View, first_look, judge, look, sums_close
from pipeline.stages.otherwise import BLIND, MISMATCH, is_otherwise, otherwise
from pipeline.stages.payable import ENTERED, Hold, by_another_hand, unpayable
from pipeline.stages.went_back import is_stopped

if TYPE_CHECKING:
    from pipeline.ports.ledger import Posting, PostingBook
    from pipeline.ports.outside import AlmaFees, AlmaTransaction, Clock
    from pipeline.stages.locate import PatronFees

BLIND_FOR = timedelta(days=3)
"""After so long without a usable look an unknown outcome is a person's matter."""

BLIND_NIGHTS = 3
"""After so many business dates in a row without a usable look a payment that was never sent is one too."""

CLOCKS_DIFFER = timedelta(minutes=15)
"""Alma's clock and ours are taken to agree to this."""

DOUBTFUL = (PostingState.UNKNOWN, PostingState.DOUBT)

FOUND = {
    Sight.SEEN: (PostingState.POSTED, ""),
    Sight.MANY: (PostingState.DOUBLE, "POST-DOUBLE"),
    Sight.OTHER: (PostingState.MISMATCH, MISMATCH),
}
"""Presence is believed at once, whatever was known before."""

TOLD = {
    PostingState.UNKNOWN: "POST-UNKNOWN",
    PostingState.DOUBT: "POST-DOUBT",
    PostingState.DOUBLE: "POST-DOUBLE",
    PostingState.MISMATCH: MISMATCH,
}
"""States that people are told about, with the code of the finding; HELD brings its own."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What a posting is worked on with.  ``settle`` is after how long the absence of a payment means something."""

    alma: AlmaFees
    book: PostingBook
    clock: Clock
    today: date
    settle: timedelta


def tell(before: Posting, after: Posting) -> list[Finding]:
    """Make the finding, if any, of a posting that moved; one that stays where it was is not news."""
    if (after.state, after.code) == (before.state, before.code):
        return []
    code = after.code if after.state is PostingState.HELD else TOLD.get(after.state, "")
    text = f"{dollars(after.cents)} for fee {after.alma_fee_id}: {after.why}"
    return [Finding(code, after.external_id, text)] if code else []


def post_one(posting: Posting, fees: PatronFees, desk: Desk) -> Posting:
    """Look, and pay if there is nothing against it; give the record as it now stands.

    At most one payment request leaves, and only after the intent to send it is durable.  ``fees`` may be what was just
    listed, for a posting of which no request was ever attempted; any other is looked at alone.  Raises Refused with
    scope ``system`` when Alma refuses all of us; the posting is then READY or as it was.
    """
    if posting.state is PostingState.SENDING:
        posting = interrupted(posting, desk.book, desk.clock)
    doubtful = posting.state in DOUBTFUL
    view = look(posting, desk.alma) if doubtful or posting.attempts else first_look(posting, fees, desk.alma)
    if view.sight in FOUND:
        return found(posting, view, desk)
    if doubtful:
        return _doubt(posting, view, desk)
    return posting if _awaits_word(posting) else _unsent(posting, view, fees, desk)


def _unsent(posting: Posting, view: View, fees: PatronFees, desk: Desk) -> Posting:
    """Pay one that does not stand on its fee, if there is nothing against it."""
    if view.sight is Sight.BLIND:
        return blind(posting, view.text, desk)
    if reason := _why_not(posting, view):
        return hold(posting, reason, desk)
    against = _of_its_payment(posting, fees, desk)
    if against is None:
        return _send(_over(posting, desk), fees, desk)
    if against.sight is Sight.BLIND:
        return blind(posting if posting.code == BLIND else _over(posting, desk), against.text, desk)
    return hold(posting, Hold(MISMATCH, against.text), desk)


def found(posting: Posting, view: View, desk: Desk) -> Posting:
    """Write down that our id stands on the fee: once as sent, twice, or with other cents."""
    state, code = FOUND[view.sight]
    now = desk.clock.now()
    return desk.book.move_posting(posting, state, now, since=now, code=code, why=view.text, evidence=view.text)


def interrupted(posting: Posting, book: PostingBook, clock: Clock) -> Posting:
    """An earlier run died between its intent and the answer; ``since`` stays the time of that intent."""
    why = "the run that was posting it ended before the answer came"
    return book.move_posting(posting, PostingState.UNKNOWN, clock.now(), code="POST-UNKNOWN", why=why)


def grown_old(posting: Posting, view: View, settle: timedelta, book: PostingBook, clock: Clock) -> Posting:
    """Make a doubtful posting that ``view`` does not show a person's matter, once that means anything.

    That is ``settle`` after its request if the view can be believed, else BLIND_FOR; until then it stays as it is.
    """
    if posting.state is PostingState.DOUBT:
        return posting
    now = clock.now()
    age = now - posting.since if posting.since is not None else BLIND_FOR
    believed = view.sight is Sight.ABSENT and view.fee is not None and sums_close(view.fee)
    if age < (settle if believed else BLIND_FOR):
        return posting
    lately = "it never appeared" if believed else "no look since then could tell"
    why = f"it was sent {age} ago and {lately}: {view.text}"
    return book.move_posting(posting, PostingState.DOUBT, now, code="POST-DOUBT", why=why, evidence=view.text)


def hold(posting: Posting, reason: Hold, desk: Desk) -> Posting:
    """Hold a posting for the reason that counts now; one that waits for a person's word goes on waiting for it."""
    if _awaits_word(posting) or (posting.state, posting.code) == (PostingState.HELD, reason.code):
        return posting
    return hold_for(posting, reason, desk.book, desk.clock)


def blind(posting: Posting, text: str, desk: Desk) -> Posting:
    """Nobody could tell.  One night of that is an outage; after some a person should know."""
    if posting.state is not PostingState.READY:
        return posting
    posting = desk.book.note_blind(posting, desk.today, text, desk.clock.now())
    if posting.blind_nights < BLIND_NIGHTS:
        return posting
    why = f"on {posting.blind_nights} days Alma could not be asked about it: {text}"
    return hold(posting, Hold(BLIND, why), desk)


def _awaits_word(posting: Posting) -> bool:
    return is_stopped(posting) or is_otherwise(posting)


def _over(posting: Posting, desk: Desk) -> Posting:
    """Make one ready that was held for what is gone."""
    if posting.state is not PostingState.HELD:
        return posting
    return desk.book.move_posting(posting, PostingState.READY, desk.clock.now(), why="what held it back is gone")


def _doubt(posting: Posting, view: View, desk: Desk) -> Posting:
    """Nothing was seen.  That never leads to a second request; once it means anything, a person decides."""
    return grown_old(posting, view, desk.settle, desk.book, desk.clock)


def _of_its_payment(posting: Posting, fees: PatronFees, desk: Desk) -> View | None:
    """What a person has seen and let go all the same goes."""
    if posting.code == MISMATCH:
        return None
    return otherwise(posting, desk.book.postings_of(posting.payment_key), fees, desk.alma)


def _why_not(posting: Posting, view: View) -> Hold | None:
    if view.fee is None:
        return Hold("POST-REFUSED", view.text)
    fee = view.fee
    agreed = posting.state is PostingState.READY and posting.code == ENTERED  # a person has seen it
    if not agreed and any(_after(one, posting.since) for one in by_another_hand(fee, posting.cents)):
        why = f"somebody else paid {dollars(posting.cents)} on it since; see whether it is this payment"
        return Hold(ENTERED, why)
    if reason := unpayable(fee):
        return reason
    if fee.balance_cents < posting.cents:
        why = f"its balance fell to {dollars(fee.balance_cents)} since the payment was planned"
        return Hold("BALANCE-FELL", why)
    return None


def _after(transaction: AlmaTransaction, since: datetime | None) -> bool:
    """What has no readable time counts as new: better a person looks once too often than a fee is paid twice."""
    try:
        time = datetime.fromisoformat(transaction.time)
        return since is None or time >= since - CLOCKS_DIFFER
    except (ValueError, TypeError):
        return True


def _send(posting: Posting, fees: PatronFees, desk: Desk) -> Posting:
    now, move = desk.clock.now(), desk.book.move_posting
    unsent, word = posting.attempts, posting.code
    posting = move(posting, PostingState.SENDING, now, attempts=unsent + 1, since=now)
    try:
        fee = desk.alma.pay(_order(posting))
    except Busy as busy:
        return move(posting, PostingState.READY, desk.clock.now(), attempts=unsent, code=word, why=str(busy))
    except Refused as no:
        if no.scope == "system":
            move(posting, PostingState.READY, desk.clock.now(), attempts=unsent, code=word, why=str(no))
            raise
        fees.forget(posting.alma_fee_id)
        code = "POST-REFUSED"
        return move(posting, PostingState.HELD, desk.clock.now(), attempts=unsent, code=code, why=str(no))
    except Lost as lost:
        fees.forget(posting.alma_fee_id)
        return _unknown(posting, str(lost), desk)
    view = judge(posting, fee)
    if view.sight is Sight.SEEN:
        fees.paid(fee)
        return found(posting, view, desk)
    fees.forget(posting.alma_fee_id)
    return _unknown(posting, f"Alma took it, and the fee she answered does not prove it: {view.text}", desk)


def _unknown(posting: Posting, why: str, desk: Desk) -> Posting:
    now, unknown = desk.clock.now(), PostingState.UNKNOWN
    return desk.book.move_posting(posting, unknown, now, since=now, code="POST-UNKNOWN", why=why, evidence=why)


def _order(posting: Posting) -> PayOrder:
    return PayOrder(
        patron_id=posting.patron_id,
        patron_id_type=posting.patron_id_type,
        fee_id=posting.alma_fee_id,
        cents=posting.cents,
        method=posting.method,
        external_id=posting.external_id,
        comment=posting.comment,
    )
