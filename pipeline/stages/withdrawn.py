"""What a report that repeats itself says no more: money that may not have come after all, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentState
from pipeline.stages.origins import cents_for
from pipeline.stages.resolving import NEVER_CAME, SAID_AGAIN
from pipeline.stages.said_no_more import looks

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Payment, PaymentBook
    from pipeline.stages.streams import Streams

FREE = (PaymentState.RECEIVED, PaymentState.MATCHED, PaymentState.SUSPENSE, PaymentState.HELD)
"""States in which nothing of a payment can be in Alma."""

A_PERSON_ANSWERS = (
    "PAYMENT-UNREADABLE",
    "PAYMENT-CHANGED",
    "PAYMENT-OTHER-DAY",
    "PAYMENT-OTHER-PATRON",
    "PAYMENT-REPEATED",
    "PAYMENT-MOVED-DAY",
    "PAYMENT-CORRECTED?",
    "CHARGEBACK-UNDONE",
    SAID_AGAIN,
)
"""What a line is held for until a person answers.  Whether it is said again does not, so it stays as it is."""


@dataclass(frozen=True, slots=True)
class Report:
    """A file of a report that repeats itself: its name, who reads it, the days it covers, the keys it says."""

    sha: str
    name: str
    system: str
    reader: str
    first: str
    last: str
    said: Collection[str]


def withdrawn(work: Work, report: Report, streams: Streams) -> Iterator[Finding]:
    """Hold what earlier files of a report said and this newer one does not; let go what it says again.

    What may be in Alma by now is a task for staff, once.  What it says again is held where a person had said that it
    never came, or where money of its debt went back meanwhile.  Doing the same twice changes nothing.
    """
    known = work.ledger.payments_between(report.system, report.reader, report.first, report.last)
    mine = [one for one in known if streams.same(report.sha, one.file_sha)]
    for one in _said_again(work, report, mine):
        if finding := _back(work, report, one):
            yield finding
    missing = [one for one in mine if one.key not in report.said and one.file_sha != report.sha]
    pairs = _cancelled_together(missing)
    for one in missing:
        finding = None if one.key in pairs else _missing(work, report, one)
        if finding is not None:
            yield finding


def _said_again(work: Work, report: Report, mine: list[Payment]) -> list[Payment]:
    """What is held as withdrawn, or was rejected as that, and is said now; what is held, of whatever day."""
    if not report.said:
        return []
    never_came = {one.key: one for one in mine if (one.state, one.code) == (PaymentState.EXCLUDED, NEVER_CAME)}
    held = {one.key: one for one in work.ledger.payments_in(PaymentState.HELD) if one.code == NEVER_CAME}
    return [one for key, one in (held | never_came).items() if key in report.said]


def _back(work: Work, report: Report, one: Payment) -> Finding | None:
    """Let it go on, or hold it for a person where a person's word or other money stands against it."""
    why, now = f"{report.name} says it again", work.outside.clock.now()
    rejected = one.state is PaymentState.EXCLUDED
    against = "a person had said that it never came" if rejected else _went_back(work.ledger, one)
    if not against:
        work.ledger.settle_payment(one, PaymentState.RECEIVED, "", why, now)
        return None
    why = f"{why}, and {against}"
    work.ledger.settle_payment(one, PaymentState.HELD, SAID_AGAIN, why, now)
    return Finding(SAID_AGAIN, one.key, f"{dollars(one.cents)} of {one.occurred_on}: {why}", report.name)


def _went_back(book: PaymentBook, one: Payment) -> str:
    """Say of which debt more went back than came in without this payment; what went back of itself goes with it."""
    lines = (one, *book.backs_of(one.key))
    for debt in sorted({(share.source, share.fee_id) for share in one.shares}):
        charged, own = book.charge_of(*debt), sum(cents_for(line, debt) for line in lines)
        if charged is not None and charged.paid_cents < own:
            paid = f"{dollars(charged.paid_cents)} count as paid of fee {charged.fee_id} after money went back"
            return f"{paid}, with {dollars(own)} of this payment"
    return ""


def _cancelled_together(missing: list[Payment]) -> set[str]:
    """A payment and what took it back, both cancelled, may both be left out: together they are nothing."""
    cancelled = {one.key: one for one in missing if one.state is PaymentState.CANCELLED}
    backs = {one.key: one.takes_back for one in cancelled.values() if one.takes_back in cancelled}
    return {*backs, *backs.values()}


def _missing(work: Work, report: Report, one: Payment) -> Finding | None:
    """Hold it, or open a task; nothing if a person has answered this before, or it never counted."""
    if one.state is PaymentState.EXCLUDED or one.code == NEVER_CAME or one.code in A_PERSON_ANSWERS:
        return None
    days = f"{report.first} to {report.last}"
    why = f"{report.name} covers {days} and does not say it any more, as earlier files did"
    now = work.outside.clock.now()
    if one.state in FREE:
        work.ledger.settle_payment(one, PaymentState.HELD, NEVER_CAME, why, now)
        return Finding(NEVER_CAME, one.key, f"{dollars(one.cents)} of {one.occurred_on}: {why}", report.name)
    if not [task for task in looks(one, why, work.ledger, work.today.isoformat()) if work.ledger.open_task(task, now)]:
        return None
    text = f"{dollars(one.cents)} of {one.occurred_on} is {one.state}: {why}; a task is open"
    return Finding("PAYMENT-WITHDRAWN-POSTED", one.key, text, report.name)
