"""A ledger in memory that also knows credits and fees entered anew, and lines of money that go back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from pipeline.campus.back import Unnamed
from pipeline.ports.ledger import Allocation, Payment, PaymentState, Posting, PostingState, TaskState
from pipeline.stages.match import match_all
from pipeline.stages.never_sent import NeverSent
from pipeline.stages.payable import in_alma
from pipeline.stages.plan import external_id
from pipeline.stages.take_back import back_all
from pipeline.stages.tasked import COLUMNS
from tests.fakes.alma import FakeAlma, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_payment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.ports.ledger import Charged
    from pipeline.ports.outside import AlmaFee
    from tests.fakes.alma import Read

TODAY = date(2026, 11, 25)
RULE = Unnamed()


@dataclass(frozen=True)
class HeldFall:
    """A credit or a fall that the ledger holds; ``cents`` below 0."""

    fee_id: str
    cents: int
    source: str = "export"
    patron_id: str = "P1"


class Book(FakeBook):
    """FakeBook with what the stage asks of the other books."""

    def __init__(self, charged: Iterable[Charged] = ()) -> None:
        super().__init__(charged)
        self.credited: dict[str, int] = {}
        self.held_falls: list[HeldFall] = []
        self.fees: dict[str, list[dict[str, str | int]]] = {}

    def credit(self, fee_id: str, cents: int) -> None:
        """Its source has lowered a fee, and the bursar was told."""
        self.credited[fee_id] = cents
        for key, one in self.debts.items():
            if key[1] == fee_id:
                self.debts[key] = replace(one, charged_cents=one.charged_cents - cents)
        for name, one in self.references.items():
            if one.fee_id == fee_id:
                self.references[name] = replace(one, charged_cents=one.charged_cents - cents)

    def continue_as(self, fee_id: str, new: str, cents: int, booked_on: str = "2026-11-26") -> None:
        """Staff enter a fee anew that continues a debt; the run of a business date books it."""
        for key, one in self.debts.items():
            if key[1] == fee_id:
                self.debts[key] = replace(one, continued_by=(*one.continued_by, new))
        self.fees[new] = [{"state": "continued", "amount_cents": cents, "booked_on": booked_on}]

    def charges_of(self, patrons: Sequence[str]) -> pd.DataFrame:
        import pandas as pd

        small = {one.lower() for one in patrons}
        mine = [one for one in self.debts.values() if one.patron_id.lower() in small]
        rows = [
            (one.source, one.fee_id, "charge", one.charged_cents + self.credited.get(one.fee_id, 0)) for one in mine
        ]
        return pd.DataFrame(rows, columns=["source", "fee_id", "kind", "amount_cents"])

    def pending_fees(self) -> pd.DataFrame:
        import pandas as pd

        rows = [(one.source, one.fee_id, one.patron_id, one.cents) for one in self.held_falls]
        frame = pd.DataFrame(rows, columns=["source", "fee_id", "patron_id", "amount_cents"])
        return frame.astype({"source": "str", "fee_id": "str", "patron_id": "str", "amount_cents": "int64"})

    def fee_record(self, fee_id: str) -> Sequence[Mapping[str, str | int]]:
        return self.fees.get(fee_id, [])


class Desk:
    """A ledger, and nights of matching and taking back."""

    def __init__(self, *charged: Charged, rule: Unnamed = RULE) -> None:
        self.book: Any = Book(charged or [a_charge()])
        self.rule = rule
        self.clock = FakeClock()
        self.alma: FakeAlma | None = self.an_alma()
        self.withheld: set[str] = set()
        self.earlier_until = ""

    def an_alma(self, *reads: Read) -> FakeAlma:
        """Make an Alma that has the fee of every debt, open and unpaid; F1 is that of B1."""
        fees = [(one.patron_id, _fee_of(one)) for one in self.book.debts.values()]
        return FakeAlma(self.clock, fees, Scripted(list(reads)))

    def receive(self, *payments: Payment) -> None:
        self.book.enter(payments)

    def match(self) -> list[str]:
        """Match, and give the codes of what is told."""
        return told(match_all(self.book, self.clock, lambda _system: self.rule))

    def back(self, today: date = TODAY) -> list[str]:
        """Take back, and give the codes of what is told."""
        never_sent = NeverSent(self.book, self.alma, self.clock, "campus", self.earlier_until)
        findings = back_all(self.book, self.clock, today, never_sent)
        self.withheld = never_sent.withheld
        return told(findings)

    def night(self) -> list[str]:
        return [*self.match(), *self.back()]

    def allocate(self, key: str, state: PostingState = PostingState.READY, **cents: int) -> list[Posting]:
        """Write the plan of a matched payment: each share in full, or so many cents of a fee's share."""
        payment = self.book.payments[key]
        plan = [
            Allocation(key, one.number, one.source, one.fee_id, one.fee_id, cents.get(one.fee_id, one.cents))
            for one in payment.shares
        ]
        postings = [self._posting(one) for one in plan]
        self.book.allocate(payment, plan, postings, payment.cents - sum(one.cents for one in plan), self.now)
        if state is not PostingState.READY:
            postings = [self.moved(one, state) for one in postings]
        return postings

    def moved(self, posting: Posting, state: PostingState) -> Posting:
        """What was sent is known to be there, or not; what is held was never sent."""
        if state in (PostingState.POSTED, PostingState.UNKNOWN):
            posting = self.book.move_posting(posting, PostingState.SENDING, self.now, attempts=1)
        there: Posting = self.book.move_posting(posting, state, self.now)
        return there

    def _posting(self, one: Allocation) -> Posting:
        charged = self.book.charge_of(one.source, one.fee_id)
        way = charged.payments_to
        return Posting(
            external_id=external_id("campus", one.payment_key, one.number),
            payment_key=one.payment_key,
            patron_id=charged.patron_id,
            patron_id_type=charged.patron_id_type,
            alma_fee_id=one.alma_fee_id,
            cents=one.cents,
            method="ONLINE",
            comment="",
            state=PostingState.RECORDED if way == "record" else PostingState.READY,
            way=way,
            source=one.source,
            fee_id=one.fee_id,
        )

    @property
    def now(self) -> datetime:
        return self.clock.now()

    def state(self, key: str) -> PaymentState:
        state: PaymentState = self.book.payments[key].state
        return state

    def code(self, key: str) -> str:
        return str(self.book.payments[key].code)

    def shares(self, key: str) -> list[tuple[str, int]]:
        return [(one.fee_id, one.cents) for one in self.book.payments[key].shares]

    def open(self, fee_id: str = "B1", source: str = "export") -> int:
        return int(self.book.charge_of(source, fee_id).open_cents)

    def tasks(self) -> list[tuple[str, str, int]]:
        return [(one.kind, one.fee_id, one.cents) for one in self.book.by_task.values()]


