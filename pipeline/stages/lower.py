"""What lowers a debt: a reversal, a credit, or a question for staff; what raises one passes as a charge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.findings import Outcome
from pipeline.stages.beside import of_the_same
from pipeline.stages.codes import codes
from pipeline.stages.debts import AS_SENT, OF_THE_CHARGE, Debts
from pipeline.stages.judge import Judge, named_in, uncharged_of
from pipeline.stages.means import Lowering, means_of
from pipeline.stages.numbering import numbered

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.stages.means import Verdict

SAID = ("kind", "against", "undoes", "system")
ADDED = (*SAID[:3], *(name for name in AS_SENT if name not in tables.CHANGES.names))
"""The columns that this stage adds to tables.CHANGES."""

WHOLE = ("version", "movement", "amount_cents")


def lower(
    changes: pd.DataFrame,
    campus: Loaded,
    today: date,
    *,
    charges: pd.DataFrame,
    decisions: pd.DataFrame,
    held: pd.DataFrame,
) -> Outcome:
    """Make movements of tonight's changes (tables.CHANGES): a kind, whose debt they change, and what they undo.

    ``charges`` are what the ledger has charged for the fees that have changed and, where there is a credit, to their
    patrons (stages.known.charges), ``decisions`` what people said (ChargeBook.decisions), ``held`` fees that earlier
    steps of tonight held and that a credit may be for (stages.known.HELD).  What builds on an older charge carries it
    as sent; in a first charge the columns of ADDED that say so are "".  A fall that comes to several reversals makes
    as many rows; one that a report tells of by leaving the fee out takes fee type, owner, item and day from the charge.
    """
    rows = changes.reset_index(drop=True)
    new = rows["change"] == "new"
    first = rows if new.all() else rows[new]
    older = _in_order(rows[~new])
    # Only a credit may take something off another fee than its own.
    asked = charges if (older["change"] == "credit").any() else of_the_same(charges, [older])
    debts = Debts(asked.assign(credit_item_type=codes(asked, campus.campus, today)["credit_item_type"]))
    older = _as_charged(older, debts)
    uncharged = (uncharged_of(fees, older) for fees in (first, held))
    judge = Judge(Lowering(today, means_of(campus)), debts, named_in(decisions), *uncharged)
    changed = _records(older)
    verdicts = [judge.verdict(row) for row in changed]
    moving, replaced = _moving(older, changed, verdicts)
    return Outcome(_together(_first_charges(first), moving), _boxed(older, verdicts) | replaced)


def _in_order(older: pd.DataFrame) -> pd.DataFrame:
    """By fee, what has grown first, then by version: the same changes are judged alike, however they came."""
    grown = (older["change"] == "grown").to_numpy()
    order = ["source", "fee_id", "fall", "version"]
    return older.assign(fall=~grown).sort_values(order, kind="stable", ignore_index=True).drop(columns="fall")


def _as_charged(older: pd.DataFrame, debts: Debts) -> pd.DataFrame:
    """Fill what a change of a debt does not say in the words of its charge; a credit keeps its own."""
    silent = (older["fee_type"] == "") | (older["fee_date"] == "")
    blank = (older["change"] != "credit") & silent
    said = {name: older[name].tolist() for name in OF_THE_CHARGE}
    keys = zip(older["source"].tolist(), older["fee_id"].tolist(), blank.tolist(), strict=True)
    for place, (source, fee_id, empty) in enumerate(keys):
        debt = debts.get(source, fee_id) if empty else None
        for name, word in debt.says.items() if debt else ():
            said[name][place] = said[name][place] or word
    return _with(older, said)


def _first_charges(first: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    blank, charge = (pd.Series(word, index=first.index, dtype="str") for word in ("", "charge"))
    return first.assign(**(dict.fromkeys(ADDED, blank) | {"kind": charge, "against": first["fee_id"]}))


def _records(rows: pd.DataFrame) -> list[dict[Hashable, Any]]:
    """Rows one by one, read column by column: pandas' own records take ten times as long."""
    names = rows.columns.tolist()
    return [dict(zip(names, row, strict=True)) for row in zip(*(rows[name].tolist() for name in names), strict=True)]


def _moving(
    older: pd.DataFrame, changed: Sequence[dict[Hashable, Any]], verdicts: Sequence[Verdict]
) -> tuple[pd.DataFrame, dict[str, pd.DataFrame]]:
    """Give the rows of all lines, and the box of the versions that go out under others instead."""
    lines = [line for verdict in verdicts for line in verdict.lines]
    numbers = numbered(changed, [verdict.lines for verdict in verdicts])
    rows = older.loc[older.index.repeat([len(verdict.lines) for verdict in verdicts])].reset_index(drop=True)
    said = {name: [getattr(line, name) for line in lines] for name in SAID}
    sent = {name: [line.as_sent[name] for line in lines] for name in AS_SENT}
    passed = _with(rows, {**numbers.columns, **said, **sent})
    if not numbers.left:
        return passed, {}
    code, why = zip(*numbers.left.values(), strict=True)
    left = older.iloc[list(numbers.left)].reset_index(drop=True)
    return passed, {"withdrawn": _with(left, {"code": code, "why": why})}


def _boxed(older: pd.DataFrame, verdicts: Sequence[Verdict]) -> dict[str, pd.DataFrame]:
    boxes = {}
    for box in sorted({verdict.box for verdict in verdicts if verdict.box}):
        places = [place for place, verdict in enumerate(verdicts) if verdict.box == box]
        told = {name: [getattr(verdicts[place], name) for place in places] for name in ("code", "why")}
        boxes[box] = _with(older.iloc[places].reset_index(drop=True), told)
    return boxes


def _with(rows: pd.DataFrame, columns: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Put columns into rows, each value in its place."""
    import pandas as pd

    typed = {
        name: pd.Series(list(values), index=rows.index, dtype="int64" if name in WHOLE else "str")
        for name, values in columns.items()
    }
    return rows.assign(**typed)


def _together(first: pd.DataFrame, moving: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    if not len(moving):
        return first.reset_index(drop=True)
    return pd.concat([first, moving], ignore_index=True) if len(first) else moving
