"""How a task is written down, whoever opens it."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import tasks
from pipeline.adapters.ledger.shares import refuse
from pipeline.adapters.ledger.store import add, iso
from pipeline.money import dollars
from pipeline.ports.ledger import Task, TaskState

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Payment

NAMES = tuple(field.name for field in fields(Task))


def check(payment: Payment, new: Sequence[Task]) -> None:
    """Raise LedgerError unless all of them are open, and about this payment."""
    check_open(payment, new)
    for task in new:
        if task.subject != payment.key:
            refuse(payment, f"its task {task.task_id} is about something else")


def check_open(payment: Payment, new: Sequence[Task]) -> None:
    """Raise LedgerError unless all of them are open, be they about this payment or about what took money of it back."""
    for task in new:
        if task.state is not TaskState.OPEN:
            refuse(payment, f"its task {task.task_id} is not open")


def enter(connection: Connection, store: Store, new: Sequence[Task], at: datetime) -> None:
    """Open them, an audit row each.  A unique key says no to one that is there."""
    if not new:
        return
    entry = audit.append(connection, store, [_told(task) for task in new], at)
    columns: dict[str, Iterable[object]] = {name: [getattr(task, name) for task in new] for name in NAMES}
    columns |= {"entry": range(entry, entry + len(new))}
    add(connection, store, tasks, columns, opened_at=iso(at), closed_at=None)


def _told(task: Task) -> Event:
    """Say what is to be done; the audit row vouches for the task."""
    _, names = audit.VOUCHED["task"]
    digest = audit.digest([getattr(task, name)] for name in names)
    return Event("task", task.task_id, f"{task.kind} {dollars(task.cents)}: {task.text}; sha256 {digest}")
