"""Play seeds on all cores: ``python -m tests.soak.run --seeds 20000``; exit 2 on anything that must not be."""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sys
import tempfile
import time
import traceback
from collections import Counter
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

from tests.soak import campus
from tests.soak.referee import DOUBLED, LOST, WRONGLY, ViolationError
from tests.soak.world import World, play

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.soak.campus import Campuses

SHARE = 25
WHOLE_EVERY = 200
"""Of so many seeds one plays whole nights, with charges out and the real ledger: it takes as long as dozens."""

MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of our own is made below it
SHOWN = 20
"""So many failing seeds are shown; all are counted."""


@contextlib.contextmanager
def stage() -> Iterator[Campuses]:
    """Make the campus in a folder that is gone afterwards; in memory, where the machine has such a folder."""
    import pandas as pd

    folder = Path(tempfile.mkdtemp(prefix="soak", dir=MEMORY if os.access(MEMORY, os.W_OK) else None))
    try:
        # The texts of a few rows are dealt with a third faster as plain Python texts; no value is another for it.
        with pd.option_context("mode.string_storage", "python"):
            yield campus.made(folder)
    finally:
        shutil.rmtree(folder)


def is_whole(seed: int) -> bool:
    """Say whether a seed plays whole nights; which ones does not depend on how many are played."""
    return seed % WHOLE_EVERY == WHOLE_EVERY - 1


def share(seeds: range) -> list[tuple[int, str, str]]:
    """Play some seeds; give those that failed: seed, kind, and what is to be told."""
    failed = []
    with stage() as campuses:
        for seed in seeds:
            try:
                play(seed, campuses, whole=is_whole(seed))
            except ViolationError as violation:
                failed.append((seed, violation.kind, str(violation)))
            except Exception:  # noqa: BLE001 - whatever broke is a finding, to be shown with its seed
                failed.append((seed, "broken", traceback.format_exc()))
    return failed


def soak(seeds: range, processes: int) -> int:
    """Play seeds, tell of those that fail with the line that plays each again, and give the exit code."""
    shares = [range(start, min(start + SHARE, seeds.stop)) for start in range(seeds.start, seeds.stop, SHARE)]
    began = time.monotonic()
    kinds: Counter[str] = Counter()
    with get_context("spawn").Pool(processes) as pool:
        for failed in pool.imap_unordered(share, shares):
            for seed, kind, text in failed:
                kinds[kind] += 1
                if kinds.total() <= SHOWN:
                    print(f"python -m tests.soak.run --seed {seed}  # {text}", file=sys.stderr)  # noqa: T201
    rate = len(seeds) / (time.monotonic() - began)
    others = "".join(
        f", {count} {kind}" for kind, count in sorted(kinds.items()) if kind not in (DOUBLED, LOST, WRONGLY)
    )
    print(  # noqa: T201 - its output is what it is for
        f"soak: {len(seeds)} seeds, {kinds[DOUBLED]} doubled, {kinds[LOST]} lost, {kinds[WRONGLY]} wrongly marked"
        f"{others}, {rate:.1f} seeds per second"
    )
    return 2 if kinds else 0


def again(seed: int) -> int:
    """Play one seed again and tell what became of its money."""
    with stage() as campuses:
        try:
            world = play(seed, campuses, whole=is_whole(seed))
        except (ViolationError, Exception):  # noqa: BLE001 - shown whole, for whoever mends it
            traceback.print_exc()
            return 2
    print(f"soak: seed {seed}, {told(world)}")  # noqa: T201
    return 0


def told(world: World) -> str:
    """Say how a seed went."""
    states = Counter(str(one.state) for one in world.end.payments.values())
    money = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    waits = ", ".join(f"{count} {what}" for what, count in sorted(world.referee.waits(world.end).items()))
    return (
        f"{world.runs} runs, {world.deaths} deaths, {world.referee.looks} looks; {money}; waits: {waits or 'nothing'}"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak.run", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--seed", type=int, help="play this one again")
    given = parser.parse_args(arguments)
    if given.seed is not None:
        return again(given.seed)
    return soak(range(given.first, given.first + given.seeds), given.processes)


if __name__ == "__main__":
    sys.exit(main())
