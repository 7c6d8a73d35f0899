"""A report corrects the day of a line: it is one payment, or two, and a person says which; it is never paid unseen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PaymentState
from tests.unit.return_kit import Counter, codes

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.ledger import Payment

MOVED, CORRECTED, GONE = "PAYMENT-MOVED-DAY", "PAYMENT-CORRECTED?", "PAYMENT-WITHDRAWN?"


def line(day: int, fee: int = 1001, paid: str = "5.00", patron: str = "001234567") -> str:
    return f"{patron},1/{day}/2026,{fee},{paid}"


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    """A report of two payments was read."""
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", line(4, 1002, "3.00"), line(5))
    counter.night()
    return counter


def held(counter: Counter, code: str) -> list[tuple[str, str]]:
    found = [one for one in counter.ledger.payments.values() if (one.state, one.code) == (PaymentState.HELD, code)]
    return [(one.occurred_on, one.why) for one in found]


def test_the_line_of_the_new_day_is_held_and_names_both_days(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", line(4, 1002, "3.00"), line(6))
    assert codes(counter.night()) == [MOVED, GONE]
    [(day, why)] = held(counter, MOVED)
    assert day == "2026-01-06"
    assert "of 2026-01-06; an equal line of 2026-01-05 (line 3 of its file, received)" in why
    assert [day for day, _ in held(counter, GONE)] == ["2026-01-05"]
    assert codes(counter.night()) == []
    counter.paid("LIBRARY_PAID_3.csv", line(4, 1002, "3.00"), line(6), line(7, 1003))
    assert codes(counter.night()) == []
    assert len(held(counter, MOVED)) == 1


def test_so_it_is_where_the_earlier_one_is_posted(counter: Counter) -> None:
    posted(counter)
    counter.paid("LIBRARY_PAID_2.csv", line(4, 1002, "3.00"), line(6))
    assert codes(counter.night()) == [MOVED, "PAYMENT-WITHDRAWN-POSTED"]
    assert "allocated" in held(counter, MOVED)[0][1]


def posted(counter: Counter) -> Payment:
    """The payment of 5.00 is posted by now."""
    seen = next(one for one in counter.ledger.payments.values() if one.cents == 500)
    counter.ledger.payments[seen.key] = replace(seen, state=PaymentState.ALLOCATED, code="")
    return seen


CORRECTIONS = {
    "amount": line(5, paid="6.00"),
    "charge": line(5, 1003),
    "amount-and-day": line(6, paid="5.01"),
}


@pytest.mark.parametrize("row", CORRECTIONS.values(), ids=CORRECTIONS)
def test_another_amount_or_charge_in_the_place_of_what_is_posted_is_held_and_names_both(
    counter: Counter, row: str
) -> None:
    seen = posted(counter)
    counter.paid("LIBRARY_PAID_2.csv", line(4, 1002, "3.00"), row, line(6, 1009, "7.00", "009"))
    assert codes(counter.night()) == [CORRECTED, "PAYMENT-WITHDRAWN-POSTED"]
    [(day, why)] = held(counter, CORRECTED)
    assert why.startswith(
        f"{row.rpartition(',')[2]} of {day}; 5.00 of 2026-01-05 for 1001 (line 3 of its file, allocated)"
    )
    assert ("received", 700, "") in counter.money()
    counter.paid("LIBRARY_PAID_3.csv", line(4, 1002, "3.00"), row, line(7, 1009, "8.00", "009"))
    assert CORRECTED not in codes(counter.night())
    assert len(held(counter, CORRECTED)) == 1, "it stays until a person answers"
    assert [task.subject for task in counter.ledger.tasks()][:1] == [seen.key]


def test_it_is_not_asked_where_nothing_is_posted_or_money_goes_the_other_way_or_people_have_dealt_with_it(
    counter: Counter,
) -> None:
    counter.paid("LIBRARY_PAID_2.csv", line(4, 1002, "3.00"), line(5, paid="6.00"))
    assert codes(counter.night()) == [GONE]
    seen = posted(counter)
    back = line(5, paid="-5.00")
    counter.paid("LIBRARY_PAID_3.csv", line(4, 1002, "3.00"), line(5, paid="6.00"), back)
    assert codes(counter.night()) == ["PAYMENT-WITHDRAWN-POSTED"]
    counter.ledger.close_task(f"look-{seen.key}-1", "ann", "undone in Alma", counter.clock.now())
    counter.paid("LIBRARY_PAID_4.csv", line(4, 1002, "3.00"), line(5, paid="6.00"), back, line(5, paid="2.00"))
    assert codes(counter.night()) == []


@pytest.mark.parametrize(
    "rows",
    [
        (line(5), line(6)),
        (line(6, 1003),),
        (line(6, paid="5.01"),),
        (line(6, patron="001234568", fee=1004),),
    ],
    ids=["both-are-said", "another-charge", "another-amount", "another-patron"],
)
def test_a_new_line_that_takes_no_equal_ones_place_passes(counter: Counter, rows: tuple[str, ...]) -> None:
    counter.paid("LIBRARY_PAID_2.csv", line(4, 1002, "3.00"), *rows)
    assert MOVED not in codes(counter.night())


def test_as_many_are_held_as_are_said_no_more(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", line(4, 1002, "3.00"), line(7), line(6))
    counter.night()
    assert [day for day, _ in held(counter, MOVED)] == ["2026-01-06"]
    assert ("received", 500, "") in counter.money()


def test_what_lies_before_the_days_of_the_report_tells_nothing(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", line(6))
    assert codes(counter.night()) == []


def test_a_report_that_came_late_tells_nothing_of_what_is_gone(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_0.csv", line(4, 1002, "3.00"), line(6), age=timedelta(days=2))
    assert codes(counter.night()) == ["PAYMENTS-OLDER"]
