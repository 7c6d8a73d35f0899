"""Publish what is built and not yet at its bursar, older files first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.ledger import UploadState
from pipeline.stages.publish import deliver_all
from pipeline.stages.review import EVERYTHING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Upload


def deliver(work: Work) -> None:
    """Publish every file that is built and not there yet; a system whose new snapshot was stopped keeps its old one."""
    stopped = {finding.subject for finding in work.findings if finding.stops and finding.entry.scope == "output"}
    held_back = set(work.campus.campus.systems) if EVERYTHING in stopped else stopped
    send(
        work,
        [one for one in work.ledger.uploads() if one.batch.scope != "snapshot" or one.batch.system not in held_back],
    )


def send(work: Work, uploads: Sequence[Upload]) -> None:
    """Deliver these files, and count those that have arrived."""
    systems = work.campus.campus.systems
    places = {name: work.outside.place(one.connection, one.folder) for name, one in systems.items()}
    ended, findings = deliver_all(uploads, places, work.campus.state, work.ledger, work.outside.clock)
    work.findings += findings
    work.sent += sum(upload.state is UploadState.SENT for upload in ended)
    work.news |= work.sent > 0
