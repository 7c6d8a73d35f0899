"""The money that is not in Alma, line by line: since when, why, and what could be done with it."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState, PostingState
from pipeline.stages.confirm_import import WEEK
from pipeline.stages.morning import Unposted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pipeline.flow.runner import Work

OPEN = (PaymentState.RECEIVED, PaymentState.MATCHED, PaymentState.HELD, PaymentState.SUSPENSE)
WRONG = (PostingState.HELD, PostingState.READY, PostingState.DOUBLE, PostingState.MISMATCH)


def unposted(work: Work) -> list[Unposted]:
    """List payments that are not placed, what is left over of others, and postings that did not go through."""
    now = work.outside.clock.now()
    rows = [row for row in work.ledger.held_rows() if row["kind"] in ("payment", "posting")]
    days = {str(row["subject"]): (now - datetime.fromisoformat(str(row["since"]))).days for row in rows}
    waiting = [
        Unposted(
            one.key,
            one.payment_ref or one.fee_ref,
            one.system,
            one.cents,
            one.state,
            one.code,
            one.why,
            days.get(one.key, 0),
        )
        for one in work.ledger.payments_in(*OPEN)
    ]
    postings = [
        Unposted(
            one.payment_key,
            one.external_id,
            "alma",
            one.cents,
            one.state,
            one.code,
            one.why,
            days.get(one.external_id, 0),
        )
        for one in work.ledger.postings(*WRONG)
    ]
    known = {one.key for one in waiting}
    rests = {str(row["subject"]): row for row in rows if row["kind"] == "payment" and row["subject"] not in known}
    return [*waiting, *_left_over(work, rests, days), *postings, *_unseen(work, rows, days)]


def _unseen(work: Work, rows: Iterable[Mapping[str, str | int]], days: Mapping[str, int]) -> Iterator[Unposted]:
    """Tell of what Alma was to import a week ago or longer and has not shown; before that nobody need look."""
    said = {str(row["subject"]): row for row in rows if row["kind"] == "posting"}
    for one in work.ledger.postings(PostingState.LISTED):
        if days.get(one.external_id, 0) >= WEEK:
            row = said[one.external_id]
            reason = (one.state, str(row["code"]), str(row["why"]))
            yield Unposted(one.payment_key, one.external_id, "alma", one.cents, *reason, days[one.external_id])


def _left_over(work: Work, rests: Mapping[str, Mapping[str, str | int]], days: Mapping[str, int]) -> Iterator[Unposted]:
    """Tell of what a payment brought more than it could pay."""
    payments = work.ledger.known_payments(list(rests))
    for key, row in rests.items():
        one = payments[key]
        reason = (str(row["state"]), str(row["code"]), str(row["why"]))
        yield Unposted(key, one.payment_ref or one.fee_ref, one.system, int(row["amount_cents"]), *reason, days[key])
