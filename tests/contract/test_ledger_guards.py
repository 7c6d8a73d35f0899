"""The database itself refuses what must never be, whatever the program above it believes."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.adapters.ledger import schema as s
from pipeline.ports.ledger import Figure, UploadState
from tests.contract.ledger_kit import NOON, PAID, asked, begun, booking, fee, later, payment, plan, snapshot

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def filled() -> Iterator[SqlLedger]:
    """Fee F1 was charged in file 1 and carried in file 2; payment K1 is allocated and its call is ready."""
    with open_ledger("sqlite://", "chico", "train") as ledger:
        run = begun(ledger)
        ledger.book(run, snapshot([fee("F1")], [], 1), NOON)
        upload = ledger.uploads()[0]
        for state in (UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING):
            upload = ledger.move_upload(upload, state, "", later(1))
        ledger.book(run, snapshot([fee("F2")], [fee("F1")], 2), NOON)
        ledger.enter_payments(run, PAID, [payment("K1")], [], later(2))
        ledger.allocate(payment("K1"), "F1", *plan(payment("K1"), 1000), 0, later(3))
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
        (s.payments, {"cents": 1}),
        (s.allocations, {"cents": 1}),
        (s.allocations, {"number": 2, "cents": 0}),
        (s.allocations, {"payment_key": "K9"}),
        (s.postings, {"cents": 1}),
        (s.postings, {"external_id": "BPK9-01", "payment_key": "K9"}),
        (s.postings, {"external_id": "BPK1-02"}),
        (s.postings, {"external_id": "BPK1-02", "number": 2}),
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


def test_what_others_build_on_cannot_be_taken_away(ledger: SqlLedger) -> None:
    for table in (s.fees, s.movements, s.batches, s.payments, s.allocations, s.files):
        with pytest.raises(IntegrityError), ledger.store.engine.begin() as connection:
            connection.execute(delete(table))
