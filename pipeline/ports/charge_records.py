"""What the ledger keeps of charges, record by record: what a person is asked, what a night decided, its files."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.ports.states import UploadState


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked of a held or waiting fee: of which version, and the finding (``code``) that keeps it."""

    source: str
    fee_id: str
    version: int
    code: str

    def __str__(self) -> str:
        """Name it for people."""
        return f"fee {self.fee_id} of {self.source}, version {self.version}"


PAYMENT_FILE = "payment"
"""The kind of a file of payments for Alma to import; every other goes to a bursar."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Movements that travel in one file: ``count`` lines worth ``cents``, the file ``name`` with its hash and size.

    ``path`` is where the built file lies below the campus's state folder.  ``scope`` is ``delta`` or ``snapshot``.
    A file of payments for Alma to import is of kind PAYMENT_FILE, scope ``delta``, and ``system`` is the source whose
    fees it pays.
    """

    system: str
    kind: str
    sequence: int
    part: int
    scope: str
    name: str
    path: str
    sha: str
    size: int
    count: int
    cents: int
    business_date: date


@dataclass(frozen=True, slots=True)
class Upload:
    """A batch on its way: what ``deliver`` works on.  ``batch_id`` is the ledger's own number."""

    batch_id: int
    batch: Batch
    state: UploadState
    evidence: str = ""
    changed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a night, kept to compare later nights with.

    ``scope`` is a system or a source; ``what`` is ``sent`` (rows and cents that went out new), ``held``, ``read``
    (rows and cents of a source), ``largest`` (cents of the largest line), ``as_of`` (count is the ordinal of the day),
    ``type:<fee type>`` or ``shape:<picture of an id>``.
    """

    scope: str
    what: str
    count: int
    cents: int


@dataclass(frozen=True)
class Booking:
    """Everything that a night of charges decided, entered in one transaction or not at all.

    ``fees`` has the columns of tables.FEES plus ``state``, ``code``, ``why`` and ``system``: every version of a fee
    read or reconsidered tonight, except duplicates.  ``movements`` has tables.MOVEMENTS plus ``batch`` (index into
    ``batches``; tables.FOLDED for a movement that only changes a row which a snapshot carries) and ``carried`` (bool):
    a carried row stands in a snapshot but its movement was sent in an earlier file.  Amounts are signed: what lowers a
    debt is negative.  ``files`` are the hashes of the archived files now dealt with;
    ``refused`` maps a file's hash to (code, why).
    """

    fees: pd.DataFrame
    movements: pd.DataFrame
    batches: Sequence[Batch] = ()
    files: Sequence[str] = ()
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()
    figures: Sequence[Figure] = ()
