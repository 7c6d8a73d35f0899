"""What the ledger or a list just read says of one share holds the others; what cannot be seen is waited for."""

from __future__ import annotations

import pytest

from pipeline.ports.ledger import PostingState
from pipeline.stages.external import external_id
from tests.unit.evening_kit import K1, Evening
from tests.unit.shares_kit import OTHERWISE, SECOND, becomes, in_parts, night, planned, states, status

P = PostingState
DISPUTE = "FEE-IN-DISPUTE"
BLIND = "POST-BLIND"


@pytest.mark.parametrize(("state", "code"), [(P.MISMATCH, OTHERWISE), (P.MISMATCH, "IMPORT-DOUBLE"), (P.DOUBLE, "")])
@pytest.mark.parametrize("patron", ["P1", "P7"])
def test_what_the_ledger_knows_of_another_share_needs_no_look(state: PostingState, code: str, patron: str) -> None:
    """Its fee is closed and cannot be read, or Alma knows its patron no more."""
    evening = planned()
    becomes(evening, K1, state, code, patron_id=patron, why="on the fee with 10.00, not 5.00")
    held = "PATRON-STOPPED" if (state, patron) == (P.DOUBLE, "P1") else OTHERWISE
    assert night(evening, "F1") == [held]
    assert (states(evening)[1], evening.fees.requests) == ((P.HELD, held), [])


@pytest.mark.parametrize(
    ("code", "after"),
    [(OTHERWISE, P.HELD), ("POST-DOUBLE", P.HELD), ("IMPORT-DOUBLE", P.HELD), ("", P.POSTED)],
)
def test_what_stood_otherwise_and_is_settled_holds_the_rest_whatever_that_waited_for(code: str, after: P) -> None:
    evening = planned()
    status(evening, "F2", "INDISPUTE")
    becomes(evening, K1, P.SETTLED, code, why="ada: 7.00 stay there")
    assert night(evening) == [DISPUTE]
    status(evening, "F2", "ACTIVE")
    assert night(evening) == ([OTHERWISE] if after is P.HELD else [])
    assert evening.book.by_id[SECOND].state is after
    if after is P.HELD:
        told = "share 1 of its payment: stood otherwise than planned, and is settled: ada: 7.00 stay there"
        assert evening.book.by_id[SECOND].why == told


def test_a_yes_to_it_is_asked_for_again_when_something_else_came_between() -> None:
    evening = planned()
    becomes(evening, K1, P.MISMATCH, OTHERWISE)
    becomes(evening, SECOND, P.READY, OTHERWISE)
    status(evening, "F2", "INDISPUTE")
    assert night(evening) == [DISPUTE]
    status(evening, "F2", "ACTIVE")
    assert [night(evening), night(evening)] == [[OTHERWISE], []]
    becomes(evening, SECOND, P.READY, OTHERWISE)
    night(evening)
    assert evening.book.by_id[SECOND].state is P.POSTED


def test_what_one_share_is_held_for_holds_the_others_too() -> None:
    evening = planned()
    becomes(evening, K1, P.HELD, OTHERWISE, why="share 3 stands with 2.00 on fee F3, and is not planned there")
    assert night(evening) == [OTHERWISE]
    assert evening.book.by_id[SECOND].why == evening.book.by_id[K1].why


@pytest.mark.parametrize("first", [DISPUTE, OTHERWISE])
def test_a_held_share_whose_reason_is_gone_is_not_sent_while_one_stands_on_another_fee(first: str) -> None:
    """A held one is read alone, so its patron's open fees must be asked for."""
    evening = planned()
    for name, code in ((K1, first), (SECOND, DISPUTE)):
        becomes(evening, name, P.HELD, code)
    evening.posted_before(600, SECOND, "F3")
    night(evening)
    assert (states(evening), evening.fees.requests) == ([(P.HELD, OTHERWISE)] * 2, [])


def test_what_a_list_just_read_shows_of_a_posted_share_counts_before_it_is_confirmed() -> None:
    evening = planned()
    evening.posted_before(700)
    becomes(evening, K1, P.POSTED)
    assert night(evening) == [OTHERWISE]
    assert (evening.fees.calls, evening.fees.requests) == (["list ACTIVE"], [])
    assert evening.book.by_id[SECOND].why == "share 1 of its payment: on the fee with 7.00, not 5.00"


@pytest.mark.parametrize("held", [False, True])
def test_a_held_share_that_cannot_be_seen_is_waited_for_until_a_person_lets_the_other_go(*, held: bool) -> None:
    evening = planned()
    status(evening, "F1", "INDISPUTE")
    for name in (K1, SECOND) if held else (K1,):
        becomes(evening, name, P.HELD, DISPUTE)
    assert [night(evening, "F1") for _ in range(5)] == [[], [], [BLIND], [], []]
    assert (
        evening.book.by_id[SECOND].why == "on 3 days Alma could not be asked about it: share 1 of its payment: HTTP 503"
    )
    becomes(evening, SECOND, P.READY, BLIND)
    assert night(evening, "F1") == []
    assert [one.fee_id for one in evening.fees.requests] == ["F2"]


def test_a_share_whose_patron_alma_knows_no_more_is_waited_for_too() -> None:
    evening = planned()
    becomes(evening, K1, P.READY, patron_id="P7")
    evening.posted_before(1000)
    assert [night(evening) for _ in range(4)] == [["POST-REFUSED"], [], [BLIND], []]
    assert (evening.book.by_id[SECOND].state, evening.fees.requests) == (P.HELD, [])


def test_one_that_a_person_was_told_of_as_unseen_is_not_waited_for() -> None:
    evening = planned()
    status(evening, "F1", "INDISPUTE")
    becomes(evening, K1, P.HELD, BLIND)
    night(evening, "F1")
    assert evening.book.by_id[SECOND].state is P.POSTED


def test_one_wrong_share_of_many_is_told_with_its_own_name_and_the_rest_of_its_receipt_once() -> None:
    evening = in_parts(20)
    night(evening, budget=6)
    evening.posted_before(600, external_id("campus", "K1", 7), "F7")
    assert [night(evening), night(evening)] == [[OTHERWISE, OTHERWISE], []]
    ways = [one.state for one in evening.book.by_id.values()]
    assert (ways.count(P.MISMATCH), ways.count(P.HELD), evening.fees.requests) == (1, 19, [])


def asked_on_the_second_night(evening: Evening, where: str, parts: int) -> int:
    """Plan on one night, change the status of the first fees, pay on the next; give how often Alma was asked then."""
    night(evening, budget=6)
    for number in range(1, parts + 1):
        status(evening, f"F{number}", where)
    before = len(evening.fees.calls)
    night(evening)
    return len(evening.fees.calls) - before


@pytest.mark.parametrize("where", ["ACTIVE", "EXPORTED"])
def test_the_looks_at_others_grow_with_the_shares_and_not_with_their_square(where: str) -> None:
    evening = in_parts(30)
    assert asked_on_the_second_night(evening, where, 30) < 2 * 30
    assert {one.state for one in evening.book.by_id.values()} == {P.POSTED}


def test_what_is_on_no_list_asked_for_is_read_once_for_all() -> None:
    evening = in_parts(30)
    assert asked_on_the_second_night(evening, "INDISPUTE", 15) < 2 * 30
    ways = [one.state for one in evening.book.by_id.values()]
    assert (ways.count(P.HELD), ways.count(P.POSTED)) == (15, 15)
