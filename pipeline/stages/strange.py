"""Before a file is made for Alma's import: no file may lie there of which this ledger knows nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Finding
from pipeline.ports.ledger import DROPPED_UPLOADS, PAYMENT_FILE
from pipeline.ports.outside import Busy, Refused
from pipeline.stages.retry import retry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.campus.back import ImportFiles
    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import UploadBook


def why_none(source: str, imports: ImportFiles, work: Work) -> list[Finding]:
    """Say why no file of a source may be made tonight; nothing if it may.

    A file that was sent by a ledger which is lost may hold the very payments that wait now, and until Alma has imported
    it no fee shows them.  A place that cannot be listed may hold such a file.
    """
    place = work.outside.place(imports.connection, imports.folder)
    try:
        listed = retry(place.list, work.outside.clock)
    except (Busy, Refused) as error:
        code = "DELIVER-BUSY" if isinstance(error, Busy) else "DELIVER-REFUSED"
        return [Finding(code, "Alma", f"{imports.folder}: cannot be listed, so no file of {source} is made: {error}")]
    ours = [one.name for one in listed if imports.is_name(source, one.name)]
    names = sorted(set(ours) - _known(ours, work.ledger))
    more = f" and {len(names) - 1} more" if names[1:] else ""
    text = f"lies there{more}, and this ledger has not sent it; payments of {source} wait"
    return [Finding("IMPORT-STRANGE", names[0], f"{imports.folder}: {names[0]} {text}")] if names else []


def _known(names: Sequence[str], book: UploadBook) -> set[str]:
    """What lies under the name of a file that was dropped is somebody else's: it never came to lie there."""
    sent = [one for one in book.uploads_of(names) if one.batch.kind == PAYMENT_FILE]
    return {one.batch.name for one in sent if one.state not in DROPPED_UPLOADS}
