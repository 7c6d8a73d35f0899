"""A patron's id as the bursar writes it, where that differs from Alma."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.stages.lookup import looked_up

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.campus.settings import IdRule, System


def bursar_ids(movements: pd.DataFrame, systems: dict[str, System]) -> pd.Series[str]:
    """Give every row's patron id by the rule of its system; "" where the rule cannot write it."""
    written = movements["patron_id"].copy()
    for name, system in systems.items():
        if system.ids is not None:
            mine = movements["system"] == name
            known = {text: written_by(text, system.ids) for text in movements.loc[mine, "patron_id"].unique()}
            written = written.where(~mine, looked_up(movements["patron_id"], known))
    return written


def written_by(text: str, rule: IdRule) -> str:
    """Write an id by a rule; "" where that would lose a digit that counts, or say nothing.

    A cut takes zeros away and nothing else: 001234567 may become 1234567, 101234567 may not.
    """
    if rule.strip_zeros:
        text = text.lstrip("0")
    if rule.last and len(text) > rule.last:
        if text[: -rule.last].strip("0"):
            return ""
        text = text[-rule.last :]
    if rule.pad_to and len(text) > rule.pad_to:
        return ""
    return text.rjust(rule.pad_to, "0") if text else ""
