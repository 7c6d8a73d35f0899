"""However money comes and goes back, no cent is for two debts, none is lost from sight, and staff undo just enough."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.campus.back import Unnamed
from pipeline.cli.resolve import Bench, Wish
from pipeline.ports.ledger import Named, PaymentState, PostingState
from pipeline.stages import giveback
from pipeline.stages.resolving import Action, NotPossibleError
from tests.fakes.postings import a_payment
from tests.unit.back_kit import Desk, a_back, debt, unnamed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Payment

S = PaymentState
DEBTS = ("B1", "B2", "B3")
CENTS = st.integers(1, 1200)
KINDS = ("refund", "void", "reversal", "chargeback", "writeoff", "adjustment")
RULES = (Unnamed(), Unnamed(review=True), Unnamed(order="fee_type"))
GONE = (PostingState.CANCELLED, PostingState.SETTLED)


@st.composite
def sales(draw: st.DrawFn) -> list[Payment]:
    """Payments that name a fee, several, one that is unknown, or none."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        key, cents, day = f"K{number}", draw(CENTS), f"2026-11-{draw(st.integers(10, 20))}"
        form = draw(st.sampled_from(("named", "unknown", "several", "unnamed")))
        if form == "several":
            parts = draw(
                st.lists(st.tuples(st.sampled_from((*DEBTS, "X")), st.integers(1, 400)), min_size=1, max_size=3)
            )
            cents = sum(part for _, part in parts) + draw(st.integers(0, 50))
            made.append(a_payment(key, cents, fee_ref="", fees=tuple(parts), occurred_on=day))
        elif form == "unnamed":
            made.append(unnamed(key, cents, occurred_on=day))
        else:
            made.append(a_payment(key, cents, fee_ref=draw(st.sampled_from(DEBTS)) if form == "named" else "X"))
    return made


@st.composite
def backs(draw: st.DrawFn) -> list[Payment]:
    """Lines that take money back, or lower a debt: of a receipt that is known or not, of a fee, of nothing."""
    made = []
    for number in range(draw(st.integers(1, 6))):
        said = {
            "kind": draw(st.sampled_from(KINDS)),
            "fee_ref": draw(st.sampled_from((*DEBTS, "", "X"))),
            "origin_ref": draw(st.sampled_from(("", *(f"R-K{n}" for n in range(7))))),
        }
        made.append(a_back(f"R{number}", -draw(CENTS), **said))
    return made


def a_desk(cents: Sequence[int], rule: Unnamed, ways: Sequence[str] = ("api", "api", "api")) -> Desk:
    owed = zip(DEBTS, cents, ways, strict=True)
    return Desk(
        *(debt(fee, amount, f"2026-12-0{n}", payments_to=way) for n, (fee, amount, way) in enumerate(owed, 1)),
        rule=rule,
    )


def check_places(desk: Desk) -> None:
    """Every payment has a place, and every cent of it is in a share or visible as a rest, held or in suspense."""
    for one in desk.book.payments.values():
        shared = sum(share.cents for share in one.shares)
        assert one.state is not S.RECEIVED
        assert [share.number for share in one.shares] == list(range(1, len(one.shares) + 1))
        assert abs(shared) <= abs(one.cents)
        assert one.shares or one.code or one.state in (S.SETTLED, S.TASKED, S.CANCELLED)
        assert one.state is not S.SUSPENSE or not one.shares


def check_backs(desk: Desk) -> None:
    """No payment gives back more than it is, no debt more than it got of that payment, nor of all of them."""
    assert all(desk.book.now(one).paid_cents >= 0 for one in desk.book.debts.values())
    for one in desk.book.payments.values():
        taken = desk.book.backs_of(one.key)
        assert -sum(back.cents for back in taken) <= max(0, one.cents)
        for fee, received in desk.shares(one.key) if one.cents > 0 else []:
            gone = -sum(cents for back in taken for other, cents in desk.shares(back.key) if other == fee)
            assert 0 <= gone <= received


def check_duties(desk: Desk) -> None:
    """Staff are asked to undo exactly what Alma has as paid, or was planned, beyond what did not go back.

    (What went back of several payments at once is asked of their debt as a whole.)
    """
    for one in desk.book.payments.values():
        taken = {back.key for back in desk.book.backs_of(one.key) if back.state is not S.CANCELLED}
        for fee, received in desk.shares(one.key) if taken and one.cents > 0 else []:
            gone = -sum(cents for key in taken for other, cents in desk.shares(key) if other == fee)
            asked = sum(
                task.cents
                for task in desk.book.by_task.values()
                if task.subject in taken and task.fee_id == fee and task.kind == "unpay"
            )
            there = sum(  # what is not planned yet will never be more than what did not go back
                posting.cents
                for posting in desk.book.postings_of(one.key)
                if posting.fee_id == fee and posting.state not in GONE and posting.way != "record"
            )
            assert asked == max(0, there - (received - gone))


def received(desk: Desk, payment: Payment, fee: str) -> int:
    """Add up what a fee got of a payment."""
    return sum(cents for other, cents in desk.shares(payment.key) if other == fee)


