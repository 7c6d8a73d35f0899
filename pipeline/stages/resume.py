"""Finish what earlier runs began to send, before tonight is thought about."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.ledger import UploadState
from pipeline.stages.deliver import send

if TYPE_CHECKING:
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import Upload


def resume(work: Work) -> None:
    """Send the files that nothing newer can replace: charges, and a snapshot that was just being published."""
    send(work, [upload for upload in work.ledger.uploads() if _stays(upload)])


def _stays(upload: Upload) -> bool:
    return upload.batch.scope != "snapshot" or upload.state is UploadState.PUBLISHING
