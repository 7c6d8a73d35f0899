"""What a place says when it is not all there: no rights, no room, no whole file, no rename in one step."""

from __future__ import annotations

import errno
import os
import resource
import shutil
import signal
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters import disk
from pipeline.adapters.folder import FolderPlace
from pipeline.ports.outside import Busy, Lost, Place, Refused
from tests.contract.sshd import Sshd, at, sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CONTENT = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.mark.real
def test_what_is_there_but_is_no_file_stops_the_system(tmp_path: Path, server: Sshd) -> None:
    box = tmp_path / "box"
    (box / "LIB_1.dat").mkdir(parents=True)
    with at(server.settings, box) as sftp:
        for place in (FolderPlace(box), sftp):
            with pytest.raises(Refused, match="no regular file") as no:
                place.size("LIB_1.dat")
            assert no.value.scope == "system"


@pytest.mark.real
def test_a_file_that_gives_fewer_bytes_than_it_has_is_never_taken_for_whole(tmp_path: Path, server: Sshd) -> None:
    """The system's own folder holds such a file; elsewhere it takes a line that breaks at the wrong moment."""
    odd = Path("/sys/kernel/uevent_seqnum")
    with at(server.settings, odd.parent) as sftp:
        for place in (FolderPlace(odd.parent), sftp):
            with pytest.raises(Busy, match=f"but it has {place.size(odd.name)}"):
                place.read(odd.name)
            with pytest.raises(Busy, match=f"but it has {place.size(odd.name)}"):
                place.fetch(odd.name, tmp_path / "copy")
            assert list(tmp_path.iterdir()) == []


CHANGES: dict[str, Callable[[Place, Path], object]] = {
    "write_new": lambda place, ours: place.write_new("new", ours),
    "rename": lambda place, _: place.rename("a", "b"),
    "remove": lambda place, _: place.remove("a"),
}


@pytest.mark.real
def test_a_read_only_server_refuses_the_system(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with sshd(tmp_path / "sshd", read_only=True) as running, at(running.settings, tmp_path) as place:
        for change in CHANGES.values():
            with pytest.raises(Refused, match="permission denied") as no:
                change(place, tmp_path / "a")
            assert no.value.scope == "system"
        assert place.read("a") == b"1"


@contextmanager
def nobody_in_particular() -> Iterator[None]:
    """Root may do everything, so a test that is run by root steps back for a moment."""
    root = os.geteuid() == 0
    if root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if root:
            os.seteuid(0)


def test_a_read_only_folder_refuses_the_system() -> None:
    with tempfile.TemporaryDirectory() as name:
        top = Path(name)
        top.chmod(0o755)
        box = top / "box"
        box.mkdir()
        (box / "a").write_bytes(b"1")
        (top / "ours").write_bytes(b"2")
        box.chmod(0o555)
        with nobody_in_particular():
            for change in CHANGES.values():
                with pytest.raises(Refused, match="Permission denied") as no:
                    change(FolderPlace(box), top / "ours")
                assert no.value.scope == "system"
        box.chmod(0o755)
        assert [path.name for path in box.iterdir()] == ["a"]


@pytest.mark.real
def test_a_full_disk_is_refused_at_once_and_nothing_torn_stays(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.mkdir()
    (tmp_path / "ours").write_bytes(CONTENT)
    with sshd(tmp_path / "sshd", largest_file=len(CONTENT) // 2) as running, at(running.settings, box) as place:
        with pytest.raises(Refused, match="is its disk full") as no:
            place.write_new("LIB_1.dat", tmp_path / "ours")
        assert no.value.scope == "system"
        assert place.list() == []


def test_a_local_disk_that_is_full_is_refused_and_nothing_torn_stays(tmp_path: Path) -> None:
    box = tmp_path / "box"
    box.mkdir()
    (tmp_path / "ours").write_bytes(CONTENT)
    before, ignored = resource.getrlimit(resource.RLIMIT_FSIZE), signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, before[1]))
    try:
        with pytest.raises(Refused, match="make room") as no:
            FolderPlace(box).write_new("LIB_1.dat", tmp_path / "ours")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert no.value.scope == "system"
    assert list(box.iterdir()) == []


def test_where_the_system_cannot_rename_in_one_step_nothing_is_overwritten_either(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_in_one_step", lambda *_: False)
    (tmp_path / ".1.part").write_bytes(b"ours")
    (tmp_path / "LIB_1.dat").write_bytes(b"theirs")
    place = FolderPlace(tmp_path)
    with pytest.raises(Refused):
        place.rename(".1.part", "LIB_1.dat")
    place.rename(".1.part", "LIB_2.dat")
    assert sorted(one.name for one in place.list()) == ["LIB_1.dat", "LIB_2.dat"]
    assert place.read("LIB_1.dat") == b"theirs"


def test_a_rename_that_leaves_both_names_is_a_doubt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(self: Path, *, missing_ok: bool = False) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(disk, "_in_one_step", lambda *_: False)
    (tmp_path / ".1.part").write_bytes(b"ours")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", stuck)
        with pytest.raises(Lost, match=r"could not be removed"):
            FolderPlace(tmp_path).rename(".1.part", "LIB_1.dat")
    assert FolderPlace(tmp_path).read("LIB_1.dat") == b"ours"


def test_a_missing_server_is_skipped_at_home_and_fails_where_it_is_required(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    for required, outcome in (("0", pytest.skip.Exception), ("1", pytest.fail.Exception)):
        monkeypatch.setenv("BURSAR_REQUIRE_SSHD", required)
        with pytest.raises(outcome, match="sshd is not installed"), sshd(tmp_path):
            raise AssertionError
