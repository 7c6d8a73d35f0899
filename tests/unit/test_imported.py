"""Whether Alma has imported what was handed over, judged by what her fee shows."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.ports.ledger import Posting, PostingState
from pipeline.ports.outside import AlmaFee, AlmaTransaction
from pipeline.stages.imported import Entry, judge

SENT = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
OURS = "BP" + "A" * 16 + "-01"


def entry(cents: int, file: str = "1.xml", days: int = 0) -> Entry:
    one = Posting(f"BP{file}", "K1", "P1", "02", "B1", cents, "ONLINE", "", PostingState.LISTED)
    return Entry(file, SENT + timedelta(days=days), (one,))


def happened(kind: str, cents: int, hours: float = 5, external_id: str = "") -> AlmaTransaction:
    return AlmaTransaction(kind, cents, external_id, (SENT + timedelta(hours=hours)).isoformat(), f"T{hours}")


def fee(
    *transactions: AlmaTransaction, balance: int = 1000, status: str = "EXPORTED", exported: bool = True
) -> AlmaFee:
    """Make a fee of 10.00 with these transactions, after the trace of its export where there is one."""
    trace = AlmaTransaction("EXPORTED", 1000, "", (SENT - timedelta(days=30)).isoformat(), "T0")
    every = (trace, *transactions) if exported else transactions
    return AlmaFee("F1", "B1", status, "OVERDUEFINE", 1000, balance, "USD", every)


def imported(entries: list[Entry], seen: AlmaFee) -> list[str]:
    return [one.file for one, _ in judge(entries, seen).imported]


@pytest.mark.parametrize("kind", ["PAYMENT_IMPORTED", "IMPORTED", "PAYMENT_RECEIVED", "Payment Imported"])
def test_a_transaction_of_its_cents_since_it_was_sent_is_the_proof(kind: str) -> None:
    assert imported([entry(400)], fee(happened(kind, 400), balance=600)) == ["1.xml"]


@pytest.mark.parametrize(
    "transaction",
    [
        happened("PAYMENT_IMPORTED", 399),
        happened("PAYMENT_IMPORTED", 400, hours=-1),
        happened("PAYMENT", 400, external_id=OURS),
        happened("WAIVE", 400),
        happened("EXPORTED_AND_PAID", 400),
        AlmaTransaction("PAYMENT_IMPORTED", 400, "", "soon", "T"),
    ],
    ids=["other-cents", "before", "ours-by-the-api", "waived", "trace-of-the-export", "no-time"],
)
def test_nothing_else_is(transaction: AlmaTransaction) -> None:
    assert imported([entry(400)], fee(transaction)) == []


def test_a_balance_that_fell_for_no_reason_given_counts_as_well() -> None:
    assert imported([entry(400)], fee(balance=600)) == ["1.xml"]
    assert imported([entry(1000)], fee(balance=0, status="CLOSED", exported=False)) == ["1.xml"]


@pytest.mark.parametrize("before", [(), (happened("WAIVE", 300, hours=-900),)])
def test_a_balance_that_the_export_brought_down_says_nothing_of_an_import(before: tuple[AlmaTransaction, ...]) -> None:
    left = 1000 - sum(one.cents for one in before)
    trace = happened("EXPORT_TO_BURSAR", left, hours=-700)
    closed = fee(*before, trace, balance=0, status="CLOSED", exported=False)
    assert imported([entry(left)], closed) == []
    seen = replace(closed, transactions=(*closed.transactions, happened("PAYMENT_IMPORTED", left)))
    assert imported([entry(left)], seen) == ["1.xml"]


def test_a_balance_that_a_waiver_or_a_desk_brought_down_does_not() -> None:
    assert imported([entry(1000)], fee(happened("WAIVE", 1000), balance=0, status="CLOSED")) == []
    assert imported([entry(400)], fee(happened("PAYMENT", 300), balance=700)) == []


def test_each_file_needs_a_transaction_of_its_own_and_the_oldest_comes_first() -> None:
    both = [entry(400), entry(400, "2.xml", days=1)]
    late = happened("PAYMENT_IMPORTED", 400, hours=30)
    assert imported(both, fee(late, balance=600)) == ["1.xml"]
    assert imported(both, fee(late, happened("PAYMENT_IMPORTED", 400, hours=31), balance=200)) == ["1.xml", "2.xml"]


def test_an_import_is_taken_before_a_payment_at_a_desk() -> None:
    seen = fee(happened("PAYMENT", 400, hours=2), happened("PAYMENT_IMPORTED", 400, hours=3), balance=200)
    [(_, evidence)] = judge([entry(400)], seen).imported
    assert evidence == "4.00 by transaction T3, PAYMENT_IMPORTED"


def test_more_than_was_ever_handed_over_is_told() -> None:
    twice = [happened("PAYMENT_IMPORTED", 400), happened("PAYMENT_IMPORTED", 400, hours=6)]
    assert judge([entry(400)], fee(*twice, balance=200)).too_much.startswith("Alma has imported 8.00 on it")
    assert judge([entry(400), entry(400, "2.xml")], fee(*twice, balance=200)).too_much == ""
