"""The poster against every schedule of the small worlds: nothing doubled, nothing lost, nothing wrongly marked."""

from __future__ import annotations

import itertools
from functools import partial

import pytest

from tests.model import run
from tests.model.explore import Chooser, drawn, every, roots
from tests.model.judge import ViolationError
from tests.model.planted import PLANTED, Planted
from tests.model.world import World, play
from tests.model.worlds import DEEP, SMALL


def test_no_schedule_of_the_small_worlds_doubles_loses_or_wrongly_marks_a_payment() -> None:
    played = sum(1 for world in SMALL for _ in every(partial(play, world)))
    assert played >= 20_000


@pytest.mark.parametrize("world", DEEP, ids=lambda world: world.name)
def test_drawn_schedules_of_the_deep_worlds_are_good_too(world: World) -> None:
    played = set(drawn(partial(play, world), range(300)))
    assert len(played) > 200


def caught(world: World, kind: str) -> str:
    """Play a world until something of this kind happens; give the schedule to replay, or nothing."""
    notes: list[str] = []

    def one(chooser: Chooser) -> None:
        try:
            play(world, chooser)
        except ViolationError as error:
            notes.extend(error.__notes__ if error.kind == kind else [])

    for _ in every(one):
        if notes:
            return notes[0].rpartition(" ")[2]
    return ""


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught_and_the_schedule_is_harmless_without_it(
    bug: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug.plant(monkeypatch)
    schedule = caught(bug.world, bug.kind)
    assert schedule, "not caught"
    with pytest.raises(ViolationError, match=bug.kind):
        run.main(["--replay", schedule])
    monkeypatch.undo()
    assert run.main(["--replay", schedule]) == 0


@pytest.mark.parametrize(
    "schedule",
    [
        pytest.param(
            "deep-totals:2.0.0.0.0.0.0.1.0.1.0.2.2.3.0.0.0.0.0.4.3.3.0.1.0.0.0.3.0.0.0",
            id="a fee waived as the ledger was lost was on none of Alma's lists, and its payment went to other fees",
        )
    ],
)
def test_a_schedule_that_once_went_wrong_is_harmless(schedule: str) -> None:
    assert run.main(["--replay", schedule]) == 0


def tree(chooser: Chooser) -> None:
    """Three choices of three; after a 2 there is one more."""
    for _ in range(3):
        if chooser.pick(3) == 2:
            chooser.pick(2)


def by_hand() -> set[tuple[int, ...]]:
    parts = [(0,), (1,), (2, 0), (2, 1)]
    return {sum(three, ()) for three in itertools.product(parts, repeat=3)}


def test_every_schedule_is_played_exactly_once() -> None:
    played = list(every(tree))
    assert len(played) == len(set(played)) == 64
    assert set(played) == by_hand()


def test_shares_are_disjoint_and_complete() -> None:
    shares = roots(tree, 3)
    played = [schedule for share in shares for schedule in every(tree, share)]
    assert len(played) == len(set(played))
    assert set(played) == by_hand()


def test_a_share_that_goes_wrong_tells_how_to_replay_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run.work(run.Task("by-proxy")).trouble == ""
    PLANTED[1].plant(monkeypatch)
    for task in (run.Task("part"), run.Task("deep-late", seeds=range(400))):
        last = run.work(task).trouble.rstrip().splitlines()[-1]
        assert last.startswith(f"replay: python -m tests.model.run --replay {task.world}:")


def test_the_command_says_how_many_it_played(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--schedules", "100", "--processes", "1"]) == 0
    words = capsys.readouterr().out.split()
    assert words[0] == "model:"
    assert int(words[1]) >= 100
    assert words[2:9] == ["schedules,", "0", "doubled,", "0", "lost,", "0", "wrongly"]


def test_anything_that_goes_wrong_fails_the_command(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "rounds", lambda: iter([[run.Task("by-proxy"), run.Task("no such world")]]))
    assert run.main(["--processes", "1"]) == 1
    assert "no such world" in capsys.readouterr().err
