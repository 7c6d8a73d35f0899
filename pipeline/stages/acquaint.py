"""Is the debtor who the source says: new debts beside the campus's own file of people."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

from pipeline.stages.lookup import looked_up

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.campus.settings import Campus
    from pipeline.rules import Sorting

WORD = re.compile(r"[^\W_]+")
ENOUGH = 2
"""So many words must two names share where one of them says more, such as a second given name."""


def groups(movements: pd.DataFrame, people: pd.DataFrame) -> pd.Series[str]:
    """Give everybody's user group: as the source says, else as the people file does, else ""."""
    told = _folded(people)[["patron_id", "user_group"]].drop_duplicates().drop_duplicates("patron_id", keep=False)
    known = dict(zip(told["patron_id"].tolist(), told["user_group"].tolist(), strict=True))
    own = movements["user_group"]
    return own.where(own != "", looked_up(_folded(movements)["patron_id"], known))


def _folded(rows: pd.DataFrame) -> pd.DataFrame:
    """An id is the same person's in any case; two people whose ids differ by case alone are told apart by nobody."""
    return rows.assign(patron_id=rows["patron_id"].str.casefold())


def acquaint(rows: Sorting, fresh: pd.Series[bool], people: pd.DataFrame, campus: Campus) -> None:
    """Hold new debts (``fresh``) whose debtor the people file does not bear out; no name is ever repeated."""
    settings = campus.people
    if settings is None:
        return
    frame = rows.frame
    asked = fresh & (frame["system"].isin(settings.systems) if settings.systems else frame["system"] != "")
    rows.hold(asked & out_of_date(people), "PEOPLE-STALE", f"no people file of the last {settings.max_age_days} days")
    told, whose = _folded(people).drop_duplicates(), _folded(frame)["patron_id"]
    twice = told["patron_id"].duplicated(keep=False)
    two_ways = whose.isin(told.loc[twice, "patron_id"])
    rows.hold(asked & two_ways, "PEOPLE-UNKNOWN", "the people file says the id in two ways")
    told = told[~twice]
    rows.hold(asked & ~whose.isin(told["patron_id"]), "PEOPLE-UNKNOWN", "the people file has no such id")
    names = dict(zip(told["patron_id"].tolist(), told["name"].tolist(), strict=True))
    rows.hold(
        asked & _differing(frame["patron_name"], looked_up(whose, names)),
        "PEOPLE-NAME",
        "the people file has another name under the id",
    )
    if settings.active:
        standing = dict(zip(told["patron_id"].tolist(), told["status"].tolist(), strict=True))
        active = whose.map(standing).isin(settings.active)
        rows.hold(asked & ~active, "PEOPLE-STATUS", "the people file has the id in a status that is not billed")


def out_of_date(people: pd.DataFrame) -> bool:
    """Say whether there is no people file, or none that proves anything today."""
    return not len(people) or bool(people["stale"].any())


def agree(one: str, other: str) -> bool:
    """Say whether two names may be the same person's: the same words in any order, case and accents aside.

    One of the names may have more words, if the two share at least two.
    """
    left, right = _words(one), _words(other)
    return left == right or (len(left & right) >= ENOUGH and (left <= right or right <= left))


def _words(name: str) -> frozenset[str]:
    plain = name.casefold()
    if not plain.isascii():
        signs = unicodedata.normalize("NFKD", plain)
        plain = "".join(sign for sign in signs if not unicodedata.combining(sign))
    return frozenset(WORD.findall(plain))


def _differing(said: pd.Series[str], known: pd.Series[str]) -> pd.Series[bool]:
    """Whether both sides give a name and the two do not agree; names repeat, so each pair is looked at once."""
    import pandas as pd

    pairs = list(zip(said.tolist(), known.tolist(), strict=True))
    unlike = {(one, other) for one, other in set(pairs) if one and other and one != other and not agree(one, other)}
    return pd.Series([pair in unlike for pair in pairs], index=said.index, dtype="bool")
