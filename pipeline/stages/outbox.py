"""The outbox: letters that are written and not handed in yet, a file each, so that none is lost and none goes twice.

A letter's name says the day it is of, what it is, and the number of the last run that it covers; its Message-ID is made
of campus, environment, day and kind alone, so that a letter which is handed in again is the same one to every reader.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime
from typing import TYPE_CHECKING

from pipeline import files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from pathlib import Path

NAME = re.compile(r"(\d{4}-\d{2}-\d{2})_(.+)_(\d{6,})\.eml", re.ASCII)
ODD = re.compile(r"[^A-Za-z0-9-]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter to write: whose, of which day and kind, up to which run, to whom, and what it says."""

    campus: str
    environment: str
    day: date
    kind: str
    run: int
    sender: str
    people: Sequence[str]
    subject: str
    text: str

    @property
    def message_id(self) -> str:
        """The same for a letter of the same campus, environment, day and kind, whenever it is written."""
        parts = f"{self.campus}\x1f{self.environment}\x1f{self.day.isoformat()}\x1f{self.kind}"
        return f"<bursar.{hashlib.sha256(parts.encode()).hexdigest()[:32]}@{self.sender.rpartition('@')[2]}>"

    def written(self, at: datetime) -> bytes:
        """Write it out (RFC 5322).  Raises ValueError for an address or subject that is not one line."""
        message = EmailMessage(policy=policy.SMTP)
        message["From"] = self.sender
        message["To"] = ", ".join(self.people)
        message["Subject"] = self.subject
        message["Date"] = format_datetime(at)
        message["Message-ID"] = self.message_id
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(self.text)
        return message.as_bytes()


@dataclass(frozen=True, slots=True)
class Told:
    """The last letter of a kind: of which day it was, and up to which run it told."""

    day: date
    run: int


@dataclass(frozen=True, slots=True)
class Outbox:
    """A folder with the letters in ``queue`` and those in ``sent``."""

    folder: Path

    def put(self, letter: Letter, at: datetime) -> None:
        """Write a letter into the queue."""
        name = f"{letter.day.isoformat()}_{_plain(letter.kind)}_{letter.run:06d}.eml"
        files.replace(self.folder / "queue" / name, [letter.written(at)])

    def waiting(self) -> list[Path]:
        """List what is to be handed in, oldest first."""
        return sorted(path for path in (self.folder / "queue").glob("*.eml") if NAME.fullmatch(path.name))

    def done(self, path: Path) -> None:
        """Put a letter that was taken among those sent."""
        files.move(path, self.folder / "sent")

    def last(self, kind: str) -> Told | None:
        """Find the last letter of a kind, sent or not; None if there was none."""
        named = (NAME.fullmatch(path.name) for part in ("queue", "sent") for path in (self.folder / part).glob("*.eml"))
        told = [Told(date.fromisoformat(one[1]), int(one[3])) for one in named if one and one[2] == _plain(kind)]
        return max(told, key=lambda one: (one.day, one.run), default=None)


def _plain(kind: str) -> str:
    """Give a kind as it may stand in a file name, still told apart from every other one."""
    return kind if not ODD.search(kind) else f"{ODD.sub('-', kind)}-{hashlib.sha256(kind.encode()).hexdigest()[:8]}"
