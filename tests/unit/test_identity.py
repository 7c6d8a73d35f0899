"""The identity of a line of money does not hang on who reads it, in which words, or how a receipt is cut up."""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import tables
from pipeline.stages.identity import identified
from tests.unit.return_kit import Counter, boxes, codes

if TYPE_CHECKING:
    from pathlib import Path

ONE: dict[str, Any] = {
    "system": "paypal",
    "payment_ref": "5TY05013RG002845M",
    "kind": "sale",
    "amount_cents": 1250,
    "fee_ref": "1001",
    "patron_id": "ab1",
    "occurred_on": "2026-01-05",
    "status": "S",
}


def told(*rows: dict[str, Any]) -> list[tuple[str, str]]:
    """Give key and fingerprint of rows of one file."""
    every = [{**ONE, **row} for row in rows]
    names = {name for row in every for name in row}
    blank = {column.name: {"str": "", "int64": 0, "bool": False}[column.dtype] for column in tables.PAYMENTS.columns}
    frame = identified(tables.PAYMENTS.frame({name: [row.get(name, blank[name]) for row in every] for name in names}))
    return list(zip(frame["payment_key"], frame["fingerprint"], strict=True))


SAME = [
    {"reader": "paypal/trr", "status": ""},
    {"occurred_on": "2026-01-06"},
    {"patron_id": "", "method": "CC", "item_code": "x"},
    {"payment_line": "1"},
    {"payment_line": "01"},
    {"line": 77, "file_sha": "e" * 64},
]


@pytest.mark.parametrize("other", SAME)
def test_two_reports_of_one_payment_give_it_one_key_and_one_fingerprint(other: dict[str, Any]) -> None:
    assert told(other) == told({})


def test_a_line_that_two_reports_cannot_read_is_one_question_and_never_takes_the_place_of_one_that_can_be_read() -> (
    None
):
    unreadable = told({"unreadable": "no date"})
    assert told({"unreadable": "no day", "reader": "paypal/trr", "payment_line": "1"}) == unreadable
    assert unreadable[0][0] != told({})[0][0]


def test_several_fees_are_the_same_in_any_order() -> None:
    fees = '[["1001", 500], ["1002", 750]]', '[["1002", 750], ["1001", 500]]'
    assert told({"fee_ref": "", "fees": fees[0]}) == told({"fee_ref": "", "fees": fees[1]})
    assert told({"fee_ref": "", "fees": fees[0]}) != told({"fee_ref": "", "fees": fees[0].replace("500", "501")})


@pytest.mark.parametrize("kind", ["refund", "reversal", "chargeback"])
def test_one_event_that_two_reports_call_otherwise_goes_back_once(kind: str) -> None:
    assert told({"kind": kind, "amount_cents": -1250}) == told({"kind": "void", "amount_cents": -1250})


OTHER: list[dict[str, Any]] = [
    {"payment_ref": "X"},
    {"payment_line": "2"},
    {"system": "cashnet"},
    {"kind": "void", "amount_cents": -1250},
    {"kind": "adjustment"},
]


@pytest.mark.parametrize("other", OTHER)
def test_another_receipt_line_system_or_way_is_another_payment(other: dict[str, Any]) -> None:
    assert told(other)[0][0] != told({})[0][0]


@pytest.mark.parametrize("other", [{"amount_cents": 1251}, {"fee_ref": "1002"}])
def test_other_money_under_one_receipt_has_its_key_and_another_fingerprint(other: dict[str, Any]) -> None:
    (key, said), (same, differs) = told({})[0], told(other)[0]
    assert key == same
    assert said != differs


def test_without_a_receipt_equal_lines_of_a_file_are_counted_and_the_day_is_part_of_it() -> None:
    bare = {"payment_ref": ""}
    keys = [key for key, _ in told(bare, bare, {**bare, "occurred_on": "2026-01-06"})]
    assert len(set(keys)) == 3
    assert [key for key, _ in told(bare, bare)] == keys[:2]


def test_without_a_receipt_equal_lines_of_several_patrons_for_a_fee_are_counted_apart() -> None:
    mine, yours = {"payment_ref": ""}, {"payment_ref": "", "patron_id": "ab2"}
    first, second = (key for key, _ in told(mine, mine))
    assert [key for key, _ in told(yours, mine, yours, mine)] == [first, first, second, second]


