"""What becomes of each change to a debt: how it is lowered or raised, and for which charge a credit is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline.money import dollars
from pipeline.stages import placing
from pipeline.stages.debts import patron
from pipeline.stages.means import Lowering, Verdict, grow

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pipeline.stages.debts import Debt, Debts, Item, Patron

Row = Mapping[Hashable, Any]
"""One row of tables.CHANGES."""

WHOSE = ["source", "patron_id_type", "patron_id"]


@dataclass(frozen=True)
class Judge:
    """Says of one change after the other what becomes of it; what one takes, the next cannot take again.

    ``named`` are the fees that people named for credits, by source, fee id and version of the credit; ``tonight`` are
    tonight's first charges and ``held`` the fees held before them, by source and patron.
    """

    lowering: Lowering
    debts: Debts
    named: Mapping[tuple[str, str, int], str]
    tonight: Mapping[Patron, Sequence[placing.Uncharged]]
    held: Mapping[Patron, Sequence[placing.Uncharged]]

    def verdict(self, row: Row) -> Verdict:
        """Judge a change of a fee that was charged before, or a credit."""
        if row["change"] == "credit":
            return self._credit(row)
        debt, cents = self.debts.get(row["source"], row["fee_id"]), int(row["amount_cents"])
        if debt is None:
            says = f"{row['change']} by {dollars(abs(cents))}, but the ledger has no charge of fee {row['fee_id']}"
            return Verdict(box="held", code="LOWER-NO-CHARGE", why=says)
        if row["change"] == "grown":
            return grow(debt, cents, self.lowering.means[debt.system])
        return self.lowering.lower(debt, -cents)

    def _credit(self, row: Row) -> Verdict:
        cents = -int(row["amount_cents"])
        if cents <= 0:
            return _unresolved(-cents, "takes nothing off a debt")
        if against := self.named.get((row["source"], row["fee_id"], row["version"]), ""):
            debt = self.debts.get(row["source"], against)
            return self._off(debt, cents) if debt else _unresolved(cents, f"no charge of the fee {against} was found")
        return self._place(row, placing.Credit(cents, row["fee_type"], item_of(row)))

    def _place(self, row: Row, credit: placing.Credit) -> Verdict:
        cents, debts = credit.cents, self.debts.of_patron(patron_of(row))
        fits = placing.fitting(credit, debts)
        if not_charged := self._waits_for(row, fits):
            says = f"it waits for fee {not_charged}, which is not charged yet"
            return Verdict(box="waiting", code="CREDIT-WAITS", why=says)
        whose = patron_of(row)
        uncharged = (*self.tonight.get(whose, ()), *self.held.get(whose, ()))
        if rivals := placing.rivals(credit, fits, uncharged):
            return _unresolved(cents, f"it may be for any of these: {placing.between(fits, rivals)}")
        if not fits:
            return _unresolved(cents, _no_evidence(placing.candidates(credit, debts)))
        if not placing.alike(fits):
            return _unresolved(cents, f"it fits several charges: {placing.told(fits)}")
        return self._off(next((debt for debt in fits if debt.left >= cents), fits[0]), cents)

    def _off(self, debt: Debt, cents: int) -> Verdict:
        """An export says a fee once, so one charge is all that a credit of an export can reverse."""
        return self.lowering.lower(debt, cents, most=1)

    def _waits_for(self, row: Row, fits: Sequence[Debt]) -> str:
        """Name the charge of tonight that is surely for the same item; "" where one of earlier nights is."""
        if any(placing.same_item(item_of(row), debt.item) for debt in fits):
            return ""
        tonight = self.tonight.get(patron_of(row), ())
        return next((fee.fee_id for fee in tonight if placing.same_item(item_of(row), fee.item)), "")


def named_in(decisions: pd.DataFrame) -> dict[tuple[str, str, int], str]:
    """Give the fee that a person named for a credit, by source, fee id and version of the credit; the last word.

    A plain yes to whatever else holds the credit back leaves its fee as it was named.
    """
    named = decisions[decisions["against"] != ""]
    columns = (named[name].tolist() for name in ("source", "fee_id", "version", "against"))
    return {(source, fee_id, version): against for source, fee_id, version, against in zip(*columns, strict=True)}


def uncharged_of(first: pd.DataFrame, older: pd.DataFrame) -> dict[Patron, list[placing.Uncharged]]:
    """Give fees that are not charged yet by source and patron, for patrons with a credit in ``older``; in order."""
    credited = older.loc[older["change"] == "credit", WHOSE].itertuples(index=False, name=None)
    patrons = {patron(*whose) for whose in credited}
    if not patrons:
        return {}
    whose = (patron(*one) for one in first[WHOSE].itertuples(index=False, name=None))
    near = [place for place, one in enumerate(whose) if one in patrons]
    items = defaultdict(list)
    for row in first.iloc[near].sort_values("fee_id", kind="stable").to_dict("records"):
        items[patron_of(row)].append(placing.Uncharged(row["fee_id"], int(row["amount_cents"]), item_of(row)))
    return items


def patron_of(row: Row) -> Patron:
    """Give whose fee it is."""
    return patron(row["source"], row["patron_id_type"], row["patron_id"])


def item_of(row: Row) -> Item:
    """Give the item a fee is for."""
    return row["barcode"], row["title_hash"]


def _no_evidence(candidates: Sequence[Debt]) -> str:
    if not candidates:
        return "no charge fits"
    return f"nothing says for which of the patron's charges it is: {placing.told(candidates)}"


def _unresolved(cents: int, says: str) -> Verdict:
    return Verdict(box="held", code="CREDIT-UNRESOLVED", why=f"a credit of {dollars(cents)}: {says}")
