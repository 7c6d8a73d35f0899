"""Publish what is built and not yet at its bursar, older files first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.ledger import PAYMENT_FILE, UploadState
from pipeline.stages.publish import deliver_all
from pipeline.stages.review import kept_back

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Upload
    from pipeline.ports.outside import Place


def deliver(work: Work) -> None:
    """Publish every file that is built and not there yet; a system whose new snapshot was stopped keeps its old one."""
    stopped = kept_back(work.findings, work.campus)
    send(
        work, [one for one in work.ledger.uploads() if one.batch.scope != "snapshot" or one.batch.system not in stopped]
    )


def send(work: Work, uploads: Sequence[Upload]) -> None:
    """Deliver these files, each kind to its own place, and count those that have arrived.

    A source may bear the name of a system, so files for Alma's import never share a list with those for a bursar.
    """
    systems, imports, place = work.campus.campus.systems, work.campus.campus.imports, work.outside.place
    for_alma = [one for one in uploads if one.batch.kind == PAYMENT_FILE]
    others = [one for one in uploads if one.batch.kind != PAYMENT_FILE]
    asked = {name: systems[name] for one in others if (name := one.batch.system) in systems}
    _send(work, others, {name: place(one.connection, one.folder) for name, one in asked.items()})
    sources = {one.batch.system for one in for_alma} if imports is not None else set()
    _send(work, for_alma, {name: place(imports.connection, imports.folder) for name in sources if imports is not None})


def _send(work: Work, uploads: Sequence[Upload], places: Mapping[str, Place]) -> None:
    ended, findings = deliver_all(uploads, places, work.campus.state, work.ledger, work.outside.clock)
    work.findings += findings
    work.sent += sum(upload.state is UploadState.SENT for upload in ended)
    work.news |= work.sent > 0
