"""The pace: evenly spaced, nothing saved up, no trust in a clock that goes backwards."""

from __future__ import annotations

import itertools

from pipeline.adapters.pace import Pace
from tests.fakes.clock import FakeClock


def test_the_pace_is_even_and_saves_nothing_up() -> None:
    clock = FakeClock()
    pace = Pace(4, clock)
    started = []
    for pause in (0, 0, 0, 10, 0, 0):
        clock.sleep(pause)
        pace.slot()
        started.append(clock.now())
    gaps = [(later - sooner).total_seconds() for sooner, later in itertools.pairwise(started)]
    assert gaps == [0.25, 0.25, 10, 0.25, 0.25]


def test_a_clock_that_is_set_back_does_not_stop_the_pace() -> None:
    clock = FakeClock()
    pace = Pace(4, clock)
    pace.slot()
    clock.sleep(-3600)
    pace.slot()
    assert clock.slept == [-3600, 0.25]
