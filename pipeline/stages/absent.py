"""Fees that a report of all open fees should mention and does not: news, not a fact, so each is looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.campus.sources import Report
from pipeline.stages.beside import ABSENT, KEY, places
from pipeline.stages.newest import OPEN_NOW, days_of_files, last_days, newest_days

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from pipeline.flow.runner import Work


def absent(
    work: Work, positions: pd.DataFrame, receipts: pd.DataFrame, figures: pd.DataFrame, pending: pd.DataFrame
) -> pd.DataFrame:
    """Give what is billed and not wholly paid, or held, and that tonight's newest report does not mention.

    As tables.FEES worth nothing: line 0, content "absent", the report's own hash and day.  A fee whose row in the
    report could not be read is mentioned.  Of a source whose newest report is older than one already dealt with, or of
    which no report was read, nothing is absent.
    """
    import pandas as pd

    parts = [
        _missing(report, _open(positions, receipts, report.source), pending[pending["source"] == report.source])
        for report in _counting(work, figures)
    ]
    found = [part for part in parts if len(part)]
    if not found:
        return tables.FEES.empty()
    return _as_fees(pd.concat(found, ignore_index=True), work.campus.campus.currency)


OVERTAKEN = "REPORT-OVERTAKEN"


@dataclass(frozen=True)
class Counting:
    """The newest report of a source: its hash, its day, and every fee id that it mentions."""

    source: str
    sha: str
    day: str
    mentioned: frozenset[str]


def _counting(work: Work, figures: pd.DataFrame) -> Iterator[Counting]:
    """Give the reports that count tonight; one without a row that a person has let in counts too.

    Of a source with a file that could not be read tonight nothing is absent: it may stand in that one.
    """
    rows = work.rows[(work.rows["lists"] == OPEN_NOW) & ~work.rows["source"].isin(_in_pieces(work))]
    of_file, counting = days_of_files(rows), newest_days(rows, figures)
    newest = rows[(of_file != "") & (of_file == rows["source"].map(counting))]
    for source, said in newest.groupby("source", sort=True):
        last = said.sort_values(["as_of", "file_sha"], kind="stable").iloc[-1]
        yield Counting(str(source), last["file_sha"], last["as_of"], frozenset(said["fee_id"].tolist()))
    before = last_days(figures)
    for source, sha, told in work.silent:
        day = told or work.today.isoformat()
        said_more = source in counting and counting[source] >= day
        kind = work.campus.campus.sources[source]
        lists_all = isinstance(kind, Report) and kind.lists == OPEN_NOW
        if lists_all and day >= before.get(source, "") and not said_more:
            yield Counting(source, sha, day, frozenset())


def _in_pieces(work: Work) -> set[str]:
    """The sources of which a file was kept back tonight, and no newer one has come since."""
    kept = [one.subject for one in work.findings if one.spoils_file and one.code != OVERTAKEN]
    return {file.feed for sha in kept if (file := work.ledger.file(sha)) is not None}


def _open(positions: pd.DataFrame, receipts: pd.DataFrame, source: str) -> pd.DataFrame:
    """The fees of a source that are not wholly paid by us."""
    import numpy as np

    mine = positions[positions["source"] == source].reset_index(drop=True)
    at = places(receipts, mine)
    paid = np.zeros(len(mine), dtype=np.int64)
    np.add.at(paid, at[at >= 0], receipts["cents"].to_numpy(dtype=np.int64)[at >= 0])
    return mine[mine["billed_cents"].to_numpy() > paid]


WHO = [*KEY, "patron_id_type", "patron_id", "original_cents"]


def _missing(report: Counting, owed: pd.DataFrame, held: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    due = pd.concat([owed[WHO], held[WHO]], ignore_index=True).drop_duplicates(KEY)
    due = due[~due["fee_id"].isin(report.mentioned)].reset_index(drop=True)
    return due.assign(file_sha=report.sha, as_of=report.day)


def _as_fees(rows: pd.DataFrame, currency: str) -> pd.DataFrame:
    said = {name: rows[name].tolist() for name in (*WHO, "file_sha", "as_of")}
    same = {"lists": OPEN_NOW, "content": ABSENT, "currency": currency, "amount_text": "0"}
    return tables.FEES.frame({**said, **{name: [word] * len(rows) for name, word in same.items()}})