@given(sales(), st.tuples(CENTS, CENTS, CENTS), st.sampled_from(RULES), st.randoms())
def test_unnamed_money_never_takes_what_is_not_open_in_any_order_of_arrival(
    payments: list[Payment], cents: tuple[int, int, int], rule: Unnamed, random: object
) -> None:
    seen = []
    for order in (payments, sorted(payments, key=lambda _: random.random())):  # type: ignore[attr-defined]
        desk = a_desk(cents, rule)
        desk.receive(*order)
        desk.night()
        check_places(desk)
        for fee, charged in zip(DEBTS, cents, strict=True):
            named = sum(received(desk, one, fee) for one in payments if one.fee_ref or one.fees)
            loose = sum(received(desk, one, fee) for one in payments if not one.fee_ref and not one.fees)
            assert loose <= max(0, charged - named)
        seen.append({one.key: (desk.state(one.key), desk.shares(one.key)) for one in payments})
        assert desk.night() == []
        assert seen[-1] == {one.key: (desk.state(one.key), desk.shares(one.key)) for one in payments}
    assert seen[0] == seen[1]


@given(
    sales(),
    backs(),
    st.tuples(CENTS, CENTS, CENTS),
    st.tuples(*(st.sampled_from(("api", "record")) for _ in DEBTS)),
    st.lists(st.sampled_from((None, PostingState.READY, PostingState.POSTED, PostingState.UNKNOWN)), max_size=6),
    st.lists(st.booleans(), max_size=6),
)
def test_what_goes_back_is_never_more_than_came_in_and_staff_undo_just_that(
    payments: list[Payment],
    lines: list[Payment],
    cents: tuple[int, int, int],
    ways: tuple[str, str, str],
    states: list[PostingState | None],
    late: list[bool],
) -> None:
    desk = a_desk(cents, Unnamed(), ways)
    for number, payment in enumerate(payments):
        if not (number < len(late) and late[number]):
            desk.receive(payment)
    desk.match()
    for number, state in enumerate(states[: len(payments)]):
        key = payments[number].key
        if state and key in desk.book.payments and desk.state(key) is S.MATCHED:
            for posting in desk.allocate(key):
                if posting.way == "api" and state is not PostingState.READY:
                    desk.moved(posting, state)
    desk.receive(*lines)
    for _ in range(2):
        desk.night()
        check_places(desk)
        check_backs(desk)
        check_duties(desk)
        desk.receive(*(one for one in payments if one.key not in desk.book.payments))
    before = dict(desk.book.payments)
    desk.night()
    desk.night()
    assert {one.state for one in desk.book.payments.values()} & {S.RECEIVED} == set()
    check_backs(desk)
    check_duties(desk)
    assert set(before) == set(desk.book.payments)


@given(
    sales(),
    backs(),
    st.tuples(CENTS, CENTS, CENTS),
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(list(Action)), st.sampled_from(DEBTS)), max_size=8),
)
def test_whatever_a_person_says_no_more_goes_back_of_a_debt_than_came_in(
    payments: list[Payment],
    lines: list[Payment],
    cents: tuple[int, int, int],
    words: list[tuple[int, Action, str]],
) -> None:
    desk = a_desk(cents, Unnamed(review=True))
    desk.receive(*payments)
    desk.match()
    desk.receive(*lines)
    desk.night()
    bench = Bench(desk.book, desk.now, "ada")
    desk.book.named = lambda word: [Named("payment", word)]
    desk.book.names = lambda: {"sources": ["export"], "systems": ["peoplesoft"]}
    for number, action, fee in words:
        key = f"K{number % len(payments)}"
        before, paid = desk.book.payments[key], paid_of(desk)
        try:
            bench.decide(Wish(key, action, "seen", fee if action is Action.TO else ""))
        except NotPossibleError:
            assert (desk.book.payments[key], paid_of(desk)) == (before, paid)
        check_backs(desk)
        if action in (Action.SETTLED, Action.REJECT):
            assert paid_of(desk) == paid
        desk.night()
        check_backs(desk)
        check_places(desk)


def paid_of(desk: Desk) -> list[int]:
    return [desk.book.now(one).paid_cents for one in desk.book.debts.values()]


def twice_refunded() -> None:
    desk = Desk(debt("B1", 1000))
    desk.receive(a_payment())
    desk.match()
    for posting in desk.allocate("K1"):
        desk.moved(posting, PostingState.POSTED)
    desk.receive(a_back("R1", -600, origin_ref="R-K1"), a_back("R2", -600, origin_ref="R-K1"))
    desk.night()
    check_backs(desk)
    check_duties(desk)


def test_the_laws_have_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    twice_refunded()
    forgetful = property(lambda origin: origin.payment.cents)
    monkeypatch.setattr(giveback.Origin, "left", forgetful)
    with pytest.raises(AssertionError):
        twice_refunded()


def test_the_laws_see_a_task_that_asks_too_much(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(giveback.Part, "too_much", lambda _part, cents: cents)
    desk = Desk(replace(debt("B1", 1000)))
    desk.receive(a_payment(cents=1500))
    desk.match()
    for posting in desk.allocate("K1", B1=1000):
        desk.moved(posting, PostingState.POSTED)
    desk.receive(a_back("R1", -500, origin_ref="R-K1"))
    desk.night()
    with pytest.raises(AssertionError):
        check_duties(desk)
