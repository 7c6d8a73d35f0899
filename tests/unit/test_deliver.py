"""Delivering: what is noted when, what stops a system, and what is tried again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline import stages
from pipeline.ports.ledger import Upload, UploadState
from pipeline.ports.outside import Busy, Lost, OutsideError, Refused
from pipeline.stages.publish import AlteredError, deliver_all, deliver_upload, staging_name
from pipeline.stages.retry import WAITS_S, retry
from tests.fakes.clock import FakeClock
from tests.fakes.fate import Fate, FatedPlace, Fates
from tests.fakes.place import Bursar, Drive, FakePlace, Outage
from tests.fakes.uploads import FakeUploadBook, built

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.outside import Place


class Noting(FakeUploadBook):
    """Writes down every move beside what lay at the bursar's at that moment."""

    def __init__(self, uploads: list[Upload], drive: Drive) -> None:
        super().__init__({upload.batch_id: upload for upload in uploads})
        self.drive = drive
        self.story: list[tuple[str, list[str]]] = []

    def move_upload(self, upload: Upload, to: UploadState, *rest: object) -> Upload:
        self.story.append((to, sorted(self.drive.files)))
        return super().move_upload(upload, to, *rest)  # type: ignore[arg-type]


@pytest.fixture
def drive() -> Drive:
    return Drive()


def send(
    root: Path, uploads: list[Upload], places: dict[str, Place], book: FakeUploadBook | None = None
) -> tuple[dict[str, str], list[str]]:
    """Deliver, and give the state of each file and the codes found."""
    book = book or FakeUploadBook({upload.batch_id: upload for upload in uploads})
    ended, findings = deliver_all(uploads, places, root, book, FakeClock())
    assert all(finding.entry.do for finding in findings)
    return {one.batch.name: str(one.state) for one in ended}, [finding.code for finding in findings]


def test_every_step_is_in_the_ledger_before_the_next_one_is_taken(tmp_path: Path, drive: Drive) -> None:
    upload = built(tmp_path, "cashnet", 1, b"12.50\n")
    book = Noting([upload], drive)
    staged, final = staging_name(upload), upload.batch.name
    sent = deliver_upload(upload, tmp_path / upload.batch.path, FakePlace(drive), book, FakeClock())
    assert book.story == [("uploading", []), ("staged", [staged]), ("publishing", [staged]), ("sent", [final])]
    assert sent == book.rows[upload.batch_id]
    assert sent.evidence == "renamed; 6 bytes lie there"
    assert drive.files[final][0] == b"12.50\n"


def test_the_staging_name_is_one_that_bursars_ignore(tmp_path: Path) -> None:
    upload = built(tmp_path, "cashnet", 1, b"x")
    assert staging_name(upload) == f".{upload.batch.sha[:12]}.part"


def test_our_very_bytes_under_the_final_name_are_a_delivery_and_the_left_over_goes(
    tmp_path: Path, drive: Drive
) -> None:
    upload = built(tmp_path, "cashnet", 1, b"12.50\n")
    drive.put(upload.batch.name, b"12.50\n")
    drive.put(staging_name(upload), b"12.50\n")
    assert send(tmp_path, [upload], {"cashnet": FakePlace(drive)}) == ({upload.batch.name: "sent"}, [])
    assert list(drive.files) == [upload.batch.name]


@pytest.mark.parametrize("state", [UploadState.BUILT, UploadState.STAGED, UploadState.PUBLISHING])
def test_other_bytes_under_the_final_name_are_a_conflict_and_stay(
    tmp_path: Path, drive: Drive, state: UploadState
) -> None:
    first, second = (replace(built(tmp_path, "cashnet", n, b"ours"), state=state) for n in (1, 2))
    drive.put(first.batch.name, b"else")
    states, codes = send(tmp_path, [first, second], {"cashnet": FakePlace(drive)})
    assert states == {first.batch.name: "conflict", second.batch.name: str(state)}
    assert codes == ["DELIVER-CONFLICT"]
    assert drive.files[first.batch.name][0] == b"else"


