"""Bring tonight's exports and reports home: a copy of every file goes into the archive before anybody reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Outcome
from pipeline.stages.arrival import late
from pipeline.stages.arrival_counts import uncounted
from pipeline.stages.arrival_exports import changed
from pipeline.stages.feeds import come_in, counters, files_table, people, sources

if TYPE_CHECKING:
    from pipeline.flow.runner import Work


def collect(work: Work) -> Outcome:
    """Look at every source, and give the table of all files that are archived, not yet booked, and may be read.

    What did not come in time is named.  An export that does not agree with its job's counters, or adds fees to one
    that was read before, stays archived and is looked at again every night until a person approves its source.
    """
    fees, jobs = list(sources(work.campus)), list(counters(work.campus))
    doors = [*fees, *jobs, *people(work.campus)]
    looks = dict(zip(doors, come_in(work, doors), strict=True))
    waiting = work.ledger.files_in("charges", "archived")
    findings = (
        *late(work, {door: looks[door] for door in fees}),
        *uncounted(work, waiting, {door: looks[door] for door in jobs}),
        *changed(work, waiting),
    )
    kept_back = {finding.subject for finding in findings if finding.spoils_file}
    read = [file for file in waiting if file.sha not in kept_back]
    work.files = tuple(file.sha for file in read)
    return Outcome(files_table(read, work.campus, fees), findings=findings)
