"""Which system a patron's debt goes to: the first rule of the campus that fits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.campus.settings import shape
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.settings import Route
    from pipeline.findings import Outcome


def route(movements: pd.DataFrame, campus: Loaded, today: date) -> Outcome:  # noqa: ARG001 - every stage has this form
    """Give every movement its system; hold those that no rule takes."""
    import numpy as np

    system = np.full(len(movements), "", dtype=object)
    for rule in campus.campus.routes:
        system[(system == "") & _fits(rule, movements)] = rule.to
    rows = Sorting(movements.assign(system=system).astype({"system": "str"}))
    rows.hold(rows.frame["system"] == "", "ROUTE-NONE", "no route for an id of type {patron_id_type}")
    return rows.outcome()


def _fits(rule: Route, movements: pd.DataFrame) -> pd.Series[bool]:
    fits = movements["patron_id"] != ""
    if rule.id_type:
        fits &= movements["patron_id_type"] == rule.id_type
    if rule.id_shape:
        fits &= movements["patron_id"].str.fullmatch(shape(rule.id_shape).pattern).astype(bool)
    return fits
