"""What should have come by now and did not: told apart from a file that came and holds nothing."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.findings import Finding

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

    A source that could not be looked at is not named: its silence says nothing, and that it failed is told already.
    """
    now = work.outside.clock.now().astimezone(ZoneInfo(work.campus.campus.time_zone))
    for door, fetched in looks.items():
        name = door.feed.name
        expected = work.campus.campus.sources[name].expected
        if expected is None or not fetched.looked:
            continue
        due = due_before(expected, now)
        if not _written_since(fetched, due_before(expected, due - timedelta(minutes=1)), now) and not _kept_since(
            work, name, due, due_before(expected, due - timedelta(minutes=1))
        ):
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
