"""What should have come by now and did not: told apart from a file that came and holds nothing."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.findings import Finding
from pipeline.stages.feeds import ANALYTICS
from pipeline.stages.keeping import STATES, left_last

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.campus.sources import Expected
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile
    from pipeline.stages.feed import Fetched
    from pipeline.stages.feeds import Door

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOKING = {"charges": ("night", "charges"), "payments": ("night", "payments")}
"""Commands whose runs look at the doors of fees, and of payments."""

LATE = {"charges": "SOURCE-LATE", "payments": "PAYMENTS-LATE"}

RUNS = 50


def late(work: Work, looks: Mapping[Door, Fetched]) -> Iterator[Finding]:
    """Name every door of fees or of payments that nothing came in by since it was last due.

    A folder that could not be looked at is not named: its silence says nothing of what lies there, and that it failed
    is told already.  A report that is asked for lies nowhere: what could not be had by its hour is late.
    """
    now = work.outside.clock.now().astimezone(ZoneInfo(work.campus.campus.time_zone))
    for door, fetched in looks.items():
        role, asked = door.feed.role, door.connection.startswith(ANALYTICS)
        if door.expected is None or not (fetched.looked or asked):
            continue
        due = due_before(door.expected, now)
        before = due_before(door.expected, due - timedelta(minutes=1))
        kept = _kept_since(work, door, due, before) or (asked and _had_that_day(work, door.feed.name, due))
        if not kept and not _written_since(fetched, before, now):
            what = door.feed.name if role == "charges" else f"{door.feed.name}, {door.feed.pattern}"
            text = f"{what}: nothing came, and it was due on {due:%A, %Y-%m-%d} by {due:%H:%M}; {_last(work, door)}"
            where = "collect" if role == "charges" else "fetch"
            yield Finding(LATE[role], f"{what} {due:%Y-%m-%d %H:%M}", text, where)


def due_before(expected: Expected, moment: datetime) -> datetime:
    """Give the last time, not after ``moment`` (at the campus), by which something had to be there."""
    hour = time.fromisoformat(expected.by)
    days = (moment.date() - timedelta(days=back) for back in range(8))
    dues = (datetime.combine(day, hour, moment.tzinfo) for day in days if DAYS[day.weekday()] in expected.days)
    return next(due for due in dues if due <= moment)


def _written_since(fetched: Fetched, before: datetime, now: datetime) -> bool:
    """Whether a file that lies there was written after the time before; a date in the future proves nothing."""
    if fetched.latest is None:
        return False
    written = datetime.fromtimestamp(fetched.latest, UTC)
    return before < written <= now


def _had_that_day(work: Work, name: str, due: datetime) -> bool:
    """Whether a report was had on the day on which it was due, or since: it comes when it is asked for."""
    newest = left_last(work.ledger, "charges", name)
    first = datetime.combine(due.date(), time.min, due.tzinfo)
    return newest is not None and (newest.delivered_at or newest.archived_at) >= first


def _kept_since(work: Work, door: Door, due: datetime, before: datetime) -> bool:
    """Whether the newest file we have came for this time and not, too late, for the one before.

    What was kept after the hour did.  What was kept earlier did so if an earlier run had looked in vain meanwhile.
    """
    newest = _newest(work, door)
    if newest is None or newest.archived_at <= before:
        return False
    if newest.archived_at >= due:
        return True
    looked = [run.started_at for run in work.ledger.runs(RUNS) if run.command in LOOKING[door.feed.role]]
    earlier = [at for at in looked if at <= newest.archived_at][1:2]
    return any(at >= before for at in earlier)


def _newest(work: Work, door: Door) -> InFile | None:
    """Give the file that came last by a door.  Several returns of one system are told apart by their patterns."""
    feed = door.feed
    if feed.role == "charges":
        return work.ledger.newest_file(feed.role, feed.name)
    files = (file for state in STATES for file in work.ledger.files_in(feed.role, state) if file.feed == feed.name)
    mine = (file for file in files if fnmatchcase(file.name, feed.pattern))
    return max(mine, key=lambda file: file.archived_at, default=None)


def _last(work: Work, door: Door) -> str:
    newest = _newest(work, door)
    if newest is None:
        return "no file of it ever came"
    came = newest.archived_at.astimezone(ZoneInfo(work.campus.campus.time_zone))
    return f"the last file of it came on {came:%Y-%m-%d at %H:%M}"
