"""Look again on a later night at what was posted: what counts is what Alma still shows, not what she once said."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.ports.ledger import PostingState, Way
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.attempt import Desk, found, tell
from pipeline.stages.look import Sight, View, look, sums_close
from pipeline.stages.meter import MOST_CALLS, Metered, halted, in_turn, not_looked_at
from pipeline.stages.statement import judged, read_report

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Posting
    from pipeline.ports.outside import FeeReport


def confirm_all(desk: Desk, report: FeeReport | None, before: datetime, budget: int) -> list[Finding]:
    """Look at every payment that was posted before ``before`` (the start of this run); give what people should know.

    With a ``report`` a hundred fees are looked at in one question; what it does not show is looked at alone, and so is
    everything where it cannot be read.  Seen once with its cents a payment is verified; seen otherwise, or gone from a
    fee whose figures agree and that had time to settle, it is an alarm; a look that shows nothing changes nothing.
    ``budget`` is in calls to Alma; what it does not reach is told, and the order is another one every day.
    """
    metered = Metered(desk.alma, budget)
    desk = Desk(metered, desk.book, desk.clock, desk.today, desk.settle)
    posted = [one for one in desk.book.postings(PostingState.POSTED) if one.since is None or one.since < before]
    posted = [one for one in posted if one.way == Way.API]
    findings: list[Finding] = []
    try:
        if report is not None and posted:
            findings.extend(_by_report(posted, report, desk, metered))
            posted = [one for one in posted if _still_posted(one, desk)]
        order = in_turn(posted, lambda one: (one.patron_id, one.external_id), desk.today)
        for number, posting in enumerate(order):
            if why := metered.tired():
                findings.append(not_looked_at(len(order) - number, why))
                break
            findings += tell(posting, confirm_one(posting, desk))
    except Refused as no:
        findings.append(halted(no, "what was posted could not be confirmed"))
    return findings


def _still_posted(posting: Posting, desk: Desk) -> bool:
    now = desk.book.posting(posting.external_id)
    return now is not None and now.state is PostingState.POSTED


def _by_report(posted: Sequence[Posting], report: FeeReport, desk: Desk, metered: Metered) -> Iterator[Finding]:
    """Judge what the report shows, also of what was verified before; what it does not show is not judged by it."""
    days = [one.since.date() for one in posted if one.since is not None]
    try:
        shown = read_report(report, days, metered)
    except (Busy, Refused) as failed:
        yield Finding("FEE-REPORT-FAILED", "Alma", f"{failed}; payments are looked at one by one")
        return
    for external_id, there in sorted(shown.items()):
        posting = desk.book.posting(external_id)
        if posting is None or posting.state not in (PostingState.POSTED, PostingState.VERIFIED):
            continue
        yield from tell(posting, _told(posting, judged(posting, there), desk))


def confirm_one(posting: Posting, desk: Desk) -> Posting:
    """Look at a posted payment; give the record as it now stands.  Raises Refused only with scope ``system``.

    Before it is called gone it is looked for once more: a single answer may be an old one.
    """
    view = look(posting, desk.alma)
    if _gone(posting, view, desk):
        view = look(posting, desk.alma)
    if not _gone(posting, view, desk):
        return _told(posting, view, desk)
    why = f"it was posted and is gone: {view.text}"
    mismatch, now = PostingState.MISMATCH, desk.clock.now()
    return desk.book.move_posting(posting, mismatch, now, code="POST-MISMATCH", why=why, evidence=view.text)


def _gone(posting: Posting, view: View, desk: Desk) -> bool:
    """Absence means something on a fee whose figures agree, and once a payment had time to settle."""
    if view.sight is not Sight.ABSENT or view.fee is None or not sums_close(view.fee):
        return False
    return posting.since is None or desk.clock.now() - posting.since >= desk.settle


def _told(posting: Posting, view: View, desk: Desk) -> Posting:
    """Believe what was seen; a look that shows nothing changes nothing."""
    if view.sight in (Sight.MANY, Sight.OTHER):
        return found(posting, view, desk)
    if view.sight is not Sight.SEEN or posting.state is PostingState.VERIFIED:
        return posting
    return desk.book.move_posting(posting, PostingState.VERIFIED, desk.clock.now(), evidence=view.text)


def confirm(work: Work) -> None:
    """Confirm what earlier runs posted."""
    alma, settings = work.outside.alma, work.campus.campus.alma
    if alma is None or settings is None:
        return
    settle = timedelta(seconds=settings.settle_s)
    desk = Desk(alma, work.ledger, work.outside.clock, work.today, settle)
    report = work.outside.report if settings.fee_report else None
    work.findings += confirm_all(desk, report, work.run.started_at, MOST_CALLS)
