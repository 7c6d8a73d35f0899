"""A local file is whole from the moment it has its name, whatever fails or dies on the way."""

from __future__ import annotations

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.files import (
    AlreadyThereError,
    blocks_of,
    private_folder,
    publish,
    replace,
    resource,
    resource_roots,
    sha256,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

BLOCKS = [b"one\n", b"", b"two\n"]
WHOLE = b"one\ntwo\n"
SHA = hashlib.sha256(WHOLE).hexdigest()


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return private_folder(tmp_path / "out") / "charges.dat"


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[str]]:
    """Let the ``number``-th call of a function of ``os`` fail; what was called is in the list given back."""

    def plant(name: str, number: int = 1, error: BaseException | None = None) -> list[str]:
        real = getattr(os, name)
        called: list[str] = []

        def call(*args: Any, **kwargs: Any) -> Any:
            called.append(name)
            if len(called) == number:
                raise error or OSError(errno.ENOSPC, "No space left on device")
            return real(*args, **kwargs)

        monkeypatch.setattr(os, name, call)
        return called

    return plant


class Died(BaseException):
    """The program ends here."""


def test_a_published_file_is_whole_private_and_alone(target: Path) -> None:
    assert publish(target, BLOCKS) == SHA == sha256(target)
    assert target.read_bytes() == WHOLE
    assert target.stat().st_mode & 0o777 == 0o600
    assert names(target.parent) == ["charges.dat"]


def test_publishing_makes_the_folder_and_keeps_it_private(tmp_path: Path) -> None:
    publish(tmp_path / "runs/2026-01-05-01/charges.dat", BLOCKS)
    assert (tmp_path / "runs/2026-01-05-01").stat().st_mode & 0o777 == 0o700


def test_the_same_bytes_again_change_nothing(target: Path) -> None:
    publish(target, BLOCKS)
    before = target.stat()
    assert publish(target, [WHOLE]) == SHA
    assert (target.stat().st_ino, target.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert names(target.parent) == ["charges.dat"]


def test_other_bytes_under_a_taken_name_are_refused_and_the_old_ones_stay(target: Path) -> None:
    publish(target, BLOCKS)
    with pytest.raises(AlreadyThereError, match=r"charges\.dat: a file of this name holds other content"):
        publish(target, [b"three\n"])
    assert target.read_bytes() == WHOLE
    assert names(target.parent) == ["charges.dat"]


def test_a_writer_that_fails_midway_leaves_nothing(target: Path) -> None:
    def blocks() -> Iterator[bytes]:
        yield b"one\n"
        raise RuntimeError

    with pytest.raises(RuntimeError):
        publish(target, blocks())
    assert names(target.parent) == []


@pytest.mark.parametrize("error", [None, Died()], ids=["disk full", "the program ends"])
@pytest.mark.parametrize("name", ["open", "fsync", "link"])
def test_a_failure_before_the_name_is_given_leaves_no_file(
    target: Path, failing: Callable[..., list[str]], name: str, error: BaseException | None
) -> None:
    called = failing(name, 1, error)
    with pytest.raises((OSError, Died)):
        publish(target, BLOCKS)
    assert called
    assert names(target.parent) == []


def test_a_failed_fsync_is_not_tried_again(target: Path, failing: Callable[..., list[str]]) -> None:
    called = failing("fsync")
    with pytest.raises(OSError, match="No space left"):
        publish(target, BLOCKS)
    assert called == ["fsync"]


def test_a_failure_after_the_name_is_given_leaves_the_whole_file_and_the_same_call_mends_it(
    target: Path, failing: Callable[..., list[str]]
) -> None:
    called = failing("fsync", 2)  # the folder's
    with pytest.raises(OSError, match="No space left"):
        publish(target, BLOCKS)
    assert target.read_bytes() == WHOLE
    assert publish(target, BLOCKS) == SHA
    assert len(called) == 4
    assert names(target.parent) == ["charges.dat"]


KILLED = """
import os, sys
from pathlib import Path
from pipeline import files
setattr(os, sys.argv[2], lambda *a, **k: os._exit(9))
files.publish(Path(sys.argv[1]), [b"one\\n", b"two\\n"])
"""


@pytest.mark.parametrize("name", ["fsync", "link"])
def test_a_process_killed_before_the_name_is_given_leaves_no_file_of_that_name(target: Path, name: str) -> None:
    command = [sys.executable, "-c", KILLED, str(target), name]
    done = subprocess.run(command, cwd=Path(__file__).parents[2], check=False)
    assert done.returncode == 9
    assert all(left.startswith(".") and left.endswith(".tmp") for left in names(target.parent))
    assert not target.exists()
    assert publish(target, BLOCKS) == SHA


def test_a_replaced_file_is_the_old_one_or_the_new_one(target: Path, failing: Callable[..., list[str]]) -> None:
    replace(target, [b"old\n"])
    failing("replace")
    with pytest.raises(OSError, match="No space left"):
        replace(target, BLOCKS)
    assert target.read_bytes() == b"old\n"
    assert names(target.parent) == ["charges.dat"]
    assert replace(target, BLOCKS) == SHA
    assert target.read_bytes() == WHOLE
    assert target.stat().st_mode & 0o777 == 0o600


def test_a_file_is_read_in_blocks(target: Path) -> None:
    publish(target, [WHOLE])
    assert list(blocks_of(target, 3)) == [b"one", b"\ntw", b"o\n"]


def test_a_resource_of_the_campus_goes_before_the_product_s(tmp_path: Path) -> None:
    relative = "schemas/findings.toml"
    assert resource(relative, tmp_path) == resource(relative)
    publish(tmp_path / relative, [b"# ours\n"])
    assert resource(relative, tmp_path) == tmp_path / relative
    assert resource_roots(tmp_path)[0] == tmp_path


def test_a_resource_that_is_nowhere_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        FileNotFoundError, match=r"schemas/no\.toml: no such file in the campus folder or in the product"
    ):
        resource("schemas/no.toml", tmp_path)
