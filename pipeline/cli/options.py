"""What several commands can be told in the same words: the campus, the day, whose yes, which fee, what to print."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

CampusOption = Annotated[Path, typer.Option("--campus", help="the campus file", metavar="TOML")]
DateOption = Annotated[
    datetime | None,
    typer.Option("--date", formats=["%Y-%m-%d"], help="business date; today at the campus if not given"),
]
JsonOption = Annotated[bool, typer.Option("--json", help="print one JSON object and nothing else")]
ApproveOption = Annotated[
    list[str] | None,
    typer.Option(
        "--approve",
        help="let a system's unusual night or smaller snapshot out, if the last run asked just that, or a source's "
        "changed export or short report in; SYSTEM:stale: its returned file that is long past, SYSTEM:sums: a sum "
        "paid to date that is older",
        metavar="NAME",
    ),
]
OfVersionOption = Annotated[
    int | None, typer.Option("--version", help="which of its versions, if several are held or wait")
]
OfSourceOption = Annotated[
    str, typer.Option("--source", help="which source, if several have a fee of this id", metavar="NAME")
]


def day_of(when: datetime | None) -> date | None:
    """Give the day that was typed; None if none was."""
    return when.date() if when else None
