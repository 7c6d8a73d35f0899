"""Planning a payment: how many cents go where, under which id; or why a person must look."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings import catalogue
from pipeline.ports.ledger import PaymentState, Posting, PostingState
from pipeline.ports.outside import AlmaFee, AlmaTransaction
from pipeline.stages.allocate import RECONSIDERED
from pipeline.stages.plan import OURS, Hold, Plan, Stake, Terms, external_id, plan
from tests.fakes.alma import a_fee
from tests.fakes.postings import a_charge, a_match, a_payment, a_share

AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
TERMS = Terms("campus", {"CC": "CREDIT_CARD"})
K1 = external_id("campus", "K1", 1)
SECOND = external_id("campus", "K1", 2)


def paid(cents: int, external_id: str = "", kind: str = "PAYMENT") -> AlmaTransaction:
    return AlmaTransaction(kind, cents, external_id, "2026-11-20T10:00:00Z", "t1")


def planned(cents: int, fee: AlmaFee, charged: int = 1000, taken: int = 0) -> Plan | Hold:
    payment = a_match(a_payment(cents=cents))
    stake = Stake(payment.shares[0], a_charge(charged_cents=charged), fee, taken)
    return plan(payment, [stake], [fee], TERMS, AT)


def a_plan(cents: int, fee: AlmaFee, charged: int = 1000, taken: int = 0) -> Plan:
    made = planned(cents, fee, charged, taken)
    assert isinstance(made, Plan)
    return made


def divided(cents: int, *stakes: Stake, others: tuple[AlmaFee, ...] = ()) -> Plan | Hold:
    """Plan a payment over several fees; ``others`` are fees of the patron that it is not for."""
    payment = a_match(a_payment(cents=cents), *(one.share for one in stakes))
    seen = [one.fee for one in stakes if one.fee is not None]
    return plan(payment, stakes, [*seen, *others], TERMS, AT)


def a_stake(
    number: int, cents: int, fee: AlmaFee | None, taken: int = 0, **charge: str | int | tuple[str, ...]
) -> Stake:
    """Make share ``number`` of ``cents`` for debt B<number>, which fee F<number> of Alma is unless told otherwise."""
    debt = f"B{number}"
    charged = a_charge(fee_id=debt, reference=debt, **charge)
    return Stake(a_share(cents, number, debt), charged, fee, taken)


def nth(number: int, **changes: object) -> AlmaFee:
    return a_fee(f"F{number}", bursar_id=f"B{number}", **changes)  # type: ignore[arg-type]


def cents_of(made: Plan | Hold) -> tuple[dict[int, int], int]:
    assert isinstance(made, Plan)
    return {one.number: one.cents for one in made.allocations}, made.suspense_cents


def test_an_external_id_stays_what_it_was_for_ever() -> None:
    # printf '6:campus2:K1' | openssl dgst -sha256 -binary | base32 | head -c16
    assert external_id("campus", "K1", 1) == "BPRAFSRET64W3KFUM4-01"


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_no_two_payments_share_an_external_id(campus: str, key: str, other_campus: str, other_key: str) -> None:
    same = (campus, key) == (other_campus, other_key)
    assert (external_id(campus, key, 1) == external_id(other_campus, other_key, 1)) == same
    assert OURS.fullmatch(external_id(campus, key, 7))


@pytest.mark.parametrize("number", [0, 100])
def test_an_external_id_has_room_for_99_shares(number: int) -> None:
    with pytest.raises(ValueError, match="1 to 99"):
        external_id("campus", "K1", number)


def test_a_payment_for_more_fees_than_ids_have_room_for_is_held() -> None:
    made = divided(1000, *(a_stake(number, 10, nth(number)) for number in range(1, 101)))
    assert isinstance(made, Hold)
    assert made.code == "SHARES-TOO-MANY"
    assert made.code in catalogue()


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
        way="api",
        source="export",
        fee_id="B1",
    )


def test_an_unknown_tender_is_online_and_a_comment_is_plain_and_short() -> None:
    payment = a_match(a_payment(method="EFT", payment_ref="7\n<é>" + "x" * 200))
    made = plan(payment, [Stake(payment.shares[0], a_charge(), a_fee(), 0)], [], TERMS, AT)
    assert isinstance(made, Plan)
    (posting,) = made.postings
    assert posting.method == "ONLINE"
    assert posting.comment.startswith("peoplesoft receipt 7?<?>xxx")
    assert len(posting.comment) == 100


HELD = [
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
    (a_fee(balance=900, transactions=(paid(100, SECOND),)), "EARLIER-POSTING-DIFFERS"),
]


@pytest.mark.parametrize(("fee", "code"), HELD)
def test_what_cannot_be_placed_is_held_and_thought_about_again(fee: AlmaFee, code: str) -> None:
    cents = 1000 if fee.status == "CLOSED" else 400
    made = planned(cents, fee)
    assert isinstance(made, Hold)
    assert made.code == code
    assert code in RECONSIDERED
    assert code in catalogue()


def test_every_reason_that_is_reconsidered_is_in_the_catalogue() -> None:
    assert set(catalogue()) >= RECONSIDERED


def test_a_person_who_has_seen_the_other_payment_may_let_it_go_on() -> None:
    fee = a_fee(balance=600, transactions=(paid(400),))
    payment = replace(a_match(a_payment(cents=400)), code="LOOKS-ALREADY-ENTERED")
    made = plan(payment, [Stake(payment.shares[0], a_charge(), fee, 0)], [fee], TERMS, AT)
    assert isinstance(made, Plan)
    assert made.postings[0].code == "LOOKS-ALREADY-ENTERED"
    held = replace(payment, state=PaymentState.HELD)
    assert isinstance(plan(held, [Stake(payment.shares[0], a_charge(), fee, 0)], [fee], TERMS, AT), Hold)


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


def test_after_a_lost_ledger_shares_that_stand_in_alma_stay_and_the_others_follow() -> None:
    there = nth(1, balance=0, status="CLOSED", transactions=(paid(1000, K1),))
    made = divided(1500, a_stake(1, 1000, there), a_stake(2, 500, nth(2)))
    assert cents_of(made) == ({1: 1000, 2: 500}, 0)


def test_who_reads_why_a_payment_waits_reads_what_of_it_is_in_alma_already() -> None:
    there = nth(1, balance=0, status="CLOSED", transactions=(paid(1000, K1),))
    made = divided(1500, a_stake(1, 1000, there), a_stake(2, 500, nth(2, status="INDISPUTE")))
    assert isinstance(made, Hold)
    assert made.why.endswith("of this payment there stand in Alma already: 10.00 on fee F1")


def test_after_a_lost_ledger_money_that_was_divided_otherwise_is_not_paid_again() -> None:
    closed = nth(9, balance=0, status="CLOSED", transactions=(paid(1000, K1),))
    made = divided(1000, a_stake(1, 1000, nth(1)), others=(closed,))
    assert isinstance(made, Hold)
    assert made.code == "EARLIER-POSTING-DIFFERS"
    assert "F9" in made.why


def test_a_payment_that_stands_on_its_fee_twice_is_planned_so_that_the_look_finds_both() -> None:
    fee = a_fee(balance=200, transactions=(paid(400, K1), paid(400, K1)))
    assert cents_of(planned(400, fee)) == ({1: 400}, 0)


def test_what_is_promised_to_others_is_not_given_twice() -> None:
    assert a_plan(600, a_fee(), taken=600).allocations[0].cents == 400
    assert planned(600, a_fee(), taken=1000) == Hold("FEE-PROMISED", "payments on their way cover the 10.00 left on it")


@pytest.mark.parametrize("closed", [nth(2, status="CLOSED", balance=0), nth(2, balance=0)])
def test_a_share_whose_fee_is_closed_goes_to_suspense_when_others_can_be_paid(closed: AlmaFee) -> None:
    assert cents_of(divided(900, a_stake(1, 400, nth(1)), a_stake(2, 500, closed))) == ({1: 400}, 500)
    alone = divided(500, a_stake(2, 500, closed))
    assert isinstance(alone, Hold)
    assert alone.code == "FEE-CLOSED"


@pytest.mark.parametrize(
    ("fee", "taken", "code"),
    [
        (nth(2, status="INDISPUTE"), 0, "FEE-IN-DISPUTE"),
        (nth(2, status="FROZEN"), 0, "FEE-STATUS"),
        (nth(2), 1000, "FEE-PROMISED"),
        (nth(7), 0, "FEE-IDENTITY"),
        (nth(2, balance=500, transactions=(paid(500),)), 0, "LOOKS-ALREADY-ENTERED"),
    ],
)
def test_while_one_share_may_still_be_paid_the_whole_payment_waits(fee: AlmaFee, taken: int, code: str) -> None:
    made = divided(900, a_stake(1, 400, nth(1)), a_stake(2, 500, fee, taken))
    assert isinstance(made, Hold)
    assert made.code == code


def test_two_shares_of_one_payment_do_not_take_the_same_cents() -> None:
    again = replace(a_stake(1, 700, nth(1)), share=a_share(700, 2, "B1"))
    assert cents_of(divided(1400, a_stake(1, 700, nth(1)), again)) == ({1: 700, 2: 300}, 400)


def test_what_belongs_to_no_share_is_left_over() -> None:
    assert cents_of(divided(1500, a_stake(1, 400, nth(1)))) == ({1: 400}, 1100)


@pytest.mark.parametrize(("way", "state"), [("import_file", PostingState.READY), ("record", PostingState.RECORDED)])
def test_what_alma_is_not_told_by_us_is_capped_at_what_was_charged(way: str, state: PostingState) -> None:
    made = divided(700, a_stake(1, 700, None, 600, payments_to=way))
    assert cents_of(made) == ({1: 400}, 300)
    assert isinstance(made, Plan)
    (posting,) = made.postings
    assert (posting.state, posting.way, posting.alma_fee_id) == (state, way, "B1")
    covered = divided(700, a_stake(1, 700, None, 1000, payments_to=way))
    assert isinstance(covered, Hold)
    assert covered.code == "FEE-CLOSED"


def test_a_payment_may_be_settled_in_three_ways_at_once() -> None:
    made = divided(
        900,
        a_stake(1, 300, nth(1)),
        a_stake(2, 300, None, payments_to="import_file"),
        a_stake(3, 300, None, payments_to="record"),
    )
    assert isinstance(made, Plan)
    assert [(one.way, one.state.value) for one in made.postings] == [
        ("api", "ready"),
        ("import_file", "ready"),
        ("record", "recorded"),
    ]


def test_a_debt_that_goes_on_under_another_id_is_paid_there() -> None:
    made = divided(400, a_stake(1, 400, a_fee("F9", bursar_id="B9"), continued_by=("B9",)))
    assert isinstance(made, Plan)
    assert [(one.fee_id, one.alma_fee_id) for one in made.allocations] == [("B1", "F9")]


@pytest.mark.parametrize("cents", [0, -1])
def test_money_that_went_back_is_never_planned(cents: int) -> None:
    with pytest.raises(ValueError, match="only money that came in"):
        plan(a_payment(cents=cents), [], [], TERMS, AT)


@given(
    st.integers(1, 5000),
    st.lists(
        st.tuples(
            st.integers(1, 3000), st.integers(0, 2000), st.integers(0, 2500), st.sampled_from(["ACTIVE", "CLOSED"])
        ),
        min_size=1,
        max_size=4,
    ),
)
def test_a_plan_adds_up_to_the_payment_and_never_takes_more_than_there_is(
    more: int, shares: list[tuple[int, int, int, str]]
) -> None:
    stakes = [
        a_stake(number, cents, nth(number, original=2000, balance=balance, status=status), taken, charged_cents=2000)
        for number, (cents, balance, taken, status) in enumerate(shares, 1)
    ]
    cents = sum(one.share.cents for one in stakes) + more
    made = divided(cents, *stakes)
    if isinstance(made, Plan):
        assert sum(one.cents for one in made.allocations) + made.suspense_cents == cents
        for one in made.allocations:
            wanted, balance, taken, _ = shares[one.number - 1]
            assert 0 < one.cents <= min(wanted, balance - taken)
