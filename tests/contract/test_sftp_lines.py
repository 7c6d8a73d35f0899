"""A line to the real OpenSSH server that breaks or falls silent: no file read short, none published twice."""

from __future__ import annotations

import hashlib
import logging
import os
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import Upload, UploadState
from pipeline.ports.outside import Busy, Lost, OutsideError, Refused
from pipeline.stages.publish import deliver_all
from tests.contract.sshd import Sshd, at, sshd
from tests.contract.wire import Wire, wire
from tests.fakes.clock import FakeClock
from tests.fakes.uploads import FakeUploadBook, built

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.adapters.sftp import SftpSettings

pytestmark = pytest.mark.real


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    with sshd(tmp_path_factory.mktemp("sshd")) as running:
        yield running


@pytest.fixture
def ours(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ours") / "ours"
    path.write_bytes(os.urandom(300_000))
    return path


def _through(line: Wire, server: Sshd) -> SftpSettings:
    return replace(server.settings, port=line.here)


def _up_to_sftp(server: Sshd, folder: Path) -> int:
    """How many bytes go up before the first verb."""
    with wire(server.settings.port) as line, at(_through(line, server), folder) as place:
        place._link()  # noqa: SLF001 - exactly so far and no further
        return line.bytes["up"]


def test_a_server_that_falls_silent_is_not_waited_for_without_end(server: Sshd, tmp_path: Path, ours: Path) -> None:
    for limit in (0, 1000, _up_to_sftp(server, tmp_path)):
        with wire(server.settings.port, "up", limit, silent=True) as line:
            settings = replace(server.settings, port=line.here, connect_s=0.3, idle_s=0.3)
            with at(settings, tmp_path) as place, pytest.raises((Busy, Refused)):
                place.list()
    with wire(server.settings.port, "up", _up_to_sftp(server, tmp_path) + 200, silent=True) as line:
        settings = replace(server.settings, port=line.here, idle_s=0.5)
        with at(settings, tmp_path) as place, pytest.raises(Lost, match="may or may not"):
            place.write_new("LIB_1.dat", ours)


def test_a_file_is_never_read_short_wherever_the_line_breaks(server: Sshd, tmp_path: Path, ours: Path) -> None:
    whole = ours.read_bytes()
    (tmp_path / "paid.csv").write_bytes(whole)
    start = _up_to_sftp(server, tmp_path)
    cuts = [*(("down", limit) for limit in range(4_000, 320_000, 80_000))]
    cuts += [("up", limit) for limit in range(start, start + 1_000, 100)]
    broken = 0
    for way, limit in cuts:
        with wire(server.settings.port, way, limit) as line, at(_through(line, server), tmp_path) as place:
            try:
                assert place.read("paid.csv") == whole
            except Busy:
                broken += 1
                assert place.read("paid.csv") == whole, "the next call gets through, on a new link"
    assert broken >= 10


class Hearing(logging.Handler):
    """What an operator's log would show."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.heard: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.heard.append(record.getMessage())


def test_nothing_of_a_broken_line_is_printed_or_logged_where_operators_read(
    server: Sshd, tmp_path: Path, ours: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "paid.csv").write_bytes(ours.read_bytes())
    operators = Hearing()
    logging.getLogger().addHandler(operators)
    for limit in (100, 3_000, 60_000):
        with (
            wire(server.settings.port, "down", limit) as line,
            at(_through(line, server), tmp_path) as place,
            pytest.raises(OutsideError),
        ):
            place.read("paid.csv")
    with at(server.pinned(server.other_key), tmp_path) as place, pytest.raises(Refused):
        place.list()
    logging.getLogger().removeHandler(operators)
    assert capfd.readouterr() == ("", "")
    assert operators.heard == []


class Consumer:
    """A bursar's loader that looks into the folder all the time and takes what has a final name."""

    def __init__(self, folder: Path, *, greedy: bool) -> None:
        self.folder = folder
        self.taken = folder / "taken"
        self.taken.mkdir(parents=True)
        self.greedy = greedy
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self._thread.start()

    def _look(self) -> None:
        while self.greedy and not self._stop.is_set():
            for path in self.folder.glob("[!.]*.dat"):
                path.rename(self.taken / f"{len(list(self.taken.iterdir()))}_{path.name}")
            time.sleep(0.0005)

    def stop(self) -> list[str]:
        """Give the hashes of everything that was ever published."""
        self._stop.set()
        self._thread.join()
        found = [*self.taken.iterdir(), *self.folder.glob("[!.]*.dat")]
        return [hashlib.sha256(path.read_bytes()).hexdigest() for path in found]


def run(settings: SftpSettings, root: Path, folder: Path, rows: dict[int, Upload]) -> None:
    with at(settings, folder) as place:
        book = FakeUploadBook(rows)
        deliver_all(book.uploads(), {"peoplesoft": place}, root, book, FakeClock())


def cut_points(server: Sshd, root: Path) -> Iterator[tuple[str, int]]:
    """A few all over the exchange, and many near its end, where the rename goes out and its answer comes back."""
    folder = root / "whole"
    folder.mkdir()
    upload = built(root, "peoplesoft", 1, b"12.50\n" * 500)
    with wire(server.settings.port) as line:
        run(_through(line, server), root, folder, {upload.batch_id: upload})
        ends = dict(line.bytes)
    for way, last, step in (("up", 500, 100), ("down", 400, 25)):
        yield from ((way, limit) for limit in range(500, ends[way] - last, (ends[way] - last) // 3))
        yield from ((way, limit) for limit in range(ends[way] - last, ends[way], step))


@pytest.mark.parametrize("greedy", [False, True], ids=["patient", "greedy"])
def test_wherever_the_line_breaks_the_file_is_published_exactly_once(
    server: Sshd, tmp_path: Path, *, greedy: bool
) -> None:
    evidence = set()
    for number, (way, limit) in enumerate(cut_points(server, tmp_path)):
        upload = built(tmp_path, "peoplesoft", 1, b"12.50\n" * 500)
        rows = {upload.batch_id: upload}
        consumer = Consumer(tmp_path / str(number), greedy=greedy)
        try:
            with wire(server.settings.port, way, limit) as line:
                run(_through(line, server), tmp_path, consumer.folder, rows)
            run(server.settings, tmp_path, consumer.folder, rows)
        finally:
            published = consumer.stop()
        where = f"the line broke after {limit} bytes {way}"
        assert published == [upload.batch.sha], where
        assert rows[upload.batch_id].state is UploadState.SENT, where
        assert list(consumer.folder.glob(".*")) == [], where
        evidence.add(rows[upload.batch_id].evidence.partition(":")[0].partition(";")[0])
    assert "renamed" in evidence
    assert ("taken" if greedy else "found") in evidence, "some cut must have fallen between the rename and its answer"
