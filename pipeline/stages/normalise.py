"""One shape for every fee, in our own words; what cannot be understood is held."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.rules import Sorting

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

ALMA_TIME = r"[0-9]{2}/[0-9]{2}/[0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2}( [A-Za-z0-9:+-]{1,10})?"
"""``MM/dd/yyyy HH:mm:ss``, with or without a zone abbreviation; both stand in exports of the same product."""

NO_VAT = re.compile(r"|0+(\.0+)?", re.ASCII)


def normalise(fees: pd.DataFrame, campus: Loaded, today: date) -> Outcome:  # noqa: ARG001 - every stage has this form
    """Date every fee and hold what is unreadable, in another currency, worth nothing, or of a type without a rule.

    The date is the one the source wrote, in whatever zone it meant: an abbreviation such as IST has three meanings.
    """
    settings = campus.campus
    days = fees["fee_time"].str.slice(0, 10).where(fees["fee_time"].str.fullmatch(ALMA_TIME), "")
    known_days = {text: _iso(text) for text in days.unique()}
    rows = Sorting(fees.assign(fee_date=days.map(known_days).astype("str")))
    frame = rows.frame
    rows.hold(frame["unreadable"] != "", "READ-UNREADABLE", "line {line}: {unreadable}")
    rows.hold(
        frame["currency"] != settings.currency,
        "NORMALISE-OTHER-CURRENCY",
        f"{{amount_text}} {{currency}} is not {settings.currency}",
    )
    vat = {text: NO_VAT.fullmatch(text) is None for text in frame["vat_text"].unique()}
    rows.hold(frame["vat_text"].map(vat).astype(bool), "NORMALISE-VAT", "it states a value added tax of {vat_text}")
    rows.hold(frame["amount_cents"] == 0, "NORMALISE-ZERO-AMOUNT", "it is worth nothing")
    rows.hold(frame["fee_date"] == "", "NORMALISE-DATE", "{fee_time!r} is not a date such as 09/12/2023 15:22:06")
    rows.hold(
        ~frame["fee_type"].isin(list(settings.fee_types)), "NORMALISE-UNMAPPED-TYPE", "no rule for type {fee_type}"
    )
    outcome = rows.outcome()
    tables.checked(outcome.passed, tables.FEES, "normalise")
    return outcome


def _iso(text: str) -> str:
    try:
        return datetime.strptime(text, "%m/%d/%Y").date().isoformat()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        return ""
