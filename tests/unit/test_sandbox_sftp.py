from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import paramiko
import pytest

from pipeline.sandbox import keys
from pipeline.sandbox.sftp_accidents import Cut
from pipeline.sandbox.sftp_server import Door, SftpServer
from tests.unit.sandbox_kit import sftp_to

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FAILURES = (OSError, EOFError, paramiko.SSHException)
BODY = bytes(range(256)) * 400


@pytest.fixture(scope="module")
def host_key(tmp_path_factory: pytest.TempPathFactory) -> paramiko.PKey:
    return keys.ssh_key(tmp_path_factory.mktemp("host") / "key")


@pytest.fixture(scope="module")
def user_key(tmp_path_factory: pytest.TempPathFactory) -> paramiko.PKey:
    return keys.ssh_key(tmp_path_factory.mktemp("user") / "key")


@pytest.fixture
def server(tmp_path: Path, host_key: paramiko.PKey, user_key: paramiko.PKey) -> Iterator[SftpServer]:
    for folder in ("bursar/in", "other"):
        (tmp_path / "root" / folder).mkdir(parents=True)
    (tmp_path / "outside").write_text("secret")
    running = SftpServer(tmp_path / "root", host_key, Door("library", user_key, "open sesame"))
    running.start()
    yield running
    running.stop()


@pytest.fixture
def root(tmp_path: Path, server: SftpServer) -> Path:
    return tmp_path / "root"


@pytest.fixture
def client(server: SftpServer, user_key: paramiko.PKey) -> Iterator[paramiko.SFTPClient]:
    with sftp_to(server.port, server.host_key, "library", user_key) as client:
        yield client


@contextmanager
def again(server: SftpServer, user_key: paramiko.PKey) -> Iterator[paramiko.SFTPClient]:
    with sftp_to(server.port, server.host_key, "library", user_key) as client:
        yield client


def put(client: paramiko.SFTPClient, name: str, body: bytes = BODY) -> None:
    with client.open(name, "wx") as file:
        file.set_pipelined(pipelined=True)
        file.write(body)


def test_what_was_written_reads_back_and_is_listed_with_its_size(client: paramiko.SFTPClient, root: Path) -> None:
    put(client, "bursar/in/.a.part")
    with client.open("/bursar/in/.a.part", "rb") as file:
        assert file.read() == BODY
    assert [(entry.filename, entry.st_size) for entry in client.listdir_attr("bursar/in")] == [(".a.part", len(BODY))]
    assert (root / "bursar/in/.a.part").stat().st_mode & 0o777 == 0o600


def test_a_file_that_exists_cannot_be_created_exclusively(client: paramiko.SFTPClient, root: Path) -> None:
    put(client, "other/a", b"first")
    with pytest.raises(OSError, match="Failure"):
        put(client, "other/a", b"second")
    assert (root / "other/a").read_bytes() == b"first"


def test_rename_refuses_to_overwrite_and_posix_rename_does_not(client: paramiko.SFTPClient, root: Path) -> None:
    put(client, "other/a", b"first")
    put(client, "other/b", b"second")
    with pytest.raises(OSError, match="Failure"):
        client.rename("other/b", "other/a")
    assert sorted(path.name for path in (root / "other").iterdir()) == ["a", "b"]
    client.rename("other/b", "bursar/in/c")
    client.posix_rename("bursar/in/c", "other/a")
    assert (root / "other/a").read_bytes() == b"second"


def test_errors_are_those_of_openssh(client: paramiko.SFTPClient) -> None:
    with pytest.raises(FileNotFoundError):
        client.stat("other/none")
    with pytest.raises(FileNotFoundError):
        client.rename("other/none", "other/some")
    with pytest.raises(FileNotFoundError):
        client.remove("none/none")
    with pytest.raises(OSError, match="Failure"):
        client.remove("other")


def test_nothing_outside_the_folder_can_be_named(client: paramiko.SFTPClient) -> None:
    for path in ("../outside", "/../../outside", "other/../../outside"):
        with pytest.raises(FileNotFoundError):
            client.stat(path)
    assert client.normalize("..") == "/"


def test_times_can_be_set_and_files_removed(client: paramiko.SFTPClient, root: Path) -> None:
    put(client, "other/a")
    client.utime("other/a", (1_000_000_000, 1_000_000_000))
    assert client.stat("other/a").st_mtime == 1_000_000_000
    client.remove("other/a")
    assert list((root / "other").iterdir()) == []


def test_an_open_file_can_be_described_changed_and_only_read_if_it_was_opened_so(
    client: paramiko.SFTPClient, root: Path
) -> None:
    put(client, "other/a", b"body")
    with client.open("other/a") as file:
        assert file.stat().st_size == 4
        file.utime((1_000_000_000, 1_000_000_000))
        (root / "other/a").unlink()
        with pytest.raises(FileNotFoundError):
            file.stat()
        with pytest.raises(FileNotFoundError):
            file.utime((1, 1))
    with pytest.raises(FileNotFoundError):
        client.open("other/none")


