"""How long a night takes from `compare` to its files when 100,000 fees are open and 2,000 have changed.

The yardstick is reading the report, in the same run.  Prints seconds and their ratio, for a system whose file repeats
all that is owed (portal) and for one whose files say what is new (two_way).
"""

from __future__ import annotations

import argparse
import gc
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from pipeline import stages
from tests.reports import Reported

if TYPE_CHECKING:
    from collections.abc import Callable

GOAL = 1.5
WAYS = {"portal": "full replacement", "two_way": "only what is new"}
PATRONS = 20_000


class Stopwatch:
    """Finds stages as a night does, and notes when each began and ended."""

    def __init__(self) -> None:
        """Begin with nothing noted."""
        self.began: dict[str, float] = {}
        self.ended: dict[str, float] = {}

    def find(self, name: str) -> Callable[..., Any]:
        """Give a stage that is timed."""
        stage = stages.find(name)

        def timed(*given: object, **known: object) -> object:
            self.began[name] = time.perf_counter()
            made = stage(*given, **known)
            self.ended[name] = time.perf_counter()
            return made

        return timed


def main() -> None:
    """Live a first night and those after it, for each kind of system."""
    parser = argparse.ArgumentParser(prog="python -m bench.changes", description=__doc__.partition("\n")[0])
    parser.add_argument("--fees", type=int, default=100_000, help="how many fees are open")
    parser.add_argument("--changes", type=int, default=2_000, help="how many of them are new or raised on the second")
    parser.add_argument("--runs", type=int, default=3, help="how many nights with so many changes are lived")
    chosen = parser.parse_args()
    for way in WAYS:
        with tempfile.TemporaryDirectory() as folder:
            _measure(Reported(Path(folder), way), chosen.fees, chosen.changes, chosen.runs)


def _measure(nights: Reported, fees: int, changes: int, runs: int) -> None:
    """Live a night with all fees new, then some with few changes; time those."""
    nights.keep_stages = True
    _make(nights, 0, fees)
    nights.report("first.csv")
    nights.night(1)
    times = []
    for number in range(runs):
        _change(nights, fees + number * changes, changes)
        nights.report(f"report-{number}.csv")
        gc.collect()
        gc.freeze()  # the made-up Alma lies in this process, and no real night would walk through it
        watch = Stopwatch()
        nights.find = watch.find
        night = nights.night(2 + number)
        reading = watch.ended["parse"] - watch.began["parse"]
        rest = watch.ended["render"] - watch.ended["normalise"]
        times.append(rest / reading)
        print(
            f"{WAYS[nights.way]}: {fees:,} open, {changes:,} changed, {night.sent} file: reading {reading:.2f} s,"
            f" compare to files {rest:.2f} s: {rest / reading:.2f} x"
        )
    usual = median(times)
    print(f"{WAYS[nights.way]}: {usual:.2f} x is the median of {runs}, goal {GOAL} x: {_verdict(usual)}")


def _verdict(times: float) -> str:
    return "met" if times <= GOAL else "NOT MET"


def _make(nights: Reported, first: int, many: int) -> None:
    for number in range(first, first + many):
        patron = f"{number % PATRONS:09d}"
        nights.owes(str(10_000_000 + number), 100 + number % 9000, patron=patron, barcode=f"39{number:012d}")


def _change(nights: Reported, first: int, many: int) -> None:
    """Half of the changes are new fees, half are raises."""
    for number in range(many // 2):
        nights.raised(str(10_000_000 + number), 250)
    _make(nights, first, many - many // 2)


if __name__ == "__main__":
    main()
