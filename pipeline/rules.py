"""Row rules that read like sentences: the first rule that a row breaks decides which box it goes to."""

from __future__ import annotations

from string import Formatter
from typing import TYPE_CHECKING

from pipeline.findings import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from pipeline.findings import Finding


class Sorting:
    """Rows being sorted into boxes.

    ``rows.hold(bad, "CODE", "no rule for {fee_type}")`` puts the rows where ``bad`` is true into the box ``held``,
    unless an earlier rule has put them somewhere already.  The text is filled in from the row's own columns.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        """Begin with all rows passing; the index is made fresh so that every row has one name."""
        import numpy as np

        self.frame = frame.reset_index(drop=True)
        self._free = np.ones(len(self.frame), dtype=bool)
        self._boxed: dict[str, list[pd.DataFrame]] = {}

    def hold(self, bad: pd.Series[bool], code: str, why: str) -> None:
        """Keep back: a person must act."""
        self.put("held", bad, code, why)

    def put(self, box: str, bad: pd.Series[bool], code: str, why: str) -> None:
        """Put the rows where ``bad`` holds, and that no earlier rule took, into ``box``."""
        if len(bad) != len(self.frame):
            message = f"{code}: the rule looks at {len(bad)} rows, the table has {len(self.frame)}"
            raise ValueError(message)
        hit = bad.to_numpy(dtype=bool) & self._free
        if not hit.any():
            return
        self._free &= ~hit
        rows = self.frame[hit].copy()
        rows["code"] = code
        rows["why"] = _told(rows, why)
        self._boxed.setdefault(box, []).append(rows)

    def outcome(self, findings: Sequence[Finding] = ()) -> Outcome:
        """Give the rows that no rule took, and the boxes."""
        import pandas as pd

        passed = self.frame if self._free.all() else self.frame[self._free].reset_index(drop=True)
        boxes = {box: pd.concat(parts, ignore_index=True) for box, parts in self._boxed.items()}
        return Outcome(passed, boxes, tuple(findings))


def _told(rows: pd.DataFrame, why: str) -> pd.Series[str]:
    import pandas as pd

    names = [name for _, name, _, _ in Formatter().parse(why) if name]
    if not names:
        return pd.Series(why, index=rows.index, dtype="str")
    columns = [rows[name].tolist() for name in names]
    told = [why.format(**dict(zip(names, values, strict=True))) for values in zip(*columns, strict=True)]
    return pd.Series(told, index=rows.index, dtype="str")
