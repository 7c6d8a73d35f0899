"""Opening a link to a bursar's SFTP server: only to the very machine we were told of, and with one try to log in."""

from __future__ import annotations

import binascii
import logging
import os
import socket
import threading
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pipeline.ports.outside import Busy, OutsideError, Refused

if TYPE_CHECKING:
    import paramiko
    from pydantic import SecretStr

WEAK = {
    "ciphers": ("aes128-cbc", "aes192-cbc", "aes256-cbc", "3des-cbc"),
    "macs": ("hmac-md5", "hmac-md5-96", "hmac-sha1", "hmac-sha1-96"),
}
"""What paramiko still offers and we do not."""

KINDS = {
    "ssh-ed25519": ("ssh-ed25519",),
    "ecdsa-sha2-nistp256": ("ecdsa-sha2-nistp256",),
    "ecdsa-sha2-nistp384": ("ecdsa-sha2-nistp384",),
    "ecdsa-sha2-nistp521": ("ecdsa-sha2-nistp521",),
    "ssh-rsa": ("rsa-sha2-512", "rsa-sha2-256"),
}
"""How a server proves that it has a key of each kind; SHA-1 is not among them."""

WINDOW = 1 << 24
"""Bytes the server may send ahead: over a slow line half as fast again as the default (measured)."""

OTHERS = 0o077
"""Permissions that let somebody else read a private key."""


@dataclass(frozen=True, slots=True)
class SftpSettings:
    """Where an SFTP server is, who we are there, and how we know it.

    ``host_key`` holds one line such as ``ssh-ed25519 AAAA...``, or two while the server's key is being changed.
    ``password`` opens the key file if there is one, else it is sent once the server has shown its pinned key.
    ``connect_s`` is the patience for each part of getting in, ``idle_s`` for one answer later on.
    """

    host: str
    port: int
    user: str
    host_key: tuple[str, ...]
    key_file: str = ""
    password: SecretStr | None = None
    connect_s: float = 15
    idle_s: float = 60

    @property
    def where(self) -> str:
        """The server, for people."""
        return f"sftp://{self.host}:{self.port}"


class Link(NamedTuple):
    """An open link: closing the transport ends everything."""

    transport: paramiko.Transport
    channel: paramiko.Channel
    client: paramiko.SFTPClient


def open_link(settings: SftpSettings) -> Link:
    """Connect, check the server's key, log in and start SFTP.

    Raises Busy when nobody answers, and Refused (scope ``system``) for a server we do not know, a login that did not
    work, or settings that cannot.  The login is tried once; a link that breaks while it goes on counts as refused,
    because a server that locks accounts hangs up in the same way.
    """
    pins, key = _pins(settings), _private_key(settings)
    transport = _connect(settings)
    try:
        _shake_hands(settings, pins, transport)
        _check_server(settings, pins, transport)
        _log_in(settings, key, transport)
        return _start_sftp(settings, transport)
    except BaseException as error:
        transport.close()
        if isinstance(error, OutsideError) or not isinstance(error, Exception):
            raise
        message = f"{settings.where}: whoever answers does not speak SFTP to the end; it will be tried again"
        raise Busy(message) from error


def _no(settings: SftpSettings, why: str) -> Refused:
    return Refused(f"{settings.where}: {why}", scope="system")


def _pins(settings: SftpSettings) -> dict[bytes, str]:
    """The pinned keys, each with its kind.  A server nobody has named is never trusted, not even the first time."""
    if not settings.host_key:
        raise _no(settings, "no host key is pinned; ask its owner for the line and put it into host_key")
    pins = {}
    for line in settings.host_key:
        kind, _, rest = line.strip().partition(" ")
        try:
            blob = b64decode(rest.split(" ")[0], validate=True)
        except (binascii.Error, ValueError):
            blob = b""
        if kind not in KINDS or not blob:
            wanted = ", ".join(KINDS)
            raise _no(settings, f"host_key is no line such as 'ssh-ed25519 AAAA...' (kinds: {wanted}); mend it")
        pins[blob] = kind
    return pins


