"""What the ledger is asked before a step thinks: frozen tables, by name."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.campus.sources import Report
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from pipeline.ports.ledger import PaymentState
from pipeline.stages import closing, tasked
from pipeline.stages.absent import absent
from pipeline.stages.beside import KEY, places, taken
from pipeline.stages.duties import LOOK, UNPAY
from pipeline.stages.on_record import on_record
from pipeline.stages.people import people
from pipeline.stages.question import yes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Mapping

    import pandas as pd

    from pipeline.flow.runner import Work

LOOK_BACK = timedelta(days=400)
"""Figures reach over a year, so that a night can be set beside the same week of the last one."""

FOR_EVER = date(2000, 1, 1)
"""A fee may continue a charge of any age."""


def figures(work: Work) -> pd.DataFrame:
    """Give the figures of earlier nights, and a line "approved" for every name that a person approves for this run."""
    import pandas as pd

    known = work.ledger.figures(work.today - LOOK_BACK)
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
        return _together([book.positions(source), book.continuing(source)])

    return _kept(work, "positions", lambda: _of_reports(work, of))


def receipts(work: Work) -> pd.DataFrame:
    """Give our payments of these fees that Alma knows of, or may; and what else came off those that continue a debt."""
    book = work.ledger

    def of(source: str) -> pd.DataFrame:
        return _together([book.receipts(source), book.came_off_continuing(source)])

    return _kept(work, "receipts", lambda: _of_reports(work, of))


def missing(work: Work) -> pd.DataFrame:
    """Give the fees that tonight's reports of open fees should mention, and do not."""
    return _kept(work, "absent", lambda: absent(work, positions(work), receipts(work), figures(work), pending(work)))


def charges(work: Work) -> pd.DataFrame:
    """Give what was ever charged for the fees that change; if there are credits, to all of these patrons.

    And to those of the fees that people named for these credits: a patron may have had another id then.  Only a credit
    may be for another fee than its own, so a night without one is spared the other fees of its patrons.
    """
    changed = work.rows[work.rows["change"] != "new"]
    if len(changed) and not (changed["change"] == "credit").any():
        fees = changed.groupby("source")["fee_id"]
        return _together(work.ledger.charges_of_fees(str(source), ids.tolist()) for source, ids in fees)
    return work.ledger.charges_of(sorted({*_patrons(changed), *_patrons_named(work, changed)}))


def _patrons_named(work: Work, changed: pd.DataFrame) -> set[str]:
    decided = work.ledger.decisions()
    named = decided[(decided["against"] != "") & decided["fee_id"].isin(changed["fee_id"])]
    patrons: set[str] = set()
    for source, fees in named.groupby("source"):
        billed = work.ledger.positions(str(source))
        patrons.update(billed.loc[billed["fee_id"].isin(fees["against"]), "patron_id"].tolist())
    return patrons


HELD = tables.Table(
    "fees held before tonight's debts are lowered",
    tuple(
        column
        for column in tables.FEES.columns
        if column.name in {"source", "patron_id_type", "patron_id", "fee_id", "amount_cents", "barcode", "title_hash"}
    ),
)


def held(work: Work) -> pd.DataFrame:
    """Give what tonight's steps have held so far and would be charged else; what cannot be read says no amount."""
    boxed = work.box("held")
    if boxed is None or "amount_cents" not in boxed.columns:
        return HELD.empty()
    owed: pd.DataFrame = boxed.loc[boxed["amount_cents"] > 0, list(HELD.names)]
    return owed.astype({column.name: column.dtype for column in HELD.columns}).reset_index(drop=True)


def recent(work: Work) -> pd.DataFrame:
    """Give what was ever charged to the patrons of tonight's new debts, and of those that are lowered.

    Where the bursar is told other ids than Alma has, one person may stand in the ledger under several of Alma's.
    """
    rows = work.rows
    mine = rows[(rows["kind"] != "charge") | (rows["movement"] == 1)]
    patrons = _patrons(mine)
    if any(system.ids for system in work.campus.campus.systems.values()):
        patrons += work.ledger.patrons_told(mine["bursar_id"].drop_duplicates().tolist())
    known = work.ledger.recent(patrons, FOR_EVER)
    deltas = [name for name in work.campus.campus.systems if not _replaces(work, name)]
    return _going_out(known, [work.ledger.given_up(name) for name in deltas], work.today)


def _going_out(recent: pd.DataFrame, given_up: Iterable[pd.DataFrame], today: date) -> pd.DataFrame:
    """Date those in no file by tonight's, if that sends them again; what no file will bear is left out."""
    import pandas as pd

    again = {key for frame in given_up for key in zip(*(frame[name].tolist() for name in KEY), strict=True)}
    of = zip(*(recent[name].tolist() for name in KEY), strict=True)
    unsent = recent["sent_on"] == ""
    tonight = unsent & pd.Series([one in again for one in of], index=recent.index, dtype="bool")
    dated = recent.assign(sent_on=recent["sent_on"].mask(tonight, today.isoformat()))
    return dated[~unsent | tonight].reset_index(drop=True)


def elsewhere(work: Work) -> pd.DataFrame:
    """Give the fees that bear the ids of tonight's new debts and were charged, or continue a charge, by other sources.

    A bursar knows a debt by its id alone, whoever is said to owe it.
    """
    new = work.rows[(work.rows["kind"] == "charge") & (work.rows["movement"] == 1)]
    asked = [
        work.ledger.known_fees(name, new.loc[new["source"] != name, "fee_id"].drop_duplicates().tolist())
        for name in work.campus.campus.sources
    ]
    known = _together(asked)
    return known[known["state"].isin(("charged", "continued"))]


