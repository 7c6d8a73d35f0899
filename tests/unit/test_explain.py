"""A life is told in order with its evidence, and ends with what happens next of that which needs somebody most."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from pipeline.cli.coming import POSTINGS, Turn
from pipeline.cli.explain import told
from pipeline.ports.ledger import InFile, Named, PaymentState, PostingState, TaskState, Upload, UploadState, Way, Word
from pipeline.stages.match import ALL_BACK
from tests.fakes.money import a_charge, a_match, a_payment
from tests.unit.test_resolve import A_BATCH, A_POSTING, A_TASK, NOW, Book, book

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SINCE = datetime(2026, 3, 1, 9, 30, tzinfo=UTC)


class Lives(Book):
    """The books in memory, with stories that a test writes and names that it gives."""

    lives: Mapping[str, Sequence[tuple[str, str, str, str]]] = {}
    called: Mapping[str, Sequence[Named]] = {}
    records: Sequence[Mapping[str, str | int]] = ()

    def named(self, word: str) -> Sequence[Named]:
        return self.called.get(word) or super().named(word)

    def story(self, subject: str) -> Sequence[Mapping[str, str]]:
        names = ("at", "run", "event", "text")
        return [dict(zip(names, row, strict=True)) for row in self.lives.get(subject, ())]

    def fee_record(self, fee_id: str) -> Sequence[Mapping[str, str | int]]:
        return [one for one in self.records if one["fee_id"] == fee_id]

    def file(self, sha: str) -> InFile:
        return InFile(sha, "paid.csv", "payments", "cashnet", 9, NOW, "refused", "FILE-NOT-WHOLE", "cut")


def lives(*things: Any, **said: Any) -> Lives:
    made = Lives([a_charge()])
    made.__dict__.update(book(*things).__dict__)
    made.__dict__.update(said)
    return made


def lines(ledger: Lives, word: str) -> list[str]:
    return list(told(word, cast("Any", ledger)))


def fee(state: str, code: str = "", paid: int = 0) -> dict[str, str | int]:
    return {
        "fee_id": "B1",
        "source": "export",
        "version": 1,
        "state": state,
        "code": code,
        "system": "peoplesoft",
        "amount_cents": 1000,
        "paid_cents": paid,
    }


def test_everything_stands_in_order_with_when_and_which_run() -> None:
    ledger = lives(
        a_payment("K1", state=PaymentState.SETTLED),
        a_payment("K2", payment_ref="R-K1", state=PaymentState.SETTLED),
        lives={
            "K1": [
                ("2026-03-02T10:00:00+00:00", "7", "settled", "by ada: cash"),
                ("2026-03-01T02:00:01", "5", "received", "10.00"),
            ],
            "K2": [("2026-03-01T09:00:00", "", "received", "5.00"), ("2026-03-01T02:00:01", "5", "received", "10.00")],
        },
    )
    assert lines(ledger, "R-K1")[:3] == [
        "2026-03-01 02:00:01  run 5  payment K1, payment K2: received: 10.00",
        "2026-03-01 09:00:00  payment K2: received: 5.00",
        "2026-03-02 10:00:00  run 7  payment K1: settled: by ada: cash",
    ]
    assert lines(ledger, "K1")[0] == "2026-03-01 02:00:01  run 5  received: 10.00"


def test_a_fee_ends_with_its_payment_that_waits_for_a_person() -> None:
    doubt = replace(A_POSTING, state=PostingState.DOUBT, code="", since=SINCE, fee_id="B1")
    paid = replace(a_match(a_payment("K1")), state=PaymentState.ALLOCATED)
    ledger = lives(
        doubt, paid, called={"B1": [Named("fee", "B1")]}, records=[fee("withdrawn"), fee("charged", paid=1000)]
    )
    ledger.payments["K1"] = paid
    first, second, last = lines(ledger, "B1")
    assert first.startswith("fee B1 is withdrawn: next: nothing more")
    assert second.startswith("fee B1 is charged (10.00 of 10.00 is paid at peoplesoft): next: nothing more: nothing")
    assert last == (
        "posting BPX-01 of 10.00 for fee B1 is doubt: next: the next `bursar night` or `bursar payments` looks in Alma "
        "once more; a person may end it with bursar resolve BPX-01 --resend | --settled-elsewhere --reason TEXT, by "
        "--resend from 2026-03-04 09:30 UTC on: see what its life says above"
    )


def test_a_change_that_lowers_a_debt_says_nothing_of_a_part_that_is_paid() -> None:
    fall = fee("withdrawn", paid=1000) | {"amount_cents": -1000}
    [line] = lines(lives(called={"B1": [Named("fee", "B1")]}, records=[fall]), "B1")
    assert line.startswith("fee B1 is withdrawn: next: nothing more")


def test_a_held_fee_ends_with_what_the_person_should_do() -> None:
    ledger = lives(called={"B1": [Named("fee", "B1")]}, records=[fee("held", "NORMALISE-UNMAPPED-TYPE")])
    assert "add one line for it under fee_types" in lines(ledger, "B1")[-1]


@pytest.mark.parametrize("state", list(PostingState))
def test_every_posting_has_one_next_sentence_and_its_answers_where_a_person_is_asked(state: PostingState) -> None:
    (line,) = lines(lives(replace(A_POSTING, state=state, since=SINCE)), "BPX-01")
    assert line.startswith(f"posting BPX-01 of 10.00 for fee B1 is {state}: next: ")
    assert "{" not in line
    assert ("bursar resolve BPX-01 --" in line) == (POSTINGS[state][0] is Turn.PERSON)


def test_a_charged_fee_waits_for_its_file_and_then_for_its_payment() -> None:
    ledger = lives(called={"B1": [Named("fee", "B1")]}, records=[fee("charged")])
    assert "takes a payment off once the bursar reports one" in lines(ledger, "B1")[-1]
    ledger.debts["export", "B1"] = replace(ledger.debts["export", "B1"], sent_on="")
    assert "the next run publishes the file named above" in lines(ledger, "B1")[-1]


@pytest.mark.parametrize("state", list(PaymentState))
def test_every_payment_has_one_next_sentence(state: PaymentState) -> None:
    (line,) = lines(lives(a_payment(state=state, code="MATCH-UNKNOWN-FEE")), "K1")
    assert line.startswith(f"payment K1 of 10.00 is {state}: next: ")
    assert "{" not in line


@pytest.mark.parametrize("state", list(UploadState))
def test_every_file_sent_has_one_next_sentence(state: UploadState) -> None:
    (line,) = lines(lives(Upload(1, A_BATCH, state)), "out.csv")
    assert line.startswith(f"file out.csv is {state}: next: ")
    assert ("--settled-elsewhere | --reject" in line) == (state is UploadState.CONFLICT)


def test_a_file_that_came_and_a_task_have_a_next_sentence_too() -> None:
    ledger = lives(A_TASK, called={"paid.csv": [Named("file", "f" * 64)]})
    assert lines(ledger, "paid.csv") == [
        "file paid.csv is refused: next: nothing of it is used; a whole file under another name is read when it comes: "
        + lines(ledger, "paid.csv")[0].rpartition("when it comes: ")[2]
    ]
    assert "bursar resolve unpay-1 --settled-elsewhere" in lines(ledger, "unpay-1")[-1]


def test_a_first_word_that_waits_for_a_second_is_told() -> None:
    ledger = lives(A_POSTING)
    ledger.say(Word("BPX-01", "--reject, while held POST-REFUSED", "ada", "paid in cash", NOW))
    assert lines(ledger, "BPX-01")[-1].endswith(
        "ada has said --reject, while held POST-REFUSED, and another account must say so too"
    )


def test_a_patron_s_fees_and_payments_are_told_together_the_most_urgent_last() -> None:
    ledger = lives(
        a_payment("K1", state=PaymentState.HELD, code="MATCH-UNKNOWN-FEE"),
        called={"001234567": [Named("payment", "K1"), Named("fee", "B1")]},
        records=[fee("charged")],
    )
    first, last = lines(ledger, "001234567")
    assert first.startswith("fee B1 is charged")
    assert last.startswith("payment K1 of 10.00 is held: next: it waits for a person")
    assert "bursar resolve K1 --resend | --settled-elsewhere | --reject | --to FEE --reason TEXT" in last


def test_what_took_a_payment_back_belongs_to_its_life() -> None:
    ledger = lives(
        a_payment("K1", state=PaymentState.CANCELLED),
        a_payment("K2", -1000, state=PaymentState.CANCELLED, takes_back="K1", payment_ref="R-K2"),
        lives={"K2": [("2026-03-02T10:00:00", "7", "received", "-10.00")]},
    )
    assert lines(ledger, "K1")[0] == "2026-03-02 10:00:00  run 7  payment K2: received: -10.00"
    assert len(lines(ledger, "K1")) == 3


def test_what_is_left_over_of_a_payment_ends_with_the_task_that_it_has() -> None:
    verified = replace(A_POSTING, state=PostingState.VERIFIED, code="")
    paid = replace(a_match(a_payment("K1")), state=PaymentState.ALLOCATED)
    ledger = lives(verified, A_TASK, called={"B1": [Named("fee", "B1")]}, records=[fee("charged", paid=1000)])
    ledger.payments["K1"] = paid
    for word in ("K1", "B1"):
        assert lines(ledger, word)[-1].startswith("task unpay-1 is open: next: somebody of the staff does it")
    ledger.by_task["unpay-1"] = replace(A_TASK, state=TaskState.DONE)
    assert lines(ledger, "K1") == ["posting BPX-01 of 10.00 for fee B1 is verified: next: " + POSTINGS["verified"][1]]


@pytest.mark.parametrize(
    ("thing", "way", "waits"),
    [
        (a_match(a_payment("K1")), Way.API, True),
        (a_match(a_payment("K1")), Way.RECORD, False),
        (replace(A_POSTING, state=PostingState.READY), Way.API, True),
        (replace(A_POSTING, state=PostingState.READY, way=Way.RECORD), Way.API, False),
        (replace(A_POSTING, state=PostingState.HELD), Way.API, False),
    ],
)
def test_without_the_table_of_the_api_what_is_to_be_paid_by_it_waits_for_that(
    thing: Any,
    way: Way,
    waits: bool,  # noqa: FBT001
) -> None:
    ledger = lives(thing)
    ledger.debts["export", "B1"] = replace(ledger.debts["export", "B1"], payments_to=way)
    word = thing.key if hasattr(thing, "key") else thing.external_id
    (line,) = told(word, cast("Any", ledger), alma=False)
    assert line.endswith("next: it waits for the [alma] table in the campus file (ALMA-MISSING)") == waits
    (line,) = told(word, cast("Any", ledger))
    assert "ALMA-MISSING" not in line


def test_a_name_that_nobody_knows_has_no_life() -> None:
    assert lines(lives(), "nobody") == []


@pytest.mark.parametrize(
    ("changes", "ended"),
    [
        ({"why": "ada: typed in"}, "a person has settled it"),
        ({"why": ALL_BACK}, "all of it went back before it was paid in Alma"),
        ({"cents": -1000}, "it is off the debts, and staff have nothing more to do with it"),
        ({"state": PaymentState.EXCLUDED, "code": "PAYMENT-WITHDRAWN?"}, "a person has said that it never came"),
        (
            {"state": PaymentState.EXCLUDED},
            "by its kind, its item or its amount it pays nothing of the library's",
        ),
    ],
)
def test_what_is_at_rest_says_whether_a_person_has_ended_it(changes: dict[str, Any], ended: str) -> None:
    (line,) = lines(lives(a_payment(**({"state": PaymentState.SETTLED} | changes))), "K1")
    assert line.endswith(f": next: nothing more: {ended}")
