"""How much of a fee a report should say is open: what was billed, less our payments that Alma had by then."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.stages.beside import places, taken, words
from pipeline.stages.newest import OPEN_NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd


@dataclass(frozen=True)
class Expected:
    """What the ledger makes of every statement, by place.

    ``place`` is where its fee stands in the positions (-1: never billed).  ``said`` are the cents a source is compared
    by: what is open, or the original amount where it lists new fees only.  ``open_cents`` is the least that it should
    say and that is no less than ``said``, a growth of the original amount included; ``grown`` is that growth.
    ``touched``: a payment of ours, done or in doubt.
    """

    place: npt.NDArray[np.intp]
    said: npt.NDArray[np.int64]
    open_cents: npt.NDArray[np.int64]
    grown: npt.NDArray[np.int64]
    touched: npt.NDArray[np.bool_]


def expected(rows: pd.DataFrame, positions: pd.DataFrame, receipts: pd.DataFrame) -> Expected:
    """Work out what each statement should say.

    A payment that Alma surely had before the day of the report is in it.  Later ones, in the order of their days, may
    be in it, and so may one whose outcome nobody knows.  Among the sums these leave of what is billed and of what the
    original amount grew by, the least that needs no rise is the one expected: no more is ever taken off than must be,
    and the growth, once it is billed too, leaves the same sums.
    """
    import numpy as np

    place = places(rows, positions)
    original, new = rows["original_cents"].to_numpy(dtype=np.int64), (rows["lists"] != OPEN_NOW).to_numpy(dtype=bool)
    said = np.where(new, original, rows["amount_cents"].to_numpy(dtype=np.int64))
    before = taken(positions, "original_cents", place, 0)
    grown = np.where(new | (place < 0), 0, np.maximum(original - before, 0))
    paid, later, touched = _received(rows, receipts)
    left = np.where(new, before, np.maximum(taken(positions, "billed_cents", place, 0) + grown - paid, 0))
    for at, money in later.items():
        if place[at] >= 0 and not new[at]:
            left[at] = _least(int(left[at]), money, int(said[at]))
    return Expected(place, said, left, grown, touched)


@dataclass(frozen=True, slots=True)
class Money:
    """Our payments of one fee that a report may or may not know: cents by day, and cents in doubt."""

    sure: list[tuple[str, int]]
    doubtful: list[int]


def _received(
    rows: pd.DataFrame, receipts: pd.DataFrame
) -> tuple[npt.NDArray[np.int64], Mapping[int, Money], npt.NDArray[np.bool_]]:
    """Add up what each report surely knows, and collect what it may know."""
    import numpy as np

    at = places(receipts, rows)
    here = at >= 0
    at, cents = at[here], receipts["cents"].to_numpy(dtype=np.int64)[here]
    sure, day = receipts["sure"].to_numpy(dtype=bool)[here], receipts["day"].to_numpy(dtype=object)[here]
    known = sure & (day < words(rows, "as_of", at)).astype(bool)
    paid, touched = np.zeros(len(rows), dtype=np.int64), np.zeros(len(rows), dtype=bool)
    np.add.at(paid, at[known], cents[known])
    touched[at] = True
    later: dict[int, Money] = defaultdict(lambda: Money([], []))
    for place in np.flatnonzero(~known):
        money = later[int(at[place])]
        if sure[place]:
            money.sure.append((str(day[place]), int(cents[place])))
        else:
            money.doubtful.append(int(cents[place]))
    return paid, later, touched


def _least(most: int, money: Money, at_least: int) -> int:
    """The smallest sum that a report may show and that reaches ``at_least``; ``most`` if none does."""
    sums, running = {most}, most
    for _, amount in sorted(money.sure):
        running -= amount
        sums.add(running)
    for amount in money.doubtful:
        sums |= {one - amount for one in sums}
    return min((one for one in {max(one, 0) for one in sums} if one >= at_least), default=most)
