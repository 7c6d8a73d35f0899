"""Tell people by mail: each desk which payments came for its fees, and once a day what happened; never in money's way.

A letter is first written into the outbox and then handed in.  What the mail server does not take stays there for the
next run; a letter that may have been taken is handed in again under the same Message-ID.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline.findings import Finding
from pipeline.ports.outside import Busy, Lost, Refused
from pipeline.stages import letters
from pipeline.stages.outbox import Letter, Outbox

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from pipeline.campus.back import Mail
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Run
    from pipeline.ports.outside import Mailer
    from pipeline.stages.outbox import Told

FOLDER = "mail"
MOST_RUNS = 1000
FIRST_DAYS = 7
"""So many days back the first letter of its kind tells."""

OTHERS = "*"


def notify(work: Work) -> None:
    """Write what is due, and hand in all that waits; what cannot be is MAIL-WAITS and keeps nothing back."""
    settings, mailer = work.campus.campus.mail, work.outside.mail
    if settings is None or mailer is None:
        return
    outbox, now = Outbox(work.campus.state / FOLDER), work.outside.clock.now()
    runs = work.ledger.runs(MOST_RUNS)
    for letter in _due(work, settings, outbox, runs):
        outbox.put(letter, now)
    work.findings += _hand_in(outbox, mailer)


@dataclass(frozen=True, slots=True)
class Window:
    """What a letter tells of: it is of ``day``, and of what came since ``since``, in these runs (newest first)."""

    day: date
    since: datetime
    runs: Sequence[Run]


def window(told: Told | None, runs: Sequence[Run], today: date, now: datetime, not_before: str) -> Window | None:
    """Say what the next letter of a kind is of; None while none is due: there is one for each business date.

    ``now`` is the hour at the campus, ``runs`` are newest first.  On a business date that is not the calendar's the
    hour says nothing.  What came after the hour of one date and before that of the next is told with the next; but a
    campus that runs only before the hour hears of each date with the first run after it.
    """
    fresh = [run for run in runs if _news(run, told, today)]
    due = today
    if today == now.date() and now.time() < time.fromisoformat(not_before):
        due = today - timedelta(days=1)
        after, known = (date.min, fresh) if told is None else (told.day, runs)
        if not any(after < run.business_date <= due for run in known):
            return None
    if not fresh or (told is not None and told.day >= due):
        return None
    return Window(due, fresh[-1].started_at, fresh)


def _news(run: Run, told: Told | None, today: date) -> bool:
    if told is None:
        return run.business_date > today - timedelta(days=FIRST_DAYS)
    return run.number > told.run


def _due(work: Work, settings: Mail, outbox: Outbox, runs: Sequence[Run]) -> Iterator[Letter]:
    now = work.outside.clock.now().astimezone(ZoneInfo(work.campus.campus.time_zone))

    def next_of(kind: str) -> Window | None:
        return window(outbox.last(kind), runs, work.today, now, settings.digest_at)

    for desk, people in settings.desks.items():
        kind = f"desk-{'others' if desk == OTHERS else desk}"
        if people and (span := next_of(kind)):
            told = letters.of_desk(work, desk, settings.desks, span.since)
            if told is not None:
                yield _letter(work, span, kind, people, told)
    if settings.digest and (span := next_of("digest")):
        yield _letter(work, span, "digest", settings.digest, letters.digest(work, span.day, span.since, span.runs))


def _letter(work: Work, span: Window, kind: str, people: Sequence[str], told: letters.Text) -> Letter:
    campus = work.campus.campus
    sender = campus.mail.sender if campus.mail else ""
    who = work.campus.identity
    return Letter(who.name, who.environment, span.day, kind, work.run.number, sender, people, told.subject, told.body)


def _hand_in(outbox: Outbox, mailer: Mailer) -> list[Finding]:
    """Hand in what waits, oldest first; a server that cannot be reached is asked once."""
    found: list[Finding] = []
    waits: list[Path] = []
    why = ""
    queue = outbox.waiting()
    for place, path in enumerate(queue):
        try:
            unknown = mailer.send(path.read_bytes())
        except (Busy, Lost, Refused) as error:
            waits.append(path)
            why = why or str(error)
            if not isinstance(error, Refused) or error.scope == "system":
                waits += queue[place + 1 :]
                break
        else:
            outbox.done(path)
            found += [Finding("MAIL-UNKNOWN", one, f"{path.name}: the server knows no {one}") for one in unknown]
    if waits:
        text = f"{len(waits)} of our mails wait, the oldest is {waits[0].name}: {why}"
        found.append(Finding("MAIL-WAITS", waits[0].name, text))
    return found
