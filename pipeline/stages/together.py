"""Tables of one shape made into one; a table without rows only says which columns there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pandas as pd


def together(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """Give all their rows, in this order, numbered anew; at least one table must be given, be it an empty one."""
    import pandas as pd

    given = list(frames)
    said = [frame for frame in given if len(frame)] or given[:1]
    return pd.concat(said, ignore_index=True) if len(said) > 1 else said[0].reset_index(drop=True)
