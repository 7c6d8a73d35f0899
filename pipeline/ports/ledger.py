"""The ledger as the stages see it: verbs, never SQL.

One ledger holds many campuses; an object with these verbs speaks for one campus and one environment.  Every verb that
changes something does so in one durable transaction that also writes its audit row.  A move that finds the row in
another state than the caller saw raises StaleError and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline import tables
from pipeline.ports.records import (
    Allocation,
    Batch,
    Booking,
    Charged,
    Figure,
    InFile,
    LedgerError,
    NotOpenedError,
    Payment,
    Posting,
    Question,
    Run,
    StaleError,
    Upload,
)
from pipeline.ports.states import (
    OPEN_UPLOADS,
    PAYMENT_MOVES,
    POSTING_MOVES,
    UNSETTLED_UPLOADS,
    UPLOAD_MOVES,
    FeeState,
    PaymentState,
    PostingState,
    UploadState,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.money import Tally

__all__ = [
    "OPEN_UPLOADS",
    "PAYMENT_MOVES",
    "POSTING_MOVES",
    "UNSETTLED_UPLOADS",
    "UPLOAD_MOVES",
    "Allocation",
    "Batch",
    "Booking",
    "ChargeBook",
    "Charged",
    "FeeState",
    "Figure",
    "FileBook",
    "InFile",
    "Ledger",
    "LedgerError",
    "NotOpenedError",
    "Payment",
    "PaymentBook",
    "PaymentState",
    "Posting",
    "PostingBook",
    "PostingState",
    "Question",
    "Run",
    "RunBook",
    "StaleError",
    "StoryBook",
    "Upload",
    "UploadBook",
    "UploadState",
]


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

    def let_through(self, run: Run, by: str, said: Sequence[tuple[str, str]], at: datetime) -> None:
        """Write down in a person's name what ``--approve`` is for in a run: name and words, an audit row for each."""

    def note(self, run: Run, findings: Sequence[Finding], at: datetime) -> None:
        """Keep findings that belong to the run and change nothing else."""


class FileBook(Protocol):
    """Files that came in."""

    def file(self, sha: str) -> InFile | None:
        """Find a file by its hash."""

    def files_named(self, role: str, feed: str, name: str) -> Sequence[InFile]:
        """Find the files of a feed that came under this name."""

    def newest_file(self, role: str, feed: str) -> InFile | None:
        """Give the file of a feed that came last, whatever became of it."""

    def archived(self, file: InFile) -> None:
        """Enter a file that now lies in the archive.

        Entering the same one again changes nothing, except that a refused one is to be read once more, and so is one
        that was dealt with and has been left there anew (``changed`` is later, ``delivered_at`` says when).  One that
        is left anew while it waits to be read is as old as its last delivery.
        """

    def files_in(self, role: str, state: str) -> Sequence[InFile]:
        """List a role's files of one state, oldest first."""


