"""What waits for a person, a date or an answer, and since when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, case, literal, select, true

from pipeline.adapters.ledger.schema import (
    batches,
    fees,
    files,
    import_lines,
    payments,
    postings,
    shares,
    tasks,
    uploads,
)
from pipeline.adapters.ledger.sums import cents
from pipeline.ports.ledger import FeeState, PaymentState, PostingState, TaskState, UploadState

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import ColumnElement, Select

    from pipeline.adapters.ledger.store import Store

FEES = (FeeState.HELD, FeeState.WAITING)
PAYMENTS = (PaymentState.HELD, PaymentState.SUSPENSE)
POSTINGS = (
    PostingState.HELD,
    PostingState.UNKNOWN,
    PostingState.DOUBT,
    PostingState.DOUBLE,
    PostingState.MISMATCH,
)

LEFT_OVER = "OVERPAID"
"""The finding under which the rest of a payment is in suspense."""

REFUND = "refund"
"""The kind of task that ends what is left over of a payment."""

NOT_SHOWN = "IMPORT-UNSEEN"
"""The finding under which a payment waits that Alma was to import."""


def questions(store: Store) -> Iterator[Select[Any]]:
    """Ask for all of it, one question for each kind of row; the columns are those of StoryBook.held_rows."""
    yield _fees(store)
    yield _files(store)
    yield _payments(store, payments.c.state, payments.c.code, payments.c.why, payments.c.cents).where(
        payments.c.state.in_(PAYMENTS)
    )
    rest = literal("more was paid than could be placed")
    left, asked = payments.c.suspense_cents + _gone_back(), _asked_to_refund()
    least = case((asked < left, asked), else_=left)
    in_suspense = (literal(PaymentState.SUSPENSE.value), literal(LEFT_OVER), rest, least)
    yield _payments(store, *in_suspense).where(payments.c.suspense_cents > 0, least > 0)
    yield _postings(store)
    yield _listed(store)
    yield _tasks(store)


def _fees(store: Store) -> Select[Any]:
    row = _columns("fee", fees.c.state, fees.c.fee_id, fees.c.patron_id, files.c.name, fees.c.line)
    reason = _reason(fees.c.code, fees.c.why, fees.c.amount_cents, fees.c.since)
    lies_in = and_(store.mine(files), files.c.sha == fees.c.file_sha)
    found = select(*row, *reason).select_from(fees.outerjoin(files, lies_in))
    return found.where(store.mine(fees), fees.c.state.in_(FEES))


def _files(store: Store) -> Select[Any]:
    row = _columns("file", uploads.c.state, batches.c.name, literal(""), batches.c.name, literal(0))
    reason = _reason(literal("DELIVER-CONFLICT"), uploads.c.evidence, batches.c.cents, uploads.c.changed_at)
    mine = and_(store.mine(batches, uploads), batches.c.batch_id == uploads.c.batch_id)
    return select(*row, *reason).join_from(batches, uploads, mine).where(uploads.c.state == UploadState.CONFLICT)


def _payments(store: Store, state: ColumnElement[Any], *reason: ColumnElement[Any]) -> Select[Any]:
    row = _columns("payment", state, payments.c.key, payments.c.patron_id, files.c.name, payments.c.line)
    lies_in = and_(store.mine(files), files.c.sha == payments.c.file_sha)
    found = select(*row, *_reason(*reason, payments.c.since)).select_from(payments.join(files, lies_in))
    return found.where(store.mine(payments))


def _gone_back() -> ColumnElement[int]:
    """What was taken back of the payment and came off no debt (at most 0): it was part of what is left over."""
    back = payments.alias("back")
    own = (shares.c.ledger == back.c.ledger, shares.c.payment_key == back.c.key, shares.c.live == true())
    of_debts = select(cents(shares.c.cents)).where(*own).correlate(back).scalar_subquery()
    same = (back.c.ledger == payments.c.ledger, back.c.takes_back == payments.c.key)
    dealt_with = back.c.state.in_((PaymentState.TASKED, PaymentState.SETTLED))
    return select(cents(back.c.cents - of_debts)).where(*same, dealt_with).correlate(payments).scalar_subquery()


def _asked_to_refund() -> ColumnElement[int]:
    """The cents of the open task to give back what is left over; 0 once staff, or the night, have dealt with it."""
    own = (tasks.c.ledger == payments.c.ledger, tasks.c.subject == payments.c.key)
    asked = select(cents(tasks.c.cents)).where(*own, tasks.c.kind == REFUND, tasks.c.state == TaskState.OPEN)
    return asked.correlate(payments).scalar_subquery()


def _postings(store: Store) -> Select[Any]:
    row = _columns("posting", postings.c.state, postings.c.external_id, postings.c.patron_id, literal(""), literal(0))
    reason = _reason(postings.c.code, postings.c.why, postings.c.cents, postings.c.changed_at)
    return select(*row, *reason).where(store.mine(postings), postings.c.state.in_(POSTINGS))


def _listed(store: Store) -> Select[Any]:
    """What stands in a file that Alma has got, and that Alma has not shown yet; since the file arrived."""
    row = ("posting", postings.c.state, postings.c.external_id, postings.c.patron_id, batches.c.name)
    facts = _columns(*row, import_lines.c.position)
    why = literal("stands in a file for Alma's import, and Alma does not show it yet")
    reason = _reason(literal(NOT_SHOWN), why, postings.c.cents, uploads.c.changed_at)
    line = and_(*(import_lines.c[name] == postings.c[name] for name in ("ledger", "external_id")))
    file = and_(*(batches.c[name] == import_lines.c[name] for name in ("ledger", "batch_id")))
    way = and_(*(uploads.c[name] == batches.c[name] for name in ("ledger", "batch_id")))
    stands = postings.join(import_lines, line).join(batches, file).join(uploads, way)
    waits = (postings.c.state == PostingState.LISTED, import_lines.c.live == true())
    there = uploads.c.state == UploadState.SENT
    return select(*facts, *reason).select_from(stands).where(store.mine(postings), *waits, there)


def _tasks(store: Store) -> Select[Any]:
    row = _columns("task", tasks.c.state, tasks.c.task_id, tasks.c.patron_id, literal(""), literal(0))
    reason = _reason(tasks.c.kind, tasks.c.text, tasks.c.cents, tasks.c.opened_at)
    return select(*row, *reason).where(store.mine(tasks), tasks.c.state == TaskState.OPEN)


def _columns(kind: str, *facts: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    names = ("state", "subject", "patron_id", "file", "line")
    return [literal(kind).label("kind"), *(fact.label(name) for fact, name in zip(facts, names, strict=True))]


def _reason(*facts: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    names = ("code", "why", "amount_cents", "since")
    return [fact.label(name) for fact, name in zip(facts, names, strict=True)]