def test_a_conflict_holds_the_system_until_it_is_settled_or_our_bytes_lie_there(tmp_path: Path, drive: Drive) -> None:
    first = replace(built(tmp_path, "cashnet", 1, b"ours"), state=UploadState.CONFLICT)
    second = built(tmp_path, "cashnet", 2, b"next")
    drive.put(first.batch.name, b"else")
    assert send(tmp_path, [first, second], {"cashnet": FakePlace(drive)}) == (
        {first.batch.name: "conflict", second.batch.name: "built"},
        ["DELIVER-CONFLICT"],
    )
    drive.put(first.batch.name, b"ours")
    assert send(tmp_path, [first, second], {"cashnet": FakePlace(drive)}) == (
        {first.batch.name: "sent", second.batch.name: "sent"},
        [],
    )


@pytest.mark.parametrize("staged", [None, b"ou", b"ours"], ids=["not staged", "torn", "staged"])
def test_a_file_in_conflict_goes_out_once_the_other_file_of_its_name_is_gone(
    tmp_path: Path, drive: Drive, staged: bytes | None
) -> None:
    first = built(tmp_path, "cashnet", 1, b"ours")
    book = Noting([first], drive)
    drive.put(first.batch.name, b"else")
    if staged is not None:
        drive.put(staging_name(first), staged)
    assert send(tmp_path, [first], {"cashnet": FakePlace(drive)}, book)[1] == ["DELIVER-CONFLICT"]
    del drive.files[first.batch.name]
    (waiting,) = book.uploads()
    told = ({first.batch.name: "sent"}, ["DELIVER-CONFLICT-OVER"])
    assert send(tmp_path, [waiting], {"cashnet": FakePlace(drive)}, book) == told
    assert (list(drive.files), drive.files[first.batch.name][0]) == ([first.batch.name], b"ours")


@pytest.mark.parametrize("left", [None, b"ou"], ids=["gone", "torn"])
def test_a_file_in_conflict_that_the_bursar_may_have_taken_waits_for_a_person(
    tmp_path: Path, drive: Drive, left: bytes | None
) -> None:
    """We were renaming it when the run was broken off; then it was taken, or removed, and another file lay there."""
    upload = replace(built(tmp_path, "cashnet", 1, b"ours"), state=UploadState.PUBLISHING)
    book = Noting([upload], drive)
    drive.put(upload.batch.name, b"else")
    send(tmp_path, [upload], {"cashnet": FakePlace(drive)}, book)
    del drive.files[upload.batch.name]
    if left is not None:
        drive.put(staging_name(upload), left)
    (waiting,) = book.uploads()
    told = ({upload.batch.name: "conflict"}, ["DELIVER-CONFLICT"])
    assert send(tmp_path, [waiting], {"cashnet": FakePlace(drive)}, book) == told
    assert upload.batch.name not in drive.files


def test_a_file_in_conflict_that_still_lies_under_its_staging_name_was_never_taken(
    tmp_path: Path, drive: Drive
) -> None:
    upload = replace(built(tmp_path, "cashnet", 1, b"ours"), state=UploadState.PUBLISHING)
    book = Noting([upload], drive)
    drive.put(upload.batch.name, b"else")
    drive.put(staging_name(upload), b"ours")
    send(tmp_path, [upload], {"cashnet": FakePlace(drive)}, book)
    del drive.files[upload.batch.name]
    (waiting,) = book.uploads()
    told = ({upload.batch.name: "sent"}, ["DELIVER-CONFLICT-OVER"])
    assert send(tmp_path, [waiting], {"cashnet": FakePlace(drive)}, book) == told
    assert drive.files[upload.batch.name][0] == b"ours"


def test_what_we_were_publishing_and_is_gone_was_taken_and_that_is_said(tmp_path: Path, drive: Drive) -> None:
    upload = replace(built(tmp_path, "cashnet", 1, b"ours"), state=UploadState.PUBLISHING)
    assert send(tmp_path, [upload], {"cashnet": FakePlace(drive)}) == ({upload.batch.name: "sent"}, ["DELIVER-TAKEN"])
    assert drive.files == {}


@pytest.mark.parametrize("state", [UploadState.BUILT, UploadState.UPLOADING, UploadState.STAGED])
def test_what_we_were_not_yet_publishing_is_sent_even_if_nothing_lies_there(
    tmp_path: Path, drive: Drive, state: UploadState
) -> None:
    upload = replace(built(tmp_path, "cashnet", 1, b"ours"), state=state)
    assert send(tmp_path, [upload], {"cashnet": FakePlace(drive)}) == ({upload.batch.name: "sent"}, [])
    assert drive.files[upload.batch.name][0] == b"ours"


