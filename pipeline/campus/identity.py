"""Who a campus is: just enough of its file to find its ledger, read without checking the rest."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline.campus.written import CampusError, Problem, Written, read

SHADOW = "shadow"
NEEDED = ("name", "environment", "currency")


@dataclass(frozen=True, slots=True)
class Identity:
    """A campus's name, environment and currency, and the folder of its ledger, archive and runs.

    A campus in shadow has an environment and a folder of its own, so that no shadow falls on what is real.
    """

    name: str
    environment: str
    currency: str
    state: Path

    @property
    def in_shadow(self) -> bool:
        """Whether nothing is let out of it, and nothing is paid in Alma."""
        return self.environment.endswith(f"-{SHADOW}")

    def in_mode(self, mode: str) -> Identity:
        """Give who it is in a mode: ``live`` or ``shadow``."""
        if mode != SHADOW:
            return self
        return replace(self, environment=f"{self.environment}-{SHADOW}", state=self.state / SHADOW)


def identity(path: Path) -> Identity:
    """Read who a campus is.  Raises CampusError when the file is missing, is no TOML, or does not say."""
    file = read(path)
    problems = [file.place(Problem((key,), "is missing")) for key in NEEDED if not isinstance(file.table.get(key), str)]
    if problems:
        raise CampusError(problems)
    said: dict[str, Any] = {key: file.table[key] for key in NEEDED}
    plain = Identity(**said, state=Path(os.path.realpath(path.parent / _state(file))))
    return plain.in_mode(str(file.table.get("mode")))


def _state(file: Written) -> str:
    folders = file.table.get("folders")
    said = folders.get("state") if isinstance(folders, dict) else None
    return said if isinstance(said, str) else "state"
