"""What the morning report gathers stands in exactly one place, to the cent, whatever became of the money."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings import Finding
from pipeline.flow.runner import Outside, Work
from pipeline.money import total
from pipeline.ports.ledger import PaymentState, PostingState, Run, Task, TaskState
from pipeline.stages.gather import gather
from pipeline.stages.morning import named
from tests.fakes.clock import FakeClock
from tests.fakes.money import a_payment
from tests.samples import sample_campus

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.stages.morning import Morning

DAY = date(2026, 2, 3)
NOW = datetime(2026, 2, 3, 12, tzinfo=UTC)
RUNS = [
    Run(9, DAY, 3, "payments", NOW),
    Run(8, DAY, 2, "payments", NOW, NOW, 1, "0 files sent, 2 payments posted, 0 already known, 0 stops"),
    Run(7, DAY, 1, "night", NOW, None, None, ""),
    Run(6, date(2026, 2, 2), 1, "night", NOW, NOW, 0, "nothing"),
]


class Book:
    """A ledger that only tells: where everything stands, and what a test puts into it."""

    def __init__(self, standing: dict[str, Any] | None = None, **said: Any) -> None:
        self._standing = standing or {}
        self.said = said

    def standing(self) -> dict[str, Any]:
        return self._standing

    def runs(self, most: int) -> list[Run]:
        return RUNS

    def known_payments(self, keys: list[str]) -> dict[str, Any]:
        return {key: a_payment(key, 2000, payment_ref=f"R-{key}") for key in keys}

    def __getattr__(self, name: str) -> Any:
        return lambda *_: self.said.get(name, [])


def told(book: Book, folder: Path, *findings: Finding) -> Morning:
    campus, outside = sample_campus(), Outside(FakeClock(NOW), cast("Any", None))
    desk = Work("PAYMENTS_IN", campus, DAY, RUNS[0], cast("Any", book), outside, folder / "in")
    desk.findings += findings
    return gather(Work("CLOSE", campus, DAY, RUNS[0], cast("Any", book), outside, folder / "close", before=(desk,)))


cents = st.integers(-(10**9), 10**9)
pairs = st.tuples(st.integers(0, 9), cents)


@given(
    st.fixed_dictionaries({str(state): pairs for state in PaymentState if state is not PaymentState.ALLOCATED}),
    st.fixed_dictionaries({str(state): pairs for state in PostingState}),
    st.integers(0, 10**6),
)
def test_all_money_received_stands_in_one_place_to_the_cent(
    payments: dict[str, tuple[int, int]], postings: dict[str, tuple[int, int]], rest: int
) -> None:
    from pathlib import Path

    planned = sum(amount for _, amount in postings.values())
    standing = {"payments": {**payments, "allocated": (7, planned + rest)}, "postings": postings}
    (_, received), *others = named(told(Book(standing), Path("nowhere")).payments)
    assert received.cents == total(one for _, one in others).cents


def test_what_is_left_over_of_a_payment_is_in_suspense_with_its_age(tmp_path: Path) -> None:
    row = {"kind": "payment", "state": "suspense", "subject": "K1", "patron_id": "P", "file": "f", "line": 1}
    row |= {
        "code": "OVERPAID",
        "why": "more was paid than is owed",
        "amount_cents": 700,
        "since": "2026-01-24T12:00:00+00:00",
    }
    (one,) = told(Book(held_rows=[row]), tmp_path).unposted
    assert (one.key, one.receipt, one.cents, one.state, one.code, one.days) == (
        "K1",
        "R-K1",
        700,
        "suspense",
        "OVERPAID",
        10,
    )


def test_a_payment_in_suspense_stands_there_once_with_its_candidates(tmp_path: Path) -> None:
    held = a_payment("K1", state=PaymentState.SUSPENSE, code="MATCH-UNKNOWN-FEE", why="may be for 1 or 2")
    row = {"kind": "payment", "state": "suspense", "subject": "K1", "since": "2026-02-01T12:00:00+00:00"}
    (one,) = told(Book(held_rows=[row], payments_in=[held]), tmp_path).unposted
    assert (one.key, one.cents, one.days, one.why) == ("K1", 1000, 2, "may be for 1 or 2")


def test_a_task_is_told_with_its_age_and_without_the_whole_of_a_patron_s_id(tmp_path: Path) -> None:
    text = "patron 001234567: create fee 10012345678 again with the comment reopens 1001"
    task = Task(
        "unpay-1", "unpay", "K", "cashnet", "alma", "1001", "1001", "001234567", 500, text, "2026-01-30", TaskState.OPEN
    )
    morning = told(Book(tasks=[task]), tmp_path)
    (one,) = morning.tasks
    assert one.text == "patron …4567: create fee 10012345678 again with the comment reopens 1001"
    assert (one.days, morning.task_ages) == (4, [("2 to 7 days", 1)])


def test_every_run_of_the_day_is_told_and_none_of_another_day(tmp_path: Path) -> None:
    morning = told(Book(paid_since=["one"]), tmp_path)
    assert [(one.run, one.command, one.exit_code, one.says) for one in morning.runs] == [
        ("2026-02-03-01", "night", None, "ended without a word"),
        ("2026-02-03-02", "payments", 1, "0 files sent, 2 payments posted, 0 already known, 0 stops"),
        ("2026-02-03-03", "payments", None, "0 files sent, 1 payments posted"),
    ]


def test_what_did_not_arrive_is_said_once(tmp_path: Path) -> None:
    late = Finding("SOURCE-LATE", "alma", "alma: nothing came", "collect")
    paid = Finding("PAYMENTS-LATE", "cashnet", "cashnet: nothing came back", "fetch")
    assert told(Book(), tmp_path, late, late, paid).missing == ["alma: nothing came", "cashnet: nothing came back"]
