"""What was charged before tonight: every debt, its charges as sent, what is still billed of it, and what was paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    import pandas as pd

AS_SENT = (
    "patron_id_type",
    "patron_id",
    "owner",
    "currency",
    "bursar_id",
    "item_type",
    "account_type",
    "item_code",
    "fund",
    "term",
    "label",
    "effective_date",
    "payments_to",
)
"""What every later movement of a debt repeats of the charge it builds on: the bursar knows the debt by it."""

OF_THE_CHARGE = ("fee_type", "owner", "barcode", "fee_date")
"""What a change takes from the charge where its report says nothing of the fee."""

OF_A_DEBT = (
    "source",
    "fee_id",
    "system",
    "fee_type",
    "fee_date",
    "barcode",
    "title_hash",
    "billed_cents",
    "paid_cents",
)
OF_A_CHARGE = ("movement", "reference", "amount_cents", "sent_on", "reversed")
READ = (*OF_A_DEBT, *OF_A_CHARGE, "credit_item_type", *AS_SENT)
"""The columns that are read of the charges in the ledger."""

ORDER = ["source", "fee_id", "movement"]

MOST = 16
"""Among so many of the newest charges of a fee a sum is looked for; a fee that has grown more often is rare."""

NEVER = "9999-12-31"

Row = Mapping[str, Any]

Item = tuple[str, str]
"""Barcode of an item and keyed hash of its title; "" for what is not known."""

Fee = tuple[str, str]
"""A source and a fee id."""

Patron = tuple[str, str, str]
"""A source, the type of an id, and the id in lower case."""


@dataclass(frozen=True, slots=True)
class Charge:
    """One charge as sent: ``cents`` above 0, ``sent_on`` the business date of its file, "" while that is on its way."""

    movement: int
    reference: str
    cents: int
    sent_on: str
    undone: bool
    as_sent: Mapping[str, str]

    def may_be_reversed(self, today: date) -> bool:
        """A bursar takes a reversal on a later day than its charge, and only of a charge that has arrived."""
        return self.sent_on != "" and self.sent_on < today.isoformat()


@dataclass(slots=True)
class Debt:
    """One fee that was charged.

    ``left`` is billed - paid, less what tonight has taken off it so far, in cents; ``grown`` is what tonight has put on
    it, and ``credit_item_type`` what its system calls a credit for it, "" where the campus has no word for that.
    """

    source: str
    fee_id: str
    system: str
    fee_type: str
    fee_date: str
    credit_item_type: str
    item: Item
    charges: Sequence[Charge]
    billed: int
    paid: int
    left: int
    grown: int = 0
    taken: set[str] = field(default_factory=set)

    @property
    def first(self) -> Charge:
        """The charge it began with."""
        return self.charges[0]

    @property
    def says(self) -> Mapping[str, str]:
        """What its charge says of OF_THE_CHARGE."""
        owner = self.first.as_sent["owner"]
        return {"fee_type": self.fee_type, "owner": owner, "barcode": self.item[0], "fee_date": self.fee_date}

    @property
    def age(self) -> tuple[str, str]:
        """What the oldest of several goes by: the day its first charge arrived, then its id."""
        return self.first.sent_on or NEVER, self.fee_id

    @property
    def standing(self) -> str:
        """Say how it stands between patron and bursar."""
        if self.left > 0:
            return "paid in part" if self.paid else "unpaid"
        return "paid" if self.paid else "withdrawn"

    def whole_charges(self, cents: int, most: int) -> tuple[Charge, ...]:
        """Find whole charges worth exactly ``cents``, the newest first, ``most`` at most; none where there are none.

        A charge that is undone already does not count, and none does of a fee that any payment has touched: what was
        paid is given back by people.
        """
        free = [charge for charge in self.charges if not charge.undone and charge.reference not in self.taken]
        return _exactly(free[::-1][:MOST], cents, most) if not self.paid else ()

    def take(self, cents: int, undone: Iterable[Charge] = ()) -> None:
        """Note what tonight takes off it, so that a second time it cannot be taken."""
        self.left -= cents
        self.taken.update(charge.reference for charge in undone)


class Debts:
    """Every debt of the patrons whose fees have changed, by source and fee id."""

    def __init__(self, charges: pd.DataFrame) -> None:
        """Read what ports.ledger.ChargeBook.charges_of gives, and the column ``credit_item_type``."""
        ordered = charges.loc[charges["kind"] == "charge", list(READ)].sort_values(ORDER, kind="stable")
        self._charges = {name: ordered[name].tolist() for name in READ}
        self._places: dict[Fee, list[int]] = {}
        for place, fee in enumerate(zip(self._charges["source"], self._charges["fee_id"], strict=True)):
            self._places.setdefault(fee, []).append(place)
        self._debts: dict[Fee, Debt] = {}

    def get(self, source: str, fee_id: str) -> Debt | None:
        """Give the debt of a fee, always the same one, or None if it was never charged."""
        fee = source, fee_id
        if fee not in self._debts and fee in self._places:
            self._debts[fee] = _debt([self._row(place) for place in self._places[fee]])
        return self._debts.get(fee)

    def of_patron(self, whose: Patron) -> Sequence[Debt]:
        """Give the debts that a source charged to a patron under this id, oldest first."""
        found = (self.get(*fee) for fee in self._of_patron.get(whose, ()))
        return sorted((debt for debt in found if debt), key=lambda debt: debt.age)

    @cached_property
    def _of_patron(self) -> Mapping[Patron, Sequence[Fee]]:
        """The fees of each patron, by their first charges: only credits ask for them."""
        sources, types, ids = (self._charges[name] for name in ("source", "patron_id_type", "patron_id"))
        fees: dict[Patron, list[Fee]] = {}
        for fee, (first, *_) in self._places.items():
            fees.setdefault(patron(sources[first], types[first], ids[first]), []).append(fee)
        return fees

    def _row(self, place: int) -> Row:
        """A charge; few of those that patrons ever had are of fees that change, and a record of each costs time."""
        return {name: column[place] for name, column in self._charges.items()}


def patron(source: str, id_type: str, patron_id: str) -> Patron:
    """Say who somebody is to a source: ids count the same in any case, as Alma holds it with user names."""
    return source, id_type, patron_id.casefold()


def _debt(rows: Sequence[Row]) -> Debt:
    """One debt out of its charges, in the order of their movements."""
    first = rows[0]
    return Debt(
        source=first["source"],
        fee_id=first["fee_id"],
        system=first["system"],
        fee_type=first["fee_type"],
        fee_date=first["fee_date"],
        credit_item_type=first["credit_item_type"],
        item=(first["barcode"], first["title_hash"]),
        charges=tuple(_charge(row) for row in rows),
        billed=first["billed_cents"],
        paid=first["paid_cents"],
        left=first["billed_cents"] - first["paid_cents"],
    )


def _charge(row: Row) -> Charge:
    return Charge(
        movement=row["movement"],
        reference=row["reference"],
        cents=row["amount_cents"],
        sent_on=row["sent_on"],
        undone=row["reversed"],
        as_sent={name: row[name] for name in AS_SENT},
    )


def _exactly(charges: Sequence[Charge], cents: int, most: int) -> tuple[Charge, ...]:
    """The first choice, of those that take an earlier charge before a later one, that adds up; () if none does."""
    for place, charge in enumerate(charges):
        if charge.cents == cents and most:
            return (charge,)
        if charge.cents < cents and most > 1:
            rest = _exactly(charges[place + 1 :], cents - charge.cents, most - 1)
            if rest:
                return (charge, *rest)
    return ()
