"""Movements and layout files for the tests of layouts."""

from __future__ import annotations

import copy
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import files, tables

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

GOLDEN = Path(__file__).parents[1] / "golden" / "layouts"
CONSTANTS = {
    "origin_id": "00041",
    "source_code": "L",
    "department": "41234",
    "batch_item_code": "LIB-BATCH",
    "payment_code": "CHECK",
}
"""What the layouts of the product ask of a campus."""

PAYMENT_HEADINGS = "TX,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,ITEMCODE,AMOUNT,REF1VAL"
SALE = "50001,SALE,CLOSED,1/7/2026,001234567,LIB-LOST,60.00,2345678901250001121"
"""The columns that cashnet/payments needs, and a line of money under them."""

MOVEMENT: Mapping[str, object] = {
    "patron_id": "001000277",
    "item_type": "300000006919",
    "account_type": "SFS",
    "item_code": "LIB-OVERDUE",
    "term": "2262",
    "amount_cents": 750,
    "reference": "13158640000101235",
    "effective_date": "2026-01-20",
    "due_date": "2026-02-19",
    "owner": "MAIN",
    "description": "Overdue fine 39001001234567",
    "label": "Overdue fine",
    "currency": "USD",
}
"""A charge that fits every layout but Banner's, whose detail codes are short."""


TIGHT: Mapping[str, Any] = {
    "title": "fixed positions with nothing between them, a trailer, and text to the end of the line",
    "format": "fixed",
    "encoding": "utf-8",
    "newline": "CRLF",
    "sign": "unsigned",
    "outgoing": {"kinds": {"charge": "a"}, "name": "lib_{date:MMDDYY}{seq:N}.dat", "scope": "delta", "max_lines": 99},
    "header": {"columns": [{"name": "ORIGIN", "width": 5, "literal": "LIB02"}]},
    "detail": {
        "columns": [
            {"name": "ID", "width": 11, "from": "patron_id", "align": "right", "required": True, "example": "1000277"},
            {"name": "CENTS", "width": 9, "from": "amount_cents", "show": "cents", "align": "right", "example": "750"},
            {"name": "DAY", "width": 6, "from": "effective_date", "show": "date:MMDDYY", "example": "012026"},
            {
                "name": "TERM",
                "width": 4,
                "from": "term",
                "show": "choice",
                "choices": ["2262", "2264"],
                "example": "2262",
            },
            {"name": "CUT", "width": 9, "from": "description", "overflow": "cut", "example": "Lost"},
            {"name": "TEXT", "width": "rest", "from": "label", "fold": "ascii", "example": "Fine"},
        ]
    },
    "trailer": {
        "columns": [
            {"name": "MARK", "width": 3, "literal": "END"},
            {"name": "LINES", "width": 4, "from": "control.count", "show": "count", "align": "right", "example": "1"},
        ]
    },
}

LOOSE: Mapping[str, Any] = {
    "title": "separated by bars, without headings, with a header and a trailer of its own, both kinds and both signs",
    "format": "delimited",
    "encoding": "cp1252",
    "newline": "LF",
    "delimiter": "|",
    "sign": "signed",
    "outgoing": {"kinds": {"charge": "c", "credit": "k"}, "name": "{kind}{seq:N}-{part}", "scope": "delta"},
    "header": {
        "columns": [
            {"name": "MARK", "literal": "H"},
            {"name": "ORIGIN", "width": 9, "from": "system.origin_id", "example": "00041"},
            {"name": "CURRENCY", "width": 3, "from": "currency", "required": True, "example": "USD"},
        ]
    },
    "detail": {
        "columns": [
            {"name": "KIND", "literal": {"charge": "DB", "credit": "CR"}},
            {"name": "ID", "width": 20, "from": "patron_id", "required": True, "example": "1000277"},
            {"name": "CENTS", "width": 18, "from": "amount_cents", "show": "cents", "example": "-750"},
            {"name": "DAY", "width": 10, "from": "due_date", "show": "date:M/D/YYYY", "example": "1/20/2026"},
            {"name": "TEXT", "width": 20, "from": "description", "overflow": "cut", "fold": "ascii", "example": "Lost"},
        ]
    },
    "trailer": {
        "columns": [
            {"name": "MARK", "literal": "T"},
            {"name": "COUNT", "width": 9, "from": "control.count", "show": "count", "example": "1"},
            {"name": "TOTAL", "width": 18, "from": "control.cents", "show": "dollars", "example": "7.50"},
        ]
    },
}
"""Two layouts of no bursar that use what the layouts of the product do not."""


def movements(*changes: Mapping[str, object]) -> pd.DataFrame:
    """Make one movement per argument: the usual one with these columns changed."""
    rows = [{**MOVEMENT, **change} for change in changes]
    return tables.MOVEMENTS.frame({name: [row[name] for row in rows] for name in MOVEMENT})


def table(name: str) -> dict[str, Any]:
    """Give the TOML of a layout as a table that a test may spoil."""
    return copy.deepcopy(tomllib.loads(files.resource(f"schemas/layouts/{name}.toml").read_text("utf-8")))


def column(layout: Mapping[str, Any], name: str, line: str = "detail") -> dict[str, Any]:
    """Give a column of such a table."""
    found: dict[str, Any] = next(one for one in layout[line]["columns"] if one["name"] == name)
    return found


def texts(frame: pd.DataFrame, *columns: str) -> Sequence[tuple[object, ...]]:
    """Give some columns of a frame as plain rows."""
    return [tuple(row) for row in frame[list(columns)].astype(object).to_numpy().tolist()]
