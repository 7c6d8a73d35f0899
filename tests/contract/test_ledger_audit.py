"""Whoever alters what is written down, by hand and behind the program's back, is found out."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Table, delete, select, update

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.adapters.ledger import schema as s
from pipeline.adapters.ledger.audit import CHAINED
from pipeline.ports.ledger import PaymentState, UploadState, Word
from tests.contract.ledger_kit import (
    NOON,
    PAID,
    asked,
    begun,
    booking,
    charging,
    fee,
    for_f1,
    later,
    payment,
    placed,
    share,
    task,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


@pytest.fixture
def ledger() -> Iterator[SqlLedger]:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        run = begun(ledger)
        ledger.book(run, charging(fee("F1"), fee("F2", 250)), NOON)
        ledger.book(run, booking([fee("F3", 75, "held")]), NOON)
        ledger.move_upload(ledger.uploads()[0], UploadState.UPLOADING, "as .abc.part", later(1))
        ledger.enter_payments(
            run, PAID, [payment("K1"), payment("K2", 5), payment("K3", -40), payment("K4", 30)], [], later(2)
        )
        ledger.settle_payment(payment("K2", 5), PaymentState.SUSPENSE, "MATCH-UNKNOWN-FEE", "no such charge", later(3))
        placed(ledger, payment("K1"), rest=100, at=later(3))
        ledger.take_back(payment("K3", -40), for_f1(-40), [task(payment("K3"))], later(3))
        ledger.withdraw_payment(payment("K4", 30), [share(30, 1, "F2")], [], later(3))
        ledger.say(Word("K2", "reject", "kim", "not ours", later(3)))
        ledger.approve_fee(asked("F3", 1), "F1", "kim", "returned", later(3))
        ledger.end_run(run, 1, "done", later(4))
        yield ledger


def test_an_honest_trail_has_no_problems_and_a_row_for_every_change(ledger: SqlLedger) -> None:
    assert list(ledger.verify_audit()) == []
    with ledger.store.reading() as connection:
        events = connection.execute(select(s.audit.c.event).order_by(s.audit.c.seq)).scalars().all()
    assert events == [
        *("opened", "run began", "archived", "archived", "booked", "built", "booked", "held", "uploading"),
        *("received", "suspense", "matched", "allocated", "tasked", "matched", "task"),
        *("withdrawn", "matched", "written off", "said", "approved", "run ended"),
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


@pytest.mark.parametrize("number", [1, 8, 22])
def test_a_forger_who_knows_how_to_compute_the_hash_is_found_by_the_next_row(ledger: SqlLedger, number: int) -> None:
    write(ledger, number, "text", "nothing happened")
    with ledger.store.reading() as connection:
        rows = connection.execute(select(*(s.audit.c[name] for name in CHAINED)).order_by(s.audit.c.seq)).all()
        before = connection.execute(select(s.audit.c.hash).where(s.audit.c.seq == number - 1)).scalar() or "0" * 64
    forged = json.dumps([before, "chico", "train", *rows[number - 1]], separators=(",", ":"))
    write(ledger, number, "hash", hashlib.sha256(forged.encode()).hexdigest())
    (problem,) = ledger.verify_audit()
    assert f"row {number + 1} " in problem or problem.startswith(f"the audit trail ends at row {number}, but")


@pytest.mark.parametrize("number", [1, 7, 22])
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
        (s.movements, {"amount_cents": s.movements.c.amount_cents * 2}),
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
        (s.payments, {"payment_ref": "x"}),
        (s.payments, {"origin_ref": "x"}),
        (s.payments, {"patron_id": "x"}),
        (s.payments, {"fees": "x"}),
        (s.shares, {"cents": 7}),
        (s.shares, {"fee_id": "F9"}),
        (s.allocations, {"alma_fee_id": "A9"}),
        (s.allocations, {"cents": 1}),
        (s.tasks, {"text": "nothing to do"}),
        (s.tasks, {"cents": 1}),
        (s.words, {"action": "resend"}),
        (s.words, {"by": "pat"}),
    ],
)
def test_what_was_changed_after_it_was_entered_is_found(
    ledger: SqlLedger, table: Table, changes: dict[str, object]
) -> None:
    with ledger.store.engine.begin() as connection:
        connection.execute(update(table).values(**changes))
    problems = ledger.verify_audit()
    assert problems
    assert all(table.name in problem for problem in problems)


def test_a_share_that_was_slipped_in_or_taken_away_is_found(ledger: SqlLedger) -> None:
    with ledger.store.engine.begin() as connection:
        row = dict(connection.execute(select(s.shares)).mappings().all()[0])
        connection.execute(s.shares.insert().values(**{**row, "number": 2, "entry": 4}))
    assert ledger.verify_audit() == ["the shares that audit row 4 vouches for were changed"]
    with ledger.store.engine.begin() as connection:
        connection.execute(delete(s.shares))
    assert len(ledger.verify_audit()) == 3


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
    nothing = {what for what, left, _ in ledger.sums() if not left.count}
    files = {"import files = their lines", "payments listed = live lines"}
    assert nothing == {*files, "cancelled = nothing", "plans cancelled = postings cancelled"}


MATCHED = "payments matched = those that cover their debts"
COVERED = "debts paid = those of which no more went back"
FORGERIES: dict[str, tuple[Table, Mapping[str, str], Mapping[str, object], list[str]]] = {
    "a fee": (s.fees, {}, {"amount_cents": 1}, ["fees charged = movements entered"]),
    "a file": (s.batches, {}, {"cents": 1}, ["files written = their lines"]),
    "a rest": (s.payments, {"key": "K1"}, {"suspense_cents": 1}, ["payments placed = their plans"]),
    "a call": (s.postings, {}, {"cents": 1}, ["plans = postings"]),
    "a share too large": (s.shares, {"payment_key": "K1"}, {"cents": 1001}, [MATCHED]),
    "a share gone": (s.shares, {"payment_key": "K1"}, {"live": False}, [MATCHED, COVERED]),
    "a share of what waits": (s.payments, {"key": "K2"}, {"state": "matched"}, [MATCHED]),
    "a write-off": (s.shares, {"payment_key": "K4"}, {"cents": 29}, ["written off = credits"]),
    "a task": (s.tasks, {}, {"state": "done", "closed_at": "2026"}, ["going back = with open tasks"]),
    "half a void": (s.payments, {"key": "K2"}, {"state": "cancelled"}, ["cancelled = nothing"]),
    "a call by no file": (s.postings, {}, {"state": "listed", "way": "import_file"}, ["payments listed = live lines"]),
    "a file of payments": (
        *(s.batches, {}, {"kind": "payment"}),
        ["files written = their lines", "import files = their lines"],
    ),
    "a void of what was planned": (
        *(s.payments, {"key": "K1"}, {"state": "cancelled", "suspense_cents": 0}),
        [COVERED, "cancelled = nothing", "plans cancelled = postings cancelled"],
    ),
}


@pytest.mark.parametrize("forgery", FORGERIES)
def test_a_sum_of_the_ledger_is_wrong_when_a_table_is(ledger: SqlLedger, forgery: str) -> None:
    table, where, changes, wrong = FORGERIES[forgery]
    rows = (table.c[name] == value for name, value in where.items())
    with ledger.store.engine.begin() as connection:
        connection.execute(update(table).where(*rows).values(**changes))
    assert [what for what, left, right in ledger.sums() if left != right] == wrong
