"""What a row is: a sale, a refund, a charge; said by the first rule that fits, never guessed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import money
from pipeline.layouts.cells import MisfitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.layouts.model import Column, Incoming, Layout


def said(incoming: Incoming, choices: Mapping[str, str], amount: int) -> tuple[str, int]:
    """Give the kind of a line of money and its signed cents: in positive, back negative, no money 0.

    ``choices`` are the values of the columns that the rules ask about.  Raises MisfitError when no rule fits, or when
    money that comes in is negative.
    """
    sign = "positive" if amount > 0 else "negative" if amount else "zero"
    for rule in incoming.kinds:
        fits = all(choices.get(name) in allowed for name, allowed in rule.when.items())
        if not fits or rule.amount not in (None, sign):
            continue
        if rule.money == "in" and amount < 0:
            message = f"a {rule.kind} cannot be negative"
            raise MisfitError(message)
        return rule.kind, {"in": amount, "back": -abs(amount), "none": 0}[rule.money]
    shown = ", ".join([*(f"{name} {value}" for name, value in choices.items()), f"a {sign} amount"])
    message = f"no rule says what {shown} is"
    raise MisfitError(message)


def asked(layout: Layout) -> list[str]:
    """Name the columns that the rules ask about, in the order they are first asked; none for a file of ours."""
    rules = layout.facts.returned.kinds if layout.facts.returned else ()
    return list(dict.fromkeys(name for rule in rules for name in rule.when))


def of_movement(layout: Layout, literals: Mapping[str, str]) -> tuple[str, ...]:
    """Give the kinds that a row in a file of ours may be, by what stands where the kinds differ; all if they do not.

    ``literals`` are the texts of the columns that have one literal per kind.  Raises MisfitError when they fit none.
    """
    by_kind = {column.name: column.literals for column in telling(layout)}
    fitting = tuple(
        kind for kind in layout.kinds if all(by_kind[name][kind] == text for name, text in literals.items())
    )
    if not fitting:
        shown = ", ".join(f"{name} {text!r}" for name, text in literals.items())
        message = f"no kind has {shown}"
        raise MisfitError(message)
    return fitting


def of_amount(layout: Layout, fitting: tuple[str, ...], amount: int) -> tuple[tuple[str, ...], int]:
    """Give the kinds, of those that fit, that have this sign in the file, and the amount without it.

    Raises MisfitError when none has it, and for an amount of nothing.
    """
    negative = layout.amount.negative if layout.amount else ()
    if not negative:
        return fitting, amount
    signed = tuple(kind for kind in fitting if (kind in negative) == (amount < 0))
    if not signed or not amount:
        shown = money.dollars(amount)
        message = f"{shown} must not stand in this file"
        raise MisfitError(message)
    return signed, abs(amount)


def telling(layout: Layout) -> list[Column]:
    """Give the columns of the detail line that have one text for each kind: they tell the kinds apart."""
    return [column for column in layout.detail.columns if column.literals and not column.source]
