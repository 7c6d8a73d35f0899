"""What a system calls a fee: item type, account type, item code and fund, by fee type and owning library."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pipeline.campus.policy import Codes
from pipeline.stages.lookup import looked_up

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.policy import CodeRule
    from pipeline.campus.settings import Campus

AS_SENT = ("item_type", "account_type", "item_code", "fund")
"""Codes that a later movement repeats as its first charge was sent with them."""

NAMES = tuple(Codes.model_fields)
BETWEEN = "\x1f"


def sent(movements: pd.DataFrame) -> pd.Series[bool]:
    """Say which rows brought codes along: those of a debt that a system has been told of already."""
    return reduce(or_, [movements[name] != "" for name in AS_SENT])


def codes(movements: pd.DataFrame, campus: Campus, today: date) -> pd.DataFrame:
    """Give the campus's codes of every row (the columns of Codes), and ``mapped``: whether it has any for it.

    The first rule of ``codes`` that fits on ``today`` counts before the fee type's own, key by key.
    """
    import pandas as pd

    words = movements["system"] + BETWEEN + movements["fee_type"] + BETWEEN + movements["owner"]
    found = {word: _of(word, campus, today) for word in words.unique()}
    columns = {
        name: looked_up(words, {word: getattr(one, name) for word, one in found.items() if one}) for name in NAMES
    }
    mapped = words.map({word: one is not None for word, one in found.items()}).astype(bool)
    return pd.DataFrame({**columns, "mapped": mapped})


def _of(word: str, campus: Campus, today: date) -> Codes | None:
    system, fee_type, owner = word.split(BETWEEN)
    own = campus.fee_types[fee_type].codes.get(system) if fee_type in campus.fee_types else None
    fitting = (rule for rule in campus.codes if _fits(rule, system, fee_type, owner) and _in_force(rule, today))
    rule = next(fitting, None)
    if rule is None or own is None:
        return rule or own
    return Codes(**{name: getattr(rule, name) or getattr(own, name) for name in NAMES})


def _fits(rule: CodeRule, system: str, fee_type: str, owner: str) -> bool:
    return (
        rule.system == system
        and (not rule.fee_type or fee_type in rule.fee_type)
        and (not rule.owner or owner in rule.owner)
    )


def _in_force(rule: CodeRule, today: date) -> bool:
    return (rule.starting is None or rule.starting <= today) and (rule.until is None or today <= rule.until)
