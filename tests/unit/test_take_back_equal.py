"""A refund without a receipt, where two people paid alike: it takes back the money of its own patron."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.ports.ledger import PaymentState
from tests.fakes.postings import a_payment
from tests.unit.back_kit import Desk, a_back, debt

S = PaymentState
QUESTION = "PAYMENT-OTHER-PATRON"


def two_people(code: str = "") -> Desk:
    """P1 and P2 have each paid 10.00 for B1; the second of them may be held for a person."""
    desk = Desk(debt("B1", 2000))
    desk.receive(a_payment(payment_ref=""))
    other = a_payment("K2", payment_ref="", patron_id="P2")
    desk.receive(replace(other, state=S.HELD, code=code, why="two people paid alike") if code else other)
    desk.match()
    return desk


@pytest.mark.parametrize("patron", ["P2", "p2"])
def test_it_waits_while_nobody_has_said_whether_the_line_of_its_patron_is_money_of_its_own(patron: str) -> None:
    desk = two_people(QUESTION)
    desk.receive(a_back(payment_ref="", patron_id=patron))
    assert desk.back() == ["REVERSAL-EARLY"]
    assert desk.book.payments["R1"].why == (
        "10.00 go back, and payment K2, an equal one, waits for a person (PAYMENT-OTHER-PATRON)"
    )
    assert (desk.state("K1"), desk.state("K2")) == (S.MATCHED, S.HELD)
    desk.book.settle_payment(desk.book.payments["K2"], S.RECEIVED, "", "ada: money of its own", desk.now)
    desk.night()
    assert (desk.state("K1"), desk.state("K2"), desk.state("R1")) == (S.MATCHED, S.CANCELLED, S.CANCELLED)


def test_it_takes_the_known_money_once_a_person_has_said_that_there_is_no_other() -> None:
    desk = two_people(QUESTION)
    desk.receive(a_back(payment_ref="", patron_id="P2"))
    desk.back()
    desk.book.settle_payment(desk.book.payments["K2"], S.SETTLED, "", "ada: the same money", desk.now)
    assert desk.night() == []
    assert (desk.state("K1"), desk.state("R1")) == (S.CANCELLED, S.CANCELLED)


@pytest.mark.parametrize("said", [{"patron_id": "P1"}, {"patron_id": "P2", "cents": -400}])
def test_what_is_asked_of_other_money_keeps_no_refund_waiting(said: dict[str, object]) -> None:
    desk = two_people(QUESTION)
    desk.receive(replace(a_back(payment_ref=""), **said))  # type: ignore[arg-type]
    assert desk.back() == []


@pytest.mark.parametrize(("patron", "gone"), [("P1", "K1"), ("P2", "K2"), ("", "K2")])
def test_of_two_equal_payments_that_of_its_own_patron_goes_back_else_the_newest(patron: str, gone: str) -> None:
    desk = two_people()
    desk.receive(a_back(payment_ref="", patron_id=patron))
    desk.back()
    assert [key for key in ("K1", "K2") if desk.state(key) is S.CANCELLED] == [gone]
