"""Mind how many calls to Alma we make in a day (UTC): the count outlives the run, in a small file of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import files
from pipeline.ports.outside import Refused

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

BLOCK = 50
"""So many calls are written down before the first of them is made: a run that dies has used them all."""


class Quota:
    """At most ``daily`` calls between midnight and midnight UTC, over all runs that share the file ``path``.

    A file that is missing or that nobody can read counts as a day without calls.
    """

    def __init__(self, path: Path, daily: int) -> None:
        self._path, self._daily = path, daily
        self._day = ""
        self._used = self._noted = 0

    def take(self, now: datetime) -> None:
        """Count one call.  Raises Refused (``system``, API-RESERVE) when none is left today."""
        today = now.date().isoformat()
        if today != self._day:
            self._day, self._used = today, self._read(today)
            self._noted = self._used
        if self._used >= self._daily:
            text = f"our {self._daily} calls of today are used up (alma.daily)"
            raise Refused(text, scope="system", code="API-RESERVE")
        self._used += 1
        if self._used > self._noted:
            self._note(min(self._used + BLOCK - 1, self._daily))

    def close(self) -> None:
        """Give back what was written down and not used."""
        if self._noted > self._used:
            self._note(self._used)

    def _note(self, count: int) -> None:
        self._noted = count
        files.replace(self._path, [f"{self._day} {count}\n".encode()])

    def _read(self, today: str) -> int:
        try:
            day, _, count = self._path.read_text("ascii").strip().partition(" ")
        except (OSError, UnicodeDecodeError):
            return 0
        return int(count) if day == today and count.isdigit() else 0
