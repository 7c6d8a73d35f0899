"""Publish what is built and not yet at its bursar, older files first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.ledger import UploadState
from pipeline.stages.publish import deliver_all

if TYPE_CHECKING:
    from pipeline.flow.runner import Work


def deliver(work: Work) -> None:
    """Publish every file that is built and not yet there, those of earlier runs first."""
    systems = work.campus.campus.systems
    places = {name: work.outside.place(one.connection, one.folder) for name, one in systems.items()}
    ended, findings = deliver_all(work.ledger.uploads(), places, work.campus.state, work.ledger, work.outside.clock)
    work.findings += findings
    work.sent = sum(upload.state is UploadState.SENT for upload in ended)
    work.news |= work.sent > 0
