"""Which debts a payment is for that names no fee: only what its patron was sent by that system and still owes there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Share
from pipeline.stages.shares import Match, candidates, still_open

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.campus.back import Unnamed
    from pipeline.ports.ledger import Charged, Payment

NO_PATRON = "MATCH-UNKNOWN-PATRON"
NOTHING_OPEN = "MATCH-NOTHING-OPEN"
SEVERAL = "MATCH-SEVERAL-EXACT"
REVIEW = "MATCH-REVIEW"


def by_patron(payment: Payment, left: int, debts: Sequence[Charged], rule: Unnamed) -> Match:
    """Divide a payment over what its patron owes: one debt of exactly the amount, else one after the other.

    ``debts`` are all that the system was sent for the patron, the oldest due first, as they stand now; ``left`` the
    payment's cents less what went back of it.  A debt gets no more than is open of it.  One that was sent after the
    money was paid cannot be what it was paid for, so a person decides about that.  What no debt takes stays unassigned.
    """
    if not debts:
        who = "its patron was sent nothing" if payment.patron_id else "it names neither a fee nor a patron"
        return Match((), NO_PATRON, f"{who} at {payment.system}")
    owed = _ordered([debt for debt in still_open(debts) if not _later(debt, payment)], rule)
    if not owed:
        says = f"its patron owed nothing at {payment.system} on {payment.occurred_on or 'that day'}"
        return Match((), NOTHING_OPEN, f"{says}; {candidates(debts)}")
    exact = [debt for debt in owed if debt.open_cents == left]
    shares = _shares(exact[:1] or owed, left)
    code, why = _told(shares, exact, left)
    persons = {debt.patron_id.lower() for debt in owed}
    if len(persons) > 1:
        return Match(shares, REVIEW, f"these debts stand under {len(persons)} ids of Alma; {why}")
    return Match(shares, REVIEW, why) if rule.review else Match(shares, code, why if code else "")


def _later(debt: Charged, payment: Payment) -> bool:
    return debt.sent_on > payment.occurred_on if payment.occurred_on and debt.sent_on else False


def _ordered(debts: Sequence[Charged], rule: Unnamed) -> list[Charged]:
    """By due date, as they come; or by fee type first, those of a type that is not named last."""
    if rule.order == "oldest_due":
        return list(debts)
    place = {name: number for number, name in enumerate(rule.fee_types)}
    return sorted(debts, key=lambda debt: place.get(debt.fee_type, len(place)))


def _shares(debts: Sequence[Charged], left: int) -> tuple[Share, ...]:
    shares: list[Share] = []
    for debt in debts:
        cents = min(debt.open_cents, left)
        if cents > 0:
            shares.append(Share(len(shares) + 1, debt.source, debt.fee_id, cents))
            left -= cents
    return tuple(shares)


def _told(shares: Sequence[Share], exact: Sequence[Charged], left: int) -> tuple[str, str]:
    """Say how the money was divided, and whether another debt would have fitted as well."""
    if len(exact) > 1:
        others = ", ".join(debt.reference for debt in exact[1:])
        return SEVERAL, f"{dollars(left)} go to {exact[0].reference}; just as much is open of {others}"
    parts = ", ".join(f"{share.fee_id} {dollars(share.cents)}" for share in shares)
    rest = left - sum(share.cents for share in shares)
    return "", f"it names no fee, and would go to {parts}" + (f"; {dollars(rest)} are left over" if rest else "")
