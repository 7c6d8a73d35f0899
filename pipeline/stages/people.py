"""Who is who: the newest people file that came, so that nobody is billed for a stranger."""

from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from pipeline import tables
from pipeline.findings import Finding
from pipeline.layouts import layout as layouts
from pipeline.stages.shelf import shelf
from pipeline.tables import Column

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from pathlib import Path

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import InFile

ROLE = "people"
"""The role and the feed of a people file in the ledger."""

PEOPLE = tables.Table(
    "people",
    (
        Column("patron_id", tables.TEXT, "the person's id, as in Alma", may_be_empty=False),
        Column("name", tables.TEXT, "the person's name, in any order"),
        Column("status", tables.TEXT, "what the campus calls the person's standing"),
        Column("user_group", tables.TEXT, "user group of the person"),
        Column("stale", tables.FLAG, "whether the file is too old to prove anything"),
    ),
)

COLUMNS = {"patron_id": "id", "name": "name", "status": "status", "user_group": "group"}
"""Our columns, and what a layout of people calls them."""


def people(work: Work) -> pd.DataFrame:
    """Give PEOPLE out of the newest archived people file that can be read; empty where there is none.

    A file that cannot be read is named among the findings, and the one before it is taken: until that is too old, it
    proves more than nothing.
    """
    known, findings = newest(work.ledger.files_in(ROLE, "archived"), work.campus, work.today)
    work.findings += findings
    return known


def newest(came: Sequence[InFile], campus: Loaded, today: date) -> tuple[pd.DataFrame, list[Finding]]:
    """The same, out of the files that ``came``; also what was found wrong with newer ones.

    A file is as old as its last delivery: one that simply lies there grows older, the same bytes left anew do not.
    """
    settings = campus.campus.people
    findings: list[Finding] = []
    if settings is None:
        return PEOPLE.empty(), findings
    layout = layouts.load(settings.layout, campus.folder)
    for file in sorted(came, key=_left)[::-1]:
        try:
            known, said = read(layout, shelf(campus.state / "archive", file), file.sha, file.name)
        except layouts.UnreadableFileError as error:
            findings.append(Finding(error.code, file.sha, f"{file.name}: {error}", file.name))
            continue
        age = today - _left(file).astimezone(ZoneInfo(campus.campus.time_zone)).date()
        return known.assign(stale=age.days > settings.max_age_days), [*findings, *said]
    return PEOPLE.empty(), findings


def read(layout: layouts.Layout, path: Path, sha: str, name: str) -> tuple[pd.DataFrame, list[Finding]]:
    """Give PEOPLE out of one file, none of it stale, and what was found wrong with its lines.

    Raises UnreadableFileError.
    """
    rows = layouts.read(layout, path).rows
    good = rows["unreadable"] == ""
    findings = [] if good.all() else [Finding("PEOPLE-LINES", sha, f"{int((~good).sum())} lines say nobody", name)]
    return _people(rows[good], stale=False), findings


def _left(file: InFile) -> datetime:
    """When it was last left for us: the same bytes left anew prove as much as new ones."""
    return file.delivered_at or file.archived_at


def _people(rows: pd.DataFrame, *, stale: bool) -> pd.DataFrame:
    said = {ours: rows[theirs].tolist() for ours, theirs in COLUMNS.items()}
    return PEOPLE.frame({**said, "stale": [stale] * len(rows)})
