"""Post payments to Alma so that each is there once: look, note, do, note; what is not known is never sent again."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PostingState
from pipeline.ports.outside import Busy, Lost, PayOrder, Refused
from pipeline.stages.look import Sight, View, judge, look, sums_close
from pipeline.stages.meter import MOST_CALLS, Metered, halted
from pipeline.stages.plan import Hold, by_another_hand, unpayable

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Posting, PostingBook
    from pipeline.ports.outside import AlmaFees, AlmaTransaction, Clock

BLIND_FOR = timedelta(days=3)
"""After so long without a usable look an unknown outcome is a person's matter."""

CLOCKS_DIFFER = timedelta(minutes=15)
"""Alma's clock and ours are taken to agree to this."""

DOUBLED_BEFORE = Hold("PATRON-STOPPED", "another payment of this patron stands in Alma twice; settle that first")

FOUND = {
    Sight.SEEN: (PostingState.POSTED, ""),
    Sight.MANY: (PostingState.DOUBLE, "POST-DOUBLE"),
    Sight.OTHER: (PostingState.MISMATCH, "POST-MISMATCH"),
}
"""Presence is believed at once, whatever was known before."""

TOLD = {
    PostingState.UNKNOWN: "POST-UNKNOWN",
    PostingState.DOUBT: "POST-DOUBT",
    PostingState.DOUBLE: "POST-DOUBLE",
    PostingState.MISMATCH: "POST-MISMATCH",
}
"""States that people are told about, with the code of the finding; HELD brings its own."""


def post_all(alma: AlmaFees, book: PostingBook, clock: Clock, settle: timedelta, budget: int) -> list[Finding]:
    """Work through every posting that is not at rest, one at a time; give what people should know.

    Doubtful ones first, then new ones (oldest money first), then held ones, whose reason may be gone.  ``settle`` is
    how long after a request its absence begins to mean something; ``budget`` how many calls to Alma this run may make.
    Safe to call again after it died anywhere.
    """
    metered = Metered(alma, budget)
    findings: list[Finding] = []
    for posting in book.postings(PostingState.SENDING):
        findings += tell(posting, _interrupted(posting, book, clock))
    doubtful = book.postings(PostingState.UNKNOWN, PostingState.DOUBT)
    new, held = book.postings(PostingState.READY), book.postings(PostingState.HELD)  # not what this run will hold
    try:
        for postings in (doubtful, new, held):
            metered.next_kind()
            findings.extend(_each(postings, metered, book, clock, settle))
    except Refused as no:
        findings.append(halted(no, "nothing more was posted"))
    return findings


def _each(
    postings: Sequence[Posting], alma: Metered, book: PostingBook, clock: Clock, settle: timedelta
) -> Iterator[Finding]:
    doubled = {_patron(one) for one in book.postings(PostingState.DOUBLE)}
    for number, posting in enumerate(postings):
        if why := alma.tired():
            yield Finding("POST-PAUSED", "Alma", f"{len(postings) - number} payments wait for the next run: {why}")
            return
        if _patron(posting) in doubled and posting.state in (PostingState.READY, PostingState.HELD):
            after = _hold(posting, DOUBLED_BEFORE, book, clock)
        else:
            after = post_one(posting, alma, book, clock, settle)
        if after.state is PostingState.DOUBLE:
            doubled.add(_patron(after))
        yield from tell(posting, after)


def _patron(posting: Posting) -> tuple[str, str]:
    return (posting.patron_id_type, posting.patron_id)


def tell(before: Posting, after: Posting) -> list[Finding]:
    """Make the finding, if any, of a posting that moved; one that stays where it was is not news."""
    if after.state is before.state:
        return []
    code = after.code if after.state is PostingState.HELD else TOLD.get(after.state, "")
    text = f"{dollars(after.cents)} for fee {after.alma_fee_id}: {after.why}"
    return [Finding(code, after.external_id, text)] if code else []


