"""Where a seed's ledger is kept and its charges are entered: quickly in memory, or by whole nights in a real one."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Charged, InFile
from pipeline.stages.shelf import shelf
from tests.nights import export
from tests.soak.book import SoakBook
from tests.soak.files import on

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.campus.load import Loaded
    from tests.fakes.clock import FakeClock
    from tests.fakes.place import Drive
    from tests.soak.money import Debt


class Quick:
    """Payments come in over a ledger in memory; charges are entered directly."""

    tables: Sequence[str] = ("PAYMENTS_IN",)

    def __init__(self, loaded: Loaded, clock: FakeClock, step: Callable[[str], None]) -> None:
        self.loaded, self.clock = loaded, clock
        self.book = SoakBook(step)
        self.drives: Mapping[str, Drive] = {}

    def seen(self) -> SoakBook:
        """Give the ledger for the referee to look at."""
        return self.book

    def charge(self, debts: Sequence[Debt], night: int) -> None:
        """Enter charges, and archive the export that named the fees which Alma imports payments of."""
        for debt in debts:
            self.book.charge(_charged(debt))
        named = [one for one in debts if one.way == "import_file"]
        if not named:
            return
        rows = [{"fee_id": one.fee_id, "patron_id": one.patron, "amount_text": dollars(one.cents)} for one in named]
        content = export(*rows, number=str(night)).encode()
        sha = hashlib.sha256(content).hexdigest()
        file = InFile(sha, f"export_{night}.xml", "charges", "alma", len(content), self.clock.now(), "booked")
        path = shelf(self.loaded.state / "archive", file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        self.book.exports |= {one.fee_id: file for one in named}

    def lose(self) -> None:
        """The ledger is gone; the charges are entered again at once."""
        self.book.lose()

    def close(self) -> None:
        """Nothing to let go of."""


def _charged(debt: Debt) -> Charged:
    sent = on(debt.night - 1)
    return Charged(
        source="alma",
        fee_id=debt.fee_id,
        system=debt.system,
        reference=debt.fee_id,
        patron_id=debt.patron,
        patron_id_type="02",
        charged_cents=debt.cents,
        paid_cents=0,
        payments_to=debt.way,
        currency="USD",
        bursar_id=debt.patron,
        sent_on=sent.isoformat(),
        due_on=(sent + timedelta(days=30)).isoformat(),
        fee_type="OVERDUEFINE",
    )
