"""The files that people are told of after a run: made by it, on their way, or gone since a run last told of any."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.stages.morning import name_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Run, Upload

MOST_RUNS = 200
"""So many runs are looked through for the last one that told of its files."""

A_MOMENT = timedelta(seconds=1)

MANIFEST = "manifest.json"
"""The page that is written when the run sheet is."""


def outgoing(work: Work) -> Sequence[Upload]:
    """Give every such file once, by system, oldest first; ``work`` is the desk of CLOSE.

    A run that was killed told nobody of its files, nor did one that could not write its pages, and a file may arrive
    nights after it was made: the next run that writes its pages tells of all that went since the last one did.
    """
    names = {batch.name for desk in work.before for batch, _, _ in desk.made}
    names |= {name for desk in work.before for name in desk.handed_over}
    since = _last_told(work)
    names |= {one.batch.name for one in work.ledger.sent_since(since) if (one.changed_at or since) > since}
    return work.ledger.uploads_of(sorted(names))


def _last_told(work: Work) -> datetime:
    earlier = [one for one in work.ledger.runs(MOST_RUNS) if one.number != work.run.number]
    ended = (one.ended_at for one in earlier if one.ended_at is not None and _has_told(work, one))
    first = earlier[-1] if earlier else work.run
    return next(ended, first.started_at - A_MOMENT)


def _has_told(work: Work, run: Run) -> bool:
    """Whether a run wrote its pages; of one whose folder was put away long since, nobody doubts it."""
    folder = work.folder.parent.parent / name_of(run)
    return not folder.is_dir() or (folder / MANIFEST).is_file()
