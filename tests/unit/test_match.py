"""Which debts a payment is for: by the references it names, else by its patron and amount."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.campus.back import Unnamed
from pipeline.ports.ledger import PaymentState, Share
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import Desk, a_back, debt, unnamed

S = PaymentState


def test_a_payment_is_for_the_charge_whose_reference_it_quotes() -> None:
    desk = Desk()
    desk.receive(a_payment())
    assert desk.match() == []
    assert (desk.state("K1"), desk.shares("K1"), desk.open()) == (S.MATCHED, [("B1", 1000)], 0)


def test_an_underpayment_leaves_the_rest_open() -> None:
    desk = Desk()
    desk.receive(a_payment(cents=400))
    desk.match()
    assert (desk.shares("K1"), desk.open()) == ([("B1", 400)], 600)


def test_a_fee_gets_all_that_names_it_and_what_is_too_much_is_decided_beside_almas_balance() -> None:
    desk = Desk()
    desk.receive(a_payment(cents=1500), a_payment("K2", 1000))
    assert desk.match() == []
    assert (desk.shares("K1"), desk.shares("K2"), desk.open()) == ([("B1", 1500)], [("B1", 1000)], 0)


def test_named_money_is_matched_alike_in_any_order_of_arrival() -> None:
    """After a lost ledger the same files may come in another order; what stands in Alma is then found again."""
    first, second = a_payment("K1"), a_payment("K2", occurred_on="2026-11-20")
    shares = []
    for order in ((first, second), (second, first)):
        desk = Desk()
        for payment in order:
            desk.receive(payment)
            desk.match()
        shares.append({key: desk.shares(key) for key in ("K1", "K2")})
    assert shares[0] == shares[1] == {"K1": [("B1", 1000)], "K2": [("B1", 1000)]}


def test_a_fee_id_is_a_name_where_no_reference_is_like_it() -> None:
    desk = Desk(a_charge(reference="LIB-77"))
    desk.receive(a_payment(fee_ref="B1"))
    assert desk.match() == []
    assert desk.shares("K1") == [("B1", 1000)]


def test_a_reference_we_never_sent_puts_it_into_suspense_with_the_debts_it_may_be_for() -> None:
    desk = Desk(debt("B1", 1000), debt("B2", 250), debt("B3", 500, patron_id="P9", bursar_id="P9"))
    desk.receive(a_payment(fee_ref="X"))
    assert desk.match() == ["MATCH-UNKNOWN-FEE"]
    payment = desk.book.payments["K1"]
    assert (payment.state, payment.shares) == (S.SUSPENSE, ())
    assert payment.why == (
        "no charge was sent to peoplesoft under the reference 'X'; open debts of its patron there: B1 10.00, B2 2.50"
    )
    assert desk.match() == []


def test_many_candidates_are_counted_not_listed() -> None:
    desk = Desk(*(debt(f"B{n}", 100) for n in range(8)))
    desk.receive(a_payment(fee_ref="X"))
    desk.match()
    assert desk.book.payments["K1"].why.endswith("B3 1.00, B4 1.00 and 3 more")


def test_a_payment_before_its_charge_is_matched_by_itself_when_that_was_sent() -> None:
    desk = Desk(debt("B2", 100))
    desk.receive(a_payment())
    assert desk.match() == ["MATCH-UNKNOWN-FEE"]
    charge = a_charge()
    desk.book.debts["export", "B1"] = charge
    desk.book.references["peoplesoft", "B1"] = charge
    assert desk.match() == []
    assert (desk.state("K1"), desk.shares("K1")) == (S.MATCHED, [("B1", 1000)])


def test_one_for_another_patrons_charge_is_held_and_counts_as_paid() -> None:
    desk = Desk()
    desk.receive(a_payment(patron_id="P2"))
    assert desk.match() == ["MATCH-OTHER-PATRON"]
    assert (desk.state("K1"), desk.shares("K1"), desk.open()) == (S.HELD, [("B1", 1000)], 0)
    assert desk.match() == []


@pytest.mark.parametrize("said", ["p1", "P1", "0001", ""])
def test_a_patron_is_known_as_alma_or_the_bursar_writes_the_id_in_any_case(said: str) -> None:
    desk = Desk(a_charge(bursar_id="0001"))
    desk.receive(a_payment(patron_id=said))
    assert desk.match() == []
    assert desk.state("K1") is S.MATCHED


def test_each_fee_gets_what_the_line_says() -> None:
    desk = Desk(debt("B1", 1000), debt("B2", 250))
    desk.receive(a_payment(cents=1250, fee_ref="", fees=(("B2", 250), ("B1", 1000))))
    assert desk.match() == []
    assert desk.book.payments["K1"].shares == (Share(1, "export", "B2", 250), Share(2, "export", "B1", 1000))


def test_two_references_of_one_debt_make_one_share() -> None:
    desk = Desk(debt("B1", 1500))
    desk.book.references["peoplesoft", "B1-2"] = desk.book.debts["export", "B1"]
    desk.receive(a_payment(cents=1500, fee_ref="", fees=(("B1", 1000), ("B1-2", 500))))
    assert desk.match() == []
    assert desk.shares("K1") == [("B1", 1500)]


def test_what_the_line_gives_to_no_fee_is_in_no_share() -> None:
    desk = Desk(debt("B1", 1000), debt("B2", 250))
    desk.receive(a_payment(cents=1250, fee_ref="", fees=(("B1", 1000),)))
    assert desk.match() == []
    assert (desk.state("K1"), desk.shares("K1"), desk.open("B2")) == (S.MATCHED, [("B1", 1000)], 250)


def test_with_an_unknown_one_the_known_counts_and_all_of_it_waits() -> None:
    desk = Desk(debt("B1", 1000), debt("B3", 500))
    desk.receive(a_payment(cents=1250, fee_ref="", fees=(("B1", 1000), ("B2", 250))))
    assert desk.match() == ["MATCH-PARTLY-UNKNOWN"]
    payment = desk.book.payments["K1"]
    assert (payment.state, desk.shares("K1"), desk.open()) == (S.HELD, [("B1", 1000)], 0)
    assert payment.why.endswith("'B2': 2.50 of it wait; open debts of its patron there: B3 5.00")
    assert desk.match() == []
    assert desk.book.payments["K1"] is payment


@pytest.mark.parametrize(("gone", "state", "wait"), [(100, S.HELD, "1.50 of it wait"), (250, S.MATCHED, "")])
def test_the_known_part_goes_on_once_the_unknown_one_went_back(gone: int, state: PaymentState, wait: str) -> None:
    desk = Desk(debt("B1", 1000))
    desk.receive(a_payment(cents=1250, fee_ref="", fees=(("B1", 1000), ("B2", 250))))
    assert desk.match() == ["MATCH-PARTLY-UNKNOWN"]
    desk.receive(a_back(cents=-gone, fee_ref="B2", origin_ref="R-K1"))
    desk.back()
    assert desk.match() == []
    assert (desk.state("K1"), desk.shares("K1"), desk.open()) == (state, [("B1", 1000)], 0)
    assert wait in desk.book.payments["K1"].why


def test_it_goes_on_when_the_last_one_was_sent() -> None:
    desk = Desk(debt("B1", 1000))
    desk.receive(a_payment(cents=1250, fee_ref="", fees=(("B1", 1000), ("B2", 250))))
    desk.match()
    desk.book.debts["export", "B2"] = desk.book.references["peoplesoft", "B2"] = debt("B2", 250)
    assert desk.match() == []
    assert (desk.state("K1"), desk.shares("K1")) == (S.MATCHED, [("B1", 1000), ("B2", 250)])


@pytest.mark.parametrize("fees", [(("B1", 1000), ("B2", 300)), (("B1", 1500), ("B2", -250))])
def test_fees_that_cannot_be_right_put_it_into_suspense(fees: tuple[tuple[str, int], ...]) -> None:
    desk = Desk(debt("B1", 1000), debt("B2", 250))
    desk.receive(a_payment(cents=1250, fee_ref="", fees=fees))
    assert desk.match() == ["MATCH-FEES-DIFFER"]
    assert (desk.state("K1"), desk.shares("K1")) == (S.SUSPENSE, [])
    assert desk.match() == []


OWED = (debt("OLD", 500, "2026-11-01"), debt("EXACT", 800, "2026-11-05"), debt("NEW", 300, "2026-12-01"))


def test_one_debt_of_exactly_the_amount_is_paid_first() -> None:
    desk = Desk(*OWED)
    desk.receive(unnamed("K1", 800))
    assert desk.match() == []
    assert desk.shares("K1") == [("EXACT", 800)]


def test_else_the_oldest_due_and_the_rest_is_nobodys() -> None:
    desk = Desk(*OWED)
    desk.receive(unnamed("K1", 1000), unnamed("K2", 900, occurred_on="2026-11-23"))
    assert desk.match() == []
    assert desk.shares("K1") == [("OLD", 500), ("EXACT", 500)]
    assert desk.shares("K2") == [("EXACT", 300), ("NEW", 300)]
    assert desk.state("K2") is S.MATCHED


def test_of_two_that_fit_exactly_the_older_due_is_paid_and_it_is_said() -> None:
    desk = Desk(debt("B1", 800, "2026-11-09"), debt("B2", 800, "2026-11-05"))
    desk.receive(unnamed("K1", 800))
    assert desk.match() == ["MATCH-SEVERAL-EXACT"]
    assert (desk.state("K1"), desk.shares("K1")) == (S.MATCHED, [("B2", 800)])


def test_by_fee_type_where_the_campus_says_so() -> None:
    rule = Unnamed(order="fee_type", fee_types=("LOSTITEMREPLACEMENTFEE",))
    lost = debt("LOST", 500, "2026-12-09", fee_type="LOSTITEMREPLACEMENTFEE")
    desk = Desk(*OWED, lost, rule=rule)
    desk.receive(unnamed("K1", 700))
    desk.match()
    assert desk.shares("K1") == [("LOST", 500), ("OLD", 200)]


def test_never_a_debt_of_another_system_nor_one_that_is_settled_there() -> None:
    elsewhere = debt("CASH", 800, system="cashnet")
    paid = debt("PAID", 800, paid_cents=800)
    unsent = debt("UNSENT", 800, sent_on="")
    desk = Desk(elsewhere, paid, unsent, debt("B1", 100))
    desk.receive(unnamed("K1", 800))
    desk.match()
    assert desk.shares("K1") == [("B1", 100)]


def test_never_a_debt_that_was_sent_after_the_money_was_paid() -> None:
    desk = Desk(debt("B1", 800, sent_on="2026-11-23"))
    desk.receive(unnamed("K1", 800, occurred_on="2026-11-22"))
    assert desk.match() == ["MATCH-NOTHING-OPEN"]
    assert desk.book.payments["K1"].why.endswith("open debts of its patron there: B1 8.00")


def test_payments_that_name_their_fee_go_first_whatever_their_age() -> None:
    desk = Desk(debt("B1", 800), debt("B2", 900, "2026-12-24"))
    desk.receive(unnamed("K1", 800, occurred_on="2026-11-10"), a_payment("K2", 800))
    desk.match()
    assert (desk.shares("K1"), desk.shares("K2")) == ([("B2", 800)], [("B1", 800)])


def test_two_payments_of_one_night_are_never_for_the_same_cents() -> None:
    desk = Desk(debt("B1", 800))
    desk.receive(unnamed("K1", 800), unnamed("K2", 800))
    assert desk.match() == ["MATCH-NOTHING-OPEN"]
    assert (desk.shares("K1"), desk.shares("K2")) == ([("B1", 800)], [])
    assert desk.state("K2") is S.SUSPENSE


@pytest.mark.parametrize("patron", ["NOBODY", ""])
def test_an_unknown_patron_puts_it_into_suspense(patron: str) -> None:
    desk = Desk()
    desk.receive(unnamed("K1", 800, patron_id=patron))
    assert desk.match() == ["MATCH-UNKNOWN-PATRON"]
    assert desk.match() == []
    assert desk.state("K1") is S.SUSPENSE


def test_a_campus_that_wants_to_look_has_it_held_and_counted() -> None:
    desk = Desk(*OWED, rule=Unnamed(review=True))
    desk.receive(unnamed("K1", 1700))
    assert desk.match() == ["MATCH-REVIEW"]
    payment = desk.book.payments["K1"]
    assert (payment.state, desk.open("OLD")) == (S.HELD, 0)
    assert payment.why == ("it names no fee, and would go to OLD 5.00, EXACT 8.00, NEW 3.00; 1.00 are left over")
    desk.book.settle_payment(payment, S.MATCHED, "", "ann: yes", desk.now)
    assert desk.match() == []
    assert desk.state("K1") is S.MATCHED


def test_debts_under_two_ids_of_alma_are_for_a_person() -> None:
    desk = Desk(debt("B1", 800, bursar_id="7"), debt("B2", 900, patron_id="007", bursar_id="7"))
    desk.receive(unnamed("K1", 1000, patron_id="7"))
    assert desk.match() == ["MATCH-REVIEW"]
    assert desk.state("K1") is S.HELD


def test_only_a_sale_is_matched_by_itself() -> None:
    desk = Desk()
    desk.receive(a_payment(kind="adjustment"))
    assert desk.match() == []
    assert desk.state("K1") is S.RECEIVED


def test_money_that_went_back_while_it_waited_is_matched_no_more() -> None:
    desk = Desk(debt("B2", 100))
    desk.receive(a_payment(), replace(a_payment("R1", -400), takes_back="K1", state=S.SETTLED))
    desk.match()
    desk.book.debts["export", "B1"] = desk.book.references["peoplesoft", "B1"] = a_charge()
    desk.match()
    assert desk.shares("K1") == [("B1", 600)]


def test_a_payment_of_which_all_went_back_in_parts_is_settled() -> None:
    desk = Desk(debt("B2", 100))
    back = replace(a_payment("R1", -400), takes_back="K1", state=S.SETTLED)
    desk.receive(a_payment(), back, replace(back, key="R2", cents=-600))
    assert desk.match() == []
    assert desk.state("K1") is S.SETTLED
