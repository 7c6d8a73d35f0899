"""What a person may decide about money, a file or a task that waits for one, and what comes of it: the rules alone."""

from __future__ import annotations

from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, TypeVar

from pipeline.money import dollars
from pipeline.ports.ledger import GIVEN_UP, PaymentState, PostingState, Share, TaskState, UploadState
from pipeline.stages.payable import ENTERED
from pipeline.stages.went_back import WENT_BACK, is_stopped, kept

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from pipeline.ports.ledger import Charged, InFile, Payment, Posting, Task, Upload

Where = TypeVar("Where", bound=str)

NEVER_CAME, SAID_AGAIN = "PAYMENT-WITHDRAWN?", "PAYMENT-SAID-AGAIN"
"""Held because the bursar says it no more, or once again: whoever rejects it has heard that the money did not come."""

TAKEN_AS_YES = frozenset({"", ENTERED, WENT_BACK, NEVER_CAME, "IMPORT-EXCEEDS", "MATCH-REVIEW", "MATCH-OTHER-PATRON"})
TAKEN_AS_YES |= {SAID_AGAIN, "MATCH-PARTLY-UNKNOWN", "POST-DOUBT", "POST-MISMATCH"}
"""What --resend is the answer to: what was held for one of these is not held for it again."""

CHANGED = "PAYMENT-CHANGED"

NOT_RESENT = {
    "PAYMENT-UNREADABLE": (
        "could not be read, so there is nothing to send; ask the bursar what it says and enter that by hand, then say "
        "--settled-elsewhere, or --reject if it is no money"
    ),
    CHANGED: (
        "its receipt said other money before, which counts already; if it corrects that, put the difference right by "
        "hand and say --settled-elsewhere; if it is more money, say --to with its fee; else --reject"
    ),
}
"""What no --resend may let go, by what it is held for, and what to do instead."""

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
    _U.BUILT: {_A.REJECT: _U.CANCELLED},
    _U.UPLOADING: {_A.REJECT: _U.CANCELLED},
    _U.STAGED: {_A.REJECT: _U.CANCELLED},
    _U.CONFLICT: {_A.SETTLED: _U.SENT, _A.REJECT: _U.CANCELLED},
}
TASKS: Mapping[TaskState, Mapping[Action, str]] = {
    TaskState.OPEN: {_A.SETTLED: "done", _A.REJECT: "not needed"},
}
FILES: Mapping[str, Mapping[Action, str]] = {"refused": {_A.REJECT: "given up"}}
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


def answers_to(payment: Payment) -> Mapping[Action, PaymentState]:
    """Give what can be said of a payment, and where it goes then."""
    return {
        action: to
        for action, to in PAYMENTS.get(payment.state, {}).items()
        if action is not Action.RESEND or not _not_resent(payment)
    }


def _not_resent(payment: Payment) -> str:
    """Say why a payment cannot be let go as it is, and what to do instead; "" where it can."""
    second_refund = payment.code == CHANGED and payment.cents < 0  # of one receipt; nothing is ever paid for it
    if payment.state is not PaymentState.HELD or second_refund:
        return ""
    return NOT_RESENT.get(payment.code, "")


def of_payment(payment: Payment, action: Action) -> PaymentState:
    """Say where a payment goes.  Raises NotPossibleError.

    A held one that was matched goes on with the debts it was matched to: a person has said yes to them.  One that is
    settled stays for them, for the bursar has the money; only of money that never came a person says so by --reject.
    """
    place = f"payment {payment.key}"
    if action is Action.RESEND and (instead := _not_resent(payment)):
        message = f"{place}: {instead}"
        raise NotPossibleError(message)
    to = _chosen(place, payment.state, answers_to(payment), action)
    if action is Action.REJECT and payment.code in (NEVER_CAME, SAID_AGAIN):
        return PaymentState.EXCLUDED
    if to is PaymentState.RECEIVED and payment.state is PaymentState.HELD and payment.shares:
        return PaymentState.MATCHED
    return to


def check_sent(posting: Posting, file: Upload | None) -> None:
    """Raise NotPossibleError for a posting in a file that Alma has not got: the file would pay it a second time."""
    if posting.state is not PostingState.LISTED or (file is not None and file.state is UploadState.SENT):
        return
    message = f"posting {posting.external_id}: stands in no file that Alma has got"
    if file is not None:
        by_word = file.state is UploadState.CONFLICT
        what = f"say first what is to become of that: {' or '.join(UPLOADS[file.state])}" if by_word else "it goes out"
        message = f"posting {posting.external_id}: stands in file {file.batch.name}, which is {file.state}; {what}"
    raise NotPossibleError(message)


def check_kept(posting: Posting, payment: Payment, backs: Sequence[Payment], charged: Charged) -> None:
    """Raise NotPossibleError for a posting of which money went back, so that Alma would get more than the bursar kept.

    Where a part went back, one that is held for just that is paid in full all the same: a person has seen it.
    """
    debt, each = (posting.source, posting.fee_id), kept(payment, backs)
    mine = sum(each[one.number] for one in payment.shares if (one.source, one.fee_id) == debt)
    left = max(0, min(mine, charged.paid_cents))
    if posting.cents <= left or (left and is_stopped(posting)):
        return
    lines = ", ".join(f"{dollars(-one.cents)} by {one.payment_ref or one.key}" for one in backs)
    message = (
        f"posting {posting.external_id}: money of fee {debt[1]} went back{f' ({lines})' if lines else ''}, and "
        f"{dollars(left)} of the {dollars(posting.cents)} are kept; enter by hand what Alma lacks of that, then say "
        "--settled-elsewhere"
    )
    raise NotPossibleError(message)


def held_again(code: str) -> str:
    """Say to whoever lets something go that this is no yes to why it was held; "" where it is one."""
    return "" if code in TAKEN_AS_YES else f"; it is looked at anew, and held again if it is still {code}"


def share_of(payment: Payment, debt: Charged, free: int) -> Share:
    """Give what a payment pays of a debt that a person named: all that is open there, and no more than it brings.

    ``free`` are its cents less what went back of it while it was for no debt.  Raises NotPossibleError where nothing is
    open or left, for money that goes back, and for a debt of another system.
    """
    place = f"payment {payment.key}"
    if payment.cents <= 0:
        others = [one for one in answers_to(payment) if one is not Action.TO]
        message = f"{place}: brings no money that could pay a fee; say {' or '.join(others)}"
        raise NotPossibleError(message)
    if free <= 0:
        message = f"{place}: all of it went back; say --settled-elsewhere"
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
    return Share(1, debt.source, debt.fee_id, min(free, room))


def of_upload(upload: Upload, action: Action) -> UploadState:
    """Say where a file goes.  Raises NotPossibleError."""
    return _chosen(f"file {upload.batch.name}", upload.state, UPLOADS.get(upload.state, {}), action)


def of_file(file: InFile, action: Action) -> str:
    """Say in a word what becomes of a file that came in.  Raises NotPossibleError."""
    if file.state not in FILES or file.code == GIVEN_UP:
        message = (
            f"{file.name}: is a file that came in; it is read or refused by itself, and `bursar explain` tells why"
        )
        raise NotPossibleError(message)
    return _chosen(f"file {file.name}", file.state, FILES[file.state], action)


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
