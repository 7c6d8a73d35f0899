"""Is the night like those before it?  An output that is not waits for a person's yes, with the figures in one line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median_high
from typing import TYPE_CHECKING

from pipeline.findings import Finding, Outcome
from pipeline.money import Tally, cents, dollars
from pipeline.rules import Sorting
from pipeline.stages.figures import LOOK_BACK, held_beside, moved, picture, rows_told
from pipeline.stages.question import BRAKES, Question, told, yes_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    import pandas as pd

    from pipeline.campus.policy import Brakes
    from pipeline.flow.runner import Work

FEWEST = 20
"""With fewer nights there is nothing to compare with."""

NAMED = 5
"""So many large lines are named one by one."""

LAST_YEAR, AROUND = timedelta(days=364), timedelta(days=3)
"""The same weekday of last year, and how far its week reaches either way."""


@dataclass(frozen=True)
class History:
    """What nights before this one sent to a system.

    ``nights`` are its last nights, also those that sent nothing; ``year_ago`` those of the same week of last year;
    ``types`` and ``shapes`` every fee type and every picture of an id it has seen.
    """

    nights: Sequence[Tally]
    year_ago: Sequence[Tally]
    types: AbstractSet[str]
    shapes: AbstractSet[str]

    @property
    def enough(self) -> bool:
        """Whether there are nights enough to compare with."""
        return len(self.nights) >= FEWEST


@dataclass(frozen=True)
class Tonight:
    """What is about to go to a system, and what was held beside it (figures.held_beside)."""

    rows: pd.DataFrame
    held: Tally

    @property
    def sent(self) -> Tally:
        """Rows and the cents they move."""
        return moved(self.rows)


def brake(work: Work) -> Outcome:
    """Hold the rows of every system whose night is unlike those before, save where a person has said yes.

    A preview has no history: it brakes nothing, and says so.
    """
    if work.run.command == "preview":
        return Outcome(work.rows, {}, tuple(_preview(work)))
    known = work.ledger.figures(work.today - timedelta(days=LOOK_BACK))
    rows = Sorting(work.rows)
    findings: list[Finding] = []
    for system in sorted(set(rows.frame["system"])):
        held = held_beside(system, work.box("held"), known)
        tonight = Tonight(rows.frame[rows.frame["system"] == system], held)
        faults = dict(_faults(work, system, tonight, history(known, system, work)))
        findings += _muted(work, system, faults)
        faults = {name: text for name, text in faults.items() if name not in _mutes(work, system)}
        if not faults:
            continue
        said = told(_questions(system, faults), yes_of(work, system))
        findings += said
        if said[0].stops:
            rows.hold(rows.frame["system"] == system, "OUTPUT-STOPPED", f"its file waits for a yes: {said[0].code}")
    return rows.outcome(findings)


def _questions(system: str, faults: Mapping[str, str]) -> list[Question]:
    return [Question(BRAKES[name], system, faults[name], "brake") for name in BRAKES if name in faults]


def _mutes(work: Work, system: str) -> dict[str, str]:
    """Say of each brake that is off today why, and until when."""
    mutes = work.campus.campus.systems[system].brakes.mutes
    return {str(one.brake): f"off until {one.until}: {one.reason}" for one in mutes if work.today <= one.until}


def _muted(work: Work, system: str, faults: Mapping[str, str]) -> Iterator[Finding]:
    for name, why in _mutes(work, system).items():
        if name in faults:
            yield Finding("BRAKE-MUTED", system, f"{system}: {faults[name]}; {why}", "brake")


def history(known: pd.DataFrame, system: str, work: Work) -> History:
    """Gather what the ledger's figures say of a system's nights before today; all runs of a date are one night."""
    nights = work.campus.campus.systems[system].brakes.nights
    mine = known[(known["scope"] == system) & (known["business_date"].astype("str") < work.today.isoformat())]
    sent = mine[mine["what"] == "sent"].groupby("business_date", sort=True)[["count", "cents"]].sum()
    by_day = {
        date.fromisoformat(str(day)): Tally(int(count), int(worth))
        for day, count, worth in zip(sent.index, sent["count"], sent["cents"], strict=True)
    }
    then = work.today - LAST_YEAR
    return History(
        list(by_day.values())[-nights:],
        [tally for day, tally in by_day.items() if abs(day - then) <= AROUND],
        _seen(mine, "type:"),
        _seen(mine, "shape:"),
    )


def _seen(figures: pd.DataFrame, what: str) -> AbstractSet[str]:
    return {one.removeprefix(what) for one in figures["what"] if one.startswith(what)}


def _faults(work: Work, system: str, tonight: Tonight, before: History) -> Iterator[tuple[str, str]]:
    """Give every brake that tonight's figures call for, with the figures in words."""
    settings = work.campus.campus.systems[system].brakes
    yield from _largest(tonight, settings)
    if before.enough:
        yield from _amounts(tonight, settings, before)
        yield from _held_share(tonight, settings)
        yield from _new(tonight, before)
    elif work.campus.campus.first_nights == "ask":
        yield "first_nights", f"fewer than {FEWEST} nights to compare with ({rows_told(tonight.rows)})"


