"""Whatever a fortnight brings, a snapshot system is owed what is owed, and every debt is sent by one line alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.ports.ledger import UploadState
from tests.contract.ledger_kit import begun, booking, fee, in_file, later, payment, snapshot

if TYPE_CHECKING:
    from pipeline.ports.ledger import Run

ON_THE_WAY = (UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING, UploadState.SENT)


@dataclass(frozen=True)
class Night:
    """New fees and payments of the oldest debts, in cents; how far the oldest waiting file gets, 4 being sent."""

    new: list[int]
    paid: list[int]
    steps: int


NIGHTS = st.lists(
    st.builds(
        Night,
        st.lists(st.integers(1, 5000), max_size=3),
        st.lists(st.integers(1, 3000), max_size=2),
        st.integers(0, len(ON_THE_WAY)),
    ),
    min_size=1,
    max_size=6,
)


@dataclass
class Campus:
    """The same fortnight in plain dicts, beside the ledger."""

    ledger: SqlLedger
    run: Run
    owed: dict[str, int] = field(default_factory=dict)
    rows: dict[int, dict[str, int]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)

    def live(self, number: int, night: Night) -> None:
        self.pay(number, night.paid)
        self.charge(number, night.new)
        self.send(night.steps)

    def pay(self, number: int, amounts: list[int]) -> None:
        names = sorted(name for name, cents in self.owed.items() if cents > 0)
        sha = f"{number:064x}"
        self.ledger.archived(replace(in_file(sha, f"paid{number}.csv", "payments"), archived_at=later(number)))
        money = [payment(f"K{number}-{name}", cents, file_sha=sha) for name, cents in zip(names, amounts, strict=False)]
        self.ledger.enter_payments(self.run, sha, money, [], later(number))
        for one in money:
            name = one.key.partition("-")[2]
            self.ledger.match_payment(one, name, later(number))
            self.owed[name] -= one.cents

    def charge(self, number: int, amounts: list[int]) -> None:
        new = [fee(f"F{number:02d}{nth}", cents) for nth, cents in enumerate(amounts)]
        self.owed |= {str(one["fee_id"]): int(str(one["amount_cents"])) for one in new}
        old = [fee(name, cents) for name, cents in self.open_items().items()]
        if new or old:
            self.ledger.book(self.run, snapshot(new, old, number), later(number))
            self.rows[number] = {name: cents for name, cents in self.owed.items() if cents > 0}

    def send(self, steps: int) -> None:
        for upload in self.ledger.uploads()[:1]:
            start = ON_THE_WAY.index(upload.state) + 1 if upload.state in ON_THE_WAY else 0
            now = upload
            for state in ON_THE_WAY[start:steps]:
                now = self.ledger.move_upload(now, state, "", later(99))
            if now.state is UploadState.SENT:
                self.last = self.rows[now.batch.sequence]

    def open_items(self) -> dict[str, int]:
        items = self.ledger.open_items("peoplesoft")
        return dict(zip(items["fee_id"].tolist(), items["amount_cents"].tolist(), strict=True))


@given(NIGHTS)
@settings(max_examples=15)
def test_what_is_outstanding_is_what_plain_arithmetic_says(nights: list[Night]) -> None:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        campus = Campus(ledger, begun(ledger))
        for number, night in enumerate(nights, 1):
            campus.live(number, night)
            owed = {name: cents for name, cents in campus.owed.items() if cents > 0}
            assert campus.open_items() == owed
            assert ledger.open_items("peoplesoft")["has_line"].all()
            last = ledger.last_snapshot("peoplesoft")
            assert dict(zip(last["fee_id"].tolist(), last["amount_cents"].tolist(), strict=True)) == campus.last
            assert [what for what, left, right in ledger.sums() if left != right] == []
        assert list(ledger.verify_audit()) == []


@given(st.permutations([("F2", 1), ("F1", 2), ("F1", 1), ("F3", 1)]))
@settings(max_examples=10)
def test_the_order_in_which_fees_are_booked_makes_no_difference(order: list[tuple[str, int]]) -> None:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        rows = [fee(name, 100 * version, "held", version=version) for name, version in order]
        ledger.book(begun(ledger), booking(rows), later(0))
        pending = ledger.pending_fees()
        keys = list(zip(pending["fee_id"].tolist(), pending["version"].tolist(), strict=True))
        assert keys == [("F1", 1), ("F1", 2), ("F2", 1), ("F3", 1)]
