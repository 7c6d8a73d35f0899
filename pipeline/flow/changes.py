"""The books of reports: what they say beyond what is expected, worked out a second time and in another way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from pipeline.flow.lines import Line
from pipeline.money import Tally, total
from pipeline.tables import tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

KEY = "fee_id"
"""Of one source, whose books these are, the fee's id alone says which fee is meant."""

WHOLE: Final = "Int64"
"""Whole numbers of which some may be missing: money is never a float, not even for a moment."""

UNEXPECTED = ("REPORT-BEHIND",)
"""Statements that differ from what is expected and still are no change."""


def of(source: str, rows: pd.DataFrame) -> pd.DataFrame:
    """Give the rows of a source; where all are, they are not copied."""
    mine = rows["source"] == source
    return rows if mine.all() else rows[mine]


def lines(
    stage: str,
    came: pd.DataFrame,
    boxes: Sequence[tuple[str, pd.DataFrame]],
    positions: pd.DataFrame,
    receipts: pd.DataFrame,
) -> Iterator[Line]:
    """Compare, of one source, what came beyond what was expected with what became of it.

    Left: every statement's difference, and the changes that the ledger holds.  Right: the amounts of all boxes; of
    the unchanged only what differs all the same.  The held version of a statement beside what it comes to counts twice
    on both sides.  The other unchanged ones say what is expected.
    """
    source = came["source"].iloc[0]
    earlier = came["content"].str.contains(":", regex=False).astype(bool)
    stated = _beside(came[~earlier], *(of(source, known) for known in (positions, receipts)))
    reread = stated[(stated["known"] != "") & (stated["there"] | (stated["amount_cents"] == 0))]
    left = Tally(len(stated), int((stated["said"] - stated["expected"]).sum()))
    changed = total(tally(frame) for box, frame in boxes if box != "unchanged")
    still = [frame.assign(now=_now(frame)) for box, frame in boxes if box == "unchanged"]
    odd = [_set_beside(some, stated) for frame in still if len(some := frame[frame["code"].isin(UNEXPECTED)])]
    differs = sum(int((frame["now"] - frame["expected"]).sum()) for frame in odd)
    left += tally(came[earlier]) + tally(reread)
    right = changed + Tally(sum(len(frame) for frame in still), differs)
    yield Line(stage, f"{source}: said - expected = changed", left, right)
    plain = [frame.loc[~frame["code"].isin(UNEXPECTED), [KEY, "now"]] for frame in still]
    told = sum(int(frame["now"].sum()) for frame in plain)
    due = sum(int(stated.loc[_among(stated[KEY], frame[KEY]), "expected"].sum()) for frame in plain)
    yield Line(stage, f"{source}: unchanged = expected", Tally(0, due), Tally(0, told))


def _now(unchanged: pd.DataFrame) -> pd.Series[int]:
    """What unchanged statements say now: what is open, or the original amount where they list new fees only."""
    return unchanged["original_cents"].where(unchanged["lists"] == "new_since", unchanged["amount_cents"])


def _among(ids: pd.Series[str], others: pd.Series[str]) -> npt.NDArray[np.bool_]:
    """Whether each id is one of the others; pandas takes twenty times as long to say so of many."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.is_in(pa.array(ids), value_set=pa.array(others))
    return np.asarray(found, dtype=bool)


def _set_beside(odd: pd.DataFrame, stated: pd.DataFrame) -> pd.DataFrame:
    """What was expected of the few unchanged statements that say something else."""
    both = odd[[KEY, "now"]].merge(stated[[KEY, "expected"]].drop_duplicates(KEY), on=KEY, how="left")
    return both.assign(expected=both["expected"].astype(WHOLE).fillna(0).astype("int64"))


def _beside(stated: pd.DataFrame, positions: pd.DataFrame, receipts: pd.DataFrame) -> pd.DataFrame:
    """Set every statement beside its position: what it says, what is expected, how much the fee grew."""
    names = ["billed_cents", "original_cents", "lowered_on"]
    columns = [KEY, "known", "lists", "as_of", "amount_cents", "original_cents"]
    known = positions[[KEY, *names]].astype(dict.fromkeys(names[:2], WHOLE))
    both = stated[columns].merge(known, on=KEY, how="left", suffixes=("", "_before"), indicator="_where")
    there, new = both["_where"] == "both", both["lists"] == "new_since"
    said = both["original_cents"].where(new, both["amount_cents"])
    before = both["original_cents_before"].fillna(0).astype("int64")
    grown = (both["original_cents"] - before).clip(lower=0).where(there & ~new, 0)
    left = both["billed_cents"].fillna(0).astype("int64").where(~new, before)
    lowered = both["lowered_on"].fillna("")
    late = there & ~new & (lowered != "") & (both["as_of"] <= lowered)
    both = both.assign(there=there, said=said, grown=grown, late=late, billed=left.astype("int64"))
    both = _paid(both, receipts)
    over = both["said"] - both["expected"]
    only_growth = there & ~new & (grown > 0) & (over > grown) & ~both["late"]
    both["expected"] = both["expected"].where(~only_growth, both["said"] - grown).astype("int64")
    return both


def _paid(both: pd.DataFrame, receipts: pd.DataFrame) -> pd.DataFrame:
    """Set what we paid beside the statements: what each surely knows of, and whether we paid anything at all."""
    ours = both.reset_index(names="at")[[KEY, "at", "as_of"]].merge(receipts, on=KEY)
    ours = ours.sort_values(["at", "day", "cents"], kind="stable")
    open_now = (both["lists"] != "new_since").to_numpy(dtype=bool)
    due = (both["billed"] + both["grown"]).to_numpy(dtype="int64", copy=True)
    later: dict[int, tuple[list[int], list[int]]] = {}
    columns = (ours[name].tolist() for name in ("at", "cents", "day", "as_of", "sure"))
    for at, cents, day, as_of, sure in zip(*columns, strict=True):
        if sure and day < as_of:
            due[at] -= cents if open_now[at] else 0
        elif open_now[at]:
            later.setdefault(at, ([], []))[not sure].append(cents)
    due[open_now & (due < 0)] = 0
    wanted = both["said"].to_numpy(dtype="int64")
    for at, (sure_ones, doubtful) in later.items():
        enough = [cents for cents in _may_show(int(due[at]), sure_ones, doubtful) if cents >= wanted[at]]
        due[at] = min(enough, default=due[at])
    return both.assign(expected=due - both["grown"])


def _may_show(most: int, later: Sequence[int], doubtful: Sequence[int]) -> Iterator[int]:
    """Every sum that a report may show: some of the later payments, from the first on, and any of the doubtful ones."""
    for number in range(len(later) + 1):
        base = most - sum(later[:number])
        for choice in range(2 ** len(doubtful)):
            picked = sum(cents for place, cents in enumerate(doubtful) if choice >> place & 1)
            yield max(base - picked, 0)
