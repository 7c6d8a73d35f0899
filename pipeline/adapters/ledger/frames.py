"""Answers of the database as frames of a declared noun."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline.tables import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pandas as pd
    import pyarrow as pa
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
    ledger.  Plain tuples come straight from the driver, and few at a time; their texts are put away at once by way of
    pyarrow, for pandas would look for nulls, and the schema allows none.  Together that takes a third of the time.
    """
    import pyarrow as pa

    asked = names or table.names
    texts: dict[str, list[pa.Array]] = {
        column.name: [] for column in table.columns if column.dtype == TEXT and column.name in asked
    }
    plain: dict[str, list[Any]] = {name: [] for name in asked if name not in texts}
    with store.reading() as connection:
        for query in queries:
            cursor = connection.execute(query).cursor
            while rows := cursor.fetchmany(ROWS_A_PART):
                for name, values in zip(asked, zip(*rows, strict=True), strict=True):
                    if name in texts:
                        texts[name].append(pa.array(values, pa.large_string()))
                    else:
                        plain[name].extend(values)
    return _frame(table, texts, plain)


def _frame(table: Table, texts: dict[str, list[pa.Array]], plain: dict[str, list[Any]]) -> pd.DataFrame:
    import pandas as pd
    import pyarrow as pa

    if not any(texts.values()) and not any(plain.values()):
        return table.empty()
    whole = {name: pa.chunked_array(parts, pa.large_string()).combine_chunks() for name, parts in texts.items()}
    if not plain:
        return table.frame({name: values.to_pylist() for name, values in whole.items()})
    return table.frame(plain).assign(**{name: pd.Series(values, dtype=TEXT) for name, values in whole.items()})
