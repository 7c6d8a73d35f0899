"""Money of which a part goes back before it was sent: the rest is planned, and what was planned already waits."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from pipeline.ports.ledger import PaymentState, Posting, PostingState, Share
from pipeline.stages.plan import Terms
from pipeline.stages.post import Rules, post_all
from pipeline.stages.went_back import kept
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import TODAY, Desk, a_back, debt

S, P = PaymentState, PostingState
STOPPED = "MONEY-WENT-BACK"
RULES = Rules(TODAY, timedelta(hours=6), lambda _system: Terms("campus", {}))


def planned(state: PostingState = P.READY) -> Desk:
    desk = Desk()
    desk.receive(a_payment())
    desk.match()
    in_alma(desk, *desk.allocate("K1", state))
    return desk


def in_alma(desk: Desk, posting: Posting) -> None:
    """The fee of B1 is F1 there."""
    desk.book.by_id[posting.external_id] = replace(posting, alma_fee_id="F1")


def only(desk: Desk) -> Posting:
    (posting,) = desk.book.by_id.values()
    assert isinstance(posting, Posting)
    return posting


def send(desk: Desk) -> list[str]:
    desk.clock.sleep(86_400)
    return [one.code for one in post_all(desk.alma, desk.book, desk.clock, RULES)]


def test_each_share_keeps_what_did_not_go_back_and_all_of_them_no_more_than_the_payment() -> None:
    payment = a_payment(shares=(Share(1, "export", "B1", 600), Share(2, "export", "B2", 400)))
    back = a_back(cents=-100, shares=(Share(1, "export", "B2", -100),))
    assert kept(payment, [back]) == {1: 600, 2: 300}
    assert kept(payment, [a_back(cents=-700)]) == {1: 300, 2: 0}
    assert kept(payment, [a_back(cents=-1200)]) == {1: 0, 2: 0}


@pytest.mark.parametrize("state", [P.READY, P.HELD])
def test_what_was_planned_is_not_sent_when_a_part_of_it_goes_back(state: PostingState) -> None:
    desk = planned(state)
    desk.receive(a_back(cents=-400, origin_ref="R-K1"))
    assert desk.back() == [STOPPED]
    assert send(desk) == []
    assert desk.back() == []
    assert (only(desk).state, only(desk).code) == (P.HELD, STOPPED)
    assert only(desk).why == "10.00 were to be paid on it, and the bursar has kept 6.00 of them"
    (task,) = desk.book.by_task.values()
    assert (task.cents, "do nothing if it is not paid" in task.text) == (400, True)


def test_what_a_person_lets_go_all_the_same_is_sent_once_and_undone_by_the_task() -> None:
    desk = planned()
    desk.receive(a_back(cents=-400, origin_ref="R-K1"))
    desk.back()
    desk.book.move_posting(only(desk), P.READY, desk.now, code=STOPPED, why="ada: pay it, we undo the rest")
    assert desk.back() == []
    assert send(desk) == []
    assert only(desk).state is P.POSTED
    assert desk.tasks() == [("unpay", "B1", 400)]


def test_that_word_is_over_when_still_more_goes_back() -> None:
    desk = planned()
    desk.receive(a_back(cents=-400, origin_ref="R-K1"))
    desk.back()
    desk.book.move_posting(only(desk), P.READY, desk.now, code=STOPPED, why="ada: pay it, we undo the rest")
    desk.receive(a_back("R2", cents=-100, origin_ref="R-K1"))
    assert desk.back() == [STOPPED]
    assert only(desk).why == "1.00 more went back since a person let it go"


def test_what_was_tried_before_never_goes_by_itself_where_money_went_back() -> None:
    desk = planned(P.UNKNOWN)
    doubtful = desk.book.move_posting(only(desk), P.DOUBT, desk.now)
    desk.book.move_posting(doubtful, P.READY, desk.now, code="POST-DOUBT", why="ada: again")
    desk.receive(a_back(origin_ref="R-K1"))
    assert desk.back() == [STOPPED]
    assert send(desk) == []
    assert only(desk).state is P.HELD


def test_a_surplus_that_goes_back_stops_nothing() -> None:
    desk = Desk()
    desk.receive(a_payment(cents=1500))
    desk.match()
    in_alma(desk, *desk.allocate("K1", B1=1000))
    desk.receive(a_back(cents=-500, origin_ref="R-K1"))
    assert desk.back() == []
    assert send(desk) == []
    assert only(desk).state is P.POSTED


def test_what_went_back_in_parts_is_planned_as_nothing() -> None:
    desk = Desk()
    desk.receive(
        a_payment(), a_back(cents=-400, origin_ref="R-K1"), a_back("R2", -600, origin_ref="R-K1", payment_ref="")
    )
    assert desk.night() == []
    assert send(desk) == []
    assert (desk.state("K1"), desk.book.by_id, desk.tasks()) == (S.ALLOCATED, {}, [])
    assert desk.open() == 1000


def test_a_sum_paid_to_date_falls_first_by_what_alma_need_not_learn_of() -> None:
    desk = Desk(debt("B1", 1250))
    desk.receive(a_payment("K1", 500))
    desk.match()
    desk.allocate("K1", P.POSTED)
    desk.receive(a_payment("K2", 750), a_back(cents=-700, kind="reversal", payment_ref=""))
    assert desk.night() == []
    assert (desk.book.payments["R1"].takes_back, desk.tasks()) == ("K2", [])
    assert send(desk) == []
    assert sorted(one.cents for one in desk.book.by_id.values()) == [50, 500]


def test_a_sum_of_more_than_that_waits_until_all_of_it_is_planned() -> None:
    desk = Desk(debt("B1", 1250))
    desk.receive(a_payment("K1", 500))
    desk.match()
    desk.allocate("K1", P.POSTED)
    desk.receive(a_payment("K2", 750), a_back(cents=-900, kind="reversal", payment_ref=""))
    assert desk.night() == ["REVERSAL-EARLY"]
    desk.allocate("K2")
    assert desk.back() == [STOPPED]
    assert desk.tasks() == [("unpay", "B1", 900)]


@pytest.mark.parametrize("way", ["record", "import_file"])
def test_what_went_back_before_its_plan_makes_no_room_for_another_payment(way: str) -> None:
    """Of 10.00 that were charged 6.00 are kept of the first payment, so the second one, of 8.00, takes 4.00."""
    desk = Desk(a_charge(payments_to=way))
    desk.receive(a_payment(), a_back(cents=-400, origin_ref="R-K1"))
    desk.night()
    send(desk)
    desk.receive(a_payment("K2", 800))
    desk.night()
    assert send(desk) == ["OVERPAID"]
    assert [one.cents for one in desk.book.by_id.values()] == [600, 400]


def settled_by_a_person(desk: Desk) -> None:
    """The matched payment K1 is held, and a person says that it is settled: it stays for its debts."""
    held = desk.book.settle_payment(desk.book.payments["K1"], PaymentState.HELD, "FEE-STATUS", "x", desk.clock.now())
    desk.book.settle_payment(held, PaymentState.SETTLED, "", "ann: refunded by hand", desk.clock.now())


@pytest.mark.parametrize("way", ["record", "import_file"])
def test_what_a_person_settled_leaves_no_room_for_another_payment(way: str) -> None:
    desk = Desk(a_charge(payments_to=way))
    desk.receive(a_payment())
    desk.match()
    settled_by_a_person(desk)
    desk.receive(a_payment("K2"))
    desk.night()
    assert send(desk) == ["FEE-CLOSED"]
    assert desk.book.by_id == {}


def test_what_went_back_of_money_that_a_person_settled_makes_room_again() -> None:
    desk = Desk(a_charge(payments_to="record"))
    desk.receive(a_payment())
    desk.match()
    settled_by_a_person(desk)
    desk.receive(a_back(cents=-400, origin_ref="R-K1"))
    desk.night()
    desk.receive(a_payment("K2"))
    desk.night()
    assert send(desk) == ["OVERPAID"]
    assert [one.cents for one in desk.book.by_id.values()] == [400]