def tasks(work: Work) -> pd.DataFrame:
    """Give the fees that staff are to enter anew because money went back, or may be (stages.tasked.COLUMNS).

    Where comments are not read, also those that they have entered: no mark will ever tell which they are.
    """
    import pandas as pd

    unmarked = [name for name, source in work.campus.campus.sources.items() if not source.marks]
    looks = [task for task in closing.open_tasks(work.ledger, LOOK) if task.fee_id]
    asked = [*closing.open_tasks(work.ledger, UNPAY), *looks, *closing.entered(work.ledger, unmarked, work.today)]
    kinds = {name: "int64" if name == "cents" else "str" for name in tasked.COLUMNS}
    return pd.DataFrame(
        {name: pd.Series([getattr(task, name) for task in asked], dtype=kind) for name, kind in kinds.items()}
    )


def _patrons(rows: pd.DataFrame) -> list[str]:
    return sorted(set(rows["patron_id"].tolist()))


def standing(work: Work) -> pd.DataFrame:
    """Say what each system's files depend on tonight.

    ``snapshot``: whether its files replace each other; ``unsent``: its newest snapshot never arrived; ``unread``: not
    all its payments could be read; ``yes``: a person's yes (stages.question.Yes); ``was``: the scope of its newest
    file, "" if it has none; ``owed``, ``owed_cents``: what is outstanding there, if its files have another scope now.
    """
    import pandas as pd

    systems = sorted(work.campus.campus.systems)
    unread = _unread(work, systems)
    unsent = {upload.batch.system for upload in work.ledger.uploads() if upload.batch.scope == "snapshot"}
    was = [work.ledger.last_scope(name) for name in systems]
    owed = [_owed_otherwise(work, name, scope) for name, scope in zip(systems, was, strict=True)]
    return pd.DataFrame(
        {
            "system": pd.Series(systems, dtype="str"),
            "snapshot": pd.Series([_replaces(work, name) for name in systems], dtype="bool"),
            "unsent": pd.Series([name in unsent for name in systems], dtype="bool"),
            "unread": pd.Series([name in unread for name in systems], dtype="bool"),
            "yes": pd.Series([yes_of(work, name) for name in systems], dtype="object"),
            "was": pd.Series(was, dtype="str"),
            "owed": pd.Series([one.count for one in owed], dtype="int64"),
            "owed_cents": pd.Series([one.cents for one in owed], dtype="int64"),
        }
    )


def _unread(work: Work, systems: Collection[str]) -> set[str]:
    """Give the systems of which money may have come that does not count as paid yet.

    It was not all read tonight, or by an earlier run that stopped: files wait to be read, or payments to be matched.
    """
    if any(desk.stopped and desk.name == "PAYMENTS_IN" for desk in work.before):
        return set(systems)
    unread = {system for desk in work.before for system in desk.unread}
    unread |= {file.feed for file in work.ledger.files_in("payments", "archived")}
    received = work.ledger.payments_in(PaymentState.RECEIVED)
    return unread | {one.system for one in received if one.kind == "sale" and one.cents > 0}


def _owed_otherwise(work: Work, system: str, was: str) -> Tally:
    """Add up what is outstanding at a system whose files had another scope up to now; nothing at any other."""
    if was in ("", "snapshot" if _replaces(work, system) else "delta"):
        return Tally()
    return tables.tally(work.ledger.open_items(system, ()))


def _replaces(work: Work, system: str) -> bool:
    return layouts.load(work.campus.campus.systems[system].layout, work.campus.folder).scope == "snapshot"


def _repeated(work: Work, system: str) -> pd.DataFrame:
    """All that is owed, for files that repeat that; a file that says what is new repeats what was given up unsent."""
    if not _replaces(work, system):
        return work.ledger.given_up(system)
    layout = layouts.load(work.campus.campus.systems[system].layout, work.campus.folder)
    return work.ledger.open_items(system, layout.sources)


def _each_system(ask: Callable[[Work, str], pd.DataFrame]) -> Callable[[Work], pd.DataFrame]:
    def every(work: Work) -> pd.DataFrame:
        names = work.campus.campus.systems
        return _together(ask(work, name).assign(system=name).astype({"system": "str"}) for name in names)

    return every


def _kept(work: Work, name: str, ask: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """Ask once a night: nothing is entered in the ledger between the steps that want this."""
    if name not in work.kept:
        work.kept[name] = ask()
    return work.kept[name]


def _of_reports(work: Work, ask: Callable[[str], pd.DataFrame]) -> pd.DataFrame:
    """Ask of every source that is a report; of the first source of all, which has none, for the columns alone."""
    sources = work.campus.campus.sources
    reports = [name for name, source in sources.items() if isinstance(source, Report)]
    return _together(ask(name) for name in reports or [next(iter(sources))]).iloc[: None if reports else 0]


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
    return _together(asked or [work.ledger.known_fees("", [])])


def _together(frames: Iterable[pd.DataFrame]) -> pd.DataFrame:
    import pandas as pd

    given = list(frames)
    return pd.concat([frame for frame in given if len(frame)] or given[:1], ignore_index=True)


KNOWN: Mapping[str, Callable[[Work], pd.DataFrame]] = {
    "figures": figures,
    "pending": pending,
    "history": history,
    "absent": missing,
    "positions": positions,
    "receipts": receipts,
    "charges": charges,
    "held": held,
    "decisions": lambda work: work.ledger.decisions(),
    "people": people,
    "recent": recent,
    "elsewhere": elsewhere,
    "repeated": _each_system(_repeated),
    "last_snapshots": _each_system(lambda work, system: work.ledger.last_snapshot(system)),
    "standing": standing,
    "tasks": tasks,
    "on_record": on_record,
}
"""The ledger tables that thinking stages may ask for."""
