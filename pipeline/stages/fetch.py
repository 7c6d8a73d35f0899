"""Bring home what the bursars send back: a copy of every file goes into the archive before anybody reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Outcome
from pipeline.layouts import layout as layouts
from pipeline.stages.arrival import late
from pipeline.stages.feeds import come_in, files_table, readers_of, returns
from pipeline.stages.shelf import shelf

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.campus.load import Loaded
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile
    from pipeline.stages.feeds import Door


def fetch(work: Work) -> Outcome:
    """Look where every system leaves its files; give those archived but not booked, and cumulative ones told again.

    What did not come by its hour is named.
    """
    doors = list(returns(work.campus, work.ledger))
    looks = dict(zip(doors, come_in(work, doors), strict=True))
    failed = (door for door, one in looks.items() if any(finding.stops for finding in one.findings))
    work.unread = frozenset(door.feed.name for door in failed)
    waiting = work.ledger.files_in("payments", "archived")
    work.files = tuple(file.sha for file in waiting)
    again = [
        file
        for door, one in looks.items()
        if door.feed.same_name == "news"
        for file in one.again
        if file.state == "booked"
    ]
    every = [*waiting, *dict.fromkeys(again)]
    table = files_table(every, work.campus, doors).assign(reader=[_reader(file, doors, work.campus) for file in every])
    return Outcome(table.astype({"reader": "str"}), findings=tuple(late(work, looks)))


def _reader(file: InFile, doors: Sequence[Door], campus: Loaded) -> str:
    """Say what reads a file.  Where several patterns fit its name, the only layout that it can be read by; or ""."""
    several = readers_of(file, doors)
    if len(several) > 1:
        path = shelf(campus.state / "archive", file)
        several = [name for name in several if _reads(layouts.load(name, campus.folder), path)]
    return several[0] if len(several) == 1 else ""


def _reads(layout: layouts.Layout, path: Path) -> bool:
    try:
        layouts.read(layout, path)
    except layouts.UnreadableFileError:
        return False
    return True
