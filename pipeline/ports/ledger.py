"""The ledger as the stages see it: verbs, never SQL.

One ledger holds many campuses; an object with these verbs speaks for one campus and one environment.  Every verb that
changes something does so in one durable transaction that also writes its audit row.  A move that finds the row in
another state than the caller saw raises StaleError and changes nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.ports.charge_book import ChargeBook, UploadBook
from pipeline.ports.charge_records import PAYMENT_FILE, Batch, Booking, Figure, Question, Upload
from pipeline.ports.money_book import PaymentBook, PostingBook, TaskBook
from pipeline.ports.money_records import Allocation, Charged, Paid, Payment, Posting, Share, Task
from pipeline.ports.records import InFile, LedgerError, Named, NotOpenedError, Run, StaleError, Word
from pipeline.ports.states import (
    DROPPED_UPLOADS,
    GIVEN_UP,
    MAY_BE_TAKEN,
    OPEN_UPLOADS,
    PAYMENT_MOVES,
    POSTING_MOVES,
    UNSENT,
    UNSETTLED_UPLOADS,
    UPLOAD_MOVES,
    FeeState,
    PaymentState,
    PostingState,
    TaskState,
    UploadState,
    Way,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    from pipeline.findings import Finding
    from pipeline.money import Tally

__all__ = [
    "DROPPED_UPLOADS",
    "GIVEN_UP",
    "MAY_BE_TAKEN",
    "OPEN_UPLOADS",
    "PAYMENT_FILE",
    "PAYMENT_MOVES",
    "POSTING_MOVES",
    "UNSENT",
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
    "Named",
    "NotOpenedError",
    "Paid",
    "Payment",
    "PaymentBook",
    "PaymentState",
    "Posting",
    "PostingBook",
    "PostingState",
    "Question",
    "Run",
    "RunBook",
    "Share",
    "StaleError",
    "StoryBook",
    "Task",
    "TaskBook",
    "TaskState",
    "Upload",
    "UploadBook",
    "UploadState",
    "Way",
    "Word",
]


class RunBook(Protocol):
    """Opening the ledger, and the runs."""

    def is_open(self) -> bool:
        """Say whether somebody has opened this ledger for this campus."""

    def opened_at(self) -> datetime | None:
        """Say when this ledger was opened; None if nobody has opened it."""

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

    def said_last(self, subject: str, codes: Collection[str]) -> Sequence[Finding]:
        """Give what the newest run that said any of these codes of a system's output said; nothing once that went.

        It went in the newest run that has a figure ``sent`` of the system, though it be of no rows.
        """


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

    def give_up_file(self, file: InFile, by: str, why: str, at: datetime) -> InFile:
        """Write down in a person's name that nothing of a refused file is to be used: its code is GIVEN_UP from now on.

        Raises StaleError if it is not refused any more.
        """

    def files_in(self, role: str, state: str) -> Sequence[InFile]:
        """List a role's files of one state, oldest first."""

    def files_with(self, source: str, fee_ids: Sequence[str]) -> Mapping[str, InFile]:
        """Give, by fee id, the file in which each of these fees of a source first stood; an unknown one is missing."""


class StoryBook(Protocol):
    """Reading what happened, for people.  Answers are plain records; these verbs never load pandas."""

    def story(self, subject: str) -> Sequence[Mapping[str, str]]:
        """Give the audit rows about a fee, payment, file or batch, oldest first: at, run, event, text."""

    def named(self, word: str) -> Sequence[Named]:
        """Say what a word is a name of, oldest first; nothing where the ledger knows no such name.

        An id of any kind names itself.  A receipt names its payments, a reference its fee, a file's name or hash the
        file, a patron's id (as Alma or the bursar knows it, in any case) all their fees and payments.
        """

    def fee_record(self, fee_id: str) -> Sequence[Mapping[str, str | int]]:
        """Give every version of a fee with state, code, why, system, amount_cents, and how much is paid.

        And ``since`` when it stands so (ISO), and ``booked_on``, the business date of the run that last booked it.
        """

    def standing(self) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        """Give counts and cents: {"fees": {state: (n, cents)}, "uploads": ..., "payments": ..., "postings": ...}.

        And ``tasks``.  The postings of a payment that was cancelled are left out: it counts as a payment.
        """

    def held_rows(self) -> Sequence[Mapping[str, str | int]]:
        """List what is held or waits, longest first.

        Columns: kind (fee, file, payment, posting, task), state, subject, patron_id, file (name) and line it was read
        from, code (of a task its kind), why, amount_cents, since (ISO).  What is left over of a payment is in state
        suspense; what Alma was to import, and does not show, is in state listed since its file arrived.
        """

    def names(self) -> Mapping[str, Sequence[str]]:
        """Give the names that the ledger knows: {"systems": ..., "sources": ...}, sorted."""

    def sums(self) -> Sequence[tuple[str, Tally, Tally]]:
        """Give sums of the ledger that must be equal: what is compared, and its two sides."""

    def verify_audit(self) -> Sequence[str]:
        """Recompute the hash chain and what it vouches for; give one sentence for everything that was tampered with."""


class Ledger(RunBook, FileBook, ChargeBook, UploadBook, PaymentBook, PostingBook, TaskBook, StoryBook, Protocol):
    """All of it.  A stage asks only for the book it needs."""
