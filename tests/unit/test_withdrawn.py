"""What a report says no more: held while nothing is posted, else a task for staff, and received when said again."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PaymentState
from pipeline.stages import resolving
from pipeline.stages.resolving import Action
from tests.fakes.money import a_charge, a_share
from tests.unit.return_kit import Counter, boxes, codes

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.ledger import Payment

GONE, AGAIN = "PAYMENT-WITHDRAWN?", "PAYMENT-SAID-AGAIN"
FIRST, LOST, LAST = (f"00123456{day},1/{day}/2026,100{day},{day}.00" for day in (5, 6, 7))


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    """A report of three payments was read."""
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", FIRST, LOST, LAST)
    assert boxes(counter.night()) == {"passed": 3}
    return counter


def lost(counter: Counter) -> Payment:
    return next(one for one in counter.ledger.payments.values() if one.cents == 600)


def test_what_a_newer_report_leaves_out_is_held_and_goes_on_when_it_is_said_again(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST)
    night = counter.night()
    assert codes(night) == [GONE]
    held = lost(counter)
    assert (held.state, held.code) == (PaymentState.HELD, GONE)
    assert "LIBRARY_PAID_2.csv covers 2026-01-05 to 2026-01-07" in held.why
    assert counter.money() == [("held", 600, GONE), ("received", 500, ""), ("received", 700, "")]
    assert codes(counter.night()) == [], "nothing new came, and nothing is said again"
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LOST, LAST, "001,1/8/2026,1,1.00")
    assert codes(counter.night()) == []
    assert lost(counter).state is PaymentState.RECEIVED
    assert len(counter.money()) == 4


@pytest.mark.parametrize("state", [PaymentState.MATCHED, PaymentState.SUSPENSE, PaymentState.HELD])
def test_whatever_is_not_posted_is_held(counter: Counter, state: PaymentState) -> None:
    seen = lost(counter)
    counter.ledger.payments[seen.key] = replace(seen, state=state, code="" if state == "matched" else "MATCH-X")
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST)
    counter.night()
    assert (lost(counter).state, lost(counter).code) == (PaymentState.HELD, GONE)


def test_what_was_posted_is_a_task_with_all_figures_opened_once(counter: Counter) -> None:
    seen = lost(counter)
    charge = a_charge()
    counter.ledger.debts[charge.source, charge.fee_id] = charge
    counter.ledger.payments[seen.key] = replace(seen, state=PaymentState.ALLOCATED, shares=(a_share(600),))
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST)
    assert codes(counter.night()) == ["PAYMENT-WITHDRAWN-POSTED"]
    (task,) = counter.ledger.tasks()
    assert (task.kind, task.subject, task.cents, task.reference) == ("look", seen.key, 600, "B1")
    assert (task.system, task.source, task.fee_id, task.opened_on) == ("peoplesoft", "export", "B1", "2026-01-06")
    for word in ("6.00", "2026-01-06", "1006", "LIBRARY_PAID_2.csv", "ask the bursar"):
        assert word.lower() in task.text.lower()
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LAST, "001,1/8/2026,1,1.00")
    assert codes(counter.night()) == []
    assert len(counter.ledger.tasks()) == 1
    assert lost(counter).state is PaymentState.ALLOCATED


def test_a_line_outside_of_what_the_report_covers_stays(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", LAST, "001,1/8/2026,1,1.00")
    assert codes(counter.night()) == []
    assert {one.state for one in counter.ledger.payments.values()} == {PaymentState.RECEIVED}


def test_an_older_report_that_comes_late_withdraws_nothing(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_0.csv", FIRST, LAST, age=timedelta(days=3))
    assert codes(counter.night()) == ["PAYMENTS-OLDER"]
    counter.paid("LIBRARY_PAID_00.csv", FIRST, "001,1/6/2026,1,1.00")
    assert codes(counter.night()) == ["PAYMENTS-OLDER"], "it ends before lines that are known"
    assert lost(counter).state is PaymentState.RECEIVED


def test_a_report_without_lines_withdraws_nothing(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv")
    assert codes(counter.night()) == ["RETURN-EMPTY"]
    assert lost(counter).state is PaymentState.RECEIVED


def test_a_second_equal_payment_that_is_said_no_more_is_held_and_the_first_is_not(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LOST, LOST, LAST)
    assert boxes(counter.night())["passed"] == 1
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LOST, LAST, "001,1/8/2026,1,1.00")
    counter.night()
    assert sorted(one.state for one in counter.ledger.payments.values() if one.cents == 600) == ["held", "received"]


def test_a_person_who_lets_it_go_is_not_asked_again(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST)
    counter.night()
    counter.ledger.settle_payment(
        lost(counter), PaymentState.RECEIVED, GONE, "bo: the bursar has it", counter.clock.now()
    )
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LAST, "001,1/8/2026,1,1.00")
    assert codes(counter.night()) == []
    assert lost(counter).state is PaymentState.RECEIVED


def never_came(counter: Counter, held: Payment) -> None:
    """A person rejects what is held."""
    to = resolving.of_payment(held, Action.REJECT)
    counter.ledger.settle_payment(held, to, held.code, "bo: the bursar says it never came", counter.clock.now())


def test_what_a_person_said_never_came_and_a_later_report_says_is_held_with_a_finding(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST)
    counter.night()
    never_came(counter, lost(counter))
    assert lost(counter).state is PaymentState.EXCLUDED
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LAST, "001,1/8/2026,1,1.00")
    assert codes(counter.night()) == []
    counter.paid("LIBRARY_PAID_4.csv", FIRST, LOST, LAST, "001,1/8/2026,1,1.00")
    night = counter.night()
    assert codes(night) == [AGAIN]
    held = lost(counter)
    assert (held.state, held.code) == (PaymentState.HELD, AGAIN)
    assert held.why == "LIBRARY_PAID_4.csv says it again, and a person had said that it never came"
    counter.paid("LIBRARY_PAID_5.csv", FIRST, LAST, "001,1/8/2026,1,1.00", "001,1/9/2026,2,2.00")
    assert (codes(counter.night()), lost(counter)) == ([], held), "its absence answers nothing"
    assert resolving.of_payment(held, Action.RESEND) is PaymentState.RECEIVED


def test_a_second_no_to_what_a_report_says_again_is_the_last_word(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST)
    counter.night()
    never_came(counter, lost(counter))
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LOST, LAST, "001,1/8/2026,1,1.00")
    assert codes(counter.night()) == [AGAIN]
    never_came(counter, lost(counter))
    for number, rows in ((4, (FIRST, LAST)), (5, (FIRST, LOST, LAST))):
        counter.paid(f"LIBRARY_PAID_{number}.csv", *rows, "001,1/8/2026,1,1.00", f"001,1/9/2026,{number},1.00")
        assert AGAIN not in codes(counter.night())
        assert (lost(counter).state, lost(counter).code) == (PaymentState.EXCLUDED, AGAIN)


@pytest.mark.parametrize(("went", "state"), [(100, PaymentState.RECEIVED), (101, PaymentState.HELD)])
def test_what_is_said_again_is_held_with_both_figures_if_what_went_back_of_its_debt_needs_it(
    counter: Counter, went: int, state: PaymentState
) -> None:
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST)
    counter.night()
    charge, held = a_charge(), lost(counter)
    counter.ledger.debts[charge.source, charge.fee_id] = charge
    elsewhere = replace(held, reader="other", code="")
    counter.ledger.payments |= {
        held.key: replace(held, shares=(a_share(600),)),
        "other": replace(elsewhere, key="other", cents=100, state=PaymentState.ALLOCATED, shares=(a_share(100),)),
        "back": replace(elsewhere, key="back", cents=-went, state=PaymentState.TASKED, shares=(a_share(-went),)),
    }
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LOST, LAST, "001,1/8/2026,1,1.00")
    night = counter.night()
    assert (lost(counter).state, bool(lost(counter).shares)) == (state, state is PaymentState.HELD)
    told = [one.text for one in night.findings if one.code == AGAIN]
    says = "LIBRARY_PAID_3.csv says it again, and 5.99 count as paid of fee B1 after money went back"
    assert told == ([f"6.00 of 2026-01-06: {says}, with 6.00 of this payment"] if state is PaymentState.HELD else [])


def test_what_went_back_of_a_payment_itself_is_no_reason_to_hold_it(counter: Counter) -> None:
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST)
    counter.night()
    charge, held = a_charge(), lost(counter)
    back = replace(held, key="back", cents=-200, state=PaymentState.TASKED, code="", shares=(a_share(-200),))
    counter.ledger.debts[charge.source, charge.fee_id] = charge
    counter.ledger.payments |= {
        held.key: replace(held, shares=(a_share(600),)),
        back.key: replace(back, takes_back=held.key, occurred_on="2026-02-01"),
    }
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LOST, LAST, "001,1/8/2026,1,1.00")
    assert codes(counter.night()) == []
    assert lost(counter).state is PaymentState.RECEIVED


def test_what_a_person_must_answer_is_not_answered_by_its_absence(counter: Counter) -> None:
    seen = lost(counter)
    counter.ledger.payments[seen.key] = replace(seen, state=PaymentState.HELD, code="PAYMENT-CHANGED")
    for number, rows in ((2, (FIRST, LAST)), (3, (FIRST, LOST, LAST, "001,1/8/2026,1,1.00"))):
        counter.paid(f"LIBRARY_PAID_{number}.csv", *rows)
        assert codes(counter.night()) == []
        assert (lost(counter).state, lost(counter).code) == (PaymentState.HELD, "PAYMENT-CHANGED")


def test_a_payment_and_what_took_it_back_may_both_be_left_out(counter: Counter) -> None:
    sale, back = lost(counter), next(one for one in counter.ledger.payments.values() if one.cents == 700)
    counter.ledger.payments |= {
        sale.key: replace(sale, state=PaymentState.CANCELLED),
        back.key: replace(back, state=PaymentState.CANCELLED, takes_back=sale.key),
    }
    counter.paid("LIBRARY_PAID_2.csv", FIRST, "001,1/8/2026,1,1.00")
    assert codes(counter.night()) == []
    counter.paid("LIBRARY_PAID_3.csv", FIRST, LAST, "001,1/9/2026,1,1.00")
    assert "PAYMENT-WITHDRAWN-POSTED" in codes(counter.night()), "what is left of the two is for staff to see"


SECOND = """
[[systems.peoplesoft.returns]]
layout = "peoplesoft/paid"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "LIBRARY_PAID_*.csv"
quiet_s = 0

