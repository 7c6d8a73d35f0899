"""A real OpenSSH server on loopback, run by the current user for as long as a test module lasts."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.sftp import SftpPlace, SftpSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

REQUIRED = "BURSAR_REQUIRE_SSHD"
SEPARATION = Path("/run/sshd")


@dataclass(frozen=True)
class Sshd:
    """Where it listens, and how our account gets in."""

    settings: SftpSettings
    folder: Path
    other_key: str

    def pinned(self, *lines: str) -> SftpSettings:
        return replace(self.settings, host_key=lines)


@contextmanager
def sshd(folder: Path, *, largest_file: int | None = None, read_only: bool = False) -> Iterator[Sshd]:
    """Start sshd with fresh keys below ``folder``; ``largest_file`` (bytes) stands for a disk that is full.

    Skips the test where OpenSSH's server is not installed, unless BURSAR_REQUIRE_SSHD=1: then the test fails.
    """
    program = _program()
    folder.mkdir(exist_ok=True)
    host, other, ours = (_key(folder / name) for name in ("host", "other", "ours"))
    (folder / "authorized").write_text(ours.with_suffix(".pub").read_text())
    port = _free_port()
    _configure(program, folder, port, host, "internal-sftp -R" if read_only else "internal-sftp")
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [program, "-D", "-e", "-f", str(folder / "config")],
            stderr=log,
            start_new_session=True,
            preexec_fn=_limit(largest_file),  # noqa: PLW1509 - before sshd starts nothing else runs in the child
        )
    try:
        _wait_for(port, server, folder / "log")
        yield Sshd(
            SftpSettings("127.0.0.1", port, _user(), (_line(host),), str(ours), connect_s=10, idle_s=10),
            folder,
            _line(other),
        )
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(10)


@contextmanager
def at(settings: SftpSettings, folder: Path) -> Iterator[SftpPlace]:
    """Open a folder there for as long as a test needs it."""
    place = SftpPlace(settings, str(folder))
    try:
        yield place
    finally:
        place.close()


def _program() -> str:
    found = shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is not None:
        return found
    if os.environ.get(REQUIRED) == "1":
        pytest.fail(f"OpenSSH's sshd is not installed, and {REQUIRED}=1 demands it")
    pytest.skip("OpenSSH's sshd is not installed; the contract was not tried on the real thing")


def _limit(largest_file: int | None) -> Callable[[], None] | None:
    """Make the child's writes fail beyond a size, without root: the signal that would kill it is ignored."""
    if largest_file is None:
        return None

    def limit() -> None:
        import resource

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest_file, largest_file))

    return limit


def _key(path: Path) -> Path:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(path)], check=True)
    return path


def _line(key: Path) -> str:
    return " ".join(key.with_suffix(".pub").read_text().split()[:2])


def _user() -> str:
    import pwd

    if os.geteuid() == 0:
        SEPARATION.mkdir(mode=0o755, exist_ok=True)
    return pwd.getpwuid(os.geteuid()).pw_name


def _configure(program: str, folder: Path, port: int, host: Path, subsystem: str) -> None:
    """Newer servers shut out who failed to log in a few times; ours fails on purpose, so that is switched off there."""
    config = folder / "config"
    lines = [
        f"Port {port}",
        "ListenAddress 127.0.0.1",
        f"HostKey {host}",
        f"PidFile {folder}/pid",
        f"AuthorizedKeysFile {folder}/authorized",
        "PermitRootLogin prohibit-password",
        "PasswordAuthentication no",
        "KbdInteractiveAuthentication no",
        "UsePAM no",
        "StrictModes no",
        "MaxStartups 100",
        f"Subsystem sftp {subsystem}",
    ]
    config.write_text("\n".join([*lines, "PerSourcePenalties no", ""]))
    if subprocess.run([program, "-t", "-f", str(config)], capture_output=True, check=False).returncode:
        config.write_text("\n".join([*lines, ""]))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def _wait_for(port: int, server: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(200):
        if server.poll() is not None:
            pytest.fail(f"sshd did not start: {log.read_text()}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    pytest.fail("sshd does not listen")