class ChargeBook(Protocol):
    """Fees, movements and batches."""

    def pending_fees(self) -> pd.DataFrame:
        """Give every fee that is held or waiting, as tables.FEES."""

    def known_fees(self, source: str, fee_ids: Sequence[str]) -> pd.DataFrame:
        """Give source, fee_id, as_of, version, content, state, system of every version known of these fees."""

    def positions(self, source: str) -> pd.DataFrame:
        """Give what the ledger has billed for every fee of a source that was ever charged, one row a fee.

        Columns: source, fee_id, system, patron_id_type, patron_id (both as sent), original_cents (of the newest version
        charged), billed_cents (charges - reversals - credits), movement (the highest number), version (the highest of
        any state), lowered_on (business date of the last run that lowered it, or "").
        """

    def receipts(self, source: str) -> pd.DataFrame:
        """Give the payments of a source's fees that Alma knows of, or may: source, fee_id, cents, day, sure.

        ``day`` (YYYY-MM-DD, UTC) is when the posting was made; ``sure`` is false while its outcome is not known.
        """

    def charges_of(self, patrons: Sequence[str]) -> pd.DataFrame:
        """Give every charge ever booked for these patrons, as sent (tables.MOVEMENTS), by patron, oldest first.

        A patron's id counts the same in any case.  And the columns: billed_cents (of its fee: charges - reversals -
        credits), paid_cents (all money received for its fee), reversed (bool: whether a reversal undoes this charge),
        sent_on (business date of the file that took it, "" while no file of it has arrived).
        """

    def recent(self, patrons: Sequence[str], since: date) -> pd.DataFrame:
        """Give the charges of these patrons, in any case of their ids, in files of business date ``since`` or later.

        Columns: source, fee_id, system, patron_id, bursar_id, amount_cents, barcode, fee_type, reference, billed_cents
        (of its fee by now: charges - reversals - credits), sent_on, continued_by (a fee that continues it, or "").
        """

    def patrons_told(self, bursar_ids: Sequence[str]) -> Sequence[str]:
        """Give the patron ids whose charges a bursar was told under one of these ids, in any case, sorted."""

    def decisions(self) -> pd.DataFrame:
        """Give what people said yes to of fees that are held or wait, the newest word on each question.

        Columns: source, fee_id, version, content, code, against, by, reason.  A yes answers the question that was
        asked: ``code`` is the finding the version was held for then.  ``against``: the fee id a credit is for; empty
        means let it go.
        """

    def rejected_changes(self, source: str) -> Sequence[str]:
        """Give the fees of a source whose newest version is a change of a billed debt that a person rejected."""

    def approve_fee(self, question: Question, against: str, by: str, reason: str, at: datetime) -> None:
        """Write down a person's yes to a held version of a fee, as the answer to why it is held.

        The newest word on a version and code counts; one on another code is another answer, and both count.  Raises
        StaleError, which says how the version stands, unless it is held or waits for that very reason; LedgerError if
        ``against`` was never charged.
        """

    def figures(self, since: date) -> pd.DataFrame:
        """Give the figures of nights from ``since`` on: business_date, scope, what, count, cents; oldest first."""

    def known_exports(self, source: str, numbers: Sequence[str]) -> frozenset[str]:
        """Give those of these export numbers under which the ledger has fees of the source, of any state."""

    def next_sequence(self, system: str, kind: str) -> int:
        """Give the number that the next file of this system and kind will bear; 1 in the beginning."""

    def open_items(self, system: str, columns: Collection[str] = tables.MOVEMENTS.names) -> pd.DataFrame:
        """Give what is outstanding at a system: tables.MOVEMENTS of each first charge, one row a fee, by fee id.

        ``amount_cents`` is charges - reversals - credits less the money received (never below 0; fees at 0 are not
        given).  ``columns`` are those that the system's file says; who owes, which fee and movement, under which
        reference and how much is always given, any other column is blank, for no file could need it.
        """

    def last_scope(self, system: str) -> str:
        """Give the scope of a system's newest file that was not given up, ``delta`` or ``snapshot``; "" if none is."""

    def last_snapshot(self, system: str) -> pd.DataFrame:
        """Give fee_id and amount_cents of every row of the newest snapshot file that is sent; empty if none is."""

    def book(self, run: Run, booking: Booking, at: datetime) -> None:
        """Enter a night's decisions, all or nothing.

        Snapshots of the same system that are not yet publishing become superseded and their lines free again.
        A carried row whose movement stands in no other file becomes the one it is sent by.  Raises StaleError if a fee,
        movement, reference or file name is already there: the night was thought out on old news.  Raises LedgerError
        if a file is not worth its movements, if the versions charged are not the movements to the cent, if what lowers
        a debt would come to more than its charges, or if a movement goes to another system than its debt.
        """

    def reject_fee(self, question: Question, by: str, reason: str, at: datetime) -> None:
        """End a held or waiting version of a fee for good, in a person's name.

        Raises StaleError, which says how the version stands, unless it is held or waits for that very reason.
        """


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
        """Find the fee that was charged at a system under this reference, by its first charge or a later one."""

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