def _largest(tonight: Tonight, settings: Brakes) -> Iterator[tuple[str, str]]:
    """Name the largest lines above the limit, and mark all of them: a yes is for these and no others."""
    if not settings.largest:
        return
    above = tonight.rows[tonight.rows["amount_cents"].abs() > cents(settings.largest)]
    if len(above):
        ordered = sorted(zip((-above["amount_cents"].abs()).tolist(), above["fee_id"].tolist(), strict=True))
        named = ", ".join(f"fee {fee} of {dollars(-worth)}" for worth, fee in ordered[:NAMED])
        more = f" and {len(ordered) - NAMED} more" if len(ordered) > NAMED else ""
        yield "largest", f"above {settings.largest}: {named}{more} ({rows_told(above)})"


def _amounts(tonight: Tonight, settings: Brakes, before: History) -> Iterator[tuple[str, str]]:
    """Compare with the usual night that sent something, and with the largest of the same week a year ago."""
    if tonight.sent.cents < cents(settings.least or "0"):
        return
    busy = [night for night in before.nights if night.count]
    for name, shown, now, then, last_year in (
        ("count", str, tonight.sent.count, [one.count for one in busy], [one.count for one in before.year_ago]),
        ("sum", dollars, tonight.sent.cents, [one.cents for one in busy], [one.cents for one in before.year_ago]),
    ):
        usual, most = median_high(then or [0]), max(last_year, default=0)
        if now > settings.times * usual and now > settings.times * most:
            year = f", {shown(most)} at most in the same week of last year" if last_year else ""
            limit = f"{settings.times} times is the limit"
            says = f"the {name} is {shown(now)} against {shown(usual)} usually{year}"
            yield name, f"{says} ({limit}; {rows_told(tonight.rows)})"


def _held_share(tonight: Tonight, settings: Brakes) -> Iterator[tuple[str, str]]:
    whole = tonight.held + tonight.sent
    enough = tonight.held.cents >= cents(settings.least or "0")
    if enough and tonight.held.count * 100 > whole.count * settings.held_percent:
        says = f"{tonight.held} of {whole} held, more than {settings.held_percent} %"
        yield "held_share", f"{says} (to go: {rows_told(tonight.rows)})"


def _new(tonight: Tonight, before: History) -> Iterator[tuple[str, str]]:
    """Name what was never sent there, with the rows it stands in: a yes is for so many and no more."""
    rows = tonight.rows
    for name, which, words, seen in (
        ("new_type", "fee types", rows["fee_type"], before.types),
        ("new_shape", "ids of a shape", rows["patron_id"].map(picture), before.shapes),
    ):
        new = ~words.isin(seen)
        if new.any():
            says = f"{which} never sent there before: {', '.join(sorted(set(words[new])))}"
            yield name, f"{says} ({rows_told(rows[new])})"


def _preview(work: Work) -> Iterator[Finding]:
    skipped = ", ".join(name for name in BRAKES if name != "largest")
    yield Finding("BRAKE-SKIPPED", "preview", f"a preview has no nights to compare with; not asked: {skipped}", "brake")
    for name, rows in work.rows.groupby("system", sort=True):
        system = str(name)
        faults = dict(_largest(Tonight(rows, Tally()), work.campus.campus.systems[system].brakes))
        yield from _muted(work, system, faults)
        for fault in faults.keys() - _mutes(work, system).keys():
            text = f"{system}: {faults[fault]}; a night would ask for a yes"
            yield Finding("BRAKE-LARGE-LINE", system, text, "brake")
