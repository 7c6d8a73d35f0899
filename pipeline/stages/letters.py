"""What the letters to staff say: counts, sums and our own ids, never a name, a title or a patron."""

from __future__ import annotations

import functools
import json
from collections import defaultdict
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.money import Tally, total
from pipeline.ports.ledger import PaymentState, PostingState, TaskState, Way
from pipeline.stages import printable
from pipeline.stages.morning import age, by_age, name_of
from pipeline.stages.outgoing import MANIFEST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from jinja2 import Environment

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Paid, Run

TEMPLATES = "templates/mail"
WAYS = {Way.API: "Posted in Alma", Way.IMPORT_FILE: "Imported by Alma", Way.RECORD: "Kept here as settled"}

STANDING: tuple[tuple[str, str, frozenset[str]], ...] = (
    ("not tried yet", "payments", frozenset({PaymentState.RECEIVED, PaymentState.MATCHED})),
    ("to be posted", "postings", frozenset({PostingState.READY})),
    ("waiting for Alma's import", "postings", frozenset({PostingState.LISTED})),
    (
        "in doubt",
        "postings",
        frozenset(
            {PostingState.SENDING, PostingState.UNKNOWN, PostingState.DOUBT, PostingState.DOUBLE, PostingState.MISMATCH}
        ),
    ),
)
"""Where money stands that nobody has to do anything about yet, or that the report tells more of."""


@dataclass(frozen=True, slots=True)
class Text:
    """What a letter says, and its subject."""

    subject: str
    body: str


def of_desk(work: Work, desk: str, desks: Collection[str], since: datetime) -> Text | None:
    """Tell a desk of the payments of its library's fees since a moment; None if there were none.

    ``desk`` is the owning library, or ``*`` for every library that has no desk of its own among ``desks``.
    """
    paid = [one for one in work.ledger.paid_since(since) if (one.owner if one.owner in desks else "*") == desk]
    if not paid:
        return None
    said = total(Tally(1, one.cents) for one in paid)
    name = "all other libraries" if desk == "*" else desk
    body = _rendered(work, "desk.txt.j2", desk=name, total=said, ways=_by_way(paid))
    return Text(_subject(work, f"payments for {name}: {said.count}, {_sum(work, said)}"), body)


def _by_way(paid: Sequence[Paid]) -> list[tuple[str, list[Paid]]]:
    order = sorted(paid, key=lambda one: (one.way, one.fee_id, one.external_id))
    return [(WAYS[Way(way)], list(rows)) for way, rows in groupby(order, key=lambda one: one.way)]


def digest(work: Work, day: date, since: datetime, runs: Sequence[Run]) -> Text:
    """Tell what happened since a moment, in these runs: files, payments, what is held, tasks, what did not arrive."""
    paid = work.ledger.paid_since(since)
    sent, tasks = work.ledger.sent_since(since), work.ledger.tasks(TaskState.OPEN)
    body = _rendered(
        work,
        "digest.txt.j2",
        runs=len(runs),
        sent=sent,
        waiting=work.ledger.uploads(),
        payments=[*_paid(paid), *_standing(work)],
        held=_held(work.ledger.held_rows()),
        tasks=_grouped((task.kind, task.cents) for task in tasks),
        ages=by_age(age(task.opened_on, work.today) for task in tasks),
        missing=_missing(work, runs),
        report=f"runs/{name_of(work.run)}/report.html",
    )
    said = ", ".join(
        (f"{_counted(len(sent), 'file')} sent", _counted(len(paid), "payment"), _counted(len(tasks), "task"))
    )
    return Text(_subject(work, f"{day.isoformat()}: {said}"), body)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _paid(paid: Sequence[Paid]) -> list[tuple[str, Tally]]:
    return [(words, total(Tally(1, one.cents) for one in paid if one.way == way)) for way, words in WAYS.items()]


def _standing(work: Work) -> list[tuple[str, Tally]]:
    standing = work.ledger.standing()
    return [
        (words, total(Tally(*pair) for state, pair in standing.get(book, {}).items() if state in states))
        for words, book, states in STANDING
    ]


def _held(rows: Iterable[Mapping[str, str | int]]) -> list[tuple[str, Tally]]:
    named = ((f"{row['kind']} {row['state']}, {row['code'] or 'no code'}", int(row["amount_cents"])) for row in rows)
    return _grouped(named)


def _grouped(named: Iterable[tuple[str, int]]) -> list[tuple[str, Tally]]:
    found: dict[str, Tally] = defaultdict(Tally)
    for words, cents in named:
        found[words] += Tally(1, cents)
    return sorted(found.items())


def _missing(work: Work, runs: Sequence[Run]) -> list[str]:
    """Say what was missing, by each run's manifest; a run that died early has none, and the next one looks again."""
    said: dict[str, None] = {}
    for run in reversed(runs):
        path = work.campus.state / "runs" / name_of(run) / MANIFEST
        if path.is_file():
            said |= dict.fromkeys(map(str, json.loads(path.read_bytes()).get("missing", ())))
    return list(said)


def _subject(work: Work, says: str) -> str:
    campus = work.campus.campus
    mark = "" if campus.environment == "production" else f"[{campus.environment}] "
    return " ".join(printable.text(f"{mark}{campus.title}, run {name_of(work.run)}: {says}").split())


def _sum(work: Work, said: Tally) -> str:
    return f"{printable.amount(said.cents)} {work.campus.campus.currency}"


def _rendered(work: Work, template: str, **said: Any) -> str:  # noqa: ANN401 - whatever the template shows
    campus = work.campus.campus
    head = {"title": campus.title, "environment": campus.environment, "currency": campus.currency}
    return (
        _environment().get_template(template).render(**head, day=work.today.isoformat(), run=name_of(work.run), **said)
    )


@functools.cache
def _environment() -> Environment:
    """Make the templates ready; a text out of a file cannot begin a line of its own in a letter."""
    import jinja2

    def shown(value: object) -> object:
        return " ".join(printable.unlinked(value).split()) if isinstance(value, str) else value

    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader([files.resource(TEMPLATES)]),
        autoescape=False,  # noqa: S701 - plain text, not a page
        undefined=jinja2.StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    made.filters.update(amount=printable.amount)
    return made
