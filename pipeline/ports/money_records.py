"""What the ledger keeps of money, record by record: what is owed, what came, where it went, and what staff must do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.ports.states import Way

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.ports.states import PaymentState, PostingState, TaskState


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
