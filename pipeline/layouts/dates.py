"""How bursars write a day: a closed list of forms, turned into ours (YYYY-MM-DD) and back."""

from __future__ import annotations

import functools
import re
from datetime import date

FORMATS = (
    "MMDDYYYY",
    "MM/DD/YYYY",
    "M/D/YYYY",
    "D/M/YYYY",
    "YYYY-MM-DD",
    "YYYYMMDD",
    "DDMMYYYY",
    "MMDDYY",
    "YYMMDD",
    "YYYY/MM/DD hh:mm:ss zzzzz",
)
"""The forms seen in public bursar layouts; one more is one word more here.  ``YY`` means the years 2000 to 2099.

``hh:mm:ss zzzzz`` is an hour and its distance from Greenwich, such as ``10:00:00 -0800``: the day is the one that the
file says, where its clock stands.
"""

ISO = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
PART = re.compile(r"YYYY|YY|MM|DD|M|D|hh:mm:ss zzzzz")
HOUR = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9] [+-][01][0-9][0-5][0-9]"
MIDNIGHT = "00:00:00 +0000"
DIGITS = {
    "YYYY": r"(?P<year>[0-9]{4})",
    "YY": r"(?P<short>[0-9]{2})",
    "MM": r"(?P<month>[0-9]{2})",
    "DD": r"(?P<day>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})",
    "D": r"(?P<day>[0-9]{1,2})",
    "hh:mm:ss zzzzz": HOUR,
}
CENTURY = 2000


class NotADayError(ValueError):
    """The text is no day of the calendar in the form expected."""


def from_iso(text: str) -> date:
    """Read ``YYYY-MM-DD`` and nothing else.  Raises NotADayError."""
    if ISO.fullmatch(text) is None:
        message = f"{text[:24]!r} is not a day such as 2026-01-20"
        raise NotADayError(message)
    return _day(text, *(int(part) for part in text.split("-")))


def written(iso: str, form: str) -> str:
    """Write a day of ours in a bursar's form.  Raises NotADayError, also for a year that two digits cannot say."""
    day = from_iso(iso)
    if "YYYY" not in form and not CENTURY <= day.year < CENTURY + 100:
        message = f"{iso} has a year that {form} cannot write"
        raise NotADayError(message)
    parts = {
        "YYYY": f"{day.year:04d}",
        "YY": f"{day.year % 100:02d}",
        "MM": f"{day.month:02d}",
        "DD": f"{day.day:02d}",
        "M": str(day.month),
        "D": str(day.day),
        "hh:mm:ss zzzzz": MIDNIGHT,
    }
    return PART.sub(lambda part: parts[part.group()], form)


def read(text: str, form: str) -> str:
    """Read a day in a bursar's form as ``YYYY-MM-DD``.  Raises NotADayError."""
    found = _pattern(form).fullmatch(text)
    if found is None:
        message = f"{text[:24]!r} is not a day like {form}"
        raise NotADayError(message)
    said = found.groupdict()
    year = int(said["year"]) if "year" in said else CENTURY + int(said["short"])
    return _day(text, year, int(said["month"]), int(said["day"])).isoformat()


def width(form: str) -> int | None:
    """Give the bytes a day takes in this form, None where it varies."""
    return None if form in ("M/D/YYYY", "D/M/YYYY") else len(form)


@functools.cache
def _pattern(form: str) -> re.Pattern[str]:
    return re.compile(PART.sub(lambda part: DIGITS[part.group()], form), re.ASCII)


def _day(text: str, year: int, month: int, day: int) -> date:
    try:
        return date(year, month, day)
    except ValueError:
        message = f"{text[:24]!r} is no day of the calendar"
        raise NotADayError(message) from None
