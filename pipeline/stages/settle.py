"""Which of tonight's changes are news, and what becomes of those that earlier nights have found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.rules import Sorting
from pipeline.stages import continuing
from pipeline.stages.beside import KEY, changes_a_debt, of_the_same, places, taken, words
from pipeline.stages.moved import moved

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from pipeline.findings import Outcome

AT_REST = ("rejected", "excluded", "charged")
"""States of a version that ends the matter: saying the same again changes nothing."""


@dataclass(frozen=True)
class Known:
    """What the ledger knows: what is billed, versions of fees, and what people decided."""

    positions: pd.DataFrame
    history: pd.DataFrame
    decisions: pd.DataFrame


@dataclass(frozen=True)
class News:
    """Changes that pass on (tables.CHANGES), and the boxes of the others."""

    passed: pd.DataFrame
    boxes: Sequence[tuple[str, pd.DataFrame]]


def settle(changed: pd.DataFrame, earlier: pd.DataFrame, known: Known, stated: pd.DataFrame) -> News:
    """Sort tonight's changes (``changed``) and those that the ledger holds (``earlier``, tables.FEES).

    ``stated`` are tonight's statements: one of a fee takes the place of every earlier change of that fee.  If it comes
    to the same change, that keeps its version; else the earlier one is ``withdrawn``.
    """
    said = of_the_same(stated, [earlier]).drop_duplicates(KEY)
    same, answered = _the_same(changed, earlier), places(earlier, said) >= 0
    old = Sorting(_as_changes(earlier, known.positions))
    again = _flags(old.frame, list(same.values()))
    old.put("duplicate", again, "SAME-CHANGE", "fee {fee_id}: tonight's report comes to the same")
    old.put("withdrawn", again | answered, "CHANGE-REPLACED", "fee {fee_id}: its source says otherwise by now")
    tonight = Sorting(_under_their_versions(changed, earlier, same))
    state = _states(tonight.frame, known.history)
    for rest in AT_REST:
        code = "REJECTED" if rest == "rejected" else "SAME-AGAIN"
        tonight.put("duplicate", state == rest, code, f"fee {{fee_id}}: the ledger has this already: {rest}")
    for rows in (tonight, old):
        continuing.hold(rows, known.positions)
        _hold(rows, known)
    outcomes = [tonight.outcome(), old.outcome()]
    return News(_passing(outcomes, known.positions), [box for one in outcomes for box in one.boxes.items()])


def _the_same(changed: pd.DataFrame, earlier: pd.DataFrame) -> dict[int, int]:
    """Pair tonight's changes with earlier ones: their places, by fee, fingerprint and amount."""
    if not len(earlier):
        return {}
    names = [*KEY, "content", "amount_cents"]
    held = {one: place for place, one in reversed(list(enumerate(earlier[names].itertuples(index=False, name=None))))}
    rows = enumerate(changed[names].itertuples(index=False, name=None))
    return {place: held[one] for place, one in rows if one in held}


def _under_their_versions(changed: pd.DataFrame, earlier: pd.DataFrame, same: dict[int, int]) -> pd.DataFrame:
    import pandas as pd

    version, known = changed["version"].to_numpy().copy(), changed["known"].to_numpy(dtype=object).copy()
    for tonight, before in same.items():
        version[tonight], known[tonight] = earlier["version"].iloc[before], "pending"
    return changed.assign(version=version, known=pd.Series(known, index=changed.index, dtype="str"))


