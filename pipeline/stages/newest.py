"""Which reports of open fees count: those of the newest day, and none older than one already dealt with."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

OPEN_NOW = "open_now"


def days_of_files(rows: pd.DataFrame) -> pd.Series[str]:
    """Give for every row the newest day that its file speaks of (YYYY-MM-DD), "" where it names none."""
    last = rows.groupby("file_sha", sort=False)["as_of"].max()
    return rows["file_sha"].map(last).astype("str")


def newest_days(rows: pd.DataFrame, figures: pd.DataFrame) -> Mapping[str, str]:
    """Give the day that counts for every source in ``rows``: the newest in tonight's files or in an earlier night's."""
    tonight = rows.groupby("source", sort=False)["as_of"].max().to_dict()
    before = last_days(figures)
    return {str(source): max(str(day), before.get(str(source), "")) for source, day in tonight.items()}


def last_days(figures: pd.DataFrame) -> Mapping[str, str]:
    """Give the newest day that an earlier night has dealt with, per source."""
    told = figures[figures["what"] == "as_of"].groupby("scope")["count"].max().to_dict()
    return {str(source): date.fromordinal(int(day)).isoformat() for source, day in told.items()}
