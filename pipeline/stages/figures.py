"""The figures of a night, kept so that later nights can be compared with it."""

from __future__ import annotations

import hashlib
import re
import string
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.money import Tally, total
from pipeline.ports.ledger import Figure
from pipeline.stages.review import kept_back

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

    from pipeline.flow.runner import Work

LOOK_BACK = 400
"""So many days back a night is compared with: the same week of last year lies among them."""

STOPPED = "OUTPUT-STOPPED"
"""What waits for a yes is counted in the night that sends it."""

MARKED, SHOWN = ("source", "fee_id", "patron_id", "fee_type", "kind", "amount_cents"), 8
"""By what rows are told from others where a person is asked about them, and how many letters of that people see."""

DRAWN = str.maketrans({**dict.fromkeys(string.digits, "9"), **dict.fromkeys(string.ascii_letters, "A")})
WORD = re.compile("A{2,}", re.ASCII)


def of(work: Work) -> Sequence[Figure]:
    """Give the figures of a night whose files are made and not yet entered; money counts whichever way it goes.

    A night without anything to send is a night too; a system whose output was stopped had none.
    """
    held = work.box("held")
    new = work.rows[~work.rows["carried"]]
    return (*_sent(work, new, held), *_held(held), *_read(work))


def earlier(work: Work) -> pd.DataFrame:
    """Give the figures of earlier nights, and a line "approved" for every name that a person approves for this run."""
    import pandas as pd

    known = work.ledger.figures(work.today - timedelta(days=LOOK_BACK))
    names = sorted(work.approved)
    tonight = pd.DataFrame(
        {
            "business_date": pd.Series([work.today.isoformat()] * len(names), dtype="str"),
            "scope": pd.Series(names, dtype="str"),
            "what": pd.Series(["approved"] * len(names), dtype="str"),
            "count": pd.Series([1] * len(names), dtype="int64"),
            "cents": pd.Series([0] * len(names), dtype="int64"),
        }
    )
    return pd.concat([known, tonight], ignore_index=True) if len(known) else tonight


def picture(patron_id: str) -> str:
    """Draw an id: 9 for a digit, A for a word of letters however long, every other sign as it stands.

    A lost digit shows; a user name of another length is no news.
    """
    return WORD.sub("A", patron_id.translate(DRAWN))


def moved(frame: pd.DataFrame) -> Tally:
    """Count rows and the cents that they move, up or down."""
    return Tally(len(frame), int(frame["amount_cents"].abs().sum()))


def rows_told(frame: pd.DataFrame) -> str:
    """Count rows and what they move, with a mark of which they are: ``2 rows, 13000.00; rows 3f9a12bc``.

    The same fees have the same mark on every night: it knows nothing of their day, their file or their version.
    """
    columns = (frame[name].astype("str").tolist() for name in MARKED)
    rows = sorted("\x1f".join(row).casefold() for row in zip(*columns, strict=True))
    mark = hashlib.sha256("\x1e".join(rows).encode()).hexdigest()[:SHOWN]
    return f"{moved(frame)}; rows {mark}"


def _sent(work: Work, rows: pd.DataFrame, held: pd.DataFrame | None) -> Iterator[Figure]:
    stopped = kept_back(work.findings, work.campus)
    stopped |= set() if held is None else set(_text(held, "system")[held["code"] == STOPPED])
    for system in sorted(set(work.campus.campus.systems) - stopped):
        mine = rows[rows["system"] == system]
        yield _figure(system, "sent", moved(mine))
        if not len(mine):
            continue
        yield Figure(system, "largest", 1, int(mine["amount_cents"].abs().max()))
        yield from _each(system, "type:", mine["fee_type"].tolist(), mine)
        yield from _each(system, "shape:", [picture(one) for one in mine["patron_id"].tolist()], mine)


def _each(system: str, what: str, words: list[str], rows: pd.DataFrame) -> Iterator[Figure]:
    """Count and add up by a word that is said of each row."""
    found: dict[str, Tally] = {}
    for word, worth in zip(words, rows["amount_cents"].abs().tolist(), strict=True):
        found[word] = found.get(word, Tally()) + Tally(1, worth)
    for word in sorted(found):
        yield _figure(system, what + word, found[word])


def _held(held: pd.DataFrame | None) -> Iterator[Figure]:
    for system, tally in held_tonight(held).items():
        yield _figure(system, "held", tally)


def held_tonight(held: pd.DataFrame | None) -> dict[str, Tally]:
    """Count, per system, what was held tonight for the first time; under "" what had no system yet."""
    return {} if held is None else _by_system(held[_text(held, "known") == ""])


def held_beside(system: str, held: pd.DataFrame | None, known: pd.DataFrame) -> Tally:
    """Count what was held of a system since its output went last, tonight and while it waits, and is held still.

    Of rows that earlier nights held nobody knows here in which: no more of them count than ``known``, the figures of
    nights, say since then.  What had no system yet counts for each.  A night that sent nothing let nothing go.
    """
    if held is None:
        return Tally()
    scopes = ("", system)
    before = _by_system(held[_text(held, "known") != ""])
    still = total(before.get(scope, Tally()) for scope in scopes)
    sent = ((known["scope"] == system) & (known["what"] == "sent") & (known["count"] > 0)).to_numpy(dtype=bool)
    since = known[~sent[::-1].cumsum()[::-1].astype(bool)]  # each run's own sums come before what it sent
    mine = since[since["scope"].isin(scopes) & (since["what"] == "held")]
    then = Tally(int(mine["count"].sum()), int(mine["cents"].sum()))
    tonight = total(held_tonight(held).get(scope, Tally()) for scope in scopes)
    return tonight + Tally(min(still.count, then.count), min(still.cents, then.cents))


def _by_system(held: pd.DataFrame) -> dict[str, Tally]:
    kept = held[held["code"] != STOPPED]
    return {str(system): moved(part) for system, part in kept.groupby(_text(kept, "system"), sort=True)}


def _text(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    """Give a column; blank where the rows were boxed by a stage that did not know it yet."""
    import pandas as pd

    blank = pd.Series("", index=frame.index, dtype="str")
    return frame[name].astype("str").where(frame[name].notna(), "") if name in frame.columns else blank


def _read(work: Work) -> Iterator[Figure]:
    """Give what each source said; a report older than the last one processed is no measure."""
    known = work.ledger.figures(work.today - timedelta(days=LOOK_BACK))
    last = known[known["what"] == "as_of"].groupby("scope")["count"].max()
    for source, tally in sorted(work.read_by_source.items()):
        day = work.as_of.get(source, "")
        ordinal = date.fromisoformat(day).toordinal() if day else 0
        if day and ordinal < int(last.get(source, 0)):
            continue
        yield _figure(source, "read", tally)
        if day:
            yield Figure(source, "as_of", ordinal, 0)


def _figure(scope: str, what: str, tally: Tally) -> Figure:
    return Figure(scope, what, tally.count, tally.cents)
