"""The files that people are told of after a run: made by it, on their way, or gone since a run last told of any."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Upload

MOST_RUNS = 200
"""So many runs are looked through for the last one that came to its end."""

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def outgoing(work: Work) -> Sequence[Upload]:
    """Give every such file once, by system, oldest first; ``work`` is the desk of CLOSE.

    A run that was killed told nobody of its files, and a file may arrive nights after it was made: the next run that
    comes to its end tells of all that went since the last one did.
    """
    names = {batch.name for desk in work.before for batch, _, _ in desk.made}
    names |= {name for desk in work.before for name in desk.handed_over}
    since = _last_told(work)
    names |= {one.batch.name for one in work.ledger.sent_since(since) if (one.changed_at or since) > since}
    return work.ledger.uploads_of(sorted(names))


def _last_told(work: Work) -> datetime:
    ended = (one.ended_at for one in work.ledger.runs(MOST_RUNS) if one.number != work.run.number)
    return next((at for at in ended if at is not None), LONG_AGO)
