"""What staff must do in Alma when money goes back or a debt is written off: the task, with everything they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.ports.ledger import Task, TaskState
from pipeline.stages.payable import in_alma

if TYPE_CHECKING:
    from pipeline.ports.ledger import Charged, Payment

UNPAY, WAIVE, CLEAR, LOOK = "unpay", "waive", "clear-credit", "look"

UNSURE = ". It is not known yet whether Alma has the payment: look at the fee first, and do nothing if it is not paid"


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
            f"{dollars(cents)} {self._went_back()}, and fee {in_alma(charged)} of patron {charged.patron_id} is paid "
            f"in Alma: enter a fee of exactly {dollars(cents)} there for the same patron, type and item, with the "
            f'comment "reopens {charged.reference}". The bursar has the debt open again; with that comment it is not '
            f"billed twice{UNSURE if unsure else ''}",
        )

    def clear(self, charged: Charged, cents: int) -> None:
        """The bursar has given back what Alma gave back as a credit, too."""
        self._add(
            CLEAR,
            charged,
            cents,
            f"{dollars(cents)} {self._went_back()}, for fee {charged.fee_id} that was credited in Alma too (returned): "
            f"take the open credit of patron {charged.patron_id} away in Alma, or it pays the next fee as well",
        )

    def waive(self, charged: Charged, cents: int) -> None:
        """The bursar wants it no longer."""
        self._add(
            WAIVE,
            charged,
            cents,
            f"the bursar wrote off {dollars(cents)} of fee {charged.fee_id} (reference {charged.reference}, row "
            f"{self.line.payment_ref or self.line.line} of {self.line.occurred_on}): waive {dollars(cents)} of fee "
            f"{in_alma(charged)} of patron {charged.patron_id} in Alma",
        )

    def look(self, charged: Charged | None, cents: int) -> None:
        """A person had dealt with that payment, and nobody else knows how."""
        self._add(
            LOOK,
            charged,
            cents,
            f"{dollars(cents)} {self._went_back()}, and a person had settled that payment by hand: see whether what "
            "was done then must be undone",
        )

    def _went_back(self) -> str:
        line = self.line
        receipt = f" {line.payment_ref}" if line.payment_ref else ""
        origin = f" for receipt {line.origin_ref}" if line.origin_ref else ""
        return f"went back at {line.system} ({line.kind}{receipt} of {line.occurred_on}{origin})"

    def _add(self, kind: str, charged: Charged | None, cents: int, text: str) -> None:
        line = self.line
        self.made.append(
            Task(
                task_id=f"{kind}-{line.key}-{len(self.made) + 1}",
                kind=kind,
                subject=line.key,
                system=line.system,
                source=charged.source if charged else "",
                fee_id=charged.fee_id if charged else "",
                reference=charged.reference if charged else line.fee_ref,
                patron_id=charged.patron_id if charged else line.patron_id,
                cents=cents,
                text=text,
                opened_on=self.today,
                state=TaskState.OPEN,
            )
        )
