"""Confirming on a later night what was posted."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import PostingState
from pipeline.ports.outside import Busy, Refused, ReportPage
from pipeline.stages.confirm import confirm_all
from pipeline.stages.statement import periods
from tests.fakes.alma import Answer, Facts, FakeAlma, Read, Scripted, alone
from tests.unit.test_post import X1, Scene, paid

if TYPE_CHECKING:
    from pipeline.ports.outside import AlmaFee, AlmaTransaction, FeeReport

S = PostingState


def posted(answer: Answer = Answer.OK, facts: Facts | None = None, cents: int = 400) -> Scene:
    scene = Scene(facts or Facts(), Scripted(answers=[answer])).plan(cents)
    assert scene.run() == []
    return scene


def confirm(scene: Scene, hours: float = 24, budget: int = 100, report: FeeReport | None = None) -> list[str]:
    scene.clock.sleep(hours * 3600)
    scene.alma.calls.clear()
    return [one.code for one in confirm_all(scene.desk, report, scene.clock.now(), budget)]


@pytest.mark.parametrize("hidden", [False, True])
def test_a_payment_seen_once_with_its_cents_on_a_later_night_is_verified(*, hidden: bool) -> None:
    scene = posted(facts=Facts(shows_closed=not hidden), cents=1000)
    assert confirm(scene) == []
    assert scene.posting.state is S.VERIFIED


def test_what_this_run_posted_is_left_to_a_later_one() -> None:
    scene = posted()
    started = scene.clock.now() - timedelta(seconds=1)
    assert confirm_all(scene.desk, None, started, 100) == []
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
    assert confirm(scene, budget=2) == ["CONFIRM-PAUSED"]
    assert scene.alma.calls == []


@pytest.mark.parametrize("hidden", [False, True])
def test_the_report_verifies_many_payments_in_few_questions(*, hidden: bool) -> None:
    scene = Scene(Facts(shows_closed=not hidden)).plan(*[1000] * 5, patrons=("P1", "P2", "P3", "P4", "P5"))
    assert scene.run() == []
    assert confirm(scene, report=scene.alma) == []
    assert set(scene.states) == {S.VERIFIED}
    assert scene.alma.calls == ["report"] * 3  # two fees a page


def test_the_report_shows_a_double_also_of_what_was_verified_before() -> None:
    scene = Scene().plan(400, 500)
    scene.run()
    scene.book.by_id[X1] = replace(scene.posting, state=S.VERIFIED)
    scene.shows(paid(400, X1), paid(400, X1), balance_cents=200)
    assert confirm(scene, report=scene.alma) == ["POST-DOUBLE"]
    assert scene.states == [S.DOUBLE, S.VERIFIED]


class Whole:
    """A report that shows one fee with all that ever happened on it, whichever days it is asked for."""

    def __init__(self, fee: AlmaFee) -> None:
        self._fee = fee

    def page(self, first: date, last: date, offset: int) -> ReportPage:
        return ReportPage((self._fee,), 1)


@pytest.mark.parametrize(("times", "told"), [(1, []), (2, ["POST-DOUBLE"])])
def test_a_payment_that_two_weeks_of_the_report_show_counts_once(times: int, told: list[str]) -> None:
    scene = Scene().plan(400, 500)
    scene.run()
    second = next(one for one in scene.book.by_id.values() if one.external_id != X1)
    scene.book.by_id[second.external_id] = replace(second, since=scene.clock.now() + timedelta(days=10))
    scene.shows(*[paid(400, X1)] * times, balance_cents=600)
    assert confirm(scene, hours=20 * 24, report=Whole(scene.alma.fee("F1"))) == told
    assert scene.states[1] is S.VERIFIED


def test_the_report_shows_other_cents_and_another_fee() -> None:
    scene = Scene().plan(400, 500)
    scene.run()
    scene.shows(paid(399, X1), balance_cents=601)
    assert confirm(scene, report=scene.alma) == ["POST-MISMATCH"]
    other = scene.alma.fee("F2")
    scene.alma.change(replace(other, transactions=(*other.transactions, paid(399, X1))))
    scene.book.by_id[X1] = replace(scene.posting, state=S.VERIFIED)
    scene.shows(balance_cents=1000)
    scene.book.by_id[X1] = replace(scene.posting, cents=399, state=S.POSTED)
    assert confirm(scene, report=scene.alma) == ["POST-MISMATCH"]
    assert "for fee F2, not F1" in scene.posting.why


def test_what_the_report_does_not_show_is_looked_at_alone_before_anybody_is_alarmed() -> None:
    scene = posted()
    scene.shows(balance_cents=1000)
    assert confirm(scene, report=scene.alma) == ["POST-MISMATCH"]
    assert scene.alma.calls == ["report", "get", "get"]
    scene = posted()
    hidden = Empty()
    assert confirm(scene, report=hidden) == []
    assert (scene.posting.state, scene.alma.calls) == (S.VERIFIED, ["get"])


class Empty:
    """A report that shows nothing, or is not for us."""

    def __init__(self, no: Refused | None = None) -> None:
        self._no = no

    def page(self, first: date, last: date, offset: int) -> ReportPage:
        if self._no:
            raise self._no
        return ReportPage((), 0)


def test_a_report_that_may_not_be_read_is_told_and_everything_is_looked_at_alone() -> None:
    scene = posted()
    no = Refused("Alma does not let us in: HTTP 403", scope="system", code="403")
    assert confirm(scene, report=Empty(no)) == ["FEE-REPORT-FAILED"]
    assert (scene.posting.state, scene.alma.calls) == (S.VERIFIED, ["get"])


def test_one_old_answer_does_not_make_a_payment_gone() -> None:
    scene = posted()
    fee = scene.alma.fee("F1")
    old = replace(fee, transactions=(), balance_cents=1000, currency="")

    class Stale(FakeAlma):
        def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
            self.calls.append("get")
            return old if len(self.calls) == 1 else alone(fee)

    scene.alma = Stale(scene.clock, [("P1", fee)], Scripted())
    assert confirm(scene) == []
    assert (scene.posting.state, scene.alma.calls) == (S.VERIFIED, ["get", "get"])


def test_nothing_to_confirm_asks_nothing() -> None:
    scene = Scene().plan(400)
    assert confirm(scene, report=scene.alma) == []
    assert scene.alma.calls == []


def test_days_are_asked_for_in_weeks_with_the_days_beside_them() -> None:
    days = [date(2026, 3, 2), date(2026, 3, 7), date(2026, 3, 20)]
    assert periods(days) == [
        (date(2026, 3, 1), date(2026, 3, 7)),
        (date(2026, 3, 8), date(2026, 3, 8)),
        (date(2026, 3, 19), date(2026, 3, 21)),
    ]
    assert periods([]) == []


def test_a_few_that_never_answer_are_told_and_do_not_keep_the_same_others_waiting() -> None:
    scene = Scene().plan(*[400] * 13, patrons=tuple(f"P{number}" for number in range(1, 14)))
    assert scene.run() == []
    mute = [one.patron_id for one in scene.book.postings(S.POSTED)][:12]

    class Mute(FakeAlma):
        def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
            if patron_id in mute:
                message = "no answer"
                raise Busy(message)
            return super().get_fee(patron_id, patron_id_type, fee_id)

    scene.alma.__class__ = Mute
    told = []
    for day in range(1, 30):
        desk = replace(scene.desk, today=scene.desk.today + timedelta(days=day))
        scene.clock.sleep(86_400)
        told += confirm_all(desk, None, scene.clock.now(), 100)
    assert [one.state for one in scene.book.by_id.values()].count(S.VERIFIED) == 1
    assert {one.code for one in told} == {"CONFIRM-PAUSED"}
    assert told[-1].text == "2 payments were not looked at again: Alma gave no usable answer 10 times in a row"
