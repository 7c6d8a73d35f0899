"""Confirming on a later night what was posted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PostingState
from pipeline.stages.confirm import confirm_all
from tests.fakes.alma import Answer, Facts, Read, Scripted
from tests.unit.test_post import SETTLE, X1, Scene, paid

if TYPE_CHECKING:
    from pipeline.ports.outside import AlmaTransaction

S = PostingState


def posted(answer: Answer = Answer.OK, facts: Facts | None = None, cents: int = 400) -> Scene:
    scene = Scene(facts or Facts(), Scripted(answers=[answer])).plan(cents)
    assert scene.run() == []
    return scene


def confirm(scene: Scene, hours: float = 24, budget: int = 100) -> list[str]:
    scene.clock.sleep(hours * 3600)
    told = confirm_all(scene.alma, scene.book, scene.clock, SETTLE, scene.clock.now(), budget)
    return [one.code for one in told]


@pytest.mark.parametrize("hidden", [False, True])
def test_a_payment_seen_once_with_its_cents_on_a_later_night_is_verified(*, hidden: bool) -> None:
    scene = posted(facts=Facts(shows_closed=not hidden), cents=1000)
    assert confirm(scene) == []
    assert scene.posting.state is S.VERIFIED


def test_what_this_run_posted_is_left_to_a_later_one() -> None:
    scene = posted()
    started = scene.clock.now() - timedelta(seconds=1)
    assert confirm_all(scene.alma, scene.book, scene.clock, SETTLE, started, 100) == []
    assert scene.posting.state is S.POSTED


def test_a_payment_that_a_proxy_doubled_unseen_is_found() -> None:
    scene = posted(Answer.DOUBLED_UNSEEN)
    assert confirm(scene) == ["POST-DOUBLE"]
    assert scene.posting.state is S.DOUBLE


@pytest.mark.parametrize(
    ("transactions", "balance"), [((), 1000), ((paid(399, X1),), 601), ((paid(400, "other"),), 600)]
)
def test_a_payment_gone_or_changed_is_an_alarm(transactions: tuple[AlmaTransaction, ...], balance: int) -> None:
    scene = posted()
    scene.shows(*transactions, balance_cents=balance)
    assert confirm(scene) == ["POST-MISMATCH"]
    assert scene.posting.state is S.MISMATCH


def test_a_payment_gone_from_a_fee_whose_figures_disagree_or_gone_just_now_is_not() -> None:
    scene = posted()
    scene.shows(balance_cents=600)
    assert confirm(scene) == []
    scene.shows(balance_cents=1000)
    scene.book.by_id[X1] = replace(scene.posting, since=scene.clock.now())
    assert confirm(scene, hours=5) == []
    assert scene.posting.state is S.POSTED
    assert confirm(scene, hours=2) == ["POST-MISMATCH"]


@pytest.mark.parametrize(("read", "told"), [(Read.BUSY, []), (Read.SYSTEM, ["POST-STOPPED"])])
def test_a_look_that_failed_changes_nothing(read: Read, told: list[str]) -> None:
    scene = posted()
    scene.behaviour.reads = [read]
    assert confirm(scene) == told
    assert scene.posting.state is S.POSTED


def test_the_budget_is_kept() -> None:
    scene = posted()
    scene.alma.calls.clear()
    assert confirm(scene, budget=2) == []
    assert scene.alma.calls == []
