"""Whole nights in which money came and was not all dealt with: a full replacement must not offer what is paid."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import stages
from pipeline.ports.ledger import LedgerError
from tests.nights import Nights
from tests.reports import Reported
from tests.scenarios.test_refunds import lines

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FOLDER, UNREAD = "cashnet/in", "SNAPSHOT-UNREAD"


def stopping_at(name: str) -> Callable[[str], Callable[..., Any]]:
    """Find the stages as always, but let one of them stop."""

    def stopped(*_given: Any, **_known: Any) -> None:
        message = "database is locked"
        raise LedgerError(message)

    return lambda asked: stopped if asked == name else stages.find(asked)


@pytest.fixture
def nights(tmp_path: Path) -> Reported:
    """Two fees were offered at a payment portal; one is paid, and a third is new."""
    made = Reported(tmp_path, "portal")
    made.owes("5001", 1000)
    made.owes("5002", 2000)
    made.report("r1.csv")
    assert made.night(1).sent == 1
    made.owes("5003", 500)
    made.report("r2.csv")
    made.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", lines((777, "SALE", "CLOSED", "10.00", "5001", "")))
    return made


def offered(nights: Reported) -> str:
    """What the newest snapshot offers."""
    return nights.delivered(FOLDER)[max(nights.delivered(FOLDER))]


@pytest.mark.parametrize("stage", ["receive", "enter", "match", "post"])
def test_where_payments_stopped_no_snapshot_goes_out_and_the_next_night_makes_it(nights: Reported, stage: str) -> None:
    before = nights.delivered(FOLDER)
    find, nights.find = nights.find, stopping_at(stage)
    second = nights.night(2)
    assert (second.exit_code, nights.delivered(FOLDER)) == (2, before)
    assert {"NIGHT-LEDGER", UNREAD} <= {one.code for one in second.findings}
    nights.find = find
    third = nights.night(3)
    assert UNREAD not in {one.code for one in third.findings}
    assert ("ALMA_FEE_ID,5001" in offered(nights), "ALMA_FEE_ID,5003" in offered(nights)) == (False, True)


@pytest.mark.parametrize("stage", ["receive", "match"])
def test_charges_run_alone_know_of_money_that_an_earlier_run_did_not_deal_with(nights: Reported, stage: str) -> None:
    before = nights.delivered(FOLDER)
    find, nights.find = nights.find, stopping_at(stage)
    nights.night(2, "payments")
    nights.find = find
    assert UNREAD in {one.code for one in nights.night(3, "charges").findings}
    assert nights.delivered(FOLDER) == before
    nights.night(4, "payments")
    nights.night(5, "charges")
    assert "ALMA_FEE_ID,5001" not in offered(nights)


def test_files_that_say_what_is_new_go_out_all_the_same(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {})
    nights.find = stopping_at("match")
    assert nights.night(1).sent == 1
    with closing(nights.ledger()) as ledger:
        assert ledger.standing()["payments"] == {}
