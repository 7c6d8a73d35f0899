"""What the ledger promises of the calls to Alma, and of the files by which she imports payments."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import POSTING_MOVES, LedgerError, PostingState, StaleError, UploadState
from tests.contract.ledger_contract import moves_of, no_moves, way
from tests.contract.ledger_kit import ARRIVING, MONDAY, import_batch, later
from tests.contract.ledger_payments import RUN

if TYPE_CHECKING:
    from typing import Protocol

    from pipeline.ports.ledger import PaymentBook, Posting, PostingBook, UploadBook

    class CallBook(PaymentBook, PostingBook, UploadBook, Protocol):
        """The books that posting needs."""


S = PostingState
BY_FILE = {(S.READY, S.LISTED), (S.LISTED, S.READY)}
CALLING = {
    start: frozenset(end for end in ends if (start, end) not in BY_FILE) for start, ends in POSTING_MOVES.items()
}
"""The moves that can be made of one call; the others are made of all that stand in a file."""


class PostingBookContract:
    """``ledger``: BPK1-01 of money of 5 January and BPK2-01, BPK2-02 of 4 January are ready, in that order planned.

    And BPK3-01, BPK3-02 of 6 January, of way import_file, and BPK4-01, which was recorded at later(1); of source alma.
    """

    def test_the_oldest_money_is_posted_first(self, ledger: CallBook) -> None:
        ready = [one.external_id for one in ledger.postings(S.READY)]
        assert ready == ["BPK2-01", "BPK2-02", "BPK1-01", "BPK3-01", "BPK3-02"]
        assert ledger.postings(S.SENDING, S.POSTED) == []
        assert [one.external_id for one in ledger.postings(S.RECORDED)] == ["BPK4-01"]

    def test_a_call_is_found_by_its_id_and_by_its_payment(self, ledger: CallBook) -> None:
        first, second = ledger.postings(S.READY)[:2]
        assert ledger.posting("BPK2-01") == first
        assert ledger.posting("BPK9-01") is None
        assert ledger.postings_of("K2") == [first, second]
        assert ledger.postings_of("K9") == []

    def test_an_attempt_is_there_for_the_next_reader(self, ledger: CallBook) -> None:
        first = ledger.postings(S.READY)[0]
        sending = ledger.move_posting(first, S.SENDING, later(1), attempts=1, since=later(1))
        assert sending == replace(first, state=S.SENDING, attempts=1, since=later(1))
        assert ledger.postings(S.SENDING) == [sending]
        unknown = ledger.move_posting(sending, S.UNKNOWN, later(2), why="no answer in time")
        assert unknown == replace(sending, state=S.UNKNOWN, why="no answer in time")
        assert ledger.postings(S.SENDING, S.UNKNOWN) == [unknown]

    @pytest.mark.parametrize(("start", "end"), moves_of(CALLING))
    def test_every_move_of_the_table_can_be_made(self, ledger: CallBook, start: S, end: S) -> None:
        posting = self.brought_to(ledger, start)
        moved = ledger.move_posting(posting, end, later(9), code="POST-DOUBT", why="not seen", evidence="two looks")
        assert moved == replace(posting, state=end, code="POST-DOUBT", why="not seen")
        assert moved in ledger.postings(end)

    @pytest.mark.parametrize("start", POSTING_MOVES)
    def test_there_are_no_other_moves(self, ledger: CallBook, start: S) -> None:
        posting = self.brought_to(ledger, start)
        for end in no_moves(CALLING, start):
            with pytest.raises(LedgerError, match=posting.external_id):
                ledger.move_posting(posting, end, later(9))
        assert posting in ledger.postings(start)

    def test_what_goes_by_file_is_never_sent(self, ledger: CallBook) -> None:
        with pytest.raises(LedgerError, match="BPK3-01"):
            ledger.move_posting(ledger.postings_of("K3")[0], S.SENDING, later(2), attempts=1)

    def test_a_posting_that_was_moved_meanwhile_is_not_moved_again(self, ledger: CallBook) -> None:
        seen = ledger.postings(S.READY)[0]
        ledger.move_posting(seen, S.SENDING, later(1), attempts=1)
        with pytest.raises(StaleError, match=seen.external_id):
            ledger.move_posting(seen, S.SENDING, later(2), attempts=1)
        with pytest.raises(StaleError, match=seen.external_id):
            ledger.note_blind(seen, MONDAY, "no answer", later(2))

    def test_a_posting_that_was_tried_meanwhile_is_not_moved_again(self, ledger: CallBook) -> None:
        seen = ledger.postings(S.READY)[0]
        sending = ledger.move_posting(seen, S.SENDING, later(1), attempts=1)
        ledger.move_posting(sending, S.READY, later(2))
        with pytest.raises(StaleError, match=seen.external_id):
            ledger.move_posting(seen, S.SENDING, later(3), attempts=1)

    def test_nights_without_an_answer_are_counted_once_a_date_until_it_moves(self, ledger: CallBook) -> None:
        posting = ledger.postings(S.READY)[0]
        first = ledger.note_blind(posting, MONDAY, "a system error", later(1))
        assert first == replace(posting, blind_nights=1, blind_on="2026-01-05")
        assert ledger.note_blind(first, MONDAY, "again", later(2)) == first
        second = ledger.note_blind(first, MONDAY + timedelta(days=1), "again", later(24))
        assert second == replace(posting, blind_nights=2, blind_on="2026-01-06")
        assert ledger.posting(posting.external_id) == second
        held = ledger.move_posting(second, S.HELD, later(25), code="POST-BLIND")
        assert (held.blind_nights, held.blind_on) == (0, "")
        assert ledger.posting(posting.external_id) == held

    def test_what_is_known_to_be_paid_is_told_from_a_moment_on(self, ledger: CallBook) -> None:
        first, second = ledger.postings_of("K2")
        self.posted(ledger, second, 3)
        verified = ledger.move_posting(self.posted(ledger, first, 4), S.VERIFIED, later(30))
        assert verified.state is S.VERIFIED
        told = ledger.paid_since(later(1))
        assert [one.external_id for one in told] == ["BPK4-01", "BPK2-02", "BPK2-01"]
        assert [one.external_id for one in ledger.paid_since(later(4))] == ["BPK2-01"]
        one = told[1]
        assert (one.payment_key, one.payment_ref, one.system, one.source) == ("K2", "RK2", "peoplesoft", "alma")
        assert (one.fee_id, one.owner, one.cents, one.way) == ("F1", "MAIN", 300, "api")

    def test_what_stands_in_an_import_file_is_listed_until_alma_shows_it(self, ledger: CallBook) -> None:
        pair = ledger.postings_of("K3")
        file = import_batch(pair)
        ledger.list_postings(RUN, file, pair, later(2))
        listed = ledger.postings(S.LISTED)
        assert listed == [replace(one, state=S.LISTED) for one in pair]
        upload = ledger.listed_in(listed[0])
        assert upload is not None
        assert (upload.batch, upload.state) == (file, UploadState.BUILT)
        assert upload in ledger.uploads()
        assert ledger.listed_in(ledger.postings(S.READY)[0]) is None
        for state in ARRIVING:
            upload = ledger.move_upload(upload, state, "", later(3))
        assert ledger.sent_since(later(3)) == [upload]
        assert ledger.sent_since(later(4)) == []
        assert ledger.postings(S.LISTED) == listed
        ledger.move_posting(listed[0], S.VERIFIED, later(30), evidence="Alma shows it")
        assert [one.external_id for one in ledger.paid_since(later(30))] == ["BPK3-01"]
        assert ledger.listed_in(listed[0]) == upload

    @pytest.mark.parametrize("way_there", [(), (UploadState.UPLOADING,), (UploadState.CONFLICT,)])
    def test_a_file_that_is_given_up_sets_its_payments_free(
        self, ledger: CallBook, way_there: tuple[UploadState, ...]
    ) -> None:
        pair = ledger.postings_of("K3")
        ledger.list_postings(RUN, import_batch(pair), pair, later(2))
        upload = ledger.listed_in(pair[0])
        assert upload is not None
        for state in (*way_there, UploadState.CANCELLED):
            upload = ledger.move_upload(upload, state, "by hand", later(3))
        assert ledger.postings_of("K3") == pair
        assert ledger.listed_in(pair[0]) is None
        ledger.list_postings(RUN, import_batch(pair[1:], 2), pair[1:], later(4))
        assert [one.state for one in ledger.postings_of("K3")] == [S.READY, S.LISTED]

    def test_what_a_person_settled_stays_so_when_its_file_is_given_up(self, ledger: CallBook) -> None:
        pair = ledger.postings_of("K3")
        ledger.list_postings(RUN, import_batch(pair), pair, later(2))
        ledger.move_posting(ledger.postings(S.LISTED)[0], S.SETTLED, later(3))
        upload = ledger.listed_in(pair[0])
        assert upload is not None
        ledger.move_upload(upload, UploadState.CANCELLED, "by hand", later(4))
        assert [one.state for one in ledger.postings_of("K3")] == [S.SETTLED, S.READY]

    def test_a_file_is_worth_its_payments_and_they_belong_there(self, ledger: CallBook) -> None:
        pair, other = ledger.postings_of("K3"), ledger.postings_of("K1")
        wrong = ({"count": 1}, {"cents": 1}, {"kind": "charge"}, {"scope": "snapshot"}, {"system": "other"})
        for changes in wrong:
            with pytest.raises(LedgerError):
                ledger.list_postings(RUN, import_batch(pair, **changes), pair, later(2))
        for given in ([], other, [replace(pair[0], state=S.LISTED)]):
            with pytest.raises(LedgerError):
                ledger.list_postings(RUN, import_batch(given), given, later(2))
        assert ledger.postings(S.LISTED) == []
        assert ledger.uploads_of(["payments_1.xml"]) == ledger.uploads()

    def test_a_payment_stands_in_one_file_and_a_file_has_its_own_name(self, ledger: CallBook) -> None:
        pair = ledger.postings_of("K3")
        ledger.list_postings(RUN, import_batch(pair[:1]), pair[:1], later(2))
        for given, number, changes in (
            (pair, 2, {}),
            (pair[1:], 1, {"name": "other.xml"}),
            (pair[1:], 2, {"name": "payments_1.xml"}),
            ([pair[1], pair[1]], 2, {}),
        ):
            with pytest.raises(StaleError):
                ledger.list_postings(RUN, import_batch(given, number, **changes), given, later(3))
        assert [one.state for one in ledger.postings_of("K3")] == [S.LISTED, S.READY]

    def posted(self, ledger: CallBook, posting: Posting, hour: int) -> Posting:
        sending = ledger.move_posting(posting, S.SENDING, later(hour), attempts=1)
        return ledger.move_posting(sending, S.POSTED, later(hour))

    def brought_to(self, ledger: CallBook, state: S) -> Posting:
        if state is S.RECORDED:
            return ledger.postings_of("K4")[0]
        if state is S.LISTED:
            pair = ledger.postings_of("K3")
            ledger.list_postings(RUN, import_batch(pair), pair, later(1))
            return ledger.postings_of("K3")[0]
        posting = ledger.postings(S.READY)[0]
        for hour, step in enumerate(way(CALLING, S.READY, state), 1):
            posting = ledger.move_posting(posting, step, later(hour))
        return posting
