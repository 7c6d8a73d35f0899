"""A folder on this machine or on a mounted share, where files are left for others and picked up from them."""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.adapters.disk import rename_new
from pipeline.adapters.places import BLOCK, Missing, plain, plain_or_below, shown
from pipeline.ports.outside import Busy, Listed, Lost, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path


class FolderPlace:
    """ports.outside.Place in a local folder.  The folder must be there: it is not ours to make."""

    def __init__(self, path: Path) -> None:
        """Nothing is looked at before the first call."""
        self._path = path

    def list(self) -> Sequence[Listed]:
        """List the regular files whose names are plain."""
        with self._asking("list the files", Busy):
            return [
                Listed(shown(entry.name), entry.stat().st_size, entry.stat().st_mtime)
                for entry in os.scandir(self._path)
                if entry.is_file(follow_symlinks=False)
            ]

    def size(self, name: str) -> int | None:
        """Give a file's size in bytes, or None if there is no such file."""
        with contextlib.suppress(Missing), self._asking(f"look at {plain(name)}", Busy):
            found = (self._path / name).stat()
            if stat.S_ISREG(found.st_mode):
                return found.st_size
            message = f"{self._path}: {name} is there but is no regular file; move it away"
            raise Refused(message, scope="system")
        return None

    def read(self, name: str) -> bytes:
        """Read a whole file back, exactly as it lies there."""
        return b"".join(self._blocks(name))

    def fetch(self, name: str, to: Path) -> int:
        """Copy a file into a new local file (0600); return the bytes copied."""
        files.publish(to, self._blocks(name))
        return to.stat().st_size

    def write_new(self, name: str, path: Path) -> None:
        """Copy the local file ``path`` to ``name``, which must not exist there; on disk when this returns.

        A disk that refuses leaves nothing behind and is Refused with scope ``system``.
        """
        with path.open("rb") as ours, self._asking(f"write {plain(name)}", Lost):
            target = self._path / name
            descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, files.PRIVATE)
            try:
                with os.fdopen(descriptor, "wb") as theirs:
                    while block := ours.read(BLOCK):
                        theirs.write(block)
                    theirs.flush()
                    os.fsync(theirs.fileno())
            except OSError as error:
                target.unlink(missing_ok=True)
                message = f"{self._path}: cannot write {name}: {error.strerror}; make room and run again"
                raise Refused(message, scope="system") from error
            files.sync_folder(self._path)

    def rename(self, old: str, new: str) -> None:
        """Rename without ever overwriting; ``new`` may lie in a folder below (``done/name``)."""
        with self._asking(f"rename {plain(old)} to {plain_or_below(new)}", Lost):
            rename_new(self._path / old, self._path / new)
            files.sync_folder(self._path)

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if there is none."""
        with contextlib.suppress(Missing), self._asking(f"remove {plain(name)}", Lost):
            (self._path / name).unlink()
            files.sync_folder(self._path)

    def close(self) -> None:
        """Do nothing: a folder needs no hanging up."""

    def _blocks(self, name: str) -> Iterator[bytes]:
        with self._asking(f"read {plain(name)}", Busy), (self._path / name).open("rb") as theirs:
            size, copied = os.fstat(theirs.fileno()).st_size, 0
            while block := theirs.read(BLOCK):
                copied += len(block)
                yield block
            if copied != size:
                message = f"{self._path}: read {copied} bytes of {name}, but it has {size}"
                raise Busy(message)

    @contextlib.contextmanager
    def _asking(self, what: str, doubt: type[Busy | Lost]) -> Iterator[None]:
        """Say what an error of the system means; ``doubt`` is what it means when nothing is certain."""
        try:
            yield
        except OSError as error:
            raise self._outcome(what, error, doubt) from error

    def _outcome(self, what: str, error: OSError, doubt: type[Busy | Lost]) -> Exception:
        why = f"{self._path}: cannot {what}: {error.strerror}"
        if isinstance(error, FileNotFoundError | NotADirectoryError):
            if self._path.is_dir():
                return Missing(why)
            return Refused(f"{self._path}: there is no such folder; make it or mend the campus file", scope="system")
        if isinstance(error, FileExistsError):
            return Refused(why)
        if isinstance(error, PermissionError) or error.errno == errno.EROFS:
            return Refused(f"{why}; give our account the right to", scope="system")
        return doubt(why)
