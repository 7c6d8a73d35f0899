"""One contract for every place: in memory, a local folder, and a real OpenSSH server."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import pytest

from pipeline.adapters.folder import FolderPlace
from pipeline.adapters.sftp import SftpPlace
from pipeline.ports.outside import Place, Refused
from tests.contract.sshd import Sshd, sshd
from tests.fakes.place import Drive, FakePlace

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONTENT = bytes(range(256)) * 400


class Box(Protocol):
    """A place under test, and what its owner sees and does there."""

    place: Place

    def put(self, name: str, content: bytes) -> None: ...

    def names(self) -> list[str]: ...

    def make_folder(self, name: str) -> None: ...

    def take_away(self) -> None: ...


@dataclass
class Memory:
    drive: Drive
    place: Place

    def put(self, name: str, content: bytes) -> None:
        self.drive.put(name, content)

    def names(self) -> list[str]:
        return sorted(self.drive.files)

    def make_folder(self, name: str) -> None:
        self.drive.folders.add(name)

    def take_away(self) -> None:
        self.drive.there = False


@dataclass
class Disk:
    folder: Path
    place: Place

    def put(self, name: str, content: bytes) -> None:
        (self.folder / name).write_bytes(content)

    def names(self) -> list[str]:
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return sorted(path.relative_to(self.folder).as_posix() for path in found)

    def make_folder(self, name: str) -> None:
        (self.folder / name).mkdir()

    def take_away(self) -> None:
        shutil.rmtree(self.folder)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


KINDS = ["memory", "folder", pytest.param("openssh", marks=pytest.mark.real)]


@pytest.fixture(params=KINDS)
def box(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Box]:
    folder = tmp_path / "box"
    folder.mkdir()
    if request.param == "memory":
        drive = Drive()
        yield Memory(drive, FakePlace(drive))
    elif request.param == "folder":
        yield Disk(folder, FolderPlace(folder))
    else:
        place = SftpPlace(request.getfixturevalue("server").settings, str(folder))
        yield Disk(folder, place)
        place.close()


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "ours"
    path.write_bytes(CONTENT)
    return path


def test_what_is_written_is_listed_sized_read_back_and_fetched_as_it_is(box: Box, ours: Path, tmp_path: Path) -> None:
    box.place.write_new("LIB_1.dat", ours)
    assert [(one.name, one.size) for one in box.place.list()] == [("LIB_1.dat", len(CONTENT))]
    assert box.place.size("LIB_1.dat") == len(CONTENT)
    assert box.place.read("LIB_1.dat") == CONTENT
    assert box.place.fetch("LIB_1.dat", tmp_path / "copy") == len(CONTENT)
    assert (tmp_path / "copy").read_bytes() == CONTENT
    assert (tmp_path / "copy").stat().st_mode & 0o777 == 0o600


def test_an_empty_file_is_a_file(box: Box, tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    box.place.write_new("empty.dat", tmp_path / "empty")
    assert box.place.size("empty.dat") == 0
    assert box.place.read("empty.dat") == b""


def test_writing_never_overwrites(box: Box, ours: Path) -> None:
    box.put("LIB_1.dat", b"theirs")
    with pytest.raises(Refused) as no:
        box.place.write_new("LIB_1.dat", ours)
    assert no.value.scope == "row"
    assert box.place.read("LIB_1.dat") == b"theirs"


def test_a_renamed_file_bears_the_new_name_only(box: Box) -> None:
    box.put(".1.part", b"ours")
    box.place.rename(".1.part", "LIB_1.dat")
    assert box.names() == ["LIB_1.dat"]
    assert box.place.read("LIB_1.dat") == b"ours"


def test_renaming_never_overwrites_and_leaves_both(box: Box) -> None:
    box.put(".1.part", b"ours")
    box.put("LIB_1.dat", b"theirs")
    with pytest.raises(Refused) as no:
        box.place.rename(".1.part", "LIB_1.dat")
    assert no.value.scope == "row"
    assert (box.place.read("LIB_1.dat"), box.place.read(".1.part")) == (b"theirs", b"ours")


def test_a_file_can_be_moved_to_a_folder_below_if_there_is_one(box: Box) -> None:
    box.put("paid.csv", b"x")
    with pytest.raises(Refused) as no:
        box.place.rename("paid.csv", "done/paid.csv")
    assert no.value.scope == "row"
    box.make_folder("done")
    box.place.rename("paid.csv", "done/paid.csv")
    assert box.names() == ["done/paid.csv"]
    assert box.place.list() == []


def test_what_is_removed_is_gone_and_removing_nothing_does_nothing(box: Box) -> None:
    box.put(".1.part", b"ours")
    box.place.remove(".1.part")
    box.place.remove(".1.part")
    assert box.names() == []


def test_no_such_file_is_none_for_its_size_and_refused_for_everything_else(box: Box, tmp_path: Path) -> None:
    assert box.place.size("none.csv") is None
    asked: list[Callable[[], object]] = [
        lambda: box.place.read("none.csv"),
        lambda: box.place.fetch("none.csv", tmp_path / "copy"),
        lambda: box.place.rename("none.csv", "some.csv"),
    ]
    for ask in asked:
        with pytest.raises(Refused) as no:
            ask()
        assert no.value.scope == "row"
    assert not (tmp_path / "copy").exists()


VERBS: dict[str, Callable[[Place, Path], object]] = {
    "list": lambda place, _: place.list(),
    "size": lambda place, _: place.size("a"),
    "read": lambda place, _: place.read("a"),
    "fetch": lambda place, ours: place.fetch("a", ours.with_name("copy")),
    "write_new": lambda place, ours: place.write_new("a", ours),
    "rename": lambda place, _: place.rename("a", "b"),
    "remove": lambda place, _: place.remove("a"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_folder_that_is_gone_is_never_taken_for_files_that_are_gone(box: Box, ours: Path, verb: str) -> None:
    box.take_away()
    with pytest.raises(Refused, match="no such folder") as no:
        VERBS[verb](box.place, ours)
    assert no.value.scope == "system"


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "a/b", "", ".", "..", "a\nb", "a\x00b", "a\\b", "\u202egnp.a"])
def test_a_name_that_is_more_than_a_name_is_refused(box: Box, ours: Path, name: str) -> None:
    asked: list[Callable[[], object]] = [
        lambda: box.place.size(name),
        lambda: box.place.read(name),
        lambda: box.place.write_new(name, ours),
        lambda: box.place.rename(name, "b"),
        lambda: box.place.rename("b", f"../{name}"),
        lambda: box.place.remove(name),
    ]
    for ask in asked:
        with pytest.raises(Refused, match="plain"):
            ask()
    assert box.names() == []


def test_only_regular_files_are_listed_and_an_odd_name_is_written_out_and_never_taken(box: Box) -> None:
    box.put("good.csv", b"1")
    box.make_folder("done")
    if isinstance(box, Disk):
        box.put("two\nlines.csv", b"1")
        (box.folder / "link.csv").symlink_to("good.csv")
        os.mkfifo(box.folder / "pipe.csv")
        assert sorted(one.name for one in box.place.list()) == ["good.csv", "two\\nlines.csv"]
        with pytest.raises(Refused, match="rename the file"):
            box.place.size("two\\nlines.csv")
    else:
        assert [one.name for one in box.place.list()] == ["good.csv"]
