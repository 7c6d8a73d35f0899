"""Seeded nights with everything wrong at once: nothing doubled, lost or wrongly marked, and each planted bug seen."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PaymentState, PostingState
from tests.soak import run
from tests.soak.campus import ASIDE, TOTALS
from tests.soak.planted import PLANTED, Planted
from tests.soak.referee import ViolationError
from tests.soak.world import World, play

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.soak.campus import Campuses

SHARES = 10
SEEDS = 10
"""Shares of so many seeds each, so that two cores can take turns."""

ENOUGH = 20
"""Within so many seeds a planted bug must show."""


@pytest.fixture(scope="module")
def campuses() -> Iterator[Campuses]:
    with run.stage() as made:
        yield made


@pytest.mark.parametrize("number", range(SHARES))
def test_no_seed_doubles_loses_or_wrongly_marks_a_cent(number: int, campuses: Campuses) -> None:
    worlds = [play(seed, campuses) for seed in range(number * SEEDS, (number + 1) * SEEDS)]
    assert all(world.referee.looks > world.runs for world in worlds)


def test_a_whole_seed_with_charges_going_out_and_the_real_ledger_is_good_too(campuses: Campuses) -> None:
    world = play(4 * run.WHOLE_EVERY - 1, campuses, whole=True)
    assert world.end.by_id, "nothing was posted"
    assert world.deaths


OVERWRITTEN = 2400
"""A seed whose last report stays where it lies, is lost with the ledger, and whose name an older report takes then."""


def test_after_a_lost_ledger_no_report_is_overwritten_before_it_is_read_again(campuses: Campuses) -> None:
    world = World(OVERWRITTEN, campuses)
    drive = world.drives[TOTALS]
    drive.put(f"{ASIDE}/LIBRARY_PAID_ALL.csv", b"moved aside")
    drive.put("LIBRARY_PAID_01.csv", b"left where it lies, and written anew below")
    drive.put("LIBRARY_PAID_ALL.csv", b"left where it lies")
    drive.put("LIBRARY_PAID_01.csv", b"the newest")
    world.lose()
    drive.put("LIBRARY_PAID_ALL.csv", b"left after that")
    written = sorted(drive.files.items(), key=lambda one: one[1][1])
    assert [content for _, (content, _) in written] == [
        b"moved aside",
        b"left where it lies",
        b"the newest",
        b"left after that",
    ]
    assert not [name for name, _ in written if "/" in name]
    play(OVERWRITTEN, campuses)


UNPLACED = 5097
"""A seed in which half of a payment goes back that Alma has, and that is for no debt since the ledger was lost."""


def test_a_part_of_money_that_is_for_no_debt_any_more_does_not_go_back_unseen(campuses: Campuses) -> None:
    world = play(UNPLACED, campuses)
    assert "REVERSAL-EARLY" in {one.code for one in world.end.payments.values()}


PAID_ALIKE = 13657
"""A seed in which two people pay the same for one fee on one day, without receipts."""


def test_of_two_people_who_paid_alike_each_is_entered_under_their_own_name(campuses: Campuses) -> None:
    world = play(PAID_ALIKE, campuses)
    assert "PAYMENT-OTHER-PATRON" in {one.code for one in world.end.payments.values()}


def caught(bug: Planted, campuses: Campuses) -> int | None:
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
    bug: Planted, campuses: Campuses, monkeypatch: pytest.MonkeyPatch
) -> None:
    bug.plant(monkeypatch)
    seed = caught(bug, campuses)
    assert seed is not None, "not caught"
    monkeypatch.undo()
    play(seed, campuses)


EXPECTED = (
    "FEE-AWAITED",
    "FEE-CLOSED",
    "MATCH-",
    "REVERSAL-EARLY",
    "WRITEOFF-",
    "ADJUSTMENT",
    "PAYMENT-WITHDRAWN?",
    "FEE-PROMISED",
)
"""Why money may wait in a world where nothing goes wrong: what its line says, or that the fee is paid already."""

AT_REST = (PostingState.VERIFIED, PostingState.RECORDED, PostingState.CANCELLED)


def test_in_a_calm_world_nothing_waits_for_people_without_need(campuses: Campuses) -> None:
    done: Counter[PostingState] = Counter()
    for seed in range(10):
        world = play(seed, campuses, calm=True)
        waits = (PaymentState.HELD, PaymentState.SUSPENSE)
        held = [one for one in world.end.payments.values() if one.state in waits]
        assert [one for one in held if not one.code.startswith(EXPECTED)] == []
        postings = list(world.end.by_id.values())
        assert [one for one in postings if one.code and not one.code.startswith(EXPECTED)] == []
        done.update(one.state for one in postings)
    assert done.keys() <= {*AT_REST, PostingState.HELD}
    assert done[PostingState.VERIFIED] >= 30


def test_the_last_line_says_what_was_played_and_a_seed_can_be_played_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run.main(["--seed", "1"]) == 0
    assert "soak: seed 1, " in capsys.readouterr().out
