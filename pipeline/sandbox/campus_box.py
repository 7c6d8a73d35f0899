"""A campus in a box: Alma, SFTP server and bursar's office over one folder, going on where they last stopped."""

from __future__ import annotations

import json
import signal
import threading
from typing import TYPE_CHECKING, Any, Self

from pipeline import files
from pipeline.sandbox import keys
from pipeline.sandbox.alma import Alma
from pipeline.sandbox.mailbox import Mailbox
from pipeline.sandbox.office import SYSTEMS, Office
from pipeline.sandbox.sftp_server import Door, SftpServer
from pipeline.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import FrameType

    from pipeline.ports.outside import Clock
    from pipeline.sandbox.records import Switches

USER = "library"
EXPORTS = "alma/export"
SENDER, STAFF, DESK = "fees@library.example.edu", "staff@library.example.edu", "main-desk@library.example.edu"
IMPORTS = "alma/import"
SEED = 2026
WAIT_S = 0.5


class Box:
    """Everything outside the library, on this machine.

    ``folder`` holds all of it: ``keys``, the SFTP root ``sftp``, the letters in ``mail``, and what Alma and the office
    remember (``alma.json``, ``office.json``).  A second box over the same folder goes on where the first ended; two at
    once are a mistake.  ``clock`` is the time that Alma believes in; ``seed`` decides which patrons pay.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        switches: Switches | None = None,
        *,
        seed: int = SEED,
        ports: tuple[int, int] = (0, 0),
    ) -> None:
        """``ports`` are those of Alma and of SFTP; 0 takes any free one.  Nothing answers before ``start``."""
        self.folder = files.private_folder(folder).resolve()
        files.private_folder(self.exports_folder)
        files.private_folder(self.imports_folder)
        self.world = self._world(clock, switches)
        self.alma = Alma(self.world, keys.api_key(self.api_key_file), port=ports[0])
        host_key, user_key = keys.ssh_key(self.keys / "host"), keys.ssh_key(self.key_file)
        self.sftp = SftpServer(self.root, host_key, Door(USER, user_key), port=ports[1])
        self.mailbox = Mailbox(folder=self.folder / "mail")
        self.office = Office(self.root, self.folder / "office.json", seed)

    @property
    def root(self) -> Path:
        """What the SFTP server shows as ``/``: folders of ``alma``, ``peoplesoft`` and ``cashnet``."""
        return self.folder / "sftp"

    @property
    def exports_folder(self) -> Path:
        """Where Alma's bursar exports appear."""
        return self.root / EXPORTS

    @property
    def imports_folder(self) -> Path:
        """Where Alma's import from the bursar looks for files of payments."""
        return self.root / IMPORTS

    @property
    def keys(self) -> Path:
        """Where the secrets of the box lie, readable by our account only."""
        return self.folder / "keys"

    @property
    def key_file(self) -> Path:
        """The private key that opens the SFTP server."""
        return self.keys / "library"

    @property
    def api_key_file(self) -> Path:
        """The Alma API key, named so that a campus whose secrets lie in ``keys`` finds it as ``alma_key``."""
        return self.keys / "bursar_alma_key"

    @property
    def host_key_line(self) -> str:
        """The SFTP server's public key as it stands in ``known_hosts``, without the host's name."""
        return keys.public_line(self.sftp.host_key)

    def start(self) -> None:
        """Open the ports.  Raises OSError when one is taken; then none is open."""
        self.alma.start()
        try:
            self.mailbox.start()
            self.sftp.start()
        except OSError:
            self.mailbox.stop()
            self.alma.stop()
            raise

    def stop(self) -> None:
        """Close the ports; nothing of the box is left running."""
        self.mailbox.stop()
        self.sftp.stop()
        self.alma.stop()

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop it."""
        self.stop()

    def overlay(self, connections: Sequence[str] = ("library", "bursar"), source: str = "alma") -> dict[str, Any]:
        """Give what a campus file must say to talk to this box: SFTP connections, source, Alma, mail, secrets.

        The box must be running: ports are part of the answer.
        """
        reach = {
            "kind": "sftp",
            "host": "127.0.0.1",
            "port": self.sftp.port,
            "user": USER,
            "host_key": [self.host_key_line],
            "key_file": str(self.key_file),
        }
        return {
            "connections": {name: dict(reach) for name in connections},
            "sources": {source: {"folder": EXPORTS}},
            "alma": {"url": self.alma.url},
            "mail": {
                "host": "127.0.0.1",
                "port": self.mailbox.port,
                "security": "none",
                "sender": SENDER,
                "digest": [STAFF],
                "desks": {"MAIN": [DESK]},
            },
            "folders": {"secrets": str(self.keys)},
        }

    def serve(self, say: Callable[[str], None]) -> None:
        """Say what is where, and stay until Ctrl-C or SIGTERM; the box must be running, and is left running.

        In the main thread only: it takes over both signals and gives them back.
        """
        asked = threading.Event()

        def ask(_number: int, _frame: FrameType | None) -> None:
            asked.set()

        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            for line in self.where():
                say(line)
            while not asked.wait(WAIT_S):
                continue
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def where(self) -> list[str]:
        """Say what is where, one line each; keys by their file only.  The box must be running."""
        return [
            f"Alma      {self.alma.url}   API key in {self.api_key_file}",
            f"SFTP      127.0.0.1 port {self.sftp.port}   user {USER}   private key {self.key_file}",
            f"host key  {self.host_key_line}",
            f"exports   {EXPORTS}; files for Alma's import go to {IMPORTS}",
            *(f"{system:<9} deliver to {system}/in, answers in {system}/out" for system in SYSTEMS),
            f"all of it lies in {self.folder}; stop with Ctrl-C",
        ]

    def _world(self, clock: Clock, switches: Switches | None) -> World:
        memory = self.folder / "alma.json"
        world = World(clock, switches)
        if memory.exists():
            world.restore_state(json.loads(memory.read_text("utf-8")))
        world.changed = lambda: _remember(memory, world)
        return world


def _remember(memory: Path, world: World) -> None:
    files.replace(memory, [json.dumps(world.state(), indent=1).encode()])
