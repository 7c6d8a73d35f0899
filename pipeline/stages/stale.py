"""A file whose newest line is long past when it comes is kept, and read only when a person says that it is right."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.campus import approvals
from pipeline.campus.approvals import yes_to
from pipeline.rules import Sorting
from pipeline.stages.arrival_exports import doubted
from pipeline.stages.streams import first_and_last

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from pipeline.findings import Finding, Outcome
    from pipeline.flow.runner import Work
    from pipeline.stages.streams import Streams

STALE = "PAYMENTS-STALE"


def stale(work: Work, frames: Sequence[pd.DataFrame], streams: Streams) -> Iterator[Finding]:
    """Name the files of tonight whose newest line is older than their return allows.

    It stays in the archive and is looked at again every night, until a person approves ``SYSTEM:stale``.
    """
    newest = _newest(frames)
    for sha in work.files:
        file, of, last = streams.file(sha), streams.of(sha), newest.get(sha, "")
        if file is None or of is None or not last:
            continue
        if last < (work.today - timedelta(days=of.stale_days)).isoformat():
            text = f"{file.name}: its newest line is of {last}, more than {of.stale_days} days ago"
            yield doubted(work, file, STALE, text, yes_to(file.feed, approvals.STALE))


def without(rows: pd.DataFrame, kept_back: Sequence[str]) -> Outcome:
    """Let the rows of files that are kept back wait."""
    sorting = Sorting(rows)
    sorting.put("waiting", sorting.frame["file_sha"].isin(list(kept_back)), STALE, "its file waits for a person's yes")
    return sorting.outcome()


def _newest(frames: Sequence[pd.DataFrame]) -> dict[str, str]:
    """Give the day of the newest line of each file, of all that it says."""
    days: dict[str, str] = {}
    for frame in frames:
        for sha, day in frame.groupby("file_sha", sort=False)["occurred_on"].agg(list).items():
            days[str(sha)] = max(days.get(str(sha), ""), first_and_last(day)[1])
    return days
