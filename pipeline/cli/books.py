"""Where the command line takes the clock and the ledger from; light, for commands that only tell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import files
from pipeline.adapters.clock import SystemClock

if TYPE_CHECKING:
    from pipeline.adapters.ledger import SqlLedger
    from pipeline.campus.identity import Identity
    from pipeline.ports.outside import Clock


def clock() -> Clock:
    """Give the real clock."""
    return SystemClock()


def ledger_of(campus: Identity) -> SqlLedger:
    """Open a campus's ledger, in its state folder."""
    from pipeline.adapters.ledger import open_ledger

    path = files.private_folder(campus.state) / "ledger.sqlite"
    return open_ledger(f"sqlite:///{path}", campus.name, campus.environment)
