"""The bursar's own books: what PeopleSoft was charged, what is open at CASHNet, and what patrons have paid."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from pipeline.sandbox.office_inbox import ChargeLine, OpenItem

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

System = Literal["peoplesoft", "cashnet"]
FIRST_TRANSACTION = 77_970


@dataclass(frozen=True, slots=True)
class Item:
    """What PeopleSoft has under one reference, in cents.  ``times`` counts the charges: more than one is a mistake."""

    reference: str
    emplid: str
    item_type: str
    effective: str
    charged: int = 0
    times: int = 0
    reversed: int = 0
    paid: int = 0

    @property
    def owed(self) -> int:
        """What the patron still owes; below zero after paying too much."""
        return self.charged - self.reversed - self.paid


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in (or, with negative cents, went back) at one of the systems on one day (YYYY-MM-DD).

    ``transaction`` and ``line`` number it at CASHNet; ``undoes`` is the transaction a refund goes back to.
    """

    system: System
    reference: str
    cents: int
    on: str
    method: str
    transaction: int = 0
    line: int = 0
    undoes: int = 0


class NoSuchItemError(LookupError):
    """Nobody at this system ever owed anything under that reference."""


@dataclass
class Accounts:
    """All books together.  Numbers rise and are never given twice."""

    items: dict[str, Item] = field(default_factory=dict)
    open_items: dict[str, OpenItem] = field(default_factory=dict)
    payments: list[Payment] = field(default_factory=list)
    next_transaction: int = FIRST_TRANSACTION

    def post(self, line: ChargeLine, kind: str) -> str:
        """Post one line of a file of ``charges``, ``reversals`` or ``credits``.

        The answer is PeopleSoft's message if it cannot be, else empty.  A credit is an item of its own that is owed to
        the student; PeopleSoft sets it off against whatever is open.
        """
        item = self.items.get(line.reference)
        reverses = kind == "reversals"
        if reverses and (item is None or line.emplid != item.emplid or line.cents > item.charged - item.reversed):
            return "Cannot reverse this charge"
        if item is not None and line.emplid != item.emplid:
            return "Cannot post this charge"
        before = item or Item(line.reference, line.emplid, line.item_type, line.effective)
        if kind == "charges":
            after = replace(before, charged=before.charged + line.cents, times=before.times + 1)
        else:
            after = replace(before, reversed=before.reversed + line.cents)
        self.items[line.reference] = after
        return ""

    def take_snapshot(self, snapshot: Iterable[OpenItem]) -> None:
        """Replace what is open at CASHNet; a debt that is not in the snapshot is open no more."""
        closed = {reference: replace(item, cents=0) for reference, item in self.open_items.items()}
        self.open_items = closed | {item.reference: item for item in snapshot}

    def owed(self, system: System) -> dict[str, int]:
        """Give what is owed at a system, by reference; only what is more than nothing."""
        if system == "peoplesoft":
            return {reference: item.owed for reference, item in self.items.items() if item.owed > 0}
        return {reference: item.cents for reference, item in self.open_items.items() if item.cents > 0}

    def pay(self, system: System, reference: str, cents: int, on: date, method: str = "CC") -> Payment:
        """Take a payment of any size in a transaction of its own.  Raises NoSuchItemError."""
        return self.pay_together(system, [(reference, cents)], on, method)[0]

    def pay_together(
        self, system: System, parts: Iterable[tuple[str, int]], on: date, method: str = "CC"
    ) -> list[Payment]:
        """Take one transaction with a line for each (reference, cents).  Raises NoSuchItemError."""
        wanted = list(parts)
        for reference, _ in wanted:
            self._known(system, reference)
        number = self._number(system)
        paid = [
            Payment(system, reference, cents, on.isoformat(), method, number, line)
            for line, (reference, cents) in enumerate(wanted, 1)
        ]
        for payment in paid:
            self._enter(payment)
        return paid

    def refund(self, payment: Payment, on: date) -> Payment:
        """Give a payment back, in a transaction of its own that names the one it undoes."""
        number = self._number(payment.system)
        back = replace(
            payment, cents=-payment.cents, on=on.isoformat(), transaction=number, line=1, undoes=payment.transaction
        )
        self._enter(back)
        return back

    def _number(self, system: System) -> int:
        if system == "peoplesoft":
            return 0
        self.next_transaction += 1
        return self.next_transaction

    def _known(self, system: System, reference: str) -> None:
        if reference not in (self.items if system == "peoplesoft" else self.open_items):
            message = f"{system}: nobody ever owed anything under {reference}"
            raise NoSuchItemError(message)

    def _enter(self, payment: Payment) -> None:
        reference = payment.reference
        if payment.system == "peoplesoft":
            item = self.items[reference]
            self.items[reference] = replace(item, paid=item.paid + payment.cents)
        else:
            debt = self.open_items[reference]
            self.open_items[reference] = replace(debt, cents=max(0, debt.cents - payment.cents))
        self.payments.append(payment)

    def state(self) -> dict[str, Any]:
        """Give all that must survive a restart, as JSON."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Accounts:
        """Go on where ``state`` ended."""
        return cls(
            {reference: Item(**row) for reference, row in state["items"].items()},
            {reference: OpenItem(**row) for reference, row in state["open_items"].items()},
            [Payment(**row) for row in state["payments"]],
            state["next_transaction"],
        )


def first_payments(owed: Mapping[str, int], seed: int) -> list[tuple[str, int]]:
    """Choose who pays what: a third of the debts in full, a sixth by half, the rest never.

    None is overpaid and something always stays open; of three debts or more at least one is paid.  A single cent cannot
    be halved and stays.  The choice depends on the references and the seed alone.
    """
    drawn = sorted(owed, key=lambda reference: hashlib.sha256(f"{seed}|{reference}".encode()).digest())
    full = len(drawn) // 3
    part = max(1, len(drawn) // 6)
    whole = [(reference, owed[reference]) for reference in drawn[:full]]
    halves = [(reference, owed[reference] // 2) for reference in drawn[full : full + part]]
    return whole + [(reference, cents) for reference, cents in halves if cents > 0]
