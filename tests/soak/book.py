"""The ledger of a soak night, in memory: the books of money, of files and of charges, all that payments in ask for."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.ports.ledger import InFile, Run, StaleError
from tests.fakes.alma import no_step
from tests.fakes.postings import FakeBook

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.ports.ledger import Charged, Payment


@cache
def _nothing_pending() -> pd.DataFrame:
    return tables.FEES.empty()


class SoakBook(FakeBook):
    """FakeBook with the files that came in, and charges that are entered directly."""

    def __init__(self, step: Callable[[str], None] = no_step) -> None:
        super().__init__([], step)
        self.arrivals: dict[str, InFile] = {}
        self.begun: list[Run] = []
        self.exports: dict[str, InFile] = {}

    def begin_run(self, command: str, business_date: date, config_sha: str, at: datetime) -> Run:
        sequence = 1 + sum(1 for one in self.begun if one.business_date == business_date)
        self.begun.append(Run(len(self.begun) + 1, business_date, sequence, command, at))
        return self.begun[-1]

    def runs(self, most: int) -> Sequence[Run]:
        return self.begun[::-1][:most]

    def end_run(self, run: Run, exit_code: int, summary: str, at: datetime) -> None:
        ended = replace(run, ended_at=at, exit_code=exit_code, summary=summary)
        self.begun = [ended if one.number == run.number else one for one in self.begun]

    def charge(self, charged: Charged) -> None:
        """The charge of a fee has arrived at its system."""
        self.debts.setdefault((charged.source, charged.fee_id), charged)
        self.references[charged.system, charged.reference] = charged

    def lose(self) -> None:
        super().lose()
        self.arrivals.clear()
        self.begun.clear()

    def file(self, sha: str) -> InFile | None:
        return self.arrivals.get(sha)

    def files_named(self, role: str, feed: str, name: str) -> Sequence[InFile]:
        return [one for one in self.arrivals.values() if (one.role, one.feed, one.name) == (role, feed, name)]

    def newest_file(self, role: str, feed: str) -> InFile | None:
        mine = [one for one in self.arrivals.values() if (one.role, one.feed) == (role, feed)]
        return max(mine, key=lambda one: one.archived_at, default=None)

    def files_in(self, role: str, state: str) -> Sequence[InFile]:
        return [one for one in self.arrivals.values() if (one.role, one.state) == (role, state)]

    def archived(self, file: InFile) -> None:
        self.step("before archived")
        there = self.arrivals.setdefault(file.sha, file)
        if there.state == "refused" or file.changed > there.changed:
            self.arrivals[file.sha] = replace(file, state="archived", code="", why="", archived_at=there.archived_at)
        self.step("after archived")

    def enter_payments(
        self, run: Run, file_sha: str, payments: Sequence[Payment], findings: Sequence[Finding], at: datetime
    ) -> None:
        known = [one.key for one in payments if one.key in self.payments]
        if known or len({one.key for one in payments}) != len(payments):
            raise StaleError(", ".join(known) or file_sha)
        self._unread(file_sha)
        self.step("before enter")
        self.payments |= {one.key: one for one in payments}
        self._dealt_with(file_sha, "booked")
        self.step("after enter")

    def refuse_file(self, run: Run, file_sha: str, finding: Finding, at: datetime) -> None:
        self._unread(file_sha)
        self.step("before refuse")
        self._dealt_with(file_sha, "refused", code=finding.code, why=finding.text)
        self.step("after refuse")

    def _unread(self, sha: str) -> None:
        if sha not in self.arrivals or self.arrivals[sha].state != "archived":
            raise StaleError(sha)

    def _dealt_with(self, sha: str, state: str, **changes: Any) -> None:
        self.arrivals[sha] = replace(self.arrivals[sha], state=state, **changes)

    def next_sequence(self, system: str, kind: str) -> int:
        mine = [one.batch.sequence for one in self.import_files.values() if one.batch.system == system]
        return max(mine, default=0) + 1

    def files_with(self, source: str, fee_ids: Sequence[str]) -> Mapping[str, InFile]:
        return {one: self.exports[one] for one in fee_ids if one in self.exports}

    def pending_fees(self) -> pd.DataFrame:
        return _nothing_pending()

    def charges_of(self, patrons: Sequence[str]) -> pd.DataFrame:
        small = {one.lower() for one in patrons}
        mine = [self.now(one) for one in self.debts.values() if one.patron_id.lower() in small]
        first = {(one.source, one.fee_id): one for one in self.debts.values()}
        rows = tables.MOVEMENTS.frame(
            {
                "source": [one.source for one in mine],
                "fee_id": [one.fee_id for one in mine],
                "patron_id": [one.patron_id for one in mine],
                "kind": ["charge"] * len(mine),
                "amount_cents": [first[one.source, one.fee_id].charged_cents for one in mine],
            }
        )
        return rows.assign(
            billed_cents=[one.charged_cents for one in mine], paid_cents=[one.paid_cents for one in mine]
        )

    def fee_record(self, fee_id: str) -> Sequence[Mapping[str, str | int]]:
        """No fee is entered again in these nights: what staff re-create comes with charges, not with payments."""
        return []
