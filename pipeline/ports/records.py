"""What the ledger keeps, record by record: runs, files, batches, money and what became of it; and how it refuses."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.ports.states import Way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.ports.states import PaymentState, PostingState, TaskState, UploadState


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


@dataclass(frozen=True, slots=True)
class Charged:
    """What is known of a fee that a bursar system was told about: enough to find it in Alma and to match money to it.

    ``charged_cents`` = charges - reversals - credits sent; ``paid_cents`` = money received for it so far, less what
    went back.  ``patron_id`` is the patron as Alma knows them, ``bursar_id`` as the bursar was told.  ``sent_on`` is
    the business date of the file that took its first charge, ``due_on`` and ``fee_type`` are as sent.
    ``continued_by`` are the fees in Alma that continue this debt, or parts of it, under other ids, the newest last.
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
    sent_on: str = ""
    due_on: str = ""
    fee_type: str = ""
    continued_by: tuple[str, ...] = ()

    @property
    def open_cents(self) -> int:
        """What the bursar still wants for it; never below 0."""
        return max(0, self.charged_cents - self.paid_cents)


@dataclass(frozen=True, slots=True)
class Share:
    """So many cents of a payment are for this debt; ``number`` counts from 1, what goes back is negative."""

    number: int
    source: str
    fee_id: str
    cents: int


@dataclass(frozen=True, slots=True)
class Payment:
    """One line of money.  ``key`` is its identity, ``fingerprint`` all its money fields; going back is negative.

    ``fees`` are the references and cents of a line that names several fees; ``origin_ref`` is the receipt that it takes
    back; ``reader`` the layout it was read by.  ``shares`` say which debts it was matched to: they never come to more
    than the payment, and what is left of it belongs to nobody yet.  ``takes_back`` is the key of the payment whose
    money this line was found to take back.
    """

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
    payment_line: str = ""
    fees: tuple[tuple[str, int], ...] = ()
    origin_ref: str = ""
    item_code: str = ""
    status: str = ""
    reader: str = ""
    shares: tuple[Share, ...] = ()
    takes_back: str = ""


@dataclass(frozen=True, slots=True)
class Allocation:
    """How many cents of a payment go to which fee; ``number`` is that of its share.  Written once, never recomputed."""

    payment_key: str
    number: int
    source: str
    fee_id: str
    alma_fee_id: str
    cents: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One share of a payment on its way into Alma, and what became of it.

    ``external_id`` is made of the payment's identity alone (no cents, no fee), so a lost ledger still finds its past.
    ``way`` is ``api``, ``import_file`` or ``record``, as the charge was sent under.  ``attempts`` counts requests that
    may have been applied; ``since`` is when the last one was sent or doubted.  ``blind_nights`` counts the business
    dates, ``blind_on`` being the last, on which Alma could not be asked about it.
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
    way: str = Way.API
    source: str = ""
    fee_id: str = ""
    blind_nights: int = 0
    blind_on: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Something that only staff can do, with everything they need for it.

    ``kind`` is ``unpay`` (money went back that Alma has as paid: the fee is to be created again with the comment
    ``reopens <reference>``), ``waive`` (the bursar wrote it off), ``clear-credit`` (Alma's own credit would be spent a
    second time), ``refund`` (money the patron is owed) or ``look`` (see for yourself).  ``subject`` is the payment's
    key.  ``task_id`` is made of kind, subject and number, so that the same task is never opened twice.
    """

    task_id: str
    kind: str
    subject: str
    system: str
    source: str
    fee_id: str
    reference: str
    patron_id: str
    cents: int
    text: str
    opened_on: str
    state: TaskState
    closed_by: str = ""
    reason: str = ""


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


@dataclass(frozen=True, slots=True)
class Paid:
    """A share of a payment that Alma has, or that was recorded: what a library's desk is told of it.

    ``owner`` is the owning library of the fee as it was charged, ``payment_ref`` the receipt, ``way`` as in a posting.
    """

    external_id: str
    payment_key: str
    payment_ref: str
    system: str
    source: str
    fee_id: str
    owner: str
    cents: int
    way: str
