"""By what means a debt is lowered: a lower row, whole charges reversed, a credit line; else a question for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.layouts import layout as layouts
from pipeline.money import dollars
from pipeline.stages.debts import MOST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pipeline.campus.load import Loaded
    from pipeline.stages.debts import Charge, Debt


@dataclass(frozen=True, slots=True)
class Line:
    """One movement to be: its kind, its signed cents, whose debt it changes, and what it repeats of a charge."""

    kind: str
    cents: int
    against: str
    system: str
    as_sent: Mapping[str, str]
    undoes: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of one change: the lines it makes, or the box it goes to and why."""

    lines: Sequence[Line] = ()
    box: str = ""
    code: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class Means:
    """What one system takes.

    ``snapshot``: its files replace each other, so a debt falls by a lower row.  ``reversals``: the campus has switched
    them on, and its layout has them.  ``credits``: its layout has them; ``item_types``: its lines bear an item type.
    """

    snapshot: bool
    reversals: bool
    credits: bool
    item_types: bool


def means_of(campus: Loaded) -> Mapping[str, Means]:
    """Say of every system of a campus what it takes."""
    every = {}
    for name, system in campus.campus.systems.items():
        layout = layouts.load(system.layout, campus.folder)
        every[name] = Means(
            snapshot=layout.scope == "snapshot",
            reversals=system.reversals and "reversal" in layout.kinds,
            credits="credit" in layout.kinds,
            item_types="item_type" in layout.sources,
        )
    return every


@dataclass(frozen=True, slots=True)
class Lowering:
    """How debts are lowered tonight."""

    today: date
    means: Mapping[str, Means]

    def lower(self, debt: Debt, cents: int, most: int = MOST) -> Verdict:
        """Take ``cents`` (above 0) off a debt, or say why not; ``most`` charges at most are reversed for it.

        Of a debt that is paid in part, what is still unpaid may be taken off: that is a credit line, never a reversal.
        What is paid is given back by people (REFUND-REQUEST).
        What is taken, or waits to be, is noted in the debt, so that nothing is taken off it twice.
        """
        if cents > debt.left:
            return _too_much(debt, cents)
        means = self.means[debt.system]
        if means.snapshot:
            return self._credit(debt, cents, debt.first.as_sent)
        charges = debt.whole_charges(cents, most) if means.reversals else ()
        if charges:
            return self._reverse(debt, cents, charges)
        if not means.credits or (means.item_types and not debt.credit_item_type):
            lacks = "takes no credits" if not means.credits else f"has no credit item type for {debt.fee_type}"
            says = f"{dollars(cents)} off the {dollars(debt.billed)} billed for {debt.fee_id}: {debt.system} {lacks}"
            return Verdict(box="held", code="FALL-NO-CREDIT", why=says)
        return self._credit(debt, cents, {**debt.first.as_sent, "item_type": debt.credit_item_type})

    def _reverse(self, debt: Debt, cents: int, charges: Sequence[Charge]) -> Verdict:
        debt.take(cents, charges)
        late = [charge.reference for charge in charges if not charge.may_be_reversed(self.today)]
        if late:
            says = f"charge {', '.join(late)} of {debt.fee_id} is reversed on a day after the one it arrived on"
            return Verdict(box="waiting", code="LOWER-LATER", why=says)
        lines = [
            Line("reversal", -charge.cents, debt.fee_id, debt.system, charge.as_sent, charge.reference)
            for charge in charges
        ]
        return Verdict(lines)

    @staticmethod
    def _credit(debt: Debt, cents: int, as_sent: Mapping[str, str]) -> Verdict:
        debt.take(cents)
        return Verdict([Line("credit", -cents, debt.fee_id, debt.system, _today(as_sent))])


def grow(debt: Debt, cents: int, means: Means) -> Verdict:
    """Charge what a fee has grown by; it goes where its first charge went, in the words it was sent in.

    More may have been paid than was billed: a snapshot cannot show that, so people must say what the patron owes.
    """
    if means.snapshot and debt.paid > debt.billed:
        says = f"grown by {dollars(cents)}, and {dollars(debt.paid)} was paid on the {dollars(debt.billed)} billed"
        return Verdict(box="held", code="GROWN-OVERPAID", why=says)
    debt.grown += cents
    return Verdict([Line("charge", cents, debt.fee_id, debt.system, _today(debt.first.as_sent))])


def _today(as_sent: Mapping[str, str]) -> Mapping[str, str]:
    """Leave the day to the night it is sent in: only a reversal repeats the day of its charge."""
    return {**as_sent, "effective_date": ""}


def _too_much(debt: Debt, cents: int) -> Verdict:
    if cents <= debt.left + debt.grown:
        says = f"{debt.fee_id} has grown by {dollars(debt.grown)}: what is taken off that goes out after it"
        return Verdict(box="waiting", code="LOWER-LATER", why=says)
    left = f"{dollars(cents)} off {debt.fee_id}: of the {dollars(debt.billed)} billed, {dollars(max(debt.left, 0))}"
    if debt.paid:
        says = f"{left} is left, {dollars(debt.paid)} was paid"
        return Verdict(box="held", code="REFUND-REQUEST", why=says)
    return Verdict(box="held", code="CREDIT-EXCEEDS", why=f"{left} is left")
