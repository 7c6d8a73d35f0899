"""Entering lines of money: each once, each under a key of its own, and no file that the ledger must refuse for ever."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PaymentState
from tests.unit.return_kit import PAID, Counter, boxes, cashnet, codes

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.campus.load import Loaded

OUT = "cashnet/out"
SALE = "R1,1,SALE,CLOSED,12.50,1001,LIB-LOST"
OTHER = "R1,1,SALE,CLOSED,9.00,1001,LIB-LOST"
THIRD = "R1,1,SALE,CLOSED,8.00,1001,LIB-LOST"


def told(counter: Counter, number: int, *lines: str) -> dict[str, int]:
    """Let the CASHNet bursar leave a file of these lines, and a night read it."""
    counter.leave(f"CASHNET_PAYMENTS_{number}.csv", cashnet(*lines), at=OUT)
    return boxes(counter.night())


def test_a_line_is_entered_with_all_that_it_says(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert told(counter, 1, SALE) == {"passed": 1}
    payment = counter.only()
    assert (payment.payment_ref, payment.payment_line, payment.item_code) == ("R1", "1", "LIB-LOST")
    assert (payment.status, payment.method, payment.reader) == ("CLOSED", "CC", "cashnet/payments")
    assert (payment.occurred_on, payment.patron_id, payment.cents) == ("2026-01-05", "001234567", 1250)
    assert payment.state is PaymentState.RECEIVED


def test_a_receipt_line_said_once_so_and_twice_otherwise_is_held_once(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert told(counter, 1, SALE, OTHER, OTHER) == {"passed": 1, "held": 1, "duplicate": 1}
    assert counter.money() == [("held", 900, "PAYMENT-CHANGED"), ("received", 1250, "")]


def test_two_other_sums_of_one_receipt_line_are_two_questions(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert told(counter, 1, SALE, OTHER, THIRD, OTHER, SALE) == {"passed": 1, "held": 2, "duplicate": 2}
    assert [cents for state, cents, _ in counter.money() if state == "held"] == [800, 900]


def test_what_contradicted_before_is_known_however_often_it_is_said_again(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    told(counter, 1, SALE)
    assert told(counter, 2, OTHER) == {"held": 1, "passed": 0}
    assert told(counter, 3, OTHER, OTHER, SALE) == {"duplicate": 3, "passed": 0}
    assert counter.money() == [("held", 900, "PAYMENT-CHANGED"), ("received", 1250, "")]
    assert {file.state for file in counter.ledger.rows.values()} == {"booked"}


def test_a_sale_and_its_later_void_are_two_lines_of_money(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    told(counter, 1, SALE)
    assert told(counter, 2, SALE.replace("CLOSED", "VOID")) == {"passed": 1}
    void = next(one for one in counter.ledger.payments.values() if one.kind == "void")
    assert (void.state, void.cents, void.payment_ref, void.payment_line) == (PaymentState.RECEIVED, -1250, "R1", "1")
    assert told(counter, 3, SALE.replace("CLOSED", "VOID"), SALE) == {"duplicate": 2, "passed": 0}


@pytest.mark.parametrize("what", ["REFUND", "VOID", "REVERSAL", "ADJUST"])
def test_money_going_back_is_passed_on_with_its_sign(tmp_path: Path, what: str) -> None:
    counter = Counter(tmp_path)
    assert told(counter, 1, f"R2,1,{what},CLOSED,-12.50,1001,LIB-LOST") == {"passed": 1}
    assert counter.money() == [("received", -1250, "")]


def test_a_void_that_another_word_is_used_for_goes_back_once(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    told(counter, 1, "R2,1,VOID,CLOSED,-12.50,1001,LIB-LOST")
    assert told(counter, 2, "R2,1,REFUND,CLOSED,-12.50,1001,LIB-LOST") == {"duplicate": 1, "passed": 0}


def test_two_receipts_and_two_lines_of_one_are_two_payments_each(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    lines = (SALE, SALE.replace("R1", "R2"), SALE.replace("R1,1", "R1,2"))
    assert told(counter, 1, *lines) == {"passed": 3}
    assert told(counter, 2, *reversed(lines)) == {"duplicate": 3, "passed": 0}


def test_a_line_number_is_the_same_with_and_without_zeros_in_front(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    told(counter, 1, SALE)
    assert told(counter, 2, SALE.replace("R1,1", "R1,01")) == {"duplicate": 1, "passed": 0}


NOT_MONEY = [
    ("R1,1,SALE,CANCELLED,12.50,1001,LIB-LOST", "PAYMENT-ZERO"),
    ("R1,1,SALE,CLOSED,0.00,1001,LIB-LOST", "PAYMENT-ZERO"),
    ("R1,1,SALE,CLOSED,12.50,1001,CONVFEE", "PAYMENT-NOT-OURS"),
]


@pytest.mark.parametrize(("line", "code"), NOT_MONEY)
def test_what_is_no_money_of_ours_is_counted_and_left_out(tmp_path: Path, line: str, code: str) -> None:
    counter = Counter(tmp_path)
    assert told(counter, 1, line) == {"excluded": 1, "passed": 0}
    assert [(one.state, one.code) for one in counter.ledger.payments.values()] == [(PaymentState.EXCLUDED, code)]


@pytest.mark.parametrize("aside", [line for line, _ in NOT_MONEY])
def test_a_line_that_receive_put_aside_does_not_take_the_key_of_the_one_that_counts(tmp_path: Path, aside: str) -> None:
    for number, lines in enumerate(([SALE, aside], [aside, SALE], [SALE, aside, aside])):
        counter = Counter(tmp_path)
        told(counter, 2 * number, *lines)
        assert counter.money() == [("received", 1250, "")]
        told(counter, 2 * number + 1, *lines, "R9,1,SALE,CANCELLED,1.00,1001,LIB-LOST")
        assert counter.money() == [("received", 1250, "")]
        counter.clear(OUT)


def test_an_item_that_becomes_the_librarys_is_received_when_it_is_said_again(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    foreign = SALE.replace("LIB-LOST", "CONVFEE")
    told(counter, 1, foreign)
    assert counter.money() == []
    counter.campus = items(counter, "LIB-*", "CONV*")
    assert told(counter, 2, foreign, SALE.replace("R1", "R2")) == {"passed": 1, "duplicate": 1}
    assert counter.money() == [("received", 1250, "")] * 2
    told(counter, 3, foreign)
    assert len(counter.money()) == 2


def items(counter: Counter, *patterns: str) -> Loaded:
    """Give the campus with other items of the library."""
    campus = counter.campus.campus
    system = campus.systems["cashnet"]
    back = system.returns[0].model_copy(update={"items": patterns})
    systems = {**campus.systems, "cashnet": system.model_copy(update={"returns": (back,)})}
    return replace(counter.campus, campus=campus.model_copy(update={"systems": systems}))


def test_an_unreadable_line_is_held_once_and_the_others_go_on(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    voided = "R3,1,REFUND,VOID,-5.00,1001,LIB-LOST"
    assert told(counter, 1, SALE, voided) == {"passed": 1, "held": 1}
    assert ("held", 0, "PAYMENT-UNREADABLE") in counter.money() or len(counter.money()) == 2
    assert codes(counter.night()) == []


def test_ten_thousand_lines_ask_the_ledger_a_handful_of_times(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    lines = [f"R{number},1,SALE,CLOSED,12.50,1001,LIB-LOST" for number in range(10_000)]
    assert told(counter, 1, *lines) == {"passed": 10_000}
    assert told(counter, 2, *lines, SALE.replace("R1", "S1")) == {"passed": 1, "duplicate": 10_000}
    assert counter.ledger.asked < 6


MINE, YOURS = (f"{patron},01/05/2026,1001,12.50\n" for patron in ("001234567", "007654321"))


def paid(counter: Counter, number: int, *lines: str) -> dict[str, int]:
    """Let the PeopleSoft bursar leave the report that says all of it again, and a night read it."""
    counter.leave(f"LIBRARY_PAID_{number}.csv", PAID + "".join(lines), at="peoplesoft/out")
    return boxes(counter.night())


def test_an_equal_line_for_a_fee_that_names_another_patron_is_held_under_that_patron(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    assert [paid(counter, 1, YOURS), paid(counter, 2, MINE, YOURS)["held"]] == [{"passed": 1}, 1]
    assert paid(counter, 3, YOURS, MINE, YOURS)["passed"] == 1
    assert sorted((one.patron_id, one.code) for one in counter.ledger.payments.values()) == [
        ("001234567", "PAYMENT-OTHER-PATRON"),
        ("007654321", ""),
        ("007654321", ""),
    ]


def test_after_a_lost_ledger_the_first_of_them_has_the_key_it_had_whoever_comes_first(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    paid(counter, 1, YOURS)
    paid(counter, 2, MINE, YOURS)
    [before] = [one.key for one in counter.ledger.payments.values() if not one.code]
    counter.ledger.lose()
    paid(counter, 3, MINE, YOURS)
    assert [one.key for one in counter.ledger.payments.values() if not one.code] == [before]
