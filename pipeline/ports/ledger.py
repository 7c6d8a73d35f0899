"""The ledger as the stages see it: verbs, never SQL.

One ledger holds many campuses; an object with these verbs speaks for one campus and one environment.  Every verb that
changes something does so in one durable transaction that also writes its audit row.  A move that finds the row in
another state than the caller saw raises StaleError and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.money import Tally


class LedgerError(Exception):
    """The ledger cannot be used as it is; the text says why and what to do."""


class NotOpenedError(LedgerError):
    """The ledger is empty and nobody has said that it may start so: nothing may be sent or posted."""


class StaleError(LedgerError):
    """The row was moved by somebody else meanwhile; nothing was changed."""


class FeeState(StrEnum):
    """Where a version of a fee stands.  HELD and WAITING come back every night; the others are at rest."""

    HELD = "held"
    WAITING = "waiting"
    EXCLUDED = "excluded"
    CHARGED = "charged"
    REJECTED = "rejected"


class UploadState(StrEnum):
    """Where an output file stands on its way to the bursar."""

    BUILT = "built"
    UPLOADING = "uploading"
    STAGED = "staged"
    PUBLISHING = "publishing"
    SENT = "sent"
    CONFLICT = "conflict"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


OPEN_UPLOADS = (UploadState.BUILT, UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING)
"""States in which a file still has a way to go."""

UNSETTLED_UPLOADS = (*OPEN_UPLOADS, UploadState.CONFLICT)
"""The same, and those that wait for a person because another file of their name lies at the bursar's."""


class PaymentState(StrEnum):
    """Where a line of money stands."""

    RECEIVED = "received"
    ALLOCATED = "allocated"
    SUSPENSE = "suspense"
    HELD = "held"
    EXCLUDED = "excluded"


class PostingState(StrEnum):
    """Where one call to Alma stands."""

    READY = "ready"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DOUBT = "doubt"
    POSTED = "posted"
    VERIFIED = "verified"
    HELD = "held"
    DOUBLE = "double"
    MISMATCH = "mismatch"


UPLOAD_MOVES: Mapping[UploadState, frozenset[UploadState]] = {
    UploadState.BUILT: frozenset(
        {
            UploadState.UPLOADING,
            UploadState.STAGED,
            UploadState.SENT,
            UploadState.CONFLICT,
            UploadState.SUPERSEDED,
            UploadState.CANCELLED,
        }
    ),
    UploadState.UPLOADING: frozenset(
        {
            UploadState.STAGED,
            UploadState.SENT,
            UploadState.CONFLICT,
            UploadState.SUPERSEDED,
            UploadState.CANCELLED,
        }
    ),
    UploadState.STAGED: frozenset(
        {
            UploadState.UPLOADING,
            UploadState.PUBLISHING,
            UploadState.SENT,
            UploadState.CONFLICT,
            UploadState.SUPERSEDED,
            UploadState.CANCELLED,
        }
    ),
    UploadState.PUBLISHING: frozenset({UploadState.STAGED, UploadState.SENT, UploadState.CONFLICT}),
    UploadState.SENT: frozenset(),
    UploadState.CONFLICT: frozenset({UploadState.SENT, UploadState.CANCELLED}),
    UploadState.SUPERSEDED: frozenset(),
    UploadState.CANCELLED: frozenset(),
}
"""The only moves there are.  SENT from any open state: our very bytes were found there under the final name.

STAGED back to UPLOADING: what lies there is not what we staged.  PUBLISHING never goes back further than STAGED, and
only on seeing our staged file there and no final one: a file that may be at the bursar's is not ours to replace.
"""


PAYMENT_MOVES: Mapping[PaymentState, frozenset[PaymentState]] = {
    PaymentState.RECEIVED: frozenset(
        {PaymentState.ALLOCATED, PaymentState.SUSPENSE, PaymentState.HELD, PaymentState.EXCLUDED}
    ),
    PaymentState.HELD: frozenset({PaymentState.RECEIVED, PaymentState.SUSPENSE, PaymentState.EXCLUDED}),
    PaymentState.SUSPENSE: frozenset({PaymentState.RECEIVED, PaymentState.HELD, PaymentState.EXCLUDED}),
    PaymentState.EXCLUDED: frozenset({PaymentState.RECEIVED}),
    PaymentState.ALLOCATED: frozenset(),
}
"""The only moves there are.  An allocated payment stays so: its plan is written once."""


