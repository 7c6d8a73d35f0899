"""A payment is held for the reason that counts now; what waits for a person's word goes on waiting for it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.ports.ledger import PostingState
from pipeline.stages.holding import hold_for
from pipeline.stages.payable import ENTERED, Hold
from tests.unit.evening_kit import K1
from tests.unit.shares_kit import OTHERWISE, SECOND, becomes, night, planned, states, status

P = PostingState
DISPUTE, BACK = "FEE-IN-DISPUTE", "MONEY-WENT-BACK"


def test_a_new_reason_takes_the_place_of_the_old_one_and_is_told_once() -> None:
    evening = planned()
    status(evening, "F2", "INDISPUTE")
    assert [night(evening), night(evening)] == [[DISPUTE], []]
    evening.fees.pay_by_hand("F2", 200)
    status(evening, "F2", "ACTIVE")
    assert [night(evening), night(evening)] == [[ENTERED], []]
    held = evening.book.by_id[SECOND]
    assert (held.state, held.code) == (P.HELD, ENTERED)
    assert "somebody else paid 2.00" in held.why


def test_one_that_was_held_for_a_dispute_is_held_for_its_payment_once_that_is_over() -> None:
    evening = planned()
    evening.posted_before(700)
    status(evening, "F2", "INDISPUTE")
    assert night(evening) == [OTHERWISE, DISPUTE]
    status(evening, "F2", "ACTIVE")
    assert night(evening) == [OTHERWISE]
    assert states(evening) == [(P.MISMATCH, OTHERWISE), (P.HELD, OTHERWISE)]


@pytest.mark.parametrize("word", [OTHERWISE, BACK])
@pytest.mark.parametrize("other", [DISPUTE, "PATRON-STOPPED"])
def test_what_waits_for_a_persons_word_is_held_for_nothing_else(word: str, other: str) -> None:
    """Else it would go by itself once the other reason is gone."""
    evening = planned()
    becomes(evening, SECOND, P.HELD, word)
    becomes(evening, K1, P.VERIFIED if other == DISPUTE else P.DOUBLE)
    if other == DISPUTE:
        status(evening, "F2", "INDISPUTE")
    assert night(evening) == []
    assert states(evening)[1] == (P.HELD, word)


def test_a_run_that_dies_between_two_reasons_leaves_no_word_that_nobody_said() -> None:
    evening = planned()
    becomes(evening, SECOND, P.HELD, ENTERED, why="somebody else paid 2.00 on it since")
    left = []

    def dies(label: str) -> None:
        left.append((label, evening.book.by_id[SECOND].state, evening.book.by_id[SECOND].code))

    evening.book.step = dies
    held = hold_for(evening.book.by_id[SECOND], Hold(DISPUTE, "it is in dispute"), evening.book, evening.clock)
    assert ("before ready -> held", P.READY, "") in left
    assert held == replace(held, state=P.HELD, code=DISPUTE, why="it is in dispute")
