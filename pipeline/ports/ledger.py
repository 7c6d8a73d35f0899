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
    Named,
    NotOpenedError,
    Paid,
    Payment,
    Posting,
    Question,
    Run,
    Share,
    StaleError,
    Task,
    Upload,
    Word,
)
from pipeline.ports.states import (
    GIVEN_UP,
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

    import pandas as pd

    from pipeline.findings import Finding
    from pipeline.money import Tally

__all__ = [
    "GIVEN_UP",
    "OPEN_UPLOADS",
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

    def give_up_file(self, file: InFile, by: str, why: str, at: datetime) -> InFile:
        """Write down in a person's name that nothing of a refused file is to be used: its code is GIVEN_UP from now on.

        Raises StaleError if it is not refused any more.
        """

    def files_in(self, role: str, state: str) -> Sequence[InFile]:
        """List a role's files of one state, oldest first."""

    def files_with(self, source: str, fee_ids: Sequence[str]) -> Mapping[str, InFile]:
        """Give, by fee id, the file in which each of these fees of a source first stood; an unknown one is missing."""


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
        any state), lowered_on (business date of the last run that lowered it, or "").  What the bursar wrote off is
        not off ``billed_cents``: Alma learns of it only when staff waive it, so ``receipts`` gives it.
        """

    def receipts(self, source: str) -> pd.DataFrame:
        """Give the payments of a source's fees that Alma knows of, or may: source, fee_id, cents, day, sure.

        ``day`` (YYYY-MM-DD, UTC) is when the posting was made; ``sure`` is false while its outcome is not known, and
        for what Alma is to import until she shows it.  What the campus only records is left out: Alma never hears of
        it.  What the bursar wrote off is given too, sure once the task to waive it is done.
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

    def sent_since(self, at: datetime) -> Sequence[Upload]:
        """Give the files that were sent at ``at`` or later, in the same order."""

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

    def payments_in(self, *states: PaymentState) -> Sequence[Payment]:
        """List the payments of these states, by occurred_on, then key."""

    def payments_of(self, system: str, payment_ref: str) -> Sequence[Payment]:
        """List the payments that came under one receipt of a system, by payment_line, then key."""

    def payments_for(self, source: str, fee_id: str) -> Sequence[Payment]:
        """List the payments with a share for this debt, whatever their state, by occurred_on, then key."""

    def backs_of(self, key: str) -> Sequence[Payment]:
        """List the lines that took money of a payment back, by occurred_on, then key."""

    def payments_between(self, system: str, reader: str, first: str, last: str) -> Sequence[Payment]:
        """List what a system said through one layout with occurred_on from ``first`` to ``last`` (ISO), as above."""

    def charged(self, system: str, reference: str) -> Charged | None:
        """Find the fee that was charged at a system under this reference, by its first charge or a later one.

        Where no reference is like this, the fee whose id in its source it is, if there is exactly one at that system.
        """

    def charged_to(self, system: str, patron_id: str) -> Sequence[Charged]:
        """List the debts sent to a system for this patron (as the bursar or as Alma knows them, in any case).

        Only those whose file has arrived; those with nothing open too.  By due_on (the empty last), sent_on, fee_id.
        """

    def charge_of(self, source: str, fee_id: str) -> Charged | None:
        """Give the debt of a fee, by its first charge; None if it was never charged."""

    def match_payment(
        self, payment: Payment, shares: Sequence[Share], at: datetime, *, code: str = "", why: str = ""
    ) -> Payment:
        """Say which debts a payment is for; they count as paid with it from then on.  Gives it as MATCHED.

        With a code it is HELD for that instead, in the same transaction: nothing is posted of it before a person says
        so.  A held payment that has shares gets these in their place.

        Raises LedgerError for no shares, and for shares that are not numbered from 1, of nothing, of the wrong sign,
        more than the payment, or for a debt that was never charged, and where more would have gone back of a debt than
        came in for it; StaleError if the payment is not RECEIVED, HELD or
        SUSPENSE or was moved meanwhile.
        """

    def settle_payment(self, payment: Payment, to: PaymentState, code: str, why: str, at: datetime) -> Payment:
        """Move a payment that will not be posted (held, suspense, excluded, settled), or back to received or matched.

        HELD, MATCHED and SETTLED keep its shares: the bursar has the money for these debts.  Else they are dropped, and
        with them those of what took money of it back, for that comes off the payment itself then.  Staying in its state
        with another reason is allowed; with the same reason nothing is written.  Raises StaleError, and
        LedgerError when PAYMENT_MOVES knows no such move, or ``to`` is ALLOCATED, CANCELLED, TASKED or WITHDRAWN
        (verbs of their own do these), or MATCHED without shares.
        """

    def allocate(
        self,
        payment: Payment,
        allocations: Sequence[Allocation],
        postings: Sequence[Posting],
        suspense_cents: int,
        at: datetime,
    ) -> Payment:
        """Write a payment's plan once: its allocations, a posting each, and what is left over.

        A posting is READY, or RECORDED where its way is ``record``.  The allocations and ``suspense_cents`` add up to
        the payment exactly, and each allocation is of a share (its number, source and fee), at most all of it, else
        LedgerError.  Raises StaleError if the payment is not MATCHED.
        """

    def cancel_payment(self, payment: Payment, back: Payment, why: str, at: datetime) -> None:
        """Cancel a payment together with the line that takes all of it back, before anything was posted.

        Both become CANCELLED, with no shares that count, and every posting of it CANCELLED; ``back`` names it.  Raises
        LedgerError unless both come to nothing together, StaleError if a posting was ever attempted or is not UNSENT,
        or either of them was moved meanwhile.
        """

    def take_back(
        self, back: Payment, shares: Sequence[Share], tasks: Sequence[Task], at: datetime, *, origin: str = ""
    ) -> Payment:
        """Book money going back of which a part may be in Alma, and the tasks that staff have with it.

        The negative shares open the debts at the bursar again; ``origin`` is the key of the payment it takes back.
        Gives it as TASKED, or as SETTLED where there is no task.  Raises as ``match_payment`` does.
        """

    def withdraw_payment(
        self, writeoff: Payment, shares: Sequence[Share], tasks: Sequence[Task], at: datetime
    ) -> Payment:
        """Book what the bursar wrote off (positive shares) as credits against the debts that never go out in a file.

        Each becomes a movement of kind credit without a batch line; gives the payment as WITHDRAWN.  Raises LedgerError
        if a debt would come to less than nothing.
        """


class PostingBook(Protocol):
    """What goes into Alma."""

    def postings(self, *states: PostingState) -> Sequence[Posting]:
        """List the postings in these states, oldest money first, then by external id."""

    def posting(self, external_id: str) -> Posting | None:
        """Find one by its id."""

    def postings_of(self, payment_key: str) -> Sequence[Posting]:
        """List the postings of a payment, by the number of their share."""

    def paid_since(self, at: datetime) -> Sequence[Paid]:
        """List what Alma is first known to have, or what was recorded, at ``at`` or later; oldest first."""

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

        ``attempts`` and ``since`` replace the old values when given; its blind nights are over.  Raises StaleError when
        the ledger has it in another state or at another attempt, LedgerError when there is no such move.
        """

    def note_blind(self, posting: Posting, today: date, why: str, at: datetime) -> Posting:
        """Count a business date on which Alma could not be asked about it, once a date; its state stays."""

    def list_postings(self, run: Run, batch: Batch, postings: Sequence[Posting], at: datetime) -> None:
        """Enter a file for Alma to import, BUILT, and move the postings that stand in it to LISTED: all or nothing.

        They are READY and of way ``import_file``, a line each, in this order.  An upload of it that is cancelled makes
        them READY again.  Raises StaleError, and LedgerError if the file is not worth its postings.
        """

    def listed_in(self, posting: Posting) -> Upload | None:
        """Give the import file that a LISTED posting stands in."""


class TaskBook(Protocol):
    """What staff have to do, and what people have said."""

    def open_task(self, task: Task, at: datetime) -> bool:
        """Open a task; False, and nothing is written, if one of its id is there, open or done."""

    def tasks(self, state: TaskState | None = None) -> Sequence[Task]:
        """List the tasks, oldest first."""

    def close_task(self, task_id: str, by: str, reason: str, at: datetime) -> Task:
        """Write down that it is done.  A TASKED payment all of whose tasks are done becomes SETTLED.  StaleError."""

    def say(self, word: Word) -> None:
        """Keep a person's word; the newest of a subject counts until it is taken away or acted on."""

    def said(self, subject: str) -> Word | None:
        """Give the word that waits for a second person, None if there is none.

        A word is overtaken, and waits no longer, once what it is about has moved, be it back to where it stood.
        """

    def heard(self, word: Word, by: str, at: datetime) -> None:
        """Write down that a word was acted on, by whom; it waits no longer."""


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
        """Give every version of a fee with state, code, why, system, amount_cents, and how much is paid."""

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
