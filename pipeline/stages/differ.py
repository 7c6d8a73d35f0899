"""What a statement comes to: nothing new, a new debt, one that has grown, or one that has fallen."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.stages.beside import continuing, places, taken, words
from pipeline.stages.newest import OPEN_NOW

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from pipeline.stages.expected import Expected


@dataclass(frozen=True)
class Found:
    """Statements with a difference (tables.CHANGES, ``change`` may be rise or negative), and those without (boxed).

    ``place`` is where the fees of those without stand in the positions.
    """

    changed: pd.DataFrame
    unchanged: pd.DataFrame
    place: npt.NDArray[np.intp]


def read_at_last(stated: pd.DataFrame, positions: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give the statements to compare, and the held versions that are done with.

    A statement that the ledger held before it could be compared is charged under its own version if it is a new debt.
    If it tells of a debt that was charged, what it comes to is another amount, and so another version.
    """
    import pandas as pd

    held = (stated["known"] != "").to_numpy(dtype=bool, copy=True)
    nothing = (stated.loc[held, "amount_cents"] == 0).to_numpy()
    held[held] = (places(stated[held], positions) >= 0) | nothing
    old = stated[held].reset_index(drop=True)
    why = old["fee_id"].map("fee {}: it can be compared by now".format).astype("str")
    old = old.assign(code=pd.Series("STATEMENT-READ", index=old.index, dtype="str"), why=why)
    if not held.any():
        return stated, old
    version, known = stated["version"].to_numpy().copy(), stated["known"].to_numpy(dtype=object).copy()
    version[held], known[held] = taken(positions, "version", places(old, positions), 0) + 1, ""
    return stated.assign(version=version, known=pd.Series(known, index=stated.index, dtype="str")), old


def differences(stated: pd.DataFrame, beside: Expected, positions: pd.DataFrame) -> Found:
    """Compare every statement with what is expected of it.

    A growth and a fall of one fee between two reports are one change: what was raised and taken off again was never
    billed, so nothing is credited for it.
    """
    import numpy as np

    billed, new = beside.place >= 0, (stated["lists"] != OPEN_NOW).to_numpy(dtype=bool)
    net = beside.said - beside.open_cents + beside.grown
    risen, behind = _risen(stated, beside, positions, net - beside.grown)
    wholly = new & billed & (net > 0)
    grown = ~new & billed & (beside.grown > 0) & (net > 0) & ~behind
    fallen = billed & (net < 0)
    unclear = risen & ~behind & (beside.grown == 0)
    older = continuing(positions, beside.place)
    gone = (beside.said == 0) & ~older  # of those no look decides: a payment that ends one asks nothing anew
    first = ~billed & (beside.said > 0)
    negative = ~billed & (beside.said < 0)
    parts = [
        _changes(stated, first, "new", beside.said),
        _changes(stated, negative, "negative", beside.said),
        _changes(stated, wholly, "grown", net),
        _changes(stated, unclear, "rise", net),
        _changes(stated, grown, "grown", np.minimum(net, beside.grown)),
        _fallen(stated, fallen, beside.grown, net, gone),
    ]
    place = np.concatenate([beside.place[hit] for hit in (first, negative, wholly, unclear, grown, fallen)])
    still = ~(first | negative | wholly | unclear | grown | fallen)
    which = [behind[still], beside.place[still] < 0, older[still], beside.touched[still]]
    unchanged = _still(stated[still], which)
    return Found(_numbered(parts, positions, place), unchanged, beside.place[still])


