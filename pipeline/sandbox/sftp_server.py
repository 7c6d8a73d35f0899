"""An SFTP server on this machine that answers as OpenSSH's does, and breaks off when it is told to."""

from __future__ import annotations

import logging
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

import paramiko
from paramiko.common import (
    AUTH_FAILED,
    AUTH_SUCCESSFUL,
    OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED,
    OPEN_SUCCEEDED,
)

from pipeline.sandbox.sftp_accidents import Unruly
from pipeline.sandbox.sftp_folder import Link, Session

if TYPE_CHECKING:
    from pathlib import Path

LOG = "bursar.sandbox.sftp"
POLL_S = 0.05


class SftpServer:
    """Serves one folder on 127.0.0.1 to one account, to any number of connections at once.

    ``start`` opens the port (0: any free one); ``stop`` closes every connection and waits for all threads.
    ``unruly`` says what is to go wrong.
    """

    def __init__(self, root: Path, host_key: paramiko.PKey, door: Door, *, port: int = 0) -> None:
        """Nothing listens before ``start``."""
        self.unruly = Unruly()
        self.host_key = host_key
        self._root = root.resolve()
        self._door = door
        self._port = port
        self._listener: socket.socket | None = None
        self._thread = threading.Thread()
        self._links: list[tuple[paramiko.Transport, socket.socket]] = []
        self._sessions: list[threading.Thread] = []
        self._stopping = threading.Event()
        logging.getLogger(LOG).addHandler(logging.NullHandler())
        logging.getLogger(LOG).propagate = False

    @property
    def port(self) -> int:
        """The port it listens at."""
        if self._listener is None:
            message = "the SFTP server of the box is not running"
            raise RuntimeError(message)
        return int(self._listener.getsockname()[1])

    def start(self) -> None:
        """Begin to listen.  Raises OSError when the port is taken."""
        self._listener = socket.create_server(("127.0.0.1", self._port))
        self._listener.settimeout(POLL_S)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._listen, args=(self._listener,), name="sandbox-sftp")
        self._thread.start()

    def stop(self) -> None:
        """Stop; nothing of it is left running."""
        if self._listener is None:
            return
        self._stopping.set()
        self._thread.join()
        self._listener.close()
        self._listener = None
        for transport, connection in self._links:
            transport.close()
            transport.join()
            connection.close()
        for session in self._sessions:
            session.join()
        self._links.clear()
        self._sessions.clear()

    def _listen(self, listener: socket.socket) -> None:
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                connection, _ = listener.accept()
                self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        transport = paramiko.Transport(connection)
        transport.set_log_channel(LOG)
        transport.add_server_key(self.host_key)
        self._links.append((transport, connection))

        link = Link(self._root, self.unruly, lambda: _shut(connection), self._sessions)
        transport.set_subsystem_handler("sftp", paramiko.SFTPServer, sftp_si=Session, link=link)
        transport.start_server(event=threading.Event(), server=self._door)


def _shut(connection: socket.socket) -> None:
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)


class Door(paramiko.ServerInterface):
    """Lets one account in, by its key or by its password."""

    def __init__(self, user: str, key: paramiko.PKey | None = None, password: str = "") -> None:
        """Without a password no password opens; without a key no key does."""
        self.user = user
        self._key = key
        self._password = password

    def get_allowed_auths(self, username: str) -> str:  # noqa: ARG002 - the library's signature
        """Say by which means somebody may try."""
        return ",".join([*(["publickey"] if self._key else []), *(["password"] if self._password else [])])

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Open for our own key."""
        fits = self._key is not None and username == self.user and key.asbytes() == self._key.asbytes()
        return AUTH_SUCCESSFUL if fits else AUTH_FAILED

    def check_auth_password(self, username: str, password: str) -> int:
        """Open for our own password."""
        fits = bool(self._password) and (username, password) == (self.user, self._password)
        return AUTH_SUCCESSFUL if fits else AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:  # noqa: ARG002 - the library's signature
        """Open sessions, and nothing else."""
        return OPEN_SUCCEEDED if kind == "session" else OPEN_FAILED_ADMINISTRATIVELY_PROHIBITED
