"""A folder on a bursar's SFTP server, where files are left for others and picked up from them."""

from __future__ import annotations

import contextlib
import errno
import stat
from typing import TYPE_CHECKING

from pipeline import files
from pipeline.adapters.places import BLOCK, Missing, plain, plain_or_below, shown
from pipeline.adapters.sftp_login import Link, SftpSettings, hang_up, open_link
from pipeline.ports.outside import Busy, Listed, Lost, OutsideError, Refused

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path
    from typing import BinaryIO

    import paramiko

__all__ = ["SftpPlace", "SftpSettings"]

SERVERS_NO = (errno.ENOENT, errno.EACCES, None)
"""How paramiko hands on a server's own answer: "no such file", "permission denied", and any other failure."""


class SftpPlace:
    """ports.outside.Place on an SFTP server: one link, opened at the first call and again after it broke.

    ``folder`` is absolute, or counts from where the account lands.  A login that was refused is not tried again.
    """

    def __init__(self, settings: SftpSettings, folder: str) -> None:
        """Nothing is sent before the first call."""
        self._settings = settings
        self._folder = folder
        self._where = f"{settings.where}/{folder.lstrip('/')}"
        self._open: Link | None = None
        self._barred: Refused | None = None

    def list(self) -> Sequence[Listed]:
        """List the regular files whose names are plain."""
        with self._asking("list the files", Busy) as client:
            return [
                Listed(shown(one.filename), one.st_size or 0, float(one.st_mtime or 0))
                for one in client.listdir_attr(self._folder)
                if stat.S_ISREG(one.st_mode or stat.S_IFREG)
            ]

    def size(self, name: str) -> int | None:
        """Give a file's size in bytes, or None if there is no such file in a folder that is there."""
        with contextlib.suppress(Missing), self._asking(f"look at {plain(name)}", Busy) as client:
            found = client.stat(self._path(name))
            if stat.S_ISREG(found.st_mode or stat.S_IFREG) and found.st_size is not None:
                return found.st_size
            message = f"{self._where}: {name} is there but is no regular file with a size; move it away"
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
        """Copy the local file ``path`` to ``name``, which must not exist there; every block is confirmed, and the size.

        A server that will not take all of it (its disk is full) has our part removed and is Refused, scope ``system``.
        """
        with path.open("rb") as ours, self._asking(f"write {plain(name)}", Lost) as client:
            theirs = client.open(self._path(name), "wx")
            try:
                size = self._fill(theirs, ours)
                there = client.stat(self._path(name)).st_size
                full = there != size
            except OSError as error:
                if not self._is_servers_no(error):
                    raise
                full = True
            if full:
                client.remove(self._path(name))
                message = f"{self._where}: does not take all of {name}; is its disk full?  Ask its owner"
                raise Refused(message, scope="system")

    def rename(self, old: str, new: str) -> None:
        """Rename without ever overwriting; ``new`` may lie in a folder below (``done/name``)."""
        with self._asking(f"rename {plain(old)} to {plain_or_below(new)}", Lost) as client:
            client.rename(self._path(old), self._path(new))

    def remove(self, name: str) -> None:
        """Remove a file; nothing happens if there is none."""
        with contextlib.suppress(Missing), self._asking(f"remove {plain(name)}", Lost) as client:
            client.remove(self._path(name))

    def close(self) -> None:
        """Hang up."""
        if self._open is not None:
            hang_up(self._open)
        self._open = None

    def _path(self, name: str) -> str:
        return f"{self._folder.rstrip('/')}/{name}"

    def _fill(self, theirs: paramiko.SFTPFile, ours: BinaryIO) -> int:
        """Write block by block, each confirmed: pipelined, a full disk at the other end goes unnoticed (measured)."""
        size = 0
        with theirs:
            with contextlib.suppress(OSError):
                theirs.chmod(files.PRIVATE)
            while block := ours.read(BLOCK):
                theirs.write(block)
                size += len(block)
        return size

    def _blocks(self, name: str) -> Iterator[bytes]:
        """Read block by block.  paramiko takes a link that breaks for the end of the file, so the size is compared."""
        with self._asking(f"read {plain(name)}", Busy) as client, client.open(self._path(name), "rb") as theirs:
            size, copied = theirs.stat().st_size, 0
            while block := theirs.read(BLOCK):
                copied += len(block)
                yield block
            if copied != size:
                message = f"{self._where}: read {copied} bytes of {name}, but it has {size}"
                raise Busy(message)

    @contextlib.contextmanager
    def _asking(self, what: str, doubt: type[Busy | Lost]) -> Iterator[paramiko.SFTPClient]:
        """Give the client, and say what goes wrong with it in our three words; ``doubt`` is for all that is unclear."""
        client = self._link().client
        try:
            yield client
        except OutsideError:
            raise
        except Exception as error:
            raise self._outcome(client, what, error, doubt) from error

    def _link(self) -> Link:
        if self._barred is not None:
            raise self._barred
        if self._open is None or not self._alive():
            self.close()
            try:
                self._open = open_link(self._settings)
            except Refused as no:
                self._barred = no
                raise
        return self._open

    def _alive(self) -> bool:
        return self._open is not None and self._open.transport.is_active() and not self._open.channel.closed

    def _is_servers_no(self, error: Exception) -> bool:
        """Tell a server's answer from a broken link: paramiko raises OSError for both, but only one leaves it alive."""
        said_no = isinstance(error, OSError) and not isinstance(error, TimeoutError) and error.errno in SERVERS_NO
        return said_no and self._alive()

    def _outcome(
        self, client: paramiko.SFTPClient, what: str, error: Exception, doubt: type[Busy | Lost]
    ) -> OutsideError:
        if not self._is_servers_no(error):
            self.close()
            if isinstance(error, UnicodeDecodeError):
                return doubt(f"{self._where}: cannot {what}: a name there is not UTF-8; have that file renamed")
            happened = "it may or may not have happened" if doubt is Lost else "it did not happen"
            return doubt(f"{self._where}: no clear answer to: {what}; {happened}")
        why = f"{self._where}: cannot {what}"
        if isinstance(error, FileNotFoundError):
            return self._missing(client, why, doubt)
        if isinstance(error, PermissionError):
            return Refused(f"{why}: permission denied; ask its owner", scope="system", code="EACCES")
        if doubt is Busy:
            return Busy(f"{why}: the server failed")
        return Refused(f"{why}: the server will not; is the name taken?", code="FAILURE")

    def _missing(self, client: paramiko.SFTPClient, why: str, doubt: type[Busy | Lost]) -> OutsideError:
        """No such file, or no such folder?  A folder that is gone must never look like files that were taken."""
        try:
            client.stat(self._folder)
        except FileNotFoundError:
            message = f"{self._where}: there is no such folder; ask its owner or mend the campus file"
            return Refused(message, scope="system", code="ENOENT")
        except Exception as error:  # noqa: BLE001 - whatever it was, nothing is certain now
            self.close()
            return doubt(f"{why}: no clear answer ({type(error).__name__})")
        return Missing(f"{why}: no such file", code="ENOENT")
