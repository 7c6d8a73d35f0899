"""Find the debts that each payment is for: by the references we sent, else by its patron and amount."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Finding, Level
from pipeline.ports.ledger import PaymentState
from pipeline.stages.shares import DIFFER, PARTLY, UNKNOWN, Named, by_name
from pipeline.stages.unnamed import NO_PATRON, NOTHING_OPEN, by_patron

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.campus.back import Unnamed
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Charged, Payment, PaymentBook, Share
    from pipeline.ports.outside import Clock
    from pipeline.stages.shares import Match

IN_SUSPENSE = frozenset({UNKNOWN, NO_PATRON, NOTHING_OPEN, DIFFER})
"""Payments in suspense for these reasons are matched again every night: the charge may have been sent since."""


ALL_BACK = "all of it went back"
"""Why a payment is settled without a person."""


def match(work: Work) -> None:
    """Match every payment received, also those of earlier nights that had to wait for their charge.

    One that cannot be placed goes to suspense, with the debts it may be for; one whose debts a person must look at is
    held, and counts as paid at the bursar all the same.
    """
    systems = work.campus.campus.systems
    work.findings += match_all(work.ledger, work.outside.clock, lambda system: systems[system].unnamed)


def match_all(book: PaymentBook, clock: Clock, rules: Callable[[str], Unnamed]) -> list[Finding]:
    """Match all that waits; give what people should know.  Safe to call again after it died anywhere.

    Payments that name their fees go first, then the others, oldest money first: each sees what the ones before it took.
    ``rules`` says how a system's money is divided that names no fee.
    """
    findings: list[Finding] = []
    for payment in sorted(waiting(book), key=_names_none):
        findings += _match(payment, book, clock, rules(payment.system))
    return findings


def waiting(book: PaymentBook) -> list[Payment]:
    """List the money that came in and has no place yet, oldest first."""
    found = book.payments_in(PaymentState.RECEIVED, PaymentState.SUSPENSE, PaymentState.HELD)
    return [payment for payment in found if payment.cents > 0 and _waits(payment)]


def _waits(payment: Payment) -> bool:
    if payment.state is PaymentState.RECEIVED:
        return payment.kind == "sale"
    return payment.code in IN_SUSPENSE if payment.state is PaymentState.SUSPENSE else payment.code == PARTLY


def _names_none(payment: Payment) -> bool:
    return not payment.fee_ref and not payment.fees


def _match(payment: Payment, book: PaymentBook, clock: Clock, rule: Unnamed) -> list[Finding]:
    left = free_cents(payment, book)
    if left <= 0:
        book.settle_payment(payment, PaymentState.SETTLED, "", ALL_BACK, clock.now())
        return []
    found = _think(payment, left, book, rule)
    news = [Finding(found.code, payment.key, found.why)] if found.code not in ("", payment.code) else []
    if opens_too_much(payment, found.shares, book):
        return []
    if not found.shares:
        book.settle_payment(payment, PaymentState.SUSPENSE, found.code, found.why, clock.now())
        return news
    if news and news[0].entry.level is Level.NOTE:
        book.match_payment(payment, found.shares, clock.now())
        return news
    if (found.shares, found.code, found.why) != (payment.shares, payment.code, payment.why):
        book.match_payment(payment, found.shares, clock.now(), code=found.code, why=found.why)
    return news


def free_cents(payment: Payment, book: PaymentBook) -> int:
    """Give its cents less what went back of it while it was for no debt; what went back of a debt counts there."""
    backs = book.backs_of(payment.key)
    return payment.cents + sum(back.cents - sum(share.cents for share in back.shares) for back in backs)


def opens_too_much(payment: Payment, shares: Sequence[Share], book: PaymentBook) -> str:
    """Name a fee of which more went back than would be paid if a payment were for these shares; "" if there is none.

    Such a payment stays for the debts it is for, until a person ends it.
    """
    for debt in sorted({(one.source, one.fee_id) for one in payment.shares}):
        charged = book.charge_of(*debt)
        before, after = (_of(debt, each) for each in (payment.shares, shares))
        if charged is not None and charged.paid_cents - before + after < 0:
            return charged.fee_id
    return ""


def _of(debt: tuple[str, str], shares: Sequence[Share]) -> int:
    return sum(one.cents for one in shares if (one.source, one.fee_id) == debt)


def _think(payment: Payment, left: int, book: PaymentBook, rule: Unnamed) -> Match:
    if _names_none(payment):
        return by_patron(payment, left, debts_of(payment, book), rule)
    named = fees_named(payment, book)
    known = all(one.charged for one in named)
    return by_name(payment, named, left, () if known else debts_of(payment, book))


def fees_named(payment: Payment, book: PaymentBook) -> list[Named]:
    """Look up every fee that a line of money names, with its cents there: above 0 unless it runs against the line.

    A line that names one fee is all for that.
    """
    sign = -1 if payment.cents < 0 else 1
    said = payment.fees or ((payment.fee_ref, payment.cents),)
    return [Named(reference, sign * cents, book.charged(payment.system, reference)) for reference, cents in said]


def debts_of(payment: Payment, book: PaymentBook) -> Sequence[Charged]:
    """List what the patron of a line was ever sent at its system; nothing where it names nobody."""
    return book.charged_to(payment.system, payment.patron_id) if payment.patron_id else ()
