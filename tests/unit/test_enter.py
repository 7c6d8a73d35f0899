"""Entering lines of money: each once, each under a key of its own, and no file that the ledger must refuse for ever."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import tables
from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import Payment, PaymentState, Run, StaleError
from pipeline.stages.enter import enter
from pipeline.stages.receive import _identified, _sorted
from tests.fakes.clock import FakeClock
from tests.samples import sample_campus

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.findings import Finding, Outcome
    from pipeline.ports.ledger import InFile

FILE, LATER = "1" * 64, "2" * 64


class Book:
    """The ledger's book of payments, as strict as the real one: a known key is refused."""

    def __init__(self) -> None:
        self.payments: dict[str, Payment] = {}
        self.booked: list[str] = []

    def known_payments(self, keys: Sequence[str]) -> dict[str, Payment]:
        return {key: self.payments[key] for key in keys if key in self.payments}

    def file(self, _sha: str) -> InFile | None:
        return None

    def enter_payments(
        self, _run: Run, sha: str, payments: Sequence[Payment], _findings: Sequence[Finding], _at: datetime
    ) -> None:
        keys = [payment.key for payment in payments]
        if len(set(keys)) < len(keys) or self.payments.keys() & set(keys):
            message = "a payment is there already"
            raise StaleError(message)
        self.payments |= {payment.key: payment for payment in payments}
        self.booked.append(sha)


def told(book: Book, folder: Path, *lines: dict[str, Any], sha: str = FILE) -> Outcome:
    """Let a file say these lines of one receipt, and enter them; give what became of those that were passed on."""
    usual = {
        "source": "cashnet",
        "file_sha": sha,
        "system": "cashnet",
        "payment_ref": "R1",
        "payment_line": "1",
        "patron_id": "001234567",
        "amount_cents": 1250,
        "occurred_on": "2026-01-05",
        "kind": "sale",
        "repeats": "none",
    }
    rows = [{**usual, "line": number, **line} for number, line in enumerate(lines, start=1)]
    names = {name for row in rows for name in row}
    blank = {column.name: {"str": "", "int64": 0, "bool": False}[column.dtype] for column in tables.PAYMENTS.columns}
    frame = tables.PAYMENTS.frame({name: [row.get(name, blank[name]) for row in rows] for name in names})
    received = _sorted(tables.checked(_identified(frame), tables.PAYMENTS, "test"))
    ledger: Any = book
    run = Run(1, date(2026, 1, 5), 1, "payments", FakeClock().now())
    outside = Outside(FakeClock(), lambda _connection, _folder: None)  # type: ignore[arg-type, return-value]
    work = Work("PAYMENTS_IN", sample_campus(), run.business_date, run, ledger, outside, folder)
    work.files, work.table = (sha,), received.passed
    for box, rows_of_box in received.boxes.items():
        work.boxes[box].append(rows_of_box)
    return enter(work)


def states(book: Book) -> list[tuple[PaymentState, int]]:
    return sorted((payment.state, payment.cents) for payment in book.payments.values())


def boxed(outcome: Outcome) -> dict[str, int]:
    return {box: len(frame) for box, frame in outcome.all_rows() if len(frame)}


def test_a_receipt_line_said_once_so_and_twice_otherwise_is_held_once(tmp_path: Path) -> None:
    book = Book()
    outcome = told(book, tmp_path, {}, {"amount_cents": 900}, {"amount_cents": 900})
    assert boxed(outcome) == {"passed": 1, "held": 1, "duplicate": 1}
    assert list(outcome.boxes["duplicate"]["code"]) == ["PAYMENT-KNOWN"]
    assert states(book) == [(PaymentState.HELD, 900), (PaymentState.RECEIVED, 1250)]


def test_two_other_sums_of_one_receipt_line_are_two_questions(tmp_path: Path) -> None:
    book = Book()
    outcome = told(book, tmp_path, {}, {"amount_cents": 900}, {"amount_cents": 800}, {"amount_cents": 900}, {})
    assert boxed(outcome) == {"passed": 1, "held": 2, "duplicate": 2}
    assert states(book) == [(PaymentState.HELD, 800), (PaymentState.HELD, 900), (PaymentState.RECEIVED, 1250)]


def test_what_contradicted_before_is_known_however_often_it_is_said_again(tmp_path: Path) -> None:
    book = Book()
    told(book, tmp_path, {})
    told(book, tmp_path, {"amount_cents": 900}, sha=LATER)
    again = told(book, tmp_path, {"amount_cents": 900}, {"amount_cents": 900}, {}, sha="3" * 64)
    assert boxed(again) == {"duplicate": 3}
    assert states(book) == [(PaymentState.HELD, 900), (PaymentState.RECEIVED, 1250)]
    assert book.booked == [FILE, LATER, "3" * 64]


@pytest.mark.parametrize(
    "other",
    [
        {"amount_cents": 0},
        {"amount_cents": -1250},
        {"foreign": True},
        {"foreign": True, "amount_cents": 900},
    ],
)
def test_a_line_that_receive_put_aside_does_not_take_the_key_of_the_one_that_counts(
    tmp_path: Path, other: dict[str, Any]
) -> None:
    for number, lines in enumerate(([{}, other], [other, {}], [{}, other, other])):
        book = Book()
        told(book, tmp_path, *lines, sha=str(number) * 64)
        assert [cents for state, cents in states(book) if state is PaymentState.RECEIVED] == [1250]
        told(book, tmp_path, *lines, sha="9" * 64)
        assert len(book.booked) == 2, "the same lines in another file are known, and that file is done with too"
