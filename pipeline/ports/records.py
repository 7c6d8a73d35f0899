"""What the ledger keeps of any run, record by record: itself, files that came, a person's words; and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, datetime


class LedgerError(Exception):
    """The ledger cannot be used as it is; the text says why and what to do."""


class NotOpenedError(LedgerError):
    """The ledger is empty and nobody has said that it may start so: nothing may be sent or posted."""


class StaleError(LedgerError):
    """The row was moved by somebody else meanwhile; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of the pipeline: ``number`` rises for ever, ``sequence`` counts the runs of one business date from 1."""

    number: int
    business_date: date
    sequence: int
    command: str
    started_at: datetime
    ended_at: datetime | None = None
    exit_code: int | None = None
    summary: str = ""


@dataclass(frozen=True, slots=True)
class InFile:
    """A file that came in and lies in the archive under its hash.

    ``role`` is ``charges`` or ``payments``, ``feed`` the name of the source or system it belongs to; ``state`` is
    ``archived`` (to be read), ``booked`` (its rows are in the ledger) or ``refused`` (with ``code`` and ``why``).
    ``changed`` is when it was last changed where it lay, by the clock there (seconds, 0 where nobody knows);
    ``delivered_at`` when it was left for us, never later than we had it.  ``sha`` is the hash of its bytes; of
    bytes that count a second time, as another delivery, it is the hash of that.
    """

    sha: str
    name: str
    role: str
    feed: str
    size: int
    archived_at: datetime
    state: str = "archived"
    code: str = ""
    why: str = ""
    changed: int = 0
    delivered_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """What a person has said should become of a payment, posting, file or task: ``action`` is that of `bursar resolve`.

    With two people the first word waits for the second, of another account, that says the same.
    """

    subject: str
    action: str
    by: str
    reason: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Named:
    """What a word that a person typed is a name of.

    ``kind`` is ``fee``, ``payment``, ``posting``, ``task``, ``upload`` (an output file, by its name) or ``file`` (one
    that came in, by its hash); ``id`` is what the ledger knows it by.
    """

    kind: str
    id: str
