"""What staff must see to when a report says no more what is dealt with here already: money, a refund, a write-off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from pipeline.money import dollars
from pipeline.ports.ledger import ChargeBook, PaymentBook, PaymentState, Task
from pipeline.stages.duties import ANEW, LOOK, entered_anew, task
from pipeline.stages.payable import fees_in_words

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.ports.ledger import Charged, Payment

UNDO = "close the task that was opened for it with --reject where nothing was done yet"

STILL_OPEN = (
    "Here the debt is open, and the bursar is told so, until he says a payment of it or writes it off: ask him for that"
)
"""No word of ours closes a debt: what is paid of it, the bursar says."""


class Books(PaymentBook, ChargeBook, Protocol):
    """The books of what was paid, and of what the bursar's files say of it."""


def looks(line: Payment, why: str, book: Books, today: str) -> Iterator[Task]:
    """Give the tasks for a line that is said no more: one for each fee that it is for, else one without a fee.

    ``why`` says what the report says instead, ``today`` is the business date (ISO).
    """
    repeats = book.last_scope(line.system) == "snapshot"
    found = [(book.charge_of(share.source, share.fee_id), abs(share.cents)) for share in line.shares]
    for number, (charged, cents) in enumerate(found or [(None, abs(line.cents))], 1):
        fee = f"fee {fees_in_words(charged)} of patron {charged.patron_id}" if charged else ""
        about = " ".join(part for part in (line.fee_ref or line.patron_id, fee and f"({fee})") if part)
        receipt = f" of receipt {line.payment_ref}" if line.payment_ref else ""
        text = (
            f"{line.kind} of {dollars(line.cents)}{receipt} on {line.occurred_on} for {about}, first said by line "
            f"{line.line} of its file, is {line.state} here: {why}. {_advice(line, charged, cents, repeats=repeats)}, "
            "then close this task"
        )
        yield task(f"{LOOK}-{line.key}-{number}", LOOK, line, charged, cents, text, today)


def _advice(line: Payment, charged: Charged | None, cents: int, *, repeats: bool) -> str:
    """Say what to ask the bursar, and what to do if it is so; the debt stands as it was booked until he says more."""
    again = _owed_again(charged, cents, repeats=repeats) if charged else "put it right in Alma by hand"
    if line.kind == "writeoff":
        return (
            f"Ask the bursar whether that is still written off; if it is not, {UNDO}; what is waived by then: {again}"
        )
    if line.cents < 0:
        return f"Ask the bursar whether the money went back; if it did not, {UNDO}. {STILL_OPEN}"
    if line.state is PaymentState.CANCELLED:
        return "Nothing of it was sent to Alma: ask the bursar whether that is right"
    return f"Ask the bursar whether the money came; if it did not, {again}"


def _owed_again(charged: Charged, cents: int, *, repeats: bool) -> str:
    """Say how a fee is owed again that counts as settled here.

    A bursar who adds up what he was told has its debt open again; one whose file ``repeats`` all that is owed has not,
    and only a new debt reaches him.
    """
    if not repeats:
        return f"it is owed in Alma: {entered_anew(charged, cents)}, so that it is not billed twice"
    return (
        f"it is owed in Alma: enter a fee of exactly {dollars(cents)} there for the same patron, type and item, "
        f"without a mark: fee {charged.reference} counts as settled here, so the new one is billed instead. It is held "
        f"first ({ANEW}): bursar approve it"
    )
