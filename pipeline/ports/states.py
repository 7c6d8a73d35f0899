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


OPEN_UPLOADS = (UploadState.BUILT, UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING)
"""States in which a file still has a way to go."""

UNSETTLED_UPLOADS = (*OPEN_UPLOADS, UploadState.CONFLICT)
"""The same, and those that wait for a person because another file of their name lies at the bursar's."""


class PaymentState(StrEnum):
    """Where a line of money stands."""

    RECEIVED = "received"
    ALLOCATED = "allocated"
    SUSPENSE = "suspense"
    HELD = "held"
    EXCLUDED = "excluded"


class PostingState(StrEnum):
    """Where one call to Alma stands."""

    READY = "ready"
    SENDING = "sending"
    UNKNOWN = "unknown"
    DOUBT = "doubt"
    POSTED = "posted"
    VERIFIED = "verified"
    HELD = "held"
    DOUBLE = "double"
    MISMATCH = "mismatch"


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
    UploadState.CONFLICT: frozenset({UploadState.SENT, UploadState.CANCELLED}),
    UploadState.SUPERSEDED: frozenset(),
    UploadState.CANCELLED: frozenset(),
}
"""The only moves there are.  SENT from any open state: our very bytes were found there under the final name.

STAGED back to UPLOADING: what lies there is not what we staged.  PUBLISHING never goes back further than STAGED, and
only on seeing our staged file there and no final one: a file that may be at the bursar's is not ours to replace.
"""


PAYMENT_MOVES: Mapping[PaymentState, frozenset[PaymentState]] = {
    PaymentState.RECEIVED: frozenset(
        {PaymentState.ALLOCATED, PaymentState.SUSPENSE, PaymentState.HELD, PaymentState.EXCLUDED}
    ),
    PaymentState.HELD: frozenset({PaymentState.RECEIVED, PaymentState.SUSPENSE, PaymentState.EXCLUDED}),
    PaymentState.SUSPENSE: frozenset({PaymentState.RECEIVED, PaymentState.HELD, PaymentState.EXCLUDED}),
    PaymentState.EXCLUDED: frozenset({PaymentState.RECEIVED}),
    PaymentState.ALLOCATED: frozenset(),
}
"""The only moves there are.  An allocated payment stays so: its plan is written once."""


POSTING_MOVES: Mapping[PostingState, frozenset[PostingState]] = {
    PostingState.READY: frozenset(
        {PostingState.SENDING, PostingState.POSTED, PostingState.HELD, PostingState.DOUBLE, PostingState.MISMATCH}
    ),
    PostingState.SENDING: frozenset({PostingState.READY, PostingState.POSTED, PostingState.HELD, PostingState.UNKNOWN}),
    PostingState.UNKNOWN: frozenset(
        {PostingState.POSTED, PostingState.DOUBT, PostingState.DOUBLE, PostingState.MISMATCH}
    ),
    PostingState.DOUBT: frozenset({PostingState.POSTED, PostingState.DOUBLE, PostingState.MISMATCH}),
    PostingState.POSTED: frozenset({PostingState.VERIFIED, PostingState.MISMATCH, PostingState.DOUBLE}),
    PostingState.VERIFIED: frozenset({PostingState.MISMATCH, PostingState.DOUBLE}),
    PostingState.HELD: frozenset({PostingState.READY, PostingState.POSTED, PostingState.DOUBLE, PostingState.MISMATCH}),
    PostingState.DOUBLE: frozenset(),
    PostingState.MISMATCH: frozenset(),
}
"""The only moves there are.  DOUBT never goes back to READY by itself: that takes a person."""
