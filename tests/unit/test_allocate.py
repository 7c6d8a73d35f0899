"""Writing a plan down once: what the ledger says, what Alma shows, and what is held and thought about again."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import Charged, Payment, PaymentState, PostingState, StaleError
from pipeline.ports.outside import AlmaFee, AlmaTransaction, Refused
from pipeline.stages.allocate import Planner, allocate_payment, promises, waiting
from pipeline.stages.duties import Duties
from pipeline.stages.locate import Views
from pipeline.stages.plan import Terms, external_id
from pipeline.stages.post import Rules, post_all
from tests.fakes.alma import FakeAlma, Read, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_match, a_payment, a_share

if TYPE_CHECKING:
    from collections.abc import Sequence


class MachineStoppedError(Exception):
    """Nothing after this was done."""


AT = datetime(2026, 11, 23, 2, tzinfo=UTC)
TODAY = date(2026, 11, 22)
TERMS = Terms("campus", {"CC": "CREDIT_CARD"})
K1 = external_id("campus", "K1", 1)
BOTH = (("B1", 1000), ("B2", 500))


def paid(cents: int, external_id: str = "") -> AlmaTransaction:
    return AlmaTransaction("PAYMENT", cents, external_id, "2026-11-20T10:00:00Z", "t1")


def a_book(*payments: Payment, charges: Sequence[Charged] = ()) -> FakeBook:
    book = FakeBook(charges or [a_charge()])
    book.enter(payments)
    return book


def an_alma(*fees: AlmaFee, reads: list[Read] | None = None) -> FakeAlma:
    return FakeAlma(FakeClock(), [("P1", fee) for fee in fees], Scripted(reads or []))


def run_all(book: FakeBook, alma: FakeAlma) -> list[str]:
    """Plan everything that waits; give the codes of what is told."""
    planner = Planner(book, Views(alma, FakeClock()))
    told = [allocate_payment(one, planner, TERMS, TODAY, AT)[1] for one in waiting(book)]
    return [finding.code for findings in told for finding in findings]


def named(key: str, cents: int, fee_ref: str = "B1") -> Payment:
    return a_match(a_payment(key, cents, fee_ref=fee_ref), a_share(cents, fee_id=fee_ref))


def two_debts(**changes: str | int) -> list[Charged]:
    return [a_charge(), a_charge(fee_id="B2", reference="B2", **changes)]


def for_both() -> Payment:
    return a_match(a_payment(cents=1500, fee_ref="", fees=BOTH), a_share(1000), a_share(500, 2, "B2"))


def test_a_plan_is_written_once_and_the_surplus_is_told() -> None:
    book = a_book(named("K1", 1500))
    planner = Planner(book, Views(an_alma(a_fee()), FakeClock()))
    payment = book.payments["K1"]
    postings, (finding,) = allocate_payment(payment, planner, TERMS, TODAY, AT)
    assert (finding.code, finding.subject) == ("OVERPAID", "K1")
    assert "5.00 are more" in finding.text
    assert [one.cents for one in postings] == [1000]
    assert book.suspense == {"K1": 500}
    assert book.payments["K1"].state is PaymentState.ALLOCATED
    with pytest.raises(StaleError):
        allocate_payment(payment, Planner(book, Views(an_alma(a_fee(original=3000)), FakeClock())), TERMS, TODAY, AT)


def test_a_payment_that_is_held_says_why_once_and_goes_on_when_the_reason_is_gone() -> None:
    book = a_book(named("K1", 1000))
    disputed = a_fee(status="INDISPUTE")
    assert [run_all(book, an_alma(disputed)), run_all(book, an_alma(disputed))] == [["FEE-IN-DISPUTE"], []]
    assert (book.payments["K1"].state, book.payments["K1"].code) == (PaymentState.HELD, "FEE-IN-DISPUTE")
    assert run_all(book, an_alma(a_fee(status="CLOSED", balance=0))) == ["FEE-CLOSED"]
    assert run_all(book, an_alma(a_fee())) == []
    assert book.payments["K1"].state is PaymentState.ALLOCATED


def test_a_payment_of_a_fee_that_is_to_be_entered_anew_waits_for_that_task_and_is_not_sent_back() -> None:
    book, closed = a_book(named("K1", 1000)), an_alma(a_fee(status="CLOSED", balance=0))
    assert run_all(book, closed) == ["FEE-CLOSED"]
    duties = Duties(a_payment("K0", -1000, kind="reversal"), "2026-11-22")
    duties.unpay(a_charge(), 1000, unsure=False)
    (task,) = duties.made
    book.open_task(task, AT)
    assert [run_all(book, closed), run_all(book, closed)] == [["FEE-AWAITED"], []]
    assert f"enter 10.00 of it anew (task {task.task_id})" in book.payments["K1"].why
    book.close_task(task.task_id, "ann", "it was waived after all", AT)
    assert run_all(book, closed) == ["FEE-CLOSED"]


def test_a_payment_held_for_a_persons_word_is_left_alone() -> None:
    book = a_book(replace(named("K1", 1000), state=PaymentState.HELD, code="MATCH-OTHER-PATRON"))
    assert waiting(book) == []


def test_two_payments_of_one_night_share_the_balance() -> None:
    book = a_book(named("K1", 600), named("K2", 600), named("K3", 600))
    assert run_all(book, an_alma(a_fee())) == ["OVERPAID", "FEE-PROMISED"]
    assert [one.cents for one in book.allocations] == [600, 400]


def test_promises_of_earlier_nights_count_until_they_show() -> None:
    book = a_book(named("K1", 600))
    run_all(book, an_alma(a_fee()))
    kept = promises(book)
    assert kept.on(a_fee()) == 600
    assert kept.on(a_fee(balance=400, transactions=(paid(600, K1),))) == 0
    assert kept.on(a_fee("F2")) == 0


def test_a_payment_whose_fee_cannot_be_asked_for_is_held_and_asked_for_again() -> None:
    book = a_book(named("K1", 1000))
    assert run_all(book, an_alma(a_fee(), reads=[Read.BUSY])) == ["LOCATE-BUSY"]
    assert book.payments["K1"].state is PaymentState.HELD
    assert run_all(book, an_alma(a_fee())) == []
    assert book.payments["K1"].state.value == "allocated"


def test_a_persons_yes_is_not_forgotten_because_alma_could_not_be_asked() -> None:
    book = a_book(replace(named("K1", 400), code="LOOKS-ALREADY-ENTERED"))
    fee = a_fee(balance=600, transactions=(paid(400),))
    assert run_all(book, an_alma(fee, reads=[Read.BUSY])) == []
    assert run_all(book, an_alma(fee)) == []
    assert book.payments["K1"].state is PaymentState.ALLOCATED


def test_a_refused_key_is_nobodys_missing_fee() -> None:
    book = a_book(named("K1", 1000))
    with pytest.raises(Refused):
        run_all(book, an_alma(a_fee(), reads=[Read.SYSTEM]))
    assert book.payments["K1"].state is PaymentState.MATCHED


def test_a_patron_is_asked_about_once_however_many_payments_there_are() -> None:
    book = a_book(named("K1", 100), named("K2", 200), named("K3", 300))
    alma = an_alma(a_fee())
    assert run_all(book, alma) == []
    assert alma.calls == ["list ACTIVE"]


def test_a_payment_of_several_fees_is_planned_in_one_piece() -> None:
    book = a_book(for_both(), charges=two_debts())
    alma = an_alma(a_fee("F1"), a_fee("F2", bursar_id="B2"))
    assert run_all(book, alma) == []
    assert [(one.alma_fee_id, one.cents) for one in book.allocations] == [("F1", 1000), ("F2", 500)]
    assert alma.calls == ["list ACTIVE"]


def test_a_share_whose_fee_is_not_found_keeps_the_whole_payment_waiting() -> None:
    book = a_book(for_both(), charges=two_debts())
    assert run_all(book, an_alma(a_fee("F1"))) == ["LOCATE-NOT-FOUND"]
    assert book.allocations == []


def test_money_that_names_no_fee_looks_for_its_past_among_the_closed_fees_too() -> None:
    total = a_match(a_payment("K1", 1000, fee_ref=""), a_share(1000, fee_id="B2"))
    past = a_fee("F1", status="CLOSED", balance=0, transactions=(paid(1000, K1),))
    book = a_book(total, charges=two_debts())
    assert run_all(book, an_alma(past, a_fee("F2", bursar_id="B2"))) == ["EARLIER-POSTING-DIFFERS"]
    assert book.allocations == []


def test_while_a_fee_on_which_a_total_may_stand_is_on_none_of_almas_lists_nobody_can_tell() -> None:
    """It was waived a moment ago: the list of open fees has lost it, that of closed ones does not know it yet."""
    total = a_match(a_payment("K1", 700, fee_ref=""), a_share(700, fee_id="B2"))
    past = a_fee("F1", balance=300, transactions=(paid(700, K1),))
    book = a_book(total, charges=two_debts())
    fresh = [Read.FRESH] * 3
    alma = an_alma(past, a_fee("F2", bursar_id="B2"), reads=[*fresh, Read.STALE, *fresh, Read.STALE])
    alma.change(replace(past, status="CLOSED", balance_cents=0))
    assert [run_all(book, alma), run_all(book, alma)] == [["LOCATE-BUSY"], []]
    assert "on fee B1, which is on none of her lists" in book.payments["K1"].why
    assert run_all(book, alma) == ["EARLIER-POSTING-DIFFERS"]
    assert (book.allocations, alma.requests) == ([], [])


def test_a_total_waits_too_while_an_older_fee_of_a_debt_it_may_stand_on_is_not_shown() -> None:
    total = a_match(a_payment("K1", 700, fee_ref=""), a_share(700, fee_id="B2"))
    book = a_book(total, charges=[a_charge(continued_by=("B9",)), a_charge(fee_id="B2", reference="B2")])
    shown = (a_fee("F9", bursar_id="B9"), a_fee("F2", bursar_id="B2"))
    assert run_all(book, an_alma(*shown)) == ["LOCATE-BUSY"]
    assert run_all(book, an_alma(a_fee("F1", status="CLOSED", balance=0), *shown)) == []
    assert [one.alma_fee_id for one in book.allocations] == ["F2"]


def test_money_as_old_as_its_ledger_looks_for_its_past_on_fees_it_does_not_name() -> None:
    payment = replace(named("K1", 1000), occurred_on="2026-03-01")
    past = a_fee("F2", bursar_id="B2", status="CLOSED", balance=0, transactions=(paid(1000, K1),))
    for opened, told in (("2026-03-01", ["EARLIER-POSTING-DIFFERS"]), ("2026-02-28", [])):
        book, alma = a_book(payment, charges=two_debts()), an_alma(a_fee("F1"), past)
        rules = Rules(AT.date(), timedelta(hours=6), lambda _system: TERMS, earlier_until=opened)
        assert [one.code for one in post_all(alma, book, FakeClock(), rules)] == told
        assert len(book.allocations) == (0 if told else 1)


@pytest.mark.parametrize(
    ("opened", "cents", "codes"),
    [("2026-11-30", 400, ["LOOKS-ALREADY-ENTERED"]), ("2026-11-30", 300, []), ("2026-11-01", 400, [])],
)
def test_money_as_old_as_its_ledger_is_asked_about_where_an_unknown_posting_of_ours_is_just_so_much(
    opened: str, cents: int, codes: list[str]
) -> None:
    other = paid(cents, external_id("campus", "the key it had before the ledger was lost", 1))
    book, alma = a_book(named("K1", 400)), an_alma(a_fee(balance=1000 - cents, transactions=(other,)))
    planner = Planner(book, Views(alma, FakeClock()), opened)
    _, findings = allocate_payment(book.payments["K1"], planner, TERMS, TODAY, AT)
    assert [one.code for one in findings] == codes


def test_what_this_ledger_has_posted_on_a_fee_is_asked_about_by_no_other_payment() -> None:
    book = a_book(named("K1", 400), named("K2", 400))
    alma = an_alma(a_fee(balance=600, transactions=(paid(400, K1),)))
    planner = Planner(book, Views(alma, FakeClock()), "2026-11-30")
    told = [allocate_payment(one, planner, TERMS, TODAY, AT)[1] for one in waiting(book)]
    assert told == [[], []]


def test_a_debt_that_goes_on_under_another_id_is_paid_there_unless_it_was_paid_under_the_old_one() -> None:
    charges = [a_charge(continued_by=("B9",))]
    book = a_book(named("K1", 400), charges=charges)
    assert run_all(book, an_alma(a_fee("F9", bursar_id="B9"))) == []
    assert [one.alma_fee_id for one in book.allocations] == ["F9"]
    again = a_book(named("K1", 400), charges=charges)
    past = a_fee("F1", status="CLOSED", balance=0, transactions=(paid(400, K1),))
    assert run_all(again, an_alma(past, a_fee("F9", bursar_id="B9"))) == ["EARLIER-POSTING-DIFFERS"]


def test_while_a_debt_stands_in_alma_on_several_open_fees_its_payment_waits_for_a_person() -> None:
    """10.00 were charged, 4.00 of them paid, refunded and entered anew; then 10.00 come in."""
    own, new = a_fee("F1", balance=600), a_fee("F2", bursar_id="B2", original=400)
    book = a_book(named("K1", 1000), charges=[a_charge(continued_by=("B2",))])
    assert run_all(book, an_alma(own, new)) == ["FEE-IN-PARTS"]
    assert book.payments["K1"].why == "its debt stands in Alma on 2 open fees: 6.00 on fee F1, 4.00 on fee F2"
    assert (book.suspense, book.tasks()) == ({}, [])
    closed = a_fee("F2", bursar_id="B2", original=400, status="CLOSED", balance=0)
    assert run_all(book, an_alma(own, closed)) == []  # by hand, perhaps with this very payment: a person says so
    assert book.payments["K1"].state is PaymentState.HELD


def test_of_a_debt_in_parts_the_fee_that_is_still_open_is_paid() -> None:
    own, new = a_fee("F1", balance=600), a_fee("F2", bursar_id="B2", status="CLOSED", balance=0)
    book = a_book(named("K1", 600), charges=[a_charge(continued_by=("B2",))])
    assert run_all(book, an_alma(own, new)) == []
    assert [(one.alma_fee_id, one.cents) for one in book.allocations] == [("F1", 600)]


@pytest.mark.parametrize(
    ("earlier", "continued_by", "told"),
    [
        (400, ("B2",), ["FEE-IN-PARTS"]),
        (1000, ("B2",), []),
        (1000, ("B2", "B3"), ["FEE-IN-PARTS"]),
    ],
)
def test_no_file_pays_a_whole_debt_on_a_fee_that_may_be_a_part_of_it(
    earlier: int, continued_by: tuple[str, ...], told: list[str]
) -> None:
    """So much came for the debt before, was imported and went back, and fees were entered anew."""
    charge = a_charge(payments_to="import_file")
    book = a_book(named("K0", earlier), charges=[charge])
    assert nights(book, None) == []
    back = a_payment("R0", -earlier, kind="refund", fee_ref="B1", origin_ref="R-K0")
    book.enter([back, named("K1", 1000)])
    book.take_back(back, [a_share(-earlier)], [], AT, origin="K0")
    book.debts["export", "B1"] = replace(charge, continued_by=continued_by)
    assert nights(book, None) == told
    assert book.by_id[K1].alma_fee_id == "B2" if not told else K1 not in book.by_id
    assert book.tasks() == []


def nights(book: FakeBook, alma: FakeAlma | None) -> list[str]:
    rules = Rules(TODAY, timedelta(hours=6), lambda _system: TERMS)
    return [one.code for one in post_all(alma, book, FakeClock(), rules)]


@pytest.mark.parametrize("way", ["import_file", "record"])
def test_payments_that_alma_is_not_told_by_us_need_no_alma_and_share_what_was_charged(way: str) -> None:
    book = a_book(named("K1", 600), named("K2", 600), named("K3", 600), charges=[a_charge(payments_to=way)])
    assert nights(book, None) == ["OVERPAID", "FEE-CLOSED"]
    assert [one.cents for one in book.allocations] == [600, 400]
    assert {one.way for one in book.by_id.values()} == {way}
    assert book.payments["K3"].state is PaymentState.HELD


def test_what_went_back_opens_a_recorded_debt_again() -> None:
    book = a_book(named("K1", 1000), charges=[a_charge(payments_to="record")])
    nights(book, None)
    book.enter([a_payment("K0", -1000, kind="refund"), named("K2", 1000)])
    book.take_back(book.payments["K0"], [a_share(-1000)], [], AT)
    assert nights(book, None) == []
    assert [one.cents for one in book.allocations] == [1000, 1000]


def test_what_is_left_over_is_a_task_of_the_business_date() -> None:
    book = a_book(named("K1", 1300))
    assert nights(book, an_alma(a_fee())) == ["OVERPAID"]
    (task,) = book.tasks()
    assert (task.task_id, task.kind, task.subject, task.cents) == ("refund-K1-1", "refund", "K1", 300)
    assert task.opened_on == "2026-11-22"
    assert task.text == (
        "3.00 of 13.00 that came in at peoplesoft (receipt R-K1 of 2026-11-22) could be put on no fee: ask the bursar "
        "to refund them to patron P1, or enter them by hand on another fee"
    )


@pytest.mark.parametrize(("before", "after", "left"), [(900, 600, 400), (600, 900, 100)])
def test_the_task_is_of_what_the_plan_leaves_over_though_the_machine_stopped_and_the_balance_moved(
    before: int, after: int, left: int
) -> None:
    def stops(_what: str) -> None:
        raise MachineStoppedError

    book = a_book(named("K1", 1000))
    going, book.step = book.step, stops
    with pytest.raises(MachineStoppedError):
        nights(book, an_alma(a_fee(original=before)))
    assert book.tasks() == []
    book.step = going
    assert nights(book, an_alma(a_fee(original=after))) == ["OVERPAID"]
    assert (book.suspense, [task.cents for task in book.tasks()]) == ({"K1": left}, [left])


def test_a_payment_without_a_rest_is_no_task() -> None:
    book = a_book(named("K1", 1000))
    nights(book, an_alma(a_fee()))
    assert book.tasks() == []


@pytest.mark.parametrize("way", ["record", "import_file"])
def test_what_goes_back_of_the_very_payment_makes_no_room_for_it(way: str) -> None:
    """13.00 came for a debt of 10.00 and 6.50 of them went back before they were planned: 6.50 are paid, not 13.00."""
    book = a_book(named("K1", 1300), charges=[a_charge(payments_to=way)])
    back = a_payment("R1", -650, kind="refund", fee_ref="B1", origin_ref="R-K1")
    book.enter([back])
    book.take_back(back, [a_share(-650)], [], AT, origin="K1")
    assert nights(book, None) == []
    assert [one.cents for one in book.by_id.values()] == [650]
    assert book.tasks() == []


def test_a_posting_that_was_given_up_leaves_room_for_another() -> None:
    book = a_book(named("K1", 1000), charges=[a_charge(payments_to="import_file")])
    nights(book, None)
    book.move_posting(book.by_id[K1], PostingState.CANCELLED, AT, why="a person gave it up")
    book.enter([named("K2", 1000)])
    assert nights(book, None) == []


def test_without_alma_a_payment_of_which_a_share_needs_her_waits_whole() -> None:
    book = a_book(for_both(), charges=two_debts(payments_to="record"))
    assert nights(book, None) == []
    assert (book.payments["K1"].state, book.allocations) == (PaymentState.MATCHED, [])
    alma = an_alma(a_fee())
    assert nights(book, alma) == []
    assert [one.cents for one in alma.requests] == [1000]
    assert sorted(one.state.value for one in book.by_id.values()) == ["posted", "recorded"]


class NoPatron(FakeAlma):
    """Knows nobody."""

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> tuple[AlmaFee, ...]:
        text = "401861 no such patron"
        raise Refused(text, code="401861")


class TestMoneyThatNamesNoFeeAndIsNotPaidInAlmaNow:
    """Before the ledger was lost it may have been: its own id tells, wherever it stands among its patron's fees."""

    @staticmethod
    def a_book(way: str) -> FakeBook:
        total = a_match(a_payment("K1", 500, fee_ref="", patron_id="P1"), a_share(500, fee_id="B2"))
        return a_book(total, charges=two_debts(payments_to=way))

    @pytest.mark.parametrize("way", ["import_file", "record"])
    def test_its_id_on_a_fee_of_the_patron_is_for_a_person(self, way: str) -> None:
        past = a_fee("F1", status="CLOSED", balance=0, transactions=(paid(500, K1),))
        book = self.a_book(way)
        assert nights(book, an_alma(past)) == ["EARLIER-POSTING-DIFFERS"]
        assert "5.00 on fee F1 under the id of its share 1" in book.payments["K1"].why
        assert book.by_id == {}
        assert nights(book, an_alma(past)) == []

    @pytest.mark.parametrize("way", ["import_file", "record"])
    def test_it_waits_until_alma_can_be_asked_and_goes_on_when_nothing_is_there(self, way: str) -> None:
        book = self.a_book(way)
        assert nights(book, None) == []
        assert book.payments["K1"].state is PaymentState.MATCHED
        assert nights(book, an_alma(a_fee(), reads=[Read.BUSY])) == ["LOCATE-BUSY"]
        assert nights(book, NoPatron(FakeClock(), [], Scripted())) == ["LOCATE-NO-PATRON"]
        assert book.by_id == {}
        alma = an_alma(a_fee())
        assert nights(book, alma) == []
        assert [(one.way, one.cents) for one in book.by_id.values()] == [(way, 500)]
        assert (len(alma.calls), alma.requests) == (4, [])

    def test_one_that_names_its_fee_and_one_whose_patron_has_no_fee_paid_in_alma_ask_nothing(self) -> None:
        book = a_book(named("K1", 500, "B2"), charges=two_debts(payments_to="record"))
        total = a_match(a_payment("K2", 300, fee_ref="", patron_id="P9"), a_share(300, fee_id="B9"))
        book.debts["export", "B9"] = a_charge(fee_id="B9", reference="B9", patron_id="P9", payments_to="record")
        book.enter([total])
        assert nights(book, None) == []
        assert sorted(one.cents for one in book.by_id.values()) == [300, 500]


def test_the_same_fee_seen_otherwise_changes_no_plan() -> None:
    book = a_book(named("K1", 600))
    run_all(book, an_alma(a_fee()))
    before = dict(book.by_id)
    run_all(book, an_alma(replace(a_fee(), balance_cents=100)))
    assert book.by_id == before
