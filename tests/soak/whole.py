"""Whole nights of a seed: charges go out too, and the ledger is the real one, in a file."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from pipeline import files
from pipeline.adapters.ledger import SqlLedger, open_ledger, schema
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentState, Posting
from tests.fakes.place import Drive
from tests.nights import export
from tests.soak.campus import NAME, RECEIPTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from pipeline.campus.load import Loaded
    from pipeline.ports.ledger import Charged, InFile, Payment, Task
    from tests.fakes.clock import FakeClock
    from tests.soak.money import Debt

FEE_TYPES = {RECEIPTS: "LOSTITEMREPLACEMENTFEE"}
"""By which the routes of the whole campus tell the systems; any other fee goes to the one with reports."""

FILE_STATES = ("archived", "booked", "refused")


class Stepping:
    """The real ledger, with every verb in the hands of fate."""

    def __init__(self, step: Callable[[str], None]) -> None:
        self.true: SqlLedger | None = None
        self._step = step

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self.true, name)

        def call(*given: Any, **named: Any) -> Any:
            label = f"{name} {' '.join(str(one) for one in given if isinstance(one, str))}"
            self._step(f"before {label}")
            answer = verb(*given, **named)
            self._step(f"after {label}")
            return answer

        return call


class Seen:
    """What the referee looks at: the real ledger's records, as the ledger in memory keeps them."""

    def __init__(self, ledger: SqlLedger, debts: Sequence[Debt]) -> None:
        self._ledger = ledger
        self.payments: Mapping[str, Payment] = {one.key: one for one in ledger.payments_in(*PaymentState)}
        every = (posting for key in self.payments for posting in ledger.postings_of(key))
        self.by_id: Mapping[str, Posting] = {one.external_id: one for one in every}
        self.by_task: Mapping[str, Task] = {one.task_id: one for one in ledger.tasks()}
        arrived = (one for state in FILE_STATES for one in ledger.files_in("payments", state))
        self.arrivals: Mapping[str, InFile] = {one.sha: one for one in arrived}
        known = [("alma", one.fee_id) for one in debts]
        self.debts: Collection[tuple[str, str]] = [debt for debt in known if ledger.charge_of(*debt) is not None]
        table = schema.payments
        with ledger.store.reading() as connection:
            rows = connection.execute(select(table.c.key, table.c.suspense_cents).where(ledger.store.mine(table))).all()
        self.suspense: Mapping[str, int] = {row.key: row.suspense_cents for row in rows}

    def posting(self, external_id: str) -> Posting | None:
        return self._ledger.posting(external_id)

    def charge_of(self, source: str, fee_id: str) -> Charged | None:
        return self._ledger.charge_of(source, fee_id)


class Whole:
    """Charges come as exports and go out by the night's own steps; the ledger lies in a file."""

    tables: Sequence[str] = ("BEGIN", "PAYMENTS_IN", "CHARGES_OUT", "BEGIN")

    def __init__(self, loaded: Loaded, clock: FakeClock, step: Callable[[str], None]) -> None:
        self.loaded, self.clock = loaded, clock
        self.debts: list[Debt] = []
        self.drives: Mapping[str, Drive] = {name: Drive() for name in (".", "peoplesoft/in", "cashnet/in")}
        self.book: Any = Stepping(step)
        self._open()

    def _open(self) -> None:
        path = files.private_folder(self.loaded.state) / "ledger.sqlite"
        self.book.true = open_ledger(f"sqlite:///{path}", NAME, "train")
        if not self.book.true.is_open():
            self.book.true.open_empty("soak", self.clock.now())

    def seen(self) -> Seen:
        """Give the ledger for the referee to look at."""
        return Seen(self.book.true, self.debts)

    def charge(self, debts: Sequence[Debt], night: int) -> None:
        """Alma exports these fees."""
        if not debts:
            return
        self.debts += debts
        rows = [
            {
                "fee_id": one.fee_id,
                "patron_id": one.patron,
                "amount_text": dollars(one.cents),
                "fee_type": FEE_TYPES.get(one.system, "OVERDUEFINE"),
            }
            for one in debts
        ]
        self.drives["."].put(f"export_{night}.xml", export(*rows, number=str(night)).encode())

    def lose(self) -> None:
        """The ledger is gone; a new one is opened, and the exports still lie there."""
        self.close()
        shutil.rmtree(self.loaded.state)
        self._open()

    def close(self) -> None:
        """Let go of the file."""
        self.book.true.close()
