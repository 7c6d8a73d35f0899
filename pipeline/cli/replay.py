"""Past nights once more, under a campus file: the archived files in the order they came, and nothing outside."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from pipeline import nightly, stages, tables
from pipeline.campus.approvals import ANYTHING, approvable, yes_to
from pipeline.cli.failures import UsageError
from pipeline.findings import Finding, Outcome
from pipeline.flow import runner
from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import UploadState
from pipeline.stages.feeds import files_table, returns, sources
from pipeline.stages.known import KNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import date, datetime
    from pathlib import Path

    from pipeline.campus.load import Loaded
    from pipeline.ports.ledger import FileBook, InFile, Ledger, Run
    from pipeline.ports.outside import Place

ROLES = ("charges", "payments", "people")
STATES = ("archived", "booked", "refused")
RUNS_A_NIGHT = 50
"""More runs than this nobody makes on one business date."""

CODES = ("item_type", "account_type", "item_code", "fund", "term", "due_date", "bursar_id", "reference", "description")
SETTLED = ("excluded", "continued")
"""Boxes that a row leaves no more; held and waiting rows come back the next night and are told then."""

Key = tuple[str, str, int]
"""Source, fee id and number of a movement; 0 for the fee as a whole."""


@dataclass(frozen=True)
class PastRun:
    """A run that was made, and the files that came during it or since the one before."""

    run: Run
    files: tuple[InFile, ...]


@dataclass(frozen=True, slots=True)
class Sent:
    """A movement as it would go out: the system, what it says there, its signed cents, and the file it stands in."""

    system: str
    kind: str
    codes: tuple[str, ...]
    cents: int
    file: str

    def __str__(self) -> str:
        """For people: where it would go."""
        return f"{self.system} in {self.file}" if self.file else self.system


@dataclass
class Replayed:
    """What became of every fee: movements sent, fees that are in a box, the hashes of the files, and what stopped."""

    sent: dict[Key, Sent] = field(default_factory=dict)
    boxed: dict[Key, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    stops: list[str] = field(default_factory=list)


def past(ledger: Ledger, nights: int) -> list[PastRun]:
    """Give the runs of the last so many business dates, oldest first, with the files that came for each."""
    runs = [run for run in ledger.runs(nights * RUNS_A_NIGHT) if run.command in nightly.FLOWS]
    days = sorted({run.business_date for run in runs})[-nights:]
    kept = sorted((run for run in runs if run.business_date in days), key=lambda run: run.number)
    starts = [run.started_at for run in kept]
    came: list[list[InFile]] = [[] for _ in kept]
    for file in _files(ledger):
        place = bisect_right(starts, file.archived_at) - 1
        if place >= 0:
            came[place].append(file)
        elif file.role == "people" and kept:
            came[0].append(file)
    return [PastRun(run, tuple(files)) for run, files in zip(kept, came, strict=True)]


def _files(ledger: FileBook) -> list[InFile]:
    """Every file that came, in the order in which it came."""
    every = [file for role in ROLES for state in STATES for file in ledger.files_in(role, state)]
    return sorted(every, key=lambda file: (file.archived_at, file.role, file.name, file.sha))


def replay(loaded: Loaded, history: Sequence[PastRun], folder: Path) -> Replayed:
    """Run the nights of a history under a campus file, with a ledger in memory; files are made below ``folder``.

    Nothing is fetched, looked up in Alma, posted or delivered; every output and arrival counts as approved.
    """
    from pipeline.adapters.ledger import open_ledger

    found = Replayed()
    with open_ledger("sqlite://", loaded.campus.name, loaded.campus.environment) as ledger:
        ledger.open_empty("whatif", history[0].run.started_at)
        for one in history:
            _run(loaded, one, ledger, folder / str(one.run.number), found)
    return found


def _run(loaded: Loaded, one: PastRun, ledger: Ledger, folder: Path, found: Replayed) -> None:
    campus, at = loaded.campus, one.run.started_at
    run = ledger.begin_run(one.run.command, one.run.business_date, loaded.sha, at)
    for file in one.files:
        if file.feed in (*campus.sources, *campus.systems) or file.role == "people":
            ledger.archived(replace(file, state="archived", code="", why=""))
    outside = Outside(Then(at), _nowhere)
    everything = frozenset((*approvable(campus), *(yes_to(name, ANYTHING) for name in campus.systems)))
    desks: list[Work] = []
    for table in nightly.FLOWS[one.run.command]:
        place = folder / table.lower()
        work = Work(table, loaded, run.business_date, run, ledger, outside, place, keep_stages=False)
        work.approved, work.before = everything, tuple(desks)
        with nightly.told(work):
            runner.run(nightly.TABLES[table], work, _find, KNOWN)
        desks.append(work)
        found.stops += [f"{run.business_date}: {one.code}: {one.text}" for one in work.findings if _ends(one)]
    for work in desks:
        if work.name == "CHARGES_OUT" and work.table is not None:
            _note(work, found)
    ledger.end_run(run, 0, "replayed", at)


def _ends(finding: Finding) -> bool:
    """Whether nothing of the night was thought out to its end; one file or output that stops is part of a night."""
    return finding.stops and finding.entry.scope in ("flow", "night")


def _note(work: Work, found: Replayed) -> None:
    """Keep what a night made of its fees."""
    for key in [key for key, box in found.boxed.items() if not box.startswith(SETTLED)]:
        del found.boxed[key]
    for box in ("held", "waiting", *SETTLED):
        rows = work.box(box)
        for source, fee, code in () if rows is None else zip(rows["source"], rows["fee_id"], rows["code"], strict=True):
            found.boxed[source, fee, 0] = f"{box}: {code}"
    names = {number: f"{layout} {batch.name}" for number, (batch, _, layout) in enumerate(work.made)}
    found.files |= {batch.name: batch.sha for batch, _, _ in work.made}
    if "carried" not in work.rows.columns:
        return
    for row in work.rows[~work.rows["carried"]].to_dict("records"):
        codes = tuple(str(row[name]) for name in CODES)
        file = "" if row["batch"] == tables.FOLDED else names.get(row["batch"], "")
        sent = Sent(str(row["system"]), str(row["kind"]), codes, int(row["amount_cents"]), file)
        found.sent[str(row["source"]), str(row["fee_id"]), int(row["movement"])] = sent


@dataclass(frozen=True, slots=True)
class Then:
    """The clock of a past run; it stands still."""

    at: datetime

    def now(self) -> datetime:
        """Give the moment at which the run began."""
        return self.at

    def sleep(self, seconds: float) -> None:
        """Nothing is waited for: all has come already."""


def _nowhere(connection: str, folder: str) -> Place:
    message = f"whatif: {connection}/{folder}: a replay touches nothing outside"
    raise UsageError(message)


def _find(name: str) -> Callable[..., Any]:
    """Give the stage of a name; those that touch the outside are replaced or left out."""
    return INSTEAD.get(name) or stages.find(name)


def _collect(work: Work) -> Outcome:
    waiting = work.ledger.files_in("charges", "archived")
    work.files = tuple(file.sha for file in waiting)
    return Outcome(files_table(waiting, work.campus, list(sources(work.campus))))


def _fetch(work: Work) -> Outcome:
    waiting = work.ledger.files_in("payments", "archived")
    work.files = tuple(file.sha for file in waiting)
    return Outcome(files_table(waiting, work.campus, list(returns(work.campus, work.ledger))))


def _deliver(work: Work) -> None:
    """Every file arrives."""
    for upload in work.ledger.uploads():
        work.ledger.move_upload(upload, UploadState.SENT, "replayed", work.outside.clock.now())


def _leave_out(work: Work) -> None:
    """Needs Alma, or a person."""


INSTEAD: dict[str, Callable[[Work], Outcome | None]] = {
    "collect": _collect,
    "fetch": _fetch,
    "deliver": _deliver,
    **dict.fromkeys(("resume", "take_back", "post", "hand_over", "confirm", "notify"), _leave_out),
}


def days(history: Sequence[PastRun]) -> Iterator[date]:
    """Give the business dates of a history, each once."""
    yield from dict.fromkeys(one.run.business_date for one in history)
