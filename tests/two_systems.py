"""A campus of two systems whose fees come as reports, with user groups and rules that change between nights."""

from __future__ import annotations

import csv
from contextlib import closing
from typing import TYPE_CHECKING

from pipeline.money import cents, dollars
from tests.reports import Reported
from tests.samples import SAMPLES

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.ports.outside import AlmaFee

PATRONS = ("001234567", "000000042", "guest@example.edu", "007", "900000001")
TAKEN = "RECTYPE,BATCHNO,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL,ORIGTX\r\n"
PAID = "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"

CAMPUS = f"""
base = "{SAMPLES / "portal" / "campus.toml"}"

[alma]
url = "https://alma.example.edu"

[sources.fines]
smaller_percent = 0

[sources.fines.columns]
user_group = ["User Group"]

[systems.cashnet]
smaller_percent = 0

[systems.peoplesoft]
layout = "peoplesoft/default"
connection = "bursar"
folder = "peoplesoft/in"
constants = {{ origin_id = "00041" }}
REVERSALS

[[systems.peoplesoft.returns]]
layout = "peoplesoft/paid"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "LIBRARY_PAID_*.csv"
quiet_s = 0

[fee_types]
OVERDUEFINE.codes.peoplesoft = {{ item_type = "300000007000", credit_item_type = "820000000000" }}
LOSTITEMREPLACEMENTFEE.codes.peoplesoft = {{ item_type = "300000007002", credit_item_type = "820000000002" }}
DAMAGEDITEMFINE.codes.peoplesoft = {{ item_type = "300000007004", credit_item_type = "820000000004" }}
OTHER.codes.peoplesoft = {{ item_type = "300000007005", credit_item_type = "820000000005" }}
"""

BRAKES = """
[systems.{name}.brakes]
mutes = [
    {{ brake = "count", until = 2030-01-01, reason = "a made-up month" }},
    {{ brake = "sum", until = 2030-01-01, reason = "a made-up month" }},
    {{ brake = "held_share", until = 2030-01-01, reason = "a made-up month" }},
    {{ brake = "new_type", until = 2030-01-01, reason = "a made-up month" }},
    {{ brake = "new_shape", until = 2030-01-01, reason = "a made-up month" }},
]
"""

RULES = (
    '[[routes]]\nto = "peoplesoft"\nid_shape = "999999999"\n\n[[routes]]\nto = "cashnet"\n',
    '[[routes]]\nto = "peoplesoft"\nuser_group = ["STUDENT"]\n\n[[routes]]\nto = "cashnet"\n',
    '[[routes]]\nto = "cashnet"\n\n[waiting.debits]\nmin_amount = "40.00"\n',
    (
        '[[routes]]\nto = "cashnet"\nmax_amount = "90.00"\n\n[[routes]]\nto = "peoplesoft"\n\n'
        "[waiting.credits]\nmin_age_days = 6\n"
    ),
)
"""What the campus may decide from one night to the next."""


class TwoSystems(Reported):
    """Two systems, a report with user groups that says which day it describes, and rules that change."""

    def __init__(self, folder: Path, *, reversals: bool) -> None:
        super().__init__(folder, "portal")
        self.group = dict.fromkeys(PATRONS, "STUDENT")
        self.receipts: list[str] = []
        switch = "reversals = true" if reversals else ""
        self.text = CAMPUS.replace("REVERSALS", switch)
        self.text += "".join(BRAKES.format(name=name) for name in ("cashnet", "peoplesoft"))
        self.rule(RULES[0])

    def rule(self, rules: str) -> None:
        """The campus decides otherwise from now on."""
        as_of = '\n[sources.fines.as_of]\ncolumn = "Data As Of"\n'
        head, rest = self.text.split("\n[alma]", 1)
        table = "".join(f"\n{part}" for part in rules.split("\n\n") if part.startswith("[[routes]]"))
        more = "".join(f"\n{part}\n" for part in rules.split("\n\n") if not part.startswith("[[routes]]"))
        self.campus_file.write_text(f"{head}\n{table}\n\n[alma]{rest}{as_of}{more}".lstrip(), "utf-8")

    def headings(self) -> tuple[str, ...]:
        return (*super().headings(), "User Group")

    def row(self, fee: AlmaFee, when: datetime) -> tuple[str, ...]:
        return (*super().row(fee, when), self.group[self.said[fee.fee_id].patron])

    def shown(self) -> dict[str, int]:
        """What CASHNet shows tonight: cents by reference."""
        files = self.delivered("cashnet/in")
        rows = csv.DictReader(files[max(files)].splitlines()) if files else ()
        return {row["REF1VAL"]: cents(row["AMOUNT"]) for row in rows}

    def billed(self) -> dict[str, tuple[str, int]]:
        """System and cents that the ledger has billed, by fee."""
        with closing(self.ledger()) as ledger:
            rows = ledger.positions("fines")
        columns = (rows[name].tolist() for name in ("fee_id", "system", "billed_cents"))
        return {fee: (system, billed) for fee, system, billed in zip(*columns, strict=True)}

    def paid_by_card(self, number: int, reference: str, amount: int) -> None:
        """CASHNet sends a file of one payment back."""
        receipt = len(self.receipts) + 1
        self.receipts.append(reference)
        day, patron = f"1/{number}/2026", self.said[reference].patron
        line = (
            f"D,{number},{receipt},1,SALE,CLOSED,{day},{patron},CC,LIB-OTHER,{dollars(amount)},ALMA_FEE_ID,{reference},"
        )
        text = f"{TAKEN}{line}\r\nT,1,{dollars(amount)}\r\n"
        self.drop("cashnet/out", f"CASHNET_PAYMENTS_{receipt:04d}.csv", text)

    def paid_at_bursar(self, number: int, rows: list[str]) -> None:
        """PeopleSoft sends its cumulative list back."""
        self.drop("peoplesoft/out", f"LIBRARY_PAID_{number:04d}.csv", PAID + "".join(rows))

    def references(self) -> list[tuple[str, str]]:
        """Every fee in any file the bursar got, with its system."""
        found = [
            ("cashnet", row["REF1VAL"])
            for text in self.delivered("cashnet/in").values()
            for row in csv.DictReader(text.splitlines())
        ]
        for text in self.delivered("peoplesoft/in").values():
            found += [("peoplesoft", line[52:82].strip()) for line in text.splitlines()[1:]]
        return [(system, reference.split("-")[0]) for system, reference in found]

    def everything(self) -> dict[str, str]:
        """Every file the bursar got, by place and name."""
        return {
            f"{place}/{name}": text
            for place in ("cashnet/in", "peoplesoft/in")
            for name, text in self.delivered(place).items()
        }
