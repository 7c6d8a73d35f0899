"""Which payment a line takes back that brings money back: by its receipt, else by the fee it names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState
from pipeline.stages.identity import person
from pipeline.stages.told import OTHER_PATRON

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from pipeline.ports.ledger import Charged, Payment, PaymentBook

NEVER_PAID = (PaymentState.EXCLUDED, PaymentState.WITHDRAWN)
"""Lines of these states brought no money that could go back."""


def by_receipt(back: Payment, book: PaymentBook) -> Sequence[Payment]:
    """Give the payments that a line takes back by the receipt it names, or by its own: none, the one, or several.

    Of a receipt with several lines each of these counts if it leaves any: not in dispute with itself, the same line,
    the same fee, exactly the amount.
    """
    receipt = back.origin_ref or back.payment_ref
    lines = [one for one in book.payments_of(back.system, receipt) if _brought(one)] if receipt else []
    for fits in _narrowing(back):
        lines = [one for one in lines if fits(one)] or lines
    return lines


def by_fee(back: Payment, charged: Charged, book: PaymentBook) -> Sequence[Payment]:
    """Give the payments of a debt that a line may take back which knows no receipt, and none that is later.

    Those of its own patron come first, then the others, each the newest first.
    One that was cancelled has nothing left; it is among them if it was of just these cents, for it went back then.
    """
    paid = book.payments_for(charged.source, charged.fee_id)
    fits = [one for one in paid if one.system == back.system and _brought(one) and _no_later(one, back)]
    newest_first = [
        one for one in reversed(fits) if one.state is not PaymentState.CANCELLED or one.cents == -back.cents
    ]
    return sorted(newest_first, key=lambda one: person(one.patron_id) != person(back.patron_id))


def in_question(back: Payment, book: PaymentBook) -> Payment | None:
    """Give what may be the payment of just these cents that a line takes back by its fee and patron.

    A person has still to say whether that is money of its own, or the same money as another patron's.
    """
    held = [one for one in book.payments_in(PaymentState.HELD) if one.code == OTHER_PATRON]
    said = (back.system, back.fee_ref, -back.cents)
    like = [one for one in held if (one.system, one.fee_ref, one.cents) == said]
    return next((one for one in like if person(one.patron_id) == person(back.patron_id)), None)


def backs_of(payment: Payment, book: PaymentBook) -> Sequence[Payment]:
    """Give the lines that took money of a payment back, also those that took all that was left of its receipt at once.

    Of the latter only the shares for the payment's own debts may be its money.  One that ended while it was for no debt
    may have gone back with the other lines of its receipt.
    """
    lines = _ended_with(payment, book) if payment.payment_ref else []
    debts = sorted({(share.source, share.fee_id) for one in lines for share in one.shares})
    backs = {one.key: one for debt in debts for one in book.payments_for(*debt) if one.cents < 0}
    return [*book.backs_of(payment.key), *(one for one in backs.values() if _of_the_whole(one, payment))]


def is_for(back: Payment, payment: Payment, debts: Collection[tuple[str, str] | None]) -> bool:
    """Say whether nothing contradicts that a line takes this payment back: each fee it names is one of the payment's.

    ``debts`` are those of the fees it names, None where one is not known.  A payment that names no fee and is for no
    debt yet may be for any.
    """
    mine = {(share.source, share.fee_id) for share in payment.shares}
    return not (mine or names(payment)) or names(back) <= names(payment) or mine.issuperset(debts)


def names(line: Payment) -> set[str]:
    """Give the fees that a line of money names."""
    return {line.fee_ref, *(reference for reference, _ in line.fees)} - {""}


def cents_for(payment: Payment, debt: tuple[str, str]) -> int:
    """Add up a payment's cents for one debt."""
    return sum(share.cents for share in payment.shares if (share.source, share.fee_id) == debt)


def _ended_with(payment: Payment, book: PaymentBook) -> Sequence[Payment]:
    """Give the lines of a receipt whose debts tell what took a payment back with all of them: mostly its own."""
    ended = payment.state is PaymentState.SETTLED and not payment.shares
    return book.payments_of(payment.system, payment.payment_ref) if ended else [payment]


def _of_the_whole(back: Payment, payment: Payment) -> bool:
    """Such a line names no payment, for it is of several."""
    receipt = (back.system, back.origin_ref or back.payment_ref)
    return not back.takes_back and receipt == (payment.system, payment.payment_ref)


def _brought(payment: Payment) -> bool:
    return payment.cents > 0 and payment.state not in NEVER_PAID


def _no_later(payment: Payment, back: Payment) -> bool:
    return not payment.occurred_on or not back.occurred_on or payment.occurred_on <= back.occurred_on


def _narrowing(back: Payment) -> Sequence[Callable[[Payment], bool]]:
    named = names(back)
    return (
        lambda one: one.state is not PaymentState.HELD or bool(one.shares),
        lambda one: not back.origin_ref and one.payment_line == back.payment_line,
        lambda one: not named.isdisjoint(names(one)),
        lambda one: one.cents == -back.cents,
    )
