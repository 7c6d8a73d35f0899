"""A receipt that says the same money of another day may move it a second time: a person is asked, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.unit.return_kit import Counter, boxes, cashnet, codes

if TYPE_CHECKING:
    from pathlib import Path

CODE = "PAYMENT-OTHER-DAY"


def void(day: str, status: str = "VOID") -> str:
    return cashnet(f"R1,1,SALE,{status},12.50,1001,LIB-LOST").replace("1/5/2026", day)


def leave(counter: Counter, number: int, text: str) -> dict[str, int]:
    counter.leave(f"CASHNET_PAYMENTS_{number}.csv", text, at="cashnet/out")
    return boxes(counter.night())


def test_a_sale_made_good_again_on_a_later_day_is_asked_about_once(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    leave(counter, 1, void("1/5/2026", "CLOSED"))
    assert leave(counter, 2, void("1/6/2026")) == {"passed": 1}
    assert leave(counter, 3, void("1/7/2026", "CLOSED")) == {"passed": 0, "held": 1}
    assert leave(counter, 4, void("1/7/2026", "CLOSED") + "\n") == {"passed": 0, "duplicate": 1}
    assert counter.money() == [("held", 1250, CODE), ("received", -1250, ""), ("received", 1250, "")]


@pytest.mark.parametrize("together", [False, True], ids=["a-file-each", "sale-and-void-in-one"])
def test_so_is_one_made_good_again_on_the_day_of_its_void(tmp_path: Path, *, together: bool) -> None:
    counter, sale, voided = (
        Counter(tmp_path),
        "R1,1,SALE,CLOSED,12.50,1001,LIB-LOST",
        "R1,1,SALE,VOID,12.50,1001,LIB-LOST",
    )
    for number, rows in enumerate([(sale, voided)] if together else [(sale,), (voided,)]):
        leave(counter, number, cashnet(*rows))
    assert leave(counter, 3, cashnet(sale, "R2,1,SALE,CLOSED,1.00,1009,LIB-LOST")) == {"passed": 1, "held": 1}
    assert leave(counter, 4, cashnet(sale) + "\n") == {"passed": 0, "duplicate": 1}
    assert [cents for _, cents, code in counter.money() if code == CODE] == [1250]
    (held,) = [one for one in counter.ledger.payments.values() if one.code == CODE]
    assert "of 2026-01-05 before and took it back" in held.why


def test_one_that_is_made_good_in_the_file_of_its_void_or_in_another_of_that_night_is_asked_about(
    tmp_path: Path,
) -> None:
    sale, voided = "R1,1,SALE,CLOSED,12.50,1001,LIB-LOST", "R1,1,SALE,VOID,12.50,1001,LIB-LOST"
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    one, two = Counter(tmp_path / "one"), Counter(tmp_path / "two")
    assert leave(one, 1, cashnet(sale, voided, sale)) == {"passed": 2, "held": 1}
    assert leave(one, 2, cashnet(sale, voided, sale) + "\n") == {"passed": 0, "duplicate": 3}
    two.leave("CASHNET_PAYMENTS_1.csv", cashnet(sale, voided), at="cashnet/out")
    assert leave(two, 2, cashnet(sale)) == {"passed": 2, "held": 1}


def test_a_sale_and_its_void_told_again_are_known(tmp_path: Path) -> None:
    counter, rows = Counter(tmp_path), [f"R1,1,SALE,{status},12.50,1001,LIB-LOST" for status in ("CLOSED", "VOID")]
    leave(counter, 1, cashnet(*rows))
    assert leave(counter, 2, cashnet(*rows) + "\n") == {"passed": 0, "duplicate": 2}
    assert leave(counter, 3, cashnet(rows[1])) == {"passed": 0, "duplicate": 1}


def test_the_same_line_of_the_same_day_is_told_again(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    leave(counter, 1, void("1/5/2026"))
    assert leave(counter, 2, void("1/5/2026") + "\n") == {"passed": 0, "duplicate": 1}
    assert counter.money() == [("received", -1250, "")]


def test_two_days_of_one_file_are_two_questions_at_most(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    lines = ["R1,1,REFUND,CLOSED,-5.00,1001,LIB-LOST"] * 3
    text = cashnet(*lines).replace("1/5/2026", "1/4/2026", 1).replace("1/5/2026", "1/3/2026", 1)
    assert leave(counter, 1, text) == {"passed": 1, "held": 2}
    assert [cents for _, cents, code in counter.money() if code == CODE] == [-500, -500]
    night = counter.night()
    assert codes(night) == [], "nothing is asked twice"


def test_a_contradiction_said_again_of_another_day_is_a_question_of_its_own(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    other = cashnet("R1,1,SALE,CLOSED,9.00,1001,LIB-LOST")
    leave(counter, 1, void("1/5/2026", "CLOSED"))
    assert leave(counter, 2, other) == {"passed": 0, "held": 1}
    assert leave(counter, 3, other.replace("1/5/2026", "1/6/2026")) == {"passed": 0, "held": 1}
    assert leave(counter, 4, other.replace("1/5/2026", "1/6/2026") + "\n") == {"passed": 0, "duplicate": 1}
    assert [code for _, _, code in counter.money()] == ["PAYMENT-CHANGED", CODE, ""]
