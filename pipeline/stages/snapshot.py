"""A full replacement: everything outstanding at one system, with what tonight raises and lowers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from pipeline.money import Tally
from pipeline.stages.question import SMALLER, Question
from pipeline.tables import tally

if TYPE_CHECKING:
    import pandas as pd

DEBT = ["source", "against"]


@dataclass(frozen=True)
class Snapshot:
    """What one snapshot system is owed.

    ``items`` (tables.MOVEMENTS) were owed before tonight, each row a fee.  ``first`` are tonight's first charges, which
    get rows of their own, ``later`` (tables.MOVEMENTS) all other movements, which change the row of the fee they are
    against.  ``last`` is what its newest file comes to that was sent, and ``said`` (fee_id, amount_cents) are the rows
    of that; they are looked at only where there is no first charge.  ``made`` is what a newer one comes to that was
    made and has not arrived; None if there is none.
    """

    system: str
    items: pd.DataFrame
    last: Tally
    made: Tally | None
    said: pd.DataFrame
    first: pd.DataFrame
    later: pd.DataFrame

    @cached_property
    def carried(self) -> pd.DataFrame:
        """The rows that are repeated, as tonight makes them; a fee of which nothing is left has none."""
        import numpy as np
        import pandas as pd

        if not len(self.later):
            return self.items
        change = self.later.groupby(DEBT)["amount_cents"].sum()
        near = np.flatnonzero(self.items["fee_id"].isin(self.later["against"].tolist()))
        fees = pd.MultiIndex.from_frame(self.items[["source", "fee_id"]].iloc[near], names=DEBT)
        now = self.items["amount_cents"].to_numpy(dtype="int64", copy=True)
        now[near] += change.reindex(fees, fill_value=0).to_numpy(dtype="int64")
        rows = self.items.assign(amount_cents=now)
        rows = rows if (now > 0).all() else rows[now > 0]
        again = self._owed_again(change[~change.index.isin(fees) & (change > 0)])
        return pd.concat([rows, again], ignore_index=True) if len(again) else rows.reset_index(drop=True)

    def _owed_again(self, change: pd.Series[int]) -> pd.DataFrame:
        """A fee that was paid and has grown since: its row comes back, under the reference of its first charge."""
        import pandas as pd

        grown = self.later[self.later["kind"] == "charge"].drop_duplicates(DEBT)
        grown = grown[pd.MultiIndex.from_frame(grown[DEBT]).isin(change.index)]
        cents = change.reindex(pd.MultiIndex.from_frame(grown[DEBT])).to_numpy()
        rows = grown.assign(movement=1, reference=grown["fee_id"], amount_cents=cents)
        return rows[list(self.items.columns)]

    @property
    def is_news(self) -> bool:
        """Whether it says anything that the newest file does not."""
        return len(self.first) > 0 or _rows_of(self.carried) != _rows_of(self.said)

    def too_small(self, percent: int) -> Question | None:
        """A full replacement that is empty or shrunk may wipe out debts: that takes a person.

        What tonight's credits take off was asked about fee by fee, so it does not count as shrinking.  A file that was
        made was not too small, or a person has let it go: what is no smaller needs nobody again.
        """
        now, last = tally(self.first) + tally(self.carried), self.last
        owed = tally(self.first) + tally(self.items)
        enough = owed.count * 100 >= last.count * percent and owed.cents * 100 >= last.cents * percent
        agreed = self.made is not None and now.count >= self.made.count and now.cents >= self.made.cents
        if last == Tally() or agreed or (now.count and enough):
            return None
        which = f"less than {percent} %" if now.count else "an empty one"
        says = f"the new snapshot has {now}, the last one {last}; {which} needs a person"
        return Question(SMALLER, self.system, says, "batch")


def _rows_of(frame: pd.DataFrame) -> set[tuple[str, int]]:
    return set(zip(frame["fee_id"], frame["amount_cents"], strict=True))
