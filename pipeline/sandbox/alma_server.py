"""The web address of the box's Alma: sockets and threads that start and stop cleanly, and nothing else."""

from __future__ import annotations

import socket
import sys
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from pipeline.sandbox import alma_calls

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

POLL_S = 0.05


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back over the wire; ``cut`` breaks off in the middle of the body."""

    status: int
    kind: str
    body: str
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False


class Wire:
    """Listens on 127.0.0.1 at ``port`` (0: any free one) and passes every request to ``handle``.

    ``handle`` gets the request and its Authorization header; None from it hangs up without an answer.
    """

    def __init__(self, port: int, handle: Callable[[alma_calls.Request, str], Reply | None]) -> None:
        """Begin to listen at once.  Raises OSError when the port is taken."""
        self._server = _Server(("127.0.0.1", port), handle)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(POLL_S,), name="sandbox-alma")
        self._thread.start()

    @property
    def port(self) -> int:
        """The port it listens at."""
        return int(self._server.server_address[1])

    def close(self) -> None:
        """Close every connection and wait for all threads."""
        self._server.shutdown()
        self._thread.join()
        self._server.hang_up()
        self._server.server_close()


class _Server(ThreadingHTTPServer):
    """Waits for its threads when closed; knows its connections, so that a silent client cannot keep it open."""

    request_queue_size = 128
    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], handle: Callable[[alma_calls.Request, str], Reply | None]) -> None:
        super().__init__(address, _Handler)
        self.handle = handle
        self._open: set[socket.socket] = set()

    def process_request(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the standard library has it
        """Note the connection before its thread begins, so that ``hang_up`` misses none."""
        self._open.add(request)
        super().process_request(request, client_address)

    def close_request(self, request: Any) -> None:  # noqa: ANN401 - as the standard library has it
        self._open.discard(request)
        super().close_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401 - as the standard library has it
        """A caller that hangs up is everyday life here; anything else is a bug of the box and is shown."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def hang_up(self) -> None:
        for connection in list(self._open):
            hang_up(connection)


def hang_up(connection: socket.socket) -> None:
    """Close a connection under whoever is reading from it; it may be closed already."""
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def do_GET(self) -> None:
        self._answer("GET")

    def do_POST(self) -> None:
        self._answer("POST")

    def _answer(self, method: str) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        address = urlsplit(self.path)
        accept = self.headers.get("Accept") or ""
        query = dict(parse_qsl(address.query, keep_blank_values=True))
        request = alma_calls.request_of(method, address.path, query, accept)
        reply = self.server.handle(request, self.headers.get("Authorization") or "")
        if reply is None:
            self.close_connection = True
            return
        self._send(reply)

    def _send(self, reply: Reply) -> None:
        body = reply.body.encode()
        self.send_response(reply.status)
        self.send_header("Content-Type", reply.kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in reply.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if reply.cut else body)
        self.close_connection = self.close_connection or reply.cut

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the standard library's name
        """Say nothing on the terminal: the journal is the log."""
