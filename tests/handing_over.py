"""Payments on their way into Alma's import: a book in memory, a folder, and the Alma of the box behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any, cast

from pipeline.adapters.folder import FolderPlace
from pipeline.campus.load import Loaded, load
from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import Allocation, Posting, PostingState, Run
from pipeline.ports.outside import AlmaFee, AlmaTransaction, Refused
from pipeline.sandbox import import_job
from pipeline.sandbox.records import Switches, User
from pipeline.sandbox.world import World
from pipeline.stages.external import external_id
from pipeline.stages.hand_over import hand_over
from tests.fakes.clock import FakeClock
from tests.fakes.fate import FatedPlace, Fates
from tests.fakes.postings import FakeBook, a_charge, a_match, a_payment, a_share
from tests.samples import CAMPUS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.findings import Finding
    from pipeline.ports.ledger import Ledger
    from pipeline.sandbox.records import Fee

FIRST = date(2026, 3, 2)
IMPORTS = '[imports]\nconnection = "library"\nfolder = "import"\n'
PATRON = User("p1@box.example", (("02", "P1"),), "Ana", "Sample")


def campus(folder: Path, more: str = IMPORTS) -> Loaded:
    """The sample campus of the export way, whose payments Alma imports."""
    file = folder / "campus.toml"
    file.write_text(f'base = "{CAMPUS}"\npayments_to = "import_file"\n\n{more}', "utf-8")
    return load(file)


class Seen:
    """The box's Alma as AlmaFees, without its web address; nobody can pay through it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.calls: list[str] = []

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> Sequence[AlmaFee]:
        self.calls.append(f"list {status}")
        user = self.world.find_user(patron_id, patron_id_type)
        if user is None:
            text = "401861 no such patron"
            raise Refused(text, code="401861")
        return [shown(fee) for fee in self.world.fees_of(user, status)]

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        raise NotImplementedError

    def pay(self, order: Any) -> AlmaFee:
        raise NotImplementedError


def shown(fee: Fee) -> AlmaFee:
    """A fee of the box as the API's client gives it."""
    happened = tuple(
        AlmaTransaction(one.kind, one.cents, one.external_id, one.time, one.transaction_id) for one in fee.transactions
    )
    amounts = (fee.original_cents, fee.balance_cents)
    return AlmaFee(fee.fee_id, fee.bursar_id, fee.status, fee.kind, *amounts, "USD", happened)


class Book(FakeBook):
    """The books in memory, and the runs."""

    run_dates: list[date]

    def runs(self, most: int) -> Sequence[Run]:
        began = datetime(2026, 3, 2, tzinfo=UTC)
        found = [Run(number, day, 1, "night", began) for number, day in enumerate(self.run_dates, start=1)]
        return found[::-1][:most]


@dataclass
class Rig:
    """What outlives a run: the books, the folder that Alma imports from, and Alma."""

    folder: Path
    api: bool = True
    greedy: bool = False
    more: str = IMPORTS
    switches: Switches = field(default_factory=Switches)
    imported: dict[str, list[import_job.Imported]] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self.inbox = self.folder / "inbox"
        self.inbox.mkdir()
        self.loaded = campus(self.folder, self.more)
        self.clock = FakeClock(datetime.combine(FIRST, time(9), UTC))
        self.world = World(self.clock, self.switches)
        self.world.add_user(PATRON)
        self.book = Book()
        self.book.run_dates = []
        self.alma: Any = Seen(self.world)

    def owes(self, fee_id: str, cents: int = 1000) -> Fee:
        """A fee is exported, and charged at the bursar; Alma has it as transferred."""
        fee = self.world.exported(self.world.add_fee(PATRON, "OVERDUEFINE", cents, bursar_id=fee_id), "BURSAR")
        charge = a_charge(
            source="alma",
            fee_id=fee_id,
            reference=fee_id,
            charged_cents=cents,
            patron_id="P1",
            payments_to="import_file",
        )
        self.book.debts["alma", fee_id] = charge
        self.book.references[charge.system, fee_id] = charge
        return fee

    def pays(self, key: str, fee_id: str = "B1", cents: int = 1000) -> Posting:
        """The bursar says that so much was paid of a fee, and its plan is written."""
        payment = a_payment(key, cents, fee_ref=fee_id)
        self.book.enter([payment])
        at = self.clock.now()
        share = a_share(cents, 1, fee_id, "alma")
        matched = self.book.match_payment(payment, a_match(payment, share).shares, at)
        posting = Posting(
            external_id=external_id("export", key, 1),
            payment_key=key,
            patron_id="P1",
            patron_id_type="02",
            alma_fee_id=fee_id,
            cents=cents,
            method="ONLINE",
            comment="",
            state=PostingState.READY,
            way="import_file",
            source="alma",
            fee_id=fee_id,
        )
        self.book.allocate(matched, [Allocation(key, 1, "alma", fee_id, fee_id, cents)], [posting], 0, at)
        return posting

    def run(self, day: int, fates: Fates | None = None) -> Work:
        """Run the stage on a night; ``fates`` has its way with each call to the folder and each move of the ledger."""
        fates = fates or Fates()
        today = FIRST + timedelta(days=day - 1)
        self.clock = self.world.clock = FakeClock(datetime.combine(today, time(9), UTC) + self._later(today))
        self.book.run_dates.append(today)
        self.book.step = lambda what: fates.call(what, lambda: None)
        number = len(self.book.run_dates)
        run = Run(number, today, number, "night", self.clock.now())
        place = FatedPlace(Inbox(self), fates)
        outside = Outside(self.clock, lambda _connection, _folder: place, self.alma if self.api else None)
        folder = self.loaded.state / "runs" / f"{today}-{number:02d}"
        work = Work("PAYMENTS_IN", self.loaded, today, run, cast("Ledger", self.book), outside, folder)
        try:
            hand_over(work)
        finally:
            self.findings = work.findings
        return work

    def _later(self, today: date) -> timedelta:
        return timedelta(minutes=self.book.run_dates.count(today))

    def import_all(self) -> None:
        """Alma's own job runs, some hours later."""
        self.clock.sleep(3600)
        for name, done in import_job.collect(self.world, self.inbox).items():
            self.imported.setdefault(name, []).append(done)

    def paid(self, fee_id: str = "B1") -> int:
        """Cents that Alma has entered on a fee, as often as she did."""
        fee = next(one for one in self.world.fees.values() if one.bursar_id == fee_id)
        return sum(one.cents for one in fee.transactions if one.kind == import_job.KIND)

    def credits(self) -> int:
        """Cents that Alma made credits of."""
        return -sum(one.balance_cents for one in self.world.fees.values() if one.kind == "CREDIT")

    def states(self) -> dict[str, str]:
        """Where each payment stands."""
        return {one.payment_key: str(one.state) for one in self.book.by_id.values()}

    def files(self) -> list[str]:
        """What lies where Alma looks."""
        return sorted(path.name for path in self.inbox.iterdir() if not path.name.startswith("."))


class Inbox(FolderPlace):
    """The folder that Alma imports from; a greedy Alma takes a file as soon as it has its name."""

    def __init__(self, rig: Rig) -> None:
        super().__init__(rig.inbox)
        self.rig = rig

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        if self.rig.greedy:
            self.rig.import_all()
