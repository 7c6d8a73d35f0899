"""One shape for every fee, in our own words; what cannot be understood is held."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.campus.sources import AlmaExport
from pipeline.readers.report_days import day_of
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.policy import FeeType
    from pipeline.campus.settings import Campus
    from pipeline.findings import Outcome

ALMA_TIME = r"[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}( [A-Za-z0-9:+-]{1,10})?"
"""``MM/dd/yyyy HH:mm:ss``, with or without a zone abbreviation; both stand in exports of the same product."""

NO_VAT = re.compile(r"|0+(\.0+)?", re.ASCII)
EXPORT, OPEN_NOW = "export", "open_now"
NOWHERE = 0
"""Line of a row that stands in no file: it says that a fee is absent from a report."""


def normalise(fees: pd.DataFrame, campus: Loaded, today: date) -> Outcome:  # noqa: ARG001 - every stage has this form
    """Date every fee, name its type by our code, and hold what is unreadable or cannot be billed.

    The date is the one the source wrote, in whatever zone it meant: an abbreviation such as IST has three meanings.
    What a report calls a type is looked up in the campus file.  A report may well list a fee with nothing left to pay;
    what is absent from a report passes as it is.
    """
    settings, fees = campus.campus, fees.reset_index(drop=True)
    rows = Sorting(fees.assign(fee_date=_dates(fees, settings), fee_type=_types(fees, settings.fee_types)))
    frame = rows.frame
    said = (frame["line"] != NOWHERE) | (frame["lists"] != OPEN_NOW)
    rows.hold(said & (frame["unreadable"] != ""), "READ-UNREADABLE", "line {line}: {unreadable}")
    rows.hold(
        said & (frame["currency"] != settings.currency),
        "NORMALISE-OTHER-CURRENCY",
        f"{{amount_text}} {{currency}} is not {settings.currency}",
    )
    vat = {text: NO_VAT.fullmatch(text) is None for text in frame["vat_text"].unique()}
    rows.hold(
        said & frame["vat_text"].map(vat).astype(bool), "NORMALISE-VAT", "it states a value added tax of {vat_text}"
    )
    nothing = (frame["amount_cents"] == 0) & (frame["lists"] != OPEN_NOW)
    rows.hold(nothing, "NORMALISE-ZERO-AMOUNT", "it is worth nothing")
    undated, export = said & (frame["fee_date"] == ""), frame["lists"] == EXPORT
    rows.hold(undated & export, "NORMALISE-DATE", "{fee_time!r} is not a date such as 09/12/2023 15:22:06")
    rows.hold(undated, "NORMALISE-DATE", "{fee_time!r} is not a date as its source writes them")
    unknown = ~frame["fee_type"].isin(list(settings.fee_types))
    rows.hold(said & unknown, "NORMALISE-UNMAPPED-TYPE", "no rule for type {fee_type}")
    listed = (frame["lists"] != EXPORT) & (frame["fee_type"] == "CREDIT")
    rows.hold(listed, "REPORT-CREDIT", "a report lists a credit of {amount_text}")
    outcome = rows.outcome()
    tables.checked(outcome.passed, tables.FEES, "normalise")
    return outcome


def _dates(fees: pd.DataFrame, settings: Campus) -> pd.Series[str]:
    """Give the day of each fee as YYYY-MM-DD, "" where it is none; a change of an earlier night keeps its own."""
    reported = fees["lists"] != EXPORT
    times = fees["fee_time"].str.slice(0, 10).where(fees["fee_time"].str.fullmatch(ALMA_TIME), "")
    days = times.map({text: _iso(text) for text in times.unique()})
    for name, texts in fees.loc[reported, "fee_time"].groupby(fees.loc[reported, "source"]):
        source = settings.sources.get(str(name))
        forms = () if source is None or isinstance(source, AlmaExport) else source.dates
        days[texts.index] = texts.map({text: day_of(text, forms) for text in texts.unique()})
    return days.where(~(reported & (fees["fee_date"] != "")), fees["fee_date"]).astype("str")


def _iso(text: str) -> str:
    try:
        return datetime.strptime(text, "%m/%d/%Y").date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return ""


def _types(fees: pd.DataFrame, fee_types: Mapping[str, FeeType]) -> pd.Series[str]:
    """Give our code of each type: a report says labels, in any language, or the code itself."""
    reported = fees["lists"] != EXPORT
    if not reported.any():
        return fees["fee_type"]
    codes = _codes(fee_types)
    said = {text: codes.get(_key(text), text) for text in fees.loc[reported, "fee_type"].unique()}
    said |= {text: text for text in said if text in fee_types}
    return fees["fee_type"].where(~reported, fees["fee_type"].map(said)).astype("str")


def _codes(fee_types: Mapping[str, FeeType]) -> dict[str, str]:
    """Give the code of each label; a label of two codes says neither."""
    found: dict[str, set[str]] = {}
    for code, fee_type in fee_types.items():
        for label in (fee_type.label, *fee_type.labels):
            found.setdefault(_key(label), set()).add(code)
    return {label: codes.pop() for label, codes in found.items() if len(codes) == 1}


def _key(label: str) -> str:
    return " ".join(label.split()).casefold()
