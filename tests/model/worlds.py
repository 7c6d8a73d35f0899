"""The worlds that are explored: small ones to the last schedule, deep ones by drawing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.fakes.alma import Answer, Facts
from tests.model.world import ANSWERS, AT_ONCE, DOUBLED, World

FEW = (Answer.OK, Answer.APPLIED_LOST, Answer.NOT_APPLIED_LOST, Answer.NOT_SENT)
DAYS_LATE = Facts(late=timedelta(hours=72))
HOURS_LATE = Facts(late=timedelta(hours=2))
HIDES_CLOSED = Facts(shows_closed=False)
TAKES_MORE = Facts(takes_overpayment=True)

PART = World("part", payments=(400,))
LATE = replace(PART, name="part-late", facts=DAYS_LATE)
FULL = World("full-hidden", nights=2, facts=HIDES_CLOSED)
LOST_PART = World("lost-part", payments=(400,), nights=2, ledger_lost=True)
LOST_TWO = World("lost-two", payments=(600, 600), ledger_lost=True, answers=FEW, crashes=0, bad_reads=0)
DESK = World("desk", payments=(400,), nights=2, desk=True, crashes=0, bad_reads=0)

SMALL = (
    PART,
    LATE,
    FULL,
    LOST_PART,
    LOST_TWO,
    DESK,
    replace(LOST_TWO, name="lost-two-more", answers=ANSWERS, nights=2),
    World("lost-capped", payments=(1500,), ledger_lost=True, answers=FEW, bad_reads=0),
    World("two", payments=(600, 600), nights=2, answers=FEW, bad_reads=0),
    World("by-proxy", payments=(400,), answers=(Answer.OK, *DOUBLED)),
    World("planning", payments=(400,), nights=2, intake=True, bad_reads=0),
    World("exported", payments=(400,), status="EXPORTED", crashes=0),
)
"""Explored to the end by ``make test``."""

LONG = (
    replace(FULL, name="full-hidden-long", nights=3),
    replace(LOST_PART, name="lost-part-long", nights=3),
    replace(LOST_TWO, name="lost-two-long", answers=ANSWERS, crashes=1, nights=2),
    replace(PART, name="part-worse", nights=2, crashes=2, bad_reads=2),
    replace(PART, name="part-crashes", crashes=2, bad_reads=0),
    replace(LATE, name="part-late-crashes", crashes=2, bad_reads=0),
    replace(DESK, name="desk-worse", crashes=1, bad_reads=1),
)
"""Explored to the end by ``make model``."""

_DEEP = World("", payments=(600, 600), crashes=2, bad_reads=3, desk=True, intake=True)
DEEP = (
    replace(_DEEP, name="deep-late", facts=DAYS_LATE),
    replace(_DEEP, name="deep-lost", facts=HOURS_LATE, ledger_lost=True),
    replace(_DEEP, name="deep-hidden", facts=HIDES_CLOSED, payments=(1000, 300), ledger_lost=True),
    replace(_DEEP, name="deep-more", facts=TAKES_MORE, payments=(1500, 400)),
    replace(_DEEP, name="deep-proxy", facts=AT_ONCE, payments=(300, 400), answers=(*ANSWERS, *DOUBLED)),
)
"""Too many schedules to list: drawn by ``make model``."""

WORLDS = {world.name: world for world in (*SMALL, *LONG, *DEEP)}