def test_only_the_own_key_or_password_opens(
    server: SftpServer, host_key: paramiko.PKey, user_key: paramiko.PKey, tmp_path: Path
) -> None:
    stranger = keys.ssh_key(tmp_path / "stranger")
    with sftp_to(server.port, host_key, "library", password="open sesame") as client:
        assert client.listdir(".") == ["bursar", "other"]
    wrong = ("library", stranger, None), ("nobody", user_key, None), ("library", None, "wrong"), ("library", None, "")
    for user, key, password in wrong:
        with pytest.raises(paramiko.AuthenticationException), sftp_to(server.port, host_key, user, key, password):
            pass
    with (
        pytest.raises(paramiko.SSHException, match="Bad host key"),
        sftp_to(server.port, stranger, "library", user_key),
    ):
        pass


def test_many_connections_work_at_once(server: SftpServer, user_key: paramiko.PKey, root: Path) -> None:
    def write(number: int) -> None:
        with again(server, user_key) as client:
            put(client, f"other/{number}")

    writers = [threading.Thread(target=write, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert {path.name: path.stat().st_size for path in (root / "other").iterdir()} == {
        str(n): len(BODY) for n in range(6)
    }


def test_a_greedy_consumer_takes_a_file_the_instant_it_has_its_final_name(
    server: SftpServer, client: paramiko.SFTPClient, root: Path
) -> None:
    server.unruly.greedy.add("bursar/in")
    put(client, "bursar/in/.a.part")
    assert client.listdir("bursar/in") == [".a.part"]
    client.rename("bursar/in/.a.part", "bursar/in/a.dat")
    assert client.listdir("bursar/in") == []
    put(client, "bursar/in/b.dat")
    put(client, "other/c.dat")
    assert client.listdir("bursar/in") == []
    assert client.listdir("other") == ["c.dat"]
    assert sorted(path.name for path in (root / "bursar/taken").iterdir()) == ["a.dat", "b.dat"]


def test_nothing_can_be_changed_in_a_read_only_folder(server: SftpServer, client: paramiko.SFTPClient) -> None:
    put(client, "other/a")
    put(client, "bursar/in/b")
    server.unruly.read_only.add("other")
    with pytest.raises(PermissionError):
        put(client, "other/new")
    with pytest.raises(PermissionError):
        client.remove("other/a")
    for old, new in (("other/a", "bursar/in/a"), ("bursar/in/b", "other/b")):
        with pytest.raises(PermissionError):
            client.rename(old, new)
        with pytest.raises(PermissionError):
            client.posix_rename(old, new)
    with client.open("other/a") as file:
        assert file.read() == BODY


@pytest.mark.parametrize("after", [0, 1, 32_768, 50_000, 102_399])
def test_a_link_cut_while_writing_leaves_exactly_the_bytes_that_went_through(
    server: SftpServer, user_key: paramiko.PKey, root: Path, after: int
) -> None:
    server.unruly.cut(Cut("write", after_bytes=after))
    with pytest.raises(FAILURES), again(server, user_key) as client:  # noqa: PT012 - the whole talk is one act
        put(client, "other/.a.part")
        client.stat("other/.a.part")
    assert (root / "other/.a.part").read_bytes() == BODY[:after]


def test_a_link_cut_while_reading_leaves_the_file_alone(
    server: SftpServer, user_key: paramiko.PKey, root: Path
) -> None:
    (root / "other/a").write_bytes(BODY)
    server.unruly.cut(Cut("read", after_bytes=1000))
    with pytest.raises(FAILURES), again(server, user_key) as client, client.open("other/a") as file:
        file.read()
    assert (root / "other/a").read_bytes() == BODY


@pytest.mark.parametrize("done", [False, True])
def test_a_link_cut_at_a_rename_may_have_renamed_or_not(
    server: SftpServer,
    user_key: paramiko.PKey,
    root: Path,
    done: bool,  # noqa: FBT001 - both cases of one sentence
) -> None:
    (root / "other/a").write_bytes(BODY)
    server.unruly.cut(Cut("rename", done=done))
    with pytest.raises(FAILURES), again(server, user_key) as client:
        client.rename("other/a", "other/b")
    with again(server, user_key) as client:
        assert client.listdir("other") == ["b" if done else "a"]


@pytest.mark.parametrize("operation", ["list", "stat", "remove"])
def test_a_link_can_be_cut_at_every_other_verb(
    server: SftpServer, user_key: paramiko.PKey, root: Path, operation: str
) -> None:
    (root / "other/a").write_bytes(BODY)
    server.unruly.cut(Cut(operation, done=True))  # type: ignore[arg-type]
    with pytest.raises(FAILURES), again(server, user_key) as client:
        getattr(client, {"list": "listdir"}.get(operation, operation))("other" if operation == "list" else "other/a")
    assert (root / "other/a").exists() == (operation != "remove")


def test_a_stopped_server_leaves_no_thread_and_can_be_started_again(
    server: SftpServer, user_key: paramiko.PKey, root: Path
) -> None:
    with again(server, user_key) as client:
        put(client, "other/a")
        server.stop()
        with pytest.raises(FAILURES):
            client.stat("other/a")
    ours = (paramiko.Transport, paramiko.SFTPServer)
    assert [thread for thread in threading.enumerate() if isinstance(thread, ours) or "sandbox" in thread.name] == []
    with pytest.raises(RuntimeError, match="not running"):
        str(server.port)
    server.start()
    with again(server, user_key) as client:
        assert client.listdir("other") == ["a"]
