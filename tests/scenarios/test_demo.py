"""The demo: two commands, real SFTP and HTTP on loopback, and what its last line promises."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

LAST = re.compile(r"demo: (\d+) files sent, (\d+) payments posted, (\d+) already known, balanced")


def demo(folder: Path) -> tuple[int, int, int]:
    command = [sys.executable, "-m", "pipeline", "demo", "--folder", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    last = LAST.fullmatch(done.stdout.strip().splitlines()[-1])
    assert last, done.stdout
    sent, posted, known = (int(figure) for figure in last.groups())
    return sent, posted, known


def test_the_first_demo_sends_and_posts_and_the_second_finds_all_of_it_known(tmp_path: Path) -> None:
    sent, posted, known = demo(tmp_path / "demo")
    assert sent >= 3
    assert posted >= 2
    assert known == 0
    again = demo(tmp_path / "demo")
    assert again[:2] == (0, 0)
    assert again[2] >= 1
