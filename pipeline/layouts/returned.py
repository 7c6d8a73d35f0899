"""A file as it was read: its rows in our own nouns, and what it adds up to."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.money import Tally


PAYMENT_TEXTS = (
    "payment_ref",
    "payment_line",
    "fee_ref",
    "fees",
    "patron_id",
    "occurred_on",
    "kind",
    "status",
    "method",
    "item_code",
    "origin_ref",
)
"""The text columns of a line of money; those that a layout does not give are blank."""


@dataclass(frozen=True)
class Returned:
    """What a file says.

    ``rows`` has ``line`` (counted from 1), the columns that the layout gives, ``kind``, ``amount_cents`` and
    ``unreadable``: why a row cannot be used, "" for a good one.  Money that comes in is positive, money going back
    negative; an amount that cannot be understood counts 0.  ``control`` is what the file itself says that it holds,
    None if it does not say.  ``ignored`` is what the layout does not know: headings, sheets, codes that no rule names.
    ``period`` are the first and the last day that it covers, as YYYY-MM-DD; None where nothing tells.  ``undoing`` are
    the lines of money that is there again after it had gone back.

    A line of money that names several fees has a blank ``fee_ref``, and ``fees`` is JSON: ``[["ref", cents], ...]``,
    cents with the sign of the line, and no more than the line in all.
    """

    rows: pd.DataFrame
    control: Tally | None
    ignored: tuple[str, ...] = ()
    period: tuple[str, str] | None = None
    undoing: frozenset[int] = frozenset()

    @property
    def totals(self) -> dict[str, Any]:
        """Count and cents of all rows, and by kind (``unknown`` where nothing tells); what the file itself states."""
        by_kind = {
            str(kind) or "unknown": {"count": len(part), "cents": sum(part["amount_cents"].tolist())}
            for kind, part in self.rows.groupby("kind", sort=True)
        }
        return {
            "count": len(self.rows),
            "cents": sum(self.rows["amount_cents"].tolist()),
            "by_kind": by_kind,
            "control": {"count": self.control.count, "cents": self.control.cents} if self.control else None,
            "unreadable": int((self.rows["unreadable"] != "").sum()),
        }


def to_json(returned: Returned) -> dict[str, Any]:
    """Give rows and totals as plain values: what ``bursar read --json`` prints."""
    return {"rows": [_plain(row) for row in returned.rows.to_dict("records")], "totals": returned.totals}


def _plain(row: dict[Any, Any]) -> dict[str, Any]:
    """A line that names several fees names no single one."""
    if "fees" not in row:
        return row
    several = json.loads(row["fees"]) if row["fees"] else []
    return {**row, "fee_ref": None if several else row["fee_ref"], "fees": several}
