"""What a row is: a sale, a refund, a charge; said by the first rule that fits, never guessed."""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NamedTuple

from pipeline import money
from pipeline.layouts.cells import MisfitError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.layouts.incoming import Incoming, KindRule
    from pipeline.layouts.model import Column, Layout


NOT = "!"


class Verdict(NamedTuple):
    """What a line of money is: its kind, which way its money goes, what it may not be without, if it undoes another.

    ``strange`` is a code that no rule of the layout names, "" for one that is named.
    """

    kind: str
    money: str
    needs: tuple[str, ...] = ()
    strange: str = ""
    undoes: bool = False

    def signed(self, amount: int) -> int:
        """Give the cents of such a line: in positive, back negative, no money 0."""
        return {"in": amount, "back": -abs(amount), "none": 0}[self.money]


def said(layout: Layout, incoming: Incoming, choices: Mapping[str, str], amount: int | None) -> Verdict:
    """Say what a line of money is.  ``choices`` are the values of the columns that the rules ask about.

    ``amount`` is None where it is blank: then only a rule that asks for no sign, and moves no money, can fit.
    Raises MisfitError when no rule fits, or when money that comes in is negative.
    """
    sign = "blank" if amount is None else "positive" if amount > 0 else "negative" if amount else "zero"
    for rule in incoming.kinds:
        if rule.amount not in (None, sign) or not _fits(layout, rule, choices):
            continue
        if rule.money == "in" and sign == "negative":
            message = f"a {rule.kind} cannot be negative"
            raise MisfitError(message)
        return Verdict(rule.kind, rule.money, rule.needs, undoes=rule.undoes)
    if incoming.unknown and not _named(incoming, choices):
        return Verdict("other", "none", (), f"{incoming.unknown} {choices[incoming.unknown]}")
    shown = ", ".join([*(f"{name} {value}" for name, value in choices.items() if value), f"a {sign} amount"])
    message = f"no rule says what {shown} is"
    raise MisfitError(message)


def _fits(layout: Layout, rule: KindRule, choices: Mapping[str, str]) -> bool:
    for name, allowed in rule.when.items():
        text = choices.get(name, "")
        if name in layout.codes:
            if not any(like(text, pattern) for pattern in allowed):
                return False
        elif text not in allowed:
            return False
    return True


def like(text: str, pattern: str) -> bool:
    """Say whether a code fits a pattern such as ``T13*``, or ``!0`` for any other; case and blanks do not matter.

    A blank fits only a blank.
    """
    if pattern.startswith(NOT):
        return bool(text.strip()) and not like(text, pattern.removeprefix(NOT))
    plain = " ".join(text.split()).casefold()
    return bool(plain) == bool(pattern) and fnmatchcase(plain, " ".join(pattern.split()).casefold())


def _named(incoming: Incoming, choices: Mapping[str, str]) -> bool:
    text = choices[incoming.unknown]
    patterns = {pattern for rule in incoming.kinds for pattern in rule.when.get(incoming.unknown, ())}
    return not text or any(like(text, pattern) for pattern in patterns)


def asked(layout: Layout) -> list[str]:
    """Name the columns that the rules ask about, in the order they are first asked; none for a file of ours."""
    returned = layout.facts.returned
    if returned is None:
        return []
    told = [returned.unknown] if returned.unknown else []
    return list(dict.fromkeys([*(name for rule in returned.kinds for name in rule.when), *told]))


def needed(layout: Layout) -> list[str]:
    """Name the columns that some rule needs."""
    rules = layout.facts.returned.kinds if layout.facts.returned else ()
    return list(dict.fromkeys(name for rule in rules for name in rule.needs))


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
