"""The ledger in the database keeps the contracts of all its books, in memory and in a file."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.ledger import SqlLedger, open_ledger
from tests.contract.ledger_charges import ChargeBookContract, RunBookContract
from tests.contract.ledger_continuing import ContinuingBookContract
from tests.contract.ledger_contract import FileBookContract, UploadBookContract
from tests.contract.ledger_debts import DebtBookContract
from tests.contract.ledger_kit import NOON, batch, begun, booking, debts_sent, fee, movement, with_calls
from tests.contract.ledger_payments import PaymentBookContract
from tests.contract.ledger_postings import PostingBookContract
from tests.contract.ledger_returns import ReturnsContract
from tests.contract.ledger_tasks import TaskBookContract

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVER = os.environ.get("BURSAR_TEST_LEDGER", "")
"""URL of an empty database on a server, for who has one: the same contracts hold there."""


@pytest.fixture(params=["sqlite://", "sqlite:///{folder}/state/ledger.db", *filter(None, [SERVER])])
def anywhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SqlLedger]:
    with open_ledger(request.param.format(folder=tmp_path), request.node.nodeid, "train") as ledger:
        yield ledger


@pytest.fixture(params=[SERVER or "sqlite://"])
def quick(request: pytest.FixtureRequest) -> Iterator[SqlLedger]:
    """Give a ledger; when a test has done its worst, its sums agree and its audit trail vouches for all it holds."""
    with open_ledger(request.param, request.node.nodeid, "train") as ledger:
        yield ledger
        assert list(ledger.verify_audit()) == []
        assert [(what, left, right) for what, left, right in ledger.sums() if left != right] == []


class TestRuns(RunBookContract):
    @pytest.fixture
    def ledger(self, anywhere: SqlLedger) -> SqlLedger:
        return anywhere


class TestFiles(FileBookContract):
    @pytest.fixture
    def ledger(self, anywhere: SqlLedger) -> SqlLedger:
        return anywhere


class TestCharges(ChargeBookContract):
    @pytest.fixture
    def ledger(self, anywhere: SqlLedger) -> SqlLedger:
        return anywhere


class TestDebts(DebtBookContract):
    @pytest.fixture
    def ledger(self, anywhere: SqlLedger) -> SqlLedger:
        return anywhere


class TestContinuing(ContinuingBookContract):
    @pytest.fixture
    def ledger(self, quick: SqlLedger) -> SqlLedger:
        return quick


class TestUploads(UploadBookContract):
    @pytest.fixture
    def ledger(self, quick: SqlLedger) -> SqlLedger:
        fees = [fee("F1"), fee("F2"), fee("F3", system="cashnet")]
        lines = [movement(one, number) for number, one in enumerate(fees)]
        files = [batch([line], sequence) for line, sequence in zip(lines, (1, 2, 1), strict=True)]
        quick.book(begun(quick), booking(fees, lines, files), NOON)
        return quick


class TestPayments(PaymentBookContract):
    @pytest.fixture
    def ledger(self, quick: SqlLedger) -> SqlLedger:
        debts_sent(quick)
        return quick


class TestReturns(ReturnsContract):
    @pytest.fixture
    def ledger(self, quick: SqlLedger) -> SqlLedger:
        debts_sent(quick)
        return quick


class TestPostings(PostingBookContract):
    @pytest.fixture
    def ledger(self, quick: SqlLedger) -> SqlLedger:
        with_calls(quick, debts_sent(quick))
        return quick


class TestTasks(TaskBookContract):
    @pytest.fixture
    def ledger(self, quick: SqlLedger) -> SqlLedger:
        debts_sent(quick)
        return quick
