"""What can go wrong at the box's SFTP server, to be ordered beforehand."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Literal

TAKEN = "taken"
"""Where a greedy consumer puts what it took, beside the folder it took it from."""

Operation = Literal["list", "stat", "read", "write", "rename", "remove"]


def is_final(name: str) -> bool:
    """Tell whether a consumer may take a file of this name: no dot in front, no ``.part`` at the end."""
    return not name.startswith(".") and not name.endswith(".part")


@dataclass(frozen=True, slots=True)
class Cut:
    """The link breaks at the next ``operation``: before it took effect, or after (``done``) but before the answer.

    For ``read`` and ``write``, ``after_bytes`` of the file's bytes go through first; that part stands.
    """

    operation: Operation
    done: bool = False
    after_bytes: int = 0


@dataclass
class Unruly:
    """What is to go wrong, for all connections together.

    ``cut`` orders broken links, used up one by one.  In a ``greedy`` folder a file is moved to the folder ``taken``
    beside it the instant it has its final name (no dot in front, no ``.part`` at the end), as a consumer does that
    watches the folder.  In a ``read_only`` folder nothing can be written, renamed or removed.
    Folders are named by their path below the root, such as ``peoplesoft/in``.
    """

    greedy: set[str] = field(default_factory=set)
    read_only: set[str] = field(default_factory=set)
    _cuts: list[Cut] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _moved: int = 0

    def cut(self, *cuts: Cut) -> None:
        """Order broken links; each waits for its operation."""
        with self._lock:
            self._cuts.extend(cuts)
            self._moved = 0

    def breaks(self, operation: Operation, *, done: bool) -> bool:
        """Tell whether the link breaks here; then that cut is used up."""
        with self._lock:
            if self._cuts and self._cuts[0].operation == operation and self._cuts[0].done == done:
                del self._cuts[0]
                return True
            return False

    def allowance(self, operation: Literal["read", "write"], length: int) -> int | None:
        """Say how many of these bytes still go through before the link breaks, or None if it holds."""
        with self._lock:
            if not self._cuts or self._cuts[0].operation != operation:
                return None
            left = self._cuts[0].after_bytes - self._moved
            if length < left:
                self._moved += length
                return None
            del self._cuts[0]
            return max(0, left)
