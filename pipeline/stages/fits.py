"""Which fees a route takes, condition by condition, each with the sentence that tells it."""

from __future__ import annotations

from datetime import date
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING

from pipeline import money
from pipeline.campus.values import shape

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from pipeline.campus.policy import Route

ONE_OF = {"user_group": "user group", "fee_type": "fee type", "owner": "owning library", "source": "source"}
"""Conditions that name what a column may say, with our words for the column."""

Condition = tuple[str, "pd.Series[bool]"]


def fits(rule: Route, rows: pd.DataFrame, today: date) -> pd.Series[bool]:
    """Say which rows a route takes: those that meet all its conditions."""
    return reduce(and_, [met for _, met in conditions(rule, rows, today)])


def conditions(rule: Route, rows: pd.DataFrame, today: date) -> Iterator[Condition]:
    """Give every condition of a route as a sentence, with the rows that meet it."""
    yield "it has a patron's id", rows["patron_id"] != ""
    if rule.id_type:
        yield f"the id is of type {rule.id_type}", rows["patron_id_type"] == rule.id_type
    if rule.id_shape:
        like = rows["patron_id"].str.fullmatch(shape(rule.id_shape).pattern).astype(bool)
        yield f"the id looks like {rule.id_shape}", like
    for column, words in ONE_OF.items():
        if wanted := getattr(rule, column):
            yield f"the {words} is {' or '.join(wanted)}", rows[column].isin(wanted)
    yield from _amounts(rule, rows)
    yield from _ages(rule, rows, today)


def ages(rows: pd.DataFrame, today: date) -> pd.Series[int]:
    """Give how many days old every fee is; a fee of tomorrow is -1 days old."""
    days = {day: (today - date.fromisoformat(day)).days if day else 0 for day in rows["fee_date"].unique()}
    return rows["fee_date"].map(days).astype("int64")


def _amounts(rule: Route, rows: pd.DataFrame) -> Iterator[Condition]:
    if rule.min_amount:
        yield f"the amount is {rule.min_amount} or more", rows["amount_cents"].abs() >= money.cents(rule.min_amount)
    if rule.max_amount:
        yield f"the amount is {rule.max_amount} or less", rows["amount_cents"].abs() <= money.cents(rule.max_amount)


def _ages(rule: Route, rows: pd.DataFrame, today: date) -> Iterator[Condition]:
    if rule.min_age_days:
        yield f"it is {rule.min_age_days} days old or older", ages(rows, today) >= rule.min_age_days
    if rule.max_age_days is not None:
        yield f"it is {rule.max_age_days} days old or younger", ages(rows, today) <= rule.max_age_days
