"""The same bytes left once more: one file told twice, or, where lines name no receipts, further payments."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.stages.feeds import returns
from tests.unit.fetch_kit import FEED, PAID, Desk, codes, names
from tests.unit.return_kit import Counter, boxes
from tests.unit.return_kit import codes as told

if TYPE_CHECKING:
    from pathlib import Path

SAYS = """
[[systems.peoplesoft.returns]]
layout = "bursar/patron_total"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "TOTAL_*.csv"
quiet_s = 0
"""
TOTAL = "Student ID,Amount Paid\n001234567,10.00\n"
DAY = timedelta(days=1)
RECURS = replace(FEED, same_name="hold", recurs=True)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A file was fetched and read."""
    made = Desk(tmp_path, RECURS)
    made.drive.put("CASHNET_1.csv", PAID)
    (first,) = made.look().new
    made.book.settle(first.sha)
    made.clock.sleep(86_400)
    return made


@pytest.mark.parametrize("name", ["CASHNET_1.csv", "CASHNET_2.csv"])
def test_where_equal_payments_give_equal_files_another_delivery_is_another_file(desk: Desk, name: str) -> None:
    desk.drive.put(name, PAID)
    got = desk.look()
    assert (names(got.new), len(desk.kept())) == ([name], 2)
    assert "FETCH-SAME-BYTES" in codes(got)
    desk.book.settle(got.new[0].sha)
    again = desk.look()
    assert (again.new, set(codes(again))) == ((), {"FETCH-AGAIN"}), "it lies there still, and was left once"


def test_a_file_that_lies_there_still_is_no_other_delivery(desk: Desk) -> None:
    got = desk.look()
    assert (got.new, codes(got)) == ((), ["FETCH-AGAIN"])


def test_what_was_refused_and_is_left_under_another_name_is_read_once(desk: Desk) -> None:
    (sha,) = desk.book.rows
    desk.book.settle(sha, "refused")
    desk.drive.files.clear()
    desk.drive.put("CASHNET_2.csv", PAID)
    (second,) = desk.look().new
    desk.book.settle(second.sha)
    desk.look()
    assert [one.state for one in desk.book.rows.values()] == ["refused", "booked"]


def test_only_layouts_that_never_repeat_and_name_no_receipts_are_asked_about(tmp_path: Path) -> None:
    counter = Counter(tmp_path, SAYS)
    feeds = [door.feed for door in returns(counter.campus, counter.ledger)]
    assert [(one.pattern, one.recurs) for one in feeds if one.name == "peoplesoft"] == [("TOTAL_*.csv", True)]
    assert {(one.recurs, one.dated) for one in feeds if one.name == "cashnet"} == {(False, False)}


@pytest.mark.parametrize("names", [("TOTAL_1.csv", "TOTAL_2.csv"), ("TOTAL_1.csv", "TOTAL_1.csv")])
def test_the_same_patron_and_amount_on_another_day_is_asked_about_and_never_lost(
    tmp_path: Path, names: tuple[str, str]
) -> None:
    counter = Counter(tmp_path, SAYS)
    counter.leave(names[0], TOTAL)
    assert boxes(counter.night()) == {"passed": 1}
    counter.leave(names[1], TOTAL)
    night = counter.night()
    assert boxes(night) == {"passed": 0, "held": 1}
    assert told(night) == ["FETCH-SAME-BYTES", "PAYMENT-REPEATED"]
    assert counter.money() == [("held", 1000, "PAYMENT-REPEATED"), ("received", 1000, "")]
    assert told(counter.night()) == []
    assert len(counter.money()) == 2


def test_a_lost_ledger_gives_both_deliveries_their_keys_again(tmp_path: Path) -> None:
    counter = Counter(tmp_path, SAYS)
    for number in (1, 2, 3):
        counter.leave(f"TOTAL_{number}.csv", TOTAL, age=-DAY * number / 24)
        counter.night()
    before = set(counter.ledger.payments)
    assert len(before) == 3
    counter.ledger.lose()
    counter.night()
    assert set(counter.ledger.payments) == before
