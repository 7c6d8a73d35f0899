"""A month of the export way, made up from a seed: new fees, credits, overlapping and repeated exports, payments."""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.money import cents, dollars
from tests.nights import Nights, barcode
from tests.properties.month import TROUBLE, YES
from tests.two_systems import PAID, PATRONS, TAKEN

if TYPE_CHECKING:
    from pathlib import Path

TYPES = ("OVERDUEFINE", "LOSTITEMREPLACEMENTFEE", "OTHER", "SOMETHING_ODD")
PLACES = ("cashnet/in", "peoplesoft/in")


@dataclass
class ExportMonth:
    """What was exported and paid so far, and what must be true of it."""

    nights: Nights
    seed: int
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    files: list[list[str]] = field(default_factory=list)
    paid: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    lines: list[str] = field(default_factory=list)
    receipts: int = 0

    def __post_init__(self) -> None:
        """Everything that is left to chance comes from the seed."""
        self.random = random.Random(self.seed)

    def day(self, number: int) -> None:
        """Let a day pass and its night, and check what must be true after it."""
        fresh = [self._new() for _ in range(self.random.randrange(4))]
        if self.rows and self.random.random() < 0.4:
            fresh.append(self._credit())
        again = self.random.sample(sorted(self.rows), min(len(self.rows), self.random.randrange(3)))
        self._export(number, list(dict.fromkeys([*fresh, *again])))
        if self.random.random() < 0.2:
            self._repeated(number)
        self._pays(number)
        night = self.nights.night(number, approved=YES)
        assert [str(one) for one in night.findings if one.code in TROUBLE] == [], (self.seed, number)
        self._nothing_is_lost(number)
        self._nothing_paid_is_offered(number)

    def _new(self) -> str:
        fee = str(7001 + len(self.rows))
        patron = self.random.choice(PATRONS)
        said = {"patron_id": patron, "patron_id_type": "02" if patron.isdigit() else "userName", "fee_id": fee}
        amount = dollars(self.random.randrange(50, 20000))
        self.rows[fee] = {**said, "amount_text": amount, "fee_type": self.random.choice(TYPES), "barcode": ""}
        self.rows[fee]["barcode"] = barcode(self.rows[fee])
        return fee

    def _credit(self) -> str:
        """Alma gives something back for an item: all of it, a part, or more than there was."""
        debt = self.rows[self.random.choice(sorted(self.rows))]
        fee = str(7001 + len(self.rows))
        most = abs(cents(debt["amount_text"]))
        amount = -self.random.choice((most, max(1, most // 2), most + 100))
        self.rows[fee] = {**debt, "fee_id": fee, "fee_type": "CREDIT", "amount_text": dollars(amount)}
        return fee

    def _export(self, number: int, fees: list[str]) -> None:
        self.nights.exported(f"BURSAR-{number}.xml", *(self.rows[fee] for fee in fees), number=str(100 + number))
        self.files.append(fees)

    def _repeated(self, number: int) -> None:
        """An old export comes once more, under another name."""
        old = self.random.randrange(len(self.files))
        fees = (self.rows[fee] for fee in self.files[old])
        self.nights.exported(f"AGAIN-{number}.xml", *fees, number=str(101 + old))

    def _pays(self, number: int) -> None:
        due = {
            fee: (system, billed - self.paid[fee])
            for fee, (system, billed) in self.billed().items()
            if billed > self.paid[fee]
        }
        if not due or self.random.random() < 0.4:
            return
        fee = self.random.choice(sorted(due))
        system, most = due[fee]
        amount = self.random.choice((most, max(1, most // 3)))
        self.paid[fee] += amount
        who = self.rows[fee]["patron_id"]
        if system == "peoplesoft":
            self.lines.append(
                f"{who},01/{number:02d}/2026,{fee},{dollars(amount)},{dollars(amount)},300000007000,Fine\n"
            )
            self.nights.drop("peoplesoft/out", f"LIBRARY_PAID_{number:04d}.csv", PAID + "".join(self.lines))
            return
        self.receipts += 1
        line = f"D,{number},{self.receipts},1,SALE,CLOSED,1/{number}/2026,{who},CC,LIB-OTHER,{dollars(amount)},"
        text = f"{TAKEN}{line}ALMA_FEE_ID,{fee},\r\nT,1,{dollars(amount)}\r\n"
        self.nights.drop("cashnet/out", f"CASHNET_PAYMENTS_{self.receipts:04d}.csv", text)

    def billed(self) -> dict[str, tuple[str, int]]:
        """System and cents that the ledger has billed, by fee."""
        with closing(self.nights.ledger()) as ledger:
            rows = ledger.positions("alma")
        columns = (rows[name].tolist() for name in ("fee_id", "system", "billed_cents"))
        return {fee: (system, amount) for fee, system, amount in zip(*columns, strict=True)}

    def _nothing_is_lost(self, number: int) -> None:
        """All that was ever exported, once each, = what is billed + what is held or waits, signed."""
        exported = sum(cents(row["amount_text"]) for row in self.rows.values())
        with closing(self.nights.ledger()) as ledger:
            pending = sum(ledger.pending_fees()["amount_cents"].tolist())
        billed = sum(amount for _, amount in self.billed().values())
        assert exported == billed + pending, (self.seed, number, exported, billed, pending)

    def _nothing_paid_is_offered(self, number: int) -> None:
        files = self.nights.delivered("cashnet/in")
        billed = self.billed()
        for row in csv.DictReader(files[max(files)].splitlines()) if files else ():
            system, amount = billed[row["REF1VAL"]]
            offered = cents(row["AMOUNT"])
            assert (system, 0 < offered <= amount - self.paid[row["REF1VAL"]]) == ("cashnet", True), (self.seed, number)


def exported_month(folder: Path, seed: int, days: int) -> dict[str, str]:
    """Live so many days of a month made of ``seed``; give every file the bursar got."""
    month = ExportMonth(Nights(folder), seed)
    for number in range(1, days + 1):
        month.day(number)
    return {f"{place}/{name}": text for place in PLACES for name, text in month.nights.delivered(place).items()}
