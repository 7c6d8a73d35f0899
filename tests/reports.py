"""Whole nights of a campus whose fees stay open in Alma and come as Analytics reports, a day old or more."""

from __future__ import annotations

import csv
import io
import os
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.money import dollars
from tests.fakes.alma import a_fee
from tests.nights import Nights

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from pipeline.ports.outside import AlmaFee

HEADINGS = {
    "two_way": ("Transaction Amount", "Fine Fee Type", "Fine Fee Id", "Primary Identifier", "Transaction Date"),
    "portal": (
        *("Fine Fee Id", "Primary Identifier", "Fine Fee Type", "Library Code", "Barcode"),
        *("Original Amount", "Remaining Amount", "Transaction Date", "Data As Of"),
    ),
}


@dataclass(frozen=True)
class Owed:
    """What a report says about a fee besides money."""

    patron: str
    label: str
    day: str
    owner: str
    barcode: str


class Reported(Nights):
    """A portal or two-way campus: fees are made, raised and waived in Alma, and reports tell of it late."""

    def __init__(self, folder: Path, way: str) -> None:
        super().__init__(folder, way=way)
        self.said: dict[str, Owed] = {}

    def owes(  # noqa: PLR0913 - a test says only what matters to it
        self,
        fee_id: str,
        cents: int,
        *,
        patron: str = "001234567",
        label: str = "Overdue fine",
        day: str = "2026-01-02",
        owner: str = "MAIN",
        barcode: str = "",
    ) -> None:
        """A patron owes a new fee."""
        self.said[fee_id] = Owed(patron, label, day, owner, barcode)
        self.alma.add(patron, a_fee(fee_id, bursar_id="", original=cents))

    def raised(self, fee_id: str, cents: int) -> None:
        """Staff raise a fee."""
        fee = self.alma.fee(fee_id)
        more = {"original_cents": fee.original_cents + cents, "balance_cents": fee.balance_cents + cents}
        self.alma.change(replace(fee, **more, status="ACTIVE"))

    def waived(self, fee_id: str, cents: int) -> None:
        """Staff waive a part of a fee, or all of it."""
        self.alma.pay_by_hand(fee_id, cents, "WAIVE")

    def report(self, name: str, *, days_old: int = 0, hide: Iterable[str] = ()) -> None:
        """Analytics delivers a report of Alma as it was so many days before this night."""
        self.left(name, self.written(days_old, hide))

    def left(self, name: str, text: str) -> None:
        """A file is left for us now, by the clock of the story."""
        path = self.folder / "exchange" / "alma" / name
        path.write_bytes(text.encode("utf-8-sig"))
        moment = self.clock.now().timestamp()
        os.utime(path, (moment, moment))

    def written(self, days_old: int = 0, hide: Iterable[str] = ()) -> str:
        """Write that report: open fees only where the campus wants them, else every fee there ever was."""
        when = self.clock.now() - timedelta(days=days_old)
        known = [(who, fee) for who, fee in self.alma.as_of(when) if fee.fee_id not in hide]
        rows = [self.row(fee, when) for _, fee in known if self.way == "two_way" or fee.balance_cents]
        out = io.StringIO()
        csv.writer(out, lineterminator="\r\n").writerows([self.headings(), *rows])
        return out.getvalue()

    def headings(self) -> tuple[str, ...]:
        """What stands in the first line."""
        return HEADINGS[self.way]

    def row(self, fee: AlmaFee, when: datetime) -> tuple[str, ...]:
        """One fee as the report tells it."""
        said = self.said[fee.fee_id]
        if self.way == "two_way":
            return (dollars(fee.original_cents), said.label, fee.fee_id, said.patron, said.day)
        day = (when - timedelta(days=1)).date().isoformat()
        amounts = (dollars(fee.original_cents), dollars(fee.balance_cents))
        return (fee.fee_id, said.patron, said.label, said.owner, said.barcode or "-1", *amounts, said.day, day)
