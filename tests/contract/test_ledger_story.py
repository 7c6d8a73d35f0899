"""What `bursar explain` and `bursar status` tell: a life in the order it was lived, and what waits for whom."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.ledger import SqlLedger, open_ledger
from pipeline.findings import Finding
from pipeline.ports.ledger import PaymentState, PostingState, StaleError, UploadState
from tests.contract.ledger_kit import (
    ARRIVING,
    EXPORT,
    NOON,
    PAID,
    begun,
    booking,
    charging,
    debts_sent,
    fee,
    for_f1,
    import_batch,
    later,
    matched,
    payment,
    placed,
    plan,
    snapshot,
    task,
    with_calls,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@pytest.fixture
def ledger() -> Iterator[SqlLedger]:
    with open_ledger("sqlite://", "chico", "train") as ledger:
        yield ledger


def events(ledger: SqlLedger, subject: str) -> list[str]:
    return [line["event"] for line in ledger.story(subject)]


def send(ledger: SqlLedger, steps: Sequence[UploadState], hour: int) -> None:
    upload = ledger.uploads()[0]
    for state in steps:
        upload = ledger.move_upload(upload, state, f"it is {state}", later(hour))


SENDING = (UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING, UploadState.SENT)


def lived(ledger: SqlLedger) -> None:
    """Fee F1: held, charged the next night, sent, paid, posted, verified; another payment of it is left over."""
    run = begun(ledger)
    ledger.book(run, booking([fee("F1", 1000, "held")], files=[EXPORT]), NOON)
    ledger.book(run, booking([fee("F1", 1000, "held")]), later(24))
    ledger.book(run, charging(fee("F1", 1000), fee("F2", 60)), later(48))
    send(ledger, SENDING, 49)
    ledger.enter_payments(run, PAID, [payment("K1", 1000), payment("K2", 80)], [], later(72))
    seen = matched(ledger, payment("K1"), *for_f1(900), at=later(73))
    ledger.allocate(seen, *plan(seen, 900), 100, later(74))
    (ready,) = ledger.postings(PostingState.READY)
    doing = ledger.move_posting(ready, PostingState.SENDING, later(75), attempts=1, since=later(75))
    done = ledger.move_posting(doing, PostingState.POSTED, later(75), evidence="Alma transaction 77")
    ledger.move_posting(done, PostingState.VERIFIED, later(99), evidence="seen once, same cents")


def test_a_fee_tells_its_life_in_order(ledger: SqlLedger) -> None:
    lived(ledger)
    story = ledger.story("F1")
    assert [line["event"] for line in story] == [
        *("read", "held", "charge", "sent", "received", "matched", "allocated", "sending", "posted", "verified"),
    ]
    texts = [line["text"] for line in story]
    assert texts[0] == "version 1 read in bursar.xml, line 12: OVERDUEFINE, 10.00 USD"
    assert texts[1] == "version 1 held: NORMALISE-UNMAPPED-TYPE: no rule for type OVERDUEFINE"
    assert texts[2] == "charge 1 of 10.00 USD to peoplesoft as F1, row 1 of peoplesoft_0001.dat"
    assert texts[3] == "file peoplesoft_0001.dat: publishing to sent: it is sent"
    assert texts[4] == "10.00 at peoplesoft on 2026-01-04, receipt RK1; read in paid.csv, line 3"
    assert texts[5] == "9.00 for fee F1 of alma"
    assert texts[6] == "9.00 to fee F1 (Alma A1), 1.00 left over"
    assert texts[8] == "sending to posted, attempt 1: Alma transaction 77"
    assert [line["at"] for line in story] == sorted(line["at"] for line in story)
    assert (story[0]["run"], story[0]["at"]) == ("1", NOON.isoformat())


def test_a_payment_and_its_call_to_alma_tell_theirs(ledger: SqlLedger) -> None:
    lived(ledger)
    money = ["received", "matched", "allocated", "sending", "posted", "verified"]
    assert events(ledger, "K1") == money
    assert events(ledger, "BPK1-01") == money
    assert events(ledger, "K2") == ["received"]


def test_files_tell_theirs_by_name_and_by_hash(ledger: SqlLedger) -> None:
    lived(ledger)
    assert events(ledger, "peoplesoft_0001.dat") == ["built", "uploading", "staged", "publishing", "sent"]
    assert events(ledger, "a" * 64) == events(ledger, "peoplesoft_0001.dat")
    assert events(ledger, "paid.csv") == events(ledger, PAID) == ["archived", "received"]


def test_nobody_has_heard_of_what_is_not_there(ledger: SqlLedger) -> None:
    lived(ledger)
    assert list(ledger.story("F9")) == list(ledger.fee_record("F9")) == []


def test_a_fee_in_snapshots_tells_what_changed_and_not_each_repetition(ledger: SqlLedger) -> None:
    run, one = begun(ledger), fee("F1", 1000)
    ledger.book(run, snapshot([one], [], 1), NOON)
    ledger.book(run, snapshot([fee("F2")], [one], 2), later(24))
    send(ledger, SENDING, 25)
    for night, cents in ((3, 1000), (4, 400), (5, 400)):
        ledger.book(run, snapshot([], [one | {"amount_cents": cents}], night), later(24 * night))
    assert [(line["event"], line["text"].rpartition(" ")[2]) for line in ledger.story("F1")][:7] == [
        ("read", "USD"),
        ("charge", "peoplesoft_0001.dat"),
        ("superseded", "place"),
        ("charge", "peoplesoft_0002.dat"),
        ("sent", "sent"),
        ("carried", "peoplesoft_0004.dat"),
    ]


def test_a_fee_record_names_every_version_and_what_is_paid(ledger: SqlLedger) -> None:
    lived(ledger)
    run = ledger.runs(1)[0]
    ledger.book(run, booking([fee("F1", 1200, "held", version=2)]), later(100))
    facts = ("version", "state", "code", "system", "amount_cents", "paid_cents")
    assert [tuple(row[name] for name in facts) for row in ledger.fee_record("F1")] == [
        (1, "charged", "", "peoplesoft", 1000, 900),
        (2, "held", "NORMALISE-UNMAPPED-TYPE", "peoplesoft", 1200, 900),
    ]


def test_a_fee_record_says_on_which_business_date_it_was_booked_whatever_the_clock_says(ledger: SqlLedger) -> None:
    run = begun(ledger)
    ledger.book(run, booking([fee("F2", 400, "continued", continues="F1")]), later(24))
    assert [(row["booked_on"], row["since"]) for row in ledger.fee_record("F2")] == [
        ("2026-01-05", "2026-01-06T12:00:00+00:00")
    ]


def test_what_is_held_or_waits_is_listed_longest_first(ledger: SqlLedger) -> None:
    lived(ledger)
    run = ledger.runs(1)[0]
    ledger.open_task(
        replace(task(payment("K1", 100)), kind="refund", task_id="refund-K1-1", text="give it back"), later(75)
    )
    waits = fee("F5", 60, "waiting", code="DATE", why="due later")
    ledger.book(run, booking([fee("F4", 75, "held"), waits]), later(100))
    ledger.book(run, booking([fee("F4", 75, "held"), waits | {"code": "MINIMUM"}]), later(124))
    ledger.settle_payment(payment("K2", 80), PaymentState.SUSPENSE, "MATCH-UNKNOWN-FEE", "no charge", later(130))
    ledger.book(run, charging(fee("F6"), sequence=2), later(140))
    send(ledger, (UploadState.CONFLICT,), 141)
    facts = ("kind", "state", "subject", "code", "amount_cents", "file", "line", "since")
    assert [tuple(row[name] for name in facts) for row in ledger.held_rows()] == [
        ("payment", "suspense", "K1", "OVERPAID", 100, "paid.csv", 3, later(74).isoformat()),
        ("task", "open", "refund-K1-1", "refund", 100, "", 0, later(75).isoformat()),
        ("fee", "held", "F4", "NORMALISE-UNMAPPED-TYPE", 75, "bursar.xml", 12, later(100).isoformat()),
        ("fee", "waiting", "F5", "MINIMUM", 60, "bursar.xml", 12, later(124).isoformat()),
        ("payment", "suspense", "K2", "MATCH-UNKNOWN-FEE", 80, "paid.csv", 3, later(130).isoformat()),
        (
            "file",
            "conflict",
            "peoplesoft_0002.dat",
            "DELIVER-CONFLICT",
            1000,
            "peoplesoft_0002.dat",
            0,
            later(141).isoformat(),
        ),
    ]
    assert {row["patron_id"] for row in ledger.held_rows() if row["kind"] != "file"} == {"900000001"}


@pytest.mark.parametrize("state", [PostingState.HELD, PostingState.DOUBLE, PostingState.MISMATCH])
def test_a_call_that_needs_a_person_is_listed(ledger: SqlLedger, state: PostingState) -> None:
    run = begun(ledger)
    ledger.book(run, charging(fee("F1")), NOON)
    ledger.enter_payments(run, PAID, [payment("K1")], [], NOON)
    placed(ledger, payment("K1"))
    (ready,) = ledger.postings(PostingState.READY)
    ledger.move_posting(ready, state, later(1), code="POST-REFUSED", why="Alma says no")
    (row,) = ledger.held_rows()
    assert (row["kind"], row["state"], row["subject"], row["code"]) == ("posting", state, "BPK1-01", "POST-REFUSED")


def test_where_everything_stands_is_counted_in_rows_and_cents(ledger: SqlLedger) -> None:
    assert ledger.standing() == {"fees": {}, "uploads": {}, "payments": {}, "postings": {}, "tasks": {}}
    lived(ledger)
    assert ledger.standing() == {
        "fees": {"charged": (2, 1060)},
        "uploads": {"sent": (1, 1060)},
        "payments": {"allocated": (1, 1000), "received": (1, 80)},
        "postings": {"verified": (1, 900)},
        "tasks": {},
    }


def test_a_payment_that_was_cancelled_counts_once(ledger: SqlLedger) -> None:
    back, off = payment("R1", -1000, payment_ref="RK1"), payment("W1", 30)
    run = debts_sent(ledger)
    ledger.enter_payments(run, PAID, [payment("K1"), back, off], [], later(1))
    money = placed(ledger, payment("K1"), rest=100)
    ledger.cancel_payment(money, back, "voided", later(2))
    ledger.withdraw_payment(off, for_f1(30), [task(off, kind="waive")], later(3))
    stands = ledger.standing()
    assert stands["payments"] == {"cancelled": (2, 0), "withdrawn": (1, 30)}
    assert (stands["postings"], stands["tasks"]) == ({}, {"open": (1, 30)})
    (row,) = ledger.held_rows()
    facts = ("kind", "state", "subject", "code", "why", "amount_cents", "patron_id", "since")
    assert tuple(row[name] for name in facts) == (
        *("task", "open", "T-W1-1", "waive", "create the fee again", 30, "900000001", later(3).isoformat()),
    )
    both = ["received", "received", "matched", "allocated", "cancelled", "cancelled", "cancelled"]
    assert events(ledger, "R1") == ["received", "cancelled"]
    assert events(ledger, "RK1") == events(ledger, "K1") == events(ledger, "BPK1-01") == both
    told = ["received", "withdrawn", "matched", "written off", "task"]
    assert events(ledger, "W1") == events(ledger, "T-W1-1") == told


def test_what_goes_back_of_a_payment_comes_off_what_is_left_over_of_it(ledger: SqlLedger) -> None:
    money, back = payment("K1"), payment("R1", -300)
    run = debts_sent(ledger)
    ledger.enter_payments(run, PAID, [money, back], [], later(1))
    placed(ledger, money, rest=250)
    ledger.open_task(replace(task(money), kind="refund", task_id="refund-K1-1", cents=250), later(2))
    assert [row["amount_cents"] for row in ledger.held_rows() if row["kind"] == "payment"] == [250]
    ledger.take_back(back, for_f1(-100), [task(back)], later(3), origin="K1")
    left = [row for row in ledger.held_rows() if row["kind"] == "payment"]
    assert [(row["subject"], row["amount_cents"]) for row in left] == [("K1", 50)]
    assert events(ledger, "K1") == ["received", "received", "matched", "allocated", "task", "tasked", "matched", "task"]


def test_what_is_left_over_is_in_suspense_until_its_task_is_done(ledger: SqlLedger) -> None:
    money = payment("K1")
    run = debts_sent(ledger)
    ledger.enter_payments(run, PAID, [money], [], later(1))
    placed(ledger, money, rest=250)
    owed = replace(task(money), kind="refund", task_id="refund-K1-1", subject="K1", cents=250)
    ledger.open_task(owed, later(2))
    assert [row["amount_cents"] for row in ledger.held_rows() if row["kind"] == "payment"] == [250]
    ledger.close_task("refund-K1-1", "ada", "refunded at the bursar", later(3))
    assert list(ledger.held_rows()) == []


def test_a_payment_in_a_file_that_alma_has_waits_until_she_shows_it(ledger: SqlLedger) -> None:
    run = debts_sent(ledger)
    with_calls(ledger, run)
    pair = ledger.postings_of("K3")
    ledger.list_postings(run, import_batch(pair), pair, later(2))
    assert list(ledger.held_rows()) == []
    upload = ledger.listed_in(pair[0])
    assert upload is not None
    for state in ARRIVING:
        upload = ledger.move_upload(upload, state, f"it is {state}", later(3))
    first, second = ledger.held_rows()
    facts = ("kind", "state", "subject", "code", "amount_cents", "file", "line", "since")
    assert tuple(first[name] for name in facts) == (
        *("posting", "listed", "BPK3-01", "IMPORT-UNSEEN", 60, "payments_1.xml", 1, later(3).isoformat()),
    )
    ledger.move_posting(ledger.postings(PostingState.LISTED)[0], PostingState.VERIFIED, later(30))
    assert list(ledger.held_rows()) == [second]
    assert events(ledger, "BPK3-01") == ["received", "matched", "allocated", "listed", "listed", "sent", "verified"]
    assert events(ledger, "payments_1.xml") == ["built", "uploading", "staged", "publishing", "sent"]


def test_a_word_is_a_name_of_whatever_bears_it(ledger: SqlLedger) -> None:
    run = debts_sent(ledger)
    with_calls(ledger, run)
    ledger.book(run, booking([fee("F9", 75, "held", patron_id="Kim", patron_id_type="userName")]), later(2))
    ledger.open_task(task(payment("K1")), later(3))
    pair = ledger.postings_of("K3")
    ledger.list_postings(run, import_batch(pair), pair, later(4))
    names = {
        "F1": [("fee", "F1")],
        "K1": [("payment", "K1")],
        "RK1": [("payment", "K1")],
        "BPK2-02": [("posting", "BPK2-02")],
        "T-K1-1": [("task", "T-K1-1")],
        "payments_1.xml": [("upload", "payments_1.xml")],
        "b" * 64: [("upload", "payments_1.xml")],
        "paid.csv": [("file", PAID)],
        PAID: [("file", PAID)],
        "kim": [("fee", "F4"), ("fee", "F9")],
        "B-4": [("fee", "F4")],
        pair[0].alma_fee_id: [("fee", pair[0].fee_id)],
        "nobody": [],
    }
    assert pair[0].alma_fee_id != pair[0].fee_id
    assert {word: [(one.kind, one.id) for one in ledger.named(word)] for word in names} == names
    theirs = [(one.kind, one.id) for one in ledger.named("900000001")]
    assert theirs == [*(("fee", f"F{n}") for n in (1, 2, 3)), *(("payment", f"K{n}") for n in (1, 2, 3, 4))]
    assert {line["event"] for line in ledger.story("900000001")} >= {
        "read",
        "charge",
        "received",
        "allocated",
        "listed",
    }
    assert events(ledger, "KIM")[:3] == ["read", "charge", "sent"]


def test_a_reference_that_nobody_sent_names_the_payments_that_bear_it(ledger: SqlLedger) -> None:
    run = debts_sent(ledger)
    ledger.enter_payments(run, PAID, [payment("K1", fee_ref="X9"), payment("K2", fee_ref="F1")], [], later(1))
    assert [(one.kind, one.id) for one in ledger.named("X9")] == [("payment", "K1")]
    assert [(one.kind, one.id) for one in ledger.named("F1")] == [("fee", "F1")]


def test_a_file_that_is_refused_says_why(ledger: SqlLedger) -> None:
    run = begun(ledger)
    ledger.refuse_file(
        run, PAID, Finding("PAYMENT-UNREADABLE", PAID, "the trailer says 3 lines, there are 2"), later(1)
    )
    refused = ledger.file(PAID)
    assert refused is not None
    assert (refused.state, refused.code) == ("refused", "PAYMENT-UNREADABLE")
    assert events(ledger, "paid.csv") == ["archived", "found", "refused"]
    assert ledger.files_in("payments", "refused") == [refused]


def test_a_refused_file_is_given_up_in_a_person_s_name_and_a_booked_one_never(ledger: SqlLedger) -> None:
    run = begun(ledger)
    ledger.refuse_file(run, PAID, Finding("LAYOUT-CONTROL", PAID, "its total is wrong"), later(1))
    file = ledger.file(PAID)
    assert file is not None
    given_up = ledger.give_up_file(file, "ann", "it came again as P2", later(2))
    assert ledger.file(PAID) == given_up
    assert (given_up.state, given_up.code, given_up.why) == ("refused", "FILE-GIVEN-UP", "ann: it came again as P2")
    assert events(ledger, "paid.csv")[-1] == "given up"
    ledger.archived(given_up)
    with pytest.raises(StaleError, match="nothing was changed"):
        ledger.give_up_file(given_up, "ann", "again", later(3))
