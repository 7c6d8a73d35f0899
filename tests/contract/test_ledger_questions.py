"""A question about one thing reads what is about that thing, however much money there is, and is asked once."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.ports.ledger import PaymentState
from tests.contract.ledger_kit import PAID, debts_sent, import_batch, later, matched, payment, with_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from sqlalchemy import Connection

WHOLE = re.compile(r"SCAN (?!CONSTANT|\(subquery)|\(ledger=\?( AND system=\?)?\)")
"""A plan that reads a whole table: all rows of it, or all those of a ledger or of one of its systems."""


@pytest.fixture(scope="module")
def ledger() -> Iterator[SqlLedger]:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        run = debts_sent(ledger)
        with_calls(ledger, run)
        pair = ledger.postings_of("K3")
        ledger.list_postings(run, import_batch(pair), pair, later(2))
        yield ledger


@contextmanager
def asked(ledger: SqlLedger) -> Iterator[list[tuple[str, Any]]]:
    """Note every question that the database is asked, with its values."""
    questions: list[tuple[str, Any]] = []

    def note(_connection: Connection, _cursor: object, statement: str, values: object, *_rest: object) -> None:
        if statement.startswith("SELECT"):
            questions.append((statement, values))

    event.listen(ledger.store.engine, "before_cursor_execute", note)
    try:
        yield questions
    finally:
        event.remove(ledger.store.engine, "before_cursor_execute", note)


QUESTIONS: dict[str, Callable[[SqlLedger], object]] = {
    "charged": lambda ledger: ledger.charged("peoplesoft", "F1"),
    "charged by no reference": lambda ledger: ledger.charged("peoplesoft", "X"),
    "charged to": lambda ledger: ledger.charged_to("peoplesoft", "900000001"),
    "charge of": lambda ledger: ledger.charge_of("alma", "F1"),
    "payments of": lambda ledger: ledger.payments_of("peoplesoft", "RK1"),
    "payments for": lambda ledger: ledger.payments_for("alma", "F1"),
    "backs of": lambda ledger: ledger.backs_of("K1"),
    "known": lambda ledger: ledger.known_payments(["K1"]),
    "postings of": lambda ledger: ledger.postings_of("K1"),
    "listed in": lambda ledger: ledger.listed_in(ledger.postings_of("K3")[0]),
    "paid since": lambda ledger: ledger.paid_since(later(1)),
    "said": lambda ledger: ledger.said("K1"),
    "continuing": lambda ledger: ledger.continuing("alma"),
    "came off continuing": lambda ledger: ledger.came_off_continuing("alma"),
    "story of a fee": lambda ledger: ledger.story("F1"),
    "story of a payment": lambda ledger: ledger.story("K3"),
    "story of a call": lambda ledger: ledger.story("BPK3-01"),
}

SMALL = ("SEARCH batches ", "SCAN batches ", "SEARCH files ", "SCAN files ")
"""Tables with one row a file may be read whole."""


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_about_one_thing_reads_no_whole_table(ledger: SqlLedger, name: str) -> None:
    with asked(ledger) as questions:
        QUESTIONS[name](ledger)
    assert questions
    with ledger.store.engine.connect() as connection:
        plans = [
            step[3]
            for statement, values in questions
            for step in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        ]
    assert [step for step in plans if WHOLE.search(step) and not step.startswith(SMALL)] == []


def test_the_money_of_a_night_is_read_with_two_questions() -> None:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        run = debts_sent(ledger)
        money = [payment(f"K{number}", 1) for number in range(30)]
        ledger.enter_payments(run, PAID, money, [], later(1))
        for one in money[:20]:
            matched(ledger, one)
        with asked(ledger) as questions:
            found = ledger.payments_in(PaymentState.RECEIVED, PaymentState.MATCHED)
        assert [len(one.shares) for one in found].count(1) == 20
        assert len(questions) == 2
