"""What the box's SFTP server does with files: OpenSSH's manners, and the accidents that can be ordered."""

from __future__ import annotations

import errno
import os
import posixpath
import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import paramiko
from paramiko.sftp import SFTP_FAILURE, SFTP_NO_SUCH_FILE, SFTP_OK, SFTP_PERMISSION_DENIED

from pipeline.sandbox.sftp_accidents import TAKEN, is_final

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from _typeshed import ReadableBuffer

    from pipeline.sandbox.sftp_accidents import Operation, Unruly

FORBIDDEN = (errno.EPERM, errno.EACCES, errno.EFAULT)
MISSING = (errno.ENOENT, errno.ENOTDIR, errno.EBADF, errno.ELOOP)


@dataclass(frozen=True, slots=True)
class Link:
    """One connection's view: the folder it sees as ``/``, what goes wrong, and how to break the link.

    ``broken`` is set once it is broken: what the caller had sent before and nobody has read yet is lost with it.
    """

    root: Path
    unruly: Unruly
    shut: Callable[[], None]
    threads: list[threading.Thread]
    broken: threading.Event = field(default_factory=threading.Event)

    def hang_up(self) -> int:
        """Break the link; the code goes nowhere."""
        self.broken.set()
        self.shut()
        return SFTP_FAILURE

    def local(self, path: str) -> Path:
        """Find the file behind a path; nothing outside the root can be named."""
        return self.root / posixpath.normpath(f"/{path}").lstrip("/")

    def writable(self, path: Path) -> None:
        """Raise PermissionError in a read-only folder."""
        if path.parent.relative_to(self.root).as_posix() in self.unruly.read_only:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    def appeared(self, path: Path) -> None:
        """Let a greedy consumer take a file that has just got its final name."""
        if is_final(path.name) and path.parent.relative_to(self.root).as_posix() in self.unruly.greedy:
            basket = path.parent.parent / TAKEN
            basket.mkdir(exist_ok=True)
            path.rename(basket / path.name)


def code_of(error: OSError) -> int:
    """Say an error as OpenSSH's server does: most of them are just a failure, "exists already" among them."""
    if error.errno in MISSING:
        return SFTP_NO_SUCH_FILE
    return SFTP_PERMISSION_DENIED if error.errno in FORBIDDEN else SFTP_FAILURE


def attributes(path: Path) -> paramiko.SFTPAttributes:
    """Describe a file as it lies on the disk."""
    return paramiko.SFTPAttributes.from_stat(path.lstat(), path.name)


class Session(paramiko.SFTPServerInterface):
    """The verbs of one connection.  Every failure is a code; nothing is raised to the library."""

    def __init__(self, server: paramiko.ServerInterface, link: Link) -> None:
        """Serve the link's folder to whoever ``server`` let in."""
        super().__init__(server)
        self._link = link

    def session_started(self) -> None:
        """Let the server wait for this thread when it stops."""
        self._link.threads.append(threading.current_thread())

    def _do(self, operation: Operation, act: Callable[[], object]) -> int:
        unruly = self._link.unruly
        if self._link.broken.is_set() or unruly.breaks(operation, done=False):
            return self._link.hang_up()
        try:
            act()
        except OSError as error:
            return code_of(error)
        return self._link.hang_up() if unruly.breaks(operation, done=True) else SFTP_OK

    def list_folder(self, path: str) -> list[paramiko.SFTPAttributes] | int:
        """List a folder."""
        found: list[paramiko.SFTPAttributes] = []
        local = self._link.local(path)
        code = self._do("list", lambda: found.extend(attributes(entry) for entry in sorted(local.iterdir())))
        return found if code == SFTP_OK else code

    def stat(self, path: str) -> paramiko.SFTPAttributes | int:
        """Describe a file."""
        found: list[paramiko.SFTPAttributes] = []
        code = self._do("stat", lambda: found.append(attributes(self._link.local(path))))
        return found[0] if code == SFTP_OK else code

    def lstat(self, path: str) -> paramiko.SFTPAttributes | int:
        """Describe a file; links are not followed here anyway."""
        return self.stat(path)

    def open(self, path: str, flags: int, attr: paramiko.SFTPAttributes) -> paramiko.SFTPHandle | int:  # noqa: ARG002
        """Open a file as the flags say; O_EXCL refuses one that exists."""
        local = self._link.local(path)
        writing = bool(flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT))
        if self._link.broken.is_set():
            return SFTP_FAILURE
        try:
            if writing:
                self._link.writable(local)
            descriptor = os.open(local, flags | getattr(os, "O_BINARY", 0), 0o600)
        except OSError as error:
            return code_of(error)
        return Handle(self._link, local, descriptor, writing=writing)

    def rename(self, oldpath: str, newpath: str) -> int:
        """Rename a file, never over another: OpenSSH links the new name, which must be free, and unlinks the old."""
        old, new = self._link.local(oldpath), self._link.local(newpath)

        def act() -> None:
            self._link.writable(old)
            self._link.writable(new)
            os.link(old, new)
            old.unlink()
            self._link.appeared(new)

        return self._do("rename", act)

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        """Rename over whatever is there: OpenSSH's own extension."""
        old, new = self._link.local(oldpath), self._link.local(newpath)

        def act() -> None:
            self._link.writable(old)
            self._link.writable(new)
            old.replace(new)
            self._link.appeared(new)

        return self._do("rename", act)

    def remove(self, path: str) -> int:
        """Remove a file."""
        local = self._link.local(path)

        def act() -> None:
            self._link.writable(local)
            local.unlink()

        return self._do("remove", act)

    def chattr(self, path: str, attr: paramiko.SFTPAttributes) -> int:
        """Change a file's mode or times."""
        local = self._link.local(path)
        return self._do("stat", lambda: paramiko.SFTPServer.set_file_attr(local, attr))


class Handle(paramiko.SFTPHandle):
    """An open file.  A cut lets part of a block through, and that part stands."""

    def __init__(self, link: Link, path: Path, descriptor: int, *, writing: bool) -> None:
        """Own the descriptor until ``close``."""
        super().__init__()
        self._link = link
        self._path = path
        self._file = os.fdopen(descriptor, "r+b" if writing else "rb", buffering=0)
        self._writing = writing

    def close(self) -> None:
        """Close the file; written under its final name, a greedy consumer may take it now."""
        if self._file.closed:
            return
        self._file.close()
        if self._writing and self._path.exists():
            self._link.appeared(self._path)

    def read(self, offset: int, length: int) -> bytes | int:
        """Read a block."""
        try:
            self._file.seek(offset)
            block = self._file.read(length) or b""
        except OSError as error:
            return code_of(error)
        return block if self._link.unruly.allowance("read", len(block)) is None else self._link.hang_up()

    def write(self, offset: int, data: ReadableBuffer) -> int:
        """Write a block at its place."""
        if self._link.broken.is_set():
            return SFTP_FAILURE
        block = bytes(data)
        allowance = self._link.unruly.allowance("write", len(block))
        try:
            self._file.seek(offset)
            self._file.write(block if allowance is None else block[:allowance])
        except OSError as error:
            return code_of(error)
        return SFTP_OK if allowance is None else self._link.hang_up()

    def stat(self) -> paramiko.SFTPAttributes | int:
        """Describe the open file."""
        try:
            return attributes(self._path)
        except OSError as error:
            return code_of(error)

    def chattr(self, attr: paramiko.SFTPAttributes) -> int:
        """Change the open file's mode or times."""
        try:
            paramiko.SFTPServer.set_file_attr(self._path, attr)
        except OSError as error:
            return code_of(error)
        return SFTP_OK
