"""Whatever a fortnight brings, a snapshot system is owed what is owed, and every debt is sent by one line alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.ports.ledger import UploadState
from pipeline.tables import FOLDED, tally
from tests.contract.ledger_kit import begun, booking, fee, in_file, later, lowering, payment, share, snapshot
from tests.depth import deep

if TYPE_CHECKING:
    from pipeline.ports.ledger import Run

ON_THE_WAY = (UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING, UploadState.SENT)


@dataclass(frozen=True)
class Night:
    """New fees, payments of the oldest debts and what they change by, in cents; how far the oldest file gets, of 4."""

    new: list[int]
    paid: list[int]
    changed: list[int]
    steps: int


NIGHTS = st.lists(
    st.builds(
        Night,
        st.lists(st.integers(1, 5000), max_size=3),
        st.lists(st.integers(1, 3000), max_size=2),
        st.lists(st.integers(-3000, 3000).filter(bool), max_size=2),
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
    billed: dict[str, list[int]] = field(default_factory=dict)
    rows: dict[int, dict[str, int]] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)

    def live(self, number: int, night: Night) -> None:
        self.pay(number, night.paid)
        self.charge(number, night.new, self.change(night.changed))
        self.send(night.steps)

    def pay(self, number: int, amounts: list[int]) -> None:
        names = sorted(name for name, cents in self.owed.items() if cents > 0)
        sha = f"{number:064x}"
        self.ledger.archived(replace(in_file(sha, f"paid{number}.csv", "payments"), archived_at=later(number)))
        money = [payment(f"K{number}-{name}", cents, file_sha=sha) for name, cents in zip(names, amounts, strict=False)]
        self.ledger.enter_payments(self.run, sha, money, [], later(number))
        for one in money:
            name = one.key.partition("-")[2]
            self.ledger.match_payment(one, [share(one.cents, 1, name)], later(number))
            self.owed[name] -= one.cents

    def change(self, amounts: list[int]) -> list[dict[str, object]]:
        """Raise or lower the oldest debts, by no more than was billed; what stands in no file of its own."""
        lines = []
        for name, wanted in zip(sorted(self.billed), amounts, strict=False):
            cents = max(wanted, -sum(self.billed[name]))
            if cents:
                self.billed[name].append(cents)
                self.owed[name] += cents
                nth = len(self.billed[name])
                more = fee(name, cents, version=nth)
                kind = "charge" if cents > 0 else "credit"
                lines.append(lowering(more, FOLDED, movement=nth, kind=kind))
        return lines

    def charge(self, number: int, amounts: list[int], folded: list[dict[str, object]]) -> None:
        old = [fee(name, cents) for name, cents in sorted(self.owed.items()) if cents > 0]
        new = [fee(f"F{number:02d}{nth}", cents) for nth, cents in enumerate(amounts)]
        self.owed |= {str(one["fee_id"]): int(str(one["amount_cents"])) for one in new}
        self.billed |= {str(one["fee_id"]): [int(str(one["amount_cents"]))] for one in new}
        if new or old or folded:
            night = snapshot(new, old, number)
            changes = [fee(str(row["fee_id"]), int(str(row["amount_cents"])), version=row["version"]) for row in folded]
            both = booking([*new, *changes], folded)
            movements = pd.concat([night.movements, both.movements], ignore_index=True)
            self.ledger.book(self.run, replace(night, fees=both.fees, movements=movements), later(number))
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
@settings(max_examples=deep(10))
def test_what_is_outstanding_is_what_plain_arithmetic_says(nights: list[Night]) -> None:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        campus = Campus(ledger, begun(ledger))
        for number, night in enumerate(nights, 1):
            campus.live(number, night)
            owed = {name: cents for name, cents in campus.owed.items() if cents > 0}
            assert campus.open_items() == owed
            billed = ledger.positions("alma")
            known = {name: sum(amounts) for name, amounts in campus.billed.items()}
            assert dict(zip(billed["fee_id"].tolist(), billed["billed_cents"].tolist(), strict=True)) == known
            last = ledger.last_snapshot("peoplesoft")
            assert dict(zip(last["fee_id"].tolist(), last["amount_cents"].tolist(), strict=True)) == campus.last
            assert ledger.last_snapshot_total("peoplesoft") == tally(last)
            assert [what for what, left, right in ledger.sums() if left != right] == []
        assert list(ledger.verify_audit()) == []


@given(st.permutations([("F2", 1), ("F1", 2), ("F1", 1), ("F3", 1)]))
@settings(max_examples=deep(6))
def test_the_order_in_which_fees_are_booked_makes_no_difference(order: list[tuple[str, int]]) -> None:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        rows = [fee(name, 100 * version, "held", version=version) for name, version in order]
        ledger.book(begun(ledger), booking(rows), later(0))
        pending = ledger.pending_fees()
        keys = list(zip(pending["fee_id"].tolist(), pending["version"].tolist(), strict=True))
        assert keys == [("F1", 1), ("F1", 2), ("F2", 1), ("F3", 1)]
