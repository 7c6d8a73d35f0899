"""Whether a fee is said to be another patron's than the one it was charged to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd


def moved(rows: pd.DataFrame, positions: pd.DataFrame, place: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Say of every row whether its patron's id is another than that sent; user names count the same in any case."""
    import numpy as np

    found, there = np.zeros(len(rows), dtype=bool), np.flatnonzero(place >= 0)
    now, sent = rows["patron_id"].array.take(there), positions["patron_id"].array.take(place[there])
    others = np.flatnonzero(now != sent)
    kinds = rows["patron_id_type"].array.take(there[others])
    found[there[others]] = [
        kind != "userName" or one.casefold() != other.casefold()
        for kind, one, other in zip(kinds, now[others], sent[others], strict=True)
    ]
    return found
