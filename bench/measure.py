"""One run of a command, measured from outside: its seconds, and the peak memory of all its processes together."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

EVERY = 0.02
PAGE = resource.getpagesize()
MIB = 1 << 20
PROCESSES = Path("/proc")
HOW = (
    f"memory: resident pages of the process and all its children, added up every {EVERY * 1000:.0f} ms"
    if PROCESSES.is_dir()
    else "memory: not measured, for this system has no /proc"
)


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took: seconds, MiB, what it printed, and its exit code."""

    seconds: float
    mib: float
    said: str
    code: int


def run(command: Sequence[str]) -> Run:
    """Run a command to its end.  Its errors are told with what it printed."""
    begun = time.perf_counter()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        peak = 0
        while process.poll() is None:
            peak = max(peak, sum(map(_resident, _family(process.pid))))
            time.sleep(EVERY)
        seconds = time.perf_counter() - begun
        said = process.stdout.read() if process.stdout else ""
    return Run(seconds, peak / MIB, said, process.returncode)


def python(*arguments: str) -> list[str]:
    """Make a command of the Python that runs us."""
    return [sys.executable, *arguments]


def _family(pid: int) -> list[int]:
    """List a process and all that it has started, and that they have started."""
    family = [pid]
    for one in family:
        for listing in PROCESSES.glob(f"{one}/task/*/children"):
            try:
                family += map(int, listing.read_text().split())
            except OSError:
                continue  # it has just ended
    return family


def _resident(pid: int) -> int:
    try:
        return int((PROCESSES / str(pid) / "statm").read_text().split()[1]) * PAGE
    except (OSError, IndexError):
        return 0  # it has just ended
