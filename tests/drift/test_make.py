"""What people type at a prompt: every command that `make` lists is there, and it says in words how a run ended."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]
PROMISED = {
    *("help", "setup", "demo", "demo-clean", "test", "check", "bench", "model", "soak"),
    *("night", "charges", "payments", "report", "layouts", "golden", "lock"),
}


def make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run make in the checkout, away from whatever make runs this test."""
    program = shutil.which("make")
    assert program is not None, "make is not installed"
    clean = {key: value for key, value in os.environ.items() if key not in {"MAKEFLAGS", "MAKELEVEL", "MFLAGS"}}
    environment = {**clean, "LC_ALL": "C", **({} if path is None else {"PATH": path})}
    return subprocess.run(
        [program, "--no-print-directory", *arguments],
        cwd=TOP,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def listed() -> set[str]:
    return set(re.findall(r"^  make ([a-z-]+) ", make().stdout, re.MULTILINE))


def test_make_alone_lists_the_promised_commands_and_no_other() -> None:
    assert listed() == PROMISED


@pytest.mark.parametrize("name", sorted(PROMISED))
def test_every_listed_command_exists(name: str) -> None:
    done = make("--dry-run", name, "CAMPUS=campus.toml")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def setup_done(tmp_path: Path) -> Path:
    """A .venv that is set up, whose bursar notes what it was told and ends with the exit code in the file ``code``."""
    (tmp_path / "bin").mkdir()
    bursar = tmp_path / "bin" / "bursar"
    bursar.write_text(f'#!/bin/sh\necho "told: $*"\nexit "$(cat "{tmp_path}/code")"\n', "utf-8")
    bursar.chmod(0o755)
    (tmp_path / ".installed").touch()
    return tmp_path


ENDINGS = [
    (0, 0, "exit code 0, nothing new for anyone"),
    (1, 0, "exit code 1, something new for the library or the bursar"),
    (2, 2, "exit code 2, the operator must act"),
    (75, 2, "exit code 75, another run holds the lock, nothing was touched"),
    (137, 2, "exit code 137, which bursar never gives"),
]


@pytest.mark.parametrize("name", ["night", "charges", "payments"])
@pytest.mark.parametrize(("code", "expected", "words"), ENDINGS)
def test_a_run_ends_with_a_code_make_knows_and_with_words(
    setup_done: Path, name: str, code: int, expected: int, words: str
) -> None:
    (setup_done / "code").write_text(str(code), "utf-8")
    done = make(name, f"VENV={setup_done}", "CAMPUS=my campus.toml", "DATE=2026-11-23")
    assert done.returncode == expected
    assert f"{name}: {words}" in done.stdout + done.stderr
    assert f"told: {name} --campus my campus.toml --date 2026-11-23" in done.stdout


def test_a_run_without_a_date_names_none(setup_done: Path) -> None:
    (setup_done / "code").write_text("0", "utf-8")
    assert "told: night --campus campus.toml\n" in make("night", f"VENV={setup_done}", "CAMPUS=campus.toml").stdout


@pytest.mark.parametrize("name", ["night", "charges", "payments", "report"])
def test_a_command_that_needs_a_campus_says_so(setup_done: Path, name: str) -> None:
    done = make(name, f"VENV={setup_done}")
    assert done.returncode == 2
    assert "say which campus: CAMPUS=path/to/campus.toml" in done.stderr
    assert "told:" not in done.stdout


def test_a_machine_without_a_new_enough_python_is_told_plainly(tmp_path: Path) -> None:
    # What an old machine has: a python3 that runs, and does not pass.
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n", "utf-8")
    old.chmod(0o755)
    done = make("setup", f"VENV={tmp_path}/venv", path=str(tmp_path))
    assert done.returncode == 2
    assert "setup: found no Python 3.11 or newer" in done.stderr
    assert "PYTHON=/path/to/python3" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_a_setup_with_nothing_changed_does_nothing(setup_done: Path) -> None:
    done = make("setup", f"VENV={setup_done}")
    assert done.returncode == 0
    assert "Nothing to be done" in done.stdout
