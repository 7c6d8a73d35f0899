"""Reading a campus file: all mistakes at once, each with its place; secrets only from the environment or files."""

from __future__ import annotations

import difflib
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from pipeline.campus import carried, names, written
from pipeline.campus.describe import keys, tag, walk
from pipeline.campus.identity import Identity
from pipeline.campus.secrets import PREFIX, gather
from pipeline.campus.settings import Campus
from pipeline.campus.written import CampusError, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import SecretStr
    from pydantic_core import ErrorDetails

__all__ = ["PREFIX", "CampusError", "Loaded", "load"]

TAGS = ("union_tag_invalid", "union_tag_not_found")
WORDS = {
    "missing": "is missing",
    "too_short": "needs at least {min_length}",
    "too_long": "takes at most {max_length}",
    "string_too_short": "must not be empty",
    "string_too_long": "has room for {max_length} characters only",
}
"""What we say instead of pydantic, by its type of fault."""

DELICATE = ("secret", "url")
"""Keys whose wrong values are not repeated: a password or an API key may stand there instead of what belongs there."""


@dataclass(frozen=True)
class Loaded:
    """A campus with the folder its paths are relative to, its secrets, and the fingerprint of what it says."""

    campus: Campus
    folder: Path
    secrets: Mapping[str, SecretStr]
    sha: str

    def path(self, relative: str) -> Path:
        """Resolve a path of the campus file."""
        return Path(os.path.realpath(self.folder / relative))

    @property
    def state(self) -> Path:
        """Where ledger, archive and runs are kept; a campus in shadow keeps its own."""
        return self.identity.state

    @property
    def identity(self) -> Identity:
        """Who the campus is."""
        campus = self.campus
        plain = Identity(campus.name, campus.environment, campus.currency, self.path(campus.folders.state))
        return plain.in_mode(campus.mode)


def load(path: Path, *, secrets: bool = False) -> Loaded:
    """Read a campus file, and the ``base`` files it builds on; with ``secrets`` also every secret it names.

    Raises CampusError with all that is wrong, each with its file and keys: unknown keys, bad values, names that lead
    nowhere, secrets that are missing or readable by others.  Only a file that is no TOML hides what else is wrong.
    """
    file = written.read(path)
    found, problems = gather(file.table, path.parent, path.parent / _secrets_folder(file)) if secrets else ({}, [])
    problems = [*_faults(file), *names.dangling(file.table, Path(os.path.realpath(path.parent))), *problems]
    if problems:
        raise CampusError([file.place(problem) for problem in problems])
    campus = carried.with_names(Campus.model_validate(file.table), Path(os.path.realpath(path.parent)))
    sha = hashlib.sha256(campus.model_dump_json().encode()).hexdigest()
    return Loaded(campus, Path(os.path.realpath(path.parent)), found, sha)


def _secrets_folder(file: written.Written) -> str:
    """Where the secrets lie, even if the rest of the file is wrong."""
    folders = file.table.get("folders")
    said = folders.get("secrets") if isinstance(folders, dict) else None
    return said if isinstance(said, str) else "secrets"


def _faults(file: written.Written) -> list[Problem]:
    try:
        Campus.model_validate(file.table)
    except ValidationError as error:
        faults = error.errors()
        return [_explained(fault) for fault in faults if not _follows(fault, faults)]
    return []


def _follows(fault: ErrorDetails, faults: Sequence[ErrorDetails]) -> bool:
    """Whether a list only counts as too short because what stands in it is wrong, which is told by itself."""
    place = fault["loc"]
    inside = (other["loc"] for other in faults if len(other["loc"]) > len(place))
    return fault["type"] == "too_short" and any(other[: len(place)] == place for other in inside)


def _explained(fault: ErrorDetails) -> Problem:
    step = walk(fault["loc"])
    if fault["type"] == "extra_forbidden":
        return Problem(step.parts, f"unknown key{_meant(fault)}")
    if fault["type"] in TAGS:
        kinds = " or ".join(tag(model) for model in step.models)
        return Problem((*step.parts, "kind"), f"must be {kinds}")
    if fault["type"] in WORDS:
        text = WORDS[fault["type"]].format(**fault.get("ctx", {}))
    else:
        text = fault["msg"].removeprefix("Value error, ").replace("Input should be", "must be")
    return Problem(step.parts, text + _said(fault))


def _said(fault: ErrorDetails) -> str:
    """Repeat what stands there, except where somebody may have written a secret by mistake."""
    plain = isinstance(fault["input"], str | int | float) and fault["input"] != ""
    return f" (it says {fault['input']!r})" if plain and fault["loc"][-1] not in DELICATE else ""


def _meant(fault: ErrorDetails) -> str:
    """Guess what somebody meant: a key of the same table that is written nearly so."""
    models = walk(fault["loc"][:-1]).models
    known = [name for model in models for name in keys(model)]
    near = difflib.get_close_matches(str(fault["loc"][-1]), known, n=1)
    return f"; did you mean {near[0]}?" if near else ""