def _risen(
    stated: pd.DataFrame, beside: Expected, positions: pd.DataFrame, over: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Which fees have more open than anything explains; and of them, in which the report may not know a withdrawal."""
    risen = (beside.place >= 0) & (over > 0) & (stated["lists"] == OPEN_NOW).to_numpy(dtype=bool)
    day, behind = stated.loc[risen, "as_of"].to_numpy(dtype=object), risen.copy()
    lowered = words(positions, "lowered_on", beside.place[risen])
    behind[risen] = (lowered != "") & (day <= lowered).astype(bool)
    return risen, behind


def _changes(
    stated: pd.DataFrame, hit: npt.NDArray[np.bool_], change: str, cents: npt.NDArray[np.int64]
) -> pd.DataFrame:
    import pandas as pd

    rows = stated[hit]
    return rows.assign(
        change=pd.Series(change, index=rows.index, dtype="str"),
        amount_cents=pd.Series(cents[hit], index=rows.index, dtype="int64"),
    )


def _fallen(
    stated: pd.DataFrame,
    fallen: npt.NDArray[np.bool_],
    grown: npt.NDArray[np.int64],
    over: npt.NDArray[np.int64],
    gone: npt.NDArray[np.bool_],
) -> pd.DataFrame:
    """What was taken off; ``gone`` are the fees of which nothing is left.

    The version charged last says up to which original amount a fee is billed: a growth that was taken off with more
    beside it was never billed, so the original amount of before stays.
    """
    import numpy as np
    import pandas as pd

    rows = _changes(stated, fallen, "fallen", over)
    change = pd.Series(np.where(gone[fallen], "gone", "fallen"), index=rows.index, dtype="str")
    return rows.assign(change=change, original_cents=rows["original_cents"] - grown[fallen])


def _numbered(parts: list[pd.DataFrame], positions: pd.DataFrame, place: npt.NDArray[np.intp]) -> pd.DataFrame:
    """Add movement, system and fingerprint; a change of a charged debt keeps the patron's id as it was sent.

    ``place`` is where the fees of the parts, one after the other, stand in the positions.
    """
    import numpy as np
    import pandas as pd

    rows = pd.concat([part for part in parts if len(part)] or parts[:1], ignore_index=True)
    rows = rows.assign(
        movement=taken(positions, "movement", place, 0) + 1,
        system=pd.Series(words(positions, "system", place), index=rows.index, dtype="str"),
        asked=pd.Series("", index=rows.index, dtype="str"),
    )
    content = rows["content"].to_numpy(dtype=object).copy()
    older = np.flatnonzero(place >= 0)
    for at, row in zip(older, rows[PARTS].iloc[older].to_dict("records"), strict=True):
        content[at] = fingerprint(row)
    rows["content"] = pd.Series(content, index=rows.index, dtype="str")
    return rows[list(tables.CHANGES.names)]


PARTS = ["patron_id_type", "patron_id", "movement", "change", "amount_cents"]
"""What tells one change of a debt from another."""


def fingerprint(row: Mapping[Any, Any]) -> str:
    """Tell one change of a debt from every other: patron, number of the movement, and how much."""
    who = row["patron_id"].casefold() if row["patron_id_type"] == "userName" else row["patron_id"]
    said = (row["patron_id_type"], who, str(row["movement"]), row["change"], str(row["amount_cents"]))
    return f"{row['change']}:{hashlib.sha256(chr(31).join(said).encode()).hexdigest()[:48]}"


def _still(rows: pd.DataFrame, fits: list[npt.NDArray[np.bool_]]) -> pd.DataFrame:
    """Say why these are no news: ``fits`` are the rows of each word of WHY but the last."""
    import numpy as np
    import pandas as pd

    which = np.select(fits, range(len(fits)), len(fits))
    code, why = (pd.Series(list(said), dtype="str").take(which) for said in (WHY, WHY.values()))
    return rows.reset_index(drop=True).assign(code=code.array, why=why.array)


WHY = {
    "REPORT-BEHIND": "the report may not know yet what was taken off",
    "NOTHING-OPEN": "nothing is open, and nothing was ever charged",
    "CONTINUED": "it continues an older debt, and is open as far as that and our own payments explain",
    "EXPLAINED": "our own payments explain it",
    "SAME": "as billed",
}
"""Why a statement is no news: the first that fits, the last where none does."""
