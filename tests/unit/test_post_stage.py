"""The stage `post`: what a campus without Alma's API settles all the same, and what it is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from types import SimpleNamespace
from typing import Any, Literal

import pytest

from pipeline.ports.ledger import PostingState
from pipeline.stages.post import post
from tests.fakes.alma import Answer, FakeAlma, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_match, a_payment, a_share

Mode = Literal["live", "shadow"]


def a_work(book: FakeBook, alma: FakeAlma | None = None, mode: Mode = "live") -> Any:
    """Make as much of a night's work as the stage looks at."""
    system = SimpleNamespace(methods={"CC": "CREDIT_CARD"})
    settings = SimpleNamespace(settle_s=21600) if alma else None
    campus = SimpleNamespace(name="campus", systems={"peoplesoft": system}, alma=settings, mode=mode)
    outside = SimpleNamespace(alma=alma, clock=FakeClock())
    return SimpleNamespace(
        campus=SimpleNamespace(campus=campus),
        outside=outside,
        ledger=book,
        today=date(2026, 3, 2),
        findings=[],
        withheld=frozenset(),
    )


def a_book() -> FakeBook:
    """Two payments: one of a fee that is paid by the API, one of a fee that is kept here only."""
    book = FakeBook([a_charge(), a_charge(fee_id="B2", reference="B2", payments_to="record")])
    book.enter([a_match(a_payment("K1", 400)), a_match(a_payment("K2", 300, fee_ref="B2"), a_share(300, 1, "B2"))])
    return book


@pytest.mark.parametrize(("mode", "told"), [("live", ["1 payments wait to be posted"]), ("shadow", [])])
def test_without_alma_what_needs_her_waits_and_is_told_and_the_rest_is_settled(mode: Mode, told: list[str]) -> None:
    book = a_book()
    work = a_work(book, mode=mode)
    post(work)
    assert [(one.code, one.text) for one in work.findings] == [("ALMA-MISSING", text) for text in told]
    assert [(one.state, one.cents) for one in book.by_id.values()] == [(PostingState.RECORDED, 300)]


def test_with_alma_all_is_settled_and_nothing_is_missed() -> None:
    book = a_book()
    work = a_work(book, FakeAlma(FakeClock(), [("P1", a_fee())], Scripted()))
    post(work)
    assert work.findings == []
    assert sorted((one.state.value, one.method) for one in book.by_id.values()) == [
        ("posted", "CREDIT_CARD"),
        ("recorded", "CREDIT_CARD"),
    ]
    later = a_work(book)
    post(later)
    assert later.findings == []


@pytest.mark.parametrize("state", [PostingState.SENDING, PostingState.UNKNOWN])
def test_what_was_sent_before_the_api_was_taken_away_is_told_each_night_and_becomes_a_persons_matter(
    state: PostingState,
) -> None:
    book = a_book()
    first = a_work(book, FakeAlma(FakeClock(), [("P1", a_fee())], Scripted([], [Answer.NOT_APPLIED_LOST])))
    post(first)
    (lost,) = book.postings(PostingState.UNKNOWN)
    book.by_id[lost.external_id] = replace(lost, state=state)
    told = []
    work = a_work(book)
    for hours in (1, 70, 2, 24):
        work.outside.clock.sleep(hours * 3600)
        work.findings.clear()
        post(work)
        told.append([one.code for one in work.findings])
    cut_off = ["POST-UNKNOWN"] if state is PostingState.SENDING else []
    assert told == [[*cut_off, "ALMA-MISSING"], ["ALMA-MISSING"], ["POST-DOUBT", "ALMA-MISSING"], ["ALMA-MISSING"]]
    assert work.findings[0].text == "1 were sent, and nobody can see whether Alma has them"
    (doubt,) = book.postings(PostingState.DOUBT)
    assert doubt.why.endswith("no look since then could tell: the campus file says nothing of Alma's API")


def test_such_a_doubt_ends_by_itself_once_alma_can_be_asked_again() -> None:
    book, clock = a_book(), FakeClock()
    alma = FakeAlma(clock, [("P1", a_fee())], Scripted([], [Answer.APPLIED_LOST]))
    post(a_work(book, alma))
    blind = a_work(book)
    blind.outside.clock.sleep(4 * 86_400)
    post(blind)
    assert len(book.postings(PostingState.DOUBT)) == 1
    post(a_work(book, alma))
    assert sorted(one.state.value for one in book.by_id.values()) == ["posted", "recorded"]
