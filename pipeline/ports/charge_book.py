"""What the ledger knows of fees, of what was charged, and of the files that carried it: verbs, never SQL."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline import tables

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    import pandas as pd

    from pipeline.money import Tally
    from pipeline.ports.charge_records import Booking, Question, Upload
    from pipeline.ports.records import Run
    from pipeline.ports.states import UploadState


class ChargeBook(Protocol):
    """Fees, movements and batches."""

    def pending_fees(self) -> pd.DataFrame:
        """Give every fee that is held or waiting, as tables.FEES."""

    def known_fees(self, source: str, fee_ids: Sequence[str]) -> pd.DataFrame:
        """Give every version of these fees: source, fee_id, as_of, version, content, original_cents, state, system."""

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

    def continuing(self, source: str) -> pd.DataFrame:
        """Give the fees of a source that continue an older debt, with the columns of ``positions``; movement is 0.

        ``billed_cents`` is what the older charge was worth when the fee was entered anew for it.
        """

    def came_off_continuing(self, source: str) -> pd.DataFrame:
        """Give, with the columns of ``receipts``, what explains that less is open of a fee that continues a debt.

        Our payments in Alma on that very fee.  And, never sure, what was taken off the older debt since: a credit, what
        the bursar wrote off, a payment that a person settled elsewhere.
        """

    def charges_of(self, patrons: Sequence[str]) -> pd.DataFrame:
        """Give every charge ever booked for these patrons, as sent (tables.MOVEMENTS), by patron, oldest first.

        A patron's id counts the same in any case.  And the columns: billed_cents (of its fee: charges - reversals -
        credits), paid_cents (all money received for its fee), reversed (bool: whether a reversal undoes this charge),
        sent_on (business date of the file that took it, "" while no file of it has arrived).
        """

    def charges_of_fees(self, source: str, fee_ids: Sequence[str]) -> pd.DataFrame:
        """Give every charge ever booked for these fees of a source, with the columns of ``charges_of``."""

    def recent(self, patrons: Sequence[str], since: date) -> pd.DataFrame:
        """Give the charges of these patrons, in any case of their ids, in files of business date ``since`` or later.

        Columns: source, fee_id, system, patron_id, bursar_id, amount_cents, barcode, fee_type, reference, billed_cents
        (of its fee by now: charges - reversals - credits), sent_on, continued_by (newest fee that continues it, or "").
        Those in no file are given as well, with a blank sent_on.
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

    def given_up(self, system: str) -> pd.DataFrame:
        """Give the movements of a system that stood in a file which was given up, and stand in no other.

        tables.MOVEMENTS, as they were entered, by fee id: they are still to be sent.
        """

    def last_scope(self, system: str) -> str:
        """Give the scope of a system's newest file that was not given up, ``delta`` or ``snapshot``; "" if none is."""

    def last_snapshot(self, system: str) -> pd.DataFrame:
        """Give fee_id and amount_cents of every row of the newest snapshot file that is sent; empty if none is."""

    def last_snapshot_total(self, system: str) -> Tally:
        """Give the rows and cents of the newest snapshot file that is sent, without its rows; nothing if none is."""

    def book(self, run: Run, booking: Booking, at: datetime) -> None:
        """Enter a night's decisions, all or nothing.

        Snapshots of the same system that are not yet publishing become superseded and their lines free again.
        A carried row whose movement stands in no other file becomes the one it is sent by, and a file that says what is
        new carries no other rows than these.  Raises StaleError if a fee,
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
