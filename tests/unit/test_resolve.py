"""What waits for a person ends only by a word with a name and a reason, by two names where the campus wants two."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from pipeline.cli.account import account
from pipeline.cli.failures import UsageError
from pipeline.cli.resolve import Bench, Wish, wished
from pipeline.ports.ledger import (
    POSTING_MOVES,
    Batch,
    Named,
    Payment,
    PaymentState,
    Posting,
    PostingState,
    Share,
    Task,
    TaskState,
    Upload,
    UploadState,
)
from pipeline.stages import resolving
from pipeline.stages.resolving import Action, NotPossibleError
from tests.fakes.money import a_charge, a_match, a_payment, a_share
from tests.fakes.postings import FakeBook
from tests.unit.back_kit import debt

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
A_POSTING = replace(
    Posting("BPX-01", "K1", "P1", "02", "F1", 1000, "ONLINE", "c", PostingState.HELD, code="POST-REFUSED"),
    source="export",
    fee_id="B1",
)
A_BATCH = Batch("cashnet", "charge", 1, 1, "delta", "out.csv", "out/out.csv", "0" * 64, 1, 1, 1000, date(2026, 3, 1))
IMPORTED = Upload(1, replace(A_BATCH, kind="payment", system="export"), UploadState.SENT)
A_TASK = Task(
    "unpay-1", "unpay", "K1", "cashnet", "export", "B1", "B1", "P1", 1000, "do it", "2026-03-01", TaskState.OPEN
)


class Book(FakeBook):
    """The books in memory, with the names of what is in them."""

    def named(self, word: str) -> Sequence[Named]:
        receipts = [Named("payment", one.key) for one in self.payments.values() if word in (one.key, one.payment_ref)]
        others = [Named("posting", one) for one in self.by_id if one == word]
        others += [Named("task", one) for one in self.by_task if one == word]
        others += [Named("upload", one.batch.name) for one in self.import_files.values() if one.batch.name == word]
        return [*receipts, *others, *([Named("fee", word)] if word == "B9" else [])]

    def names(self) -> dict[str, list[str]]:
        return {"sources": ["export"], "systems": ["peoplesoft", "cashnet"]}

    def postings_of(self, payment_key: str) -> Sequence[Posting]:
        return [one for one in self.by_id.values() if one.payment_key == payment_key]


def book(*things: Payment | Posting | Task | Upload, charged: Any = ()) -> Book:
    made = Book(charged or [a_charge()])
    for one in things:
        if isinstance(one, Payment):
            made.payments[one.key] = one
        elif isinstance(one, Posting):
            made.by_id[one.external_id] = one
            placed = replace(a_match(a_payment(one.payment_key)), state=PaymentState.ALLOCATED)
            made.payments.setdefault(one.payment_key, placed)
        elif isinstance(one, Task):
            made.by_task[one.task_id] = one
        else:
            made.import_files[one.batch_id] = one
    return made


def bench(ledger: Book, by: str = "ada", *, two_people: bool = False, now: datetime = NOW) -> Bench:
    return Bench(cast("Any", ledger), now, by, two_people=two_people)


def wish(word: str, action: Action, fee: str = "") -> Wish:
    return Wish(word, action, "seen in Alma", fee)


def test_doubt_is_sent_again_only_when_alma_can_no_longer_enter_it_late() -> None:
    since = NOW - timedelta(hours=71, minutes=59)
    doubt = replace(A_POSTING, state=PostingState.DOUBT, since=since, attempts=1, code="POST-DOUBT")
    ledger = book(doubt)
    with pytest.raises(NotPossibleError, match=r"--resend from 2026-03-02 12:01 UTC on"):
        bench(ledger).decide(wish("BPX-01", Action.RESEND))
    assert ledger.by_id["BPX-01"] == doubt
    assert ledger.words == {}
    said = bench(ledger, now=NOW + timedelta(minutes=1)).decide(wish("BPX-01", Action.RESEND))
    assert said == "BPX-01: doubt to ready, by ada"
    after = ledger.by_id["BPX-01"]
    assert (after.state, after.attempts, after.why) == (PostingState.READY, 1, "ada: seen in Alma")


def test_doubt_that_nobody_knows_the_hour_of_is_never_sent_again() -> None:
    ledger = book(replace(A_POSTING, state=PostingState.DOUBT, since=None))
    with pytest.raises(NotPossibleError, match="only --settled-elsewhere"):
        bench(ledger).decide(wish("BPX-01", Action.RESEND))


POSTED = [
    (PostingState.DOUBT, Action.SETTLED, PostingState.SETTLED),
    (PostingState.HELD, Action.RESEND, PostingState.READY),
    (PostingState.HELD, Action.REJECT, PostingState.CANCELLED),
    (PostingState.HELD, Action.SETTLED, PostingState.SETTLED),
    (PostingState.DOUBLE, Action.SETTLED, PostingState.SETTLED),
    (PostingState.MISMATCH, Action.SETTLED, PostingState.SETTLED),
    (PostingState.LISTED, Action.SETTLED, PostingState.SETTLED),
]


@pytest.mark.parametrize(("state", "action", "to"), POSTED)
def test_a_posting_goes_where_the_word_says(state: PostingState, action: Action, to: PostingState) -> None:
    ledger = book(replace(A_POSTING, state=state, since=NOW), IMPORTED)
    ledger.listed["BPX-01"] = 1
    bench(ledger).decide(wish("BPX-01", action))
    after = ledger.by_id["BPX-01"]
    assert (after.state, after.why) == (to, "ada: seen in Alma")
    assert after.code == ("POST-REFUSED" if to is PostingState.READY else "")
    ((word, by),) = ledger.heard_words
    assert (word.by, by, word.reason) == ("ada", "ada", "seen in Alma")


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (PostingState.MISMATCH, "POST-MISMATCH"),
        (PostingState.MISMATCH, "IMPORT-DOUBLE"),
        (PostingState.DOUBLE, "POST-DOUBLE"),
        (PostingState.HELD, "POST-MISMATCH"),
    ],
)
def test_what_stood_otherwise_bears_that_also_when_it_is_settled(state: PostingState, code: str) -> None:
    ledger = book(replace(A_POSTING, state=state, code=code, since=NOW))
    bench(ledger).decide(wish("BPX-01", Action.SETTLED))
    assert (ledger.by_id["BPX-01"].state, ledger.by_id["BPX-01"].code) == (PostingState.SETTLED, code)


def test_every_other_word_on_a_posting_is_one_line_and_changes_nothing() -> None:
    allowed = {(state, action) for state, action, _ in POSTED} | {(PostingState.DOUBT, Action.RESEND)}
    for state in PostingState:
        for action in Action:
            if (state, action) in allowed:
                continue
            posting = replace(A_POSTING, state=state, since=NOW - timedelta(days=9))
            ledger = book(posting)
            with pytest.raises(NotPossibleError) as error:
                bench(ledger).decide(wish("BPX-01", action))
            assert "\n" not in str(error.value)
            assert str(error.value).startswith("posting BPX-01: is ")
            assert (ledger.by_id["BPX-01"], ledger.words) == (posting, {})


def test_every_rule_is_a_move_that_the_ledger_knows() -> None:
    for state, answers in resolving.POSTINGS.items():
        assert set(answers.values()) <= POSTING_MOVES[state]


@pytest.mark.parametrize("state", [PaymentState.HELD, PaymentState.SUSPENSE])
@pytest.mark.parametrize(
    ("action", "to"),
    [
        (Action.RESEND, PaymentState.RECEIVED),
        (Action.REJECT, PaymentState.SETTLED),
        (Action.SETTLED, PaymentState.SETTLED),
    ],
)
def test_a_payment_goes_where_the_word_says_also_by_its_receipt(
    state: PaymentState, action: Action, to: PaymentState
) -> None:
    ledger = book(a_payment(state=state, code="MATCH-UNKNOWN-FEE"))
    bench(ledger).decide(wish("R-K1", action))
    assert (ledger.payments["K1"].state, ledger.payments["K1"].why) == (to, "ada: seen in Alma")


@pytest.mark.parametrize(
    ("code", "cents", "instead"),
    [
        (
            "PAYMENT-UNREADABLE",
            0,
            "could not be read, so .* nothing to send; .* --settled-elsewhere, or --reject",
        ),
        ("PAYMENT-UNREADABLE", -500, "could not be read, so there is nothing to send"),
        ("PAYMENT-UNREADABLE", 1000, "could not be read, so there is nothing to send"),
        (
            "PAYMENT-CHANGED",
            1000,
            "other money before.* the difference .* --settled-elsewhere; .* --to with its fee",
        ),
    ],
)
def test_what_cannot_be_let_go_as_it_stands_says_what_to_do_instead(code: str, cents: int, instead: str) -> None:
    ledger = book(a_payment(cents=cents, state=PaymentState.HELD, code=code))
    before = dict(ledger.payments)
    with pytest.raises(NotPossibleError, match=instead):
        bench(ledger).decide(wish("K1", Action.RESEND))
    assert (ledger.payments, ledger.words) == (before, {})
    bench(ledger).decide(wish("K1", Action.SETTLED))
    assert ledger.payments["K1"].state is PaymentState.SETTLED


def test_a_second_refund_of_one_receipt_is_let_go_and_what_nobody_could_read_pays_no_fee() -> None:
    ledger = book(a_payment(cents=-300, kind="refund", state=PaymentState.HELD, code="PAYMENT-CHANGED"))
    bench(ledger).decide(wish("K1", Action.RESEND))
    assert ledger.payments["K1"].state is PaymentState.RECEIVED
    ledger = book(a_payment(cents=0, state=PaymentState.HELD, code="PAYMENT-UNREADABLE"))
    with pytest.raises(NotPossibleError, match="pay a fee; say --settled-elsewhere or --reject"):
        bench(ledger).decide(wish("K1", Action.TO, "B1"))


def test_more_money_of_one_receipt_is_put_on_the_fee_that_a_person_names() -> None:
    ledger = book(a_payment(cents=400, state=PaymentState.HELD, code="PAYMENT-CHANGED"))
    bench(ledger).decide(wish("K1", Action.TO, "B1"))
    assert (ledger.payments["K1"].state, open_of(ledger)) == (PaymentState.MATCHED, 600)


def test_a_held_payment_that_was_matched_goes_on_with_its_debts() -> None:
    held = replace(a_match(a_payment()), state=PaymentState.HELD, code="MATCH-REVIEW")
    ledger = book(held)
    bench(ledger).decide(wish("K1", Action.RESEND))
    after = ledger.payments["K1"]
    assert (after.state, after.shares, after.code) == (PaymentState.MATCHED, held.shares, "MATCH-REVIEW")


def test_a_payment_is_given_to_a_fee_as_far_as_anything_is_open_of_it() -> None:
    ledger = book(a_payment("K0", 400, state=PaymentState.RECEIVED), a_payment("K1", 1000, state=PaymentState.SUSPENSE))
    ledger.match_payment(ledger.payments["K0"], a_match(ledger.payments["K0"]).shares, NOW)
    said = bench(ledger).decide(wish("K1", Action.TO, "B1"))
    assert said == "K1: 6.00 of 10.00 for fee B1, 4.00 stays in suspense, by ada"
    (share,) = ledger.payments["K1"].shares
    assert (ledger.payments["K1"].state, share.fee_id, share.cents) == (PaymentState.MATCHED, "B1", 600)


@pytest.mark.parametrize(
    ("fee", "changes", "charge", "why"),
    [
        ("B7", {}, {}, "no system was ever told of a fee B7"),
        ("B1", {"cents": -500}, {}, "brings no money that could pay a fee; say --resend or --settled"),
        ("B1", {}, {"system": "cashnet"}, "came from peoplesoft, and fee B1 was charged at cashnet"),
        ("B1", {}, {"charged_cents": 0}, "nothing is open of fee B1"),
        ("B1", {"state": PaymentState.MATCHED}, {}, "waits for nobody's word"),
    ],
)
def test_a_payment_that_cannot_go_to_a_fee_says_why(
    fee: str, changes: dict[str, Any], charge: dict[str, Any], why: str
) -> None:
    ledger = book(a_payment(**{"state": PaymentState.HELD, **changes}), charged=[a_charge(**charge)])
    before = dict(ledger.payments)
    with pytest.raises(NotPossibleError, match=why):
        bench(ledger).decide(wish("K1", Action.TO, fee))
    assert ledger.payments == before


def test_a_payment_that_is_divided_up_names_its_postings() -> None:
    with pytest.raises(NotPossibleError, match=r"give what you mean of it: BPX-01 \(held\)"):
        bench(book(A_POSTING, replace(A_TASK, task_id="refund-K1-1", kind="refund"))).decide(wish("K1", Action.SETTLED))


def test_what_is_left_over_of_a_payment_is_not_put_on_a_fee_but_ends_with_its_task() -> None:
    ledger = book(A_POSTING, replace(A_TASK, task_id="refund-K1-1", kind="refund"))
    with pytest.raises(
        NotPossibleError, match=r"divided up, and that is done once; .* --settled-elsewhere of its task"
    ):
        bench(ledger).decide(wish("K1", Action.TO, "B1"))
    bench(ledger).decide(wish("refund-K1-1", Action.SETTLED))
    assert ledger.by_task["refund-K1-1"].state is TaskState.DONE


@pytest.mark.parametrize("action", [Action.REJECT, Action.SETTLED])
def test_a_held_payment_that_a_person_ends_stays_for_its_debts_for_the_bursar_has_the_money(action: Action) -> None:
    ledger = book(replace(a_match(a_payment()), state=PaymentState.HELD, code="LOOKS-ALREADY-ENTERED"))
    bench(ledger).decide(wish("K1", action))
    assert (ledger.payments["K1"].state, open_of(ledger)) == (PaymentState.SETTLED, 0)


@pytest.mark.parametrize("code", ["PAYMENT-WITHDRAWN?", "PAYMENT-SAID-AGAIN"])
def test_money_that_never_came_is_for_no_debt(code: str) -> None:
    ledger = book(replace(a_match(a_payment()), state=PaymentState.HELD, code=code))
    bench(ledger).decide(wish("K1", Action.REJECT))
    after = ledger.payments["K1"]
    assert (after.state, after.code, after.shares) == (PaymentState.EXCLUDED, code, ())
    assert open_of(ledger) == 1000


def went_back(ledger: Book, cents: int, origin: str = "K1", *, shared: bool = True) -> None:
    back = a_payment("R1", -cents, kind="refund")
    ledger.enter([back])
    ledger.take_back(back, [a_share(-cents)] if shared else [], [], NOW, origin=origin)


def undone(ledger: Book, **changes: Any) -> None:
    """A payment for two fees was charged back, and the money is there again."""
    shares = (Share(1, "export", "B1", -1000), Share(2, "export", "B2", -400))
    paid = tuple(replace(one, cents=-one.cents) for one in shares)
    first = a_payment("K1", 1400, state=PaymentState.ALLOCATED, shares=paid)
    back = a_payment("C1", -1400, kind="chargeback", state=PaymentState.TASKED, origin_ref="R-K1", shares=shares)
    again = a_payment("U1", 1400, kind="other", state=PaymentState.HELD, code="CHARGEBACK-UNDONE", origin_ref="R-K1")
    ledger.payments |= {"K1": first, "C1": replace(back, takes_back="K1"), "U1": replace(again, **changes)}


@pytest.mark.parametrize("names", ["R-K1", "R-C1"])
def test_a_chargeback_undone_counts_as_paid_again_for_each_of_its_fees_and_is_never_planned(names: str) -> None:
    ledger = book(charged=[a_charge(), debt("B2", 400)])
    undone(ledger, origin_ref=names)
    assert (open_of(ledger), open_of(ledger, "B2")) == (1000, 400)
    said = bench(ledger).decide(wish("U1", Action.RESEND))
    assert said == "U1: 10.00 of fee B1, 4.00 of fee B2 counts as paid again, by ada"
    assert (open_of(ledger), open_of(ledger, "B2"), ledger.payments["U1"].state) == (0, 0, PaymentState.SETTLED)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"origin_ref": ""}, "none is known that opened a debt"),
        ({"cents": 1000}, "none is known that opened a debt"),
        ({}, "what it opened is not open any more"),
    ],
)
def test_a_chargeback_undone_counts_for_no_debt_that_is_not_open_by_it(changes: dict[str, Any], why: str) -> None:
    ledger = book(charged=[a_charge(), debt("B2", 400)])
    undone(ledger, **changes)
    ledger.payments["K2"] = replace(a_match(a_payment("K2")), state=PaymentState.ALLOCATED)
    with pytest.raises(NotPossibleError, match=why):
        bench(ledger).decide(wish("U1", Action.RESEND))
    assert ledger.payments["U1"].state is PaymentState.HELD


def open_of(ledger: Book, fee_id: str = "B1") -> int:
    debt = ledger.charge_of("export", fee_id)
    assert debt is not None
    return debt.open_cents


def test_a_fee_gets_no_more_of_a_payment_than_did_not_go_back() -> None:
    ledger = book(a_payment(state=PaymentState.SUSPENSE))
    went_back(ledger, 400, shared=False)
    said = bench(ledger).decide(wish("K1", Action.TO, "B1"))
    assert said == "K1: 6.00 of 10.00 for fee B1, by ada"
    assert open_of(ledger) == 400


def test_a_payment_of_which_all_went_back_is_given_to_no_fee() -> None:
    ledger = book(a_payment(state=PaymentState.SUSPENSE))
    went_back(ledger, 1000, shared=False)
    with pytest.raises(NotPossibleError, match="all of it went back"):
        bench(ledger).decide(wish("K1", Action.TO, "B1"))


@pytest.mark.parametrize("origin", ["K1", ""])
def test_a_payment_of_which_a_part_went_back_stays_for_that_fee(origin: str) -> None:
    held = replace(a_match(a_payment()), state=PaymentState.HELD, code="FEE-CLOSED")
    ledger = book(held, charged=[a_charge(), a_charge(fee_id="B2", reference="B2")])
    went_back(ledger, 400, origin)
    with pytest.raises(NotPossibleError, match="money of fee B1 went back"):
        bench(ledger).decide(wish("K1", Action.TO, "B2"))
    assert ledger.payments["K1"] == held
    bench(ledger).decide(wish("K1", Action.TO, "B1"))
    assert (ledger.payments["K1"].shares, open_of(ledger)) == (held.shares, 400)


@pytest.mark.parametrize("state", [PostingState.DOUBT, PostingState.HELD])
@pytest.mark.parametrize(("cents", "origin", "kept"), [(1000, "K1", "0.00"), (1000, "", "0.00"), (400, "K1", "6.00")])
def test_what_went_back_is_not_sent_again(state: PostingState, cents: int, origin: str, kept: str) -> None:
    posting = replace(A_POSTING, state=state, code="POST-REFUSED", since=NOW - timedelta(days=9))
    ledger = book(posting)
    went_back(ledger, cents, origin)
    with pytest.raises(NotPossibleError, match=f"money of fee B1 went back.* {kept} of the 10.00 are kept"):
        bench(ledger).decide(wish("BPX-01", Action.RESEND))
    assert (ledger.by_id["BPX-01"], ledger.words) == (posting, {})
    bench(ledger).decide(wish("BPX-01", Action.SETTLED))


def test_what_is_held_because_a_part_went_back_may_be_paid_in_full_all_the_same() -> None:
    ledger = book(replace(A_POSTING, code="MONEY-WENT-BACK"))
    went_back(ledger, 400)
    assert bench(ledger).decide(wish("BPX-01", Action.RESEND)) == "BPX-01: held to ready, by ada"
    ledger = book(replace(A_POSTING, code="MONEY-WENT-BACK"))
    went_back(ledger, 1000)
    with pytest.raises(NotPossibleError, match="went back"):
        bench(ledger).decide(wish("BPX-01", Action.RESEND))


@pytest.mark.parametrize(
    ("code", "again"),
    [
        ("BALANCE-FELL", "; it is looked at anew, and held again if it is still BALANCE-FELL"),
        ("LOOKS-ALREADY-ENTERED", ""),
    ],
)
def test_whoever_lets_something_go_hears_whether_that_is_a_yes(code: str, again: str) -> None:
    said = bench(book(replace(A_POSTING, code=code))).decide(wish("BPX-01", Action.RESEND))
    assert said == f"BPX-01: held to ready{again}, by ada"
    held = replace(a_match(a_payment()), state=PaymentState.HELD, code=code)
    assert bench(book(held)).decide(wish("K1", Action.RESEND)) == f"K1: held to matched{again}, by ada"


@pytest.mark.parametrize("state", [one for one in UploadState if one is not UploadState.SENT])
def test_what_stands_in_a_file_that_alma_has_not_got_is_not_settled(state: UploadState) -> None:
    listed = replace(A_POSTING, state=PostingState.LISTED, way="import_file", code="")
    ledger = book(listed, replace(IMPORTED, state=state))
    ledger.listed["BPX-01"] = 1
    with pytest.raises(NotPossibleError, match=f"stands in file out.csv, which is {state}"):
        bench(ledger).decide(wish("BPX-01", Action.SETTLED))
    assert ledger.by_id["BPX-01"] == listed


def test_a_word_does_not_count_once_what_it_is_about_has_moved_and_come_back() -> None:
    held = replace(a_match(a_payment()), state=PaymentState.HELD, code="FEE-CLOSED")
    ledger = book(held)
    bench(ledger, "ada", two_people=True).decide(wish("K1", Action.REJECT))
    let_go = ledger.settle_payment(held, PaymentState.MATCHED, "", "", NOW)
    ledger.settle_payment(let_go, PaymentState.HELD, "FEE-CLOSED", "", NOW)
    assert "kept" in bench(ledger, "bob", two_people=True).decide(wish("K1", Action.REJECT))
    assert ledger.payments["K1"] == held


def test_a_word_that_was_carried_out_and_not_heard_before_a_crash_is_no_first_word_later() -> None:
    ledger = book(A_POSTING)
    bench(ledger, "ada", two_people=True).decide(wish("BPX-01", Action.RESEND))
    ledger.step = stops_at("before heard")
    with pytest.raises(ConnectionError):
        bench(ledger, "bob", two_people=True).decide(wish("BPX-01", Action.RESEND))
    ledger.step = lambda _step: None
    again = ledger.move_posting(ledger.by_id["BPX-01"], PostingState.HELD, NOW, code="POST-REFUSED")
    assert "kept" in bench(ledger, "bob", two_people=True).decide(wish("BPX-01", Action.RESEND))
    assert ledger.by_id["BPX-01"] == again


def stops_at(name: str) -> Callable[[str], None]:
    def step(at: str) -> None:
        if at == name:
            raise ConnectionError(name)

    return step


@pytest.mark.parametrize(("action", "to"), [(Action.SETTLED, UploadState.SENT), (Action.REJECT, UploadState.CANCELLED)])
def test_a_file_in_conflict_is_theirs_or_given_up(action: Action, to: UploadState) -> None:
    ledger = book(Upload(1, A_BATCH, UploadState.CONFLICT))
    bench(ledger).decide(wish("out.csv", action))
    assert (ledger.import_files[1].state, ledger.import_files[1].evidence) == (to, "ada: seen in Alma")


@pytest.mark.parametrize("state", [UploadState.BUILT, UploadState.UPLOADING, UploadState.STAGED])
def test_a_file_that_is_surely_not_there_may_be_given_up_for_its_bytes_may_be_lost(state: UploadState) -> None:
    ledger = book(Upload(1, A_BATCH, state))
    bench(ledger).decide(wish("out.csv", Action.REJECT))
    assert ledger.import_files[1].state is UploadState.CANCELLED


def test_a_file_that_may_be_there_is_not_for_people_to_decide() -> None:
    ledger = book(Upload(1, A_BATCH, UploadState.PUBLISHING))
    with pytest.raises(NotPossibleError, match="is publishing, and waits for nobody"):
        bench(ledger).decide(wish("out.csv", Action.SETTLED))


@pytest.mark.parametrize(("action", "reason"), [(Action.SETTLED, "done"), (Action.REJECT, "not needed")])
def test_a_task_is_done_or_not_needed_once(action: Action, reason: str) -> None:
    ledger = book(A_TASK)
    bench(ledger).decide(wish("unpay-1", action))
    task = ledger.by_task["unpay-1"]
    assert (task.state, task.closed_by, task.reason) == (TaskState.DONE, "ada", f"{reason}: seen in Alma")
    with pytest.raises(NotPossibleError, match="is done"):
        bench(ledger).decide(wish("unpay-1", action))


def test_two_people_must_say_the_same_and_be_two() -> None:
    ledger = book(A_POSTING)
    first = bench(ledger, "ada", two_people=True).decide(wish("BPX-01", Action.REJECT))
    assert first == "BPX-01: your word is kept; it is done when another account says the same"
    assert ledger.by_id["BPX-01"] == A_POSTING
    with pytest.raises(NotPossibleError, match="you said so already, ada"):
        bench(ledger, "ada", two_people=True).decide(wish("BPX-01", Action.REJECT))
    assert ledger.by_id["BPX-01"] == A_POSTING
    said = bench(ledger, "bob", two_people=True).decide(wish("BPX-01", Action.REJECT))
    assert said == "BPX-01: held to cancelled, by ada and bob"
    assert ledger.by_id["BPX-01"].why == "ada and bob: seen in Alma; seen in Alma"
    ((word, by),) = ledger.heard_words
    assert (word.by, by) == ("ada", "bob")
    assert ledger.words == {}


def test_another_answer_by_the_second_is_a_first_word_again() -> None:
    ledger = book(A_POSTING)
    bench(ledger, "ada", two_people=True).decide(wish("BPX-01", Action.REJECT))
    assert "kept" in bench(ledger, "bob", two_people=True).decide(wish("BPX-01", Action.SETTLED))
    assert ledger.by_id["BPX-01"] == A_POSTING
    assert "by bob and ada" in bench(ledger, "ada", two_people=True).decide(wish("BPX-01", Action.SETTLED))


def test_a_word_said_while_it_stood_elsewhere_does_not_count_as_the_first() -> None:
    ledger = book(A_POSTING)
    bench(ledger, "ada", two_people=True).decide(wish("BPX-01", Action.RESEND))
    ledger.by_id["BPX-01"] = replace(A_POSTING, code="LOCATE-BUSY")
    assert "kept" in bench(ledger, "bob", two_people=True).decide(wish("BPX-01", Action.RESEND))
    assert ledger.by_id["BPX-01"].state is PostingState.HELD


def test_two_people_who_name_two_fees_have_not_said_the_same() -> None:
    ledger = book(a_payment(state=PaymentState.SUSPENSE), charged=[a_charge(), a_charge(fee_id="B2", reference="B2")])
    bench(ledger, "ada", two_people=True).decide(wish("K1", Action.TO, "B1"))
    assert "kept" in bench(ledger, "bob", two_people=True).decide(wish("K1", Action.TO, "B2"))
    assert ledger.payments["K1"].state is PaymentState.SUSPENSE


def test_what_cannot_be_is_said_to_the_first_of_two_already() -> None:
    ledger = book(A_POSTING)
    with pytest.raises(NotPossibleError):
        bench(ledger, two_people=True).decide(wish("BPX-01", Action.TO, "B1"))
    assert ledger.words == {}


@pytest.mark.parametrize(
    ("word", "why"),
    [
        ("nothing", "nothing: no posting, payment, file or task is known by this name"),
        ("B9", "B9: is a fee; `bursar approve` and `bursar reject` decide about fees"),
        ("R-1", "R-1: is a name of 2 things; give one of them: payment K1, payment K2"),
    ],
)
def test_a_name_that_is_not_one_thing_is_told_in_one_line(word: str, why: str) -> None:
    ledger = book(a_payment("K1", payment_ref="R-1"), a_payment("K2", payment_ref="R-1"))
    with pytest.raises(NotPossibleError) as error:
        bench(ledger).decide(wish(word, Action.SETTLED))
    assert str(error.value) == why


def test_exactly_one_answer_is_said() -> None:
    none = {"--resend": False, "--settled-elsewhere": False, "--reject": False}
    assert wished("X", "why", none, "B1") == Wish("X", Action.TO, "why", "B1")
    with pytest.raises(UsageError, match="say one of --resend"):
        wished("X", "why", none, "")
    with pytest.raises(UsageError, match="not --reject and --to"):
        wished("X", "why", {**none, "--reject": True}, "B1")


def test_the_account_is_the_system_s_and_not_what_somebody_calls_himself(monkeypatch: pytest.MonkeyPatch) -> None:
    mine = account()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")
    assert account() == mine
    monkeypatch.setenv("SUDO_UID", "4000000")
    assert account() == mine


def test_who_logged_in_stays_the_same_whatever_account_runs_the_command(tmp_path: Path) -> None:
    login = tmp_path / "loginuid"
    here = account(login)
    login.write_text("4000000", "ascii")
    assert account(login) == "account 4000000" != here
    for nobody in ("4294967295", "", "x"):
        login.write_text(nobody, "ascii")
        assert account(login) == here