POSTING_MOVES: Mapping[PostingState, frozenset[PostingState]] = {
    PostingState.READY: frozenset(
        {PostingState.SENDING, PostingState.POSTED, PostingState.HELD, PostingState.DOUBLE, PostingState.MISMATCH}
    ),
    PostingState.SENDING: frozenset({PostingState.READY, PostingState.POSTED, PostingState.HELD, PostingState.UNKNOWN}),
    PostingState.UNKNOWN: frozenset(
        {PostingState.POSTED, PostingState.DOUBT, PostingState.DOUBLE, PostingState.MISMATCH}
    ),
    PostingState.DOUBT: frozenset({PostingState.POSTED, PostingState.DOUBLE, PostingState.MISMATCH}),
    PostingState.POSTED: frozenset({PostingState.VERIFIED, PostingState.MISMATCH, PostingState.DOUBLE}),
    PostingState.VERIFIED: frozenset({PostingState.MISMATCH, PostingState.DOUBLE}),
    PostingState.HELD: frozenset({PostingState.READY, PostingState.POSTED, PostingState.DOUBLE, PostingState.MISMATCH}),
    PostingState.DOUBLE: frozenset(),
    PostingState.MISMATCH: frozenset(),
}
"""The only moves there are.  DOUBT never goes back to READY by itself: that takes a person."""


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


@dataclass(frozen=True)
class Booking:
    """Everything that a night of charges decided, entered in one transaction or not at all.

    ``fees`` has the columns of tables.FEES plus ``state``, ``code``, ``why`` and ``system``: every version of a fee
    read or reconsidered tonight, except duplicates.  ``movements`` has tables.MOVEMENTS plus ``batch`` (index into
    ``batches``) and ``carried`` (bool): a carried row stands in a snapshot but its movement was sent in an earlier
    file.  ``files`` are the hashes of the archived files now dealt with;
    ``refused`` maps a file's hash to (code, why).
    """

    fees: pd.DataFrame
    movements: pd.DataFrame
    batches: Sequence[Batch] = ()
    files: Sequence[str] = ()
    refused: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    findings: Sequence[Finding] = ()


@dataclass(frozen=True, slots=True)
class Charged:
    """What is known of a fee that a bursar system was told about: enough to find it in Alma and to match money to it.

    ``charged_cents`` = charges - reversals - credits sent; ``paid_cents`` = money received for it so far.
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


class RunBook(Protocol):
    """Opening the ledger, and the runs."""

    def is_open(self) -> bool:
        """Say whether somebody has opened this ledger for this campus."""

    def open_empty(self, by: str, at: datetime) -> None:
        """Declare that nothing was ever sent before.  Raises LedgerError if the ledger already has runs."""

    def begin_run(self, command: str, business_date: date, config_sha: str, at: datetime) -> Run:
        """Start a run.  Raises NotOpenedError on a ledger nobody opened."""

    def end_run(self, run: Run, exit_code: int, summary: str, at: datetime) -> None:
        """Write down how it ended."""

    def runs(self, most: int) -> Sequence[Run]:
        """Give the latest runs, newest first."""

    def note(self, run: Run, findings: Sequence[Finding], at: datetime) -> None:
        """Keep findings that belong to the run and change nothing else."""


class FileBook(Protocol):
    """Files that came in."""

    def file(self, sha: str) -> InFile | None:
        """Find a file by its hash."""

    def files_named(self, role: str, feed: str, name: str) -> Sequence[InFile]:
        """Find the files of a feed that came under this name."""

    def archived(self, file: InFile) -> None:
        """Enter a file that now lies in the archive.

        Entering the same one again changes nothing, except that a refused one is to be read once more.
        """

    def files_in(self, role: str, state: str) -> Sequence[InFile]:
        """List a role's files of one state, oldest first."""


class ChargeBook(Protocol):
    """Fees, movements and batches."""

    def pending_fees(self) -> pd.DataFrame:
        """Give every fee that is held or waiting, as tables.FEES."""

    def known_fees(self, source: str, fee_ids: Sequence[str]) -> pd.DataFrame:
        """Give source, fee_id, version, content, state, system of every version known of these fees."""

    def next_sequence(self, system: str, kind: str) -> int:
        """Give the number that the next file of this system and kind will bear; 1 in the beginning."""

    def open_items(self, system: str) -> pd.DataFrame:
        """Give what is outstanding at a system: tables.MOVEMENTS of each first charge, one row a fee.

        ``amount_cents`` is charges - reversals - credits less the money received (never below 0; fees at 0 are not
        given); also ``has_line`` (bool): whether its movement has a live line in some file that was not superseded.
        """

    def last_snapshot(self, system: str) -> pd.DataFrame:
        """Give fee_id and amount_cents of every row of the newest snapshot file that is sent; empty if none is."""

    def book(self, run: Run, booking: Booking, at: datetime) -> None:
        """Enter a night's decisions, all or nothing.

        Snapshots of the same system that are not yet publishing become superseded and their lines free again.
        A carried row whose movement stands in no other file becomes the one it is sent by.  Raises StaleError if a fee,
        movement, reference or file name is already there: the night was thought out on old news.  Raises LedgerError
        if a file is not worth its movements, or a charged fee has none.
        """

    def reject_fee(self, fee_id: str, version: int, by: str, reason: str, at: datetime) -> None:
        """End a held or waiting version of a fee for good, in a person's name.  Raises StaleError if it is neither."""


