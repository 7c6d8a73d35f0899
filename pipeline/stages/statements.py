"""What reports say: each fee once, by the newest report, in the place of what an earlier one said of it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.stages.beside import KEY, changes_a_debt, places, taken, words
from pipeline.stages.newest import OPEN_NOW, days_of_files, newest_days

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from pipeline.rules import Sorting

SAME = [*KEY, "content", "amount_cents", "original_cents"]
"""What two statements of one fee must both say to be the same."""


@dataclass(frozen=True)
class Known:
    """What the ledger knows: versions of fees, what is billed, the figures of earlier nights."""

    history: pd.DataFrame
    positions: pd.DataFrame
    figures: pd.DataFrame


def sort(rows: Sorting, reported: pd.Series[bool], known: Known) -> None:
    """Sort the statements of reports and number the new ones; a change found by an earlier night passes as it is.

    Overtaken statements are ``duplicate``.  One that the ledger holds comes back under its version if the report
    still says the same, else it is ``withdrawn``.  A fee that is said in two ways is held in both.
    """
    frame = rows.frame
    stated = reported.to_numpy(dtype=bool) & ~changes_a_debt(frame["content"])
    fresh = stated & (frame["known"] == "").to_numpy(dtype=bool)
    older = _overtaken(frame, fresh, known)
    rows.put("duplicate", older, "OLDER-REPORT", "fee {fee_id}: a newer report than that of {as_of} counts")
    current = fresh & ~older.to_numpy()
    again = _among(frame, current, frame.loc[current, SAME].duplicated())
    rows.put("duplicate", again, "SAME-AGAIN", "fee {fee_id} stands in tonight's reports more than once")
    current &= ~again.to_numpy()
    refused = _rejected(frame, current, known.history)
    rows.put("duplicate", refused, "REJECTED", "fee {fee_id}: a person has rejected this row")
    current &= ~refused.to_numpy()
    _number(frame, current, known)
    kept = _come_back(rows, stated & ~fresh, current)
    left = current | kept
    twice = _among(frame, left, frame.loc[left, KEY].duplicated(keep=False)) & (frame["fee_id"] != "")
    rows.hold(twice, "CONTENT-DIFFERS", "fee {fee_id} is said in more than one way")


def _among(frame: pd.DataFrame, some: npt.NDArray[np.bool_], hit: pd.Series[bool]) -> pd.Series[bool]:
    import pandas as pd

    whole = some.copy()
    whole[some] = hit.to_numpy(dtype=bool)
    return pd.Series(whole, index=frame.index)


def _rejected(frame: pd.DataFrame, current: npt.NDArray[np.bool_], history: pd.DataFrame) -> pd.Series[bool]:
    """Rows that no later step could set beside what was rejected, for they would be held before.

    They cannot be read, or stand beside another row of their fee: rejecting one of two ends the question.
    """
    import pandas as pd

    names = [*KEY, "content"]
    rejected = set(history.loc[history["state"] == "rejected", names].itertuples(index=False, name=None))
    beside = _among(frame, current, frame.loc[current, KEY].duplicated(keep=False))
    bad = current & ((frame["unreadable"] != "") | beside).to_numpy(dtype=bool)
    said = frame.loc[bad, names].itertuples(index=False, name=None)
    return _among(frame, bad, pd.Series([one in rejected for one in said], dtype="bool"))


def _overtaken(frame: pd.DataFrame, fresh: npt.NDArray[np.bool_], known: Known) -> pd.Series[bool]:
    """Rows of a report of open fees that is not the newest, and of a fee that a later report of new ones says too.

    That later report may be one of tonight's, or one from which the ledger has a version of the fee.
    """
    rows = frame.loc[fresh, [*KEY, "lists", "file_sha", "as_of"]]
    of_file, open_now = days_of_files(rows), rows["lists"] == OPEN_NOW
    newest = rows["source"].map(newest_days(rows, known.figures)).astype("str")
    by_report = open_now & (of_file != "") & (of_file < newest)
    several = ~open_now & rows.duplicated(KEY, keep=False)
    last = rows[several].groupby(KEY)["as_of"].transform("max").reindex(rows.index).fillna("")
    told = known.history.groupby(KEY)["as_of"].max().reset_index()
    before = words(told, "as_of", places(rows, told))
    by_fee = ~open_now & (rows["as_of"] != "") & (rows["as_of"].to_numpy(dtype=object) < before)
    return _among(frame, fresh, by_report | by_fee | (several & (rows["as_of"] < last)))


def _number(frame: pd.DataFrame, current: npt.NDArray[np.bool_], known: Known) -> None:
    """Give each new statement the version after the highest that the ledger knows of its fee."""
    import numpy as np
    import pandas as pd

    rows = frame.loc[current, KEY]
    told = known.history.groupby(KEY)["version"].max().reset_index()
    billed = taken(known.positions, "version", places(rows, known.positions), 0)
    highest = np.maximum(billed, taken(told, "version", places(rows, told), 0))
    version = frame["version"].to_numpy().copy()
    nth = rows.groupby(KEY).cumcount().to_numpy() if rows.duplicated().any() else 0
    version[current] = highest + 1 + nth
    frame["version"] = pd.Series(version, index=frame.index, dtype="int64")


def _come_back(rows: Sorting, pending: npt.NDArray[np.bool_], current: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Set what the ledger holds beside what is said tonight; give the rows of which tonight says nothing."""
    import numpy as np
    import pandas as pd

    frame = rows.frame
    held = np.flatnonzero(pending)
    near = np.flatnonzero(current & frame["fee_id"].isin(frame["fee_id"].array[held]).to_numpy())
    said: dict[tuple[str, str], dict[str, int]] = defaultdict(dict)
    for place, (source, fee_id, content) in zip(near, _columns(frame, near, "content"), strict=True):
        said[source, fee_id].setdefault(content, int(place))
    same, replaced = np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool)
    known, version = frame["known"].to_numpy(dtype=object).copy(), frame["version"].to_numpy().copy()
    for place, (source, fee_id, content) in zip(held, _columns(frame, held, "content"), strict=True):
        tonight = said.get((source, fee_id))
        if tonight is None:
            continue
        again = tonight.pop(content, None)
        same[place], replaced[place] = again is not None, again is None
        if again is not None:
            known[again], version[again] = "pending", version[place]
    frame["known"] = pd.Series(known, index=frame.index, dtype="str")
    frame["version"] = pd.Series(version, index=frame.index, dtype="int64")
    rows.put(
        "duplicate",
        pd.Series(same, dtype="bool"),
        "SAME-AGAIN",
        "fee {fee_id}: a report of tonight says the same again",
    )
    rows.put(
        "withdrawn",
        pd.Series(replaced, dtype="bool"),
        "CHANGE-REPLACED",
        "fee {fee_id}: its source says otherwise by now",
    )
    return pending & ~same & ~replaced


def _columns(frame: pd.DataFrame, at: npt.NDArray[np.intp], name: str) -> list[tuple[str, str, str]]:
    part = frame.iloc[at]
    return list(zip(part["source"].tolist(), part["fee_id"].tolist(), part[name].tolist(), strict=True))
