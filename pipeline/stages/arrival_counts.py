"""Sets an export beside the figures its job reported: as many fees, as many patrons, or nobody reads it yet.

The figures are JSON as Alma sends it when a job ends (``job_instance`` with ``id`` and ``counter``), or the job
instance alone as the Jobs API gives it; every figure is text.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.findings import Finding
from pipeline.readers import alma_count
from pipeline.stages.arrival_exports import doubted, export_numbers, head, of_exports
from pipeline.stages.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile
    from pipeline.stages.feed import Fetched
    from pipeline.stages.feeds import Door

FEES, USERS = "fines_fees_count", "user_count"
USER = re.compile(rb"<(?:[\w.-]+:)?userExportedFineFeesList[\s/>]")
TAG = 256
LARGEST = 1 << 20


@dataclass(frozen=True, slots=True)
class Counters:
    """What a job reported: its instance id, how many fees and patrons (None where it does not say), how it ended."""

    job_id: str
    fees: int
    users: int | None
    status: str


def uncounted(work: Work, waiting: Sequence[InFile], looks: Mapping[Door, Fetched]) -> Iterator[Finding]:
    """Name every export whose figures are not those of its job, and those whose job has said nothing.

    A job's figures are those of all its files together, should the export have been split.
    """
    for door, fetched in looks.items():
        source = door.feed.name
        mine = [file for file in of_exports(work, waiting) if file.feed == source]
        archived = [file for file in work.ledger.files_in("counters", "archived") if file.feed == source]
        said = [one for file in archived if (one := counters(_path(work, file)))] if mine else []
        jobs = {one.job_id: one for one in said}
        told = {file: {job_id for job_id in jobs if _is_of(job_id, _path(work, file), file.name)} for file in mine}
        for job in jobs.values():
            yield from _compared(work, job, [file for file in mine if job.job_id in told[file]])
        for file in mine:
            if not told[file]:
                text = f"{file.name}: no counters of its job have come; nothing else says how many fees it should hold"
                yield Finding("EXPORT-UNCOUNTED", file.sha, text, file.name)
        yield from _without_export(work, source, fetched.new, waiting)


def counters(path: Path) -> Counters | None:
    """Read a job's counters; None for what is none, or the counters of another kind of job."""
    if path.stat().st_size > LARGEST:
        return None
    try:
        said = json.loads(path.read_bytes())
        job = said.get("job_instance", said)
        figures = {_last_word(one["type"]): str(one["value"]) for one in job["counter"]}
        status = job.get("status")
        ended = str(status.get("value", "")) if isinstance(status, dict) else str(status or "")
        users = int(figures[USERS]) if USERS in figures else None
        return Counters(str(job["id"]), int(figures[FEES]), users, ended)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None


def _last_word(kind: Any) -> str:  # noqa: ANN401 - a piece of JSON
    """Alma names a counter by a long dotted word, alone or as ``value``."""
    return str(kind["value"] if isinstance(kind, dict) else kind).rpartition(".")[2]


def _is_of(job_id: str, path: Path, name: str) -> bool:
    """Whether an export is a job's: it is named so, or the id is its number."""
    return _is_named(job_id, name) or job_id in export_numbers(head(path))


def _is_named(job_id: str, name: str) -> bool:
    """Whether the id stands in the name, as it does between an export's profile and its time."""
    return job_id in re.split(r"[^A-Za-z0-9]+", name)


def _compared(work: Work, job: Counters, mine: Sequence[InFile]) -> Iterator[Finding]:
    if not mine:
        return
    paths = [_path(work, file) for file in mine]
    fees = sum(tally.count for path in paths for tally in alma_count.count(path).values())
    users = sum(_users(path) for path in paths)
    wrong = [f"{fees} fees, its job says {job.fees}"] if fees != job.fees else []
    wrong += [f"{users} patrons, its job says {job.users}"] if job.users not in (None, users) else []
    wrong += [f"its job ended as {job.status}"] if "FAILED" in job.status else []
    if wrong:
        names = " and ".join(file.name for file in mine)
        for file in mine:
            yield doubted(work, file, "EXPORT-COUNT", f"{names}: {'; '.join(wrong)} (job {job.job_id})")


def _users(path: Path) -> int:
    """Count the patrons of an export, a block at a time."""
    count, rest = 0, b""
    for block in files.blocks_of(path):
        text, end = rest + block, 0
        for found in USER.finditer(text):
            count, end = count + 1, found.end()
        rest = text[end:][-TAG:]
    return count


def _without_export(work: Work, source: str, new: Sequence[InFile], waiting: Sequence[InFile]) -> Iterator[Finding]:
    """Name a job that reports fees tonight while no export of it is here, waiting or read before."""
    jobs = [one for file in new if (one := counters(_path(work, file))) is not None and one.fees]
    if not jobs:
        return
    here = [file for file in of_exports(work, waiting) if file.feed == source]
    booked = [file.name for file in work.ledger.files_in("charges", "booked") if file.feed == source]
    for job in jobs:
        come = any(_is_of(job.job_id, _path(work, file), file.name) for file in here)
        if not come and not any(_is_named(job.job_id, name) for name in booked):
            text = f"job {job.job_id} of {source} reports {job.fees} fees, and no export of it has come"
            yield Finding("EXPORT-MISSING", f"{source} job {job.job_id}", text, "collect")


def _path(work: Work, file: InFile) -> Path:
    return shelf(work.campus.state / "archive", file)
