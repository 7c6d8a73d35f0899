"""The books in memory, on which deliver and post are tried out, keep the same promises as the database."""

from __future__ import annotations

import pytest

from pipeline.ports.ledger import Upload, UploadState
from tests.contract.ledger_contract import FileBookContract, PostingBookContract, UploadBookContract
from tests.contract.ledger_kit import batch, fee, later, movement, payment, plan
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


class TestPostings(PostingBookContract):
    @pytest.fixture
    def ledger(self) -> FakeBook:
        book = FakeBook()
        money = [payment("K1", 500, occurred_on="2026-01-05"), payment("K2", 900)]
        book.enter(money)
        book.allocate(money[0], "F1", *plan(money[0], 500), 0, later(1))
        book.allocate(money[1], "F1", *plan(money[1], 600, 300), 0, later(1))
        return book
