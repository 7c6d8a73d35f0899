"""Which older charge a new fee continues, and what of tonight's may then no longer lower that charge."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.readers.reopens import reference

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

Fee = tuple[str, str]
"""Source and fee id."""

DEBT = ["source", "against"]


@dataclass(frozen=True, slots=True)
class Old:
    """A charge that was sent: its fee, its system, what is billed for the fee, and the fee that continues it, if any.

    ``moving`` is what tonight changes of the bill, in cents; ``falling`` is the part of that which may yet be held.
    """

    fee: Fee
    system: str
    billed: int
    continued_by: str
    moving: int
    falling: int

    def is_billed_as(self, cents: int) -> bool:
        """Whether so much is billed after tonight, be it that what lowers it is held."""
        return cents in (self.after, self.after - self.falling)

    @property
    def after(self) -> int:
        """What is billed if all of tonight goes out."""
        return self.billed + self.moving


COLUMNS = ("reopens", "old_system", "twice", "differs", "kept")
"""The columns that ``reopened`` adds."""


def reopened(
    frame: pd.DataFrame, judged: pd.Series[bool], yes: pd.Series[bool], recent: pd.DataFrame
) -> dict[str, pd.Series[str]]:
    """Say of every movement in ``frame`` what it reopens, and why that, or what it takes off a debt, cannot be.

    ``judged`` are the new fees that may continue an older one, ``yes`` the falls one lets go.  Columns: ``reopens``
    the reference it names, ``old_system`` where that was sent, or "" if it was not; ``twice``, ``differs`` and ``kept``
    a sentence: another fee continues it too, another amount is billed, what it lowers is still owed under another id.
    """
    import pandas as pd

    names = {place: said for place, said in _named(frame).items() if judged.iloc[place]}
    falls = (frame["kind"] != "charge") & ~yes
    olds = _charged(frame, falls, _among(recent, set(names.values()))) if names else {}
    patrons = frame["patron_id"]
    found = {place: old for place, said in names.items() if (old := olds.get((person(patrons.iloc[place]), said)))}
    told = {name: [""] * len(frame) for name in COLUMNS}
    kept = dict(_continued_before(recent))
    claims = Counter(old.fee for old in found.values())
    for place, said in names.items():
        told["reopens"][place] = said
        if old := found.get(place):
            fee, cents = str(frame["fee_id"].iloc[place]), int(frame["amount_cents"].iloc[place])
            told["old_system"][place] = old.system
            told["twice"][place] = _twice(old, fee, said, claims[old.fee])
            told["differs"][place] = _differs(old, said, cents)
            if not told["twice"][place] and not told["differs"][place] and cents != old.after:
                kept[old.fee] = fee
    for place in (place for place, fall in enumerate(falls.tolist()) if fall and kept):
        told["kept"][place] = _kept(frame.iloc[place], kept)
    return {name: pd.Series(words, index=frame.index, dtype="str") for name, words in told.items()}


def person(patron_id: str) -> str:
    """A user name counts the same in any case; that other ids do not can only make us ask once more."""
    return patron_id.casefold()


def _named(frame: pd.DataFrame) -> Mapping[int, str]:
    """What fees say they reopen, by their place; a campus that keeps no comments keeps this all the same."""
    rows = enumerate(zip(frame["continues"].tolist(), frame["comment"].tolist(), strict=True))
    said = {place: known or reference(comment) for place, (known, comment) in rows if known or comment}
    return {place: name for place, name in said.items() if name}


def _among(recent: pd.DataFrame, names: set[str]) -> pd.DataFrame:
    return recent[recent["reference"].isin(names) | recent["fee_id"].isin(names)]


def _charged(frame: pd.DataFrame, falls: pd.Series[bool], recent: pd.DataFrame) -> Mapping[tuple[str, str], Old]:
    """Find charges by their patron and by reference or fee id."""
    moving = frame.groupby(DEBT)["amount_cents"].sum().to_dict()
    falling = frame[falls].groupby(DEBT)["amount_cents"].sum().to_dict()
    before = dict(_continued_before(recent))
    olds: dict[tuple[str, str], Old] = {}
    columns = ("source", "fee_id", "patron_id", "reference", "system", "billed_cents")
    for source, fee_id, patron, said, system, billed in zip(*(recent[name].tolist() for name in columns), strict=True):
        fee = (source, fee_id)
        old = Old(fee, system, billed, before.get(fee, ""), int(moving.get(fee, 0)), int(falling.get(fee, 0)))
        for name in (said, fee_id):
            olds.setdefault((person(patron), name), old)
    return olds


def _continued_before(recent: pd.DataFrame) -> Mapping[Fee, str]:
    rows = recent[recent["continued_by"] != ""]
    fees = zip(rows["source"].tolist(), rows["fee_id"].tolist(), strict=True)
    return dict(zip(fees, rows["continued_by"].tolist(), strict=True))


def _twice(old: Old, fee: str, said: str, claims: int) -> str:
    if old.continued_by not in ("", fee):
        return f"it reopens {said}, which fee {old.continued_by} continues already"
    return f"it reopens {said}, as {claims} of tonight's fees do" if claims > 1 else ""


def _differs(old: Old, said: str, cents: int) -> str:
    if old.is_billed_as(cents):
        return ""
    return f"it reopens {said} and says {dollars(cents)}; billed for fee {old.fee[1]} is by now {dollars(old.after)}"


def _kept(row: pd.Series, kept: Mapping[Fee, str]) -> str:
    by = kept.get((str(row["source"]), str(row["against"])))
    if by is None:
        return ""
    return f"{dollars(-int(row['amount_cents']))} off fee {row['against']}: fee {by} continues it, so it stays billed"
