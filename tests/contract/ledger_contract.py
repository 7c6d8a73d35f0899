"""What the ledger's books of files and money promise, whoever keeps them: the database, or a fake in memory.

A class here is used by inheriting it and giving it a fixture ``ledger``, as its docstring says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pytest

from pipeline.findings import Finding
from pipeline.ports.ledger import (
    PAYMENT_MOVES,
    POSTING_MOVES,
    UPLOAD_MOVES,
    LedgerError,
    PaymentState,
    PostingState,
    Run,
    StaleError,
    UploadState,
)
from tests.contract.ledger_kit import EXPORT, MONDAY, NOON, PAID, in_file, later, payment, plan

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.ports.ledger import FileBook, Payment, PaymentBook, Posting, PostingBook, Upload, UploadBook

State = TypeVar("State")

SETTLING = {start: ends - {PaymentState.ALLOCATED} for start, ends in PAYMENT_MOVES.items()}
"""The moves a payment can be settled by; into ALLOCATED leads only a plan."""

RUN = Run(1, MONDAY, 1, "night", NOON)
NOTE = Finding("PAYMENT-KNOWN", "K9", "line 4 was entered before", "paid.csv, line 4")


def way(moves: Mapping[State, frozenset[State]], start: State, end: State) -> Sequence[State]:
    """The states to go through from ``start`` to ``end``, the shortest way there is."""
    ways = [[start]]
    while ways[0][-1] != end:
        first = ways.pop(0)
        ways += [[*first, state] for state in sorted(moves[first[-1]], key=str) if state not in first]
    return ways[0][1:]


def moves_of(moves: Mapping[State, frozenset[State]]) -> list[tuple[State, State]]:
    """Every move of a table."""
    return [(start, end) for start in moves for end in sorted(moves[start], key=str)]


def no_moves(moves: Mapping[State, frozenset[State]], start: State) -> list[State]:
    """The states that cannot be reached from one in a single move, itself among them."""
    return sorted(set(moves) - moves[start], key=str)


class FileBookContract:
    """``ledger``: a book without files."""

    def test_a_file_is_found_by_its_hash_and_by_its_name(self, ledger: FileBook) -> None:
        ledger.archived(in_file())
        ledger.archived(in_file(PAID, "paid.csv", "payments", "cashnet"))
        assert ledger.file(EXPORT) == in_file()
        assert ledger.file("0" * 64) is None
        assert ledger.files_named("charges", "alma", "bursar.xml") == [in_file()]
        assert ledger.files_named("payments", "alma", "bursar.xml") == []

    def test_a_file_that_comes_again_changes_nothing(self, ledger: FileBook) -> None:
        ledger.archived(in_file())
        ledger.archived(replace(in_file(), name="copy.xml", archived_at=later(3)))
        assert ledger.file(EXPORT) == in_file()

    def test_a_file_that_is_left_anew_while_it_waits_is_as_old_as_that(self, ledger: FileBook) -> None:
        ledger.archived(replace(in_file(), changed=100))
        anew = replace(in_file(), changed=200, delivered_at=later(48))
        ledger.archived(anew)
        assert ledger.file(EXPORT) == anew
        ledger.archived(replace(anew, changed=150, delivered_at=later(72)))
        assert ledger.file(EXPORT) == anew

    def test_files_of_a_role_wait_oldest_first(self, ledger: FileBook) -> None:
        shas = ["9" * 64, "1" * 64, "5" * 64]
        for hour, sha in enumerate(shas):
            ledger.archived(replace(in_file(sha, f"{sha[0]}.xml"), archived_at=later(hour)))
        ledger.archived(in_file(PAID, "paid.csv", "payments", "cashnet"))
        assert [file.sha for file in ledger.files_in("charges", "archived")] == shas
        assert ledger.files_in("charges", "booked") == []


class UploadBookContract:
    """``ledger``: a book in which the files peoplesoft 1, peoplesoft 2 and cashnet 1 are built, in that order."""

    def test_files_are_listed_by_system_the_oldest_first(self, ledger: UploadBook) -> None:
        listed = [(upload.batch.system, upload.batch.sequence, upload.state) for upload in ledger.uploads()]
        built = UploadState.BUILT
        assert listed == [("cashnet", 1, built), ("peoplesoft", 1, built), ("peoplesoft", 2, built)]

    def test_a_move_is_there_for_the_next_reader_with_its_evidence(self, ledger: UploadBook) -> None:
        first = ledger.uploads()[0]
        moved = ledger.move_upload(first, UploadState.UPLOADING, "as .abc.part", later(1))
        assert moved == replace(first, state=UploadState.UPLOADING, evidence="as .abc.part", changed_at=later(1))
        assert ledger.uploads()[0] == moved

    @pytest.mark.parametrize(("start", "end"), moves_of(UPLOAD_MOVES))
    def test_every_move_of_the_table_can_be_made(
        self, ledger: UploadBook, start: UploadState, end: UploadState
    ) -> None:
        upload = self.brought_to(ledger, start)
        moved = ledger.move_upload(upload, end, "seen", later(9))
        assert moved == replace(upload, state=end, evidence="seen", changed_at=later(9))
        assert moved in ledger.uploads_of([upload.batch.name])

    @pytest.mark.parametrize("start", UPLOAD_MOVES)
    def test_there_are_no_other_moves(self, ledger: UploadBook, start: UploadState) -> None:
        upload = self.brought_to(ledger, start)
        for end in no_moves(UPLOAD_MOVES, start):
            with pytest.raises(LedgerError):
                ledger.move_upload(upload, end, "seen", later(9))
        assert upload in ledger.uploads_of([upload.batch.name])

    def test_a_file_that_was_moved_meanwhile_is_not_moved_again(self, ledger: UploadBook) -> None:
        seen = ledger.uploads()[0]
        ledger.move_upload(seen, UploadState.UPLOADING, "", later(1))
        with pytest.raises(StaleError, match=seen.batch.name):
            ledger.move_upload(seen, UploadState.STAGED, "", later(2))
        assert ledger.uploads()[0].state is UploadState.UPLOADING

    def test_a_file_in_conflict_stays_on_the_list_until_a_person_settles_it(self, ledger: UploadBook) -> None:
        conflict = self.brought_to(ledger, UploadState.CONFLICT)
        assert conflict in ledger.uploads()
        ledger.move_upload(conflict, UploadState.CANCELLED, "by hand", later(9))
        assert [one.batch.name for one in ledger.uploads()].count(conflict.batch.name) == 0

    def test_files_are_told_by_name_wherever_they_stand(self, ledger: UploadBook) -> None:
        sent = self.brought_to(ledger, UploadState.SENT)
        assert sent not in ledger.uploads()
        assert sent in ledger.uploads_of([sent.batch.name])
        assert ledger.uploads_of([]) == ledger.uploads()

    def brought_to(self, ledger: UploadBook, state: UploadState) -> Upload:
        upload = ledger.uploads()[0]
        for hour, step in enumerate(way(UPLOAD_MOVES, UploadState.BUILT, state), 1):
            upload = ledger.move_upload(upload, step, f"step {hour}", later(hour))
        return upload


class PaymentBookContract:
    """``ledger``: a book without payments; fee F1, 10.00, was charged at peoplesoft; file PAID waits to be read."""

    def test_payments_are_entered_once_and_found_by_key(self, ledger: PaymentBook) -> None:
        ledger.enter_payments(RUN, PAID, [payment("K1"), payment("K2", 250)], [NOTE], later(1))
        assert ledger.known_payments(["K1", "K2", "K3"]) == {"K1": payment("K1"), "K2": payment("K2", 250)}
        assert ledger.known_payments([]) == {}

    def test_a_known_payment_keeps_the_whole_file_out(self, ledger: PaymentBook) -> None:
        ledger.enter_payments(RUN, PAID, [payment("K1")], [], later(1))
        with pytest.raises(StaleError):
            ledger.enter_payments(RUN, PAID, [payment("K0"), payment("K1")], [], later(2))
        assert list(ledger.known_payments(["K0", "K1"])) == ["K1"]

    def test_payments_of_a_state_come_by_date_then_key(self, ledger: PaymentBook) -> None:
        money = [payment("K3"), payment("K1", occurred_on="2026-01-05"), payment("K2")]
        ledger.enter_payments(RUN, PAID, money, [], later(1))
        assert [one.key for one in ledger.payments_in(PaymentState.RECEIVED)] == ["K2", "K3", "K1"]
        assert ledger.payments_in(PaymentState.HELD) == []

    def test_a_charge_is_found_by_the_reference_that_was_sent_with_it(self, ledger: PaymentBook) -> None:
        charged = ledger.charged("peoplesoft", "F1")
        assert charged is not None
        assert (charged.fee_id, charged.charged_cents, charged.paid_cents) == ("F1", 1000, 0)
        assert ledger.charged("cashnet", "F1") is None
        assert ledger.charged("peoplesoft", "F2") is None

    def test_a_payment_is_matched_once(self, ledger: PaymentBook) -> None:
        seen = self.entered(ledger)
        matched = ledger.match_payment(seen, "F1", later(2))
        assert matched == replace(seen, fee_id="F1")
        assert ledger.payments_in(PaymentState.RECEIVED) == [matched]
        for known in (seen, matched):
            with pytest.raises(StaleError):
                ledger.match_payment(known, "F2", later(3))

    @pytest.mark.parametrize(("start", "end"), moves_of(SETTLING))
    def test_every_move_of_the_table_can_be_made(
        self, ledger: PaymentBook, start: PaymentState, end: PaymentState
    ) -> None:
        money = self.brought_to(ledger, start)
        moved = ledger.settle_payment(money, end, "MATCH-UNKNOWN-FEE", "no such charge", later(9))
        assert moved == replace(money, state=end, code="MATCH-UNKNOWN-FEE", why="no such charge")
        assert ledger.payments_in(end) == [moved]

    @pytest.mark.parametrize("start", PAYMENT_MOVES)
    def test_there_are_no_other_moves(self, ledger: PaymentBook, start: PaymentState) -> None:
        money = self.brought_to(ledger, start)
        staying = set() if start is PaymentState.ALLOCATED else {start}
        for end in set(no_moves(SETTLING, start)) - staying:
            with pytest.raises(LedgerError, match="K1"):
                ledger.settle_payment(money, end, "FEE-CLOSED", "shut", later(9))
        assert ledger.payments_in(start) == [money]

    def test_a_payment_may_stay_with_another_reason(self, ledger: PaymentBook) -> None:
        held = ledger.settle_payment(self.entered(ledger), PaymentState.HELD, "LOCATE-NOT-FOUND", "gone", later(2))
        closed = ledger.settle_payment(held, PaymentState.HELD, "FEE-CLOSED", "closed", later(3))
        assert ledger.payments_in(PaymentState.HELD) == [closed]
        assert ledger.settle_payment(closed, PaymentState.HELD, "FEE-CLOSED", "closed", later(4)) == closed

    def test_a_payment_that_was_moved_meanwhile_is_not_moved_again(self, ledger: PaymentBook) -> None:
        seen = self.entered(ledger)
        ledger.settle_payment(seen, PaymentState.HELD, "FEE-CLOSED", "closed", later(2))
        with pytest.raises(StaleError):
            ledger.settle_payment(seen, PaymentState.SUSPENSE, "MATCH-UNKNOWN-FEE", "", later(3))
        with pytest.raises(StaleError):
            ledger.allocate(seen, "F1", *plan(seen, 1000), 0, later(3))
        with pytest.raises(StaleError):
            ledger.match_payment(seen, "F1", later(3))

    def test_a_plan_is_written_once(self, ledger: PaymentBook) -> None:
        seen = self.entered(ledger)
        done = ledger.allocate(seen, "F1", *plan(seen, 600, 300), 100, later(2))
        assert done == replace(seen, state=PaymentState.ALLOCATED, fee_id="F1")
        assert ledger.payments_in(PaymentState.ALLOCATED) == [done]
        for known in (seen, done):
            with pytest.raises(StaleError):
                ledger.allocate(known, "F1", *plan(known, 1000), 0, later(3))

    @pytest.mark.parametrize(("shares", "rest"), [([999], 0), ([1000], 1), ([600, 300], 99), ([], 999)])
    def test_a_plan_must_spend_the_payment_to_the_cent(self, ledger: PaymentBook, shares: list[int], rest: int) -> None:
        seen = self.entered(ledger)
        with pytest.raises(LedgerError, match="K1"):
            ledger.allocate(seen, "F1", *plan(seen, *shares), rest, later(2))
        assert ledger.payments_in(PaymentState.RECEIVED) == [seen]

    def entered(self, ledger: PaymentBook) -> Payment:
        ledger.enter_payments(RUN, PAID, [payment("K1")], [], later(1))
        return ledger.payments_in(PaymentState.RECEIVED)[0]

    def brought_to(self, ledger: PaymentBook, state: PaymentState) -> Payment:
        money = self.entered(ledger)
        if state is PaymentState.ALLOCATED:
            return ledger.allocate(money, "F1", *plan(money, 1000), 0, later(2))
        if state is PaymentState.RECEIVED:
            return money
        return ledger.settle_payment(money, state, "FEE-CLOSED", "closed", later(2))


class PostingBookContract:
    """``ledger``: BPK1-01 of money of 5 January and BPK2-01, BPK2-02 of money of 4 January are ready."""

    def test_the_oldest_money_is_posted_first(self, ledger: PostingBook) -> None:
        ready = [one.external_id for one in ledger.postings(PostingState.READY)]
        assert ready == ["BPK2-01", "BPK2-02", "BPK1-01"]
        assert ledger.postings(PostingState.SENDING, PostingState.POSTED) == []

    def test_an_attempt_is_there_for_the_next_reader(self, ledger: PostingBook) -> None:
        first = ledger.postings(PostingState.READY)[0]
        sending = ledger.move_posting(first, PostingState.SENDING, later(1), attempts=1, since=later(1))
        assert sending == replace(first, state=PostingState.SENDING, attempts=1, since=later(1))
        assert ledger.postings(PostingState.SENDING) == [sending]
        unknown = ledger.move_posting(sending, PostingState.UNKNOWN, later(2), why="no answer in time")
        assert unknown == replace(sending, state=PostingState.UNKNOWN, why="no answer in time")
        assert ledger.postings(PostingState.SENDING, PostingState.UNKNOWN) == [unknown]

    @pytest.mark.parametrize(("start", "end"), moves_of(POSTING_MOVES))
    def test_every_move_of_the_table_can_be_made(
        self, ledger: PostingBook, start: PostingState, end: PostingState
    ) -> None:
        posting = self.brought_to(ledger, start)
        moved = ledger.move_posting(posting, end, later(9), code="POST-DOUBT", why="not seen", evidence="two looks")
        assert moved == replace(posting, state=end, code="POST-DOUBT", why="not seen")
        assert moved in ledger.postings(end)

    @pytest.mark.parametrize("start", POSTING_MOVES)
    def test_there_are_no_other_moves(self, ledger: PostingBook, start: PostingState) -> None:
        posting = self.brought_to(ledger, start)
        for end in no_moves(POSTING_MOVES, start):
            with pytest.raises(LedgerError, match=posting.external_id):
                ledger.move_posting(posting, end, later(9))
        assert posting in ledger.postings(start)

    def test_a_posting_that_was_moved_meanwhile_is_not_moved_again(self, ledger: PostingBook) -> None:
        seen = ledger.postings(PostingState.READY)[0]
        ledger.move_posting(seen, PostingState.SENDING, later(1), attempts=1)
        with pytest.raises(StaleError, match=seen.external_id):
            ledger.move_posting(seen, PostingState.SENDING, later(2), attempts=1)

    def test_a_posting_that_was_tried_meanwhile_is_not_moved_again(self, ledger: PostingBook) -> None:
        seen = ledger.postings(PostingState.READY)[0]
        sending = ledger.move_posting(seen, PostingState.SENDING, later(1), attempts=1)
        ledger.move_posting(sending, PostingState.READY, later(2))
        with pytest.raises(StaleError, match=seen.external_id):
            ledger.move_posting(seen, PostingState.SENDING, later(3), attempts=1)

    def brought_to(self, ledger: PostingBook, state: PostingState) -> Posting:
        posting = ledger.postings(PostingState.READY)[0]
        for hour, step in enumerate(way(POSTING_MOVES, PostingState.READY, state), 1):
            posting = ledger.move_posting(posting, step, later(hour))
        return posting
