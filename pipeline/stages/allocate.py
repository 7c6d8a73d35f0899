"""Write down once where each payment's cents go in Alma, before anything is posted; hold what cannot be placed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.findings import Finding
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentBook, PaymentState, PostingBook, PostingState
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.locate import Memo, NotLocatedError, locate
from pipeline.stages.meter import MOST_CALLS, Metered, halted
from pipeline.stages.plan import Debt, Hold, Terms, plan

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Payment, Posting
    from pipeline.ports.outside import AlmaFee, AlmaFees, Clock

RECONSIDERED = frozenset(
    {
        "LOCATE-NO-PATRON",
        "LOCATE-NOT-FOUND",
        "LOCATE-AMBIGUOUS",
        "LOCATE-REFUSED",
        "FEE-IDENTITY",
        "FEE-CURRENCY",
        "FEE-IS-CREDIT",
        "FEE-IN-DISPUTE",
        "FEE-CLOSED",
        "FEE-STATUS",
        "FEE-PROMISED",
        "EARLIER-POSTING-DIFFERS",
        "LOOKS-ALREADY-ENTERED",
        "MATCH-UNKNOWN-FEE",
    }
)
"""Payments held for these reasons are thought about again every night: the reason may be gone."""

PROMISING = (
    PostingState.READY,
    PostingState.SENDING,
    PostingState.UNKNOWN,
    PostingState.DOUBT,
    PostingState.HELD,
    PostingState.POSTED,
)
"""A posting in one of these states may still take from a balance that does not show it yet."""


class Promises:
    """Cents that earlier payments will take from a fee and that its balance does not show yet."""

    def __init__(self, postings: Iterable[Posting]) -> None:
        self._of: dict[str, list[Posting]] = {}
        self.add(postings)

    def add(self, postings: Iterable[Posting]) -> None:
        """Note what was just planned, so that the next payment of the same fee knows."""
        for posting in postings:
            self._of.setdefault(posting.alma_fee_id, []).append(posting)

    def on(self, fee: AlmaFee) -> int:
        """Add up the promises on a fee, leaving out those that stand on it already."""
        there = {one.external_id for one in fee.transactions}
        return sum(one.cents for one in self._of.get(fee.fee_id, ()) if one.external_id not in there)


def promises(book: PostingBook) -> Promises:
    """Read from the ledger what is promised and not confirmed."""
    return Promises(book.postings(*PROMISING))


def allocate_payment(
    payment: Payment, debt: Debt, book: PaymentBook, terms: Terms, promised: Promises, at: datetime
) -> list[Finding]:
    """Write the plan of a RECEIVED payment, or hold the payment with a reason; give the findings.

    ``promised`` is brought up to date.  Raises StaleError when somebody else moved the payment meanwhile.
    """
    decision = plan(payment, debt, terms, promised.on(debt.fee), at)
    if isinstance(decision, Hold):
        return hold_payment(payment, decision, book, at)
    if payment.state is PaymentState.HELD:
        payment = book.settle_payment(payment, PaymentState.RECEIVED, "", "what held it back is gone", at)
    allocations, postings = decision.allocations, decision.postings
    book.allocate(payment, debt.charged.fee_id, allocations, postings, decision.suspense_cents, at)
    promised.add(postings)
    if not decision.suspense_cents:
        return []
    why = f"{dollars(decision.suspense_cents)} are more than can be paid on it; they are in suspense"
    return [_said("OVERPAID", payment, why)]


def hold_payment(payment: Payment, hold: Hold, book: PaymentBook, at: datetime) -> list[Finding]:
    """Hold a payment and say so; one that is held already stays as it is and is not news."""
    if payment.state is PaymentState.HELD:
        return []
    book.settle_payment(payment, PaymentState.HELD, hold.code, hold.why, at)
    return [_said(hold.code, payment, hold.why)]


def _said(code: str, payment: Payment, why: str) -> Finding:
    return Finding(code, payment.key, f"{dollars(payment.cents)} for fee {payment.fee_ref}: {why}")


class Books(PaymentBook, PostingBook, Protocol):
    """The two books of the ledger that planning needs."""


def allocate_all(
    payments: Sequence[Payment], alma: AlmaFees, book: Books, clock: Clock, terms: Callable[[Payment], Terms]
) -> list[Finding]:
    """Plan every payment of the list, in its order; one whose fee cannot be looked up waits for the next run.

    Each patron's fees are asked for once.  Gives the findings; safe to call again after it died anywhere.
    """
    metered, memo, promised = Metered(alma, MOST_CALLS), Memo(), promises(book)
    findings: list[Finding] = []
    for payment in payments:
        if why := metered.tired():
            return [*findings, Finding("POST-PAUSED", "Alma", f"not every payment could be planned: {why}")]
        try:
            debt = _debt(payment, metered, book, memo)
        except Busy as busy:
            findings.append(_said("LOCATE-BUSY", payment, str(busy)))
            continue
        except Refused as no:
            return [*findings, halted(no, "nothing more was planned")]
        if isinstance(debt, Hold):
            findings += hold_payment(payment, debt, book, clock.now())
        else:
            findings += allocate_payment(payment, debt, book, terms(payment), promised, clock.now())
    return findings


def _debt(payment: Payment, alma: AlmaFees, book: PaymentBook, memo: Memo) -> Debt | Hold:
    charged = book.charged(payment.system, payment.fee_ref)
    if charged is None:
        return Hold("MATCH-UNKNOWN-FEE", f"no charge is known at {payment.system} under this reference")
    try:
        return Debt(charged, locate(alma, charged, memo))
    except NotLocatedError as not_located:
        return Hold(not_located.code, str(not_located))


def allocate(work: Work) -> None:
    """Plan every payment that was matched, and those that were held for a reason that may be gone."""
    received = [one for one in work.ledger.payments_in(PaymentState.RECEIVED) if one.fee_id]
    held = [one for one in work.ledger.payments_in(PaymentState.HELD) if one.code in RECONSIDERED]
    alma, campus = work.outside.alma, work.campus.campus
    if alma is None:
        text = f"{len(received) + len(held)} payments wait to be posted"
        missed = (received or held) and campus.mode == "live"
        work.findings += [Finding("ALMA-MISSING", "Alma", text)] if missed else []
        return

    def terms(payment: Payment) -> Terms:
        return Terms(campus.name, campus.systems[payment.system].methods)

    work.findings += allocate_all([*received, *held], alma, work.ledger, work.outside.clock, terms)
