"""One run at a time, and no lock that outlives its run."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.lock import Locked, holder, run_lock

if TYPE_CHECKING:
    from pathlib import Path

HOLD = """
import sys, time
from pathlib import Path
from pipeline.adapters.lock import run_lock
with run_lock(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def started(code: str, folder: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", textwrap.dedent(code), str(folder), *more]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def ended(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate(timeout=30)


def test_a_second_run_is_told_who_holds_the_lock_and_since_when(tmp_path: Path) -> None:
    with run_lock(tmp_path), pytest.raises(Locked) as told, run_lock(tmp_path):
        pass
    assert f"another run is going on (process {os.getpid()} since 20" in str(told.value)
    assert str(tmp_path) in str(told.value)


def test_the_lock_is_free_again_after_a_run_however_it_ended(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), run_lock(tmp_path):
        raise ZeroDivisionError
    with run_lock(tmp_path):
        pass
    assert holder(tmp_path) is None


def test_each_folder_has_its_own_lock(tmp_path: Path) -> None:
    with run_lock(tmp_path / "chico"), run_lock(tmp_path / "fresno"):
        assert holder(tmp_path / "chico")
        assert holder(tmp_path / "humboldt") is None
    assert not (tmp_path / "humboldt").exists()


def test_looking_who_holds_it_does_not_let_go_of_it(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        assert str(holder(tmp_path)).startswith(f"process {os.getpid()} since ")
        with pytest.raises(Locked), run_lock(tmp_path):
            pass
        assert holder(tmp_path)


def test_a_run_that_starts_while_somebody_just_looks_is_not_turned_away(tmp_path: Path) -> None:
    with run_lock(tmp_path):
        pass
    looking = os.open(tmp_path / "run.lock", os.O_RDWR)
    fcntl.flock(looking, fcntl.LOCK_SH)
    soon = threading.Timer(0.05, os.close, [looking])
    soon.start()
    with run_lock(tmp_path):
        assert holder(tmp_path)
    soon.join()


def test_the_lock_of_a_run_that_was_killed_is_free_at_once(tmp_path: Path) -> None:
    process = started(HOLD, tmp_path)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    assert f"process {process.pid} since" in str(holder(tmp_path))
    with pytest.raises(Locked, match=str(process.pid)), run_lock(tmp_path):
        pass
    ended(process)
    assert holder(tmp_path) is None
    with run_lock(tmp_path):
        assert f"process {os.getpid()} since" in str(holder(tmp_path))


FORK = """
import os, sys, time
from pathlib import Path
from pipeline.adapters.lock import run_lock
with run_lock(Path(sys.argv[1])):
    helper = os.fork()
    if helper == 0:
        time.sleep(60)
        os._exit(0)
    print(helper, flush=True)
    time.sleep(60)
"""


def test_a_helper_that_outlives_a_killed_run_does_not_keep_its_lock(tmp_path: Path) -> None:
    process = started(FORK, tmp_path)
    assert process.stdout is not None
    helper = int(process.stdout.readline())
    time.sleep(0.1)
    process.kill()
    process.wait(30)
    try:
        os.kill(helper, 0)
        with run_lock(tmp_path):
            pass
    finally:
        os.kill(helper, signal.SIGKILL)
        process.stdout.close()


RACE = """
import sys, time
from pathlib import Path
from pipeline.adapters.lock import Locked, run_lock
folder, rounds = Path(sys.argv[1]), int(sys.argv[2])
won = 0
while won < rounds:
    try:
        with run_lock(folder):
            (folder / "inside").touch(exist_ok=False)
            time.sleep(0.001)
            (folder / "inside").unlink()
            won += 1
    except Locked:
        pass
    time.sleep(0.001)
"""


def test_processes_that_race_for_it_are_never_inside_together(tmp_path: Path) -> None:
    racing = [started(RACE, tmp_path, "20") for _ in range(3)]
    looks = 0
    while any(process.poll() is None for process in racing):
        holder(tmp_path)
        looks += 1
    for process in racing:
        process.communicate(timeout=30)
    assert [process.returncode for process in racing] == [0, 0, 0]
    assert looks > 10


def test_the_race_would_see_two_inside(tmp_path: Path) -> None:
    """A planted bug: a lock that locks nothing."""
    no_lock = RACE.replace("with run_lock(folder):", "if True:").replace("time.sleep(0.001)", "time.sleep(0.01)")
    racing = [started(no_lock, tmp_path, "100") for _ in range(3)]
    for process in racing:
        process.communicate(timeout=60)
    assert any(process.returncode for process in racing)
