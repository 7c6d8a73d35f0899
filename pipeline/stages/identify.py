"""Set tonight's fees beside the ledger: what comes back, what we already have, and what contradicts itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.rules import Sorting
from pipeline.stages import statements
from pipeline.stages.beside import KEY

if TYPE_CHECKING:
    from datetime import date

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome


def identify(  # noqa: PLR0913 - a stage is given each ledger table by name
    fees: pd.DataFrame,
    campus: Loaded,  # noqa: ARG001 - every stage has this form
    today: date,  # noqa: ARG001
    *,
    pending: pd.DataFrame,
    absent: pd.DataFrame,
    history: pd.DataFrame,
    positions: pd.DataFrame,
    figures: pd.DataFrame,
) -> Outcome:
    """Give every fee its version; box repetitions and what is overtaken, hold contradictions.

    ``fees`` are tables.IDENTIFIABLE, ``pending`` the ledger's held and waiting fees and ``absent`` what tonight's
    reports should mention and do not (both tables.FEES), ``history`` the versions that the ledger knows of tonight's
    fee ids, ``positions`` what it has billed, ``figures`` those of earlier nights.  An export says a fee once: a row
    that says what the ledger or an earlier row says is ``duplicate``, and when two rows of one fee id differ, every
    version that is not yet sent is held.  A report says a fee every night: its newest statement counts.
    """
    import pandas as pd

    parts = [pending[list(tables.FEES.names)], _as_fees(fees), absent[list(tables.FEES.names)]]
    together = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    rows = Sorting(together)
    export = rows.frame["lists"] == "export"
    _exported(rows, export, history)
    if not export.all():
        statements.sort(rows, ~export, statements.Known(history, positions, figures))
    outcome = rows.outcome()
    tables.checked(outcome.passed, tables.FEES, "identify")
    return outcome


def _as_fees(fees: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return fees.assign(
        version=pd.Series(0, index=fees.index, dtype="int64"),
        fee_date=pd.Series("", index=fees.index, dtype="str"),
        known=pd.Series("", index=fees.index, dtype="str"),
    )


def _exported(rows: Sorting, export: pd.Series[bool], history: pd.DataFrame) -> None:
    """Sort the rows of exports, and leave all others alone."""
    import pandas as pd

    said = rows.frame.loc[export, [*KEY, "content"]]
    if not len(said):
        return
    version = rows.frame["version"].to_numpy().copy()
    version[export.to_numpy()] = _versions(said, history)
    rows.frame["version"] = pd.Series(version, dtype="int64")
    known = said.merge(history[[*KEY, "content", "state"]], on=[*KEY, "content"], how="left")["state"].fillna("")
    fresh = rows.frame["known"] == ""
    for state in sorted(set(known) - {""}):
        again = _everywhere(rows, said, (known == state).to_numpy())
        why = f"fee {{fee_id}}: the ledger has it already: {state}"
        rows.put("duplicate", fresh & again, "SAME-AGAIN", why)
    again = _everywhere(rows, said, said.duplicated().to_numpy())
    rows.put("duplicate", fresh & again, "SAME-AGAIN", "fee {fee_id} stands in tonight's files more than once")
    contradicted = _everywhere(rows, said, _contradicted(said, history).to_numpy())
    rows.hold(contradicted, "CONTENT-DIFFERS", "fee {fee_id} is said in more than one way")


def _everywhere(rows: Sorting, some: pd.DataFrame, hit: npt.NDArray[np.bool_]) -> pd.Series[bool]:
    """Stretch what is said of some rows over the whole table, where the others are not hit."""
    import numpy as np
    import pandas as pd

    whole = np.zeros(len(rows.frame), dtype=bool)
    whole[some.index] = hit
    return pd.Series(whole, index=rows.frame.index, dtype="bool")


def _versions(said: pd.DataFrame, history: pd.DataFrame) -> object:
    """A content not seen before gets the next number of its fee; the same content the same number."""
    highest = history.groupby(KEY)["version"].max().rename("_highest").reset_index()
    known = said.merge(highest, on=KEY, how="left")["_highest"].fillna(0).astype("int64")
    seen = history[[*KEY, "content", "version"]].rename(columns={"version": "_seen"})
    have = said.merge(seen, on=[*KEY, "content"], how="left")["_seen"].fillna(0).astype("int64")
    new = said[have.to_numpy() == 0].drop_duplicates([*KEY, "content"])
    nth = (new.groupby(KEY).cumcount() + 1).rename("_nth")
    numbered = said.merge(new.assign(_nth=nth), on=[*KEY, "content"], how="left")["_nth"]
    return have.where(have > 0, known + numbered.fillna(0).astype("int64")).to_numpy()


def _contradicted(said: pd.DataFrame, history: pd.DataFrame) -> pd.Series[bool]:
    import pandas as pd

    told = pd.concat([said, history.loc[history["state"] != "rejected", [*KEY, "content"]]])
    ways = told.drop_duplicates().groupby(KEY).size().rename("_ways").reset_index()
    return said.merge(ways, on=KEY, how="left")["_ways"].fillna(1) > 1
