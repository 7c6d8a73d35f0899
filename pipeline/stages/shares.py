"""Which debts a payment is for that names its fees: one, or several on one line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Share
from pipeline.stages.identity import person

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.ports.ledger import Charged, Payment

UNKNOWN = "MATCH-UNKNOWN-FEE"
PARTLY = "MATCH-PARTLY-UNKNOWN"
OTHER_PATRON = "MATCH-OTHER-PATRON"
DIFFER = "MATCH-FEES-DIFFER"

SHOWN = 5
"""So many debts are named to people who look for the one that was meant."""


@dataclass(frozen=True, slots=True)
class Match:
    """Which debts a payment is for, and what people should know of it.

    Without shares it goes to suspense for the reason of ``code`` and ``why``.  With shares it is matched; a code of
    level hold keeps it back all the same, a note is only told.
    """

    shares: tuple[Share, ...]
    code: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Named:
    """A reference on a line of money, its cents there, and the debt that was charged under it, if any was."""

    reference: str
    cents: int
    charged: Charged | None


def by_name(payment: Payment, named: Sequence[Named], left: int, debts: Sequence[Charged]) -> Match:
    """Match a payment to the fees it names, each with the cents it names for it.

    A named fee gets all that is said to be for it, be it more than is open: what is too much is known when it is set
    beside Alma's balance.  ``left`` are the payment's cents less what went back of it: never more is matched.
    ``debts`` are the patron's at this system: those still open are named to people where the fee is not known.

    Of a line with unknown references the known part counts as paid at once, and the payment is held: its plan is
    written once, so it waits until all of it is known or a person lets the known part go.  What went back of no debt
    was of the unknown part; once nothing is left of that, the known part goes on.
    """
    wrong = _wrong(payment, named)
    if wrong:
        return Match((), DIFFER, wrong)
    shares = _shares([(one.charged, one.cents) for one in named if one.charged], left)
    unknown = [one for one in named if one.charged is None]
    if not shares:
        return Match((), UNKNOWN, f"{_unsent(payment, unknown)}; {candidates(debts)}")
    waits = min(sum(one.cents for one in unknown), left - sum(share.cents for share in shares))
    if waits > 0:
        rest = f"{dollars(waits)} of it wait"
        known = {(share.source, share.fee_id) for share in shares}
        others = [debt for debt in debts if (debt.source, debt.fee_id) not in known]
        return Match(shares, PARTLY, f"{_unsent(payment, unknown)}: {rest}; {candidates(others)}")
    strange = [one for one in named if one.charged and not same_patron(payment, one.charged)]
    if strange:
        references = ", ".join(one.reference for one in strange)
        return Match(shares, OTHER_PATRON, f"the charge under reference {references} was sent for another patron")
    return Match(shares)


def same_patron(payment: Payment, charged: Charged) -> bool:
    """Say whether a payment names the patron of a debt, as Alma or as the bursar knows them, in any case; or nobody."""
    said = person(payment.patron_id)
    return said in ("", person(charged.patron_id), person(charged.bursar_id))


def still_open(debts: Iterable[Charged]) -> list[Charged]:
    """Give the debts of which the bursar still wants something, in their order."""
    return [debt for debt in debts if debt.open_cents > 0]


def candidates(debts: Sequence[Charged]) -> str:
    """Name to people what the patron owes at the system: references and cents, never a name."""
    owed = still_open(debts)
    if not owed:
        return "no debt of its patron is open there"
    shown = ", ".join(f"{debt.reference} {dollars(debt.open_cents)}" for debt in owed[:SHOWN])
    more = f" and {len(owed) - SHOWN} more" if len(owed) > SHOWN else ""
    return f"open debts of its patron there: {shown}{more}"


def _wrong(payment: Payment, named: Sequence[Named]) -> str:
    total = sum(one.cents for one in named)
    if any(one.cents < 0 for one in named):
        return "it names a fee with less than nothing"
    if total > payment.cents:
        return f"the fees it names come to {dollars(total)}, and it is {dollars(payment.cents)}"
    return ""


def _shares(named: Iterable[tuple[Charged, int]], left: int) -> tuple[Share, ...]:
    """One share a debt, in the order in which the line names them first, so that a lost ledger numbers them alike."""
    cents: dict[tuple[str, str], int] = {}
    for charged, wanted in named:
        part = min(wanted, left)
        left -= part
        if part > 0:
            debt = (charged.source, charged.fee_id)
            cents[debt] = cents.get(debt, 0) + part
    return tuple(Share(number, *debt, part) for number, (debt, part) in enumerate(cents.items(), 1))


def _unsent(payment: Payment, unknown: Sequence[Named]) -> str:
    references = ", ".join(repr(one.reference) for one in unknown)
    return f"no charge was sent to {payment.system} under the reference {references}"