[[systems.peoplesoft.returns]]
layout = "peoplesoft/paid"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "GRADUATES_*.csv"
quiet_s = 0
"""


def test_two_reports_of_one_layout_do_not_withdraw_each_others_payments(tmp_path: Path) -> None:
    counter = Counter(tmp_path, SECOND)
    counter.paid("LIBRARY_PAID_1.csv", FIRST, LOST, LAST)
    counter.paid("GRADUATES_1.csv", FIRST.replace("1005", "2005"), LAST.replace("1007", "2007"))
    night = counter.night()
    assert (boxes(night), codes(night)) == ({"passed": 5}, [])
    counter.paid("GRADUATES_2.csv", LAST.replace("1007", "2007"), FIRST.replace("1005", "2005"), LOST)
    night = counter.night()
    assert codes(night) == ["PAYMENT-REPEATED"], "an equal line in the other report is told twice, or is two payments"
    counter.paid("GRADUATES_3.csv", LAST.replace("1007", "2007"), LOST, FIRST.replace("1005", "2005"))
    assert codes(counter.night()) == []
    assert [code for _, _, code in counter.money() if code] == ["PAYMENT-REPEATED"]


@pytest.mark.parametrize("steps", range(1, 8))
def test_a_crash_anywhere_in_the_night_is_made_good_by_the_next(tmp_path: Path, steps: int) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", FIRST, LOST, LAST)
    counter.night()
    counter.paid("LIBRARY_PAID_2.csv", FIRST, LAST, "001,1/8/2026,1,1.00")
    left = [steps]

    def crash(_what: str) -> None:
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    counter.ledger.step = crash
    try:
        counter.night()
    except KeyboardInterrupt:
        counter.ledger.step = lambda _what: None
        counter.night()
    assert counter.money() == [
        ("held", 600, GONE),
        ("received", 100, ""),
        ("received", 500, ""),
        ("received", 700, ""),
    ]
