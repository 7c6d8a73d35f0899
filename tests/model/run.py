"""Explore the poster's model: ``python -m tests.model.run``; exit 1 on anything that must not be."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
import traceback
from dataclasses import dataclass
from functools import partial
from hashlib import blake2b
from multiprocessing import get_context
from typing import TYPE_CHECKING

from tests.model.explore import Chooser, Schedule, drawn, every, roots
from tests.model.world import dotted, play
from tests.model.worlds import DEEP, LONG, SMALL, WORLDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SHARE = 2000
DEPTH = 3


@dataclass(frozen=True)
class Task:
    """A share of the work: all schedules of a world below ``root``, or those drawn from ``seeds``."""

    world: str
    root: Schedule = ()
    seeds: range | None = None


@dataclass(frozen=True)
class Done:
    """What a share came to: how many schedules, the marks of the drawn ones, and what went wrong, if anything."""

    listed: int
    marks: frozenset[bytes]
    trouble: str = ""


def rounds() -> Iterator[list[Task]]:
    """List the shares: first the worlds that are explored to the end, then draws, round after round without end."""
    yield [Task(world.name, root) for world in (*SMALL, *LONG) for root in roots(partial(play, world), DEPTH)]
    for start in itertools.count(0, SHARE):
        yield [Task(world.name, seeds=range(start, start + SHARE)) for world in DEEP]


def work(task: Task) -> Done:
    """Play one share, up to the first thing that must not be."""
    listed, marks = 0, set[bytes]()
    try:
        one = partial(play, WORLDS[task.world])
        if task.seeds is None:
            for _ in every(one, task.root):
                listed += 1
        else:
            for schedule in drawn(one, task.seeds):
                marks.add(blake2b(f"{task.world}:{dotted(schedule)}".encode(), digest_size=8).digest())
    except Exception:  # noqa: BLE001 - whatever broke is a finding of the model, to be shown with its schedule
        return Done(listed, frozenset(marks), traceback.format_exc())
    return Done(listed, frozenset(marks))


def explore(schedules: int, processes: int) -> int:
    """Play at least so many different schedules; give the exit code."""
    started = time.monotonic()
    listed, marks = 0, set[bytes]()
    with get_context("spawn").Pool(processes) as pool:
        for done in itertools.chain.from_iterable(pool.imap_unordered(work, shares) for shares in rounds()):
            if done.trouble:
                print(done.trouble, file=sys.stderr)  # noqa: T201 - its output is what it is for
                return 1
            listed += done.listed
            marks |= done.marks
            if listed + len(marks) >= schedules:
                break
    seconds = time.monotonic() - started
    count = listed + len(marks)
    print(f"model: {count} schedules, 0 doubled, 0 lost, 0 wrongly marked, {seconds:.0f} seconds")  # noqa: T201
    return 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.model.run", description=__doc__)
    parser.add_argument("--schedules", type=int, default=1_000_000, help="how many different ones, at least")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--replay", metavar="WORLD:0.1.2", help="play this one schedule again")
    given = parser.parse_args(arguments)
    if given.replay:
        name, _, choices = given.replay.partition(":")
        play(WORLDS[name], Chooser([int(choice) for choice in choices.split(".") if choice]))
        print("model: 1 schedule, nothing wrong")  # noqa: T201
        return 0
    return explore(given.schedules, given.processes)


if __name__ == "__main__":
    sys.exit(main())