def post_one(posting: Posting, alma: AlmaFees, book: PostingBook, clock: Clock, settle: timedelta) -> Posting:
    """Bring one posting as far as evidence allows; give the record as it now stands.

    At most one payment request leaves, and only after the intent to send it is durable.  Raises Refused with scope
    ``system`` when Alma refuses all of us; the posting is then READY or as it was.
    """
    if posting.state is PostingState.SENDING:
        posting = _interrupted(posting, book, clock)
    view = look(posting, alma)
    if view.sight in FOUND:
        return found(posting, view, book, clock)
    if posting.state in (PostingState.UNKNOWN, PostingState.DOUBT):
        return _doubt(posting, view, book, clock, settle)
    if view.sight is Sight.BLIND:
        return posting
    if hold := _why_not(posting, view):
        return _hold(posting, hold, book, clock)
    if posting.state is PostingState.HELD:
        posting = book.move_posting(posting, PostingState.READY, clock.now(), why="what held it back is gone")
    return _send(posting, alma, book, clock)


def found(posting: Posting, view: View, book: PostingBook, clock: Clock) -> Posting:
    """Write down that our id stands on the fee: once as sent, twice, or with other cents."""
    state, code = FOUND[view.sight]
    now = clock.now()
    return book.move_posting(posting, state, now, since=now, code=code, why=view.text, evidence=view.text)


def _interrupted(posting: Posting, book: PostingBook, clock: Clock) -> Posting:
    """An earlier run died between its intent and the answer; ``since`` stays the time of that intent."""
    why = "the run that was posting it ended before the answer came"
    return book.move_posting(posting, PostingState.UNKNOWN, clock.now(), code="POST-UNKNOWN", why=why)


def _doubt(posting: Posting, view: View, book: PostingBook, clock: Clock, settle: timedelta) -> Posting:
    """Nothing was seen.  That never leads to a second request; once it means anything, a person decides."""
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


def _why_not(posting: Posting, view: View) -> Hold | None:
    if view.fee is None:
        return Hold("POST-REFUSED", view.text)
    fee = view.fee
    if any(_after(one, posting.since) for one in by_another_hand(fee, posting.cents)):
        why = f"somebody else paid {dollars(posting.cents)} on it since; see whether it is this payment"
        return Hold("LOOKS-ALREADY-ENTERED", why)
    if hold := unpayable(fee):
        return hold
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


def _hold(posting: Posting, hold: Hold, book: PostingBook, clock: Clock) -> Posting:
    if posting.state is PostingState.HELD:
        return posting
    return book.move_posting(posting, PostingState.HELD, clock.now(), code=hold.code, why=hold.why)


def _send(posting: Posting, alma: AlmaFees, book: PostingBook, clock: Clock) -> Posting:
    now = clock.now()
    posting = book.move_posting(posting, PostingState.SENDING, now, attempts=posting.attempts + 1, since=now)
    unsent = posting.attempts - 1
    try:
        fee = alma.pay(_order(posting))
    except Busy as busy:
        return book.move_posting(posting, PostingState.READY, clock.now(), attempts=unsent, why=str(busy))
    except Refused as no:
        if no.scope == "system":
            book.move_posting(posting, PostingState.READY, clock.now(), attempts=unsent, why=str(no))
            raise
        code = "POST-REFUSED"
        return book.move_posting(posting, PostingState.HELD, clock.now(), attempts=unsent, code=code, why=str(no))
    except Lost as lost:
        return _unknown(posting, str(lost), book, clock)
    view = judge(posting, fee)
    if view.sight is Sight.SEEN:
        return found(posting, view, book, clock)
    return _unknown(posting, f"Alma took it, and the fee she answered does not prove it: {view.text}", book, clock)


def _unknown(posting: Posting, why: str, book: PostingBook, clock: Clock) -> Posting:
    now = clock.now()
    return book.move_posting(posting, PostingState.UNKNOWN, now, since=now, code="POST-UNKNOWN", why=why, evidence=why)


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


def post(work: Work) -> None:
    """Post what is planned, and settle what earlier runs left open."""
    alma, settings = work.outside.alma, work.campus.campus.alma
    if alma is None or settings is None:
        return
    settle = timedelta(seconds=settings.settle_s)
    work.findings += post_all(alma, work.ledger, work.outside.clock, settle, MOST_CALLS)
