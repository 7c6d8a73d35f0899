"""A share of a payment stands in Alma otherwise than planned: the others wait, or more is paid than came in."""

from __future__ import annotations

import pytest

from pipeline.ports.ledger import PaymentState, PostingState
from pipeline.stages.external import external_id
from tests.fakes.alma import Read
from tests.unit.evening_kit import K1
from tests.unit.shares_kit import OTHERWISE, SECOND, planned, states

P = PostingState


@pytest.mark.parametrize("cents", [700, 1000])
def test_where_the_first_stands_with_other_cents_the_second_is_not_sent(cents: int) -> None:
    """With 10.00 the fee is closed, and on the list of open fees no more."""
    evening = planned()
    evening.posted_before(cents)
    for _ in range(3):
        evening.evening()
    assert states(evening) == [(P.MISMATCH, OTHERWISE), (P.HELD, OTHERWISE)]
    assert evening.book.posting(SECOND).why == f"share 1 of its payment: on the fee with {cents // 100}.00, not 5.00"
    assert evening.fees.requests == []


@pytest.mark.parametrize("cents", [700, 1000])
def test_where_the_second_stands_with_other_cents_the_first_is_not_sent(cents: int) -> None:
    evening = planned()
    evening.posted_before(cents, SECOND, "F2")
    for _ in range(2):
        evening.evening()
    assert states(evening) == [(P.HELD, OTHERWISE), (P.MISMATCH, OTHERWISE)]
    assert evening.fees.requests == []


@pytest.mark.parametrize("name", [K1, SECOND, external_id("campus", "K1", 3)])
def test_where_one_stands_on_another_fee_none_is_sent(name: str) -> None:
    evening = planned()
    evening.posted_before(200, name, "F3")
    for _ in range(2):
        evening.evening()
    assert states(evening) == [(P.HELD, OTHERWISE)] * 2
    assert evening.fees.requests == []
    assert "stands with 2.00 on fee F3, and is not planned there" in evening.book.posting(K1).why


def test_what_stands_as_planned_or_is_of_another_payment_holds_nothing() -> None:
    evening = planned()
    evening.posted_before(500)
    evening.posted_before(300, external_id("campus", "K9", 1), "F3")
    evening.evening()
    assert states(evening) == [(P.POSTED, "")] * 2
    assert [one.fee_id for one in evening.fees.requests] == ["F2"]


def test_what_is_held_for_that_stays_so_when_the_other_is_settled_and_goes_by_a_persons_word() -> None:
    evening = planned()
    evening.posted_before(700)
    evening.evening()
    evening.book.move_posting(evening.book.posting(K1), P.SETTLED, evening.now, why="ada: 7.00 stay there")
    evening.evening()
    assert states(evening)[1] == (P.HELD, OTHERWISE)
    held = evening.book.posting(SECOND)
    evening.book.move_posting(held, P.READY, evening.now, code=held.code, why="ada: it is to be paid all the same")
    evening.evening()
    assert evening.book.posting(SECOND).state is P.POSTED
    assert [one.fee_id for one in evening.fees.requests] == ["F2"]


def test_while_one_cannot_be_seen_the_other_is_not_sent() -> None:
    evening = planned(Read.FRESH, Read.FRESH, Read.BUSY)
    evening.posted_before(1000, SECOND, "F2")
    evening.evening()
    assert evening.fees.requests == []
    evening.evening()
    assert states(evening) == [(P.HELD, OTHERWISE), (P.MISMATCH, OTHERWISE)]


def test_the_payment_itself_stays_planned() -> None:
    evening = planned()
    evening.posted_before(700)
    evening.evening()
    assert evening.standing("K1") == [(PaymentState.ALLOCATED, "")]
