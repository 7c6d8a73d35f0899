"""What every step made, kept as tables that a person can open: evidence beside the work, never read again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipeline import files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from pipeline.findings import Outcome

AS_SAVED: Mapping[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": False,
    "write_statistics": False,
}
"""How tables are kept: a third less time than by pandas' own choice, and less than half the disk."""


def keep(name: str, given: pd.DataFrame | None, outcome: Outcome, folder: Path) -> None:
    """Write every box of a step that has rows below ``folder/stages``, but no table that it passes on as ``given``.

    Raises OSError where the disk refuses.
    """
    for box, frame in outcome.all_rows():
        if len(frame) and frame is not given:
            target = files.private_folder(folder / "stages") / f"{name}-{box}.parquet"
            files.replace(target, [frame.to_parquet(index=False, **AS_SAVED)])
