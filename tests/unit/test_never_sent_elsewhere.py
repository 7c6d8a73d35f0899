"""Money may stand in Alma on other fees than the ledger would put it on now: while one is not shown, it waits."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PaymentState, PostingState, Share
from pipeline.stages.went_back import WENT_BACK
from tests.fakes.alma import Read, a_fee
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import a_back, debt, unnamed
from tests.unit.evening_kit import K1, Evening

if TYPE_CHECKING:
    from collections.abc import Sequence

S, P = PaymentState, PostingState
EARLY = "REVERSAL-EARLY"


def test_money_that_names_no_fee_may_have_been_on_another_one_before_the_ledger_was_lost() -> None:
    evening = Evening(debt("B1", 1000, payments_to="record"), debt("B2", 2000, "2026-12-24"))
    evening.receive(a_payment(fee_ref=""), a_back(fee_ref="", origin_ref="R-K1"))
    evening.posted_before(fee="F2")
    assert evening.night() == [EARLY]
    assert evening.standing("K1", "R1") == [(S.MATCHED, ""), (S.HELD, EARLY)]


def of_a_stranger(cents: int = 1000) -> Evening:
    """P9's payment names a charge that nobody knows; a lost ledger had put it on P1's fee, as a person said."""
    evening = Evening(debt("B1", 1000))
    evening.earlier_until = "2026-11-30"
    evening.posted_before()
    evening.receive(a_payment(fee_ref="STRAY", patron_id="P9"))
    evening.receive(a_back(cents=-cents, fee_ref="", patron_id="P9", origin_ref="R-K1"))
    return evening


@pytest.mark.parametrize(("cents", "state"), [(1000, S.CANCELLED), (400, S.TASKED)])
def test_of_money_for_no_debt_that_is_as_old_as_the_ledger_staff_see_whether_it_is_on_anothers_fee(
    cents: int, state: PaymentState
) -> None:
    evening = of_a_stranger(cents)
    evening.evening()
    (task,) = evening.book.tasks()
    assert (task.task_id, task.kind, task.cents, evening.state("R1")) == ("look-back-R1-1", "look", cents, state)
    assert f"under the id {K1}" in task.text


def test_of_a_whole_receipt_so_do_the_lines_that_are_for_no_debt() -> None:
    evening = of_a_stranger(2000)
    evening.receive(a_payment("K2", fee_ref="B1", payment_ref="R-K1", payment_line="2"))
    evening.evening()
    assert evening.tasks() == [("look", "", 1000)]


def test_nobody_is_asked_to_look_for_money_that_is_younger_than_the_ledger_or_where_nothing_is_posted() -> None:
    for younger in (True, False):
        evening = of_a_stranger()
        if younger:
            evening.earlier_until = "2026-11-01"
        else:
            evening.alma = None
        evening.night()
        assert (evening.state("K1"), evening.tasks()) == (S.CANCELLED, [])


def two_debts(*reads: Read, **changes: object) -> Evening:
    """Two open debts of one patron, and 7.00 that a lost ledger had put on the later one."""
    evening = Evening(debt("B1", 1000), debt("B2", 2000, "2026-12-24", **changes))  # type: ignore[arg-type]
    evening.alma = evening.an_alma(*reads)
    evening.posted_before(700, fee="F2")
    return evening


def closed_as_we_ask(evening: Evening) -> None:
    """The desk waives what is left of F2: it has left the list of open fees, and is not on that of closed ones yet."""
    evening.clock.sleep(86_400)
    evening.fees.change(replace(evening.fees.fee("F2"), status="CLOSED", balance_cents=0))


AS_IT_CLOSES = (Read.FRESH, Read.FRESH, Read.FRESH, Read.STALE)
"""The list of closed fees is of a moment before the others."""


def test_while_a_fee_on_which_a_total_may_stand_is_on_none_of_almas_lists_it_is_not_cancelled() -> None:
    evening = two_debts(*AS_IT_CLOSES)
    evening.receive(a_payment(cents=700, fee_ref=""), a_back(cents=-700, fee_ref="", origin_ref="R-K1"))
    closed_as_we_ask(evening)
    assert evening.evening() == [EARLY, "LOCATE-BUSY"]
    assert "nobody can tell whether Alma has it: Alma does not show fee B2" in evening.book.payments["R1"].why
    assert evening.evening() == []
    assert evening.standing("K1", "R1") == [(S.HELD, "EARLIER-POSTING-DIFFERS"), (S.HELD, EARLY)]
    assert "Alma has 7.00 on fee F2 under our own id" in evening.book.payments["R1"].why
    assert evening.fees.requests == []


@pytest.mark.parametrize("reads", [(), AS_IT_CLOSES])
def test_what_is_planned_for_another_fee_than_it_stands_on_never_goes_by_itself(reads: Sequence[Read]) -> None:
    evening = two_debts(*reads)
    evening.receive(a_payment(cents=700, fee_ref=""))
    evening.match()
    (planned,) = evening.allocate("K1")
    evening.book.by_id[K1] = replace(planned, alma_fee_id="F1")
    evening.receive(a_back(cents=-700, fee_ref="", origin_ref="R-K1"))
    closed_as_we_ask(evening)
    told = [told for _ in range(3) for told in evening.evening()]
    assert told == [EARLY, *(["LOCATE-BUSY"] if reads else []), WENT_BACK]
    posting = evening.book.posting(K1)
    assert (posting.state, posting.code, evening.fees.requests) == (P.HELD, WENT_BACK, [])
    assert "Alma has 7.00 on fee F2 under our own id, unknown to this ledger: sent as planned" in posting.why
    assert evening.standing("K1", "R1") == [(S.ALLOCATED, ""), (S.HELD, EARLY)]
    evening.book.move_posting(posting, P.SETTLED, evening.now, why="ada: it is this one")
    assert evening.night() == []
    assert (evening.state("R1"), evening.tasks()) == (S.TASKED, [("look", "B1", 700)])


def test_money_in_suspense_waits_too_while_a_fee_that_it_may_stand_on_is_not_shown() -> None:
    evening = two_debts(*AS_IT_CLOSES)
    evening.receive(a_payment(cents=700, fee_ref="X"), a_back(cents=-700, fee_ref="X", origin_ref="R-K1"))
    closed_as_we_ask(evening)
    assert evening.night() == ["MATCH-UNKNOWN-FEE", EARLY]
    assert evening.standing("K1", "R1") == [(S.SUSPENSE, "MATCH-UNKNOWN-FEE"), (S.HELD, EARLY)]
    assert "Alma does not show fee B2" in evening.book.payments["R1"].why


def test_absence_is_not_believed_of_a_debt_while_an_older_fee_of_it_is_not_shown() -> None:
    evening = Evening(a_charge(continued_by=("B9",)))
    evening.receive(a_payment(), a_back(origin_ref="R-K1"))
    assert evening.night() == [EARLY, "LOCATE-BUSY"]
    assert "Alma does not show fee B1" in evening.book.payments["R1"].why
    evening.clock.sleep(86_400)
    evening.fees.add("P1", a_fee("F0", original=0, status="CLOSED"))
    assert evening.night() == []
    assert evening.standing("K1", "R1") == [(S.CANCELLED, "")] * 2


@pytest.mark.parametrize(("opened", "told"), [("2026-11-22", [EARLY, "LOCATE-BUSY"]), ("2026-11-21", [])])
def test_money_as_old_as_its_ledger_may_stand_on_a_fee_that_it_does_not_name(opened: str, told: list[str]) -> None:
    """A person had put it there before the ledger was lost."""
    evening = two_debts(*AS_IT_CLOSES)
    evening.earlier_until = opened
    evening.receive(a_payment(cents=700), a_back(cents=-700, origin_ref="R-K1"))
    closed_as_we_ask(evening)
    assert evening.night() == told
    assert evening.state("K1") is (S.HELD if told else S.CANCELLED)


def test_money_that_names_no_patron_may_stand_on_any_fee_of_the_patron_it_was_put_on_by_hand() -> None:
    evening = two_debts(*AS_IT_CLOSES)
    evening.receive(a_payment(cents=700, fee_ref="", patron_id=""))
    evening.match()
    evening.book.match_payment(evening.book.payments["K1"], [Share(1, "export", "B1", 700)], evening.now)
    evening.receive(a_back(cents=-700, fee_ref="", patron_id="", origin_ref="R-K1"))
    closed_as_we_ask(evening)
    assert evening.night() == [EARLY, "LOCATE-BUSY"]


def test_a_part_of_money_that_is_for_no_debt_now_does_not_go_back_unseen_while_alma_has_it() -> None:
    evening = Evening(debt("B1", 1000))
    evening.posted_before(400, fee="F1")
    evening.receive(a_payment("K2"), unnamed("K1", 400))
    evening.match()
    assert evening.state("K1") is S.SUSPENSE
    evening.receive(a_back(cents=-200, fee_ref="", origin_ref="R-K1"))
    assert evening.night() == [EARLY]
    assert "Alma has 4.00 on fee F1 under our own id" in evening.book.payments["R1"].why
    evening.book.settle_payment(evening.book.payments["K1"], S.SETTLED, "", "ada: it is on F1", evening.now)
    assert evening.night() == []
    assert (evening.state("R1"), evening.tasks()) == (S.TASKED, [("look", "", 200)])


def test_a_part_of_money_that_is_for_no_debt_goes_back_where_alma_has_none_of_it() -> None:
    evening = Evening(debt("B1", 1000))
    evening.receive(a_payment("K2"), unnamed("K1", 400))
    evening.match()
    evening.receive(a_back(cents=-200, fee_ref="", origin_ref="R-K1"))
    assert evening.night() == []
    assert (evening.state("K1"), evening.state("R1"), evening.tasks()) == (S.SUSPENSE, S.SETTLED, [])
