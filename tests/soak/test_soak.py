"""Seeded nights with everything wrong at once: not a cent doubled, lost or wrongly marked, and every planted bug seen."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PaymentState, PostingState
from tests.soak import run
from tests.soak.planted import PLANTED, Planted
from tests.soak.referee import ViolationError
from tests.soak.world import World, play

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.campus.load import Loaded

SHARES = 10
SEEDS = 10
"""Shares of so many seeds each, so that two cores can take turns."""

ENOUGH = 60
"""Within so many seeds a planted bug must show."""


@pytest.fixture(scope="module")
def campuses() -> Iterator[Sequence[Loaded]]:
    with run.stage() as made:
        yield made


@pytest.mark.parametrize("number", range(SHARES))
def test_no_seed_doubles_loses_or_wrongly_marks_a_cent(number: int, campuses: Sequence[Loaded]) -> None:
    worlds = [play(seed, campuses) for seed in range(number * SEEDS, (number + 1) * SEEDS)]
    assert all(world.referee.looks > world.runs for world in worlds)


def caught(bug: Planted, campuses: Sequence[Loaded]) -> int | None:
    """Play until the referee calls something of the bug's kinds; give the seed."""
    for seed in range(bug.first, bug.first + ENOUGH):
        try:
            play(seed, campuses)
        except ViolationError as violation:
            if violation.kind in bug.kinds:
                return seed
    return None


@pytest.mark.parametrize("bug", PLANTED, ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught_and_its_seed_is_harmless_without_it(
    bug: Planted, campuses: Sequence[Loaded], monkeypatch: pytest.MonkeyPatch
) -> None:
    bug.plant(monkeypatch)
    seed = caught(bug, campuses)
    assert seed is not None, "not caught"
    monkeypatch.undo()
    play(seed, campuses)


def test_in_a_calm_world_every_plain_payment_ends_in_alma_or_on_record(campuses: Sequence[Loaded]) -> None:
    for seed in range(5):
        world = World(seed, campuses, calm=True)
        world.play()
        plain = {line.mark for line in world.referee.line.values() if world.is_plain(line)}
        ended = [one for one in world.book.payments.values() if world.referee.stems_mark(one) in plain]
        assert {one.state for one in ended} <= {PaymentState.ALLOCATED, PaymentState.CANCELLED, PaymentState.HELD}
        done = {one.state for one in world.book.by_id.values()}
        assert done <= {PostingState.VERIFIED, PostingState.RECORDED, PostingState.CANCELLED}


def test_the_last_line_says_what_was_played_and_a_seed_can_be_played_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--seed", "1"]) == 0
    assert "soak: seed 1, " in capsys.readouterr().out