class UploadBook(Protocol):
    """Output files on their way to the bursar."""

    def uploads(self) -> Sequence[Upload]:
        """List the files in UNSETTLED_UPLOADS, by system, oldest first: none may be overtaken by a later one."""

    def uploads_of(self, names: Sequence[str]) -> Sequence[Upload]:
        """Give the files of these names, wherever they stand, and all that ``uploads`` gives, in the same order."""

    def move_upload(self, upload: Upload, to: UploadState, evidence: str, at: datetime) -> Upload:
        """Move a file along UPLOAD_MOVES, durable on return; give the new record.

        A file that is cancelled or superseded sets its lines free.  Raises StaleError, and LedgerError when there is no
        such move.
        """


class PaymentBook(Protocol):
    """Money that came in."""

    def known_payments(self, keys: Sequence[str]) -> Mapping[str, Payment]:
        """Find payments by their keys."""

    def enter_payments(
        self, run: Run, file_sha: str, payments: Sequence[Payment], findings: Sequence[Finding], at: datetime
    ) -> None:
        """Enter a file's new payments and mark the file booked, in one transaction.

        Raises StaleError on a known key, and when the file is not (any more) archived and waiting.
        """

    def refuse_file(self, run: Run, file_sha: str, finding: Finding, at: datetime) -> None:
        """Mark a file refused; nothing of it is entered."""

    def payments_in(self, state: PaymentState) -> Sequence[Payment]:
        """List the payments of one state, by occurred_on, then key."""

    def charged(self, system: str, reference: str) -> Charged | None:
        """Find the fee that was charged at a system under this reference."""

    def match_payment(self, payment: Payment, fee_id: str, at: datetime) -> Payment:
        """Say which fee a payment is for, before it is allocated; it counts as paid in ``open_items`` from then on.

        Raises StaleError if the payment is not RECEIVED or was matched meanwhile.
        """

    def settle_payment(self, payment: Payment, to: PaymentState, code: str, why: str, at: datetime) -> Payment:
        """Move a payment that will not be posted (held, suspense, excluded), or back to received.

        Staying in its state with another reason is allowed; with the same reason nothing is written.  Raises
        StaleError, and LedgerError when PAYMENT_MOVES knows no such move or ``to`` is ALLOCATED (``allocate`` does it).
        """

    def allocate(
        self,
        payment: Payment,
        fee_id: str,
        allocations: Sequence[Allocation],
        postings: Sequence[Posting],
        suspense_cents: int,
        at: datetime,
    ) -> Payment:
        """Write a payment's plan once: its allocations, a READY posting each, and what is left over.

        The allocations and ``suspense_cents`` add up to the payment exactly, else LedgerError.  Raises StaleError if
        the payment is not RECEIVED.
        """


class PostingBook(Protocol):
    """Calls to Alma."""

    def postings(self, *states: PostingState) -> Sequence[Posting]:
        """List the postings in these states, oldest money first, then by external id."""

    def move_posting(  # noqa: PLR0913 - a move says everything that changes, by name
        self,
        posting: Posting,
        to: PostingState,
        at: datetime,
        *,
        attempts: int | None = None,
        since: datetime | None = None,
        code: str = "",
        why: str = "",
        evidence: str = "",
    ) -> Posting:
        """Move a posting along POSTING_MOVES, durable on return; give the new record.

        ``attempts`` and ``since`` replace the old values when given.  Raises StaleError when the ledger has it in
        another state or at another attempt, LedgerError when there is no such move.
        """


class StoryBook(Protocol):
    """Reading what happened, for people.  Answers are plain records; these verbs never load pandas."""

    def story(self, subject: str) -> Sequence[Mapping[str, str]]:
        """Give the audit rows about a fee, payment, file or batch, oldest first: at, run, event, text."""

    def fee_record(self, fee_id: str) -> Sequence[Mapping[str, str | int]]:
        """Give every version of a fee with state, code, why, system, amount_cents, and how much is paid."""

    def standing(self) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        """Give counts and cents: {"fees": {state: (n, cents)}, "uploads": ..., "payments": ..., "postings": ...}."""

    def held_rows(self) -> Sequence[Mapping[str, str | int]]:
        """List what is held or waits, longest first.

        Columns: kind (fee, file, payment, posting), state, subject, patron_id, file (name) and line it was read from,
        code, why, amount_cents, since (ISO).  What is left over of a payment is in state suspense.
        """

    def names(self) -> Mapping[str, Sequence[str]]:
        """Give the names that the ledger knows: {"systems": ..., "sources": ...}, sorted."""

    def sums(self) -> Sequence[tuple[str, Tally, Tally]]:
        """Give sums of the ledger that must be equal: what is compared, and its two sides."""

    def verify_audit(self) -> Sequence[str]:
        """Recompute the hash chain and what it vouches for; give one sentence for everything that was tampered with."""


class Ledger(RunBook, FileBook, ChargeBook, UploadBook, PaymentBook, PostingBook, StoryBook, Protocol):
    """All of it.  A stage asks only for the book it needs."""
