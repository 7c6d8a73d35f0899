"""Answers of the database as frames of a declared noun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tables import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    from sqlalchemy import Select

    from pipeline.adapters.ledger.store import Store
    from pipeline.tables import Table

ROWS_A_PART = 250
"""So many rows are asked of the driver at once: they are gone before Python would look through all that it holds."""


def frame(
    store: Store, table: Table, queries: Iterable[Select[Any]], names: Sequence[str] | None = None
) -> pd.DataFrame:
    """Ask one question after the other; their rows, which have the columns of ``table`` in its order, become one frame.

    Where the rows have the columns ``names`` only, the others are blank.  All questions see the same state of the
    ledger.  Plain tuples come straight from the driver, and few at a time: together that takes half the time.
    """
    columns: dict[str, list[Any]] = {name: [] for name in names or table.names}
    with store.reading() as connection:
        for query in queries:
            cursor = connection.execute(query).cursor
            while rows := cursor.fetchmany(ROWS_A_PART):
                for values, more in zip(columns.values(), zip(*rows, strict=True), strict=True):
                    values.extend(more)
    return _frame(table, columns)


def _frame(table: Table, columns: dict[str, list[Any]]) -> pd.DataFrame:
    """Make texts by way of pyarrow: pandas would look for nulls, and the schema allows none."""
    import pandas as pd
    import pyarrow as pa

    texts = [column.name for column in table.columns if column.dtype == TEXT and column.name in columns]
    plain = {name: values for name, values in columns.items() if name not in texts}
    if not plain:
        return table.frame(columns)
    typed = {name: pd.Series(pa.array(columns[name], pa.large_string()), dtype=TEXT) for name in texts}
    return table.frame(plain).assign(**typed)
