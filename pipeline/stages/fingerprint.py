"""What makes two rows of one fee id the same debt."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

CONTENT = ("fee_type", "owner", "fee_time", "currency", "amount_text", "vat_text", "barcode")
"""Besides the patron.  Title, comment and name are not money, and are mostly not even read."""

EXPORT = "export"
"""Only a report says two amounts; whether it writes 3.0 or 3.00 makes no other debt."""

ROWS_AT_ONCE = 20_000
"""So that the words of a whole night are never in memory twice."""


def fingerprints(fees: pd.DataFrame) -> pd.Series[str]:
    """Give the SHA-256 of what each row of tables.READ_FEES says; user names count the same in any case."""
    import pandas as pd

    starts = range(0, len(fees), ROWS_AT_ONCE)
    parts = [pd.Series(_of(fees.iloc[start : start + ROWS_AT_ONCE]), dtype="str") for start in starts]
    found = pd.concat(parts, ignore_index=True) if parts else pd.Series([], dtype="str")
    return found.set_axis(fees.index)


def _of(fees: pd.DataFrame) -> list[str]:
    kinds, patrons = fees["patron_id_type"].tolist(), fees["patron_id"].tolist()
    patrons = [who.casefold() if kind == "userName" else who for kind, who in zip(kinds, patrons, strict=True)]
    columns = [kinds, patrons, *(fees[name].tolist() for name in CONTENT)]
    said = map("\x1f".join, zip(*columns, strict=True))
    amounts = zip(fees["lists"].tolist(), fees["original_cents"].tolist(), strict=True)
    more = ("" if lists == EXPORT else f"\x1f{original}" for lists, original in amounts)
    return [hashlib.sha256((text + end).encode()).hexdigest() for text, end in zip(said, more, strict=True)]
