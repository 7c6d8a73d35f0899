"""What the ledger knows of the fees that tonight's files name, or should name: what was said, billed and paid."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.campus.sources import Report
from pipeline.stages import figures
from pipeline.stages.absent import absent
from pipeline.stages.beside import KEY, places, taken
from pipeline.stages.together import together

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from pipeline.flow.runner import Work


def pending(work: Work) -> pd.DataFrame:
    """Give every fee that is held or waiting."""
    return _kept(work, "pending", work.ledger.pending_fees)


def history(work: Work) -> pd.DataFrame:
    """Give the versions known of tonight's fees; a statement that says what is billed already needs none."""
    return _kept(work, "history", lambda: _history(work))


def positions(work: Work) -> pd.DataFrame:
    """Give what was billed for every fee of the sources that are reports, be it under the id of an older debt."""
    book = work.ledger

    def of(source: str) -> pd.DataFrame:
        return together([book.positions(source), book.continuing(source)])

    return _kept(work, "positions", lambda: _of_reports(work, of))


def receipts(work: Work) -> pd.DataFrame:
    """Give our payments of these fees that Alma knows of, or may; and what else came off those that continue a debt."""
    book = work.ledger

    def of(source: str) -> pd.DataFrame:
        return together([book.receipts(source), book.came_off_continuing(source)])

    return _kept(work, "receipts", lambda: _of_reports(work, of))


def missing(work: Work) -> pd.DataFrame:
    """Give the fees that tonight's reports of open fees should mention, and do not."""
    return _kept(
        work, "absent", lambda: absent(work, positions(work), receipts(work), figures.earlier(work), pending(work))
    )


def _kept(work: Work, name: str, ask: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Ask once a night: nothing is entered in the ledger between the steps that want this."""
    if name not in work.kept:
        work.kept[name] = ask()
    return work.kept[name]


def _of_reports(work: Work, ask: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """Ask of every source that is a report; of the first source of all, which has none, for the columns alone."""
    sources = work.campus.campus.sources
    reports = [name for name, source in sources.items() if isinstance(source, Report)]
    return together(ask(name) for name in reports or [next(iter(sources))]).iloc[: None if reports else 0]


def _history(work: Work) -> pd.DataFrame:
    """The ledger is asked for what it may be needed for: most statements of a report say what is billed already.

    They are news where a person has rejected that the fee had changed.
    """
    import pandas as pd

    said = [*KEY, "lists", "amount_cents", "original_cents"]
    rows = pd.concat([frame[said] for frame in (work.rows, pending(work), missing(work))], ignore_index=True)
    known = positions(work)
    place = places(rows, known)
    billed, original = taken(known, "billed_cents", place, -1), taken(known, "original_cents", place, -1)
    same = (rows["amount_cents"] == billed) & (rows["original_cents"] == original)
    plain = same & (place >= 0) & (rows["lists"] != "export")
    for source in rows.loc[plain, "source"].unique():
        if rejected := work.ledger.rejected_changes(str(source)):
            plain &= ~((rows["source"] == source) & rows["fee_id"].isin(rejected))
    asked = [
        work.ledger.known_fees(str(source), one["fee_id"].drop_duplicates().tolist())
        for source, one in rows[~plain].groupby("source")
    ]
    return together(asked or [work.ledger.known_fees("", [])])
