"""Bring home what the bursars send back: a copy of every file goes into the archive before anybody reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Outcome
from pipeline.stages.feeds import come_in, files_table, returns

if TYPE_CHECKING:
    from pipeline.flow.runner import Work


def fetch(work: Work) -> Outcome:
    """Look where every system leaves its files; give those archived but not booked, and cumulative ones told again."""
    doors = list(returns(work.campus, work.ledger))
    fetched = come_in(work, doors)
    work.unread = frozenset(
        door.feed.name
        for door, one in zip(doors, fetched, strict=True)
        if any(finding.stops for finding in one.findings)
    )
    waiting = work.ledger.files_in("payments", "archived")
    work.files = tuple(file.sha for file in waiting)
    again = [
        file
        for door, one in zip(doors, fetched, strict=True)
        if door.feed.same_name == "news"
        for file in one.again
        if file.state == "booked"
    ]
    return Outcome(files_table([*waiting, *dict.fromkeys(again)], work.campus, doors))
