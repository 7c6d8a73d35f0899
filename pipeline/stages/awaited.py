"""Money for a fee that staff are to enter anew waits for that: it is good money, and nobody need send it back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.money import dollars
from pipeline.stages.payable import CLOSED, Hold

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import Payment, Task

AWAITED = "FEE-AWAITED"


def awaited(payment: Payment, hold: Hold, unpays: Sequence[Task]) -> Hold:
    """Give why a payment is held; where its fee is closed and one of ``unpays``, open tasks, is for it, that."""
    debts = {(share.source, share.fee_id) for share in payment.shares}
    task = next((one for one in unpays if (one.source, one.fee_id) in debts), None)
    if hold.code != CLOSED or task is None:
        return hold
    why = (
        f"staff are to enter {dollars(task.cents)} of it anew (task {task.task_id}); the payment follows by itself then"
    )
    return Hold(AWAITED, why)
