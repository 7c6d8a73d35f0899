"""Say every movement in the words of its system: item type or code, term, due date, reference."""

from __future__ import annotations

import bisect
from calendar import monthrange
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.layouts import layout as layouts
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.settings import Due, FeeType, System, Terms
    from pipeline.findings import Outcome

CODES = ("item_type", "account_type", "item_code")


def code(movements: pd.DataFrame, campus: Loaded, today: date) -> Outcome:
    """Add codes, term, dates, reference and description; hold what has no code or does not fit its layout."""
    settings = campus.campus
    coded = _coded(movements, campus, today)
    rows = Sorting(coded.assign(fault=_faults(coded, campus)))
    mapped = [kind + system for kind, one in settings.fee_types.items() for system in one.codes]
    unmapped = ~(rows.frame["fee_type"] + rows.frame["system"]).isin(mapped)
    rows.hold(unmapped, "CODE-UNMAPPED", "no {system} code for type {fee_type}")
    rows.hold(
        _without_term(rows.frame, campus), "CODE-NO-TERM", "no term for {fee_date}; the term table ends or begins"
    )
    rows.hold(rows.frame["fault"] != "", "CODE-DOES-NOT-FIT", "{fault}")
    outcome = rows.outcome()
    passed = tables.checked(outcome.passed.drop(columns="fault"), tables.MOVEMENTS, "code")
    return type(outcome)(passed, {box: frame.drop(columns="fault") for box, frame in outcome.boxes.items()})


def _coded(movements: pd.DataFrame, campus: Loaded, today: date) -> pd.DataFrame:
    settings = campus.campus
    labels = {kind: one.label for kind, one in settings.fee_types.items()}
    terms = {day: term_of(day, settings.terms) for day in movements["fee_date"].unique()}
    due = {name: due_date(today, system.due) for name, system in settings.systems.items()}
    label = movements["fee_type"].map(labels).fillna("").astype("str")
    return movements.assign(
        **_codes(movements, settings.fee_types),
        reference=movements["fee_id"],
        term=movements["fee_date"].map(terms).astype("str"),
        effective_date=movements["fee_date"],
        due_date=movements["system"].map(due).astype("str"),
        label=label,
        description=(label + " " + movements["barcode"]).str.strip(),
        payments_to=settings.payments_to,
    ).astype({"payments_to": "str"})


def _codes(movements: pd.DataFrame, fee_types: Mapping[str, FeeType]) -> dict[str, pd.Series[str]]:
    table = {kind + system: codes for kind, one in fee_types.items() for system, codes in one.codes.items()}
    words = movements["fee_type"] + movements["system"]
    return {
        name: words.map({word: getattr(codes, name) for word, codes in table.items()}).fillna("").astype("str")
        for name in CODES
    }


def _without_term(frame: pd.DataFrame, campus: Loaded) -> pd.Series[bool]:
    """Only a system whose layout has a place for the term needs one."""
    needing = [name for name, system in campus.campus.systems.items() if "term" in _columns(system, campus)]
    return (frame["term"] == "") & frame["system"].isin(needing)


def _columns(system: System, campus: Loaded) -> frozenset[str]:
    return layouts.load(system.layout, campus.folder).sources


def _faults(frame: pd.DataFrame, campus: Loaded) -> pd.Series[str]:
    """Ask every layout about its own rows, shown with no more columns than it writes."""
    import pandas as pd

    faults = pd.Series("", index=frame.index, dtype="str")
    for system, kind in frame[["system", "kind"]].drop_duplicates().itertuples(index=False):
        settings = campus.campus.systems[system]
        layout = layouts.load(settings.layout, campus.folder)
        mine = (frame["system"] == system) & (frame["kind"] == kind)
        rows = frame.loc[mine, [name for name in frame.columns if name in layout.sources]]
        faults[mine] = layouts.faults(layout, rows, kind, settings.constants)
    return faults


def term_of(day: str, terms: Terms) -> str:
    """Look up the term of a day (YYYY-MM-DD); "" before the first term and after the last."""
    if not day:
        return ""
    when = date.fromisoformat(day)
    place = bisect.bisect_right([first for _, first in terms.starts], when)
    return terms.starts[place - 1][0] if place and when <= terms.until else ""


def due_date(today: date, rule: Due | None) -> str:
    """Work out when a charge sent ``today`` is due, by the campus's rule; "" without a rule."""
    if rule is None:
        return ""
    month = today.month - 1 + rule.months_after
    year, month = today.year + month // 12, month % 12 + 1
    day = rule.day_of_month or min(today.day, monthrange(year, month)[1])
    return (date(year, month, day) + timedelta(days=rule.days_after)).isoformat()
