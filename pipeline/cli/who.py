"""Who is who in a preview: the file of people that somebody gives, or nobody is checked, and that is said."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.cli.failures import UsageError
from pipeline.findings import Finding
from pipeline.layouts import layout as layouts
from pipeline.stages.people import PEOPLE, read

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.settings import Campus

GROUPS = "; a route by user group sees only what the source itself says"


@dataclass(frozen=True)
class Who:
    """A campus as a preview takes it, the people it knows (stages.people.PEOPLE), and what is to be said of them."""

    campus: Loaded
    people: pd.DataFrame
    findings: Sequence[Finding]


def who(loaded: Loaded, file: Path | None) -> Who:
    """Read the people out of ``file`` by the campus's layout, as if it came today; without one nobody is checked.

    Raises UsageError for a file that cannot be read, and where the campus has no use for it.
    """
    settings = loaded.campus.people
    if file is None:
        return Who(loaded, PEOPLE.empty(), ()) if settings is None else _unchecked(loaded)
    if settings is None:
        message = f"--people {file}: the campus file has no table people; add it, or leave the option out"
        raise UsageError(message)
    if not file.is_file():
        message = f"--people {file}: no such file, or not a plain one; give the file that the registrar sends"
        raise UsageError(message)
    try:
        people, findings = read(layouts.load(settings.layout, loaded.folder), file, files.sha256(file), file.name)
    except layouts.UnreadableFileError as error:
        message = f"--people {file}: {error}"
        raise UsageError(message) from None
    return Who(loaded, people, findings)


def _unchecked(loaded: Loaded) -> Who:
    """A preview without the file would hold every fee, and show nothing of what it was asked for."""
    campus: Campus = loaded.campus
    leaning = any(rule.user_group for rule in campus.routes)
    text = f"no --people FILE was given, so nobody was checked{GROUPS if leaning else ''}"
    without = replace(loaded, campus=campus.model_copy(update={"people": None}))
    return Who(without, PEOPLE.empty(), (Finding("PEOPLE-SKIPPED", "people", text, "route"),))
