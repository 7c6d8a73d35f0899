"""Planning a payment: how many cents go where, under which id, written once; or why a person must look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings import catalogue
from pipeline.ports.ledger import Payment, PaymentState, Posting, PostingState, StaleError
from pipeline.ports.outside import AlmaFee, AlmaTransaction
from pipeline.stages.allocate import RECONSIDERED, Promises, allocate_all, allocate_payment, promises
from pipeline.stages.plan import OURS, Debt, Hold, Plan, Terms, external_id, plan
from tests.fakes.alma import FakeAlma, Read, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_payment

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
TERMS = Terms("campus", {"CC": "CREDIT_CARD"})
K1 = external_id("campus", "K1", 1)


def paid(cents: int, external_id: str = "", kind: str = "PAYMENT") -> AlmaTransaction:
    return AlmaTransaction(kind, cents, external_id, "2026-11-20T10:00:00Z", "t1")


def planned(cents: int, fee: AlmaFee, charged: int = 1000, promised: int = 0) -> Plan | Hold:
    return plan(a_payment(cents=cents), Debt(a_charge(charged_cents=charged), fee), TERMS, promised, AT)


def a_plan(cents: int, fee: AlmaFee, charged: int = 1000, promised: int = 0) -> Plan:
    made = planned(cents, fee, charged, promised)
    assert isinstance(made, Plan)
    return made


def test_an_external_id_stays_what_it_was_for_ever() -> None:
    # printf '6:campus2:K1' | openssl dgst -sha256 -binary | base32 | head -c16
    assert external_id("campus", "K1", 1) == "BPRAFSRET64W3KFUM4-01"


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_two_payments_share_an_external_id(campus: str, key: str, other_campus: str, other_key: str) -> None:
    same = (campus, key) == (other_campus, other_key)
    assert (external_id(campus, key, 1) == external_id(other_campus, other_key, 1)) == same
    assert OURS.fullmatch(external_id(campus, key, 7))


@pytest.mark.parametrize("number", [0, 100])
def test_an_external_id_has_room_for_99_allocations(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 99"):
        external_id("campus", "K1", number)


@pytest.mark.parametrize("status", ["ACTIVE", "EXPORTED"])
@pytest.mark.parametrize(("cents", "posted", "left_over"), [(400, 400, 0), (1000, 1000, 0), (1500, 1000, 500)])
def test_a_payment_is_capped_at_the_balance_and_the_rest_is_left_over(
    status: str, cents: int, posted: int, left_over: int
) -> None:
    made = a_plan(cents, a_fee(status=status))
    assert [(one.cents, one.number, one.alma_fee_id) for one in made.allocations] == [(posted, 1, "F1")]
    assert made.suspense_cents == left_over


def test_a_posting_says_everything_that_alma_must_be_told() -> None:
    (posting,) = a_plan(400, a_fee()).postings
    assert posting == Posting(
        external_id=K1,
        payment_key="K1",
        patron_id="P1",
        patron_id_type="02",
        alma_fee_id="F1",
        cents=400,
        method="CREDIT_CARD",
        comment="peoplesoft receipt R-K1 of 2026-11-22",
        state=PostingState.READY,
        since=AT,
    )


def test_an_unknown_tender_is_online_and_a_comment_is_plain_and_short() -> None:
    payment = a_payment(method="EFT", payment_ref="7\n<é>" + "x" * 200)
    made = plan(payment, Debt(a_charge(), a_fee()), TERMS, 0, AT)
    assert isinstance(made, Plan)
    (posting,) = made.postings
    assert posting.method == "ONLINE"
    assert posting.comment.startswith("peoplesoft receipt 7?<?>xxx")
    assert len(posting.comment) == 100


@pytest.mark.parametrize(
    ("fee", "code"),
    [
        (a_fee(status="CLOSED", balance=0), "FEE-CLOSED"),
        (a_fee(balance=0), "FEE-CLOSED"),
        (a_fee(status="EXPORTED", balance=0), "FEE-CLOSED"),
        (a_fee(status="INDISPUTE"), "FEE-IN-DISPUTE"),
        (a_fee(status="FROZEN"), "FEE-STATUS"),
        (a_fee(currency="EUR"), "FEE-CURRENCY"),
        (a_fee("F9", bursar_id="B9"), "FEE-IDENTITY"),
        (a_fee(kind="CREDIT", original=-1000), "FEE-IS-CREDIT"),
        (a_fee(balance=0, status="CLOSED", transactions=(paid(1000),)), "LOOKS-ALREADY-ENTERED"),
        (a_fee(balance=600, transactions=(paid(400),)), "LOOKS-ALREADY-ENTERED"),
        (a_fee(balance=500, transactions=(paid(500, K1),)), "EARLIER-POSTING-DIFFERS"),
        (a_fee(balance=900, transactions=(paid(100, external_id("campus", "K1", 2)),)), "EARLIER-POSTING-DIFFERS"),
    ],
)
def test_what_cannot_be_placed_is_held_and_thought_about_again(fee: AlmaFee, code: str) -> None:
    cents = 1000 if fee.status == "CLOSED" else 400
    made = planned(cents, fee)
    assert isinstance(made, Hold)
    assert made.code == code
    assert code in RECONSIDERED
    assert code in catalogue()


def test_every_reason_that_is_reconsidered_is_in_the_catalogue() -> None:
    assert set(catalogue()) >= RECONSIDERED


def test_an_equal_payment_before_the_charge_is_no_reason() -> None:
    fee = a_fee(original=1400, balance=1000, transactions=(paid(400),))
    assert a_plan(400, fee, charged=1000).allocations[0].cents == 400


def test_an_equal_waiver_or_the_trace_of_the_export_is_no_payment() -> None:
    traces = (paid(400, kind="WAIVE"), paid(400, kind="EXPORTED_AND_PAID"))
    assert a_plan(400, a_fee(balance=600, transactions=traces)).allocations[0].cents == 400


def test_an_equal_payment_of_ours_is_another_payment() -> None:
    other = external_id("campus", "K2", 1)
    assert a_plan(400, a_fee(balance=600, transactions=(paid(400, other),))).allocations[0].cents == 400


@pytest.mark.parametrize("status", ["ACTIVE", "CLOSED", "INDISPUTE"])
def test_after_a_lost_ledger_a_payment_is_planned_as_it_stands_whatever_the_balance_is(status: str) -> None:
    fee = a_fee(status=status, balance=0, transactions=(paid(700, K1), paid(300)))
    made = a_plan(1500, fee)
    assert [(one.external_id, one.cents) for one in made.postings] == [(K1, 700)]
    assert made.suspense_cents == 800


def test_after_a_lost_ledger_every_number_is_found() -> None:
    second = external_id("campus", "K1", 2)
    made = a_plan(1000, a_fee(balance=0, transactions=(paid(700, K1), paid(200, second))))
    assert [(one.number, one.cents) for one in made.allocations] == [(1, 700), (2, 200)]
    assert made.suspense_cents == 100


def test_what_is_promised_to_others_is_not_given_twice() -> None:
    assert a_plan(600, a_fee(), promised=600).allocations[0].cents == 400
    assert planned(600, a_fee(), promised=1000) == Hold(
        "FEE-PROMISED", "payments on their way cover the 10.00 left on it"
    )


@pytest.mark.parametrize("cents", [0, -1])
def test_money_that_went_back_is_never_planned(cents: int) -> None:
    with pytest.raises(ValueError, match="only money that came in"):
        planned(cents, a_fee())


@given(st.integers(1, 3000), st.integers(0, 2000), st.integers(0, 2500), st.sampled_from(["ACTIVE", "CLOSED"]))
def test_a_plan_adds_up_to_the_payment_and_never_takes_more_than_there_is(
    cents: int, balance: int, promised: int, status: str
) -> None:
    made = planned(cents, a_fee(original=2000, balance=balance, status=status), 2000, promised)
    if isinstance(made, Plan):
        posted = sum(one.cents for one in made.allocations)
        assert posted + made.suspense_cents == cents
        assert 0 < posted <= balance - promised


def a_book(*payments: Payment) -> FakeBook:
    book = FakeBook([a_charge()])
    book.enter(payments)
    return book


def test_a_plan_is_written_once_and_the_surplus_is_told() -> None:
    book = a_book(a_payment(cents=1500))
    debt = Debt(a_charge(), a_fee())
    (finding,) = allocate_payment(book.payments["K1"], debt, book, TERMS, Promises(()), AT)
    assert (finding.code, finding.subject) == ("OVERPAID", "K1")
    assert "5.00 are more" in finding.text
    assert book.suspense == {"K1": 500}
    assert book.payments["K1"].state is PaymentState.ALLOCATED
    with pytest.raises(StaleError):
        allocate_payment(a_payment(cents=1500), debt, book, TERMS, Promises(()), AT)


def test_a_payment_that_is_held_says_why_once_and_goes_on_when_the_reason_is_gone() -> None:
    book = a_book(a_payment())
    disputed, open_again = Debt(a_charge(), a_fee(status="INDISPUTE")), Debt(a_charge(), a_fee())
    first = allocate_payment(book.payments["K1"], disputed, book, TERMS, Promises(()), AT)
    again = allocate_payment(book.payments["K1"], disputed, book, TERMS, Promises(()), AT)
    assert [one.code for one in [*first, *again]] == ["FEE-IN-DISPUTE"]
    assert (book.payments["K1"].state, book.payments["K1"].code) == (PaymentState.HELD, "FEE-IN-DISPUTE")
    assert allocate_payment(book.payments["K1"], open_again, book, TERMS, Promises(()), AT) == []
    assert book.payments["K1"].state is PaymentState.ALLOCATED


def run_all(book: FakeBook, alma: FakeAlma) -> list[str]:
    waiting = [*book.payments_in(PaymentState.RECEIVED), *book.payments_in(PaymentState.HELD)]
    return [one.code for one in allocate_all(waiting, alma, book, FakeClock(), lambda _: TERMS)]


def an_alma(fee: AlmaFee, reads: list[Read] | None = None) -> FakeAlma:
    return FakeAlma(FakeClock(), [("P1", fee)], Scripted(reads or []))


def test_two_payments_of_one_night_share_the_balance() -> None:
    book = a_book(a_payment("K1", 600), a_payment("K2", 600), a_payment("K3", 600))
    assert run_all(book, an_alma(a_fee())) == ["OVERPAID", "FEE-PROMISED"]
    assert [one.cents for one in book.allocations] == [600, 400]


def test_promises_of_earlier_nights_count_until_they_show() -> None:
    book = a_book(a_payment("K1", 600))
    run_all(book, an_alma(a_fee()))
    kept = promises(book)
    assert kept.on(a_fee()) == 600
    assert kept.on(a_fee(balance=400, transactions=(paid(600, K1),))) == 0
    assert kept.on(a_fee("F2")) == 0


def test_a_payment_whose_fee_cannot_be_asked_for_waits_as_it_is() -> None:
    book = a_book(a_payment())
    assert run_all(book, an_alma(a_fee(), [Read.BUSY])) == ["LOCATE-BUSY"]
    assert book.payments["K1"].state is PaymentState.RECEIVED


def test_a_refused_key_stops_planning() -> None:
    book = a_book(a_payment(), a_payment("K2"))
    assert run_all(book, an_alma(a_fee(), [Read.SYSTEM])) == ["POST-STOPPED"]
    assert {one.state for one in book.payments.values()} == {PaymentState.RECEIVED}


def test_a_silent_alma_is_not_asked_for_ever() -> None:
    book = a_book(*(a_payment(f"K{n}") for n in range(20)))
    alma = an_alma(a_fee(), [Read.BUSY] * 20)
    assert run_all(book, alma) == ["LOCATE-BUSY"] * 10 + ["POST-PAUSED"]
    assert len(alma.calls) == 10


def test_a_payment_without_a_charge_or_a_fee_is_held() -> None:
    book = a_book(a_payment("K1", fee_ref="B7"), a_payment("K2"))
    assert run_all(book, an_alma(a_fee("F9", bursar_id="B9"))) == ["MATCH-UNKNOWN-FEE", "LOCATE-NOT-FOUND"]


def test_the_same_fee_seen_otherwise_changes_no_plan() -> None:
    book = a_book(a_payment("K1", 600))
    run_all(book, an_alma(a_fee()))
    before = dict(book.by_id)
    run_all(book, an_alma(replace(a_fee(), balance_cents=100)))
    assert book.by_id == before
