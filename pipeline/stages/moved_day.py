"""Holds what a report says of a new day where it says an equal payment no more: the day may have been corrected."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from pipeline.findings import Outcome
from pipeline.ports.ledger import PaymentState
from pipeline.rules import Sorting
from pipeline.stages.identity import CONTENT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    import pandas as pd

    from pipeline.ports.ledger import Payment, PaymentBook
    from pipeline.stages.streams import Streams

MOVED = "PAYMENT-MOVED-DAY"
NO_MONEY = (PaymentState.EXCLUDED, PaymentState.CANCELLED)


def moved_days(
    news: Outcome, said: Mapping[str, Collection[str]], older: Collection[str], book: PaymentBook, streams: Streams
) -> Outcome:
    """Hold a new line for each equal one (debt or patron, cents, way) that its report does not say any more.

    Only lines without a receipt, in a report that repeats itself: a receipt tells a line whatever its day is.  ``said``
    are the keys that each file says, ``older`` the files of which nothing is taken as withdrawn.
    """
    rows = news.passed
    mine = rows[(rows["repeats"] == "cumulative") & (rows["identity"] == CONTENT) & ~rows["file_sha"].isin(list(older))]
    before: dict[str, str] = {}
    for sha, frame in mine.groupby("file_sha", sort=False):
        gone = _gone(frame.iloc[0], said.get(str(sha), ()), book, streams)
        ordered = frame.sort_values(["occurred_on", "line"])
        for key, fingerprint in zip(ordered["payment_key"], ordered["fingerprint"], strict=True):
            if gone[fingerprint]:
                one = gone[fingerprint].pop(0)
                before[key] = f"{one.occurred_on} (line {one.line} of its file, {one.state})"
    return _held(news, before) if before else news


def _gone(row: pd.Series, said: Collection[str], book: PaymentBook, streams: Streams) -> dict[str, list[Payment]]:
    """Give what earlier files said of the days of this one and it does not, by fingerprint, oldest first."""
    found: dict[str, list[Payment]] = defaultdict(list)
    for one in book.payments_between(row["system"], row["reader"], row["covers_from"], row["covers_to"]):
        if one.key in said or one.file_sha == row["file_sha"] or one.state in NO_MONEY:
            continue
        if streams.same(row["file_sha"], one.file_sha):
            found[one.fingerprint].append(one)
    return found


def _held(news: Outcome, before: Mapping[str, str]) -> Outcome:
    import pandas as pd

    rows = Sorting(news.passed.assign(before=news.passed["payment_key"].map(before).fillna("")))
    why = (
        "of {occurred_on}; an equal line of {before} is not said any more: one payment whose day was corrected, or two"
    )
    rows.hold(rows.frame["before"] != "", MOVED, why)
    made = rows.outcome()
    held = made.boxes["held"].drop(columns="before")
    both = [one for one in (news.boxes.get("held"), held) if one is not None and len(one)]
    boxes = {**news.boxes, "held": pd.concat(both, ignore_index=True)}
    return Outcome(made.passed.drop(columns="before"), boxes, news.findings)
