"""One run at a time: the lock that a second run meets, so that nothing is sent or posted twice side by side.

It is ``flock`` on a local file, which the kernel lets go of when the process ends, however it ends; there is no stale
lock to clear.  It works on Linux, macOS and BSD, not on Windows, and the folder must lie on a local disk.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipeline import files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "run.lock"
LOOKS = 10
PAUSE_S = 0.02
"""``holder`` holds the file for an instant while it looks; a run that starts just then tries again."""


class Locked(Exception):  # noqa: N818 - what is the case, not what went wrong
    """Another run is going on; nothing was touched.  The text says which."""


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """Hold the lock of a campus's state folder.  Raises Locked at once if another run holds it."""
    descriptor = _open(folder)
    try:
        if not _taken_within(descriptor, LOOKS):
            message = f"{folder / NAME}: another run is going on ({_written(descriptor)}); nothing was touched"
            raise Locked(message)
        _sign(descriptor)
        _HELD.add(descriptor)
        yield
    finally:
        _HELD.discard(descriptor)
        os.close(descriptor)


def holder(folder: Path) -> str | None:
    """Say who holds the lock of a folder, as ``process 123 since 2026-01-06T02:00:00+00:00``; None if nobody does."""
    if not (folder / NAME).exists():
        return None
    descriptor = _open(folder)
    try:
        return None if _taken(descriptor, fcntl.LOCK_SH) else _written(descriptor)
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    return os.open(files.private_folder(folder) / NAME, os.O_RDWR | os.O_CREAT, files.PRIVATE)


def _taken_within(descriptor: int, looks: int) -> bool:
    for _ in range(looks - 1):
        if _taken(descriptor, fcntl.LOCK_EX):
            return True
        time.sleep(PAUSE_S)
    return _taken(descriptor, fcntl.LOCK_EX)


def _taken(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"process {os.getpid()} since {datetime.now(UTC).isoformat(timespec='seconds')}".encode(), 0)


def _written(descriptor: int) -> str:
    return os.pread(descriptor, 200, 0).decode("ascii", "replace") or "just begun"


_HELD: set[int] = set()


def _let_go_in_child() -> None:
    """A helper process forked by a run would otherwise keep the lock after the run itself was killed."""
    while _HELD:
        os.close(_HELD.pop())


os.register_at_fork(after_in_child=_let_go_in_child)
