"""For which charge a credit is: its source does not say, so it is placed only where there can be no doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pipeline.stages.debts import Debt, Item

NAMED = 5
"""So many fees are named to people where a credit fits several, or none for sure."""


@dataclass(frozen=True, slots=True)
class Credit:
    """What a source says of a credit; ``cents`` above 0."""

    cents: int
    fee_type: str
    item: Item


@dataclass(frozen=True, slots=True)
class Uncharged:
    """A fee of the patron that no bursar was told of yet, be it held or new tonight; ``cents`` above 0."""

    fee_id: str
    cents: int
    item: Item


def same_item(one: Item, other: Item) -> bool:
    """Say whether two fees are surely for one item: their barcodes say so, or their titles where one has no barcode."""
    if one[0] and other[0]:
        return one[0] == other[0]
    return one[1] != "" and one[1] == other[1]


def fitting(credit: Credit, debts: Sequence[Debt]) -> list[Debt]:
    """Give the debts of a patron that a credit may be for: none, the one, or several that nothing tells apart.

    A debt fits only with evidence: it is for the same item; or the credit names no item, and a charge of it has exactly
    that amount.  Of those that fit, each of these counts if it leaves any: the same item, the same fee type, a charge
    of the same amount, anything still billed.  The order is kept.
    """
    left = [debt for debt in debts if _evident(credit, debt)]
    for fits in _narrowing(credit):
        left = [debt for debt in left if fits(debt)] or left
    return left


def rivals(credit: Credit, fits: Sequence[Debt], uncharged: Sequence[Uncharged]) -> list[Uncharged]:
    """Give the fees not charged yet for which a credit may be as well as for those of ``fits`` (see ``fitting``).

    It may be for one of its own amount; where it names an item, for one of that item alone, and there also for one of
    the amount of a charge that fits: that is the charge's twin, and a part may be taken off either.
    """
    if not any(credit.item):
        return [fee for fee in uncharged if fee.cents == credit.cents]
    amounts = {credit.cents, *(debt.first.cents for debt in fits)}
    return [fee for fee in uncharged if same_item(credit.item, fee.item) and fee.cents in amounts]


def between(charged: Sequence[Debt], uncharged: Sequence[Uncharged]) -> str:
    """Name to people all that a credit may be for: charges, and fees that are not charged yet."""
    named = [f"{fee.fee_id} ({dollars(fee.cents)}, not charged yet)" for fee in uncharged[:NAMED]]
    more = [f"{len(uncharged) - NAMED} more not charged"] if len(uncharged) > NAMED else []
    return ", ".join([*([told(charged)] if charged else []), *named, *more])


def candidates(credit: Credit, debts: Sequence[Debt]) -> list[Debt]:
    """Give the debts that people may look at where none fits: not for another item, and not withdrawn."""
    return [debt for debt in debts if not _other_item(credit, debt) and debt.standing != "withdrawn"]


def alike(debts: Sequence[Debt]) -> bool:
    """Say whether the bursar could not tell these debts apart: patron, system, item type, term and how they stand."""
    return len({_face(debt) for debt in debts}) == 1


def told(debts: Sequence[Debt]) -> str:
    """Name debts to people: fee id, what was billed of it, and how it stands."""
    shown = ", ".join(f"{debt.fee_id} ({dollars(debt.billed)}, {debt.standing})" for debt in debts[:NAMED])
    return shown if len(debts) <= NAMED else f"{shown} and {len(debts) - NAMED} more"


def _narrowing(credit: Credit) -> tuple[Callable[[Debt], bool], ...]:
    return (
        lambda debt: same_item(credit.item, debt.item),
        lambda debt: debt.fee_type == credit.fee_type,
        lambda debt: _same_amount(credit, debt),
        lambda debt: debt.standing != "withdrawn",
    )


def _evident(credit: Credit, debt: Debt) -> bool:
    """An amount says little: where the credit names an item, its own fee may be one that is not charged yet."""
    if same_item(credit.item, debt.item):
        return True
    return not any(credit.item) and _same_amount(credit, debt)


def _same_amount(credit: Credit, debt: Debt) -> bool:
    return any(charge.cents == credit.cents for charge in debt.charges)


def _other_item(credit: Credit, debt: Debt) -> bool:
    named = any(one and other for one, other in zip(credit.item, debt.item, strict=True))
    return named and not same_item(credit.item, debt.item)


def _face(debt: Debt) -> tuple[str, ...]:
    sent = debt.first.as_sent
    names = ("patron_id_type", "patron_id", "bursar_id", "item_type", "item_code", "term")
    return (debt.system, debt.standing, *(sent[name] for name in names))