def _fee_of(charged: Charged) -> AlmaFee:
    status = {"import_file": "EXPORTED", "record": "CLOSED"}.get(charged.payments_to, "ACTIVE")
    name = f"F{charged.fee_id.removeprefix('B')}"
    return a_fee(name, bursar_id=in_alma(charged), original=charged.charged_cents, status=status)


def told(findings: Sequence[Finding]) -> list[str]:
    """Give the codes; each must stand in the catalogue."""
    return [finding.entry.code for finding in findings]


def a_back(key: str = "R1", cents: int = -1000, kind: str = "refund", **changes: object) -> Payment:
    """Make a refund of 10.00 of fee B1 under a receipt of its own, of a later day."""
    plain: dict[str, object] = {"kind": kind, "occurred_on": "2026-11-24"}
    return a_payment(key, cents, **(plain | changes))


def unnamed(key: str, cents: int, **changes: object) -> Payment:
    """Make a payment that names nobody but its patron."""
    return a_payment(key, cents, **({"fee_ref": ""} | changes))


def debt(fee_id: str, cents: int, due_on: str = "2026-12-02", **changes: str | int) -> Charged:
    """Make the charge of a fee of its own reference."""
    return a_charge(fee_id=fee_id, reference=fee_id, charged_cents=cents, due_on=due_on, **changes)


def open_tasks(*rows: tuple[str, str, str, str, int], state: TaskState = TaskState.OPEN) -> pd.DataFrame:
    """Make the tasks that recognise asks for: source, fee id, reference, patron and cents; open if not said."""
    import pandas as pd

    kinds = {name: "int64" if name == "cents" else "str" for name in COLUMNS}
    values = zip(*((*row, state) for row in rows), strict=True) if rows else ([] for _ in COLUMNS)
    return pd.DataFrame(
        {name: pd.Series(list(one), dtype=kinds[name]) for name, one in zip(COLUMNS, values, strict=True)}
    )
