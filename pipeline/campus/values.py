"""The words that settings are made of: whole numbers, short names, patterns, codes, amounts and hours."""

from __future__ import annotations

import re
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Strict

LIVE: dict[str, Any] = {"live": True}
"""Marks a key that stands ready for use in the file that `bursar init` writes."""

OTHERWISE: dict[str, Any] = {"otherwise": True}
"""Marks a key that may be said only in the place of another one of its table."""


def like(pattern: str, says: str) -> AfterValidator:
    """A text must look so; ``says`` is told to people when it does not."""
    shape = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if shape.fullmatch(text) is None:
            raise ValueError(says)
        return text

    return AfterValidator(check)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = "is not a time zone; use a name such as America/Los_Angeles"
        raise ValueError(message) from None
    return name


def _in_quotes(amount: object) -> object:
    if isinstance(amount, int | float):
        message = "must be an amount in quotes: '5.00'"
        raise ValueError(message)  # noqa: TRY004 - pydantic words only a ValueError for people
    return amount


Whole = Annotated[int, Strict()]
Name = Annotated[
    str, like(r"[a-z][a-z0-9_-]{0,30}", "must be a short name: a small letter, then small letters, digits, - or _")
]
SecretName = Annotated[
    str, like(r"([a-z][a-z0-9_]{0,30})?", "must be a short name: a small letter, then small letters, digits or _")
]
Pattern = Annotated[str, like(r"[^/\\]+", "must be a file name with * and ?, without a folder")]
Currency = Annotated[str, like(r"[A-Z]{3}", "must be three capital letters, such as USD")]
ItemType = Annotated[str, like(r"([0-9]{12})?", "must be twelve digits")]
TermCode = Annotated[str, like(r"[A-Z0-9]{4}", "must be four digits or capital letters, such as 2262")]
Picture = Annotated[str, like(r"[\x21-\x7e]*", "must be written without blanks: 9 for a digit, A for a letter")]
Amount = Annotated[
    str,
    BeforeValidator(_in_quotes),
    like(r"([0-9]{1,9}\.[0-9]{2})?", "must be an amount with two decimals in quotes: '5.00'"),
]
Hour = Annotated[str, like(r"([01][0-9]|2[0-3]):[0-5][0-9]", "must be an hour of the day in quotes: '06:30'")]
Address = Annotated[
    str,
    like(r"[^@\s<>()\[\]\\,;:\"\x00-\x1f\x7f]+@[A-Za-z0-9.-]+", "must be a plain mail address, such as a@example.edu"),
]
DayForm = Annotated[
    str,
    like(
        r"(?=.*YY)(?=[^M]*MM?[^M]*$)(?=[^D]*DD?[^D]*$)(?:YYYY|YY|MM?|DD?|[-/. ])+",
        "must say year, month and day, such as YYYY-MM-DD or D/M/YYYY",
    ),
]
Headings = Annotated[tuple[str, ...], AfterValidator(tuple)]
TimeZone = Annotated[str, AfterValidator(_zone)]
Url = Annotated[
    str,
    like(
        r"(https://[A-Za-z0-9.-]+|http://127\.0\.0\.1)(:[0-9]+)?(/[A-Za-z0-9._/-]*)?",
        "must be https:// and a host, without a name, password or query (http:// only for 127.0.0.1)",
    ),
]


class Settings(BaseModel):
    """Closed and frozen: a key that is not described here is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def shape(picture: str) -> re.Pattern[str]:
    """Turn an id picture (9 a digit, A a letter, else itself) into a pattern that must match the whole id."""
    classes = {"9": "[0-9]", "A": "[A-Za-z]"}
    return re.compile("".join(classes.get(sign, re.escape(sign)) for sign in picture), re.ASCII)
