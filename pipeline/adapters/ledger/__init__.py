"""The ledger in a database: what was read, charged, sent, received and posted, and who said so."""

from __future__ import annotations

from pipeline.adapters.ledger.ledger import SqlLedger, open_ledger

__all__ = ["SqlLedger", "open_ledger"]
