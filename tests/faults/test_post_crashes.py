"""The machine stops at every call of a posting run, before and after it took effect; the same command ends the work."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timedelta

import pytest

from pipeline.ports.ledger import PostingState
from pipeline.stages.attempt import Desk
from pipeline.stages.confirm import confirm_all
from pipeline.stages.plan import Terms
from pipeline.stages.post import Rules, post_all
from tests.fakes.alma import Answer, FakeAlma, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_match, a_payment, a_share
from tests.model.planted import ForgetfulBook

SETTLE = timedelta(hours=6)
TERMS = Terms("campus", {})
PAID = {"K1": 400, "K2": 1000, "K3": 1500}
POSTS = {"K1": 400, "K2": 1000, "K3": 1000}


STEPS = 42
"""Calls to Alma and moves of the ledger in two nights, each counted before and after it takes effect."""


class Died(BaseException):
    """The power went."""


@dataclass
class Power:
    """Goes off at the ``at``-th step, once; counts the steps."""

    at: int = -1
    steps: int = 0

    def step(self, _label: str) -> None:
        self.steps += 1
        if self.steps - 1 == self.at:
            raise Died


class Night:
    """Three payments on three fees, and the commands of a night."""

    def __init__(self, power: Power, answers: tuple[Answer, ...] = (), book: type[FakeBook] = FakeBook) -> None:
        self.clock = FakeClock()
        fees = [(f"P{n}", a_fee(f"F{n}", bursar_id=f"B{n}")) for n in (1, 2, 3)]
        charges = [a_charge(fee_id=f"B{n}", reference=f"B{n}", patron_id=f"P{n}") for n in (1, 2, 3)]
        self.book = book(charges)
        money = [(a_payment(key, cents, fee_ref=f"B{key[1]}"), cents) for key, cents in PAID.items()]
        self.book.enter(a_match(one, a_share(cents, 1, one.fee_ref)) for one, cents in money)
        self.book.step = power.step
        self.alma = FakeAlma(self.clock, fees, Scripted(answers=list(answers)), step=power.step)

    def command(self) -> None:
        started = self.clock.now()
        post_all(self.alma, self.book, self.clock, Rules(started.date(), SETTLE, lambda _system: TERMS))
        desk = Desk(self.alma, self.book, self.clock, started.date(), SETTLE)
        confirm_all(desk, None, started, 1000)

    def until_it_ends(self, pause: timedelta) -> None:
        """Give the command again after ``pause`` for as long as it dies."""
        while True:
            try:
                self.command()
            except Died:
                self.clock.sleep(pause.total_seconds())
            else:
                return

    def applied(self) -> Counter[str]:
        cents = Counter[str]()
        for order in self.alma.applied:
            cents[f"K{order.fee_id[1]}"] += order.cents
        return cents


def steps_of(answers: tuple[Answer, ...] = ()) -> int:
    power = Power()
    night = Night(power, answers)
    night.command()
    night.clock.sleep(86_400)
    night.command()
    return power.steps


def test_there_are_as_many_steps_as_the_sweeps_below_cut_at() -> None:
    assert steps_of() == STEPS


@pytest.mark.parametrize("pause", [timedelta(minutes=5), timedelta(hours=24)], ids=["same night", "next date"])
@pytest.mark.parametrize("at", range(STEPS))
def test_after_a_stop_anywhere_every_payment_is_in_alma_at_most_once_and_somebody_knows(
    at: int, pause: timedelta
) -> None:
    night = Night(Power(at))
    for _ in range(4):
        night.until_it_ends(pause)
        night.clock.sleep(86_400)
    assert night.applied() <= Counter(POSTS)
    states = {one.payment_key: one.state for one in night.book.by_id.values()}
    for key, cents in POSTS.items():
        there = night.applied()[key] == cents
        assert states[key] is (PostingState.VERIFIED if there else PostingState.DOUBT)
    assert list(states.values()).count(PostingState.DOUBT) <= 1


@pytest.mark.parametrize("at", range(0, STEPS, 3))
def test_nothing_is_doubled_when_the_answers_are_lost_too(at: int) -> None:
    lost = (Answer.APPLIED_LOST, Answer.LATE_LOST, Answer.NOT_APPLIED_LOST)
    night = Night(Power(at), lost)
    for _ in range(4):
        night.until_it_ends(timedelta(minutes=5))
        night.clock.sleep(86_400)
    assert night.applied() <= Counter(POSTS)
    for one in night.book.by_id.values():
        there = night.applied()[one.payment_key] == one.cents
        assert one.state is (PostingState.VERIFIED if there else PostingState.DOUBT)


def test_a_poster_that_does_not_note_its_intent_is_caught() -> None:
    doubled = 0
    for at in range(STEPS):
        night = Night(Power(at), (Answer.LATE_LOST,) * 3, ForgetfulBook)
        night.until_it_ends(timedelta(seconds=1))
        night.clock.sleep(86_400)
        night.until_it_ends(timedelta(seconds=1))
        doubled += not night.applied() <= Counter(POSTS)
    assert doubled > 0
