"""What is owed but not sent yet: too small, too young, or in days in which the bursar takes nothing."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline import money
from pipeline.stages.fits import ages

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from pipeline.campus.policy import Wait, Waiting
    from pipeline.rules import Sorting

Pair = tuple[date, date]
DAY = timedelta(days=1)


def wait(rows: Sorting, rules: Waiting, today: date) -> None:
    """Put what the campus does not send yet into the box ``waiting``, with the day or the figure that must come.

    Charges go by the rules for debits, credits and reversals by those for credits, whatever movement of a fee they are.
    """
    raises = rows.frame["kind"] == "charge"
    _side(rows, raises, rules.debits, today)
    _side(rows, ~raises, rules.credits, today)


def _side(rows: Sorting, side: pd.Series[bool], rule: Wait, today: date) -> None:
    frame = rows.frame
    mine = side & frame["system"].isin(rule.systems) if rule.systems else side
    if rule.min_amount:
        small = frame["amount_cents"].abs() < money.cents(rule.min_amount)
        rows.put("waiting", mine & small, "WAIT-AMOUNT", f"it waits until it is {rule.min_amount} or more")
    if rule.min_age_days:
        undated = mine & (frame["fee_date"] == "")
        rows.hold(undated, "NORMALISE-DATE", f"it says no day, and only what is {rule.min_age_days} days old is sent")
        for fee_date, until in _young(frame, rule.min_age_days, today):
            young = mine & (frame["fee_date"] == fee_date)
            rows.put("waiting", young, "WAIT-AGE", f"it waits for {until}, when it is {rule.min_age_days} days old")
    if (end := last_day(rule.blackout, today)) is not None:
        rows.put("waiting", mine, "WAIT-BLACKOUT", f"it waits for {end + DAY}: nothing is sent up to {end}")


def _young(frame: pd.DataFrame, least: int, today: date) -> Iterator[tuple[str, date]]:
    """The days whose fees are too young, which are few, each with the day that they wait for."""
    young = frame.loc[(ages(frame, today) < least) & (frame["fee_date"] != ""), "fee_date"]
    for day in sorted(young.unique()):
        yield str(day), date.fromisoformat(day) + timedelta(days=least)


def last_day(blackout: Sequence[Pair], today: date) -> date | None:
    """Give the last day of the blackout that ``today`` lies in, those that follow at once counted in; None outside."""
    end: date | None = None
    for first, last in sorted(blackout):
        if first <= (end + DAY if end else today) and last >= today:
            end = max(last, end or last)
    return end
