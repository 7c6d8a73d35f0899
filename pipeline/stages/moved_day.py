"""Holds what a report says in the place of a line that it says no more: that one may have been corrected.

An equal line of another day may be the same money.  Another amount, or for another charge, may be it as well; that is
asked only where the earlier line is posted or on its way, for else that one is held as withdrawn and waits itself.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Protocol

from pipeline.findings import Outcome
from pipeline.money import dollars
from pipeline.ports.ledger import PaymentBook, PaymentState, TaskBook, TaskState
from pipeline.rules import Sorting
from pipeline.stages.duties import LOOK
from pipeline.stages.identity import CONTENT, person
from pipeline.stages.origins import names
from pipeline.stages.withdrawn import FREE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    import pandas as pd

    from pipeline.ports.ledger import Payment
    from pipeline.stages.streams import Streams

MOVED, CORRECTED = "PAYMENT-MOVED-DAY", "PAYMENT-CORRECTED?"
NO_MONEY = (PaymentState.EXCLUDED, PaymentState.CANCELLED)


class Books(PaymentBook, TaskBook, Protocol):
    """The books in which it stands what earlier files said, and whether people have dealt with it."""


def moved_days(
    news: Outcome, said: Mapping[str, Collection[str]], older: Collection[str], book: Books, streams: Streams
) -> Outcome:
    """Hold a new line for each equal one (debt or patron, cents, way) that its report does not say any more.

    And each that may be another such line corrected (``_corrects``), until the task about that one is done.  Only lines
    without a receipt, in a report that repeats itself: a receipt tells a line whatever its day is.  ``said`` are the
    keys that each file says, ``older`` the files of which nothing is taken as withdrawn.
    """
    rows = news.passed
    mine = rows[(rows["repeats"] == "cumulative") & (rows["identity"] == CONTENT) & ~rows["file_sha"].isin(list(older))]
    before: dict[str, tuple[str, str]] = {}
    answered = _answered(book) if len(mine) else ()
    for sha, frame in mine.groupby("file_sha", sort=False):
        gone = _gone(frame.iloc[0], said.get(str(sha), ()), book, streams)
        ordered: list[Any] = list(frame.sort_values(["occurred_on", "line"]).itertuples())
        moved = {row.payment_key: one for row, one in _equal(ordered, gone)}
        posted = [one for one in gone if one.state not in FREE and one.key not in answered]
        others = _corrected([row for row in ordered if row.payment_key not in moved], posted)
        before |= {key: (MOVED, _where(one)) for key, one in moved.items()}
        before |= {row.payment_key: (CORRECTED, _both(row, one)) for row, one in others}
    return _held(news, before) if before else news


def _gone(row: pd.Series, said: Collection[str], book: PaymentBook, streams: Streams) -> list[Payment]:
    """Give what earlier files said of the days of this one and it does not, oldest first."""
    return [
        one
        for one in book.payments_between(row["system"], row["reader"], row["covers_from"], row["covers_to"])
        if one.key not in said and one.file_sha != row["file_sha"] and one.state not in NO_MONEY
        if streams.same(row["file_sha"], one.file_sha)
    ]


def _answered(book: TaskBook) -> Collection[str]:
    """Give the keys of what was said no more and posted, and people have dealt with since."""
    return {task.subject for task in book.tasks(TaskState.DONE) if task.kind == LOOK}


def _equal(rows: Sequence[Any], gone: list[Payment]) -> Iterator[tuple[Any, Payment]]:
    """Give each row the oldest equal line that is gone, and take that out of ``gone``."""
    for row in rows:
        one = next((one for one in gone if one.fingerprint == row.fingerprint), None)
        if one is not None:
            gone.remove(one)
            yield row, one


def _corrected(rows: Sequence[Any], posted: Sequence[Payment]) -> Iterator[tuple[Any, Payment]]:
    """Give each row that may be another line corrected that line; several may: one payment divided anew."""
    for row in rows:
        one = next((one for one in posted if _corrects(row, one)), None)
        if one is not None:
            yield row, one


def _corrects(row: Any, one: Payment) -> bool:  # noqa: ANN401 - a row of a frame
    """Say whether a row may be another line corrected: money of the same way, for its patron's day or its charge."""
    same_patron = bool(one.patron_id) and person(row.patron_id) == person(one.patron_id)
    same_day = same_patron and row.occurred_on == one.occurred_on
    named = (row.fee_ref, *(reference for reference, _ in json.loads(row.fees or "[]")))
    same_fee = not names(one).isdisjoint(named)
    return (row.amount_cents > 0) == (one.cents > 0) and (same_day or same_fee)


def _where(one: Payment, what: str = "") -> str:
    return f"{one.occurred_on}{what} (line {one.line} of its file, {one.state})"


def _both(row: Any, one: Payment) -> str:  # noqa: ANN401 - a row of a frame
    new = f"{dollars(int(row.amount_cents))} of {row.occurred_on}"
    return f"{new}; {dollars(one.cents)} of {_where(one, f' for {one.fee_ref or one.patron_id}')}"


def _held(news: Outcome, before: Mapping[str, tuple[str, str]]) -> Outcome:
    import pandas as pd

    keys = news.passed["payment_key"]
    codes, words = (keys.map({key: said[place] for key, said in before.items()}).fillna("") for place in (0, 1))
    rows = Sorting(news.passed.assign(before=words, asked=codes))
    why = (
        "of {occurred_on}; an equal line of {before} is not said any more: one payment whose day was corrected, or two"
    )
    rows.hold(rows.frame["asked"] == MOVED, MOVED, why)
    rows.hold(rows.frame["asked"] == CORRECTED, CORRECTED, "{before} is not said any more: that one corrected, or two")
    made = rows.outcome()
    held = made.boxes["held"].drop(columns=["before", "asked"])
    both = [one for one in (news.boxes.get("held"), held) if one is not None and len(one)]
    boxes = {**news.boxes, "held": pd.concat(both, ignore_index=True)}
    return Outcome(made.passed.drop(columns=["before", "asked"]), boxes, news.findings)
