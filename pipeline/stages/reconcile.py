"""Do the ledger's own sums agree with each other: what was charged, what travelled, what came in, what was planned."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.flow.books import Line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.flow.runner import Work


def reconcile(work: Work) -> None:
    """Set the ledger's sums beside each other; a difference is a stop, and so is an audit trail that was changed."""
    lines = [Line("reconcile", what, left, right) for what, left, right in work.ledger.sums()]
    work.lines.extend(lines)
    day = work.today.isoformat()
    work.findings += [Finding("LEDGER-SUMS", day, str(line)) for line in lines if not line.balanced]
    work.findings += [Finding("LEDGER-NAMES", day, problem) for problem in _strangers(work)]
    work.findings += [Finding("LEDGER-AUDIT", day, problem) for problem in work.ledger.verify_audit()]


def _strangers(work: Work) -> Iterator[str]:
    """A system or source under a new name would be billed, or forgotten, as if it were another one."""
    campus, names = work.campus.campus, work.ledger.names()
    for system in names["systems"]:
        if system not in campus.systems:
            yield f"systems: the ledger has fees or payments of {system!r}, and the campus file has no such system"
    for source in names["sources"]:
        if source not in campus.sources:
            yield f"sources: the ledger has fees of {source!r}, and the campus file has no such source"
