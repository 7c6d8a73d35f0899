"""What we ask of a local disk: a rename that never overwrites."""

from __future__ import annotations

import ctypes
import errno
import os
from typing import TYPE_CHECKING

from pipeline.ports.outside import Lost

if TYPE_CHECKING:
    from pathlib import Path

HERE = -100  # AT_FDCWD: paths count from the working folder
NO_REPLACE = 1  # RENAME_NOREPLACE
UNKNOWN = (errno.EINVAL, errno.ENOSYS)


def rename_new(old: Path, new: Path) -> None:
    """Rename ``old`` to ``new``, which must be free, in one step where the system can (Linux), else link and unlink.

    Raises FileExistsError if ``new`` exists, another OSError if nothing was done, and Lost if both names now stand.
    """
    if _in_one_step(old, new):
        return
    os.link(old, new)
    try:
        old.unlink()
    except OSError as error:
        message = f"{new}: is there now, but {old.name} could not be removed: {error.strerror}"
        raise Lost(message) from error


def _in_one_step(old: Path, new: Path) -> bool:
    """Say False if this system cannot.  With one step a consumer never sees the file under both names."""
    call = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if call is None:
        return False
    if call(HERE, os.fsencode(old), HERE, os.fsencode(new), NO_REPLACE) == 0:
        return True
    code = ctypes.get_errno()
    if code in UNKNOWN:
        return False
    raise OSError(code, os.strerror(code), str(new))
