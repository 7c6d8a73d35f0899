"""What the ledger knows of payments, of what Alma was asked to take, and of tasks of staff: verbs, never SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from pipeline.findings import Finding
    from pipeline.ports.charge_records import Batch, Upload
    from pipeline.ports.money_records import Allocation, Charged, Paid, Payment, Posting, Share, Task
    from pipeline.ports.records import Run, Word
    from pipeline.ports.states import PaymentState, PostingState, TaskState


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
        *,
        tasks: Sequence[Task] = (),
    ) -> Payment:
        """Write a payment's plan once: its allocations, a posting each, and what is left over; and open its tasks.

        A posting is READY, or RECORDED where its way is ``record``.  The allocations and ``suspense_cents`` add up to
        the payment exactly, and each allocation is of a share (its number, source and fee), at most all of it, else
        LedgerError, as for a task that is not open.  Raises StaleError if the payment is not MATCHED.
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