@pytest.mark.parametrize("state", [UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING])
@pytest.mark.parametrize("torn", [b"", b"ou", b"ourz", b"ours and more"])
def test_a_torn_copy_is_written_anew_and_never_published(
    tmp_path: Path, drive: Drive, state: UploadState, torn: bytes
) -> None:
    upload = replace(built(tmp_path, "cashnet", 1, b"ours"), state=state)
    drive.put(staging_name(upload), torn)
    bursar = Bursar(FakePlace(drive), greedy=True)
    assert send(tmp_path, [upload], {"cashnet": bursar}) == ({upload.batch.name: "sent"}, [])
    assert bursar.received == [(upload.batch.name, upload.batch.sha)]


@pytest.mark.parametrize("content", [b"another amount", None], ids=["changed", "gone"])
def test_a_built_file_that_was_changed_or_removed_does_not_go_out(
    tmp_path: Path, drive: Drive, content: bytes | None
) -> None:
    upload = built(tmp_path, "cashnet", 1, b"ours")
    path = tmp_path / upload.batch.path
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    book = FakeUploadBook({upload.batch_id: upload})
    with pytest.raises(AlteredError, match="restore it"):
        deliver_upload(upload, path, FakePlace(drive), book, FakeClock())
    assert send(tmp_path, [upload], {"cashnet": FakePlace(drive)}) == (
        {upload.batch.name: "built"},
        ["DELIVER-ALTERED"],
    )
    assert drive.files == {}


def test_a_copy_that_lies_there_whole_goes_out_though_the_built_file_is_lost(tmp_path: Path, drive: Drive) -> None:
    upload = replace(built(tmp_path, "cashnet", 1, b"ours"), state=UploadState.STAGED)
    (tmp_path / upload.batch.path).unlink()
    drive.put(staging_name(upload), b"ours")
    assert send(tmp_path, [upload], {"cashnet": FakePlace(drive)}) == ({upload.batch.name: "sent"}, [])
    assert drive.files[upload.batch.name][0] == b"ours"


def test_a_system_that_is_down_stops_itself_and_no_other(tmp_path: Path, drive: Drive) -> None:
    uploads = [built(tmp_path, *key, b"ours") for key in (("cashnet", 1), ("peoplesoft", 1), ("peoplesoft", 2))]
    down = Outage(FakePlace(Drive()), 1000)
    states, codes = send(tmp_path, uploads, {"cashnet": FakePlace(drive), "peoplesoft": down})
    assert list(states.values()) == ["sent", "built", "built"]
    assert codes == ["DELIVER-BUSY"]
    assert down.tried == 1 + len(WAITS_S)


@pytest.mark.parametrize(
    ("drive", "code"),
    [
        (Drive(there=False), "DELIVER-REFUSED"),
        (Drive(read_only=True), "DELIVER-REFUSED"),
        (Drive(room=3), "DELIVER-REFUSED"),
    ],
    ids=["no folder", "read only", "disk full"],
)
def test_a_server_that_says_no_is_not_asked_again_and_the_file_waits(tmp_path: Path, drive: Drive, code: str) -> None:
    upload = built(tmp_path, "cashnet", 1, b"ours")
    states, codes = send(tmp_path, [upload], {"cashnet": FakePlace(drive)})
    assert states[upload.batch.name] in ("built", "uploading")
    assert codes == [code]
    assert drive.files == {}


def test_a_system_without_a_place_is_said_in_one_line(tmp_path: Path) -> None:
    upload = built(tmp_path, "cashnet", 1, b"ours")
    assert send(tmp_path, [upload], {}) == ({upload.batch.name: "built"}, ["DELIVER-REFUSED"])


def test_what_is_over_is_not_looked_at(tmp_path: Path, drive: Drive) -> None:
    over = [UploadState.SENT, UploadState.SUPERSEDED, UploadState.CANCELLED]
    uploads = [replace(built(tmp_path, "cashnet", n, b"ours"), state=state) for n, state in enumerate(over)]
    place = Outage(FakePlace(drive), 0)
    assert send(tmp_path, uploads, {"cashnet": place}) == ({}, [])
    assert place.tried == 0