def test_who_paid_counts_only_where_no_fee_is_named_and_in_any_case() -> None:
    bare = {"payment_ref": "", "fee_ref": ""}
    assert told({**bare, "patron_id": "AB1"}) == told(bare)
    assert told({**bare, "patron_id": "AB2"}) != told(bare)


LAYOUT = """
title = "receipts whose lines have no number"
format = "delimited"
encoding = "utf-8"
newline = "any"
delimiter = ","
headings = true
sign = "signed"

[returned]
repeats = "none"
amount_is = "payment"
covers = "business_day"
complete = "stable"

[[returned.kinds]]
amount = "positive"
kind = "sale"
money = "in"

[[returned.kinds]]
kind = "reversal"
money = "back"

[[detail.columns]]
name = "Receipt"
from = "payment_ref"
required = true
example = "R1"

[[detail.columns]]
name = "Fee"
from = "fee_ref"
example = "1001"

[[detail.columns]]
name = "Day"
from = "occurred_on"
show = "date:M/D/YYYY"
example = "1/5/2026"

[[detail.columns]]
name = "Paid"
from = "amount_cents"
show = "dollars"
required = true
example = "12.50"
"""
SAYS = """
[[systems.peoplesoft.returns]]
layout = "own/receipts"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "R_*.csv"
quiet_s = 0
"""
LARGE, SMALL = "R1,1001,1/5/2026,12.50", "R1,1002,1/5/2026,5.00"


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path, SAYS, {"own/receipts": LAYOUT})


def leave(counter: Counter, number: int, *rows: str) -> dict[str, int]:
    counter.leave(f"R_{number}.csv", "Receipt,Fee,Day,Paid\n" + "".join(f"{row}\n" for row in rows))
    return boxes(counter.night())


@pytest.mark.parametrize("again", [one for one in permutations([LARGE, SMALL, SMALL]) if one[0] != one[1]])
def test_the_lines_of_a_receipt_without_numbers_are_known_in_any_order(
    counter: Counter, again: tuple[str, ...]
) -> None:
    assert leave(counter, 1, SMALL, LARGE, SMALL) == {"passed": 3}
    assert leave(counter, 2, *again, "S1,1,1/5/2026,1.00") == {"passed": 1, "duplicate": 3}


@pytest.mark.parametrize("part", [LARGE, SMALL])
def test_a_part_of_such_a_receipt_is_known_and_what_is_added_to_it_takes_a_person(counter: Counter, part: str) -> None:
    leave(counter, 1, LARGE, SMALL)
    assert leave(counter, 2, part) == {"passed": 0, "duplicate": 1}
    assert leave(counter, 3, part, "R1,1003,1/5/2026,1.00") == {"passed": 0, "duplicate": 1, "held": 1}
    assert leave(counter, 4, "R1,1003,1/5/2026,1.00") == {"passed": 0, "duplicate": 1}
    assert [cents for state, cents, _ in counter.money() if state == "received"] == [500, 1250]


@pytest.mark.parametrize(("first", "then"), [(LARGE, SMALL), (SMALL, LARGE)])
def test_whichever_line_came_first_it_is_not_entered_twice(counter: Counter, first: str, then: str) -> None:
    assert leave(counter, 1, first) == {"passed": 1}
    assert leave(counter, 2, then, first) == {"passed": 0, "duplicate": 1, "held": 1}
    night = counter.night()
    assert codes(night) == []
    assert sorted(code for _, _, code in counter.money()) == ["", "PAYMENT-CHANGED"]


BACK = "R1,1001,1/{day}/2026,-5.00"


def test_two_equal_parts_that_go_back_on_two_days_are_not_one(counter: Counter) -> None:
    leave(counter, 1, LARGE, BACK.format(day=5))
    assert leave(counter, 2, BACK.format(day=6)) == {"passed": 0, "held": 1}
    assert leave(counter, 3, BACK.format(day=6), BACK.format(day=8)) == {"passed": 0, "duplicate": 1, "held": 1}
    held = [code for state, _, code in counter.money() if state == "held"]
    assert set(held) <= {"PAYMENT-OTHER-DAY", "PAYMENT-CHANGED"}
    assert len(held) == 2


def test_a_later_day_that_stands_in_front_does_not_move_the_line_that_is_known(counter: Counter) -> None:
    leave(counter, 1, LARGE, BACK.format(day=5))
    assert leave(counter, 2, LARGE, BACK.format(day=6), BACK.format(day=5)) == {"passed": 0, "duplicate": 2, "held": 1}
