"""Walk through all the schedules of a world, or draw some at random: a schedule is the list of what happened."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Schedule = tuple[int, ...]
CALM = 0.7
"""How often a drawn choice is the harmless one, so that troubles fall anywhere and not all at the beginning."""


class Chooser:
    """Decides what happens.  Follows ``prefix``, then takes the harmless choice (0), or draws when given ``draw``."""

    def __init__(self, prefix: Sequence[int] = (), draw: random.Random | None = None) -> None:
        self._prefix = prefix
        self._draw = draw
        self.taken: list[int] = []
        self.widths: list[int] = []
        self.calm = False

    def pick(self, options: int) -> int:
        """Choose 0 <= n < options.  A choice of one is none; once calm, everything is harmless and not recorded."""
        if options == 1 or self.calm:
            return 0
        at = len(self.taken)
        if at < len(self._prefix):
            choice = self._prefix[at]
        elif self._draw is None or self._draw.random() < CALM:
            choice = 0
        else:
            choice = self._draw.randrange(options)
        self.taken.append(choice)
        self.widths.append(options)
        return choice


def every(play: Callable[[Chooser], object], root: Schedule = ()) -> Iterator[Schedule]:
    """Play every schedule that begins with ``root``, each exactly once; give each after it was played."""
    prefix: Schedule = root
    while True:
        chooser = Chooser(prefix)
        play(chooser)
        yield tuple(chooser.taken)
        taken, widths = chooser.taken, chooser.widths
        while len(taken) > len(root) and taken[-1] + 1 == widths[len(taken) - 1]:
            taken.pop()
        if len(taken) <= len(root):
            return
        prefix = (*taken[:-1], taken[-1] + 1)


def roots(play: Callable[[Chooser], object], depth: int) -> list[Schedule]:
    """Give the beginnings that part the schedules into disjoint shares; ``depth`` choices long, or complete."""
    found: list[Schedule] = [()]
    for _ in range(depth):
        found = [longer for root in found for longer in _longer(play, root)]
    return found


def _longer(play: Callable[[Chooser], object], root: Schedule) -> list[Schedule]:
    chooser = Chooser(root)
    play(chooser)
    if len(chooser.widths) <= len(root):
        return [root]
    return [(*root, choice) for choice in range(chooser.widths[len(root)])]


def drawn(play: Callable[[Chooser], object], seeds: range) -> Iterator[Schedule]:
    """Play one schedule for each seed; the same seed always draws the same, but two may draw alike."""
    for seed in seeds:
        chooser = Chooser(draw=random.Random(seed))
        play(chooser)
        yield tuple(chooser.taken)
