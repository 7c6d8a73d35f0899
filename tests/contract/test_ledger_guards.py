"""The database itself refuses what must never be, whatever the program above it believes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.adapters.ledger import schema as s
from pipeline.ports.ledger import Figure, UploadState, Word
from tests.contract.ledger_kit import (
    NOON,
    PAID,
    asked,
    begun,
    booking,
    fee,
    import_batch,
    later,
    payment,
    placed,
    share,
    snapshot,
    task,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def filled() -> Iterator[SqlLedger]:
    """Fee F1 was charged in file 1 and carried in file 2; payment K1 is allocated and its call stands in a file.

    Payment K2 was written off fee F2, of which there is a task; a word was said.
    """
    with open_ledger("sqlite://", "chico", "train") as ledger:
        run = begun(ledger)
        ledger.book(run, snapshot([fee("F1")], [], 1), NOON)
        upload = ledger.uploads()[0]
        for state in (UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING):
            upload = ledger.move_upload(upload, state, "", later(1))
        ledger.book(run, snapshot([fee("F2")], [fee("F1")], 2), NOON)
        off = payment("K2", 5, kind="writeoff")
        ledger.enter_payments(run, PAID, [payment("K1"), off], [], later(2))
        placed(ledger, payment("K1"), at=later(3), way="import_file")
        calls = ledger.postings_of("K1")
        ledger.list_postings(run, import_batch(calls), calls, later(4))
        ledger.withdraw_payment(off, [share(5, 1, "F2")], [task(off)], later(4))
        ledger.say(Word("K1", "reject", "kim", "not ours", later(4)))
        ledger.book(run, booking([fee("F3", state="held")], figures=[Figure("alma", "read", 3, 3000)]), later(4))
        ledger.approve_fee(asked("F3", 1), "", "kim", "yes", later(5))
        yield ledger


@pytest.fixture(scope="module")
def ledger() -> Iterator[SqlLedger]:
    with filled() as ledger:
        yield ledger


def copy_of(ledger: SqlLedger, table: Table, /, **changes: object) -> None:
    """Enter the first row of a table once more, changed."""
    with ledger.store.engine.begin() as connection:
        row = dict(connection.execute(select(table)).mappings().all()[0])
        connection.execute(insert(table).values(**{**row, **changes}))


@pytest.mark.parametrize(
    ("table", "changes"),
    [
        (s.ledgers, {"ledger": 2}),
        (s.runs, {"number": 9}),
        (s.runs, {"sequence": 9}),
        (s.files, {"name": "copy.xml"}),
        (s.fees, {"state": "held"}),
        (s.batches, {"batch_id": 9, "name": "other.dat"}),
        (s.batches, {"batch_id": 9, "sequence": 9}),
        (s.movements, {"amount_cents": 1}),
        (s.movements, {"movement": 2}),
        (s.movements, {"movement": 2, "kind": "gift", "reference": "F1-2"}),
        (s.movements, {"movement": 2, "reference": "F1-2", "amount_cents": -1}),
        (s.movements, {"reference": "F1-2", "amount_cents": 0, "movement": 2}),
        (s.movements, {"movement": 2, "kind": "credit"}),
        (s.movements, {"kind": "reversal", "movement": 2}),
        (s.movements, {"fee_id": "F9", "reference": "F9"}),
        (s.batch_lines, {"position": 9}),
        (s.batch_lines, {"position": 9, "fee_id": "F9", "carried": True}),
        (s.batch_lines, {"position": 9, "batch_id": 9, "carried": True}),
        (s.uploads, {"state": "sent"}),
        (s.movements, {"movement": 2, "reference": "F1-2", "payment_key": "K2"}),
        (s.movements, {"movement": 3, "kind": "credit", "amount_cents": -1, "fee_id": "F2", "payment_key": "K2"}),
        (s.movements, {"movement": 3, "kind": "credit", "amount_cents": -1, "payment_key": "K9"}),
        (s.payments, {"cents": 1}),
        (s.shares, {"entry": 99}),
        (s.shares, {"entry": 99, "live": False, "cents": 0}),
        (s.shares, {"entry": 99, "live": False, "number": 0}),
        (s.shares, {"payment_key": "K9"}),
        (s.allocations, {"cents": 1}),
        (s.allocations, {"number": 2, "cents": 0}),
        (s.allocations, {"payment_key": "K9"}),
        (s.postings, {"cents": 1}),
        (s.postings, {"external_id": "BPK9-01", "payment_key": "K9"}),
        (s.postings, {"external_id": "BPK1-02"}),
        (s.postings, {"external_id": "BPK1-02", "number": 2}),
        (s.import_lines, {"cents": 1}),
        (s.import_lines, {"position": 2}),
        (s.import_lines, {"position": 2, "live": False, "cents": 0}),
        (s.import_lines, {"position": 2, "live": False, "external_id": "BPK9-01"}),
        (s.import_lines, {"position": 2, "live": False, "batch_id": 9}),
        (s.tasks, {"text": "another"}),
        (s.tasks, {"task_id": "T-2", "state": "done"}),
        (s.tasks, {"state": "forgotten", "task_id": "T-2"}),
        (s.words, {"action": "another"}),
        (s.decisions, {"reason": "another"}),
        (s.decisions, {"entry": 99, "fee_id": "F9"}),
        (s.figures, {"count": 1}),
        (s.audit, {"text": "another"}),
    ],
    ids=lambda value: value.name if isinstance(value, Table) else "-".join(value),
)
def test_a_second_of_what_may_be_there_once_is_refused(
    ledger: SqlLedger, table: Table, changes: dict[str, object]
) -> None:
    with pytest.raises(IntegrityError):
        copy_of(ledger, table, **changes)


@pytest.mark.parametrize("changes", [{"carried": True}, {"live": False}])
def test_only_a_second_live_line_by_which_a_debt_is_sent_is_refused(changes: dict[str, object]) -> None:
    with filled() as ledger:
        copy_of(ledger, s.batch_lines, position=9, **changes)
        with pytest.raises(IntegrityError), ledger.store.engine.begin() as connection:
            connection.execute(update(s.batch_lines).values(carried=False, live=True))


@pytest.mark.parametrize(
    "changes",
    [
        {"way": "api"},
        {"way": "record"},
        {"way": "post"},
        {"state": "recorded"},
        {"state": "sending"},
    ],
)
def test_the_way_of_a_call_and_where_it_stands_fit_together(ledger: SqlLedger, changes: dict[str, object]) -> None:
    with pytest.raises(IntegrityError), ledger.store.engine.begin() as connection:
        connection.execute(update(s.postings).values(**changes))


def test_what_others_build_on_cannot_be_taken_away(ledger: SqlLedger) -> None:
    for table in (s.fees, s.movements, s.batches, s.payments, s.allocations, s.postings, s.files):
        with pytest.raises(IntegrityError), ledger.store.engine.begin() as connection:
            connection.execute(delete(table))