def test_answers_lost_again_and_again_end_in_doubt_and_the_ledger_says_how_far_it_got(
    tmp_path: Path, drive: Drive
) -> None:
    upload = built(tmp_path, "cashnet", 1, b"ours")
    fates = Fates({n: Fate(Lost("no answer")) for n in (2, 5, 8)})
    states, codes = send(tmp_path, [upload], {"cashnet": FatedPlace(FakePlace(drive), fates)})
    assert [call for n, call in enumerate(fates.calls) if n in (2, 5, 8)] == ["write_new"] * 3
    assert (states, codes) == ({upload.batch.name: "uploading"}, ["DELIVER-DOUBT"])


def test_a_remove_whose_answer_is_lost_ends_the_run_since_it_may_still_come_about(tmp_path: Path, drive: Drive) -> None:
    upload = replace(built(tmp_path, "cashnet", 1, b"ours"), state=UploadState.UPLOADING)
    drive.put(staging_name(upload), b"ou")
    fates = Fates({2: Fate(Lost("no answer"))})
    states, codes = send(tmp_path, [upload], {"cashnet": FatedPlace(FakePlace(drive), fates)})
    assert fates.calls == ["size", "size", "remove"]
    assert (states, codes) == ({upload.batch.name: "uploading"}, ["DELIVER-BUSY"])


class Rotting(FakePlace):
    """A disk that keeps the size and not the bytes."""

    def write_new(self, name: str, path: Path) -> None:
        super().write_new(name, path)
        self.drive.put(name, b"?" * path.stat().st_size)


def test_what_reads_back_other_than_it_was_written_is_never_published(tmp_path: Path, drive: Drive) -> None:
    upload = built(tmp_path, "cashnet", 1, b"ours")
    states, codes = send(tmp_path, [upload], {"cashnet": Rotting(drive)})
    assert (states, codes) == ({upload.batch.name: "uploading"}, ["DELIVER-DOUBT"])
    assert upload.batch.name not in drive.files


def test_a_file_taken_while_we_read_it_back_is_one_that_was_taken(tmp_path: Path, drive: Drive) -> None:
    upload = replace(built(tmp_path, "cashnet", 1, b"ours"), state=UploadState.PUBLISHING)
    drive.put(upload.batch.name, b"ours")

    class Taking(FakePlace):
        def read(self, name: str) -> bytes:
            drive.files.pop(name, None)
            return super().read(name)

    assert send(tmp_path, [upload], {"cashnet": Taking(drive)}) == ({upload.batch.name: "sent"}, ["DELIVER-TAKEN"])


class Answers:
    """Gives prepared answers, one a call."""

    def __init__(self, *answers: OutsideError | str) -> None:
        self.left = list(answers)
        self.asked = 0

    def __call__(self) -> str:
        self.asked += 1
        answer = self.left.pop(0)
        if isinstance(answer, OutsideError):
            raise answer
        return answer


def test_only_what_surely_did_not_happen_is_tried_again_and_three_times_at_most() -> None:
    clock = FakeClock()
    ask = Answers(Busy("1"), Busy("2"), Busy("3"), "done")
    assert retry(ask, clock) == "done"
    assert clock.slept == list(WAITS_S)
    ask = Answers(*[Busy(str(n)) for n in range(9)])
    with pytest.raises(Busy, match="3"):
        retry(ask, clock)
    assert ask.asked == 4


@pytest.mark.parametrize(
    "error", [Refused("no"), Refused("no", scope="system"), Lost("?")], ids=["row", "system", "lost"]
)
def test_a_no_and_a_doubt_are_never_tried_again(error: OutsideError) -> None:
    clock = FakeClock()
    ask = Answers(error, "done")
    with pytest.raises(type(error)):
        retry(ask, clock)
    assert (ask.asked, clock.slept) == (1, [])


def test_a_stage_is_found_by_its_name_and_a_misspelt_one_is_a_bug() -> None:
    assert stages.find("retry") is retry
    with pytest.raises(ModuleNotFoundError):
        stages.find("delivver")
