"""What every step made, kept as tables that a person can open: evidence beside the work, never read again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from pipeline import files

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future
    from pathlib import Path
    from types import TracebackType
    from typing import Self

    import pandas as pd

    from pipeline.findings import Outcome

AS_SAVED: Mapping[str, Any] = {
    "compression": "zstd",
    "compression_level": 1,
    "use_dictionary": False,
    "write_statistics": False,
}
"""How tables are kept: a third less time than by pandas' own choice, and less than half the disk."""


class StageTables:
    """Writes tables below ``folder/stages`` while the next step thinks; leaving its ``with`` waits for all of them."""

    def __init__(self, folder: Path) -> None:
        """Write below ``folder``, one table after the other."""
        self._folder = folder / "stages"
        self._writer = ThreadPoolExecutor(max_workers=1)
        self._begun: list[Future[None]] = []

    def keep(self, name: str, given: pd.DataFrame | None, outcome: Outcome) -> None:
        """Begin to write every box of a step that has rows, but no table that it was ``given`` and passes on as it is.

        Raises what ``settle`` does: one step's tables at a time lie in memory for this.
        """
        self.settle()
        for box, frame in outcome.all_rows():
            if len(frame) and frame is not given:
                self._begun.append(self._writer.submit(self._write, f"{name}-{box}.parquet", frame))

    def settle(self) -> None:
        """Wait until all that was begun is on disk.  Raises OSError where the disk refused."""
        begun, self._begun = self._begun, []
        for one in begun:
            one.result()

    def _write(self, name: str, frame: pd.DataFrame) -> None:
        files.replace(files.private_folder(self._folder) / name, [frame.to_parquet(index=False, **AS_SAVED)])

    def __enter__(self) -> Self:
        """Use it in a ``with``."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for the writer; where nothing else went wrong, say what it could not write."""
        self._writer.shutdown()
        if error is None:
            self.settle()
