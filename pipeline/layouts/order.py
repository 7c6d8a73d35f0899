"""Rows in the order of a file: by the texts and numbers of some columns, a hundred thousand rows in no time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd


def in_order(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Sort rows by these columns, texts by their code points; rows that are alike in them stay as they are."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    keys = {f"key {number}": pa.array(rows[name]) for number, name in enumerate(names)}
    table = pa.table({**keys, "place": np.arange(len(rows))})
    return rows.take(pc.sort_indices(table, [(key, "ascending") for key in table.column_names]).to_numpy())
