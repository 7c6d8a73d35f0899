"""What the ledger's books of files promise, whoever keeps them: the database, or a fake in memory.

A class here is used by inheriting it and giving it a fixture ``ledger``, as its docstring says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import pytest

from pipeline.ports.ledger import (
    UPLOAD_MOVES,
    LedgerError,
    StaleError,
    UploadState,
)
from tests.contract.ledger_kit import EXPORT, PAID, in_file, later

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.ports.ledger import FileBook, Upload, UploadBook

State = TypeVar("State")


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
