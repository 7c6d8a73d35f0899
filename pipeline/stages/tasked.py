"""Fees that staff enter anew after money went back: awaited with their mark, and held where it is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import TaskState
from pipeline.stages.reopened import person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

COLUMNS = ("source", "fee_id", "reference", "patron_id", "cents", "state")
"""What is asked of a task (records.Task)."""


@dataclass(frozen=True, slots=True)
class _Awaited:
    """A fee that staff are to enter anew, or say they have: whose, over how much, and the names of its debt."""

    patron: str
    cents: int
    reference: str
    names: frozenset[str]
    source: str
    state: str


def excused(frame: pd.DataFrame, told: Mapping[str, pd.Series[str]], tasks: pd.DataFrame) -> dict[str, pd.Series[str]]:
    """Let pass what a task has asked for: a fee of its amount and patron that names its reference.

    ``told`` are the columns of reopened.reopened; of such a fee ``twice`` and ``differs`` become "": after a part
    refund it is worth less than was billed, and after a second one the debt has been continued before.  No more fees
    pass than tasks are open.
    """
    awaited = _awaited(tasks[tasks["state"] == TaskState.OPEN])
    if not awaited:
        return dict(told)
    claims: dict[int, str] = {}
    for place, said in enumerate(told["reopens"].tolist()):
        fitting = [one for one in _of(frame, place, awaited) if said in one.names]
        if said and fitting and told["old_system"].iloc[place]:
            claims[place] = fitting[0].reference
    open_for = Counter((one.patron, one.cents, one.reference) for one in awaited)
    asked = Counter((*_whose(frame, place), reference) for place, reference in claims.items())
    let = {
        place
        for place, reference in claims.items()
        if asked[*_whose(frame, place), reference] <= open_for[*_whose(frame, place), reference]
    }
    return {name: _without(words, let) if name in ("twice", "differs") else words for name, words in told.items()}


def may_reopen(frame: pd.DataFrame, judged: pd.Series[bool], tasks: pd.DataFrame) -> pd.Series[str]:
    """Say of each new fee (``judged``) for which task it may have been entered; "" where there is none.

    That is one of the same patron and amount: without the mark in its comment the debt would be billed twice.  A task
    that is done counts for fees of its source, whose comments nobody reads.
    """
    import pandas as pd

    awaited = _awaited(tasks)
    words = [""] * len(frame)
    for place in [place for place, one in enumerate(judged.tolist()) if one and awaited]:
        source = str(frame["source"].iloc[place])
        if fitting := [
            one for one in _of(frame, place, awaited) if one.state == TaskState.OPEN or one.source == source
        ]:
            words[place] = _words(str(frame["fee_id"].iloc[place]), fitting)
    return pd.Series(words, index=frame.index, dtype="str")


def _awaited(tasks: pd.DataFrame) -> list[_Awaited]:
    rows = zip(*(tasks[name].tolist() for name in COLUMNS), strict=True)
    return [
        _Awaited(person(patron), int(cents), reference, frozenset({reference, fee_id}), source, state)
        for source, fee_id, reference, patron, cents, state in rows
    ]


def _whose(frame: pd.DataFrame, place: int) -> tuple[str, int]:
    return person(str(frame["patron_id"].iloc[place])), int(frame["amount_cents"].iloc[place])


def _of(frame: pd.DataFrame, place: int, awaited: Sequence[_Awaited]) -> list[_Awaited]:
    whose = _whose(frame, place)
    return [one for one in awaited if (one.patron, one.cents) == whose]


def _without(words: pd.Series[str], places: set[int]) -> pd.Series[str]:
    import pandas as pd

    kept = ["" if place in places else word for place, word in enumerate(words.tolist())]
    return pd.Series(kept, index=words.index, dtype="str")


def _words(fee_id: str, fitting: Sequence[_Awaited]) -> str:
    worth = dollars(fitting[0].cents)
    back = f"fee {fee_id}, {worth}: {worth} of this patron went back and"
    awaited = [one for one in fitting if one.state == TaskState.OPEN]
    if awaited:
        marks = " or ".join(f'"reopens {one.reference}"' for one in awaited)
        return f"{back} the fee was to be entered anew with {marks}"
    old = " or ".join(one.reference for one in fitting)
    return f"{back} fee {old} was entered anew; comments of {fitting[0].source} are not read, so this may be that fee"
