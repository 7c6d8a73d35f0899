"""What a person may decide about money, a file or a task that waits for one, and what comes of it: the rules alone."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from pipeline.money import dollars
from pipeline.ports.ledger import PaymentState, PostingState, Share, TaskState, UploadState

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from pipeline.ports.ledger import Charged, Payment, Posting, Task, Upload

Where = TypeVar("Where", bound=str)

RESEND_AFTER = timedelta(hours=72)
"""A payment that Alma may still enter late is not sent again before; later than any delay that was ever seen."""


class Action(StrEnum):
    """What a person may say, as `bursar resolve` takes it."""

    RESEND = "--resend"
    SETTLED = "--settled-elsewhere"
    REJECT = "--reject"
    TO = "--to"


class NotPossibleError(Exception):
    """This cannot be decided so; the text says why and what can be, in one line."""


_P, _S, _U, _A = PaymentState, PostingState, UploadState, Action

POSTINGS: Mapping[PostingState, Mapping[Action, PostingState]] = {
    _S.DOUBT: {_A.RESEND: _S.READY, _A.SETTLED: _S.SETTLED},
    _S.HELD: {_A.RESEND: _S.READY, _A.SETTLED: _S.SETTLED, _A.REJECT: _S.CANCELLED},
    _S.DOUBLE: {_A.SETTLED: _S.SETTLED},
    _S.MISMATCH: {_A.SETTLED: _S.SETTLED},
    _S.LISTED: {_A.SETTLED: _S.SETTLED},
}
PAYMENTS: Mapping[PaymentState, Mapping[Action, PaymentState]] = {
    state: {_A.RESEND: _P.RECEIVED, _A.SETTLED: _P.SETTLED, _A.REJECT: _P.SETTLED, _A.TO: _P.MATCHED}
    for state in (_P.HELD, _P.SUSPENSE)
}
UPLOADS: Mapping[UploadState, Mapping[Action, UploadState]] = {
    _U.CONFLICT: {_A.SETTLED: _U.SENT, _A.REJECT: _U.CANCELLED},
}
TASKS: Mapping[TaskState, Mapping[Action, str]] = {
    TaskState.OPEN: {_A.SETTLED: "done", _A.REJECT: "not needed"},
}
"""What each answer comes to, by where a thing stands; a state that is not here waits for nobody's word."""


def of_posting(posting: Posting, action: Action, now: datetime) -> PostingState:
    """Say where a posting goes.  Raises NotPossibleError; a doubtful one is not sent again before RESEND_AFTER."""
    place = f"posting {posting.external_id}"
    to = _chosen(place, posting.state, POSTINGS.get(posting.state, {}), action)
    if posting.state is PostingState.DOUBT and to is PostingState.READY and now < (after := resend_after(posting)):
        message = (
            f"{place}: Alma may still enter what was sent; --resend from {after:%Y-%m-%d %H:%M} UTC on, "
            "or --settled-elsewhere if it is settled"
        )
        raise NotPossibleError(message)
    return to


def resend_after(posting: Posting) -> datetime:
    """Say from when a doubtful posting may be sent again.  Raises NotPossibleError if nobody knows when it was sent."""
    if posting.since is None:
        message = f"posting {posting.external_id}: nobody knows when it was sent; only --settled-elsewhere can be said"
        raise NotPossibleError(message)
    return posting.since + RESEND_AFTER


def of_payment(payment: Payment, action: Action) -> PaymentState:
    """Say where a payment goes.  Raises NotPossibleError.

    A held one that was matched goes on with the debts it was matched to: a person has said yes to them.
    """
    place = f"payment {payment.key}"
    to = _chosen(place, payment.state, PAYMENTS.get(payment.state, {}), action)
    if to is PaymentState.RECEIVED and payment.state is PaymentState.HELD and payment.shares:
        return PaymentState.MATCHED
    return to


def share_of(payment: Payment, debt: Charged) -> Share:
    """Give what a payment pays of a debt that a person named: all that is open there, and no more than it brings.

    Raises NotPossibleError where nothing is open, for money that goes back, and for a debt of another system.
    """
    place = f"payment {payment.key}"
    if payment.cents <= 0:
        message = f"{place}: money that goes back pays nothing; say --resend, --settled-elsewhere or --reject"
        raise NotPossibleError(message)
    if debt.system != payment.system:
        message = (
            f"{place}: came from {payment.system}, and fee {debt.fee_id} was charged at {debt.system}; "
            "settle it by hand and say --settled-elsewhere"
        )
        raise NotPossibleError(message)
    own = sum(one.cents for one in payment.shares if (one.source, one.fee_id) == (debt.source, debt.fee_id))
    room = debt.charged_cents - (debt.paid_cents - own)
    if room <= 0:
        message = f"{place}: nothing is open of fee {debt.fee_id} at {debt.system} ({dollars(debt.charged_cents)} paid)"
        raise NotPossibleError(message)
    return Share(1, debt.source, debt.fee_id, min(payment.cents, room))


def of_upload(upload: Upload, action: Action) -> UploadState:
    """Say where a file goes.  Raises NotPossibleError."""
    return _chosen(f"file {upload.batch.name}", upload.state, UPLOADS.get(upload.state, {}), action)


def of_task(task: Task, action: Action) -> str:
    """Say in a word what became of a task.  Raises NotPossibleError."""
    return _chosen(f"task {task.task_id}", task.state, TASKS.get(task.state, {}), action)


def _chosen(place: str, state: str, choices: Mapping[Action, Where], action: Action) -> Where:
    if not choices:
        message = f"{place}: is {state}, and waits for nobody's word; `bursar explain` tells what comes next"
        raise NotPossibleError(message)
    if action not in choices:
        message = f"{place}: is {state}; what can be said is {' or '.join(choices)}"
        raise NotPossibleError(message)
    return choices[action]
