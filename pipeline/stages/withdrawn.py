"""What a report that repeats itself says no more: money that may not have come after all, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentState, Task, TaskState

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Payment
    from pipeline.stages.streams import Streams

GONE = "PAYMENT-WITHDRAWN?"
FREE = (PaymentState.RECEIVED, PaymentState.MATCHED, PaymentState.SUSPENSE, PaymentState.HELD)
"""States in which nothing of a payment can be in Alma."""

A_PERSON_ANSWERS = (
    "PAYMENT-UNREADABLE",
    "PAYMENT-CHANGED",
    "PAYMENT-OTHER-DAY",
    "PAYMENT-REPEATED",
    "PAYMENT-MOVED-DAY",
    "CHARGEBACK-UNDONE",
)
"""What a line is held for when it is entered.  Whether it is said again does not answer that, so it stays as it is."""


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

    What may be in Alma by now is a task for staff, once.  Doing the same twice changes nothing.
    """
    known = work.ledger.payments_between(report.system, report.reader, report.first, report.last)
    mine = [one for one in known if streams.same(report.sha, one.file_sha)]
    for one in _said_again(work, report, mine):
        why = f"{report.name} says it again"
        work.ledger.settle_payment(one, PaymentState.RECEIVED, "", why, work.outside.clock.now())
    missing = [one for one in mine if one.key not in report.said and one.file_sha != report.sha]
    pairs = _cancelled_together(missing)
    for one in missing:
        finding = None if one.key in pairs else _missing(work, report, one)
        if finding is not None:
            yield finding


def _said_again(work: Work, report: Report, mine: list[Payment]) -> list[Payment]:
    """What is held as withdrawn and is said now, be it that the file dates it otherwise than before."""
    if not report.said:
        return []
    held = {one.key: one for one in mine if (one.state, one.code) == (PaymentState.HELD, GONE)}
    moved = {one.key: one for one in work.ledger.payments_in(PaymentState.HELD) if one.code == GONE}
    return [one for key, one in (moved | held).items() if key in report.said]


def _cancelled_together(missing: list[Payment]) -> set[str]:
    """A payment and what took it back, both cancelled, may both be left out: together they are nothing."""
    cancelled = {one.key: one for one in missing if one.state is PaymentState.CANCELLED}
    backs = {one.key: one.takes_back for one in cancelled.values() if one.takes_back in cancelled}
    return {*backs, *backs.values()}


def _missing(work: Work, report: Report, one: Payment) -> Finding | None:
    """Hold it, or open a task; nothing if a person has answered this before, or it never counted."""
    if one.state is PaymentState.EXCLUDED or one.code == GONE or one.code in A_PERSON_ANSWERS:
        return None
    days = f"{report.first} to {report.last}"
    why = f"{report.name} covers {days} and does not say it any more, as earlier files did"
    now = work.outside.clock.now()
    if one.state in FREE:
        work.ledger.settle_payment(one, PaymentState.HELD, GONE, why, now)
        return Finding(GONE, one.key, f"{dollars(one.cents)} of {one.occurred_on}: {why}", report.name)
    if not work.ledger.open_task(_look(work, report, one, why), now):
        return None
    text = f"{dollars(one.cents)} of {one.occurred_on} is {one.state}: {why}; a task is open"
    return Finding("PAYMENT-WITHDRAWN-POSTED", one.key, text, report.name)


def _look(work: Work, report: Report, one: Payment, why: str) -> Task:
    """Tell staff all that is known of it; the fee is named where it is one."""
    share = one.shares[0] if len(one.shares) == 1 else None
    receipt = f" of receipt {one.payment_ref}" if one.payment_ref else ""
    text = (
        f"{one.kind} of {dollars(one.cents)}{receipt} on {one.occurred_on} for {one.fee_ref or one.patron_id}, first "
        f"said by line {one.line} of its file, is {one.state} here: {why}. Ask the bursar whether the money came; if "
        "it did not, put it right in Alma by hand, then close this task"
    )
    return Task(
        task_id=f"look-{one.key}-1",
        kind="look",
        subject=one.key,
        system=report.system,
        source=share.source if share else "",
        fee_id=share.fee_id if share else "",
        reference=one.fee_ref,
        patron_id=one.patron_id,
        cents=one.cents,
        text=text,
        opened_on=work.today.isoformat(),
        state=TaskState.OPEN,
    )
