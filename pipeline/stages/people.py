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
    from datetime import date

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
    """The same, out of the files that ``came``, oldest first; also what was found wrong with newer ones."""
    settings = campus.campus.people
    findings: list[Finding] = []
    if settings is None:
        return PEOPLE.empty(), findings
    layout = layouts.load(settings.layout, campus.folder)
    for file in reversed(came):
        try:
            rows = layouts.read(layout, shelf(campus.state / "archive", file)).rows
        except layouts.UnreadableFileError as error:
            findings.append(Finding(error.code, file.sha, f"{file.name}: {error}", file.name))
            continue
        good = rows["unreadable"] == ""
        if not good.all():
            findings.append(Finding("PEOPLE-LINES", file.sha, f"{int((~good).sum())} lines say nobody", file.name))
        age = today - file.archived_at.astimezone(ZoneInfo(campus.campus.time_zone)).date()
        return _people(rows[good], stale=age.days > settings.max_age_days), findings
    return PEOPLE.empty(), findings


def _people(rows: pd.DataFrame, *, stale: bool) -> pd.DataFrame:
    said = {ours: rows[theirs].tolist() for ours, theirs in COLUMNS.items()}
    return PEOPLE.frame({**said, "stale": [stale] * len(rows)})
