"""A campus that says one thing differently from the sample, and movements made of as few words as possible."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.campus.load import Loaded, load
from pipeline.stages.people import PEOPLE
from tests.samples import CAMPUS, GOOD

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

MOVEMENT: dict[str, Any] = {
    **{name: value for name, value in GOOD.items() if name in tables.MOVEMENTS.names},
    "content": "c" * 64,
    "lists": "export",
    "version": 1,
    "fee_date": "2025-09-12",
    "movement": 1,
    "kind": "charge",
    "amount_cents": 1250,
}

REPORT = """
[sources.alma]
kind = "report"
connection = "library"
format = "csv"
lists = "open_now"
patron_id_type = "02"
as_of = { lag_days = 1 }

[sources.alma.columns]
fee_id = ["Fine Fee Id"]
patron_id = ["Primary Identifier"]
fee_type = ["Fine Fee Type"]
original = ["Original Amount"]
remaining = ["Remaining Amount"]
date = ["Transaction Date"]
"""
"""A source that says no more than it must, in the place of the sample's export."""

PEOPLE_FILE = """
[people]
connection = "library"
"""


def a_campus(folder: Path, text: str = "") -> Loaded:
    """Load the sample campus with ``text`` said otherwise; what is outside of a table stands first in it."""
    path = folder / "campus.toml"
    path.write_text(f'base = "{CAMPUS}"\n{text}', "utf-8")
    return load(path)


def movements(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make movements: each a first charge of 12.50 to a student, with what is said differently."""
    filled = [{"fee_id": str(1000 + number), **row} for number, row in enumerate(rows)]
    filled = [{**MOVEMENT, **row} for row in filled]
    names = {name for row in filled for name in row}
    return tables.MOVEMENTS.frame({name: [row.get(name, "") for row in filled] for name in names})


def known_people(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make the people file as it was read."""
    filled = [
        {"patron_id": GOOD["patron_id"], "name": "", "status": "", "user_group": "", "stale": False, **row}
        for row in rows
    ]
    return PEOPLE.frame({name: [row[name] for row in filled] for name in PEOPLE.names})
