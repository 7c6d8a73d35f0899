"""From what is said to what has changed: every fee of a report beside what was billed, and paid, so far."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.findings import Finding, Outcome
from pipeline.stages import differ, settle
from pipeline.stages.beside import ABSENT, changes_a_debt, of_the_same
from pipeline.stages.expected import expected
from pipeline.stages.moved import moved

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import date

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from pipeline.campus.load import Loaded

FEW = 5
"""So many fees a note names."""

TOLD = ("source", "fee_id", "version", "content", "known", "patron_id_type", "patron_id", "lists", "as_of")
MONEY = ("currency", "amount_cents", "original_cents")
"""What is kept of statements that are no news, beside code and why: all of them stand in the table of normalise."""


def compare(  # noqa: PLR0913 - a stage is given each ledger table by name
    fees: pd.DataFrame,
    campus: Loaded,  # noqa: ARG001 - every stage has this form
    today: date,  # noqa: ARG001
    *,
    positions: pd.DataFrame,
    receipts: pd.DataFrame,
    history: pd.DataFrame,
    decisions: pd.DataFrame,
) -> Outcome:
    """Give what has changed (tables.CHANGES), in signed cents; box what has not.

    ``positions`` and ``receipts`` are what the ledger has billed and Alma was paid by us, of every source of reports;
    ``history`` the versions known of tonight's fees, ``decisions`` what people said of held ones.  Rows of exports
    pass as they are.  A fee whose original amount grew and of which something was taken off makes two rows; one that
    the ledger held unread, of a debt that was charged, makes two as well: the held version, ``withdrawn``, and what
    it comes to.
    """
    reported = (fees["lists"] != "export").to_numpy(dtype=bool)
    if not reported.any():
        return Outcome(tables.checked(_exported(fees), tables.CHANGES, "compare"))
    rows = _where(fees, reported)
    earlier = (rows["known"] != "").to_numpy(dtype=bool, copy=True)  # only the ledger gives such
    earlier[earlier] = changes_a_debt(rows.loc[earlier, "content"])
    stated, unread = differ.read_at_last(_where(rows, ~earlier), positions)
    beside = expected(stated, positions, receipts)
    found = differ.differences(stated, beside, positions)
    held = _where(rows, earlier)
    known = settle.Known(of_the_same(positions, (found.changed, held)), history, decisions)
    news = settle.settle(found.changed, held, known, stated)
    passed = _together([_exported(fees[~reported]), news.passed])
    boxes = _boxes([*news.boxes, *settle.open_again(found.unchanged, history), ("withdrawn", unread)])
    if "unchanged" in boxes:
        boxes["unchanged"] = boxes["unchanged"][[*TOLD, *MONEY, "code", "why"]]
    notes = tuple(_moved(found, positions))
    return Outcome(tables.checked(passed, tables.CHANGES, "compare"), boxes, notes)


def _where(rows: pd.DataFrame, hit: npt.NDArray[np.bool_]) -> pd.DataFrame:
    """The rows that are hit, named from 0; a night whose rows are all hit is not copied."""
    return (rows if hit.all() else rows[hit]).reset_index(drop=True)


def _exported(fees: pd.DataFrame) -> pd.DataFrame:
    """An export says each fee once, so every row of it is news; less than nothing is a credit."""
    import numpy as np
    import pandas as pd

    credit = (fees["fee_type"] == "CREDIT") | (fees["amount_cents"] < 0)
    blank = pd.Series("", index=fees.index, dtype="str")
    change = pd.Series(np.where(credit, "credit", "new"), index=fees.index, dtype="str")
    return fees.assign(change=change, movement=1, system=blank, asked=blank)


def _together(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    filled = [frame for frame in frames if len(frame)] or list(frames[:1])
    return pd.concat(filled, ignore_index=True) if len(filled) > 1 else filled[0].reset_index(drop=True)


def _boxes(parts: Sequence[tuple[str, pd.DataFrame]]) -> dict[str, pd.DataFrame]:
    boxes: dict[str, list[pd.DataFrame]] = {}
    for box, frame in parts:
        if len(frame):
            boxes.setdefault(box, []).append(frame)
    return {box: _together(frames) for box, frames in boxes.items()}


def _moved(found: differ.Found, positions: pd.DataFrame) -> Iterator[Finding]:
    """Tell of debts whose patron has another id by now; they stay where they are."""
    said = (found.unchanged["content"] != ABSENT).to_numpy(dtype=bool)
    others = found.unchanged[said & moved(found.unchanged, positions, found.place)]
    for source, rows in others.groupby("source", sort=True):
        few = ", ".join(sorted(rows["fee_id"].tolist())[:FEW])
        text = f"{source}: {len(rows)} fees are another patron's by now than when they were charged, such as {few}"
        yield Finding("PATRON-MOVED", str(source), text, "compare")
