"""The worlds that are explored: small ones to the last schedule, deep ones by drawing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from tests.fakes.alma import Answer, Facts
from tests.model.world import ANSWERS, DOUBLED, Money, World, named

FEW = (Answer.OK, Answer.APPLIED_LOST, Answer.NOT_APPLIED_LOST, Answer.NOT_SENT)
DAYS_LATE = Facts(late=timedelta(hours=72))
HOURS_LATE = Facts(late=timedelta(hours=2))
HIDES_CLOSED = Facts(shows_closed=False)
TAKES_MORE = Facts(takes_overpayment=True)

PART = World("part", payments=(named(400),))
LATE = replace(PART, name="part-late", facts=DAYS_LATE)
FULL = World("full-hidden", nights=2, facts=HIDES_CLOSED)
LOST_PART = World("lost-part", payments=(named(400),), nights=2, ledger_lost=True)
LOST_TWO = World("lost-two", payments=(named(600), named(600)), ledger_lost=True, answers=FEW, crashes=0, bad_reads=0)
CAPPED = World("two", payments=(named(600), named(600)), nights=2, facts=TAKES_MORE, answers=FEW, bad_reads=0)
DESK = World("desk", payments=(named(400),), nights=2, desk=True, crashes=0, bad_reads=0)
BOTH = Money(1500, ((1, 1000), (2, 500)))
SHARES = World("shares", payments=(BOTH,), fees=(1000, 1000), nights=2, answers=FEW, bad_reads=0)
TOTAL = World("lost-total", payments=(Money(1000),), fees=(1000, 1000), ledger_lost=True, answers=FEW, crashes=0)
TOTAL_DESK = replace(TOTAL, name="lost-total-desk", payments=(Money(700),), nights=2, answers=(Answer.OK,), desk=True)
"""A fee is closed by hand while the ledger is lost, so that it has left one of Alma's lists and is not on the next."""
TOTALS = World(
    "lost-totals", payments=(Money(1500), Money(400)), fees=(1000, 800), ledger_lost=True, answers=FEW, crashes=0
)
WAYS = World(
    "ways",
    payments=(Money(1200, ((1, 400), (2, 400), (3, 400))), named(900, 2), named(900, 3)),
    fees=(1000, 1000, 1000),
    ways=("api", "import_file", "record"),
    nights=2,
)

SMALL = (
    PART,
    LATE,
    FULL,
    LOST_PART,
    LOST_TWO,
    DESK,
    replace(LOST_TWO, name="lost-two-more", answers=ANSWERS, nights=2),
    World("lost-capped", payments=(named(1500),), ledger_lost=True, answers=FEW, bad_reads=0),
    CAPPED,
    World("by-proxy", payments=(named(400),), answers=(Answer.OK, *DOUBLED)),
    World("by-proxy-reported", payments=(named(400),), answers=(Answer.OK, *DOUBLED), report=True),
    World("planning", payments=(named(400),), nights=2, intake=True, bad_reads=0),
    World("exported", payments=(named(400),), status="EXPORTED", crashes=0),
    World("resent", payments=(named(400),), nights=5, answers=FEW, facts=HOURS_LATE, crashes=0, resend=True),
    SHARES,
    replace(SHARES, name="shares-closed", fees=(1000, -500)),
    replace(SHARES, name="shares-lost", answers=(Answer.OK, Answer.APPLIED_LOST), ledger_lost=True),
    TOTAL,
    TOTAL_DESK,
    replace(TOTALS, nights=2, bad_reads=0),
    WAYS,
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
    replace(SHARES, name="shares-long", answers=ANSWERS, bad_reads=1),
    replace(TOTAL, name="lost-total-long", answers=ANSWERS, crashes=1),
    replace(TOTALS, name="lost-totals-long"),
    replace(PART, name="part-reported", report=True),
)
"""Explored to the end by ``make model``."""

_DEEP = World("", payments=(named(600), named(600)), crashes=2, bad_reads=3, desk=True, intake=True)
DEEP = (
    replace(_DEEP, name="deep-late", facts=DAYS_LATE),
    replace(_DEEP, name="deep-lost", facts=HOURS_LATE, ledger_lost=True),
    replace(_DEEP, name="deep-hidden", facts=HIDES_CLOSED, payments=(named(1000), named(300)), ledger_lost=True),
    replace(_DEEP, name="deep-more", facts=TAKES_MORE, payments=(named(1500), named(400)), desk=False),
    replace(_DEEP, name="deep-proxy", payments=(named(300), named(400)), answers=(*ANSWERS, *DOUBLED), report=True),
    replace(
        _DEEP,
        name="deep-totals",
        payments=(Money(700), BOTH, Money(900)),
        fees=(1000, 1000, 600),
        ledger_lost=True,
        report=True,
    ),
    replace(_DEEP, name="deep-ways", payments=(*WAYS.payments, BOTH), fees=WAYS.fees, ways=WAYS.ways, resend=True),
)
"""Too many schedules to list: drawn by ``make model``."""

WORLDS = {world.name: world for world in (*SMALL, *LONG, *DEEP)}