def _as_changes(earlier: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    """Say of a change that the ledger holds what it is, by its fingerprint, and which movement it would be now."""
    import pandas as pd

    place = places(earlier, positions)
    nth = earlier.groupby(KEY).cumcount().to_numpy() + 1 if len(earlier) else 1
    return earlier.assign(
        change=earlier["content"].str.split(":").str[0].astype("str"),
        movement=taken(positions, "movement", place, 0) + nth,
        system=pd.Series(words(positions, "system", place), index=earlier.index, dtype="str"),
        asked=pd.Series("", index=earlier.index, dtype="str"),
    ).astype({"movement": "int64"})


def _flags(frame: pd.DataFrame, at: Sequence[int]) -> pd.Series[bool]:
    import numpy as np
    import pandas as pd

    hit = np.zeros(len(frame), dtype=bool)
    hit[list(at)] = True
    return pd.Series(hit, index=frame.index, dtype="bool")


def open_again(unchanged: pd.DataFrame, history: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Take out of the unchanged statements those that end a rejection; give both parts with their boxes.

    A person rejected that a billed fee had fallen or was gone, and a report shows it as billed again: if it falls once
    more, that is news.  So the statement becomes a version, worth nothing, and the rejected one is the newest no more.
    """
    import pandas as pd

    newest = history.sort_values("version", kind="stable").drop_duplicates(KEY, keep="last")
    rejected = newest[(newest["state"] == "rejected") & changes_a_debt(newest["content"])]
    if not len(rejected):
        return [("unchanged", unchanged)]
    shown = unchanged["code"].isin(("SAME", "EXPLAINED", "CONTINUED")) & (unchanged["amount_cents"] > 0)
    seen = shown.to_numpy(dtype=bool) & (places(unchanged, rejected) >= 0)
    again = unchanged[seen].reset_index(drop=True)
    why = again["fee_id"].map("fee {}: a report shows it as billed, after a change of it was rejected".format)
    told = {"code": pd.Series("REJECTION-OVER", index=again.index, dtype="str"), "why": why.astype("str")}
    again = again.assign(amount_cents=pd.Series(0, index=again.index, dtype="int64"), **told)
    return [("unchanged", unchanged[~seen].reset_index(drop=True)), ("withdrawn", again)]


def _states(rows: pd.DataFrame, history: pd.DataFrame) -> pd.Series[str]:
    """The state of a version of the same fee that says the same, if it is at rest.

    A rejected change of a debt rests until the ledger has a newer version of its fee.
    """
    newest = history.groupby(KEY)["version"].transform("max")
    over = (history["state"] == "rejected") & changes_a_debt(history["content"]) & (history["version"] < newest)
    resting = history[history["state"].isin(AT_REST) & ~over]
    names = [*KEY, "content"]
    known = resting.drop_duplicates(names, keep="last")[[*names, "state"]]
    return rows[names].merge(known, on=names, how="left")["state"].fillna("").astype("str")


def _hold(rows: Sorting, known: Known) -> None:
    """Keep back what only a person can judge, unless one has said yes to it."""
    frame = rows.frame

    def unanswered(code: str) -> pd.Series[bool]:
        return ~agreed(frame, known.decisions, code)

    why = "fee {fee_id}: a report says that less than nothing is open"
    rows.hold(frame["change"] == "negative", "REPORT-NEGATIVE", why)
    rise = (frame["change"] == "rise") & unanswered("RISE-UNEXPLAINED")
    rows.hold(
        rise, "RISE-UNEXPLAINED", "fee {fee_id}: more is open than was billed, and its original amount is the same"
    )
    again = (frame["change"] == "new") & _rejected_before(frame, known.history) & unanswered("REJECTED-BEFORE")
    rows.hold(
        again, "REJECTED-BEFORE", "fee {fee_id}: a person rejected it as it was; the report says otherwise by now"
    )
    others = unanswered("MOVED") & moved(frame, known.positions, places(frame, known.positions))
    rows.hold(others, "MOVED", "fee {fee_id}: charged to another patron's id than the report names now")


def _rejected_before(rows: pd.DataFrame, history: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether an older version was rejected; who rejected a newer one, of two that were held, has let this one be."""
    rejected = history[history["state"] == "rejected"].sort_values("version", kind="stable").drop_duplicates(KEY)
    at = places(rows, rejected)
    before: npt.NDArray[np.bool_] = (at >= 0) & (taken(rejected, "version", at, 0) < rows["version"].to_numpy())
    return before


def agreed(rows: pd.DataFrame, decisions: pd.DataFrame, *codes: str) -> pd.Series[bool]:
    """Say of every row whether a person has said yes to this very change when it was held for one of ``codes``."""
    import pandas as pd

    yes = _answered(decisions, codes) if len(decisions) else frozenset()
    if not yes:
        return pd.Series(data=False, index=rows.index, dtype="bool")
    said = rows[[*KEY, "content"]].itertuples(index=False, name=None)
    return pd.Series([one in yes for one in said], index=rows.index, dtype="bool")


def _answered(decisions: pd.DataFrame, codes: Sequence[str]) -> frozenset[tuple[str, str, str]]:
    answers = (decisions["against"] == "") & decisions["code"].isin(codes)
    plain = decisions.loc[answers, [*KEY, "content"]]
    return frozenset(plain.itertuples(index=False, name=None))


def _passing(outcomes: Sequence[Outcome], positions: pd.DataFrame) -> pd.DataFrame:
    """What goes on: a rise that a person let pass is a growth, and a charged debt keeps its patron's id as sent."""
    import numpy as np
    import pandas as pd

    frames = [one.passed for one in outcomes if len(one.passed)] or [outcomes[0].passed]
    rows = pd.concat(frames, ignore_index=True)[list(tables.CHANGES.names)]
    place = places(rows, positions)
    sent = {
        name: pd.Series(
            np.where(place < 0, rows[name].to_numpy(dtype=object), words(positions, name, place)), dtype="str"
        )
        for name in ("patron_id_type", "patron_id")
    }
    return rows.assign(change=rows["change"].replace("rise", "grown"), **sent)
