"""A feed: files of one kind that somebody leaves for us, what may be believed of them, and what a look at it brings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Container
    from typing import Literal

    from pipeline.ports.ledger import InFile


@dataclass(frozen=True, slots=True)
class Feed:
    """Files of one kind that somebody leaves for us: which they are, and what may be believed of them.

    ``role`` is ``charges``, ``people``, ``counters``, or ``payments``: these are searched for card numbers, and
    ``fee_ids`` are long numbers that are none.  ``name`` is the source or system, ``pattern`` the file names (``*`` and
    ``?``).  ``processed`` is a folder below, or "" to leave files where they are.  ``quiet_s``: seconds between two
    looks that must show the same.  ``proved``: whether reading a file shows that it is whole (a trailer, a closing
    tag); if not, that is said each time.  ``same_name``: what other bytes under a name seen before are: held back, or
    news (a cumulative file).  ``dated``: a file says what is so on the day it is left, so the same bytes left anew say
    something too.  ``recurs``: its lines may be of equal payments, so the same bytes under another name, or left anew,
    may be further ones: they are read as another file, which is known by its delivery instead of its bytes alone.
    """

    role: str
    name: str
    pattern: str
    processed: str = ""
    quiet_s: float = 60
    max_bytes: int = 4 * 2**30
    proved: bool = True
    same_name: Literal["hold", "news"] = "hold"
    dated: bool = False
    recurs: bool = False
    fee_ids: Container[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Fetched:
    """What a look at a feed brought: files new in the archive, files dealt with on an earlier day, and findings.

    A file that an earlier run archived and did not live to read is in neither: the ledger lists it as ``archived``.
    ``latest`` is when the youngest whole file there was written, by the sender's clock (seconds, UTC); ``looked`` is
    false where the look itself failed, so that nothing can be said of what is not there.
    """

    new: tuple[InFile, ...]
    again: tuple[InFile, ...]
    findings: tuple[Finding, ...]
    latest: float | None = None
    looked: bool = True


@dataclass
class Look:
    """A look at a feed while it lasts: what Fetched will say of it."""

    feed: Feed
    new: list[InFile] = field(default_factory=list)
    again: list[InFile] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    latest: float | None = None
    looked: bool = False

    def say(self, code: str, subject: str, text: str) -> None:
        """Tell what kept a file or the feed back, or what is odd about it."""
        self.findings.append(Finding(code, subject, text, "fetch"))

    def fetched(self) -> Fetched:
        """Give what it has brought up to now."""
        return Fetched(tuple(self.new), tuple(self.again), tuple(self.findings), self.latest, self.looked)
