"""The equation of sums paid to date: what their rows claim had been said before is what the ledger has on record."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from pipeline.flow.lines import Line
from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

PLACE = ("file_sha", "line", "system", "fee_ref", "fees", "patron_id")
"""What tells a row from others both before and after it was set against what is on record."""


def lines(stage: str, given: pd.DataFrame, boxes: Sequence[pd.DataFrame], record: pd.DataFrame) -> list[Line]:
    """Give the equation, for the rows of ``given`` that say a sum; none if there are none.

    It is worked out here once more, reference by reference, file after file, from ``record`` (payment_key, cents).  A
    row that counts has a key of its own by then, and the next one is set against its sum.  One that is held because it
    is older keeps the key of its reference, and is set against the same.
    """
    made: dict[tuple[Any, ...], list[tuple[str, int]]] = defaultdict(list)
    for frame in boxes:
        for place, said in _rows(frame):
            made[place].append(said)
    counts = dict(zip(record["payment_key"], record["cents"].tolist(), strict=True))
    before, sums = 0, list(_rows(given))
    for place, (key, cents) in sums:
        became = made[place].pop() if made[place] else (key, cents)
        before += counts[key] if became != (key, cents) else 0
        counts[key] = cents if became[0] != key else counts[key]
    claimed = sum(int(frame["before_cents"].sum()) for frame in boxes)
    return [Line(stage, "sums: said before = on record", Tally(0, before), Tally(0, claimed))] if sums else []


def _rows(frame: pd.DataFrame) -> Iterator[tuple[tuple[Any, ...], tuple[str, int]]]:
    """Give the place of each row that says a sum, its key and its cents."""
    sums = frame[frame["identity"] == "to_date"]
    columns = (sums[name].tolist() for name in (*PLACE, "payment_key", "amount_cents"))
    for *place, key, cents in zip(*columns, strict=True):
        yield tuple(place), (key, cents)
