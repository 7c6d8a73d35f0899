"""The world outside as the stages see it: small Protocols with verbs, and three ways to fail."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime
    from pathlib import Path

    import pandas as pd

    from pipeline.findings import Finding


class OutsideError(Exception):
    """Something outside did not do as asked.  The text is one line for people; no secret, no patron's name."""


class Busy(OutsideError):  # noqa: N818 - the three outcomes are words of the trade here, not class suffixes
    """It did not happen, and may be tried again: no connection, too many requests, a read that failed."""


class Refused(OutsideError):  # noqa: N818
    """It did not happen, and trying again will not help.  ``scope`` is ``row`` (this one) or ``system`` (all of it)."""

    def __init__(self, text: str, *, scope: str = "row", code: str = "") -> None:
        """Keep the server's own ``code`` so that an operator can look it up."""
        super().__init__(text)
        self.scope = scope
        self.code = code


class Lost(OutsideError):  # noqa: N818
    """A change that may or may not have happened.  Look before doing anything else; never simply try again."""


class Clock(Protocol):
    """Time, passed in."""

    def now(self) -> datetime:
        """Give the present moment in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A file seen in a folder outside: its name there, its size in bytes, when it last changed (seconds, UTC)."""

    name: str
    size: int
    modified: float


class Place(Protocol):
    """A folder outside (SFTP or local) that holds files of ours.  Names are plain names in that folder, never paths.

    Every method raises Busy when the place cannot be reached or answers nonsense, Refused when it says no (no such
    folder, no permission, wrong host key or password: scope ``system``), and Lost only where said so.
    """

    def list(self) -> Sequence[Listed]:
        """List the regular files; a name that no call would take has its odd characters written out."""

    def size(self, name: str) -> int | None:
        """Give a file's size in bytes, or None if there is no such file."""

    def read(self, name: str) -> bytes:
        """Read a whole file back, exactly as it lies there."""

    def fetch(self, name: str, to: Path) -> int:
        """Copy a file into a new local file (0600); return the bytes copied.  A short copy raises Busy."""

    def write_new(self, name: str, path: Path) -> None:
        """Copy the local file ``path`` to ``name``, which must not exist there (Refused if it does).

        Raises Lost when the link broke midway: a part of the file may stand under ``name``.
        """

    def rename(self, old: str, new: str) -> None:
        """Rename without ever overwriting: Refused if ``new`` exists.  Raises Lost if the answer was lost."""

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if there is none.  Raises Lost if the answer was lost."""


@dataclass(frozen=True, slots=True)
class AlmaTransaction:
    """One transaction on a fee in Alma: cents are positive as Alma gives them; ``external_id`` is "" where none."""

    kind: str
    cents: int
    external_id: str
    time: str = ""
    transaction_id: str = ""


@dataclass(frozen=True, slots=True)
class AlmaFee:
    """A fee as Alma answers it.  ``status`` is ACTIVE, INDISPUTE, EXPORTED or CLOSED (or a new word, kept)."""

    fee_id: str
    bursar_id: str
    status: str
    kind: str
    original_cents: int
    balance_cents: int
    currency: str
    transactions: tuple[AlmaTransaction, ...] = ()


@dataclass(frozen=True, slots=True)
class PayOrder:
    """One ``op=pay``: which fee of which patron, how many cents, by which method, under which external id of ours."""

    patron_id: str
    patron_id_type: str
    fee_id: str
    cents: int
    method: str
    external_id: str
    comment: str


class AlmaFees(Protocol):
    """The calls to Alma that this pipeline makes: three shapes, and no other."""

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> Sequence[AlmaFee]:
        """List a patron's fees of one status.  Raises Busy, or Refused (401651, 401861, 401890: no such patron)."""

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        """Read one fee.  Raises Busy when the answer cannot be believed, Refused when Alma says no such fee."""

    def pay(self, order: PayOrder) -> AlmaFee:
        """Send exactly one payment request and return the fee it answers, which holds our external id and cents.

        Raises Busy when it surely did not happen (nothing sent, or 429); Refused for the named refusal codes (scope
        ``row``) and for 401/403 (scope ``system``); Lost for everything else.
        """


@dataclass(frozen=True, slots=True)
class ReportPage:
    """A page of the fee-transactions report: fees with what happened on them, and how many fees there are in all."""

    fees: tuple[AlmaFee, ...]
    total: int


class FeeReport(Protocol):
    """Alma's report of what was paid, which a key may be allowed to read."""

    def page(self, first: date, last: date, offset: int) -> ReportPage:
        """Give up to 100 fees with a payment from ``first`` to ``last`` (seven days at most), after ``offset``.

        Each shows the payments of that period only.  Raises Busy, and Refused where the key may not read it.
        """


class SecondOpinion(Protocol):
    """Checks of whole tables by other people's code, running beside our own work."""

    def ask(self, suite: str, subject: str, frame: pd.DataFrame) -> None:
        """Start checking ``frame`` against a suite; ``subject`` is what a STOP will hold back, such as an output."""

    def answers(self) -> Sequence[Finding]:
        """Wait for every question asked and give what was found: notes, and stops of their subject."""


class Mailer(Protocol):
    """Hands a letter in at the mail server."""

    def send(self, letter: bytes) -> Sequence[str]:
        """Hand in a whole letter (RFC 5322, its addresses in From and To); give the addresses that it will not reach.

        Raises Busy when it surely was not taken and may be handed in again, Refused when the server will never take it
        (scope ``row``) or us (scope ``system``), and Lost when it may have been taken: the same letter, under the same
        Message-ID, is then handed in again.
        """
