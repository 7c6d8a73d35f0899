"""Where a fee, a file, a payment and a posting may stand, and the only moves between these states that there are."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


class FeeState(StrEnum):
    """Where a version of a fee stands.  HELD and WAITING come back every night; the others are at rest.

    WITHDRAWN: its source says something else by now, and it had not been sent.  CONTINUED: it is an older debt under
    another id, so it is never charged.
    """

    HELD = "held"
    WAITING = "waiting"
    EXCLUDED = "excluded"
    CHARGED = "charged"
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    CONTINUED = "continued"


class UploadState(StrEnum):
    """Where an output file stands on its way to the bursar."""

    BUILT = "built"
    UPLOADING = "uploading"
    STAGED = "staged"
    PUBLISHING = "publishing"
    SENT = "sent"
    CONFLICT = "conflict"
    SUPERSEDED = "superseded"
    CANCELLED = "cancelled"


GIVEN_UP = "FILE-GIVEN-UP"
"""The code of a refused file of which a person has said that nothing is to be used."""

OPEN_UPLOADS = (UploadState.BUILT, UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING)
"""States in which a file still has a way to go."""

UNSETTLED_UPLOADS = (*OPEN_UPLOADS, UploadState.CONFLICT)
"""The same, and those that wait because another file of their name lies at the bursar's."""

MAY_BE_TAKEN = f"ours was {UploadState.PUBLISHING}"
"""How the evidence of a conflict ends where the bursar may have taken our own file before the other one lay there."""

DROPPED_UPLOADS = (UploadState.SUPERSEDED, UploadState.CANCELLED)
"""States of a file that was given up before it came to lie at its place: its lines are free for another."""


class Way(StrEnum):
    """How what is paid of a charge is settled in Alma; each charge keeps the way that it was sent with.

    API: each payment is asked for through Alma's API.  IMPORT_FILE: it goes into the file that Alma's import job reads.
    RECORD: it is written down here and nothing is sent, for Alma has closed the fee with its export.
    """

    API = "api"
    IMPORT_FILE = "import_file"
    RECORD = "record"


class PaymentState(StrEnum):
    """Where a line of money stands.

    MATCHED: the debts it is for are known.  ALLOCATED: what goes to Alma is written down.  CANCELLED: it, and what took
    it back before anything was posted.  TASKED: money going back of which staff have a task.  WITHDRAWN: what the
    bursar wrote off, taken off the debt.  SETTLED: a person has dealt with it.
    """

    RECEIVED = "received"
    MATCHED = "matched"
    ALLOCATED = "allocated"
    SUSPENSE = "suspense"
    HELD = "held"
    EXCLUDED = "excluded"
    CANCELLED = "cancelled"
    TASKED = "tasked"
    WITHDRAWN = "withdrawn"
    SETTLED = "settled"


class PostingState(StrEnum):
    """Where one share of a payment stands on its way into Alma.

    LISTED: it stands in an import file.  RECORDED: the campus keeps it here only.  CANCELLED: it was taken back, or
    given up by a person, before it was sent.  SETTLED: a person has settled it elsewhere.
    """

    READY = "ready"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DOUBT = "doubt"
    POSTED = "posted"
    VERIFIED = "verified"
    HELD = "held"
    DOUBLE = "double"
    MISMATCH = "mismatch"
    LISTED = "listed"
    RECORDED = "recorded"
    CANCELLED = "cancelled"
    SETTLED = "settled"


class TaskState(StrEnum):
    """Whether staff have still to do something."""

    OPEN = "open"
    DONE = "done"


