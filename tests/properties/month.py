"""A month of a campus, made up from a seed: fees, raises, waivers, payments, other groups and rules, late reports."""

from __future__ import annotations

import random
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.campus.approvals import ANYTHING, yes_to
from pipeline.money import dollars
from tests.two_systems import PATRONS, RULES, TwoSystems

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.nightly import Night
    from pipeline.ports.outside import AlmaFee

GROUPS = ("STUDENT", "ALUMNI", "GUEST")
LABELS = ("Overdue fine", "Lost item replacement fee", "Other", "Damaged item fine")
LATE = (0, 0, 0, 1, 2, 3)
YES = frozenset({"cashnet", "peoplesoft", "fines", yes_to("cashnet", ANYTHING), yes_to("peoplesoft", ANYTHING)})
"""Somebody says yes to whatever a brake stops."""

STAYS = "4999"
"""A fee that nobody touches: a report that is suddenly empty would wait for a person."""

TROUBLE = frozenset({"NIGHT-FAULT", "BOOKS-UNBALANCED", "NIGHT-LEDGER", "NIGHT-OUTSIDE", "LEDGER-SUMS", "LEDGER-AUDIT"})


@dataclass
class Month:
    """What happened so far, and what must be true of it."""

    campus: TwoSystems
    seed: int
    fees: int = 0
    paid: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lines: list[str] = field(default_factory=list)
    newest: datetime | None = None

    def __post_init__(self) -> None:
        """Everything that is left to chance comes from the seed."""
        self.random = random.Random(self.seed)
        self.campus.owes(STAYS, 1)

    def day(self, number: int) -> Night:
        """Let a day pass and its night, and check what must be true after it."""
        for _ in range(self.random.randrange(1, 8)):
            self.random.choice((self._new, self._new, self._raise, self._waive, self._desk, self._moves))()
        self._pays(number)
        if self.random.random() < 0.2:
            self.campus.rule(self.random.choice(RULES))
        late = self.random.choice(LATE)
        when = self.campus.clock.now() - timedelta(days=late)
        self.newest = when if self.newest is None else max(self.newest, when)
        self.campus.report(f"fines-{number:02d}.csv", days_old=late)
        night = self.campus.night(number, approved=YES)
        assert [str(one) for one in night.findings if one.code in TROUBLE] == [], (self.seed, number)
        self._nothing_paid_is_offered(number)
        self._one_debtor()
        self._the_books_agree(number)
        return night

    def _new(self) -> None:
        self.fees += 1
        self.campus.owes(
            str(5000 + self.fees),
            self.random.randrange(50, 30000),
            patron=self.random.choice(PATRONS),
            label=self.random.choice(LABELS),
            barcode=f"39{self.fees:012d}",
        )

    def _one(self) -> AlmaFee | None:
        now = self.campus.alma.as_of(self.campus.clock.now())
        known = [fee for _, fee in now if fee.balance_cents and fee.fee_id != STAYS]
        return self.random.choice(known) if known else None

    def _raise(self) -> None:
        if fee := self._one():
            self.campus.raised(fee.fee_id, self.random.choice((100, 250, 250)))

    def _waive(self) -> None:
        if fee := self._one():
            self.campus.waived(fee.fee_id, self.random.choice((fee.balance_cents, min(100, fee.balance_cents))))

    def _desk(self) -> None:
        if fee := self._one():
            part = self.random.choice((fee.balance_cents, min(75, fee.balance_cents)))
            self.campus.alma.pay_by_hand(fee.fee_id, part)

    def _moves(self) -> None:
        self.campus.group[self.random.choice(PATRONS)] = self.random.choice(GROUPS)

    def _pays(self, number: int) -> None:
        """Somebody pays what CASHNet shows, somebody what PeopleSoft has, in full or in part."""
        shown = {fee: cents for fee, cents in self.campus.shown().items() if fee != STAYS}
        if shown and self.random.random() < 0.5:
            reference = self.random.choice(sorted(shown))
            amount = self._part(shown[reference])
            self.paid[reference] += amount
            self.campus.paid_by_card(number, reference, amount)
        there = {
            fee: billed - self.paid[fee]
            for fee, (system, billed) in self.campus.billed().items()
            if system == "peoplesoft" and billed > self.paid[fee] and fee != STAYS
        }
        if there and self.random.random() < 0.5:
            fee = self.random.choice(sorted(there))
            amount = self._part(there[fee])
            self.paid[fee] += amount
            who, day = self.campus.said[fee].patron, f"01/{number:02d}/2026"
            self.lines.append(f"{who},{day},{fee},{dollars(amount)},{dollars(amount)},300000007000,Overdue fine\n")
            self.campus.paid_at_bursar(number, self.lines)

    def _part(self, amount: int) -> int:
        return self.random.choice((amount, max(1, amount // 3)))

    def _nothing_paid_is_offered(self, number: int) -> None:
        billed = self.campus.billed()
        for reference, amount in self.campus.shown().items():
            assert 0 < amount <= billed[reference][1] - self.paid[reference], (self.seed, number, reference)

    def _one_debtor(self) -> None:
        systems: dict[str, set[str]] = defaultdict(set)
        for system, fee in self.campus.references():
            systems[fee].add(system)
        assert [fee for fee, several in systems.items() if len(several) > 1] == [], self.seed

    def _the_books_agree(self, number: int) -> None:
        """Billed less the payments a report shows = open in it less what is held or waits, fee by fee."""
        assert self.newest is not None
        said = {fee.fee_id: fee for _, fee in self.campus.alma.as_of(self.newest)}
        billed = self.campus.billed()
        pending: dict[str, int] = defaultdict(int)
        with closing(self.campus.ledger()) as ledger:
            rows = ledger.pending_fees()
        for fee_id, amount in zip(rows["fee_id"].tolist(), rows["amount_cents"].tolist(), strict=True):
            pending[fee_id] += amount
        for fee_id, fee in said.items():
            ours = sum(one.cents for one in fee.transactions if one.external_id.startswith("BP"))
            left = billed.get(fee_id, ("", 0))[1] - ours
            assert left == fee.balance_cents - pending[fee_id], (self.seed, number, fee, left, pending[fee_id])
        assert set(billed) <= set(said), (self.seed, number)


def lived(folder: Path, seed: int, days: int) -> dict[str, str]:
    """Live so many days of a month made of ``seed``; give every file the bursar got."""
    month = Month(TwoSystems(folder, reversals=seed % 2 == 1), seed)
    for number in range(1, days + 1):
        month.day(number)
    return month.campus.everything()
