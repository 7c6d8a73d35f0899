"""A mail server on this machine that keeps every letter, and that can be slow, busy or gone when it matters."""

from __future__ import annotations

import base64
import contextlib
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Self

from pipeline import files

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Manners:
    """How the server behaves.

    ``greeting``, ``mail`` and ``data`` are its answers to a caller, a sender and a whole letter; ``unknown`` are
    addresses it takes no mail for, with its answer; ``hush_s`` is how long it says nothing after the greeting;
    ``dies_after_data``: it keeps the letter and hangs up without a word; ``password``: it wants a login.
    """

    greeting: str = "220 mailbox"
    mail: str = "250 go on"
    data: str = "250 kept"
    unknown: dict[str, str] = field(default_factory=dict)
    hush_s: float = 0.0
    dies_after_data: bool = False
    password: str = ""
    trust: ssl.SSLContext | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """A letter that was handed in: from whom and for whom by its envelope, and its bytes."""

    sender: str
    people: tuple[str, ...]
    letter: bytes


class Mailbox:
    """Speaks as much SMTP as a sender needs (RFC 5321); ``kept`` are the letters, oldest first.

    With ``folder`` each lies there too, a file each, for people to read.
    """

    def __init__(self, manners: Manners | None = None, *, folder: Path | None = None) -> None:
        """Nothing answers before ``start``."""
        self.manners = manners or Manners()
        self.folder = folder
        self.kept: list[Kept] = []
        self.logins: list[str] = []
        self._server: _Server | None = None

    @property
    def port(self) -> int:
        """Where it answers, on loopback.  Raises RuntimeError when it is not running."""
        if self._server is None:
            message = "the mailbox is not running"
            raise RuntimeError(message)
        return int(self._server.server_address[1])

    def start(self) -> None:
        """Answer from now on, on any free port."""
        self._server = _Server(self)
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def stop(self) -> None:
        """Close the port; without one nothing happens."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            server.server_close()

    def keep(self, letter: Kept) -> None:
        """Keep a letter that was handed in."""
        self.kept.append(letter)
        if self.folder is not None:
            number = len(list(files.private_folder(self.folder).glob("*.eml"))) + 1
            files.publish(self.folder / f"{number:05d}.eml", [letter.letter])

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self, box: Mailbox) -> None:
        self.box = box
        super().__init__(("127.0.0.1", 0), _Caller)


class _Caller(socketserver.StreamRequestHandler):
    server: _Server

    def setup(self) -> None:
        """Listen to a new caller."""
        super().setup()
        self.sender = ""
        self.people: list[str] = []
        self.verbs: dict[str, Callable[[str], str]] = {
            "EHLO": self._hello,
            "HELO": self._hello,
            "AUTH": self._login,
            "MAIL": self._from,
            "RCPT": self._to,
            "DATA": self._letter,
            "RSET": self._anew,
        }

    def handle(self) -> None:
        """Answer line by line until somebody hangs up."""
        with contextlib.suppress(OSError):
            self._serve()

    def finish(self) -> None:
        """Hang up; a line that was closed to others is another one than we began with."""
        with contextlib.suppress(OSError):
            super().finish()
        self.connection.close()

    def _serve(self) -> None:
        self._say(self.server.box.manners.greeting)
        time.sleep(self.server.box.manners.hush_s)
        while line := self.rfile.readline().decode("ascii", "replace").strip():
            verb, _, rest = line.partition(" ")
            if verb.upper() == "QUIT":
                self._say("221 bye")
                return
            if verb.upper() == "STARTTLS":
                self._close_the_line()
                continue
            answer = self.verbs.get(verb.upper(), _unknown)(rest)
            if not answer:
                return
            self._say(answer)

    def _say(self, answer: str) -> None:
        self.connection.sendall(answer.encode() + b"\r\n")

    def _hello(self, _: str) -> str:
        offers = ["mailbox"]
        if self.server.box.manners.trust is not None and not isinstance(self.connection, ssl.SSLSocket):
            offers.append("STARTTLS")
        if self.server.box.manners.password:
            offers.append("AUTH PLAIN")
        return "\r\n".join(f"250{' ' if one == offers[-1] else '-'}{one}" for one in offers)

    def _close_the_line(self) -> None:
        trust = self.server.box.manners.trust
        if trust is None:
            self._say("502 what?")
            return
        self._say("220 ready")
        self.connection = trust.wrap_socket(self.connection, server_side=True)
        self.rfile = self.connection.makefile("rb")

    def _login(self, rest: str) -> str:
        _, user, password = base64.b64decode(rest.partition(" ")[2]).decode().split("\0")
        if password != self.server.box.manners.password:
            return "535 wrong"
        self.server.box.logins.append(user)
        return "235 come in"

    def _from(self, rest: str) -> str:
        self.sender, self.people = _address(rest), []
        return self.server.box.manners.mail

    def _to(self, rest: str) -> str:
        address = _address(rest)
        answer = self.server.box.manners.unknown.get(address, "250 go on")
        if answer.startswith("2"):
            self.people.append(address)
        return answer

    def _letter(self, _: str) -> str:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        if self.server.box.manners.data.startswith("2"):
            self.server.box.keep(Kept(self.sender, tuple(self.people), b"".join(lines)))
        return "" if self.server.box.manners.dies_after_data else self.server.box.manners.data

    def _anew(self, _: str) -> str:
        self.sender, self.people = "", []
        return "250 fine"


def _unknown(_: str) -> str:
    return "502 what?"


def _address(rest: str) -> str:
    return rest.partition("<")[2].partition(">")[0]
