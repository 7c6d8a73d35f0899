"""Days of the bursar's calendar: the term a day belongs to, when a charge is due, when the table of terms ends."""

from __future__ import annotations

import bisect
from calendar import monthrange
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.campus.policy import Terms
    from pipeline.campus.settings import Due

SATURDAY = 5


def term_of(day: str, terms: Terms) -> str:
    """Look up the term of a day (YYYY-MM-DD); "" before the first term and after the last."""
    if not day:
        return ""
    when = date.fromisoformat(day)
    place = bisect.bisect_right([first for _, first in terms.starts], when)
    return terms.starts[place - 1][0] if place and when <= terms.until else ""


def ending(terms: Terms, today: date) -> bool:
    """Say whether the table of terms ends within the months in which the campus wants to be warned."""
    return _months_on(today, terms.warn_months, 0) >= terms.until


def due_date(today: date, rule: Due | None) -> str:
    """Work out when a charge sent ``today`` is due, by the campus's rule; "" without a rule.

    The 25th of next month, or of the month after if the 25th is over (as Arizona State bills), is months_after = 1,
    day_of_month = 25, next_month_after = 25.
    """
    if rule is None:
        return ""
    late = rule.next_month_after and today.day > rule.next_month_after
    due = _months_on(today, rule.months_after + bool(late), rule.day_of_month) + timedelta(days=rule.days_after)
    return _moved(due, rule.weekend).isoformat()


def _months_on(today: date, months: int, day: int) -> date:
    """The same day so many months on, or the last one of a shorter month; or the ``day`` of that month."""
    month = today.month - 1 + months
    year, month = today.year + month // 12, month % 12 + 1
    return date(year, month, day or min(today.day, monthrange(year, month)[1]))


def _moved(due: date, weekend: str) -> date:
    """A bursar's office that is closed takes no money: a due date on a weekend goes where the campus says."""
    over = due.weekday() - SATURDAY
    if over < 0 or weekend == "stay":
        return due
    return due + timedelta(days=2 - over) if weekend == "monday" else due - timedelta(days=1 + over)
