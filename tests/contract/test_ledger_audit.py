"""Whoever alters what is written down, by hand and behind the program's back, is found out."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, select, update

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.adapters.ledger import schema as s
from pipeline.adapters.ledger.audit import CHAINED
from pipeline.ports.ledger import PaymentState, UploadState
from tests.contract.ledger_kit import NOON, PAID, asked, begun, booking, charging, fee, later, payment, plan

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Table


@pytest.fixture
def ledger() -> Iterator[SqlLedger]:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        run = begun(ledger)
        ledger.book(run, charging(fee("F1"), fee("F2", 250)), NOON)
        ledger.book(run, booking([fee("F3", 75, "held")]), NOON)
        ledger.move_upload(ledger.uploads()[0], UploadState.UPLOADING, "as .abc.part", later(1))
        ledger.enter_payments(run, PAID, [payment("K1"), payment("K2", 5)], [], later(2))
        ledger.settle_payment(payment("K2", 5), PaymentState.SUSPENSE, "MATCH-UNKNOWN-FEE", "no such charge", later(3))
        ledger.allocate(payment("K1"), "F1", *plan(payment("K1"), 1000), 0, later(3))
        ledger.approve_fee(asked("F3", 1), "F1", "kim", "returned", later(3))
        ledger.end_run(run, 1, "done", later(4))
        yield ledger


def test_an_honest_trail_has_no_problems_and_a_row_for_every_change(ledger: SqlLedger) -> None:
    assert list(ledger.verify_audit()) == []
    with ledger.store.reading() as connection:
        events = connection.execute(select(s.audit.c.event).order_by(s.audit.c.seq)).scalars().all()
    assert events == [
        *("opened", "run began", "archived", "archived", "booked", "built", "booked", "held", "uploading"),
        *("received", "suspense", "allocated", "approved", "run ended"),
    ]


@pytest.mark.parametrize("column", ["at", "actor", "event", "subject", "text", "hash", "run"])
def test_any_cell_that_was_changed_is_found(ledger: SqlLedger, column: str) -> None:
    with ledger.store.reading() as connection:
        rows = connection.execute(select(s.audit.c.seq, s.audit.c[column])).all()
    for number, value in rows:
        write(ledger, number, column, 99 if column == "run" else "x")
        assert f"audit row {number} " in ledger.verify_audit()[0]
        write(ledger, number, column, value)
    assert list(ledger.verify_audit()) == []


def write(ledger: SqlLedger, number: int, column: str, value: object) -> None:
    with ledger.store.engine.begin() as connection:
        connection.execute(update(s.audit).where(s.audit.c.seq == number).values({column: value}))


@pytest.mark.parametrize("number", [1, 8, 14])
def test_a_forger_who_knows_how_to_compute_the_hash_is_found_by_the_next_row(ledger: SqlLedger, number: int) -> None:
    write(ledger, number, "text", "nothing happened")
    with ledger.store.reading() as connection:
        rows = connection.execute(select(*(s.audit.c[name] for name in CHAINED)).order_by(s.audit.c.seq)).all()
        before = connection.execute(select(s.audit.c.hash).where(s.audit.c.seq == number - 1)).scalar() or "0" * 64
    forged = json.dumps([before, "chico", "train", *rows[number - 1]], separators=(",", ":"))
    write(ledger, number, "hash", hashlib.sha256(forged.encode()).hexdigest())
    (problem,) = ledger.verify_audit()
    assert f"row {number + 1} " in problem or problem.startswith(f"the audit trail ends at row {number}, but")


@pytest.mark.parametrize("number", [1, 7, 14])
def test_a_row_that_was_taken_away_is_found_even_the_last(ledger: SqlLedger, number: int) -> None:
    with ledger.store.engine.begin() as connection:
        connection.execute(delete(s.audit).where(s.audit.c.seq == number))
    assert ledger.verify_audit()


def test_rows_that_changed_places_are_found(ledger: SqlLedger) -> None:
    with ledger.store.engine.begin() as connection:
        for old, new in ((5, 99), (6, 5), (99, 6)):
            connection.execute(update(s.audit).where(s.audit.c.seq == old).values(seq=new))
    assert ledger.verify_audit()


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        (s.movements, {"amount_cents": 1}),
        (s.movements, {"system": "cashnet"}),
        (s.movements, {"against": "F9"}),
        (s.movements, {"undoes": "F9"}),
        (s.movements, {"bursar_id": "000000009"}),
        (s.movements, {"patron_id": "000000009"}),
        (s.movements, {"kind": "credit", "amount_cents": -1}),
        (s.decisions, {"against": "F2"}),
        (s.decisions, {"code": "MOVED"}),
        (s.decisions, {"by": "pat"}),
        (s.decisions, {"reason": "none"}),
        (s.payments, {"cents": 1}),
        (s.payments, {"fingerprint": "x"}),
    ],
)
def test_what_was_changed_after_it_was_entered_is_found(
    ledger: SqlLedger, table: Table, changes: dict[str, object]
) -> None:
    with ledger.store.engine.begin() as connection:
        connection.execute(update(table).values(**changes))
    (problem,) = ledger.verify_audit()
    assert table.name in problem


def test_a_decision_that_was_slipped_in_or_taken_away_is_found(ledger: SqlLedger) -> None:
    with ledger.store.engine.begin() as connection:
        row = dict(connection.execute(select(s.decisions)).mappings().one())
        connection.execute(s.decisions.insert().values(**{**row, "entry": 4}))
    assert ledger.verify_audit() == ["the decisions that audit row 4 vouches for were changed"]
    with ledger.store.engine.begin() as connection:
        connection.execute(delete(s.decisions))
    assert ledger.verify_audit() == [f"the decisions that audit row {row['entry']} vouches for were changed"]


def test_money_that_was_slipped_in_is_found(ledger: SqlLedger) -> None:
    with ledger.store.engine.begin() as connection:
        row = dict(connection.execute(select(s.payments)).mappings().all()[0])
        connection.execute(s.payments.insert().values(**{**row, "key": "K9", "entry": 3}))
    assert ledger.verify_audit() == ["the payments that audit row 3 vouches for were changed"]


def test_the_sums_of_an_honest_ledger_agree_and_those_of_an_altered_one_do_not(ledger: SqlLedger) -> None:
    assert [(left, right) for _, left, right in ledger.sums() if left != right] == []
    assert all(left.count for _, left, _ in ledger.sums())
    forgeries = (
        (s.fees, {"amount_cents": 1}),
        (s.batches, {"cents": 1}),
        (s.payments, {"suspense_cents": 1}),
        (s.postings, {"cents": 1}),
    )
    for number, (table, changes) in enumerate(forgeries):
        with ledger.store.engine.begin() as connection:
            connection.execute(update(table).values(**changes))
        wrong = [what for what, left, right in ledger.sums() if left != right]
        assert len(wrong) == number + 1
