"""What the ledger's books of runs and charges promise: a night is entered once, all of it, and nothing twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline import tables
from pipeline.findings import Finding
from pipeline.money import Tally
from pipeline.ports.ledger import Figure, LedgerError, NotOpenedError, PaymentState, StaleError, UploadState
from tests.contract.ledger_kit import (
    EXPORT,
    MONDAY,
    NOON,
    PAID,
    batch,
    begun,
    booking,
    charging,
    fee,
    for_f1,
    in_file,
    later,
    lowering,
    matched,
    movement,
    payment,
    share,
    snapshot,
    task,
)

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.ports.ledger import Ledger, Upload


def rows(frame: pd.DataFrame, *names: str) -> list[tuple[object, ...]]:
    """These columns of a frame, row by row."""
    return list(zip(*(frame[name].tolist() for name in names), strict=True))


def sent(ledger: Ledger, upload: Upload) -> None:
    """Bring a file to the bursar."""
    for hour, state in enumerate((UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING, UploadState.SENT)):
        upload = ledger.move_upload(upload, state, "", later(hour))


class RunBookContract:
    """``ledger``: a ledger nobody has opened."""

    def test_nothing_runs_on_a_ledger_that_nobody_opened(self, ledger: Ledger) -> None:
        assert not ledger.is_open()
        assert ledger.opened_at() is None
        with pytest.raises(NotOpenedError, match=r"bursar opening --empty --campus"):
            ledger.begin_run("night", MONDAY, "c" * 64, NOON)
        assert ledger.runs(5) == []

    def test_runs_are_numbered_for_ever_and_counted_by_date(self, ledger: Ledger) -> None:
        ledger.open_empty("pat", NOON)
        assert ledger.is_open()
        assert ledger.opened_at() == NOON
        first = ledger.begin_run("night", MONDAY, "c" * 64, NOON)
        ledger.end_run(first, 1, "2 files sent", later(1))
        second = ledger.begin_run("payments", MONDAY, "c" * 64, later(2))
        third = ledger.begin_run("night", MONDAY.replace(day=6), "c" * 64, later(24))
        assert [(run.number, run.sequence) for run in (first, second, third)] == [(1, 1), (2, 2), (3, 1)]
        newest = ledger.runs(2)
        assert newest == [third, second]
        assert (ledger.runs(3)[2].exit_code, ledger.runs(3)[2].summary) == (1, "2 files sent")
        assert ledger.runs(3)[2].ended_at == later(1)

    def test_a_run_ends_once(self, ledger: Ledger) -> None:
        run = begun(ledger)
        ledger.end_run(run, 0, "", later(1))
        with pytest.raises(StaleError):
            ledger.end_run(run, 2, "", later(2))

    def test_what_was_said_last_of_a_subject_is_what_the_newest_run_with_such_findings_said(
        self, ledger: Ledger
    ) -> None:
        asked = [Finding("BRAKE-SUM", "cashnet", "1"), Finding("BRAKE-COUNT", "cashnet", "2", "brake")]
        other = [Finding("BRAKE-SUM", "peoplesoft", "3"), Finding("SOURCE-LATE", "cashnet", "4")]
        ledger.note(begun(ledger), [*asked, *other], NOON)
        ledger.note(ledger.begin_run("payments", MONDAY, "c" * 64, later(1)), other[1:], later(1))
        codes = {"BRAKE-SUM", "BRAKE-COUNT"}
        assert ledger.said_last("cashnet", codes) == asked
        ledger.note(ledger.begin_run("night", MONDAY, "c" * 64, later(2)), asked[:1], later(2))
        assert ledger.said_last("cashnet", codes) == asked[:1]
        assert ledger.said_last("peoplesoft", codes) == other[:1]
        assert ledger.said_last("other", codes) == []

    def test_what_was_said_of_an_output_is_nothing_any_more_once_it_went_or_had_nothing_to_wait_for(
        self, ledger: Ledger
    ) -> None:
        asked, codes = [Finding("BRAKE-SUM", "cashnet", "1")], {"BRAKE-SUM", "BRAKE-APPROVED"}
        ledger.note(begun(ledger), asked, NOON)
        other = [
            Figure("peoplesoft", "sent", 2, 1250),
            Figure("cashnet", "held", 1, 10),
            Figure("cashnet", "read", 1, 1),
        ]
        ledger.book(ledger.begin_run("night", MONDAY, "c" * 64, later(1)), booking([], figures=other), later(1))
        assert ledger.said_last("cashnet", codes) == asked
        quiet = ledger.begin_run("night", MONDAY, "c" * 64, later(2))
        ledger.book(quiet, booking([], figures=[Figure("cashnet", "sent", 0, 0)]), later(2))
        assert ledger.said_last("cashnet", codes) == []
        let_go = [Finding("BRAKE-APPROVED", "cashnet", "2")]
        stopped = ledger.begin_run("night", MONDAY, "c" * 64, later(3))
        ledger.note(stopped, let_go, later(3))
        assert ledger.said_last("cashnet", codes) == let_go
        again = ledger.begin_run("night", MONDAY, "c" * 64, later(4))
        ledger.book(again, booking([], figures=[Figure("cashnet", "sent", 1, 10)]), later(4))
        ledger.note(again, let_go, later(4))
        assert ledger.said_last("cashnet", codes) == []

    def test_opening_twice_changes_nothing_until_there_are_runs(self, ledger: Ledger) -> None:
        ledger.open_empty("pat", NOON)
        ledger.open_empty("kim", later(1))
        ledger.begin_run("night", MONDAY, "c" * 64, NOON)
        with pytest.raises(LedgerError, match="not empty"):
            ledger.open_empty("pat", later(2))


class ChargeBookContract:
    """``ledger``: a ledger nobody has opened."""

    def test_a_night_is_entered_and_found_again(self, ledger: Ledger) -> None:
        run = begun(ledger)
        night = charging(fee("F1", 1000), fee("F2", 250))
        ledger.book(run, night, NOON)
        known = ledger.known_fees("alma", ["F2", "F1", "F9"])
        assert rows(known, "fee_id", "version", "state", "system") == [
            ("F1", 1, "charged", "peoplesoft"),
            ("F2", 1, "charged", "peoplesoft"),
        ]
        assert rows(known, "source", "content") == rows(night.fees, "source", "content")
        (built,) = ledger.uploads()
        assert (built.batch, built.state) == (night.batches[0], UploadState.BUILT)
        assert ledger.standing()["fees"] == {"charged": (2, 1250)}

    def test_what_is_held_or_waiting_comes_back_with_every_column(self, ledger: Ledger) -> None:
        held, waits = fee("F1", 1000, "held", title="Öland"), fee("F2", 250, "waiting", source="analytics")
        ledger.book(begun(ledger), booking([held, waits, fee("F3", 1, "excluded")]), NOON)
        pending = tables.checked(ledger.pending_fees(), tables.FEES, "test")
        expected = [
            tuple("pending" if n == "known" else one.get(n, "") for n in tables.FEES.names) for one in (held, waits)
        ]
        assert rows(pending, *tables.FEES.names) == expected

    def test_a_fee_that_was_held_is_charged_the_next_night(self, ledger: Ledger) -> None:
        run = begun(ledger)
        ledger.book(run, booking([fee("F1", 1000, "held", fee_date="")]), NOON)
        ledger.book(run, charging(fee("F1", 1000)), later(24))
        assert ledger.pending_fees().empty
        assert rows(ledger.known_fees("alma", ["F1"]), "version", "state") == [(1, "charged")]
        assert rows(ledger.open_items("peoplesoft"), "fee_id", "fee_date") == [("F1", "2026-01-04")]

    @pytest.mark.parametrize("state", ["charged", "excluded", "rejected"])
    def test_a_fee_at_rest_is_not_touched_again(self, ledger: Ledger, state: str) -> None:
        run = begun(ledger)
        ledger.book(run, charging(fee("F1")) if state == "charged" else booking([fee("F1", state=state)]), NOON)
        before = ledger.standing()
        with pytest.raises(StaleError):
            ledger.book(run, booking([fee("F1", state="held"), fee("F2", state="held")]), later(1))
        assert ledger.standing() == before

    def test_a_held_fee_says_the_same_for_ever_under_one_version(self, ledger: Ledger) -> None:
        run = begun(ledger)
        ledger.book(run, booking([fee("F1", 1000, "held")]), NOON)
        with pytest.raises(StaleError):
            ledger.book(run, charging(fee("F1", 1000, content="another")), later(24))
        assert rows(ledger.pending_fees(), "fee_id", "amount_cents") == [("F1", 1000)]

    def test_a_fee_that_stands_twice_in_one_night_is_not_entered(self, ledger: Ledger) -> None:
        run, held = begun(ledger), fee("F1", 1000, "held")
        twice = booking([held, held | {"state": "excluded"}])
        with pytest.raises(StaleError):
            ledger.book(run, twice, NOON)
        ledger.book(run, booking([held]), NOON)
        with pytest.raises(LedgerError, match="twice"):
            ledger.book(run, twice, later(24))
        assert ledger.standing()["fees"] == {"held": (1, 1000)}

    def test_a_night_thought_out_on_old_news_changes_nothing(self, ledger: Ledger) -> None:
        run = begun(ledger)
        ledger.book(run, charging(fee("F1")), NOON)
        before = (ledger.standing(), len(ledger.story("F1")), len(ledger.uploads()))
        same_fee = charging(fee("F0"), fee("F1"), sequence=2)
        other = fee("F5")
        same_movement = booking([other], [movement(other, reference="F1")], [batch([movement(other)], 2)])
        same_number = charging(fee("F6"), name="other.dat")
        same_name = charging(fee("F7"), sequence=2, name="peoplesoft_0001.dat")
        for stale in (same_fee, same_movement, same_number, same_name):
            with pytest.raises(StaleError):
                ledger.book(run, stale, later(1))
            assert (ledger.standing(), len(ledger.story("F1")), len(ledger.uploads())) == before
        assert list(ledger.verify_audit()) == []

    def test_a_file_must_be_worth_its_movements(self, ledger: Ledger) -> None:
        run, good = begun(ledger), fee("F1", 1000)
        for wrong in ({"count": 2}, {"cents": 999}, {"system": "cashnet"}):
            with pytest.raises(LedgerError, match=r"_0001\.dat"):
                ledger.book(run, charging(good, **wrong), NOON)
        for nowhere in (1, tables.FOLDED):
            with pytest.raises(LedgerError, match="in no file"):
                ledger.book(run, booking([good], [movement(good, nowhere)], [batch([movement(good)])]), NOON)
        with pytest.raises(LedgerError, match="F1"):
            ledger.book(run, booking([good]), NOON)
        assert ledger.standing()["fees"] == {}

    def test_files_that_were_read_are_dealt_with_once(self, ledger: Ledger) -> None:
        run = begun(ledger)
        bad = "b" * 64
        ledger.archived(in_file(bad, "bad.xml"))
        night = booking([], files=[EXPORT], refused={bad: ("READ-CUT-SHORT", "the file ends in the middle")})
        ledger.book(run, night, NOON)
        booked, refused = ledger.file(EXPORT), ledger.file(bad)
        assert booked is not None
        assert refused is not None
        assert booked.state == "booked"
        assert (refused.state, refused.code, refused.why) == (
            "refused",
            "READ-CUT-SHORT",
            "the file ends in the middle",
        )
        with pytest.raises(StaleError):
            ledger.book(run, booking([fee("F1", state="held")], files=[EXPORT]), later(1))
        assert ledger.pending_fees().empty

    def test_an_empty_night_is_entered_too(self, ledger: Ledger) -> None:
        run = begun(ledger)
        ledger.book(run, booking([]), NOON)
        assert tables.checked(ledger.pending_fees(), tables.FEES, "test").empty
        assert ledger.known_fees("alma", []).empty
        assert ledger.open_items("cashnet").empty
        assert list(ledger.last_snapshot("cashnet").columns) == ["fee_id", "amount_cents"]

    def test_files_are_numbered_by_system_and_kind(self, ledger: Ledger) -> None:
        run = begun(ledger)
        assert ledger.next_sequence("peoplesoft", "charge") == 1
        ledger.book(run, charging(fee("F1"), sequence=1), NOON)
        ledger.book(run, charging(fee("F2"), sequence=2), NOON)
        assert ledger.next_sequence("peoplesoft", "charge") == 3
        assert ledger.next_sequence("peoplesoft", "reversal") == 1
        assert ledger.next_sequence("cashnet", "charge") == 1

    def test_what_is_outstanding_is_charges_less_reversals_less_money(self, ledger: Ledger) -> None:
        run = begun(ledger)
        fees = [fee("F1", 1000), fee("F2", 250), fee("F3", 400), fee("F4", 500)]
        ledger.book(run, charging(*fees), NOON)
        back = lowering(fee("F1", -300, version=2))
        gone = lowering(fee("F3", -400, version=2), 1, kind="reversal", undoes="F3", reference="F3")
        files = [batch([back], 2, kind="credit"), batch([gone], 2, kind="reversal", name="back.dat")]
        ledger.book(
            run, booking([fee("F1", -300, version=2), fee("F3", -400, version=2)], [back, gone], files), later(24)
        )
        money = [payment("K1", 200), payment("K2", 250), payment("K3", 99), payment("K4", -50, kind="refund")]
        money += [payment("K5", 90, kind="writeoff")]
        ledger.enter_payments(run, PAID, money, [], later(25))
        paid = matched(ledger, money[0], at=later(26))
        matched(ledger, money[1], share(250, 1, "F2"), at=later(26))
        ledger.take_back(money[3], for_f1(-50), [task(money[3])], later(26))
        ledger.withdraw_payment(money[4], [share(90, 1, "F4")], [], later(26))
        ledger.settle_payment(paid, PaymentState.HELD, "FEE-CLOSED", "", later(27))
        items = tables.checked(ledger.open_items("peoplesoft"), tables.MOVEMENTS, "test")
        assert rows(items, "fee_id", "amount_cents", "movement", "reference", "kind") == [
            ("F1", 550, 1, "F1", "charge"),
            ("F4", 410, 1, "F4", "charge"),
        ]
        assert rows(items, "title", "patron_id", "label") == [("", "900000001", "Overdue fine")] * 2
        charged = ledger.charged("peoplesoft", "F1")
        assert charged is not None
        assert (charged.charged_cents, charged.paid_cents) == (700, 150)

    def test_an_open_item_says_what_is_asked_for_and_nothing_else_of_its_reading(self, ledger: Ledger) -> None:
        ledger.book(begun(ledger), charging(fee("F1", 1000), fee("F2", 250)), NOON)
        every = ledger.open_items("peoplesoft")
        items = ledger.open_items("peoplesoft", {"label", "fee_date"})
        assert list(items.columns) == list(tables.MOVEMENTS.names)
        given = ["source", "fee_id", "version", "movement", "kind", "against", "system", "patron_id", "bursar_id"]
        given += ["amount_cents", "reference", "payments_to", "label", "fee_date"]
        assert rows(items, *given) == rows(every, *given)
        assert rows(items, "owner", "file_sha", "content") == [("", "", "")] * 2
        assert "" not in {*every["owner"], *every["file_sha"], *every["content"]}

    def test_a_newer_snapshot_takes_the_place_of_one_that_did_not_leave(self, ledger: Ledger) -> None:
        run, first, second = begun(ledger), fee("F1", 1000), fee("F2", 250)
        ledger.book(run, snapshot([first], [], 1), NOON)
        ledger.move_upload(ledger.uploads()[0], UploadState.UPLOADING, "", later(1))
        ledger.book(run, snapshot([second], [first], 2), later(24))
        assert [(one.batch.sequence, one.state) for one in ledger.uploads()] == [(2, UploadState.BUILT)]
        assert ledger.standing()["uploads"] == {"built": (1, 1250), "superseded": (1, 1000)}
        assert rows(ledger.open_items("peoplesoft"), "fee_id", "amount_cents") == [("F1", 1000), ("F2", 250)]

    def test_a_snapshot_that_is_being_published_goes_its_way(self, ledger: Ledger) -> None:
        run, first, second = begun(ledger), fee("F1", 1000), fee("F2", 250)
        ledger.book(run, snapshot([first], [], 1), NOON)
        upload = ledger.uploads()[0]
        for state in (UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING):
            upload = ledger.move_upload(upload, state, "", later(1))
        ledger.book(run, snapshot([second], [first], 2), later(24))
        on_their_way = [(one.batch.sequence, one.state) for one in ledger.uploads()]
        assert on_their_way == [(1, UploadState.PUBLISHING), (2, UploadState.BUILT)]

    def test_a_delta_is_never_superseded(self, ledger: Ledger) -> None:
        run = begun(ledger)
        ledger.book(run, charging(fee("F1")), NOON)
        ledger.book(run, snapshot([fee("F2")], [], 2), later(24))
        assert [(one.batch.sequence, one.state) for one in ledger.uploads()] == [
            (1, UploadState.BUILT),
            (2, UploadState.BUILT),
        ]

    def test_a_movement_whose_file_was_cancelled_is_sent_by_the_next_snapshot(self, ledger: Ledger) -> None:
        run, one = begun(ledger), fee("F1", 1000)
        ledger.book(run, snapshot([one], [], 1), NOON)
        ledger.move_upload(ledger.uploads()[0], UploadState.CANCELLED, "by hand", later(1))
        ledger.book(run, snapshot([], [one], 2), later(24))
        charges = [line["text"] for line in ledger.story("F1") if line["event"] == "charge"]
        assert [text.rpartition(" ")[2] for text in charges] == ["peoplesoft_0001.dat", "peoplesoft_0002.dat"]

    def test_what_stood_in_a_file_that_was_given_up_goes_once_into_another(self, ledger: Ledger) -> None:
        run, one = begun(ledger), fee("F1", 1000)
        ledger.book(run, charging(one), NOON)
        assert ledger.given_up("peoplesoft").empty
        again = movement(one, carried=True)
        with pytest.raises(LedgerError, match=r"_0002\.dat is no snapshot, but repeats a movement of fee F1"):
            ledger.book(run, booking([], [again], [batch([again], 2)]), later(1))
        for hour, sequence in ((2, 2), (4, 3)):
            ledger.move_upload(ledger.uploads()[0], UploadState.CANCELLED, "by hand", later(hour))
            given_up = ledger.given_up("peoplesoft")
            assert rows(given_up, "fee_id", "movement", "amount_cents", "label") == [("F1", 1, 1000, "Overdue fine")]
            assert ledger.given_up("cashnet").empty
            ledger.book(run, booking([], [again], [batch([again], sequence)]), later(hour + 1))
            assert ledger.given_up("peoplesoft").empty
        sent(ledger, ledger.uploads()[0])
        assert rows(ledger.charges_of(["900000001"]), "fee_id", "billed_cents", "sent_on") == [
            ("F1", 1000, MONDAY.isoformat())
        ]
        assert [left == right for _, left, right in ledger.sums()] == [True] * len(ledger.sums())

    def test_a_snapshot_that_waits_for_another_file_to_go_is_replaced_unless_it_may_be_there(
        self, ledger: Ledger
    ) -> None:
        run, first, second = begun(ledger), fee("F1", 1000), fee("F2", 250)
        for number, was in enumerate(("built", "publishing"), start=1):
            ledger.book(run, snapshot([first], [], 1) if number == 1 else snapshot([], [first], 2), later(number))
            newest = ledger.uploads()[-1]
            ledger.move_upload(newest, UploadState.CONFLICT, f"another file lay there; ours was {was}", later(number))
        ledger.book(run, snapshot([second], [first], 3), later(24))
        waiting = [(one.batch.sequence, one.state) for one in ledger.uploads()]
        assert waiting == [(2, UploadState.CONFLICT), (3, UploadState.BUILT)]

    def test_the_last_snapshot_is_the_newest_that_was_sent(self, ledger: Ledger) -> None:
        run, first, second = begun(ledger), fee("F1", 1000), fee("F2", 250)
        ledger.book(run, snapshot([first], [], 1), NOON)
        assert ledger.last_snapshot("peoplesoft").empty
        sent(ledger, ledger.uploads()[0])
        ledger.book(run, snapshot([second], [first | {"amount_cents": 400}], 2), later(24))
        assert rows(ledger.last_snapshot("peoplesoft"), "fee_id", "amount_cents") == [("F1", 1000)]
        sent(ledger, ledger.uploads()[0])
        assert rows(ledger.last_snapshot("peoplesoft"), "fee_id", "amount_cents") == [("F2", 250), ("F1", 400)]
        assert ledger.last_snapshot_total("peoplesoft") == Tally(2, 650)
        assert ledger.last_snapshot("cashnet").empty
        assert ledger.last_snapshot_total("cashnet") == Tally()

    def test_findings_are_kept_with_the_night(self, ledger: Ledger) -> None:
        run = begun(ledger)
        same = Finding("SAME-AGAIN", "F1", "fee F1 stands in tonight's files more than once", "bursar.xml, line 9")
        ledger.book(run, booking([fee("F1", state="held")], findings=[same]), NOON)
        ledger.note(run, [Finding("GX-NOTE", "F1", "an unusual amount")], later(1))
        told = [line["text"] for line in ledger.story("F1") if line["event"] == "found"]
        assert told == [
            "SAME-AGAIN: fee F1 stands in tonight's files more than once (bursar.xml, line 9)",
            "GX-NOTE: an unusual amount",
        ]
