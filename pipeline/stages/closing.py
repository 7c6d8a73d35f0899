"""Tasks that close themselves: the fee was entered again, the credit is gone, the surplus was given back."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Protocol

from pipeline.money import dollars
from pipeline.ports.ledger import PaymentBook, PaymentState, PostingBook, StoryBook, TaskBook, TaskState
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.duties import CLEAR, REFUND, UNPAY
from pipeline.stages.meter import MOST_CALLS, Metered, halted
from pipeline.stages.origins import backs_of

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date

    from pipeline.findings import Finding
    from pipeline.ports.ledger import Payment, Task
    from pipeline.ports.outside import AlmaFees, Clock

BY = "pipeline"

ENTERED_FOR = timedelta(days=120)
"""So long after its task was opened a fee may still turn up that staff entered anew."""


class Books(PaymentBook, PostingBook, TaskBook, StoryBook, Protocol):
    """The books in which it stands whether a task is done."""


def open_tasks(book: TaskBook, kind: str) -> Sequence[Task]:
    """List the tasks of a kind that are still to be done, oldest first."""
    return [task for task in book.tasks(TaskState.OPEN) if task.kind == kind]


def entered(book: TaskBook, sources: Collection[str], today: date) -> Sequence[Task]:
    """List the tasks for fees of ``sources`` that staff say they have entered anew; what the pipeline saw is not.

    Those of long ago are left out: what was entered has come by now, and a patron may owe the same sum again.
    """
    done = [task for task in book.tasks(TaskState.DONE) if task.kind == UNPAY and task.closed_by != BY]
    first = (today - ENTERED_FOR).isoformat()
    return [task for task in done if task.source in sources and task.opened_on >= first]


def reopened(book: Books, clock: Clock) -> None:
    """Close the tasks whose fee was entered again: it has come since, over just as much, and continues their debt.

    One fee closes one task, and the oldest task is closed by the oldest of the fees that fit.
    """
    done = {(task.source, task.reference, task.reason) for task in book.tasks(TaskState.DONE)}
    for task in open_tasks(book, UNPAY):
        for reason in _entered_again(task, book):
            if (task.source, task.reference, reason) not in done:
                book.close_task(task.task_id, BY, reason, clock.now())
                done.add((task.source, task.reference, reason))
                break


def _entered_again(task: Task, book: Books) -> list[str]:
    """Name the fees, oldest first, of which each would do what a task asks for."""
    charged = book.charge_of(task.source, task.fee_id)
    fees = charged.continued_by if charged is not None else ()
    fits = [fee for fee in fees if any(_came_since(row, task) for row in book.fee_record(fee))]
    return [f"fee {fee} of {dollars(task.cents)} continues it" for fee in fits]


def _came_since(row: Mapping[str, str | int], task: Task) -> bool:
    """Both days are business dates: the clock's day is another one in the evening, or when a night is made up for."""
    just_as_much = row["state"] == "continued" and row["amount_cents"] == task.cents
    return just_as_much and str(row["booked_on"]) >= task.opened_on


def given_back(book: Books, clock: Clock) -> None:
    """Close the tasks of surplus that went back at the bursar meanwhile, or was taken back with its payment."""
    tasks = open_tasks(book, REFUND)
    payments = book.known_payments([task.subject for task in tasks])
    for task in tasks:
        payment = payments[task.subject]
        planned = payment.state is PaymentState.ALLOCATED
        if payment.state is PaymentState.CANCELLED or (planned and left_over(payment, book) <= 0):
            book.close_task(task.task_id, BY, "nothing is left over of its payment", clock.now())


def left_over(payment: Payment, book: Books) -> int:
    """Add up the cents of a planned payment that no fee took and that have not gone back since."""
    backs, placed = backs_of(payment, book), book.postings_of(payment.key)
    gone = [share for back in backs for share in back.shares]
    unmatched = payment.cents - sum(share.cents for share in payment.shares)
    unmatched += sum(back.cents for back in backs) - sum(share.cents for share in gone)
    left = max(0, unmatched)
    for debt in {(share.source, share.fee_id) for share in payment.shares}:
        kept = sum(share.cents for share in (*payment.shares, *gone) if (share.source, share.fee_id) == debt)
        left += max(0, kept - sum(one.cents for one in placed if (one.source, one.fee_id) == debt))
    return left


def cleared(book: Books, alma: AlmaFees | None, clock: Clock) -> list[Finding]:
    """Close the tasks of credits of which Alma shows none any more, by one list of the patron's open fees each.

    A look that does not come changes nothing.
    """
    if alma is None:
        return []
    metered = Metered(alma, MOST_CALLS)
    try:
        for task in open_tasks(book, CLEAR):
            if metered.tired():
                break
            if _gone(task, book, metered):
                book.close_task(task.task_id, BY, "Alma shows no open credit of this patron", clock.now())
    except Refused as no:
        return [halted(no, "whether credits were taken away could not be seen")]
    return []


def _gone(task: Task, book: PaymentBook, alma: AlmaFees) -> bool:
    charged = book.charge_of(task.source, task.fee_id)
    if charged is None:
        return False
    try:
        fees = alma.list_fees(charged.patron_id, charged.patron_id_type, "ACTIVE")
    except Busy:
        return False
    except Refused as no:
        if no.scope == "system":
            raise
        return False
    return not any(fee.kind == "CREDIT" or fee.balance_cents < 0 for fee in fees)
