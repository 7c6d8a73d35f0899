"""What befalls a fee that continues an older debt: the bursar has that debt alone, so a person must look."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages import beside

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.rules import Sorting


def hold(changes: Sorting, positions: pd.DataFrame) -> None:
    """Keep back every change (tables.CHANGES) of such a fee, with what it continues and by how much it differs.

    What our own payments explain is no change, and neither is what came off the older debt as well.
    """
    import pandas as pd

    rows = changes.frame
    place = beside.places(rows, positions)
    continues = pd.Series(beside.continuing(positions, place), index=rows.index, dtype="bool")
    if not continues.any():
        return
    debts = beside.taken(positions, "billed_cents", place, 0).tolist()
    said = zip(rows["fee_id"].tolist(), debts, rows["amount_cents"].tolist(), strict=True)
    rows["why"] = pd.Series([_in_words(*one) for one in said], index=rows.index, dtype="str")
    fallen = rows["amount_cents"] < 0
    changes.hold(continues & fallen, "CONTINUED-FALLEN", "{why}")
    changes.hold(continues & ~fallen, "CONTINUED-GROWN", "{why}")


def _in_words(fee_id: str, debt: int, change: int) -> str:
    how = "less" if change < 0 else "more"
    return (
        f"fee {fee_id} continues an older debt of {dollars(debt)}: {dollars(abs(change))} {how} is open in Alma than "
        f"that and our own payments explain, as if the debt were {dollars(debt + change)}"
    )
