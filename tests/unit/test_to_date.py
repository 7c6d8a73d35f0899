"""Amounts paid so far: each payment is what came since the last file, a fall goes back, and nothing counts twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline import nightly
from pipeline.ports.ledger import PaymentState
from pipeline.stages import resolving
from pipeline.stages.resolving import Action
from tests.unit.return_kit import TO_DATE, Counter, boxes, codes

if TYPE_CHECKING:
    from pathlib import Path

SAYS = """
[[systems.peoplesoft.returns]]
layout = "own/so_far"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "SO_FAR_*.csv"
quiet_s = 0
"""


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    return Counter(tmp_path, SAYS, {"own/so_far": TO_DATE})


def said(counter: Counter, number: int, *sums: str, days: int = 5, age: int = 0) -> dict[str, int]:
    """Let a file say what was paid so far of fee 1001 by a day."""
    rows = [f"001234567,1/{days}/2026,1001,{one}" for one in sums]
    counter.paid(f"SO_FAR_{number}.csv", *rows, age=timedelta(days=age))
    return boxes(counter.night())


def steps(counter: Counter) -> list[int]:
    return sorted(one.cents for one in counter.ledger.payments.values())


def test_each_payment_is_the_difference_to_what_was_said_before(counter: Counter) -> None:
    assert said(counter, 1, "5.00") == {"passed": 1}
    assert said(counter, 2, "12.50", days=6)["passed"] == 1
    assert said(counter, 3, "12.50", days=7)["passed"] == 0
    assert steps(counter) == [500, 750]
    assert {one.kind for one in counter.ledger.payments.values()} == {"sale"}


def test_a_fall_is_a_reversal_of_the_difference_and_a_rise_after_it_is_a_payment_again(counter: Counter) -> None:
    for number, so_far in enumerate(("12.50", "5.00", "12.50", "5.00", "0.00"), start=5):
        said(counter, number, so_far, days=number)
    assert sorted(one.cents for one in counter.ledger.payments.values()) == [-750, -750, -500, 750, 1250]
    assert {one.kind for one in counter.ledger.payments.values() if one.cents < 0} == {"reversal"}
    assert sum(steps(counter)) == 0
    assert all(one.state is PaymentState.RECEIVED for one in counter.ledger.payments.values())


def test_nothing_paid_yet_is_no_money(counter: Counter) -> None:
    assert said(counter, 1, "0.00") == {"passed": 0, "excluded": 1}
    assert counter.ledger.payments == {}
    assert said(counter, 2, "5.00", days=6)["passed"] == 1


def test_a_lost_ledger_and_the_same_files_again_give_the_same_keys(counter: Counter) -> None:
    for number, so_far in enumerate(("5.00", "12.50", "9.00", "20.00"), start=5):
        said(counter, number, so_far, days=number)
    before = counter.keys()
    counter.ledger.lose()
    counter.night()
    assert counter.keys() == before


def test_an_older_file_that_comes_late_takes_nothing_back(counter: Counter) -> None:
    said(counter, 2, "12.50", days=6)
    assert said(counter, 1, "5.00", days=5, age=2)["passed"] == 0
    assert said(counter, 3, "5.00", days=6, age=5)["passed"] == 0
    assert steps(counter) == [1250]


def test_of_a_charge_that_a_file_names_for_several_days_the_newest_counts(counter: Counter) -> None:
    rows = [f"001234567,1/{day}/2026,1001,{so_far}" for day, so_far in ((7, "12.50"), (5, "5.00"), (6, "9.00"))]
    counter.paid("SO_FAR_1.csv", *rows)
    assert boxes(counter.night()) == {"passed": 1, "duplicate": 2}
    assert steps(counter) == [1250]


def test_two_sums_for_one_day_are_named_and_neither_is_entered(counter: Counter) -> None:
    counter.paid("SO_FAR_1.csv", *(f"001234567,1/5/2026,1001,{so_far}" for so_far in ("5.00", "12.50", "5.00")))
    night = counter.night()
    assert boxes(night) == {"passed": 0, "held": 3}
    assert codes(night) == ["PAYMENT-TWO-SUMS"]
    assert counter.ledger.payments == {}
    assert said(counter, 2, "12.50", days=6)["passed"] == 1
    assert steps(counter) == [1250]


def test_the_same_sum_twice_in_a_file_is_paid_once(counter: Counter) -> None:
    assert said(counter, 1, "5.00", "5.00") == {"passed": 1, "duplicate": 1}
    assert steps(counter) == [500]


def test_several_charges_each_have_sums_of_their_own(counter: Counter) -> None:
    def rows(*sums: str) -> list[str]:
        return [f"001234567,1/5/2026,{1000 + number},{one}" for number, one in enumerate(sums)]

    counter.paid("SO_FAR_1.csv", *rows("5.00", "1.00", "0.00"))
    counter.night()
    counter.paid("SO_FAR_2.csv", *reversed(rows("6.00", "1.00", "3.00")))
    assert boxes(counter.night()) == {"passed": 2, "duplicate": 4}
    assert steps(counter) == [100, 100, 300, 500]


def test_another_sum_of_an_older_day_is_held_until_a_person_says_that_it_counts(counter: Counter) -> None:
    said(counter, 1, "5.00", days=5)
    said(counter, 2, "12.50", days=6)
    counter.paid("SO_FAR_3.csv", "001234567,1/5/2026,1001,6.00")
    night = counter.night()
    assert codes(night) == ["PAYMENT-SUM-OLDER", "PAYMENTS-OLDER"]
    assert (boxes(night)["held"], night.news, steps(counter)) == (1, True, [500, 750])
    counter.paid("SO_FAR_4.csv", "001234567,1/5/2026,1001,6.00", "001234567,1/7/2026,1002,1.00")
    assert "PAYMENT-SUM-OLDER" in codes(counter.night(approved="peoplesoft")), "that is a yes to other things"
    counter.paid("SO_FAR_4.csv", "001234567,1/5/2026,1001,6.00", "001234567,1/7/2026,1002,2.00")
    night = counter.night(approved="peoplesoft:sums")
    assert codes(night) == ["PAYMENT-SUM-APPROVED"]
    (told,) = (one for one in night.findings if one.code == "PAYMENT-SUM-APPROVED")
    assert told.text == "6.00, said of 1001 for 2026-01-05, count as paid of it; 12.50 did before; approved"
    assert (told.subject in counter.ledger.payments, told.code in nightly.APPROVED) == (True, True)
    assert steps(counter) == [-650, 100, 100, 500, 750]
    said(counter, 5, "12.50", days=8)
    assert sum(steps(counter)) == 1450


def test_a_sum_that_comes_back_with_the_very_bytes_of_an_earlier_file_is_held_too(counter: Counter) -> None:
    said(counter, 1, "5.00", days=5)
    said(counter, 2, "12.50", days=6)
    counter.paid("SO_FAR_3.csv", "001234567,1/5/2026,1001,5.00")
    assert "PAYMENT-SUM-OLDER" in codes(counter.night())
    assert "PAYMENT-SUM-OLDER" not in codes(counter.night()), "it lies there still"


def test_a_file_that_comes_late_is_heard_on_a_charge_that_no_other_named_and_held_on_one_that_was(
    counter: Counter,
) -> None:
    said(counter, 1, "5.00", days=4)
    counter.paid("SO_FAR_3.csv", "001234567,1/7/2026,1002,1.00")
    counter.night()
    rows = ("001234567,1/6/2026,1003,2.00", "001234567,1/6/2026,1001,7.00", "001234567,1/7/2026,1002,9.00")
    counter.paid("SO_FAR_2.csv", *rows, age=timedelta(days=2))
    assert codes(counter.night()) == ["PAYMENT-SUM-OLDER", "PAYMENTS-OLDER"]
    assert steps(counter) == [100, 200, 500]


def test_a_line_of_a_day_to_come_is_held_and_makes_no_later_file_an_older_one(counter: Counter) -> None:
    counter.paid("SO_FAR_1.csv", "001234567,1/5/2026,1001,5.00", "001234567,1/5/2062,1002,5.00")
    night = counter.night()
    assert (codes(night), boxes(night)) == (["PAYMENT-UNREADABLE"], {"passed": 1, "held": 1})
    counter.paid("SO_FAR_2.csv", "001234567,1/6/2026,1001,12.50", "001234567,1/5/2026,1002,5.00")
    assert codes(counter.night()) == []
    counter.paid("SO_FAR_3.csv", "001234567,1/7/2026,1001,15.00", "001234567,1/5/2026,1002,5.00")
    assert codes(counter.night()) == []
    assert sum(counter.keys().values()) == 2000
    assert [one.cents for one in counter.ledger.payments.values() if one.state is PaymentState.HELD] == [500]


def test_a_line_of_the_next_business_day_is_read(counter: Counter) -> None:
    assert said(counter, 1, "5.00", days=12) == {"passed": 1}
    assert said(counter, 2, "6.00", days=14) == {"passed": 0, "held": 1, "duplicate": 1}


OTHER = "001234567,1/7/2026,1002,1.00"


def refused(counter: Counter, code: str) -> None:
    """A person says of what is held for this that it never came."""
    (held,) = (one for one in counter.ledger.payments.values() if one.code == code and one.state is PaymentState.HELD)
    to = resolving.of_payment(held, Action.REJECT)
    counter.ledger.settle_payment(held, to, held.code, "ann: never came", counter.clock.now())


def live(counter: Counter) -> list[tuple[int, str]]:
    """What stands of charge 1001, save what a person refused."""
    mine = (one for one in counter.ledger.payments.values() if one.fee_ref == "1001")
    return sorted((one.cents, one.code) for one in mine if one.state is not PaymentState.EXCLUDED)


@pytest.fixture
def never_came(counter: Counter) -> Counter:
    """5.00 were said of charge 1001, then nothing of it, and a person has said that they never came."""
    counter.paid("SO_FAR_1.csv", "001234567,1/5/2026,1001,5.00", OTHER)
    counter.night()
    counter.paid("SO_FAR_2.csv", OTHER, "001234567,1/5/2026,1003,1.00")
    assert codes(counter.night()) == ["PAYMENT-WITHDRAWN?"]
    refused(counter, "PAYMENT-WITHDRAWN?")
    return counter


@pytest.mark.parametrize("so_far", [500, 800])
def test_a_sum_of_which_a_person_said_that_a_part_never_came_is_held_whole(never_came: Counter, so_far: int) -> None:
    counter = never_came
    counter.paid("SO_FAR_3.csv", f"001234567,1/8/2026,1001,{so_far / 100:.2f}", OTHER)
    night = counter.night()
    assert (codes(night), live(counter)) == (["PAYMENT-SAID-AGAIN"], [(so_far, "PAYMENT-SAID-AGAIN")])
    (told,) = (one.text for one in night.findings if one.code == "PAYMENT-SAID-AGAIN")
    assert told.startswith("0 cents count as paid of 1001; this sum, said for 2026-01-08, is more")
    assert told.endswith("a person had said of 500 cents that they never came")
    counter.paid("SO_FAR_4.csv", f"001234567,1/9/2026,1001,{so_far / 100:.2f}", OTHER)
    assert (codes(counter.night()), len(live(counter))) == ([], 1)


def test_a_sum_that_says_no_more_than_what_a_person_let_stand_is_no_question(never_came: Counter) -> None:
    counter = never_came
    counter.paid("SO_FAR_3.csv", "001234567,1/8/2026,1001,0.00", OTHER)
    assert (codes(counter.night()), live(counter)) == ([], [])


def test_a_second_no_to_the_same_sum_is_the_last_word_and_another_sum_is_another_question(never_came: Counter) -> None:
    counter = never_came
    counter.paid("SO_FAR_3.csv", "001234567,1/8/2026,1001,8.00", OTHER)
    counter.night()
    refused(counter, "PAYMENT-SAID-AGAIN")
    counter.paid("SO_FAR_4.csv", "001234567,1/9/2026,1001,8.00", OTHER)
    assert (codes(counter.night()), live(counter)) == ([], [])
    counter.paid("SO_FAR_5.csv", "001234567,1/10/2026,1001,9.00", OTHER)
    assert (codes(counter.night()), live(counter)) == (["PAYMENT-SAID-AGAIN"], [(900, "PAYMENT-SAID-AGAIN")])
