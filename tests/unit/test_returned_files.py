"""Returned files that come late, old, twice, under other names, for several returns, or with what must not be kept."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PaymentState
from tests.unit.return_kit import ONCE, Counter, boxes, cashnet, codes

if TYPE_CHECKING:
    from pathlib import Path

ROW = "001234567,1/5/2026,1001,12.50"
CARD = "4111111111111111"

RETURN = """
[[systems.peoplesoft.returns]]
layout = "{layout}"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "{pattern}"
quiet_s = 0
"""
USUAL = RETURN.format(layout="peoplesoft/paid", pattern="LIBRARY_PAID_*.csv")


def test_a_file_whose_newest_line_is_long_past_waits_until_a_person_says_yes(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", "001234567,11/30/2025,1001,12.50", "001234567,11/1/2025,1002,1.00")
    night = counter.night()
    assert (codes(night), boxes(night)) == (["PAYMENTS-STALE"], {"passed": 0, "waiting": 2})
    assert "more than 35 days ago" in next(one.text for one in night.findings if one.code == "PAYMENTS-STALE")
    assert counter.ledger.payments == {}
    assert night.unread == {"peoplesoft"}
    assert codes(counter.night()) == ["PAYMENTS-STALE"], "it is kept, and named again"
    assert codes(counter.night(approved="peoplesoft")) == ["PAYMENTS-STALE"], "that is a yes to other things"
    night = counter.night(approved="peoplesoft:stale")
    assert (codes(night), boxes(night)) == (["ARRIVAL-APPROVED"], {"passed": 2})
    assert len(counter.ledger.payments) == 2
    assert codes(counter.night()) == [], "a file that was read is not asked about again"


def test_an_unreadable_line_of_a_file_that_is_read_is_held_though_a_file_that_waits_says_it_too(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    bad = "001234568,11/1/2025,1006,6.0x"
    counter.paid("LIBRARY_PAID_1.csv", bad, "001234567,11/30/2025,1001,12.50")
    counter.paid("LIBRARY_PAID_2.csv", bad, "001234567,1/5/2026,1005,5.00")
    assert codes(counter.night()) == ["PAYMENT-UNREADABLE", "PAYMENTS-STALE"]
    assert [(state, code) for state, _, code in counter.money()] == [("held", "PAYMENT-UNREADABLE"), ("received", "")]
    (held,) = counter.ledger.payments_in(PaymentState.HELD)
    assert counter.ledger.rows[held.file_sha].name == "LIBRARY_PAID_2.csv"


def test_a_file_with_one_line_that_is_new_enough_is_read(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", "001234567,12/1/2025,1001,12.50", "001234567,11/1/2025,1002,1.00")
    assert boxes(counter.night()) == {"passed": 2}


def test_a_file_that_did_not_come_by_its_hour_is_an_alarm_until_it_comes(tmp_path: Path) -> None:
    counter = Counter(tmp_path, USUAL + 'expected.by = "00:30"\n')
    night = counter.night()
    assert codes(night) == ["PAYMENTS-LATE"]
    text = next(one.text for one in night.findings if one.code == "PAYMENTS-LATE")
    assert text.startswith("peoplesoft, LIBRARY_PAID_*.csv: nothing came, and it was due on Monday, 2026-01-05")
    assert text.endswith("no file of it ever came")
    counter.paid("LIBRARY_PAID_1.csv", ROW)
    assert codes(counter.night()) == []
    assert codes(counter.night()) == [], "what came after its hour may be the next one, sent early"
    assert codes(counter.night()) == ["PAYMENTS-LATE"], "by now another one is due"


def test_of_two_returns_of_a_system_the_one_that_did_not_come_is_named(tmp_path: Path) -> None:
    two = 'expected.by = "00:30"\n'
    counter = Counter(tmp_path, USUAL + two + RETURN.format(layout="peoplesoft/paid", pattern="GRADS_*.csv") + two)
    counter.paid("LIBRARY_PAID_1.csv", ROW)
    night = counter.night()
    (late,) = [one for one in night.findings if one.code == "PAYMENTS-LATE"]
    assert late.text.startswith("peoplesoft, GRADS_*.csv")


def test_the_same_bytes_under_another_name_count_once_and_are_named(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", ROW)
    counter.night()
    counter.clear()
    counter.paid("LIBRARY_PAID_2.csv", ROW)
    night = counter.night()
    (again,) = [one for one in night.findings if one.code == "FETCH-AGAIN"]
    assert "LIBRARY_PAID_2.csv: the same bytes came as LIBRARY_PAID_1.csv" in again.text
    assert len(counter.ledger.payments) == 1


def test_other_bytes_under_a_name_that_was_read_stay_with_their_sender_unless_the_report_repeats_itself(
    tmp_path: Path,
) -> None:
    counter = Counter(tmp_path)
    sale = "R1,1,SALE,CLOSED,12.50,1001,LIB-LOST"
    nights = []
    for lines in ([sale], [sale, sale.replace("R1", "R2")]):
        counter.leave("CASHNET_PAYMENTS_1.csv", cashnet(*lines), at="cashnet/out")
        counter.paid("LIBRARY_PAID_1.csv", *[ROW, ROW][: len(lines)])
        nights.append(codes(counter.night()))
    assert nights == [[], ["FETCH-SAME-NAME"]]
    assert sorted(one.system for one in counter.ledger.payments.values()) == ["cashnet", "peoplesoft", "peoplesoft"]


@pytest.mark.parametrize("at", ["peoplesoft/out", "cashnet/out"])
def test_nothing_of_a_file_with_a_card_number_is_kept_at_any_door(tmp_path: Path, at: str) -> None:
    counter = Counter(tmp_path)
    name = "LIBRARY_PAID_1.csv" if at.startswith("peoplesoft") else "CASHNET_PAYMENTS_1.csv"
    counter.leave(name, f"Emplid,Paid Amount\n{CARD},12.50\n", at=at)
    night = counter.night()
    assert codes(night) == ["FETCH-CARD-NUMBER"]
    assert CARD not in " ".join(one.text for one in night.findings)
    assert counter.ledger.rows == {}
    assert not [path for path in (counter.campus.state / "archive").rglob("*") if path.is_file()]
    assert (tmp_path / "bursar" / at / name).is_file(), "it lies where its sender put it"


def test_a_file_cut_off_before_its_trailer_is_refused_and_read_when_it_is_whole(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    whole = cashnet("R1,1,SALE,CLOSED,12.50,1001,LIB-LOST", "R2,1,SALE,CLOSED,1.00,1001,LIB-LOST")
    counter.leave("CASHNET_PAYMENTS_1.csv", whole[: whole.rindex("T,")], at="cashnet/out")
    night = counter.night()
    assert [one.code for one in night.findings if one.refuses_file] != []
    assert counter.ledger.payments == {}
    counter.leave("CASHNET_PAYMENTS_1.csv", whole, at="cashnet/out")
    assert boxes(counter.night()) == {"passed": 2}


def test_a_file_whose_pattern_was_changed_while_it_waited_is_named_and_kept(tmp_path: Path) -> None:
    counter = Counter(tmp_path, USUAL)
    counter.paid("LIBRARY_PAID_1.csv", "001234567,11/30/2025,1001,12.50")
    counter.night()
    counter.say(RETURN.format(layout="peoplesoft/paid", pattern="PAID_*.csv"))
    night = counter.night(approved="peoplesoft:stale")
    assert codes(night) == ["PAYMENTS-NO-LAYOUT"]
    assert (counter.ledger.newest().state, counter.ledger.payments) == ("archived", {})
    counter.say(USUAL)
    assert boxes(counter.night(approved="peoplesoft:stale")) == {"passed": 1}


def test_a_file_of_a_system_that_the_campus_has_no_more_is_named_and_kept(tmp_path: Path) -> None:
    counter = Counter(tmp_path, USUAL)
    counter.paid("LIBRARY_PAID_1.csv", "001234567,11/30/2025,1001,12.50")
    counter.night()
    (sha,) = counter.ledger.rows
    counter.ledger.rows[sha] = replace(counter.ledger.rows[sha], feed="banner")
    night = counter.night()
    assert "PAYMENTS-NO-LAYOUT" in codes(night)
    assert counter.ledger.rows[sha].state == "archived"


def test_two_returns_of_one_system_are_told_apart_by_their_patterns(tmp_path: Path) -> None:
    says = USUAL + RETURN.format(layout="cashnet/payments", pattern="CASHNET_*.csv") + 'items = ["LIB-LOST"]\n'
    counter = Counter(tmp_path, says + RETURN.format(layout="cashnet/payments", pattern="ALL_*.csv"))
    lines = ("R1,1,SALE,CLOSED,12.50,1001,LIB-LOST", "R2,1,SALE,CLOSED,1.00,1001,OTHER")
    counter.leave("CASHNET_1.csv", cashnet(*lines))
    counter.paid("LIBRARY_PAID_1.csv", ROW)
    assert boxes(counter.night()) == {"passed": 2, "excluded": 1}
    counter.leave("ALL_1.csv", cashnet(*(line.replace("R", "S") for line in lines)))
    assert boxes(counter.night())["passed"] == 2
    assert {one.reader for one in counter.ledger.payments.values()} == {"peoplesoft/paid", "cashnet/payments"}


def test_where_two_patterns_fit_a_name_the_file_is_read_as_what_it_is(tmp_path: Path) -> None:
    says = RETURN.format(layout="cashnet/payments", pattern="*.csv") + USUAL
    counter = Counter(tmp_path, says)
    counter.paid("LIBRARY_PAID_1.csv", ROW)
    night = counter.night()
    assert (codes(night), boxes(night)) == ([], {"passed": 1})
    assert counter.only().reader == "peoplesoft/paid"


def test_where_two_layouts_could_read_a_file_nobody_guesses(tmp_path: Path) -> None:
    says = RETURN.format(layout="own/once", pattern="LIB*.csv") + USUAL
    counter = Counter(tmp_path, says, {"own/once": ONCE})
    counter.paid("LIBRARY_PAID_1.csv", ROW)
    assert codes(counter.night()) == ["PAYMENTS-NO-LAYOUT"]
    assert counter.ledger.payments == {}


def test_an_equal_line_without_a_receipt_in_another_file_is_held_and_one_in_the_same_file_counts(
    tmp_path: Path,
) -> None:
    counter = Counter(tmp_path, RETURN.format(layout="own/once", pattern="ONCE_*.csv"), {"own/once": ONCE})
    counter.paid("ONCE_1.csv", ROW, ROW)
    assert boxes(counter.night()) == {"passed": 2}
    counter.paid("ONCE_2.csv", ROW, "001234567,1/6/2026,1001,12.50")
    assert boxes(counter.night()) == {"passed": 1, "held": 1}
    assert [code for _, _, code in counter.money() if code] == ["PAYMENT-REPEATED"]


def test_in_a_report_that_repeats_itself_the_nth_equal_line_is_the_nth_payment(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    for number, equal in enumerate((1, 2, 2, 3), start=1):
        counter.paid(f"LIBRARY_PAID_{number}.csv", *[ROW] * equal, f"001,1/{number + 5}/2026,1,{number}.00")
        counter.night()
    assert [cents for _, cents, _ in counter.money()].count(1250) == 3


def test_a_missing_file_that_comes_late_is_read_and_said_to_be_late(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    nights = []
    for number, day in ((2, "1/6/2026"), (1, "1/5/2026")):
        lines = cashnet(f"R{number},1,SALE,CLOSED,12.50,1001,LIB-LOST").replace("1/5/2026", day)
        counter.leave(f"CASHNET_PAYMENTS_{number}.csv", lines, at="cashnet/out")
        nights.append(codes(counter.night()))
    assert nights == [[], ["PAYMENTS-OLDER"]]
    assert len(counter.ledger.payments) == 2


def test_a_report_with_headings_only_is_read(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv")
    night = counter.night()
    assert (codes(night), boxes(night)) == ([], {"passed": 0})
    assert counter.ledger.newest().state == "booked"
