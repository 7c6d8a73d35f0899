"""A line to a server that breaks, or falls silent, after so many bytes."""

from __future__ import annotations

import contextlib
import socket
import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


class Wire:
    """Forwards connections to ``port``; ``bytes`` counts both ways of the last one.

    The first connection ends once ``limit`` bytes went ``up`` (to the server) or ``down``, all later ones are whole.
    With ``silent`` nothing passes any more, but the line stays open.
    """

    def __init__(self, port: int, way: str = "up", limit: int | None = None, *, silent: bool = False) -> None:
        self.port = port
        self.way = way
        self.limit = limit
        self.silent = silent
        self.bytes = {"up": 0, "down": 0}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._listen)]
        self._threads[0].start()

    @property
    def here(self) -> int:
        return int(self._listener.getsockname()[1])

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._threads[0].join()
        self._hang_up()
        for thread in self._threads[1:]:
            thread.join()

    def _listen(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                theirs = socket.create_connection(("127.0.0.1", self.port))
                self._open += [ours, theirs]
                limit, self.limit = self.limit, None
                self.bytes = {"up": 0, "down": 0}
                for way, source, target in (("up", ours, theirs), ("down", theirs, ours)):
                    source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                    args = (source, target, way, limit if way == self.way else None)
                    self._threads.append(threading.Thread(target=self._forward, args=args))
                    self._threads[-1].start()

    def _forward(self, source: socket.socket, target: socket.socket, way: str, limit: int | None) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(1 << 16):
                if limit is not None:
                    block = block[: max(0, limit - self.bytes[way])]
                self.bytes[way] += len(block)
                target.sendall(block)
                if limit is not None and self.bytes[way] >= limit:
                    break
        if not (self.silent and limit is not None):
            for end in (source, target):
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def _hang_up(self) -> None:
        for end in self._open:
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@contextlib.contextmanager
def wire(port: int, way: str = "up", limit: int | None = None, *, silent: bool = False) -> Iterator[Wire]:
    line = Wire(port, way, limit, silent=silent)
    try:
        yield line
    finally:
        line.close()
