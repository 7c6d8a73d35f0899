"""Find rows of one table in another by source and fee id."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

KEY = ["source", "fee_id"]

ABSENT = "absent"
"""The content of a fee that a report of all open fees does not mention."""


FEW = 4
"""A table so many times larger than the rows is not indexed whole."""


def places(rows: pd.DataFrame, table: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Say for every row where its source and fee id stand in ``table``, or -1.

    There each stands at most once; raises ValueError if one does not, for then nobody could say which is meant.
    """
    import numpy as np

    found = np.full(len(rows), -1, dtype=np.intp)
    few = len(rows) * FEW < len(table)
    near = table["fee_id"].isin(rows["fee_id"]).to_numpy(dtype=bool) if few else np.ones(len(table), dtype=bool)
    for source in rows["source"].unique():
        there = np.flatnonzero(near & (table["source"] == source).to_numpy(dtype=bool))
        mine = np.flatnonzero(rows["source"] == source)
        if not len(there):
            continue
        at = _found(table["fee_id"].iloc[there], rows["fee_id"].iloc[mine])
        found[mine] = np.where(at < 0, -1, there[at])
    return found


def _found(table: pd.Series[str], wanted: pd.Series[str]) -> npt.NDArray[np.intp]:
    """Where each wanted id stands, or -1; pyarrow looks for them in a third of the time that an index takes."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    ids = pa.array(table)
    if pc.count_distinct(ids).as_py() != len(ids):
        message = "a fee id stands more than once in the table that it is looked up in"
        raise ValueError(message)
    at = pc.fill_null(pc.index_in(pa.array(wanted), value_set=ids), -1)
    found: npt.NDArray[np.intp] = at.to_numpy().astype(np.intp)
    return found


def taken(table: pd.DataFrame, name: str, place: npt.NDArray[np.intp], otherwise: int) -> npt.NDArray[np.int64]:
    """Take a column of whole numbers at these places; ``otherwise`` where the place is -1."""
    import numpy as np

    if not len(table):
        return np.full(len(place), otherwise, dtype=np.int64)
    return np.where(place < 0, otherwise, table[name].to_numpy(dtype=np.int64)[place])


def continuing(positions: pd.DataFrame, place: npt.NDArray[np.intp]) -> npt.NDArray[np.bool_]:
    """Whether these places are of fees that continue an older debt: no movement is theirs."""
    found: npt.NDArray[np.bool_] = taken(positions, "movement", place, 1) == 0
    return found


def words(table: pd.DataFrame, name: str, place: npt.NDArray[np.intp]) -> npt.NDArray[np.object_]:
    """Take a column of texts at these places; "" where the place is -1."""
    import numpy as np

    found = np.full(len(place), "", dtype=object)
    there = np.flatnonzero(place >= 0)
    found[there] = table[name].array.take(place[there]).to_numpy(dtype=object)
    return found


def of_the_same(table: pd.DataFrame, rows: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Give the part of ``table`` in which ``places`` finds the fees of these rows: it is small where they are few."""
    wanted = {fee_id for frame in rows for fee_id in frame["fee_id"].tolist()}
    return table[table["fee_id"].isin(wanted)].reset_index(drop=True)


def changes_a_debt(content: pd.Series[str]) -> npt.NDArray[np.bool_]:
    """Whether rows of reports are changes that an earlier night found, not statements."""
    import numpy as np

    found: npt.NDArray[np.bool_] = content.str.contains(":", regex=False).to_numpy(dtype=bool)
    return found if len(found) else np.zeros(0, dtype=bool)
