"""Opens the ledger of a campus and puts its books together."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.adapters.ledger.charges import Charges
from pipeline.adapters.ledger.continuing import Continuing
from pipeline.adapters.ledger.database import connect
from pipeline.adapters.ledger.decisions import Decisions
from pipeline.adapters.ledger.incoming import Incoming
from pipeline.adapters.ledger.payments import Payments
from pipeline.adapters.ledger.positions import Positions
from pipeline.adapters.ledger.postings import Postings
from pipeline.adapters.ledger.runs import Runs
from pipeline.adapters.ledger.story import Story
from pipeline.adapters.ledger.tasks import Tasks
from pipeline.adapters.ledger.uploads import Uploads

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self


class SqlLedger(Runs, Incoming, Charges, Positions, Continuing, Decisions, Uploads, Payments, Postings, Tasks, Story):
    """All books of one campus in one environment: ports.ledger.Ledger, kept in an SQL database."""

    def close(self) -> None:
        """Let go of the database."""
        self.store.engine.dispose()

    def __enter__(self) -> Self:
        """Use it in a ``with``, which closes it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def open_ledger(url: str, campus: str, environment: str) -> SqlLedger:
    """Open the ledger at ``url`` (``sqlite:///path``, ``sqlite://`` in memory, ``postgresql+psycopg://...``).

    Missing tables are made.  Raises LedgerError when it cannot be opened, is no ledger, or was made by a newer version
    of this program.
    """
    return SqlLedger(connect(url, campus, environment))
