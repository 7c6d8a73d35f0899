"""Money going back: which payment it takes back, what that opens again, and what staff are told to do."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.ports.ledger import PaymentState, PostingState
from pipeline.stages.match import ALL_BACK
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import Desk, HeldFall, a_back, debt, unnamed

S = PaymentState
P = PostingState
POSTED = P.POSTED


def paid(*charged: object, state: PostingState = POSTED, **cents: int) -> Desk:
    """A night in which K1 paid B1 and was posted, or stands so."""
    desk = Desk(*(charged or (a_charge(),)))  # type: ignore[arg-type]
    desk.receive(a_payment())
    desk.match()
    desk.allocate("K1", state, **cents)
    return desk


def test_a_void_of_what_was_not_planned_yet_cancels_both() -> None:
    desk = Desk()
    desk.receive(a_payment(), a_back("V1", kind="void", payment_ref="R-K1", occurred_on="2026-11-22"))
    assert desk.night() == []
    assert (desk.state("K1"), desk.state("V1"), desk.open(), desk.tasks()) == (S.CANCELLED, S.CANCELLED, 1000, [])
    assert desk.book.payments["V1"].takes_back == "K1"


@pytest.mark.parametrize("state", [P.READY, P.HELD])
def test_what_was_planned_and_never_attempted_is_cancelled_too(state: PostingState) -> None:
    desk = paid(state=state)
    desk.receive(a_back(origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.state("K1"), desk.open(), desk.tasks()) == (S.CANCELLED, 1000, [])
    assert [one.state for one in desk.book.by_id.values()] == [P.CANCELLED]


def test_money_in_suspense_that_goes_back_is_cancelled() -> None:
    desk = Desk()
    desk.receive(a_payment(fee_ref="X"), a_back(fee_ref="X", origin_ref="R-K1"))
    assert desk.night() == ["MATCH-UNKNOWN-FEE"]
    assert (desk.state("K1"), desk.state("R1")) == (S.CANCELLED, S.CANCELLED)


@pytest.mark.parametrize("state", [P.POSTED, P.UNKNOWN])
@pytest.mark.parametrize("kind", ["refund", "void", "reversal", "chargeback"])
def test_what_may_be_in_alma_opens_the_debt_again_and_is_a_task(kind: str, state: PostingState) -> None:
    desk = paid(state=state)
    desk.receive(a_back(kind=kind, origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.state("K1"), desk.state("R1"), desk.open()) == (S.ALLOCATED, S.TASKED, 1000)
    assert desk.tasks() == [("unpay", "B1", 1000)]


def test_the_task_has_everything_that_staff_need() -> None:
    desk = paid(a_charge(reference="LIB-1"))
    desk.receive(a_back(fee_ref="LIB-1", origin_ref="R-K1"))
    desk.match()
    desk.back()
    (task,) = desk.book.by_task.values()
    assert (task.task_id, task.subject, task.reference, task.patron_id) == ("unpay-R1-1", "R1", "LIB-1", "P1")
    assert task.text == (
        "10.00 went back at peoplesoft (refund R-R1 of 2026-11-24 for receipt R-K1), and fee B1 of patron P1 is paid "
        "in Alma: enter a fee of exactly 10.00 there for the same patron, type and item, with the comment "
        '"reopens LIB-1". The bursar has the debt open again; with that comment it is not billed twice. '
        "Where comments are not read, the new fee is held (FEE-MAY-REOPEN): bursar reject it"
    )


def test_where_alma_has_not_answered_yet_the_task_says_so() -> None:
    desk = paid(state=P.UNKNOWN)
    desk.receive(a_back(origin_ref="R-K1"))
    desk.back()
    (task,) = desk.book.by_task.values()
    assert task.text.endswith("look at the fee first, and do nothing if it is not paid")


def test_the_fee_that_continues_a_debt_is_the_one_that_is_paid_in_alma() -> None:
    desk = paid(a_charge(continued_by=("N1",)))
    desk.receive(a_back(origin_ref="R-K1"))
    desk.back()
    (task,) = desk.book.by_task.values()
    assert "and fee B1 or N1 of patron P1 is paid" in task.text
    assert (task.fee_id, task.reference) == ("B1", "B1")


def test_a_debt_that_is_only_recorded_is_opened_again_and_alma_needs_nothing() -> None:
    desk = Desk(a_charge(payments_to="record"))
    desk.receive(a_payment())
    desk.match()
    desk.allocate("K1")
    desk.receive(a_back(origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.state("R1"), desk.open(), desk.tasks()) == (S.SETTLED, 1000, [])


def test_a_part_comes_off_the_last_shares_first() -> None:
    desk = Desk(debt("B1", 600), debt("B2", 400, "2026-12-24"))
    desk.receive(unnamed("K1", 1000))
    desk.match()
    desk.allocate("K1", POSTED)
    desk.receive(a_back(cents=-500, fee_ref="", origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.shares("R1"), desk.open("B1"), desk.open("B2")) == ([("B1", -100), ("B2", -400)], 100, 400)
    assert desk.tasks() == [("unpay", "B1", 100), ("unpay", "B2", 400)]


def test_a_part_comes_off_the_fee_it_names() -> None:
    desk = Desk(debt("B1", 600), debt("B2", 400))
    desk.receive(a_payment(cents=1000, fee_ref="", fees=(("B1", 600), ("B2", 400))))
    desk.match()
    desk.allocate("K1", POSTED)
    desk.receive(a_back(cents=-500, fee_ref="B1", origin_ref="R-K1"))
    desk.back()
    assert desk.shares("R1") == [("B1", -500)]


def test_a_surplus_that_no_debt_took_is_given_back_first() -> None:
    desk = Desk(debt("B1", 600))
    desk.receive(unnamed("K1", 1000))
    desk.match()
    desk.allocate("K1", POSTED)
    desk.receive(a_back(cents=-400, fee_ref="", origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.state("R1"), desk.shares("R1"), desk.open("B1"), desk.tasks()) == (S.SETTLED, [], 0, [])
    desk.receive(a_back("R2", -600, fee_ref="", origin_ref="R-K1"))
    desk.back()
    assert (desk.shares("R2"), desk.tasks()) == ([("B1", -600)], [("unpay", "B1", 600)])


def test_a_surplus_that_never_went_to_alma_needs_no_task() -> None:
    """15.00 named a fee of 10.00: Alma has 10.00 of them, and 5.00 go back."""
    desk = Desk()
    desk.receive(a_payment(cents=1500))
    desk.match()
    desk.allocate("K1", POSTED, B1=1000)
    desk.receive(a_back(cents=-500, origin_ref="R-K1"))
    desk.back()
    assert (desk.state("R1"), desk.shares("R1"), desk.open(), desk.tasks()) == (S.SETTLED, [("B1", -500)], 0, [])
    desk.receive(a_back("R2", -1000, origin_ref="R-K1"))
    desk.back()
    assert (desk.open(), desk.tasks()) == (1000, [("unpay", "B1", 1000)])


@pytest.mark.parametrize(("cents", "back", "left"), [(1000, -400, 400), (1300, -650, 350)])
def test_a_part_that_goes_back_before_the_plan_is_never_in_alma_so_it_is_no_task(
    cents: int, back: int, left: int
) -> None:
    desk = Desk()
    desk.receive(a_payment(cents=cents), a_back(cents=back, origin_ref="R-K1"))
    assert desk.night() == []
    assert (desk.state("K1"), desk.shares("K1"), desk.state("R1")) == (S.MATCHED, [("B1", cents)], S.SETTLED)
    assert (desk.tasks(), desk.open()) == ([], left)


def test_a_share_that_goes_back_whole_before_it_was_attempted_is_not_posted() -> None:
    desk = Desk(debt("B1", 600), debt("B2", 400))
    desk.receive(a_payment(cents=1000, fee_ref="", fees=(("B1", 600), ("B2", 400))))
    desk.match()
    first, second = desk.allocate("K1")
    desk.moved(first, POSTED)
    desk.receive(a_back(cents=-1000, fee_ref="", origin_ref="R-K1"))
    assert desk.back() == []
    assert desk.book.posting(second.external_id).state is P.CANCELLED
    assert desk.tasks() == [("unpay", "B1", 600)]
    assert (desk.open("B1"), desk.open("B2")) == (600, 400)


def test_a_reversal_before_its_payment_waits_and_cancels_it_when_it_comes() -> None:
    desk = Desk()
    desk.receive(a_back(origin_ref="R-K1"))
    assert desk.night() == ["REVERSAL-EARLY"]
    assert desk.night() == []
    desk.receive(a_payment())
    assert desk.night() == []
    assert (desk.state("K1"), desk.state("R1")) == (S.CANCELLED, S.CANCELLED)


def test_a_receipt_that_is_not_known_never_falls_back_on_another_payment_of_the_fee() -> None:
    desk = paid()
    desk.receive(a_back(origin_ref="R-K0"), a_back("V1", kind="void", payment_ref="R-K9"))
    assert desk.back() == ["REVERSAL-EARLY", "REVERSAL-EARLY"]
    assert desk.open() == 0


def test_without_a_receipt_the_newest_payment_of_just_these_cents_goes_back() -> None:
    desk = Desk(debt("B1", 2500))
    days = {"K1": 1000, "K2": 500, "K3": 1000}
    desk.receive(*(a_payment(key, cents, occurred_on=f"2026-11-1{key[1]}") for key, cents in days.items()))
    desk.match()
    for key in days:
        desk.allocate(key, POSTED)
    desk.receive(a_back("R1", payment_ref=""), a_back("R2", payment_ref=""), a_back("R3", payment_ref=""))
    assert desk.back() == ["REVERSAL-TOO-MUCH"]
    assert [desk.book.payments[key].takes_back for key in ("R1", "R2", "R3")] == ["K3", "K1", ""]


def test_without_a_receipt_money_that_came_later_is_not_what_went_back() -> None:
    desk = paid()
    desk.receive(a_back(occurred_on="2026-11-21"))
    assert desk.back() == ["REVERSAL-EARLY"]


def test_without_a_receipt_a_part_goes_back_of_the_only_payment() -> None:
    desk = paid()
    desk.receive(a_back(cents=-300))
    assert desk.back() == []
    assert (desk.shares("R1"), desk.tasks()) == ([("B1", -300)], [("unpay", "B1", 300)])


def test_a_sum_paid_to_date_may_fall_by_money_of_several_payments() -> None:
    desk = Desk(debt("B1", 1250))
    for key, cents in (("K1", 500), ("K2", 750)):
        desk.receive(a_payment(key, cents))
        desk.match()
        desk.allocate(key, POSTED)
    desk.receive(a_back("R1", -1000, kind="reversal", payment_ref=""))
    assert desk.back() == []
    assert (desk.shares("R1"), desk.open(), desk.tasks()) == ([("B1", -1000)], 1000, [("unpay", "B1", 1000)])
    desk.receive(a_back("R2", -500, kind="reversal", payment_ref=""), a_back("R3", -200, kind="reversal"))
    assert desk.back() == ["REVERSAL-TOO-MUCH"]
    assert (desk.state("R2"), desk.shares("R3"), desk.open()) == (S.HELD, [("B1", -200)], 1200)


def test_a_refund_with_a_receipt_of_its_own_that_is_told_twice_takes_no_other_payment() -> None:
    desk = Desk(debt("B1", 1500))
    for key, cents in (("K1", 500), ("K2", 1000)):
        desk.receive(a_payment(key, cents))
        desk.match()
        desk.allocate(key, POSTED)
    desk.receive(a_back("R1", -500), a_back("R2", -500))
    assert desk.back() == ["REVERSAL-TOO-MUCH"]
    assert desk.open() == 500


def test_two_refunds_never_take_back_more_than_the_payment() -> None:
    desk = paid()
    desk.receive(a_back("R1", -600, origin_ref="R-K1"), a_back("R2", -600, origin_ref="R-K1"))
    assert desk.back() == ["REVERSAL-TOO-MUCH"]
    assert desk.back() == []
    assert (desk.state("R1"), desk.state("R2"), desk.open()) == (S.TASKED, S.HELD, 600)


def test_a_payment_that_was_cancelled_has_nothing_left() -> None:
    desk = Desk()
    desk.receive(a_payment(), a_back(origin_ref="R-K1"), a_back("R2", origin_ref="R-K1"))
    assert desk.night() == ["REVERSAL-TOO-MUCH"]
    assert (desk.state("R1"), desk.state("R2")) == (S.CANCELLED, S.HELD)


def test_of_a_receipt_with_several_lines_the_one_that_fits_goes_back() -> None:
    desk = Desk(debt("B1", 1000), debt("B2", 1000), debt("B3", 500))
    lines = {"K1": ("B1", 1000), "K2": ("B2", 1000), "K3": ("B3", 500)}
    for number, (key, (fee, cents)) in enumerate(lines.items(), 1):
        desk.receive(a_payment(key, cents, fee_ref=fee, payment_ref="T1", payment_line=str(number)))
    desk.receive(
        a_back("R1", -500, fee_ref="", origin_ref="T1"),
        a_back("R2", -1000, fee_ref="B2", origin_ref="T1"),
        a_back("V1", -1000, kind="void", fee_ref="", payment_ref="T1", payment_line="1"),
    )
    assert desk.night() == []
    assert [desk.book.payments[key].takes_back for key in ("R1", "R2", "V1")] == ["K3", "K2", "K1"]


def test_of_a_receipt_whose_lines_nothing_tells_apart_a_person_decides() -> None:
    desk = Desk(debt("B1", 1000), debt("B2", 1000))
    desk.receive(*(a_payment(f"K{n}", fee_ref=f"B{n}", payment_ref="T1", payment_line=str(n)) for n in (1, 2)))
    desk.receive(a_back(fee_ref="", origin_ref="T1"))
    assert desk.night() == ["REVERSAL-UNCLEAR"]
    assert (desk.open("B1"), desk.open("B2")) == (0, 0)


@pytest.mark.parametrize("said", [{"fee_ref": "B3"}, {"fee_ref": "", "fees": (("B1", -500), ("B2", -500))}])
def test_a_refund_that_names_another_fee_than_its_receipt_paid_is_for_a_person(said: dict[str, object]) -> None:
    desk = Desk(debt("B1", 1000), debt("B2", 1000), debt("B3", 1000))
    desk.receive(*(a_payment(f"K{n}", fee_ref=f"B{n}", payment_ref="T1", payment_line=str(n)) for n in (1, 2)))
    desk.receive(replace(a_back(origin_ref="T1"), **said))  # type: ignore[arg-type]
    assert desk.night() == ["REVERSAL-UNCLEAR"]
    assert (desk.open("B1"), desk.open("B2"), desk.tasks()) == (0, 0, [])


def test_the_one_line_of_a_receipt_is_not_taken_back_for_another_fee() -> None:
    desk = Desk(debt("B1", 1000), debt("B3", 1000))
    desk.receive(a_payment(), a_back(fee_ref="B3", origin_ref="R-K1"))
    assert desk.night() == ["REVERSAL-UNCLEAR"]
    assert (desk.open("B1"), desk.open("B3")) == (0, 1000)


def test_of_a_receipt_with_two_lines_for_the_one_fee_named_either_may_go_back() -> None:
    desk = Desk(debt("B1", 2000))
    desk.receive(*(a_payment(f"K{n}", payment_ref="T1", payment_line=str(n)) for n in (1, 2)))
    desk.receive(a_back(origin_ref="T1"))
    assert desk.night() == []
    assert desk.open() == 1000


def a_receipt_of_two() -> Desk:
    """A receipt T1 of 10.00 for B1 and 20.00 for B2."""
    desk = Desk(debt("B1", 1000), debt("B2", 2000), debt("B3", 500))
    desk.receive(a_payment(payment_ref="T1", payment_line="1"))
    desk.receive(a_payment("K2", 2000, fee_ref="B2", payment_ref="T1", payment_line="2"))
    desk.match()
    return desk


@pytest.mark.parametrize("said", [{}, {"fees": (("B1", -1000), ("B2", -2000))}])
def test_a_whole_receipt_that_goes_back_in_one_line_opens_each_fee_that_it_paid(said: dict[str, object]) -> None:
    desk = a_receipt_of_two()
    desk.allocate("K1", POSTED)
    desk.allocate("K2", POSTED)
    desk.receive(replace(a_back(cents=-3000, fee_ref="", origin_ref="T1"), **said))  # type: ignore[arg-type]
    assert desk.back() == []
    assert (desk.state("R1"), desk.open("B1"), desk.open("B2")) == (S.TASKED, 1000, 2000)
    assert desk.tasks() == [("unpay", "B1", 1000), ("unpay", "B2", 2000)]


def test_a_whole_receipt_goes_back_once() -> None:
    desk = a_receipt_of_two()
    desk.receive(a_back(cents=-3000, fee_ref="", origin_ref="T1"))
    assert desk.back() == []
    desk.receive(a_payment("K3"), a_payment("K4", 2000, fee_ref="B2"))
    desk.match()
    desk.receive(*(a_back(f"R{n}", cents, fee_ref="", origin_ref="T1") for n, cents in ((2, -3000), (3, -1000))))
    assert desk.back() == ["REVERSAL-TOO-MUCH"] * 2
    assert (desk.open("B1"), desk.open("B2")) == (0, 0)
    assert desk.book.payments["R2"].why == "30.00 go back, and 0.00 of receipt T1 are left"


def test_of_a_whole_receipt_what_alma_has_is_a_task_and_the_rest_never_goes_there() -> None:
    desk = a_receipt_of_two()
    desk.receive(a_payment("K0", 500, payment_ref="T1", payment_line="3", fee_ref="B3"))
    desk.match()
    desk.allocate("K1", POSTED)
    (planned,) = desk.allocate("K2")
    desk.receive(a_back(cents=-3500, fee_ref="", origin_ref="T1"))
    assert desk.back() == []
    assert (desk.tasks(), desk.book.posting(planned.external_id).state) == ([("unpay", "B1", 1000)], P.CANCELLED)
    assert (desk.state("K0"), [desk.open(fee) for fee in ("B1", "B2", "B3")]) == (S.SETTLED, [1000, 2000, 500])


@pytest.mark.parametrize(
    ("cents", "code", "why"),
    [
        (-2500, "REVERSAL-UNCLEAR", "25.00 go back of receipt T1, and 30.00 are left of it in 2 lines"),
        (-3100, "REVERSAL-TOO-MUCH", "31.00 go back, and 30.00 of receipt T1 are left"),
    ],
)
def test_of_more_than_a_line_of_a_receipt_and_less_or_more_than_all_a_person_hears_the_true_sum(
    cents: int, code: str, why: str
) -> None:
    desk = a_receipt_of_two()
    desk.receive(a_back(cents=cents, fee_ref="", origin_ref="T1"))
    assert desk.back() == [code]
    assert desk.book.payments["R1"].why == why


def test_a_whole_receipt_goes_back_for_the_fees_it_paid_and_no_other() -> None:
    desk = a_receipt_of_two()
    desk.receive(a_back(cents=-3000, fee_ref="", fees=(("B1", -1000), ("B3", -2000)), origin_ref="T1"))
    assert desk.back() == ["REVERSAL-UNCLEAR"]
    assert (desk.open("B1"), desk.open("B2")) == (0, 0)


def a_receipt_of_a_known_and_an_unknown_fee() -> Desk:
    """A receipt T1 of 10.00 for B2 and 10.00 for B3, which is not charged yet."""
    desk = Desk(debt("B1", 1000), debt("B2", 1000))
    desk.receive(*(a_payment(f"K{n}", fee_ref=f"B{n}", payment_ref="T1", payment_line=str(n)) for n in (2, 3)))
    desk.match()
    return desk


def test_a_whole_receipt_of_which_a_part_is_for_no_fee_ends_with_all_of_it_once() -> None:
    desk = a_receipt_of_a_known_and_an_unknown_fee()
    desk.receive(a_back(cents=-2000, fee_ref="", origin_ref="T1"))
    assert desk.back() == []
    assert [desk.state(key) for key in ("K2", "K3", "R1")] == [S.SETTLED] * 3
    assert (desk.tasks(), desk.shares("R1")) == ([], [("B2", -1000)])
    desk.receive(*(a_back(f"R{n}", -1000 * n, fee_ref="", origin_ref="T1") for n in (2, 3)))
    assert desk.back() == ["REVERSAL-TOO-MUCH"] * 2


def test_a_whole_receipt_ends_though_the_machine_stopped_when_its_line_for_no_fee_had_ended() -> None:
    desk = a_receipt_of_a_known_and_an_unknown_fee()
    desk.book.settle_payment(desk.book.payments["K3"], S.SETTLED, "", ALL_BACK, desk.now)
    desk.receive(a_back(cents=-2000, fee_ref="", origin_ref="T1"))
    assert desk.back() == []
    assert [desk.state(key) for key in ("K2", "K3", "R1")] == [S.SETTLED] * 3


def test_a_part_of_a_receipt_that_is_for_a_known_and_an_unknown_fee_is_for_a_person() -> None:
    desk = a_receipt_of_a_known_and_an_unknown_fee()
    desk.receive(a_back(cents=-1500, fee_ref="", origin_ref="T1"))
    assert desk.back() == ["REVERSAL-UNCLEAR"]
    assert desk.book.payments["R1"].why == "15.00 go back of receipt T1, and 20.00 are left of it in 2 lines"


def test_a_whole_receipt_of_which_a_person_had_dealt_with_a_line_by_hand_is_for_a_person() -> None:
    desk = a_receipt_of_a_known_and_an_unknown_fee()
    desk.book.settle_payment(desk.book.payments["K3"], S.SETTLED, "", "ada: entered by hand", desk.now)
    desk.receive(a_back(cents=-2000, fee_ref="", origin_ref="T1"))
    assert desk.back() == ["REVERSAL-UNCLEAR"]
    assert desk.book.payments["R1"].why == "20.00 go back, and 10.00 of that are known to be for a fee"


def test_while_alma_cannot_be_asked_nothing_of_a_whole_receipt_ends() -> None:
    desk = a_receipt_of_two()
    desk.alma = None
    desk.receive(a_back(cents=-3000, fee_ref="", origin_ref="T1"))
    assert desk.back() == ["REVERSAL-EARLY", "LOCATE-BUSY"]
    assert (desk.state("R1"), desk.open("B1"), desk.open("B2")) == (S.HELD, 0, 0)


def test_a_payment_of_a_patron_goes_back_for_the_fee_it_was_put_on_under_any_of_its_names() -> None:
    desk = Desk(a_charge(reference="LIB-1"))
    desk.receive(unnamed("K1", 1000), a_back(fee_ref="LIB-1", origin_ref="R-K1"))
    assert desk.night() == []
    assert desk.state("K1") is S.CANCELLED


def test_a_task_to_look_is_not_taken_for_the_one_of_a_payment_that_is_said_no_more() -> None:
    desk = Desk()
    desk.receive(a_payment(state=S.SETTLED), a_back(origin_ref="R-K1"))
    desk.back()
    assert list(desk.book.by_task) == ["look-back-R1-1"]


def test_a_payment_that_a_person_settled_is_a_look() -> None:
    desk = Desk()
    desk.receive(a_payment(state=S.SETTLED), a_back(origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.state("R1"), desk.tasks(), desk.open()) == (S.TASKED, [("look", "", 1000)], 1000)


def test_the_look_at_a_fee_that_a_person_settled_names_it_and_the_mark_under_which_it_is_owed_again() -> None:
    desk = Desk(a_charge(reference="LIB-1"))
    desk.receive(a_payment(fee_ref="LIB-1"))
    desk.match()
    desk.book.settle_payment(desk.book.payments["K1"], S.SETTLED, "", "ada: it is there already", desk.now)
    desk.receive(a_back(cents=-400, fee_ref="LIB-1", origin_ref="R-K1"))
    assert desk.back() == []
    (task,) = desk.book.by_task.values()
    assert (task.kind, task.fee_id, task.reference, task.cents) == ("look", "B1", "LIB-1", 400)
    assert task.text == (
        "4.00 went back at peoplesoft (refund R-R1 of 2026-11-24 for receipt R-K1), and a person had settled the "
        "payment of fee B1 of patron P1 by hand: see whether what was done then must be undone in Alma; if the fee is "
        "paid there and must be owed again, enter a fee of exactly 4.00 there for the same patron, type and item, with "
        'the comment "reopens LIB-1"'
    )


def test_a_share_that_a_person_settled_elsewhere_is_a_look() -> None:
    desk = paid(state=P.READY)
    (posting,) = desk.book.by_id.values()
    desk.book.move_posting(posting, P.SETTLED, desk.now)
    desk.receive(a_back(origin_ref="R-K1"))
    desk.back()
    assert desk.tasks() == [("look", "B1", 1000)]


def test_a_returned_book_is_credited_by_alma_and_refunded_so_the_credit_is_to_be_cleared() -> None:
    desk = paid()
    desk.book.credit("B1", 1000)
    desk.receive(a_back(origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.tasks(), desk.open()) == ([("clear-credit", "B1", 1000)], 0)


@pytest.mark.parametrize("held", [HeldFall("B1", -1000), HeldFall("C9", -1000, patron_id="p1")])
def test_a_credit_that_waits_for_the_refund_counts_as_well(held: HeldFall) -> None:
    desk = paid()
    desk.book.held_falls.append(held)
    desk.receive(a_back(origin_ref="R-K1"))
    desk.back()
    assert desk.tasks() == [("clear-credit", "B1", 1000)]


@pytest.mark.parametrize(
    "held", [HeldFall("C9", -999), HeldFall("C9", -1000, patron_id="P2"), HeldFall("B1", -1000, source="other")]
)
def test_another_credit_says_nothing_about_the_refund(held: HeldFall) -> None:
    desk = paid()
    desk.book.held_falls.append(held)
    desk.receive(a_back(origin_ref="R-K1"))
    desk.back()
    assert desk.tasks() == [("unpay", "B1", 1000)]


def test_one_credit_answers_one_refund_whether_its_task_is_done_or_not() -> None:
    desk = Desk(*(debt(f"B{n}", 1000) for n in (1, 2, 3)))
    for n in (1, 2, 3):
        desk.receive(a_payment(f"K{n}", fee_ref=f"B{n}"))
        desk.match()
        desk.allocate(f"K{n}", POSTED)
    desk.book.held_falls += [HeldFall("C8", -1000), HeldFall("C9", -1000)]
    desk.receive(*(a_back(f"R{n}", fee_ref=f"B{n}", origin_ref=f"R-K{n}") for n in (1, 2)))
    desk.back()
    assert desk.tasks() == [("clear-credit", "B1", 1000), ("clear-credit", "B2", 1000)]
    assert "take the open credit C8 of patron P1 away" in desk.book.by_task["clear-credit-R1-1"].text
    desk.book.close_task("clear-credit-R1-1", "ada", "done", desk.now)
    desk.receive(a_back("R3", fee_ref="B3", origin_ref="R-K3"))
    desk.back()
    assert desk.tasks()[2:] == [("unpay", "B3", 1000)]


def test_a_book_credited_in_part_is_cleared_for_that_and_owed_again_for_the_rest() -> None:
    desk = paid()
    desk.book.credit("B1", 400)
    desk.receive(a_back(origin_ref="R-K1"))
    desk.back()
    assert (desk.tasks(), desk.open()) == ([("clear-credit", "B1", 400), ("unpay", "B1", 600)], 600)


def test_a_chargeback_is_no_answer_to_a_credit() -> None:
    desk = paid()
    desk.book.credit("B1", 1000)
    desk.receive(a_back(kind="chargeback", origin_ref="R-K1"))
    desk.back()
    assert desk.tasks() == [("unpay", "B1", 1000)]


def test_a_write_off_lowers_the_debt_and_is_to_be_waived() -> None:
    desk = Desk()
    desk.receive(a_back("W1", 400, kind="writeoff"))
    assert desk.night() == []
    assert (desk.state("W1"), desk.open(), desk.tasks()) == (S.WITHDRAWN, 600, [("waive", "B1", 400)])
    (task,) = desk.book.by_task.values()
    assert task.text == (
        "the bursar wrote off 4.00 of fee B1 (reference B1, row R-W1 of 2026-11-24): waive 4.00 of fee B1 of patron P1 "
        "in Alma"
    )


def test_a_debt_that_is_only_recorded_needs_no_waiving() -> None:
    desk = Desk(a_charge(payments_to="record"))
    desk.receive(a_back("W1", 1000, kind="writeoff"))
    desk.back()
    assert (desk.state("W1"), desk.open(), desk.tasks()) == (S.WITHDRAWN, 0, [])


def test_more_than_is_open_is_not_written_off() -> None:
    desk = Desk()
    desk.receive(a_payment(cents=700), a_back("W1", 400, kind="writeoff"))
    assert desk.night() == ["WRITEOFF-TOO-MUCH"]
    assert (desk.state("W1"), desk.open()) == (S.HELD, 300)


@pytest.mark.parametrize(
    "said",
    [
        {"fee_ref": "X"},
        {"fee_ref": ""},
        {"patron_id": "P2"},
        {"fee_ref": "", "fees": (("B1", 300), ("X", 100))},
        {"fee_ref": "", "fees": (("B1", 300),)},
    ],
)
def test_a_write_off_that_does_not_say_clearly_of_what_is_for_a_person(said: dict[str, object]) -> None:
    desk = Desk()
    desk.receive(a_back("W1", 400, kind="writeoff", **said))
    assert desk.back() == ["WRITEOFF-UNPLACED"]
    assert desk.back() == []
    assert (desk.state("W1"), desk.open()) == (S.HELD, 1000)


def test_a_write_off_of_several_fees_lowers_each() -> None:
    desk = Desk(debt("B1", 600), debt("B2", 400))
    desk.receive(a_back("W1", 500, kind="writeoff", fee_ref="", fees=(("B1", 300), ("B2", 200))))
    assert desk.back() == []
    assert (desk.open("B1"), desk.open("B2")) == (300, 200)


def test_a_write_off_before_its_charge_is_looked_at_again() -> None:
    desk = Desk(debt("B2", 100))
    desk.receive(a_back("W1", 400, kind="writeoff"))
    desk.back()
    desk.book.debts["export", "B1"] = desk.book.references["peoplesoft", "B1"] = a_charge()
    assert desk.back() == []
    assert desk.state("W1") is S.WITHDRAWN


def test_a_write_off_that_the_bursar_takes_back_is_for_a_person_and_lowers_nothing_again() -> None:
    desk = Desk()
    desk.receive(a_back("W1", 300, kind="writeoff", occurred_on="2026-11-20"), a_back("W2", -300, kind="writeoff"))
    assert desk.night() == ["WRITEOFF-UNDONE"]
    assert desk.night() == []
    assert (desk.state("W1"), desk.state("W2"), desk.open()) == (S.WITHDRAWN, S.HELD, 700)
    assert desk.tasks() == [("waive", "B1", 300)]


def test_an_adjustment_down_of_a_receipt_takes_money_back() -> None:
    desk = paid()
    desk.receive(a_back("A1", -400, kind="adjustment", origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.state("A1"), desk.open()) == (S.TASKED, 400)


@pytest.mark.parametrize(("cents", "paid_before"), [(-400, 100), (-400, 0), (400, 0), (400, 100)])
def test_an_adjustment_that_may_mean_two_things_is_for_a_person(cents: int, paid_before: int) -> None:
    desk = Desk(a_charge(paid_cents=paid_before))
    desk.receive(a_back("A1", cents, kind="adjustment"))
    assert desk.night() == ["ADJUSTMENT"]
    assert desk.night() == []
    assert desk.state("A1") is S.HELD


@pytest.mark.parametrize(("kind", "cents"), [("refund", 400), ("fee", -400), ("other", -400)])
def test_a_line_of_no_sense_is_for_a_person(kind: str, cents: int) -> None:
    desk = Desk()
    desk.receive(a_back("A1", cents, kind=kind))
    assert desk.night() == ["ADJUSTMENT"]


def test_a_night_that_died_between_the_posting_and_the_refund_ends_the_same() -> None:
    desk = Desk(debt("B1", 600), debt("B2", 400))
    desk.receive(a_payment(cents=1000, fee_ref="", fees=(("B1", 600), ("B2", 400))))
    desk.match()
    first, second = desk.allocate("K1")
    desk.moved(first, POSTED)
    desk.book.move_posting(second, P.CANCELLED, desk.now)
    desk.receive(a_back(cents=-1000, fee_ref="", origin_ref="R-K1"))
    assert desk.back() == []
    assert (desk.tasks(), desk.open("B1"), desk.open("B2")) == ([("unpay", "B1", 600)], 600, 400)


def test_money_goes_back_and_comes_again_on_the_same_debt() -> None:
    desk = paid()
    desk.receive(a_back(kind="reversal", origin_ref="R-K1"))
    desk.night()
    again = replace(a_payment("K2", occurred_on="2026-11-25"))
    desk.receive(again)
    assert desk.night() == []
    assert (desk.shares("K2"), desk.open()) == ([("B1", 1000)], 0)
