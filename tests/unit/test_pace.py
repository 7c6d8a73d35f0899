"""The pace: evenly spaced, slow answers caught up, never too many in a second, no trust in a clock that goes back."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.pace import SLACK, Pace
from pipeline.adapters.quota import BLOCK, Quota
from pipeline.ports.outside import Refused
from tests.fakes.clock import FakeClock

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path


def begun(pace: Pace, clock: FakeClock, answers: Iterable[float]) -> list[float]:
    """Make a call for each answer, which takes so many seconds; give when each began, in seconds from the first."""
    started = []
    for seconds in answers:
        pace.slot()
        started.append(clock.now())
        clock.sleep(seconds)
    return [(one - started[0]).total_seconds() for one in started]


def most_in_a_second(begun: Sequence[float]) -> int:
    return max(sum(first <= one < first + 1 for one in begun) for first in begun)


def test_calls_are_evenly_spaced_and_an_idle_time_is_not_saved_up() -> None:
    clock = FakeClock()
    times = begun(Pace(4, clock), clock, [0, 0, 10, 0, 0, 0])
    gaps = [later - sooner for sooner, later in itertools.pairwise(times)]
    even = 0.25 * SLACK
    assert gaps == pytest.approx([even, even, 10, even, even])


@pytest.mark.parametrize("rate", [1, 3, 4, 5, 7, 25])
@pytest.mark.parametrize("slow", [0.0, 0.9, 1.7, 40])
def test_no_second_sees_more_calls_than_the_rate_whatever_the_answers_take(rate: int, slow: float) -> None:
    clock = FakeClock()
    answers = [slow / rate if number % 4 == 0 else 0.3 / rate for number in range(40 * rate)]
    times = begun(Pace(rate, clock), clock, answers)
    assert most_in_a_second(times) <= rate
    assert slow >= 1 or (len(times) - 1) / times[-1] >= 0.95 * rate


def test_what_some_slow_answers_cost_is_caught_up_within_the_second() -> None:
    clock = FakeClock()
    times = begun(Pace(10, clock), clock, ([0.15] + [0.05] * 4) * 40)
    assert (len(times) - 1) / times[-1] >= 9.5
    assert most_in_a_second(times) <= 10


def test_a_rate_that_is_no_whole_number_is_kept_on_average() -> None:
    clock = FakeClock()
    times = begun(Pace(2.5, clock), clock, [0.1] * 200)
    assert most_in_a_second(times) <= 3
    assert 0.95 * 2.5 <= 199 / times[-1] <= 2.5


def test_a_pause_that_the_other_side_asked_for_is_kept() -> None:
    clock = FakeClock()
    pace = Pace(4, clock)
    pace.slot()
    pace.back_off(1.0)
    pace.slot()
    pace.slot()
    assert clock.slept == pytest.approx([1.0, 0.25 * SLACK])


def test_a_clock_that_is_set_back_does_not_stop_the_pace() -> None:
    clock = FakeClock()
    pace = Pace(4, clock)
    for _ in range(4):
        pace.slot()
    pace.back_off(1.0)
    clock.sleep(-3600)
    clock.slept.clear()
    for _ in range(8):
        pace.slot()
    assert max(clock.slept) <= SLACK
    assert sum(clock.slept) <= 4


def test_a_day_has_so_many_calls_over_all_runs_and_the_next_day_has_them_again(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "calls"
    for run in range(3):
        quota = Quota(path, 10)
        for _ in range(3):
            quota.take(clock.now())
        quota.close()
        assert path.read_text() == f"2026-03-02 {3 * (run + 1)}\n"
    last = Quota(path, 10)
    last.take(clock.now())
    with pytest.raises(Refused) as no:
        last.take(clock.now())
    assert (no.value.scope, no.value.code) == ("system", "API-RESERVE")
    clock.sleep(86_400)
    last.take(clock.now())


def test_a_run_that_dies_has_used_what_it_wrote_down_and_no_more_is_ever_used(tmp_path: Path) -> None:
    clock, path = FakeClock(), tmp_path / "calls"
    made = 0
    for _ in range(5):
        quota = Quota(path, 3 * BLOCK)
        try:
            for _ in range(10):
                quota.take(clock.now())
                made += 1
        except Refused:
            continue
    assert made == 30


def test_a_count_that_nobody_can_read_is_a_day_without_calls(tmp_path: Path) -> None:
    path = tmp_path / "calls"
    path.write_bytes(b"\xff\xfe")
    Quota(path, 1).take(FakeClock().now())
    assert path.read_text() == "2026-03-02 1\n"


def test_a_pace_that_has_used_up_its_day_lets_nothing_go(tmp_path: Path) -> None:
    clock = FakeClock()
    pace = Pace(4, clock, Quota(tmp_path / "calls", 2))
    pace.slot()
    pace.slot()
    with pytest.raises(Refused, match=r"our 2 calls of today are used up"):
        pace.slot()
