"""What the ledger keeps, record by record: runs, files, batches, money and what became of it; and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.ports.states import PaymentState, PostingState, UploadState


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
class Question:
    """What a person is asked of a held or waiting fee: of which version, and the finding (``code``) that keeps it."""

    source: str
    fee_id: str
    version: int
    code: str

    def __str__(self) -> str:
        """Name it for people."""
        return f"fee {self.fee_id} of {self.source}, version {self.version}"


@dataclass(frozen=True, slots=True)
class InFile:
    """A file that came in and lies in the archive under its hash.

    ``role`` is ``charges`` or ``payments``, ``feed`` the name of the source or system it belongs to; ``state`` is
    ``archived`` (to be read), ``booked`` (its rows are in the ledger) or ``refused`` (with ``code`` and ``why``).
    ``changed`` is when it was last changed where it lay, by the clock there (seconds, 0 where nobody knows);
    ``delivered_at`` when it was left for us, never later than we had it.
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
class Batch:
    """Movements that travel in one file: ``count`` lines worth ``cents``, the file ``name`` with its hash and size.

    ``path`` is where the built file lies below the campus's state folder.  ``scope`` is ``delta`` or ``snapshot``.
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


@dataclass(frozen=True, slots=True)
class Charged:
    """What is known of a fee that a bursar system was told about: enough to find it in Alma and to match money to it.

    ``charged_cents`` = charges - reversals - credits sent; ``paid_cents`` = money received for it so far.
    ``patron_id`` is the patron as Alma knows them, ``bursar_id`` as the bursar was told.
    """

    source: str
    fee_id: str
    system: str
    reference: str
    patron_id: str
    patron_id_type: str
    charged_cents: int
    paid_cents: int
    payments_to: str
    currency: str
    bursar_id: str = ""


@dataclass(frozen=True, slots=True)
class Payment:
    """One line of money.  ``key`` is its identity, ``fingerprint`` all its money fields; going back is negative."""

    key: str
    fingerprint: str
    system: str
    file_sha: str
    line: int
    payment_ref: str
    fee_ref: str
    patron_id: str
    cents: int
    occurred_on: str
    kind: str
    method: str
    state: PaymentState
    code: str = ""
    why: str = ""
    fee_id: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many cents of a payment go to which fee; ``number`` counts from 1.  Written once, never recomputed."""

    payment_key: str
    number: int
    fee_id: str
    alma_fee_id: str
    cents: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One call to Alma and what became of it.

    ``external_id`` is made of the payment's identity alone (no cents, no fee), so a lost ledger still finds its past.
    ``attempts`` counts requests that may have been applied; ``since`` is when the last one was sent or doubted.
    """

    external_id: str
    payment_key: str
    patron_id: str
    patron_id_type: str
    alma_fee_id: str
    cents: int
    method: str
    comment: str
    state: PostingState
    attempts: int = 0
    since: datetime | None = None
    code: str = ""
    why: str = ""
