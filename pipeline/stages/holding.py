"""Hold a payment that was not sent, for one reason at a time: the one that counts now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.ledger import PostingState

if TYPE_CHECKING:
    from pipeline.ports.ledger import Posting, PostingBook
    from pipeline.ports.outside import Clock
    from pipeline.stages.payable import Hold


def hold_for(posting: Posting, reason: Hold, book: PostingBook, clock: Clock) -> Posting:
    """Hold one that was not sent, whatever it was held for before.

    On its way from one reason to the other it bears no code: a ready one with a code has a person's word to go.
    """
    now = clock.now()
    if posting.state is PostingState.HELD:
        posting = book.move_posting(posting, PostingState.READY, now, why="it is held for another reason by now")
    return book.move_posting(posting, PostingState.HELD, now, code=reason.code, why=reason.why)
