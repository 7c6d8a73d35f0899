"""Look again on a later night at what was posted: what counts is what Alma still shows, not what she once said."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PostingState
from pipeline.ports.outside import Refused
from pipeline.stages.look import Sight, look, sums_close
from pipeline.stages.meter import MOST_CALLS, Metered, halted
from pipeline.stages.post import found, tell

if TYPE_CHECKING:
    from datetime import datetime

    from pipeline.findings import Finding
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Posting, PostingBook
    from pipeline.ports.outside import AlmaFees, Clock


def confirm_all(
    alma: AlmaFees, book: PostingBook, clock: Clock, settle: timedelta, before: datetime, budget: int
) -> list[Finding]:
    """Look at every payment that was posted before ``before`` (the start of this run); give what people should know.

    Seen once with its cents it is verified; seen otherwise, or gone from a fee whose figures agree and that had time to
    settle, it is an alarm; a look that shows nothing changes nothing.  ``budget`` is in calls to Alma.
    """
    metered = Metered(alma, budget)
    findings: list[Finding] = []
    try:
        for posting in book.postings(PostingState.POSTED):
            if posting.since is not None and posting.since >= before:
                continue
            if metered.tired():
                break
            findings += tell(posting, confirm_one(posting, metered, book, clock, settle))
    except Refused as no:
        findings.append(halted(no, "what was posted could not be confirmed"))
    return findings


def confirm_one(posting: Posting, alma: AlmaFees, book: PostingBook, clock: Clock, settle: timedelta) -> Posting:
    """Look once at a posted payment; give the record as it now stands.  Raises Refused only with scope ``system``."""
    view = look(posting, alma)
    now = clock.now()
    if view.sight is Sight.SEEN:
        return book.move_posting(posting, PostingState.VERIFIED, now, evidence=view.text)
    if view.sight in (Sight.MANY, Sight.OTHER):
        return found(posting, view, book, clock)
    old_enough = posting.since is None or now - posting.since >= settle
    if view.sight is Sight.ABSENT and view.fee is not None and sums_close(view.fee) and old_enough:
        why = f"it was posted and is gone: {view.text}"
        return book.move_posting(posting, PostingState.MISMATCH, now, code="POST-MISMATCH", why=why, evidence=view.text)
    return posting


def confirm(work: Work) -> None:
    """Confirm what earlier runs posted."""
    alma, settings = work.outside.alma, work.campus.campus.alma
    if alma is None or settings is None:
        return
    settle = timedelta(seconds=settings.settle_s)
    work.findings += confirm_all(alma, work.ledger, work.outside.clock, settle, work.run.started_at, MOST_CALLS)
