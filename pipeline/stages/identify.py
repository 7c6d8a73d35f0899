"""Set tonight's fees beside the ledger: what comes back, what we already have, and what contradicts itself."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

KEY = ["source", "fee_id"]


def identify(
    fees: pd.DataFrame,
    campus: Loaded,  # noqa: ARG001 - every stage has this form
    today: date,  # noqa: ARG001
    *,
    pending: pd.DataFrame,
    history: pd.DataFrame,
) -> Outcome:
    """Give every fee its version; box repetitions, hold contradictions.

    ``fees`` are tables.IDENTIFIABLE, ``pending`` the ledger's held and waiting fees (tables.FEES), ``history`` every
    version the ledger knows of tonight's fee ids.  A row that says what the ledger or an earlier row says is
    ``duplicate``; when two rows of one fee id differ, every version that is not yet sent is held.
    """
    import pandas as pd

    together = pd.concat([pending[list(tables.FEES.names)], _as_fees(fees)], ignore_index=True)
    rows = Sorting(_with_versions(together, history))
    said = rows.frame[[*KEY, "content"]]
    known = said.merge(history[[*KEY, "content", "state"]], on=[*KEY, "content"], how="left")["state"].fillna("")
    fresh = rows.frame["known"] == ""
    rows.frame["ledger_state"] = known.astype("str")
    rows.put(
        "duplicate", fresh & (known != ""), "SAME-AGAIN", "fee {fee_id}: the ledger has it already: {ledger_state}"
    )
    again = said.duplicated()
    rows.put("duplicate", fresh & again, "SAME-AGAIN", "fee {fee_id} stands in tonight's files more than once")
    rows.hold(_contradicted(said, history), "CONTENT-DIFFERS", "fee {fee_id} is said in more than one way")
    outcome = rows.outcome()
    return type(outcome)(
        tables.checked(outcome.passed.drop(columns="ledger_state"), tables.FEES, "identify"),
        {box: frame.drop(columns="ledger_state") for box, frame in outcome.boxes.items()},
    )


def _as_fees(fees: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return fees.assign(
        version=pd.Series(0, index=fees.index, dtype="int64"),
        fee_date=pd.Series("", index=fees.index, dtype="str"),
        known=pd.Series("", index=fees.index, dtype="str"),
    )


def _with_versions(fees: pd.DataFrame, history: pd.DataFrame) -> pd.DataFrame:
    """A content not seen before gets the next number of its fee; the same content the same number."""
    said = fees[[*KEY, "content"]]
    highest = history.groupby(KEY)["version"].max().rename("_highest").reset_index()
    known = said.merge(highest, on=KEY, how="left")["_highest"].fillna(0).astype("int64")
    seen = history[[*KEY, "content", "version"]].rename(columns={"version": "_seen"})
    have = said.merge(seen, on=[*KEY, "content"], how="left")["_seen"].fillna(0).astype("int64")
    new = said[have.to_numpy() == 0].drop_duplicates([*KEY, "content"])
    nth = (new.groupby(KEY).cumcount() + 1).rename("_nth")
    numbered = said.merge(new.assign(_nth=nth), on=[*KEY, "content"], how="left")["_nth"]
    version = have.where(have > 0, known + numbered.fillna(0).astype("int64"))
    return fees.assign(version=version.to_numpy())


def _contradicted(said: pd.DataFrame, history: pd.DataFrame) -> pd.Series[bool]:
    import pandas as pd

    told = pd.concat([said, history.loc[history["state"] != "rejected", [*KEY, "content"]]])
    ways = told.drop_duplicates().groupby(KEY).size().rename("_ways").reset_index()
    return said.merge(ways, on=KEY, how="left")["_ways"].fillna(1) > 1
