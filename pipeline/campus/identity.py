"""Who a campus is: just enough of its file to find its ledger, read without checking the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.campus.written import CampusError, Problem, Written, read

NEEDED = ("name", "environment", "currency")


@dataclass(frozen=True, slots=True)
class Identity:
    """A campus's name, environment and currency, and the folder of its ledger, archive and runs."""

    name: str
    environment: str
    currency: str
    state: Path


def identity(path: Path) -> Identity:
    """Read who a campus is.  Raises CampusError when the file is missing, is no TOML, or does not say."""
    file = read(path)
    problems = [file.place(Problem((key,), "is missing")) for key in NEEDED if not isinstance(file.table.get(key), str)]
    if problems:
        raise CampusError(problems)
    said: dict[str, Any] = {key: file.table[key] for key in NEEDED}
    return Identity(**said, state=Path(os.path.realpath(path.parent / _state(file))))


def _state(file: Written) -> str:
    folders = file.table.get("folders")
    said = folders.get("state") if isinstance(folders, dict) else None
    return said if isinstance(said, str) else "state"
