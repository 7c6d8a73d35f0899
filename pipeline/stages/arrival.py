"""What should have come by now and did not: told apart from a file that came and holds nothing."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.campus.sources import AnalyticsReport
from pipeline.findings import Finding
from pipeline.stages.intake import left_last

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pipeline.campus.sources import Expected
    from pipeline.flow.runner import Work
    from pipeline.stages.feeds import Door
    from pipeline.stages.intake import Fetched

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LOOKING = ("night", "charges")
"""Commands whose runs look at the sources."""

RUNS = 50


def late(work: Work, looks: Mapping[Door, Fetched]) -> Iterator[Finding]:
    """Name every source that nothing came of since it was last due.

    A folder that could not be looked at is not named: its silence says nothing of what lies there, and that it failed
    is told already.  A report that is asked for lies nowhere: what could not be had by its hour is late.
    """
    now = work.outside.clock.now().astimezone(ZoneInfo(work.campus.campus.time_zone))
    for door, fetched in looks.items():
        name = door.feed.name
        source = work.campus.campus.sources[name]
        asked = isinstance(source, AnalyticsReport)
        if source.expected is None or not (fetched.looked or asked):
            continue
        due = due_before(source.expected, now)
        before = due_before(source.expected, due - timedelta(minutes=1))
        kept = _kept_since(work, name, due, before) or (asked and _had_that_day(work, name, due))
        if not kept and not _written_since(fetched, before, now):
            text = f"{name}: nothing came, and it was due on {due:%A, %Y-%m-%d} by {due:%H:%M}; {_last(work, name)}"
            yield Finding("SOURCE-LATE", f"{name} {due:%Y-%m-%d %H:%M}", text, "collect")


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


def _kept_since(work: Work, name: str, due: datetime, before: datetime) -> bool:
    """Whether the newest file we have came for this time and not, too late, for the one before.

    What was kept after the hour did.  What was kept earlier did so if an earlier run had looked in vain meanwhile.
    """
    newest = work.ledger.newest_file("charges", name)
    if newest is None or newest.archived_at <= before:
        return False
    if newest.archived_at >= due:
        return True
    looked = [run.started_at for run in work.ledger.runs(RUNS) if run.command in LOOKING]
    earlier = [at for at in looked if at <= newest.archived_at][1:2]
    return any(at >= before for at in earlier)


def _last(work: Work, name: str) -> str:
    newest = work.ledger.newest_file("charges", name)
    if newest is None:
        return "no file of it ever came"
    came = newest.archived_at.astimezone(ZoneInfo(work.campus.campus.time_zone))
    return f"the last file of it came on {came:%Y-%m-%d at %H:%M}"