def _private_key(settings: SftpSettings) -> paramiko.PKey | None:
    if not settings.key_file:
        if settings.password is None:
            raise _no(settings, "there is neither key_file nor a password; give one")
        return None
    import paramiko
    from paramiko.pkey import UnknownKeyType

    path = Path(settings.key_file)
    phrase = settings.password.get_secret_value() if settings.password else None
    try:
        if os.name == "posix" and path.stat().st_mode & OTHERS:
            raise _no(settings, f"the private key can be read by others; chmod 600 {path}")
        return paramiko.PKey.from_path(path, password=phrase)
    except OSError as error:
        raise _no(settings, f"the private key {path} cannot be read: {error.strerror}") from error
    except (ValueError, TypeError, UnknownKeyType, paramiko.SSHException) as error:
        raise _no(settings, f"{path} is no private key that its password opens; put the right one there") from error


def _connect(settings: SftpSettings) -> paramiko.Transport:
    """Reach the server; nothing is said yet.  Without TCP_NODELAY each block of a file would wait 40 ms."""
    import paramiko

    _quieten()
    try:
        line = socket.create_connection((settings.host, settings.port), settings.connect_s)
    except OSError as error:
        message = f"{settings.where}: nobody answers ({error.strerror or 'no answer in time'})"
        raise Busy(message) from error
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return paramiko.Transport(line, disabled_algorithms=WEAK)


def _quieten() -> None:
    """Silence paramiko's own log: it would print tracebacks, and our account, where operators read one line."""
    log = logging.getLogger("paramiko")
    log.propagate = False
    if not log.handlers:
        log.addHandler(logging.NullHandler())


def _shake_hands(settings: SftpSettings, pins: dict[bytes, str], transport: paramiko.Transport) -> None:
    """Agree on ciphers; only kinds of key that are pinned are asked for."""
    from paramiko.ssh_exception import IncompatiblePeer

    transport.banner_timeout = transport.handshake_timeout = transport.auth_timeout = settings.connect_s
    transport.get_security_options().key_types = [name for kind in pins.values() for name in KINDS[kind]]
    try:
        transport.start_client(timeout=settings.connect_s)
    except IncompatiblePeer as error:
        raise _no(settings, "has no key of the pinned kind, or only ciphers we refuse; ask its owner") from error


def _check_server(settings: SftpSettings, pins: dict[bytes, str], transport: paramiko.Transport) -> None:
    """Before anything of ours is sent: is it the machine we were told of?  Raises Refused, showing the fingerprint."""
    shown = transport.get_remote_server_key()
    if shown.asbytes() not in pins:
        raise _no(
            settings,
            f"shows another host key ({shown.get_name()} {shown.fingerprint}) than the pinned one; nothing was sent:"
            " ask its owner whether the key was changed, and change host_key only then",
        )


def _log_in(settings: SftpSettings, key: paramiko.PKey | None, transport: paramiko.Transport) -> None:
    means = "password" if key is None else "key"
    try:
        if key is None:
            secret = settings.password.get_secret_value() if settings.password else ""
            wanted = transport.auth_password(settings.user, secret, fallback=False)
        else:
            wanted = transport.auth_publickey(settings.user, key)
    except Exception as error:
        why = f"the login of {settings.user} with our {means} did not work; ask its owner (it is tried once in a run)"
        raise _no(settings, why) from error
    if wanted:
        raise _no(settings, f"wants {' and '.join(wanted)} from {settings.user} as well; that is not supported")


def _start_sftp(settings: SftpSettings, transport: paramiko.Transport) -> Link:
    """A server that falls silent here would be waited for without end, so a timer hangs up."""
    import paramiko

    watch = threading.Timer(settings.idle_s, transport.close)
    watch.daemon = True
    watch.start()
    try:
        channel = transport.open_session(window_size=WINDOW, timeout=settings.connect_s)
        channel.settimeout(settings.idle_s)
        channel.invoke_subsystem("sftp")
        return Link(transport, channel, paramiko.SFTPClient(channel))
    finally:
        watch.cancel()


def hang_up(link: Link) -> None:
    """Close a link, whatever state it is in."""
    with suppress(OSError, EOFError):
        link.transport.close()
