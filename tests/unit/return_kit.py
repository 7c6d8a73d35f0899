"""Nights of returned files, for tests: what bursars leave is fetched, read and entered, the books checked each time."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline import nightly, stages
from pipeline.adapters.folder import FolderPlace
from pipeline.campus.load import Loaded, load
from pipeline.flow import runner
from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import Payment, PaymentState, Run
from pipeline.stages.known import KNOWN
from tests.fakes.clock import FakeClock
from tests.fakes.payments import FakePayments
from tests.fakes.postings import FakeBook
from tests.fakes.uploads import FakeFileBook
from tests.samples import CAMPUS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from pipeline.findings import Finding
    from pipeline.ports.ledger import InFile
    from pipeline.ports.outside import Place

STEPS = nightly.PAYMENTS_IN[:3]
MONDAY = date(2026, 1, 5)

PAID = "Emplid,Date Paid,Reference Number,Paid Amount\n"
"""Headings of peoplesoft/paid: cumulative, without receipts."""

TO_DATE = """
like = "peoplesoft/paid"
title = "what was paid so far"
[returned]
amount_is = "paid_to_date"
"""
ONCE = """
like = "peoplesoft/paid"
title = "what was paid today, without receipts"
[returned]
repeats = "none"
"""


class Ledger(FakeBook, FakeFileBook):
    """The books of files and of money together, in memory."""

    def __init__(self) -> None:
        FakeBook.__init__(self)
        FakeFileBook.__init__(self)
        self.started: list[Run] = []
        self.asked = 0

    def lose(self) -> None:
        super().lose()
        self.rows.clear()

    def known_payments(self, keys: Sequence[str]) -> Any:
        self.asked += 1
        return super().known_payments(keys)

    def runs(self, most: int) -> Sequence[Run]:
        return self.started[::-1][:most]

    def enter_payments(
        self, run: Run, file_sha: str, payments: Sequence[Payment], findings: Sequence[Finding], at: datetime
    ) -> None:
        keys = [one.key for one in payments]
        assert len(set(keys)) == len(keys), "the real ledger refuses a file with two lines of one key"
        assert all(finding.entry for finding in findings)
        if self.rows[file_sha].state == "archived":
            self.files.pop(file_sha, None)  # left anew, it is read again
        FakePayments.enter_payments(self, run, file_sha, payments, findings, at)
        self.settle(file_sha)

    def refuse_file(self, run: Run, file_sha: str, finding: Finding, at: datetime) -> None:
        self.rows[file_sha] = replace(self.rows[file_sha], state="refused", code=finding.code, why=finding.text)

    def newest(self) -> InFile:
        return list(self.rows.values())[-1]


class Counter:
    """A campus whose file says some things more, the folders of its bursars, and the nights that read them."""

    def __init__(self, folder: Path, says: str = "", own: dict[str, str] | None = None) -> None:
        self.folder = folder
        self.ledger = Ledger()
        self.clock = FakeClock(datetime(2026, 1, 5, 9, tzinfo=UTC))
        self.day = 0
        for name, text in (own or {}).items():
            path = folder / "schemas/layouts" / f"{name}.toml"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, "utf-8")
        self.say(says)

    def say(self, says: str) -> None:
        """Write the campus file anew."""
        (self.folder / "campus.toml").write_text(f'base = "{CAMPUS}"\n{says}', "utf-8")
        self.campus: Loaded = load(self.folder / "campus.toml")

    def place(self, connection: str, folder: str) -> Place:
        path = self.folder / connection / folder
        path.mkdir(parents=True, exist_ok=True)
        return FolderPlace(path)

    def leave(self, name: str, text: str, *, at: str = "peoplesoft/out", age: timedelta = timedelta(0)) -> None:
        """A bursar leaves a file; ``age`` is how long before now it was written."""
        path = self.folder / "bursar" / at / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode())
        written = (self.clock.now() - age).timestamp()
        os.utime(path, (written, written))

    def paid(self, name: str, *rows: str, **how: Any) -> None:
        """The PeopleSoft bursar leaves a report with these rows."""
        self.leave(name, PAID + "".join(f"{row}\n" for row in rows), **how)

    def clear(self, at: str = "peoplesoft/out") -> None:
        """What a bursar left is taken away."""
        for path in (self.folder / "bursar" / at).glob("*.*"):
            path.unlink()

    def night(self, *, approved: str = "", command: str = "payments", find: Callable[[str], Any] = stages.find) -> Work:
        """Fetch, receive and enter; the books must balance after each."""
        today = MONDAY + timedelta(days=self.day)
        run = Run(self.day + 1, today, 1, command, self.clock.now())
        outside = Outside(self.clock, self.place)
        ledger: Any = self.ledger
        names = frozenset({approved} - {""})
        work = Work("PAYMENTS_IN", self.campus, today, run, ledger, outside, self.folder / "run", approved=names)
        work.keep_stages = False
        runner.run(STEPS, work, find, KNOWN)
        self.ledger.started.append(run)
        self.day += 1
        self.clock.sleep(timedelta(days=1).total_seconds())
        assert all(finding.entry.do for finding in work.findings)
        return work

    def money(self) -> list[tuple[str, int, str]]:
        """What the ledger holds and does not leave out: state, cents and code, sorted."""
        kept = [one for one in self.ledger.payments.values() if one.state is not PaymentState.EXCLUDED]
        return sorted((str(one.state), one.cents, one.code) for one in kept)

    def keys(self) -> dict[str, int]:
        """The keys of what may be posted, with their cents."""
        return {key: one.cents for key, one in self.ledger.payments.items() if one.state is PaymentState.RECEIVED}

    def only(self) -> Payment:
        (payment,) = self.ledger.payments.values()
        return payment


def codes(work: Work) -> list[str]:
    """The codes of a night's findings, sorted, without the one that a file proves nothing."""
    return sorted({finding.code for finding in work.findings} - {"FETCH-UNPROVED", "FETCH-AGAIN"})


def boxes(work: Work) -> dict[str, int]:
    """How many rows came into each box, and how many passed."""
    found = {box: sum(len(frame) for frame in frames) for box, frames in work.boxes.items()}
    return {"passed": len(work.rows)} | {box: count for box, count in found.items() if count}


def cashnet(*lines: str) -> str:
    """Write a file of cashnet/payments with a trailer.  A line: tx, line, type, status, amount, fee, item."""
    head = "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL\n"
    cells = [line.split(",") for line in lines]
    rows = [
        f"D,{tx},{line},{what},{status},1/5/2026,001234567,CC,{item},{amount},ALMA_FEE_ID,{fee}\n"
        for tx, line, what, status, amount, fee, item in cells
    ]
    closed = sum(round(float(amount) * 100) for _, _, _, status, amount, _, _ in cells if status == "CLOSED")
    sign, cents = ("-" if closed < 0 else ""), abs(closed)
    return head + "".join(rows) + f"T,{len(cells)},{sign}{cents // 100}.{cents % 100:02d}\n"
