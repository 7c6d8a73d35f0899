"""Mornings at a campus, for tests of what arrives: its folders, the ledger's book of files, and a clock."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.adapters.folder import FolderPlace
from pipeline.campus.load import Loaded, load
from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import InFile, Run
from pipeline.stages.collect import collect
from tests.fakes.clock import FakeClock
from tests.fakes.uploads import FakeFileBook
from tests.samples import CAMPUS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.findings import Finding, Outcome
    from pipeline.ports.outside import Place

MONDAY = 5
"""The fifth of January 2026 was a Monday; the campus lies eight hours behind UTC then."""


class Book(FakeFileBook):
    """The ledger as collect sees it: files, runs, the export numbers and fees of old."""

    def __init__(self) -> None:
        super().__init__()
        self.started: list[Run] = []
        self.exports: dict[str, set[str]] = {}

    def newest_file(self, role: str, feed: str) -> InFile | None:
        mine = [row for row in self.rows.values() if (row.role, row.feed) == (role, feed)]
        return max(mine, key=lambda row: row.archived_at, default=None)

    def known_exports(self, source: str, numbers: Sequence[str]) -> frozenset[str]:
        assert source == "alma"
        return frozenset(numbers) & self.exports.keys()

    def known_fees(self, source: str, fee_ids: Sequence[str]) -> pd.DataFrame:
        import pandas as pd

        assert source == "alma"
        known = set().union(*self.exports.values())
        return pd.DataFrame({"fee_id": [fee_id for fee_id in fee_ids if fee_id in known]}, dtype="str")

    def runs(self, most: int) -> Sequence[Run]:
        return self.started[::-1][:most]


class Mornings:
    """A campus of the export way whose file says some things more."""

    def __init__(self, folder: Path, says: str = "", base: Path = CAMPUS) -> None:
        self.folder = folder
        self.book = Book()
        self.clock = FakeClock(datetime(2026, 1, 5, 15, tzinfo=UTC))
        self.campus_file = folder / "campus.toml"
        self.campus_file.write_text(f'base = "{base}"\n{says}', "utf-8")
        self.alma = folder / "library"
        self.alma.mkdir()
        self.outage: Place | None = None

    def loaded(self) -> Loaded:
        return load(self.campus_file)

    def place(self, connection: str, folder: str) -> Place:
        return self.outage or FolderPlace(self.folder / connection / folder)

    def at(self, day: int, hour: int, minute: int = 0) -> None:
        """Set the clock to an hour at the campus."""
        local = datetime(2026, 1, day, hour, minute, tzinfo=UTC)
        self.clock.sleep((local - self.clock.now()).total_seconds() + 8 * 3600)

    def leave(self, name: str, text: str) -> Path:
        path = self.alma / name
        path.write_text(text, "utf-8")
        return path

    def counters(self, name: str, job_id: str, fees: object, users: object, status: str = "COMPLETED_SUCCESS") -> None:
        """Leave what Alma says when a job ends; figures are text."""
        kinds = {"user_count": users, "fines_fees_count": fees}
        said = [
            {"type": {"value": f"com.exlibris.external.bursar.report.{kind}", "desc": "Total"}, "value": str(value)}
            for kind, value in kinds.items()
        ]
        job = {"name": "Bursar export", "id": job_id, "status": {"value": status}, "counter": said}
        self.leave(name, json.dumps({"action": "JOB_END", "job_instance": job}))

    def collect(self, command: str = "night", approved: frozenset[str] = frozenset()) -> tuple[Outcome, list[Finding]]:
        """Run collect once; give what is to be read, and everything that was found."""
        now, number = self.clock.now(), len(self.book.started) + 1
        run = Run(number, date(2026, 1, 5), number, command, now)
        self.book.started.append(run)
        ledger: Any = self.book
        outside = Outside(self.clock, self.place)
        work = Work(
            "CHARGES_OUT", self.loaded(), run.business_date, run, ledger, outside, self.folder, approved=approved
        )
        outcome = collect(work)
        assert list(work.files) == list(outcome.passed["sha"])
        return outcome, [*work.findings, *outcome.findings]

    def booked(self) -> None:
        """Everything that waits is read and booked."""
        for file in self.book.files_in("charges", "archived"):
            self.book.settle(file.sha)


def names(outcome: Outcome) -> list[str]:
    return sorted(outcome.passed["name"])


def codes(findings: Sequence[Finding]) -> list[str]:
    assert all(finding.entry.do for finding in findings)
    return sorted(finding.code for finding in findings)


def sha(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
