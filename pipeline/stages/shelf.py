"""Where a file of ours lies in the archive."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.ledger import InFile

UNSAFE = re.compile(r"[^A-Za-z0-9._-]", re.ASCII)


def shelf(archive: Path, file: InFile) -> Path:
    """Give the archive path of a file: by year and month of its arrival, named by hash first, then by its own name."""
    month = file.archived_at.strftime("%Y/%m")
    return archive / "in" / month / f"{file.sha[:12]}_{UNSAFE.sub('_', file.name)[-100:]}"
