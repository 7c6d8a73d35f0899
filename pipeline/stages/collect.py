"""Bring tonight's exports home: a copy of every file goes into the archive before anybody reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Outcome
from pipeline.stages.feeds import come_in, files_table, sources

if TYPE_CHECKING:
    from pipeline.flow.runner import Work


def collect(work: Work) -> Outcome:
    """Look at every source, and give the table of all exports that are archived but not yet booked."""
    doors = list(sources(work.campus))
    come_in(work, doors)
    waiting = work.ledger.files_in("charges", "archived")
    work.files = tuple(file.sha for file in waiting)
    return Outcome(files_table(waiting, work.campus.state, doors))
