"""Measures reading and previewing made-up fees beside two yardsticks, and says which goals are met.

Nothing here fails because a machine is slow: it prints figures, and the ratios are what counts.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import statistics
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from bench import generate
from bench.measure import HOW, Run, python, run

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
OUT = HERE / "out"
CAMPUS = HERE.parent / "sample_data" / "export" / "campus.toml"
LARGE = 1_000_000
HELD = 1
"""Exit code of a preview that holds some fees back, as the sample campus does with every credit."""


@dataclass
class Contender:
    """What is measured: its name, its command, and whether it times itself (without the start of Python)."""

    name: str
    command: Callable[[Path, Path], list[str]]
    times_itself: bool = False
    good_codes: tuple[int, ...] = (0,)
    runs: list[Run] = field(default_factory=list)

    def measure(self, export: Path, out: Path) -> None:
        """Run it once, into a folder that does not exist yet."""
        shutil.rmtree(out, ignore_errors=True)
        self.runs.append(run(self.command(export, out)))
        shutil.rmtree(out, ignore_errors=True)

    @property
    def failed(self) -> str:
        """What the first run said that did not end well."""
        bad = [one for one in self.runs if one.code not in self.good_codes]
        return f"exit code {bad[0].code}: {bad[0].said.strip().splitlines()[-1:]}" if bad else ""

    @property
    def all_seconds(self) -> list[float]:
        """What each run took."""
        return [float(one.said) if self.times_itself else one.seconds for one in self.runs]

    @property
    def seconds(self) -> float:
        """The median of its runs."""
        return statistics.median(self.all_seconds)

    @property
    def mib(self) -> float:
        """The most that any of its runs needed."""
        return max(one.mib for one in self.runs)


def preview(*options: str) -> Callable[[Path, Path], list[str]]:
    """Make the command of a preview of the sample campus."""
    said = ("--campus", str(CAMPUS), "--date", "2026-01-06", *options)
    return lambda export, out: python("-m", "pipeline", "preview", str(export), "--out", str(out), *said)


def contenders() -> list[Contender]:
    """Name all that is measured, yardsticks first."""
    return [
        Contender("bare expat", lambda export, _: python("-m", "bench.expat_bare", str(export)), times_itself=True),
        Contender("plain script (dom.py)", lambda export, out: python("-m", "bench.dom", str(export), f"{out}.csv")),
        Contender("parse alone", lambda export, _: python("-m", "bench.parse_alone", str(export)), times_itself=True),
        Contender("preview, no second opinion", preview("--no-second-opinion"), good_codes=(0, HELD)),
        Contender("preview", preview(), good_codes=(0, HELD)),
    ]


def goals(fees: int) -> list[tuple[str, str, float, float | None]]:
    """Say who is compared with whom, how many times its seconds it may take, and how many MiB or times its memory."""
    if fees >= LARGE:
        return [("parse alone", "bare expat", 3.5, None), ("preview", "plain script (dom.py)", 1.0, 0.25)]
    return [
        ("parse alone", "bare expat", 3.5, None),
        ("preview, no second opinion", "plain script (dom.py)", 1.3, 300),
        ("preview", "plain script (dom.py)", 1.5, None),
    ]


def made(fees: int) -> Path:
    """Make the export, once."""
    OUT.mkdir(exist_ok=True)
    export = OUT / f"EXPORT-{fees}.xml"
    if not export.exists():
        aside = export.with_suffix(".tmp")
        generate.write(aside, fees)
        aside.rename(export)
    return export


def told(found: dict[str, Contender], fees: int) -> None:
    """Print the table and the goals."""
    print(f"\n{'':28}{'seconds':>9}{'MiB':>8}   runs")
    for one in found.values():
        each = " ".join(
            f"{float(run.said) if one.times_itself else run.seconds:.2f}" for run in one.runs if not one.failed
        )
        print(f"{one.name:28}" + (f"  {one.failed}" if one.failed else f"{one.seconds:9.2f}{one.mib:8.0f}   {each}"))
    print()
    for name, yardstick, times, memory in goals(fees):
        one, other = found[name], found[yardstick]
        if one.failed or other.failed:
            print(f"{name}: not measured")
            continue
        ratio = one.seconds / other.seconds
        print(f"{name}: {ratio:.2f} x {yardstick}, goal {times} x: {_verdict(ratio, times)}")
        if memory is not None and memory > 1:
            print(f"{name}: {one.mib:.0f} MiB, goal {memory:.0f} MiB: {_verdict(one.mib, memory)}")
        elif memory is not None:
            part = one.mib / other.mib
            print(f"{name}: {part:.2f} x the memory of it, goal {memory} x: {_verdict(part, memory)}")


def _verdict(found: float, goal: float) -> str:
    return "met" if found <= goal else "NOT MET"


def main() -> None:
    """Measure as the command line says."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.partition("\n")[0])
    parser.add_argument("--fees", type=int, default=100_000, help="how many fees the export has")
    parser.add_argument("--runs", type=int, default=3, help="how often everything is run, in turns")
    chosen = parser.parse_args()
    export = made(chosen.fees)
    print(f"{chosen.fees:,} fees, {export.stat().st_size / 1e6:.0f} MB; medians of {chosen.runs} runs, in turns")
    print(
        f"Python {platform.python_version()}, {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start"
    )
    found = {one.name: one for one in contenders()}
    for _ in range(chosen.runs):
        for one in found.values():
            one.measure(export, OUT / "preview")
    told(found, chosen.fees)
    print(f"\n{HOW};\nseconds: bare expat and parse alone without the start of Python, all others with it")


if __name__ == "__main__":
    main()
