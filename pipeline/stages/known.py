"""What the ledger is asked before a step thinks: frozen tables, by name."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.stages import closing, figures, known_fees, system_files, tasked
from pipeline.stages.beside import KEY
from pipeline.stages.duties import LOOK, UNPAY
from pipeline.stages.on_record import on_record
from pipeline.stages.people import people
from pipeline.stages.together import together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import pandas as pd

    from pipeline.flow.runner import Work

FOR_EVER = date(2000, 1, 1)
"""A fee may continue a charge of any age."""


def charges(work: Work) -> pd.DataFrame:
    """Give what was ever charged for the fees that change; if there are credits, to all of these patrons.

    And to those of the fees that people named for these credits: a patron may have had another id then.  Only a credit
    may be for another fee than its own, so a night without one is spared the other fees of its patrons.
    """
    changed = work.rows[work.rows["change"] != "new"]
    if len(changed) and not (changed["change"] == "credit").any():
        fees = changed.groupby("source")["fee_id"]
        return together(work.ledger.charges_of_fees(str(source), ids.tolist()) for source, ids in fees)
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
    deltas = [name for name in work.campus.campus.systems if not system_files.replaces(work, name)]
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
    known = together(asked)
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


KNOWN: Mapping[str, Callable[[Work], pd.DataFrame]] = {
    "figures": figures.earlier,
    "pending": known_fees.pending,
    "history": known_fees.history,
    "absent": known_fees.missing,
    "positions": known_fees.positions,
    "receipts": known_fees.receipts,
    "charges": charges,
    "held": held,
    "decisions": lambda work: work.ledger.decisions(),
    "people": people,
    "recent": recent,
    "elsewhere": elsewhere,
    "repeated": system_files.repeated,
    "last_snapshots": system_files.last_snapshots,
    "standing": system_files.standing,
    "tasks": tasks,
    "on_record": on_record,
}
"""The ledger tables that thinking stages may ask for."""
