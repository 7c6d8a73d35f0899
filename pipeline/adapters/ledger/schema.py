"""The tables of the ledger; their unique keys are what keeps a debt from being charged, or a payment posted, twice.

One database serves many campuses, in training and for real: every key begins with the number of a ledger, and a ledger
belongs to one campus in one environment (text in every key would cost a fifth of the time and a third of the space).
Amounts are whole cents in 64 bits; moments are UTC in ISO 8601 text; every other text is never null.
"""

from __future__ import annotations

from pipeline.adapters.ledger.charge_tables import (
    FEES_THAT_CONTINUE,
    NOTHING,
    ONE_CHARGE_PER_REFERENCE,
    ONE_CREDIT_PER_WRITE_OFF,
    ONE_LIVE_LINE_PER_MOVEMENT,
    SENT_HERE,
    audit,
    batch_lines,
    batches,
    decisions,
    fees,
    figures,
    files,
    findings,
    ledgers,
    meta,
    movements,
    runs,
    uploads,
)
from pipeline.adapters.ledger.columns import FEE, FEE_VERSION, METADATA, MOVEMENT, SHARE
from pipeline.adapters.ledger.money_tables import (
    ONE_LIVE_IMPORT_LINE,
    ONE_LIVE_SHARE,
    allocations,
    import_lines,
    payments,
    postings,
    shares,
    tasks,
    words,
)

__all__ = [
    "FEE",
    "FEE_VERSION",
    "METADATA",
    "MOVEMENT",
    "NOTHING",
    "SENT_HERE",
    "SHARE",
    "VERSION",
    "allocations",
    "audit",
    "batch_lines",
    "batches",
    "decisions",
    "fees",
    "figures",
    "files",
    "findings",
    "guard_on_a_server",
    "import_lines",
    "ledgers",
    "meta",
    "movements",
    "payments",
    "postings",
    "runs",
    "shares",
    "tasks",
    "uploads",
    "words",
]

VERSION = 3
"""Rises with every change of a table.  A program never works on a ledger whose version it does not know."""

_FOR_SOME_ROWS = (
    FEES_THAT_CONTINUE,
    ONE_CHARGE_PER_REFERENCE,
    ONE_CREDIT_PER_WRITE_OFF,
    ONE_LIVE_IMPORT_LINE,
    ONE_LIVE_LINE_PER_MOVEMENT,
    ONE_LIVE_SHARE,
)


def guard_on_a_server() -> None:
    """Tell PostgreSQL too that these indexes hold for some rows only; not above, for it would load a tenth more."""
    for index in _FOR_SOME_ROWS:
        index.dialect_kwargs["postgresql_where"] = index.dialect_kwargs["sqlite_where"]
