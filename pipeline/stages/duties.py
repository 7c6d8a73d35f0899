"""What staff must do in Alma when money goes back or a debt is written off: the task, with everything they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Task, TaskState
from pipeline.stages.payable import fees_in_words

if TYPE_CHECKING:
    from pipeline.ports.ledger import Charged, Payment

UNPAY, WAIVE, CLEAR, LOOK, REFUND = "unpay", "waive", "clear-credit", "look", "refund"

ANEW = "FEE-MAY-REOPEN"
"""As what a new fee is held that may be one entered again, and bears no mark."""

PREFIX = {LOOK: "look-back"}
"""How the id of a task begins that is not simply called by its kind: a payment that a report says no more has a task
``look-<key>-1`` too."""

UNSURE = ". It is not known yet whether Alma has the payment: look at the fee first, and do nothing if it is not paid"


def surplus(payment: Payment, cents: int, today: str) -> Task:
    """So much of a payment was left over when its plan was written: the patron is owed it, at the bursar."""
    receipt = f" {payment.payment_ref}" if payment.payment_ref else ""
    whom = f" to patron {payment.patron_id}" if payment.patron_id else ""
    return Task(
        task_id=f"{REFUND}-{payment.key}-1",
        kind=REFUND,
        subject=payment.key,
        system=payment.system,
        source="",
        fee_id="",
        reference=payment.fee_ref,
        patron_id=payment.patron_id,
        cents=cents,
        text=f"{dollars(cents)} of {dollars(payment.cents)} that came in at {payment.system} (receipt{receipt} of "
        f"{payment.occurred_on}) could be put on no fee: ask the bursar to refund them{whom}, or enter them by hand on "
        "another fee",
        opened_on=today,
        state=TaskState.OPEN,
    )


def entered_anew(charged: Charged, cents: int) -> str:
    """Say how a fee is entered in Alma again so that its debt is not billed twice."""
    return (
        f"enter a fee of exactly {dollars(cents)} there for the same patron, type and item, with the comment "
        f'"reopens {charged.reference}"'
    )


def _fee(charged: Charged) -> str:
    return f"fee {fees_in_words(charged)} of patron {charged.patron_id}"


def answers(task: Task, charged: Charged, credit: str) -> bool:
    """Say whether a task asks for this credit of the debt's patron to be taken away."""
    same = (task.kind, task.source, task.patron_id.lower()) == (CLEAR, charged.source, charged.patron_id.lower())
    return same and _credit(charged, credit).lower() in task.text.lower()


def _credit(charged: Charged, credit: str) -> str:
    return f"the open credit{f' {credit}' if credit else ''} of patron {charged.patron_id}"


@dataclass
class Duties:
    """Makes the tasks of one line of money, numbered from 1; ``today`` is the business date (ISO)."""

    line: Payment
    today: str

    def __post_init__(self) -> None:
        """Begin with none."""
        self.made: list[Task] = []

    def unpay(self, charged: Charged, cents: int, *, unsure: bool) -> None:
        """Alma has paid what went back: the fee is entered again, under a mark by which it is not billed again."""
        self._add(
            UNPAY,
            charged,
            cents,
            f"{dollars(cents)} {self._went_back()}, and {_fee(charged)} is paid in Alma: "
            f"{entered_anew(charged, cents)}. The bursar has the debt open again; with that comment it is not billed "
            f"twice. Where comments are not read, the new fee is held ({ANEW}): bursar reject it"
            f"{UNSURE if unsure else ''}",
        )

    def clear(self, charged: Charged, cents: int, credit: str) -> None:
        """The bursar has given back what Alma gave back too: as the credit of this id, or on the fee itself ("")."""
        self._add(
            CLEAR,
            charged,
            cents,
            f"{dollars(cents)} {self._went_back()}, for fee {charged.fee_id} that was credited in Alma too (returned): "
            f"take {_credit(charged, credit)} away in Alma, or it pays the next fee as well",
        )

    def waive(self, charged: Charged, cents: int) -> None:
        """The bursar wants it no longer."""
        self._add(
            WAIVE,
            charged,
            cents,
            f"the bursar wrote off {dollars(cents)} of fee {charged.fee_id} (reference {charged.reference}, row "
            f"{self.line.payment_ref or self.line.line} of {self.line.occurred_on}): waive {dollars(cents)} of fee "
            f"{fees_in_words(charged)} of patron {charged.patron_id} in Alma",
        )

    def look(self, charged: Charged | None, cents: int) -> None:
        """A person had dealt with that payment, and nobody else knows how."""
        payment = f"the payment of {_fee(charged)}" if charged else "that payment"
        anew = f"; if the fee is paid there and must be owed again, {entered_anew(charged, cents)}" if charged else ""
        self._add(
            LOOK,
            charged,
            cents,
            f"{dollars(cents)} {self._went_back()}, and a person had settled {payment} by hand: see whether what was "
            f"done then must be undone in Alma{anew}",
        )

    def seek(self, cents: int, external_id: str) -> None:
        """A ledger that was lost may have put that payment on a fee of anybody, and nobody here knows on which."""
        self._add(
            LOOK,
            None,
            cents,
            f"{dollars(cents)} {self._went_back()}, and that payment was for no fee here. It is as old as this ledger: "
            "if one before it was lost, a person may have said then that it is for another patron's fee. Ask them, and "
            f"if Alma has it there (under the id {external_id}), undo it there; else there is nothing to do",
        )

    def _went_back(self) -> str:
        line = self.line
        receipt = f" {line.payment_ref}" if line.payment_ref else ""
        origin = f" for receipt {line.origin_ref}" if line.origin_ref else ""
        return f"went back at {line.system} ({line.kind}{receipt} of {line.occurred_on}{origin})"

    def _add(self, kind: str, charged: Charged | None, cents: int, text: str) -> None:
        task_id = f"{PREFIX.get(kind, kind)}-{self.line.key}-{len(self.made) + 1}"
        self.made.append(task(task_id, kind, self.line, charged, cents, text, self.today))


def task(  # noqa: PLR0913 - what a task says, as its own fields
    task_id: str, kind: str, line: Payment, charged: Charged | None, cents: int, text: str, today: str
) -> Task:
    """Make an open task about a line of money, for the debt ``charged`` where one is known."""
    return Task(
        task_id=task_id,
        kind=kind,
        subject=line.key,
        system=line.system,
        source=charged.source if charged else "",
        fee_id=charged.fee_id if charged else "",
        reference=charged.reference if charged else line.fee_ref,
        patron_id=charged.patron_id if charged else line.patron_id,
        cents=cents,
        text=text,
        opened_on=today,
        state=TaskState.OPEN,
    )
