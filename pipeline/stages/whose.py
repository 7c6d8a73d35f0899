"""By whose hand a fee in Alma has fallen, and whether the campus withdraws a debt for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages.external import OURS
from pipeline.stages.look import sums_close

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.campus.policy import Falls
    from pipeline.ports.outside import AlmaFee, AlmaTransaction

HANDS = {"WAIVE": "waived", "CREDIT": "credited", "PAYMENT": "paid_at_desk"}
"""Alma's types of transaction that take something off a fee, and what we call them."""

OTHERWISE = {"INDISPUTE": "in_dispute", "EXPORTED": "exported"}
"""Statuses in which a fee is neither open nor done with."""


@dataclass(frozen=True, slots=True)
class Debt:
    """What the ledger knows of a fee, in cents: its original amount, what is billed now, our payments Alma has."""

    original: int
    billed: int
    received: int


@dataclass(frozen=True, slots=True)
class Verdict:
    """What Alma says of a fall (``asked``), and why it is held; without a ``code`` the debt is withdrawn."""

    asked: str
    code: str = ""
    why: str = ""


def judged(fee: AlmaFee, fall: int, debt: Debt, rules: Falls) -> Verdict:
    """Say whether ``fall`` cents (above 0) are truly off the fee by hands that the campus withdraws a debt for.

    Alma must show at most what is left of the debt after the fall, and transactions of others, beside those that were
    there before it was charged or that were withdrawn since, that make up the fall.
    """
    figures = (
        f"fee {fee.fee_id}: {dollars(debt.billed)} billed, {dollars(debt.received)} paid by us, fallen by "
        f"{dollars(fall)}; Alma has {dollars(fee.balance_cents)} open"
    )
    if fee.status in OTHERWISE:
        asked = OTHERWISE[fee.status]
        return Verdict(asked, "GONE-BUT-OPEN", f"{figures}: it is {asked.replace('_', ' ')} there")
    if fee.status not in ("ACTIVE", "CLOSED") or not sums_close(fee) or _unknown(fee.transactions):
        return Verdict("unreadable", "GONE-BUT-OPEN", f"{figures}, and its status or transactions cannot be read")
    if fee.balance_cents > max(debt.billed - debt.received - fall, 0):
        return Verdict("open", "GONE-BUT-OPEN", figures)
    hands = _hands(fee.transactions, debt)
    if sum(cents for _, cents in hands) < fall:
        return Verdict("open", "GONE-BUT-OPEN", f"{figures}, and no transaction there explains it")
    reasons = sorted({hand for hand, _ in hands})
    asked = reasons[0] if len(reasons) == 1 else "mixed"
    if all(getattr(rules, reason) == "withdraw" for reason in reasons):
        return Verdict(asked)
    return Verdict(asked, "FALL-HELD", f"{figures}: {' and '.join(reasons).replace('_', ' ')}")


def _unknown(transactions: Sequence[AlmaTransaction]) -> bool:
    return any(one.kind.upper() not in HANDS or one.cents < 0 for one in transactions)


def _hands(transactions: Sequence[AlmaTransaction], debt: Debt) -> list[tuple[str, int]]:
    """What was taken off and is not accounted for yet, newest last: the oldest were there when the fee was charged."""
    ours = sum(one.cents for one in transactions if OURS.fullmatch(one.external_id))
    others = [one for one in transactions if not OURS.fullmatch(one.external_id)]
    accounted = max(debt.original - debt.billed, 0)
    left = []
    for one in sorted(others, key=lambda one: one.time):
        known = min(accounted, one.cents)
        accounted -= known
        if one.cents > known:
            left.append((HANDS[one.kind.upper()], one.cents - known))
    return [*left, ("paid_by_us", ours - debt.received)] if ours > debt.received else left
