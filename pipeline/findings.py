"""What is worth telling somebody: findings, their catalogue, and the boxes a stage sorts its rows into."""

from __future__ import annotations

import functools
import tomllib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from pipeline import files

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import pandas as pd


class Level(StrEnum):
    """NOTE is for information, HOLD keeps one row back, STOP keeps a whole file, output, flow or night back."""

    NOTE = "note"
    HOLD = "hold"
    STOP = "stop"


class Scope(StrEnum):
    """How much a finding touches.

    FILE: a file that is refused for good.  ARRIVAL: a file that is kept and read again every night until a person says
    yes, or it is overtaken by a newer one.
    """

    ROW = "row"
    FILE = "file"
    ARRIVAL = "arrival"
    OUTPUT = "output"
    FLOW = "flow"
    NIGHT = "night"


@dataclass(frozen=True, slots=True)
class Entry:
    """One code of the catalogue: its level and scope, what it means, and what the reader should do about it.

    ``yes``: whether a person may let such a row go (`bursar approve`).
    """

    code: str
    level: Level
    scope: Scope
    means: str
    do: str
    yes: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """Something found: a code of the catalogue, whom or what it is about, and one sentence with place and figures.

    ``subject`` names a fee, payment, file, system or night by our own ids.  ``where`` is ``file, line`` or a stage.
    """

    code: str
    subject: str
    text: str
    where: str = ""

    @property
    def entry(self) -> Entry:
        """The catalogue's entry of this code; a code outside the catalogue is a bug and raises KeyError."""
        return catalogue()[self.code]

    @property
    def stops(self) -> bool:
        """Whether something larger than a row is kept back."""
        return self.entry.level is Level.STOP

    @property
    def spoils_file(self) -> bool:
        """Whether ``subject`` is the hash of a file of which nothing is read tonight."""
        return self.stops and self.entry.scope in (Scope.FILE, Scope.ARRIVAL)

    @property
    def refuses_file(self) -> bool:
        """Whether ``subject`` is the hash of a file that is refused for good."""
        return self.stops and self.entry.scope is Scope.FILE


@functools.cache
def catalogue() -> Mapping[str, Entry]:
    """Load ``schemas/findings.toml``: every code there is, and what to do about it."""
    with files.resource("schemas/findings.toml").open("rb") as stream:
        table = tomllib.load(stream)
    return {
        code: Entry(code, Level(row["level"]), Scope(row["scope"]), row["means"], row["do"], row.get("yes", False))
        for code, row in table.items()
    }


BOXES = ("held", "waiting", "excluded", "unchanged", "duplicate", "withdrawn", "continued")
"""Where a row may end other than passing on.  ``withdrawn``: the ledger held it, and its source says otherwise by now;
``continued``: it is an older debt under another id.  The boxed frames carry two columns more: ``code`` and ``why``."""


@dataclass(frozen=True)
class Outcome:
    """What a stage made of its rows: those that pass on, those in a box, and what it has to say.

    ``planned`` are the files that are to be made: system and kind of each, in order (a file may have no rows).
    ``made`` are the output files of a render stage: the batch, where its file lies, and its layout.  None means that
    the stage has nothing to say about files.  ``silent`` are the reports that were read and have no row: source, hash,
    and the day they describe, "" where only a row could have said it.
    """

    passed: pd.DataFrame
    boxes: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    planned: tuple[tuple[str, str], ...] | None = None
    made: tuple[tuple[Any, Path, str], ...] | None = None
    silent: tuple[tuple[str, str, str], ...] = ()

    def all_rows(self) -> Iterator[tuple[str, pd.DataFrame]]:
        """Every frame with the name of its box; ``passed`` first."""
        yield "passed", self.passed
        yield from self.boxes.items()
