"""The books in memory, on which deliver and post are tried out, keep the same promises as the database."""

from __future__ import annotations

import pytest

from pipeline.ports.ledger import Upload, UploadState
from tests.contract.ledger_contract import FileBookContract, UploadBookContract
from tests.contract.ledger_kit import batch, debts_known, fee, movement, with_calls
from tests.contract.ledger_payments import RUN, PaymentBookContract
from tests.contract.ledger_postings import PostingBookContract
from tests.contract.ledger_returns import ReturnsContract
from tests.contract.ledger_tasks import TaskBookContract
from tests.fakes.postings import FakeBook
from tests.fakes.uploads import FakeFileBook, FakeUploadBook


class TestFiles(FileBookContract):
    @pytest.fixture
    def ledger(self) -> FakeFileBook:
        return FakeFileBook()


class TestUploads(UploadBookContract):
    @pytest.fixture
    def ledger(self) -> FakeUploadBook:
        fees = [fee("F1"), fee("F2"), fee("F3", system="cashnet")]
        files = [batch([movement(one)], sequence) for one, sequence in zip(fees, (1, 2, 1), strict=True)]
        return FakeUploadBook({number: Upload(number, file, UploadState.BUILT) for number, file in enumerate(files)})


@pytest.fixture
def book() -> FakeBook:
    return FakeBook(debts_known())


class TestPayments(PaymentBookContract):
    @pytest.fixture
    def ledger(self, book: FakeBook) -> FakeBook:
        return book


class TestReturns(ReturnsContract):
    @pytest.fixture
    def ledger(self, book: FakeBook) -> FakeBook:
        return book


class TestPostings(PostingBookContract):
    @pytest.fixture
    def ledger(self, book: FakeBook) -> FakeBook:
        with_calls(book, RUN)
        return book


class TestTasks(TaskBookContract):
    @pytest.fixture
    def ledger(self, book: FakeBook) -> FakeBook:
        return book
