"""The real OpenSSH server, and others on loopback: whom we trust, how we get in, who answers."""

from __future__ import annotations

import os
import socket
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import paramiko
import pytest
from pydantic import SecretStr

from pipeline.adapters.sftp import SftpSettings
from pipeline.ports.outside import Busy, Refused
from pipeline.sandbox.sftp_server import Door, SftpServer
from tests.contract.sshd import Sshd, at, sshd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


def refused(settings: SftpSettings, folder: Path) -> str:
    with at(settings, folder) as place, pytest.raises(Refused) as no:
        place.list()
    assert no.value.scope == "system"
    assert "\n" not in str(no.value)
    return str(no.value)


def log_since(server: Sshd, start: int) -> str:
    time.sleep(0.2)
    return (server.folder / "log").read_bytes()[start:].decode()


class TestWhomWeTrust:
    def test_a_server_that_nobody_has_pinned_is_not_even_called(self, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(0.2)
            port = listener.getsockname()[1]
            assert "no host key is pinned" in refused(
                SftpSettings("127.0.0.1", port, "library", (), password=SecretStr("x")), tmp_path
            )
            with pytest.raises(TimeoutError):
                listener.accept()

    def test_another_key_than_the_pinned_one_is_refused_before_anything_of_ours_is_sent(
        self, server: Sshd, tmp_path: Path
    ) -> None:
        start = (server.folder / "log").stat().st_size
        said = refused(server.pinned(server.other_key), tmp_path)
        assert "another host key (ssh-ed25519 SHA256:" in said
        assert server.settings.user not in log_since(server, start)

    def test_while_a_key_is_being_changed_the_old_and_the_new_one_are_both_good(
        self, server: Sshd, tmp_path: Path
    ) -> None:
        for pins in ((server.other_key, *server.settings.host_key), (*server.settings.host_key, server.other_key)):
            with at(server.pinned(*pins), tmp_path) as place:
                assert place.list() == []

    def test_a_server_without_a_key_of_the_pinned_kind_is_refused(self, server: Sshd, tmp_path: Path) -> None:
        key = paramiko.ECDSAKey.generate()
        said = refused(server.pinned(f"{key.get_name()} {key.get_base64()}"), tmp_path)
        assert "no key of the pinned kind" in said

    @pytest.mark.parametrize("line", ["", "ssh-ed25519", "ssh-dss AAAA", "ssh-ed25519 not-base64!", "AAAA"])
    def test_a_line_that_is_no_key_is_refused(self, server: Sshd, tmp_path: Path, line: str) -> None:
        assert "host_key is no line such as" in refused(server.pinned(line), tmp_path)

    def test_weak_ciphers_are_not_offered(self, server: Sshd, tmp_path: Path) -> None:
        with at(server.settings, tmp_path) as place:
            place.list()
            link = place._open  # noqa: SLF001 - what was agreed on is not to be seen elsewhere
            assert link is not None
            offered = (*link.transport.preferred_ciphers, *link.transport.preferred_macs)
            assert [name for name in offered if "cbc" in name or "md5" in name or "sha1" in name] == []
            assert "aes256-ctr" in offered
            assert "hmac-sha2-256" in offered

    def test_small_blocks_are_not_made_to_wait(self, server: Sshd, tmp_path: Path) -> None:
        with at(server.settings, tmp_path) as place:
            place.list()
            link = place._open  # noqa: SLF001 - an option of the line shows nowhere else
            assert link is not None
            assert isinstance(link.transport.sock, socket.socket)
            assert link.transport.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


class TestHowWeGetIn:
    def test_a_key_that_is_not_ours_is_tried_once_and_never_again(self, server: Sshd, tmp_path: Path) -> None:
        start = (server.folder / "log").stat().st_size
        with at(replace(server.settings, key_file=str(server.folder / "other")), tmp_path) as place:
            for _ in range(3):
                with pytest.raises(Refused, match="with our key did not work") as no:
                    place.size("a")
                assert no.value.scope == "system"
        assert log_since(server, start).count("Connection closed by authenticating user") == 1

    def test_a_password_where_only_keys_are_taken_is_refused(self, server: Sshd, tmp_path: Path) -> None:
        settings = replace(server.settings, key_file="", password=SecretStr("wrong"))
        assert "with our password did not work" in refused(settings, tmp_path)

    def test_a_password_gets_in_where_it_is_right_and_is_never_shown(self, tmp_path: Path) -> None:
        key = paramiko.Ed25519Key.from_path(_private_key(tmp_path))
        running = SftpServer(tmp_path, key, Door("library", password="s3cret"))
        running.start()
        try:
            pin = f"{key.get_name()} {key.get_base64()}"
            good = SftpSettings("127.0.0.1", running.port, "library", (pin,), password=SecretStr("s3cret"))
            with at(good, tmp_path) as place:
                place._folder = "/"  # noqa: SLF001 - the box shows its folder as the root
                assert "id" in [one.name for one in place.list()]
            said = refused(replace(good, password=SecretStr("other")), tmp_path)
            assert "with our password did not work" in said
            assert "s3cret" not in f"{good!r}{said}"
            assert "other" not in said
        finally:
            running.stop()

    @pytest.mark.parametrize(
        ("spoil", "says"),
        [
            (lambda path: path.chmod(0o644), "can be read by others"),
            (lambda path: path.unlink(), "cannot be read"),
            (lambda path: path.write_text("no key"), "no private key"),
        ],
        ids=["readable", "gone", "garbage"],
    )
    def test_a_key_file_that_cannot_be_used_is_said_without_a_call(
        self, tmp_path: Path, server: Sshd, spoil: Callable[[Path], object], says: str
    ) -> None:
        path = _private_key(tmp_path)
        spoil(path)
        assert says in refused(replace(server.settings, key_file=str(path), port=1), tmp_path)

    def test_neither_key_nor_password_is_said(self, server: Sshd, tmp_path: Path) -> None:
        assert "neither key_file nor a password" in refused(replace(server.settings, key_file=""), tmp_path)


def _private_key(folder: Path) -> Path:
    from pipeline.sandbox.keys import ssh_key

    ssh_key(folder / "id")
    return folder / "id"


class TestWhoAnswers:
    def test_where_nobody_listens_is_busy(self, server: Sshd, tmp_path: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
        with at(replace(server.settings, port=port), tmp_path) as place, pytest.raises(Busy, match="nobody answers"):
            place.list()

    @pytest.mark.parametrize(
        "speech", [b"HTTP/1.1 400 Bad Request\r\n\r\n", b"", b"SSH-2.0-x\r\n" + bytes(400)], ids=["web", "mute", "odd"]
    )
    def test_whoever_speaks_something_else_is_busy(self, server: Sshd, tmp_path: Path, speech: bytes) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            speaker = threading.Thread(target=_speak, args=(listener, speech))
            speaker.start()
            settings = replace(server.settings, port=listener.getsockname()[1], connect_s=2)
            with at(settings, tmp_path) as place, pytest.raises(Busy, match="does not speak"):
                place.list()
            speaker.join()

    def test_a_name_that_is_not_utf8_is_said(self, server: Sshd, tmp_path: Path) -> None:
        with open(os.fsencode(tmp_path) + b"/caf\xe9.csv", "wb"):  # noqa: PTH123 - a Path cannot hold such a name
            pass
        with at(server.settings, tmp_path) as place, pytest.raises(Busy, match="not UTF-8"):
            place.list()


def _speak(listener: socket.socket, speech: bytes) -> None:
    connection, _ = listener.accept()
    with connection:
        connection.sendall(speech)
        if speech:
            connection.recv(1 << 16)
