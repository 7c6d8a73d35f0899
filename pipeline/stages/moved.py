"""Whether a fee is said to be another patron's than the one it was charged to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stages.beside import words

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd


def moved(rows: pd.DataFrame, positions: pd.DataFrame, place: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Say of every row whether its patron's id is another than that sent; user names count the same in any case."""
    import numpy as np

    now, sent = rows["patron_id"].to_numpy(dtype=object), words(positions, "patron_id", place)
    found = np.asarray((now != sent) & (place >= 0), dtype=bool)
    kinds = rows["patron_id_type"].tolist()
    for at in np.flatnonzero(found):
        found[at] = kinds[at] != "userName" or now[at].casefold() != sent[at].casefold()
    return found
