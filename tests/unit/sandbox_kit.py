"""What the tests of the box share: a clock that is moved by hand, a bare HTTP caller, and people with fees."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode, urlsplit

import paramiko

from pipeline.sandbox.alma import Alma
from pipeline.sandbox.records import Switches, User
from pipeline.sandbox.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.sandbox.records import Fee

KEY = "key-of-the-test"
STUDENT = User("ana@box.example", (("02", "001234567"), ("01", "B-77")), "Ana", "O'Neil")


@dataclass
class HandClock:
    moment: datetime = field(default_factory=lambda: datetime(2026, 3, 2, 3, 0, tzinfo=UTC))

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Seen:
    status: int
    kind: str
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        return str(self.json["errorList"]["error"][0]["errorCode"])


class Hung(Exception):  # noqa: N818 - what the caller says, not what is wrong
    """No whole answer came."""


def ask(alma: Alma, verb: str, path: str, /, *, accept: str = "application/json", key: str = KEY, **query: str) -> Seen:
    """Send one request on a connection of its own."""
    headers = {"Accept": accept} | ({"Authorization": f"apikey {key}"} if key else {})
    target = f"/almaws/v1{path}" + (f"?{urlencode(query)}" if query else "")
    connection = http.client.HTTPConnection(urlsplit(alma.url).netloc, timeout=10)
    with contextlib.closing(connection):
        try:
            connection.request(verb, target, headers=headers)
            answer = connection.getresponse()
            return Seen(answer.status, answer.getheader("Content-Type") or "", answer.read(), dict(answer.getheaders()))
        except (http.client.HTTPException, ConnectionError) as error:
            raise Hung(str(error)) from None


def pay(alma: Alma, fee: Fee, amount: str, external_id: str = "BP1-01", **query: str) -> Seen:
    """Pay a fee of the student, as the product does."""
    known = {"op": "pay", "method": "ONLINE", "amount": amount, "external_transaction_id": external_id}
    path = f"/users/{quote('001234567', safe='')}/fees/{fee.fee_id}"
    return ask(alma, "POST", path, **{"user_id_type": "02", **known, **query})


@contextlib.contextmanager
def running(switches: Switches | None = None) -> Iterator[tuple[Alma, HandClock]]:
    """Run an Alma with one student in it."""
    clock = HandClock()
    world = World(clock, switches)
    world.add_user(STUDENT)
    alma = Alma(world, KEY)
    alma.start()
    try:
        yield alma, clock
    finally:
        alma.stop()


@contextlib.contextmanager
def sftp_to(
    port: int, host_key: paramiko.PKey, user: str, key: paramiko.PKey | None = None, password: str | None = None
) -> Iterator[paramiko.SFTPClient]:
    """Log in and open SFTP; everything is closed again."""
    link = socket.create_connection(("127.0.0.1", port), timeout=10)
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    transport = paramiko.Transport(link)
    try:
        transport.connect(hostkey=host_key, username=user, pkey=key, password=password)
        client = paramiko.SFTPClient.from_transport(transport)
        assert client is not None
        with contextlib.closing(client):
            yield client
    finally:
        transport.close()
        transport.join()
        link.close()
