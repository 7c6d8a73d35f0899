"""What comes next of each thing there is a story of, when, and whose turn it is: the words, by its state."""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING

from pipeline.ports.ledger import FeeState, PaymentState, PostingState, TaskState, UploadState

if TYPE_CHECKING:
    from collections.abc import Mapping

RUN = "the next `bursar night` or `bursar payments`"
NIGHT = "the next `bursar night` or `bursar charges`"


class Turn(IntEnum):
    """Whose turn it is: nobody's, that of a run, or a person's."""

    NOBODY = 0
    RUN = 1
    PERSON = 2


Next = tuple[Turn, str]
"""Whose turn it is, and the words; ``{do}`` and the like are filled in."""

_N, _R, _P = Turn.NOBODY, Turn.RUN, Turn.PERSON

FEES: Mapping[str, Next] = {
    FeeState.HELD: (_P, f"{NIGHT} looks at it again; it waits for a person: {{do}}"),
    FeeState.WAITING: (_R, f"{NIGHT} looks at it again, until what it waits for has come"),
    FeeState.EXCLUDED: (_N, "nothing more: by the campus's policy it never goes out"),
    FeeState.CHARGED: (_R, "the next run publishes the file named above, or puts it into another if that was given up"),
    FeeState.REJECTED: (_N, "nothing more: a person rejected it"),
    FeeState.WITHDRAWN: (
        _N,
        "nothing more: its source says otherwise by now; what it says instead stands under another version",
    ),
    FeeState.CONTINUED: (
        _N,
        "nothing of its own: it is the debt named above under another id, and is paid there",
    ),
}
AT_THE_BURSAR: Next = (_R, f"the bursar has it; {RUN} takes a payment off once the bursar reports one")
NOTHING_OPEN: Next = (_N, "nothing more: nothing is open of it at the bursar")
"""A fee that is charged, once its file has arrived."""

NOT_OURS = "by its kind, its item or its amount it pays nothing of the library's"
"""Why a payment is excluded that no person has spoken of."""

PAYMENTS: Mapping[str, Next] = {
    PaymentState.RECEIVED: (_R, f"{RUN} looks for the debts it is for"),
    PaymentState.MATCHED: (_R, f"{RUN} decides how many cents go to which fee"),
    PaymentState.ALLOCATED: (
        _N,
        "nothing more: what was not placed of it is a task of staff, which `bursar tasks` shows",
    ),
    PaymentState.SUSPENSE: (_P, f"{RUN} looks again for a debt; a person may end it with {{resolve}}: {{do}}"),
    PaymentState.HELD: (_P, "it waits for a person, who ends it with {resolve}: {do}"),
    PaymentState.EXCLUDED: (_N, "nothing more: {ended}"),
    PaymentState.CANCELLED: (_N, "nothing more: it was taken back before anything was posted"),
    PaymentState.TASKED: (_P, "staff have a task with it, which `bursar tasks` shows; once that is done, nothing more"),
    PaymentState.WITHDRAWN: (_N, "nothing more: the bursar wrote it off, and it is taken off the debt"),
    PaymentState.SETTLED: (_N, "nothing more: {ended}"),
}
NO_ALMA: Next = (_P, "it waits for the [alma] table in the campus file (ALMA-MISSING)")
"""What only a run that reaches Alma's API brings further, where the campus file says nothing of it."""

POSTINGS: Mapping[str, Next] = {
    PostingState.READY: (_R, f"{RUN} looks at the fee in Alma and hands it over"),
    PostingState.SENDING: (_R, f"{RUN} looks in Alma whether it arrived; it is never sent again blind"),
    PostingState.UNKNOWN: (
        _R,
        f"{RUN} looks in Alma whether it arrived; still absent when Alma has had time to settle, it is in doubt",
    ),
    PostingState.DOUBT: (_P, f"{RUN} looks in Alma once more; a person may end it with {{resolve}}{{after}}: {{do}}"),
    PostingState.POSTED: (_R, "a later night reads it back from Alma"),
    PostingState.VERIFIED: (_N, "nothing more: Alma has it, and it was read back"),
    PostingState.HELD: (_P, "it waits for a person, who ends it with {resolve}: {do}"),
    PostingState.DOUBLE: (_P, "today a person corrects it in Alma and ends it with {resolve}: {do}"),
    PostingState.MISMATCH: (_P, "today a person corrects it in Alma and ends it with {resolve}: {do}"),
    PostingState.LISTED: (_R, "it stands in the file for Alma; the first night after she has imported it sees it"),
    PostingState.RECORDED: (_N, "nothing more: the export closed the fee in Alma, and it is kept here as settled"),
    PostingState.CANCELLED: (_N, "nothing more: it was given up or taken back before it was sent"),
    PostingState.SETTLED: (_N, "nothing more: a person has settled it elsewhere"),
}
_GOES_ON: Next = (_R, "the next run goes on with publishing it, before any later file of its system")
_NOT_THERE: Next = (_R, f"{_GOES_ON[1]}; where its bytes are lost a person gives it up with {{resolve}}")
UPLOADS: Mapping[str, Next] = {
    UploadState.BUILT: _NOT_THERE,
    UploadState.UPLOADING: _NOT_THERE,
    UploadState.STAGED: _NOT_THERE,
    UploadState.PUBLISHING: _GOES_ON,
    UploadState.SENT: (_N, "nothing more: it is where it belongs"),
    UploadState.CONFLICT: (
        _P,
        (
            "another file of its name lay there; once that is gone the next run publishes ours, unless the bursar may "
            "have it already; a person ends it with {resolve}"
        ),
    ),
    UploadState.SUPERSEDED: (_N, "nothing more: a newer file took its place"),
    UploadState.CANCELLED: (_N, "nothing more: it was given up; the next run puts what stood in it into another file"),
}
TASKS: Mapping[str, Next] = {
    TaskState.OPEN: (
        _P,
        "somebody of the staff does it and says so: bursar resolve {id} --settled-elsewhere | --reject --reason TEXT",
    ),
    TaskState.DONE: (_N, "nothing more: it is done"),
}
FILES: Mapping[str, Next] = {
    "archived": (_R, "the next run reads it"),
    "booked": (_N, "nothing more: every row of it is entered"),
    "refused": (
        _P,
        (
            "nothing of it is used; a whole file under another name is read when it comes: {do}; once nothing of it is "
            "missing, bursar resolve {id} --reject --reason TEXT gives it up"
        ),
    ),
    "given up": (_N, "nothing more: a person has said that nothing of it is to be used"),
}
"""What happens next to each kind of thing, by its state, and whose turn it is."""
