"""Alma has a part of what goes back, or has it otherwise than it is planned: the rest is not paid only to be undone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.ports.ledger import PaymentState, PostingState
from pipeline.stages.external import external_id
from pipeline.stages.went_back import WENT_BACK
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import a_back, debt
from tests.unit.evening_kit import K1, Evening

S, P = PaymentState, PostingState
EARLY, IN_PART = "REVERSAL-EARLY", "BACK-STANDS-IN-PART"
SECOND = external_id("campus", "K1", 2)


def of_two_fees(*, planned: bool = False, way: str = "api") -> Evening:
    """A payment of 6.00 for F1 and 4.00 for F2; a lost ledger had sent some of it."""
    evening = Evening(debt("B1", 600), debt("B2", 400, payments_to=way))
    evening.receive(a_payment(fee_ref="", fees=(("B1", 600), ("B2", 400))))
    evening.match()
    if planned:
        for number, one in enumerate(evening.allocate("K1"), 1):
            evening.book.by_id[one.external_id] = replace(one, alma_fee_id=f"F{number}")
    return evening


@pytest.mark.parametrize("way", ["api", "import_file"])
def test_what_is_planned_besides_what_is_found_is_not_sent_while_it_goes_back(way: str) -> None:
    evening = of_two_fees(planned=True, way=way)
    evening.posted_before(600)
    evening.receive(a_back(fee_ref="", origin_ref="R-K1"))
    assert evening.evening() == [EARLY, WENT_BACK]
    assert evening.book.payments["R1"].why.endswith("its task comes next")
    assert "Say --settled-elsewhere" in evening.book.posting(SECOND).why
    assert evening.evening() == []
    assert (evening.state("R1"), evening.tasks(), evening.fees.requests) == (S.TASKED, [("unpay", "B1", 600)], [])
    assert evening.book.posting(SECOND).state is P.CANCELLED


def test_before_its_plan_the_whole_payment_waits_for_a_person() -> None:
    evening = of_two_fees()
    evening.posted_before(600)
    evening.receive(a_back(fee_ref="", origin_ref="R-K1"))
    assert [evening.evening() for _ in range(3)] == [[EARLY, IN_PART], [], []]
    assert evening.standing("K1", "R1") == [(S.HELD, IN_PART), (S.HELD, EARLY)]
    assert "Say --settled-elsewhere" in evening.book.payments["K1"].why
    evening.book.settle_payment(evening.book.payments["K1"], S.SETTLED, "", "ada: dealt with", evening.now)
    assert evening.evening() == []
    assert (evening.state("R1"), evening.fees.requests) == (S.TASKED, [])
    assert evening.tasks() == [("look", "B1", 600), ("look", "B2", 400)]


def test_a_person_who_lets_it_go_all_the_same_is_asked_again() -> None:
    evening = of_two_fees()
    evening.posted_before(600)
    evening.receive(a_back(fee_ref="", origin_ref="R-K1"))
    evening.evening()
    evening.book.settle_payment(evening.book.payments["K1"], S.MATCHED, IN_PART, "ada: on with it", evening.now)
    assert evening.evening() == [IN_PART]
    assert evening.fees.requests == []


def test_one_that_was_held_and_would_be_thought_about_again_waits_for_a_person_too() -> None:
    evening = of_two_fees()
    evening.posted_before(600)
    evening.book.settle_payment(evening.book.payments["K1"], S.HELD, "FEE-AWAITED", "it is awaited", evening.now)
    evening.receive(a_back(fee_ref="", origin_ref="R-K1"))
    assert evening.evening() == [EARLY, IN_PART]
    assert (evening.code("K1"), evening.fees.requests) == (IN_PART, [])


def test_what_is_kept_of_a_payment_is_paid_though_a_share_that_is_found_goes_back() -> None:
    evening = of_two_fees()
    evening.posted_before(600)
    evening.receive(a_back(cents=-600, fee_ref="B1", origin_ref="R-K1"))
    assert [evening.evening() for _ in range(2)] == [[EARLY], []]
    assert [(one.fee_id, one.cents) for one in evening.fees.requests] == [("F2", 400)]
    assert evening.tasks() == [("unpay", "B1", 600)]


def test_what_is_kept_of_a_plan_is_paid_though_a_share_that_is_found_goes_back() -> None:
    evening = of_two_fees(planned=True)
    evening.posted_before(600)
    evening.receive(a_back(cents=-600, fee_ref="B1", origin_ref="R-K1"))
    assert [evening.evening() for _ in range(2)] == [[EARLY], []]
    assert [(one.fee_id, one.cents) for one in evening.fees.requests] == [("F2", 400)]


def test_where_other_cents_stand_than_planned_nothing_of_the_plan_goes_by_itself() -> None:
    evening = of_two_fees(planned=True)
    evening.book.by_id[K1] = replace(evening.book.posting(K1), cents=500)
    evening.posted_before(600)
    evening.receive(a_back(cents=-600, fee_ref="B1", origin_ref="R-K1"))
    assert evening.evening() == [EARLY, WENT_BACK, WENT_BACK]
    assert "not as it is planned" in evening.book.payments["R1"].why
    assert [evening.book.posting(one).state for one in (K1, SECOND)] == [P.MISMATCH, P.HELD]
    evening.evening()
    assert evening.fees.requests == []


def test_of_a_receipt_of_two_lines_the_one_that_alma_has_not_waits_for_the_one_that_she_has() -> None:
    evening = Evening(debt("B1", 600), debt("B2", 400))
    lines = [("K1", 600, "B1"), ("K2", 400, "B2")]
    evening.receive(*(a_payment(key, cents, fee_ref=fee, payment_ref="R-K1") for key, cents, fee in lines))
    evening.receive(a_back(fee_ref="", origin_ref="R-K1"))
    evening.posted_before(600)
    assert evening.evening() == [EARLY]
    assert (evening.withheld, evening.fees.requests) == ({"K2"}, [])
    assert evening.evening() == []
    assert (evening.state("R1"), evening.tasks(), evening.fees.requests) == (S.TASKED, [("unpay", "B1", 600)], [])


def test_money_for_no_debt_that_alma_has_waits_for_a_persons_word() -> None:
    evening = Evening()
    evening.posted_before()
    evening.receive(a_payment(fee_ref="X"), a_back(fee_ref="X", origin_ref="R-K1"))
    assert evening.night() == ["MATCH-UNKNOWN-FEE", EARLY]
    assert evening.book.payments["R1"].why.endswith("unknown to this ledger; say what becomes of it")


def test_an_old_fee_that_alma_shows_no_more_is_named_with_what_to_do() -> None:
    evening = Evening(a_charge(continued_by=("B9",)))
    evening.receive(a_payment(), a_back(origin_ref="R-K1"))
    evening.night()
    why = "Alma does not show fee B1; if she has it no more, see where the money is and say --settled-elsewhere"
    assert why in evening.book.payments["K1"].why
    evening.book.settle_payment(evening.book.payments["K1"], S.SETTLED, "", "ada: it is nowhere", evening.now)
    assert evening.night() == []
    assert (evening.state("R1"), evening.tasks()) == (S.TASKED, [("look", "B1", 1000)])
