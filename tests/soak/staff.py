"""What staff do by day about the money that waits for them: always true to what they see in Alma, never all of it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState, PostingState, TaskState
from pipeline.stages.external import external_id
from tests.soak.campus import NAME
from tests.soak.referee import CONTRADICTS

if TYPE_CHECKING:
    import random
    from collections import Counter
    from datetime import datetime

    from tests.soak.book import SoakBook
    from tests.soak.weather import SoakAlma

RESENT_AFTER = timedelta(hours=72)
OFTEN = 0.3
WORD = "ann: seen to"


def at_work(book: SoakBook, alma: SoakAlma, now: datetime, draw: random.Random, approved: Counter[str]) -> None:
    """Answer some doubts, settle some of what is held, do some tasks; ``approved`` counts what may be sent again."""
    known = alma.standing().keys() | alma.under_way
    for posting in book.postings(PostingState.DOUBT, PostingState.HELD):
        fresh = posting.since is not None and now - posting.since < RESENT_AFTER
        if posting.external_id in known or fresh or draw.random() > OFTEN:
            continue
        by_us = posting.way == "api"  # what Alma's import would make of too much is not for staff to try
        to = draw.choice((PostingState.READY, PostingState.SETTLED)) if by_us else PostingState.SETTLED
        approved[posting.external_id] += posting.state is PostingState.DOUBT
        book.move_posting(posting, to, now, code=posting.code if to is PostingState.READY else "", why=WORD)
    stems = {one[:-3] for one in known}
    for payment in book.payments_in(PaymentState.SUSPENSE, PaymentState.HELD):
        there = external_id(NAME, payment.key, 1)[:-3] in stems
        if not there and not payment.shares and draw.random() < OFTEN / 3:
            end = draw.choice((PaymentState.RECEIVED, PaymentState.SETTLED))
            if payment.code in CONTRADICTS:  # the bursar says that it is the same money, told once more
                end = PaymentState.SETTLED
            kept = payment.code if payment.code in ("ADJUSTMENT", *CONTRADICTS) else ""
            book.settle_payment(payment, end, kept, WORD, now)
    for task in book.tasks(TaskState.OPEN):
        if draw.random() < OFTEN:
            book.close_task(task.task_id, "ann", WORD, now)
