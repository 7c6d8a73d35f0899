"""Which day a report describes, and how the days in it are written."""

from __future__ import annotations

import functools
import re
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.layouts import dates
from pipeline.readers import refused
from pipeline.readers.refused import RefusedFileError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.campus.sources import Report

HOUR = re.compile(r"(?:T| +)[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?(?: ?[AaPp][Mm])?Z?", re.ASCII)
"""An hour after a day; the day is the one that is written, in whatever zone it was meant."""

LONGEST = 10
"""Signs of the longest form a day may have."""

SHOWN = 3


@functools.lru_cache(maxsize=10_000)
def day_of(text: str, forms: tuple[str, ...]) -> str:
    """Read a day in one of the forms as YYYY-MM-DD; "" if it is none, or if two forms make two days of it."""
    found = HOUR.search(text)
    if found and found.end() == len(text):
        text = text[: found.start()]
    days = {day for day in (_day(text, form) for form in forms) if day}
    return days.pop() if len(days) == 1 else ""


def _day(text: str, form: str) -> str:
    try:
        return dates.read(text, form)
    except (dates.NotADayError, KeyError):  # a form of the campus that says no day at all reads nothing
        return ""


def described(report: Report, came_on: str, above: Iterable[str], said: Iterable[str], name: str) -> str:
    """Give the day whose evening a report describes, as YYYY-MM-DD; "" for a report without rows that cannot say.

    ``above`` are the lines over the headings, ``said`` what its column says.  Raises RefusedFileError (REPORT-AS-OF) if
    the day is not there, is no day, there are several, or it had not come when the report did: every later report would
    then count as older.
    """
    day = _said(report, came_on, above, said, name)
    if day > came_on:
        raise _refusal(name, f"describes {day}, and came on {came_on}")
    return day


def _said(report: Report, came_on: str, above: Iterable[str], said: Iterable[str], name: str) -> str:
    if report.as_of.lag_days is not None:
        return _delivered(came_on, report.as_of.lag_days, name)
    if report.as_of.column:
        return _agreed(sorted(set(said)), report.dates, name)
    begins = report.as_of.header.casefold()
    texts = [text[len(begins) :].strip(" \t:=,") for text in above if text.casefold().startswith(begins)]
    if not texts:
        raise _refusal(name, f"no line above the headings begins with {report.as_of.header!r}")
    return _agreed(texts, report.dates, name)


def _delivered(came_on: str, lag_days: int, name: str) -> str:
    try:
        return (dates.from_iso(came_on) - timedelta(days=lag_days)).isoformat()
    except (dates.NotADayError, OverflowError):
        raise _refusal(name, "nobody noted the day it came") from None


def _agreed(texts: Sequence[str], forms: tuple[str, ...], name: str) -> str:
    days = {text: day_of(text, forms) for text in texts}
    for text, day in days.items():
        if not day:
            what = f"describes {text[: 2 * LONGEST]!r}, which is no day like {' or '.join(forms)}"
            raise _refusal(name, what if text else "does not say in every row which day it describes")
    several = sorted(set(days.values()))
    if len(several) > 1:
        raise _refusal(name, f"describes {len(several)} days: {', '.join(several[:SHOWN])}")
    return several[0] if several else ""


def _refusal(name: str, what: str) -> RefusedFileError:
    do = "have it delivered again, or say in as_of and dates of its source how it tells its day"
    return RefusedFileError(refused.AS_OF, f"{name}: {what}; {do}")
