"""Look values up in a table of ours, a whole column at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import pandas as pd


def looked_up(keys: pd.Series[Any], table: Mapping[Any, str]) -> pd.Series[str]:
    """Give for every key the text that ``table`` has for it, "" where it has none; each distinct key is asked once."""
    found = {key: table.get(key, "") for key in keys.unique()}
    return keys.map(found).astype("str")
