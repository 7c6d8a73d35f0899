"""Before money is cancelled as never sent Alma is asked: a lost ledger does not know what it had sent."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pipeline.ports.ledger import PaymentState, PostingState
from pipeline.stages.external import external_id
from pipeline.stages.payable import ENTERED
from tests.fakes.alma import Read
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import a_back, debt
from tests.unit.evening_kit import K1, Evening, an_evening

S, P = PaymentState, PostingState
EARLY = "REVERSAL-EARLY"
LISTS = ["list ACTIVE", "list INDISPUTE", "list EXPORTED", "list CLOSED"]


def test_what_was_never_sent_is_cancelled_after_one_look_at_all_the_fees_of_its_patron() -> None:
    evening = an_evening()
    assert evening.evening() == []
    assert (evening.standing("K1", "R1"), evening.fees.calls) == ([(S.CANCELLED, "")] * 2, LISTS)


@pytest.mark.parametrize("way", ["record", "import_file"])
def test_without_anybody_to_ask_only_what_we_never_pay_by_ourselves_is_cancelled(way: str) -> None:
    evening = an_evening(way)
    evening.alma = None
    assert evening.night() == []
    assert evening.standing("K1", "R1") == [(S.CANCELLED, "")] * 2


def test_what_is_only_recorded_costs_no_request() -> None:
    evening = an_evening("record")
    assert evening.night() == []
    assert (evening.state("K1"), evening.fees.calls) == (S.CANCELLED, [])


@pytest.mark.parametrize("cents", [1000, 600])
def test_what_a_lost_ledger_had_posted_is_found_by_its_own_id_and_becomes_a_task(cents: int) -> None:
    evening = an_evening()
    evening.posted_before(cents)
    assert evening.evening() == [EARLY]
    assert evening.standing("K1", "R1") == [(S.ALLOCATED, ""), (S.HELD, EARLY)]
    assert evening.book.payments["R1"].why == (
        f"10.00 go back, and Alma has {cents // 100}.00 on fee F1 under our own id, unknown to this ledger; its task "
        "comes next"
    )
    assert (evening.book.posting(K1).state, evening.fees.requests) == (P.POSTED, [])
    assert evening.evening() == []
    told = [task for task in evening.book.tasks() if task.kind == "unpay"]
    assert ([task.cents for task in told], "It is not known" in told[0].text) == ([cents], False)
    assert (evening.state("R1"), evening.open()) == (S.TASKED, 1000)


def test_of_several_shares_one_that_stands_in_alma_keeps_the_payment_from_being_cancelled() -> None:
    evening = Evening(debt("B1", 600), debt("B2", 400))
    evening.receive(a_payment(fee_ref="", fees=(("B1", 600), ("B2", 400))), a_back(fee_ref="", origin_ref="R-K1"))
    evening.posted_before(400, external_id("campus", "K1", 2), "F2")
    assert evening.evening() == [EARLY, "BACK-STANDS-IN-PART"]
    assert evening.standing("K1", "R1") == [(S.HELD, "BACK-STANDS-IN-PART"), (S.HELD, EARLY)]
    assert evening.fees.requests == []


def test_what_is_planned_and_was_sent_by_a_lost_ledger_is_not_given_up() -> None:
    evening = Evening(debt("B1", 600), debt("B2", 400))
    evening.receive(a_payment(fee_ref="", fees=(("B1", 600), ("B2", 400))))
    evening.match()
    first, second = (replace(one, alma_fee_id=f"F{number}") for number, one in enumerate(evening.allocate("K1"), 1))
    evening.book.by_id |= {one.external_id: one for one in (first, second)}
    evening.moved(first, P.POSTED)
    evening.posted_before(600, K1, "F1")
    evening.posted_before(400, second.external_id, "F2")
    evening.receive(a_back(fee_ref="", origin_ref="R-K1"))
    assert evening.evening() == [EARLY]
    assert evening.evening() == []
    assert (evening.state("R1"), evening.tasks()) == (S.TASKED, [("unpay", "B1", 600), ("unpay", "B2", 400)])
    assert evening.fees.requests == []


@pytest.mark.parametrize("requests", [0, 1])
def test_what_the_ledger_knows_to_be_in_alma_is_no_reason_to_post_the_rest_of_a_payment_that_goes_back(
    requests: int,
) -> None:
    evening = Evening(debt("B1", 600), debt("B2", 400))
    evening.receive(a_payment(fee_ref="", fees=(("B1", 600), ("B2", 400))))
    evening.match()
    first, second = evening.allocate("K1")
    evening.moved(first, P.POSTED)
    evening.book.by_id[K1] = replace(evening.book.posting(K1), attempts=requests)
    evening.posted_before(600, K1, "F1")
    evening.receive(a_back(fee_ref="", origin_ref="R-K1"))
    assert evening.evening() == []
    assert (evening.state("R1"), evening.tasks()) == (S.TASKED, [("unpay", "B1", 600)])
    assert (evening.book.posting(second.external_id).state, evening.fees.requests) == (P.CANCELLED, [])


def test_while_alma_cannot_be_asked_nothing_is_cancelled_and_nothing_is_sent() -> None:
    evening = an_evening()
    evening.alma = evening.an_alma(Read.BUSY)
    assert evening.evening() == [EARLY, "LOCATE-BUSY"]
    assert evening.standing("K1", "R1") == [(S.HELD, "LOCATE-BUSY"), (S.HELD, EARLY)]
    assert (evening.withheld, evening.fees.requests) == ({"K1"}, [])
    assert evening.evening() == []
    assert evening.standing("K1", "R1") == [(S.CANCELLED, "")] * 2


def test_a_payment_held_for_that_goes_on_by_itself_when_it_does_not_go_back_after_all() -> None:
    evening = an_evening()
    evening.alma = evening.an_alma(Read.BUSY)
    evening.evening()
    evening.book.settle_payment(evening.book.payments["R1"], S.SETTLED, "", "ada: told by mistake", evening.now)
    evening.evening()
    assert evening.book.posting(K1).state is P.POSTED


def test_what_is_planned_waits_too_while_alma_cannot_be_asked() -> None:
    evening = Evening()
    evening.receive(a_payment())
    evening.match()
    evening.allocate("K1")
    evening.receive(a_back(origin_ref="R-K1"))
    evening.alma = evening.an_alma(Read.BUSY)
    assert evening.evening() == [EARLY, "LOCATE-BUSY"]
    assert (evening.book.posting(K1).state, evening.fees.requests) == (P.HELD, [])
    assert evening.evening() == []
    assert (evening.state("K1"), evening.book.posting(K1).state) == (S.CANCELLED, P.CANCELLED)


def test_without_alma_a_payment_that_only_she_could_show_waits() -> None:
    evening = an_evening()
    evening.alma = None
    assert evening.night() == [EARLY, "LOCATE-BUSY"]
    assert evening.withheld == {"K1"}


def test_a_refused_key_is_tried_once_and_told() -> None:
    evening = an_evening()
    other = a_charge(fee_id="B5", reference="B5", patron_id="P5", bursar_id="P5")
    evening.book.debts["export", "B5"] = evening.book.references["peoplesoft", "B5"] = other
    evening.receive(a_payment("K5", fee_ref="B5", patron_id="P5"), a_back("R5", fee_ref="B5", origin_ref="R-K5"))
    evening.alma = evening.an_alma(Read.SYSTEM)
    assert sorted(evening.night()) == ["LOCATE-BUSY", "LOCATE-BUSY", "POST-STOPPED", EARLY, EARLY]
    assert (len(evening.fees.calls), evening.withheld) == (1, {"K1", "K5"})


@pytest.mark.parametrize("balance", [None, 400])
def test_absence_is_not_believed_of_a_fee_that_alma_does_not_show_or_whose_figures_disagree(
    balance: int | None,
) -> None:
    evening = an_evening()
    fee = evening.fees.fee("F1")
    evening.fees.change(replace(fee, bursar_id="B9") if balance is None else replace(fee, balance_cents=balance))
    assert evening.night() == [EARLY, "LOCATE-BUSY"]
    assert evening.withheld == {"K1"}


def test_money_in_suspense_may_have_been_put_on_any_fee_of_its_patron() -> None:
    evening = an_evening(fee_ref="X")
    evening.book.payments["K1"] = a_payment(fee_ref="X")
    evening.posted_before()
    assert evening.evening() == ["MATCH-UNKNOWN-FEE", EARLY]
    assert evening.standing("K1", "R1") == [(S.SUSPENSE, "MATCH-UNKNOWN-FEE"), (S.HELD, EARLY)]


def test_what_is_held_for_a_person_and_for_no_debt_is_not_taken_back_in_parts_unseen() -> None:
    evening = Evening(debt("B1", 1000))
    evening.posted_before()
    evening.receive(replace(a_payment(), state=S.HELD, code="PAYMENT-WITHDRAWN?", why="said no more"))
    evening.receive(a_back("R1", -400, origin_ref="R-K1"))
    assert evening.evening() == [EARLY]
    assert evening.book.payments["R1"].why == (
        "4.00 go back, and Alma has 10.00 on fee F1 under our own id, unknown to this ledger; say what becomes of it"
    )


@pytest.mark.parametrize(
    ("fees", "code", "fee"),
    [((("B1", 600), ("X", 400)), "MATCH-PARTLY-UNKNOWN", "F1"), ((("B1", 1000),), "EARLIER-POSTING-DIFFERS", "F2")],
)
def test_of_what_stands_in_alma_and_waits_for_a_person_no_task_is_promised(
    fees: tuple[tuple[str, int], ...], code: str, fee: str
) -> None:
    evening = Evening(debt("B1", 1000), debt("B2", 1000))
    evening.earlier_until = "2026-11-30"
    evening.posted_before(600, fee=fee)
    evening.receive(a_payment(fee_ref="", fees=fees))
    evening.match()
    held = replace(evening.book.payments["K1"], state=S.HELD, code=code, why="a person must say")
    evening.book.payments["K1"] = held
    evening.receive(a_back(cents=-fees[0][1], fee_ref="B1", origin_ref="R-K1"))
    assert evening.back() == [EARLY]
    assert evening.book.payments["R1"].why.endswith("; say what becomes of it")


IMPORTED = "BURSAR_IMPORT"


@pytest.mark.parametrize(("kind", "cents"), [(IMPORTED, 1000), (IMPORTED, 400), ("PAYMENT", 1000)])
def test_what_alma_may_have_imported_is_not_cancelled_before_a_person_has_seen_it(kind: str, cents: int) -> None:
    evening = an_evening("import_file")
    evening.posted_before(cents, "", kind=kind)
    assert evening.night() == [EARLY, ENTERED]
    assert evening.standing("K1", "R1") == [(S.HELD, ENTERED), (S.HELD, EARLY)]
    assert evening.withheld == {"K1"}
    assert evening.night() == []


def test_a_person_who_says_that_it_was_imported_gets_the_task() -> None:
    evening = an_evening("import_file")
    evening.posted_before(1000, "", kind=IMPORTED)
    evening.night()
    evening.book.settle_payment(evening.book.payments["K1"], S.SETTLED, "", "ada: it is this one", evening.now)
    assert evening.night() == []
    assert evening.state("R1") is S.TASKED
    assert [kind for kind, _, _ in evening.tasks()] == ["look"]


def test_a_person_who_says_that_it_is_another_payment_lets_both_be_cancelled() -> None:
    evening = an_evening("import_file")
    evening.posted_before(1000, "", kind=IMPORTED)
    evening.night()
    evening.book.settle_payment(evening.book.payments["K1"], S.MATCHED, ENTERED, "ada: another", evening.now)
    assert evening.night() == []
    assert evening.standing("K1", "R1") == [(S.CANCELLED, "")] * 2


def test_what_is_planned_for_the_import_is_held_as_well() -> None:
    evening = Evening(a_charge(payments_to="import_file"))
    evening.receive(a_payment())
    evening.match()
    evening.allocate("K1")
    evening.receive(a_back(origin_ref="R-K1"))
    evening.posted_before(1000, "", kind=IMPORTED)
    assert evening.night() == [EARLY, ENTERED]
    assert evening.book.posting(K1).state is P.HELD
    evening.book.move_posting(evening.book.posting(K1), P.SETTLED, evening.now, why="ada: it is this one")
    assert evening.night() == []
    assert evening.tasks() == [("look", "B1", 1000)]


@pytest.mark.parametrize(("kind", "left"), [("WAIVE", 0), ("EXPORTED", 1000)])
def test_what_was_waived_or_only_exported_is_no_import(kind: str, left: int) -> None:
    evening = an_evening("import_file")
    evening.posted_before(external="", kind=kind)
    evening.fees.change(replace(evening.fees.fee("F1"), balance_cents=left, status="EXPORTED"))
    assert evening.night() == []
    assert evening.state("K1") is S.CANCELLED


def test_what_we_know_to_be_imported_is_nobody_elses() -> None:
    evening = Evening(a_charge(payments_to="import_file"))
    evening.receive(a_payment("K0", 400))
    evening.match()
    (posting,) = evening.allocate("K0")
    evening.book.by_id[posting.external_id] = replace(posting, state=P.VERIFIED)
    evening.receive(a_payment(cents=600), a_back(cents=-600, origin_ref="R-K1"))
    evening.posted_before(400, "", kind=IMPORTED)
    assert evening.night() == []
    assert evening.standing("K1", "R1") == [(S.CANCELLED, "")] * 2