UPLOAD_MOVES: Mapping[UploadState, frozenset[UploadState]] = {
    UploadState.BUILT: frozenset(
        {
            UploadState.UPLOADING,
            UploadState.STAGED,
            UploadState.SENT,
            UploadState.CONFLICT,
            UploadState.SUPERSEDED,
            UploadState.CANCELLED,
        }
    ),
    UploadState.UPLOADING: frozenset(
        {
            UploadState.STAGED,
            UploadState.SENT,
            UploadState.CONFLICT,
            UploadState.SUPERSEDED,
            UploadState.CANCELLED,
        }
    ),
    UploadState.STAGED: frozenset(
        {
            UploadState.UPLOADING,
            UploadState.PUBLISHING,
            UploadState.SENT,
            UploadState.CONFLICT,
            UploadState.SUPERSEDED,
            UploadState.CANCELLED,
        }
    ),
    UploadState.PUBLISHING: frozenset({UploadState.STAGED, UploadState.SENT, UploadState.CONFLICT}),
    UploadState.SENT: frozenset(),
    UploadState.CONFLICT: frozenset(
        {
            UploadState.UPLOADING,
            UploadState.STAGED,
            UploadState.SENT,
            UploadState.SUPERSEDED,
            UploadState.CANCELLED,
        }
    ),
    UploadState.SUPERSEDED: frozenset(),
    UploadState.CANCELLED: frozenset(),
}
"""The only moves there are.  SENT from any open state: our very bytes were found there under the final name.

STAGED back to UPLOADING: what lies there is not what we staged.  PUBLISHING never goes back further than STAGED, and
only on seeing our staged file there and no final one: a file that may be at the bursar's is not ours to replace.
CONFLICT goes on once nothing lies there under the final name, unless ours was PUBLISHING and our staged file is gone.
"""


_P, _S = PaymentState, PostingState

PAYMENT_MOVES: Mapping[PaymentState, frozenset[PaymentState]] = {
    _P.RECEIVED: frozenset(
        {_P.MATCHED, _P.SUSPENSE, _P.HELD, _P.EXCLUDED, _P.CANCELLED, _P.TASKED, _P.WITHDRAWN, _P.SETTLED}
    ),
    _P.MATCHED: frozenset({_P.ALLOCATED, _P.RECEIVED, _P.SUSPENSE, _P.HELD, _P.CANCELLED, _P.SETTLED}),
    _P.HELD: frozenset(
        {
            _P.RECEIVED,
            _P.MATCHED,
            _P.SUSPENSE,
            _P.EXCLUDED,
            _P.CANCELLED,
            _P.TASKED,
            _P.WITHDRAWN,
            _P.SETTLED,
        }
    ),
    _P.SUSPENSE: frozenset({_P.RECEIVED, _P.MATCHED, _P.HELD, _P.EXCLUDED, _P.CANCELLED, _P.SETTLED}),
    _P.EXCLUDED: frozenset({_P.RECEIVED, _P.HELD}),
    _P.ALLOCATED: frozenset({_P.CANCELLED}),
    _P.TASKED: frozenset({_P.SETTLED}),
    _P.CANCELLED: frozenset(),
    _P.WITHDRAWN: frozenset(),
    _P.SETTLED: frozenset(),
}
"""The only moves there are.  An allocated payment stays so, for its plan is written once, unless it was taken back
before a cent of it could have been posted."""


POSTING_MOVES: Mapping[PostingState, frozenset[PostingState]] = {
    _S.READY: frozenset({_S.SENDING, _S.POSTED, _S.HELD, _S.DOUBLE, _S.MISMATCH, _S.LISTED, _S.CANCELLED, _S.SETTLED}),
    _S.SENDING: frozenset({_S.READY, _S.POSTED, _S.HELD, _S.UNKNOWN}),
    _S.UNKNOWN: frozenset({_S.POSTED, _S.DOUBT, _S.DOUBLE, _S.MISMATCH}),
    _S.DOUBT: frozenset({_S.POSTED, _S.DOUBLE, _S.MISMATCH, _S.READY, _S.SETTLED}),
    _S.POSTED: frozenset({_S.VERIFIED, _S.MISMATCH, _S.DOUBLE}),
    _S.VERIFIED: frozenset({_S.MISMATCH, _S.DOUBLE}),
    _S.HELD: frozenset({_S.READY, _S.POSTED, _S.DOUBLE, _S.MISMATCH, _S.CANCELLED, _S.SETTLED}),
    _S.LISTED: frozenset({_S.VERIFIED, _S.READY, _S.MISMATCH, _S.SETTLED}),
    _S.DOUBLE: frozenset({_S.SETTLED}),
    _S.MISMATCH: frozenset({_S.SETTLED}),
    _S.RECORDED: frozenset(),
    _S.CANCELLED: frozenset(),
    _S.SETTLED: frozenset(),
}
"""The only moves there are.  DOUBT never goes back to READY by itself, and nothing becomes SETTLED: both take a person.
LISTED goes back to READY only with a file that was given up before it was published."""

UNSENT = (PostingState.READY, PostingState.HELD)
"""States in which no request for it can have been applied, as long as none was ever attempted."""
