from __future__ import annotations

import http.client
import os
import signal
import socket
import threading
import time
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import paramiko
import pytest
from pydantic import TypeAdapter

from pipeline.campus.settings import Alma as AlmaSettings
from pipeline.campus.settings import SftpConnection
from pipeline.sandbox.campus_box import EXPORTS, Box
from pipeline.sandbox.export_job import ExportJob
from tests.unit.sandbox_kit import STUDENT, HandClock, ask, sftp_to

if TYPE_CHECKING:
    from pathlib import Path

JOB = ExportJob("BURSAR_EXPORT", "1", "1694532126")


def client_of(box: Box, settings: dict[str, Any]) -> Any:
    key = paramiko.PKey.from_path(settings["key_file"])
    return sftp_to(settings["port"], box.sftp.host_key, settings["user"], key)


def test_what_the_box_says_of_itself_is_what_a_campus_file_takes(tmp_path: Path) -> None:
    with Box(tmp_path / "box", HandClock()) as box:
        overlay = box.overlay()
        connection = TypeAdapter(SftpConnection).validate_python(overlay["connections"]["bursar"])
        AlmaSettings(**overlay["alma"])
        with client_of(box, overlay["connections"]["library"]) as client:
            folders = client.listdir(".")
        assert ask(box.alma, "GET", "/users/test", key=box.api_key_file.read_text().strip()).status == 200
    assert connection.host_key[0].startswith("ssh-ed25519 AAAA")
    assert folders == ["alma", "cashnet", "peoplesoft"]
    assert overlay["sources"] == {"alma": {"folder": EXPORTS}}
    assert overlay["folders"] == {"secrets": str(box.keys)}


def test_keys_are_ours_alone(tmp_path: Path) -> None:
    box = Box(tmp_path / "box", HandClock())
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in box.keys.iterdir()} == {
        "bursar_alma_key": "0o600",
        "host": "0o600",
        "library": "0o600",
    }
    assert box.folder.stat().st_mode & 0o777 == 0o700


def test_a_second_box_over_the_folder_goes_on_where_the_first_ended(tmp_path: Path) -> None:
    with Box(tmp_path / "box", HandClock()) as first:
        first.world.add_user(STUDENT)
        fee = first.world.add_fee(STUDENT, "OTHER", 500)
        path = first.alma.export(JOB, first.exports_folder)
        line = first.host_key_line
    with Box(tmp_path / "box", HandClock()) as second:
        assert second.world.state() == first.world.state()
        assert second.world.fees[fee.fee_id].status == "EXPORTED"
        assert second.host_key_line == line
        assert second.alma.load_from_export(path).known == 1
        assert second.office.accounts == first.office.accounts


def test_a_payment_is_remembered_at_once_not_only_at_the_end(tmp_path: Path) -> None:
    with Box(tmp_path / "box", HandClock()) as box:
        box.world.add_user(STUDENT)
        fee = box.world.add_fee(STUDENT, "OTHER", 500)
        key = box.api_key_file.read_text().strip()
        path = f"/users/001234567/fees/{fee.fee_id}"
        assert ask(box.alma, "POST", path, key=key, op="pay", amount="5", method="CASH").status == 200
        seen = Box(tmp_path / "box", HandClock())
        assert seen.world.fees[fee.fee_id].status == "CLOSED"
        assert len(seen.world.applied) == 1


def test_a_file_delivered_over_sftp_is_answered_by_the_office_over_sftp(tmp_path: Path) -> None:
    header = f"{1:010d} {'12.50':0>16} 00041 USD".ljust(100)
    line = f"{'001234567':<11} 300000006919     2262 {'12.50':0>15} N {'R1':<30} 03022026 04012026"
    with Box(tmp_path / "box", HandClock()) as box:
        box.sftp.unruly.greedy.add("peoplesoft/in")
        with client_of(box, box.overlay()["connections"]["bursar"]) as client:
            with client.open("peoplesoft/in/.1.part", "wx") as file:
                file.write(f"{header}\n{line}\n".encode())
            client.rename("peoplesoft/in/.1.part", "peoplesoft/in/LIB_charges_20260302_0001.dat")
            day = box.office.business_day(date(2026, 3, 2))
            with client.open("peoplesoft/out/LIBRARY_PAID_20260302.csv") as file:
                report = file.read().decode()
    assert [receipt.refused for receipt in day.receipts] == [""]
    assert "001234567,03/02/2026,R1,12.50,6.25," in report


def test_a_port_that_is_taken_leaves_nothing_open(tmp_path: Path) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        box = Box(tmp_path / "box", HandClock(), ports=(0, taken.getsockname()[1]))
        with pytest.raises(OSError, match="in use"):
            box.start()
    with pytest.raises(RuntimeError, match="not running"):
        box.alma.url.strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serving_says_what_is_where_and_stops_when_asked(tmp_path: Path, number: signal.Signals) -> None:
    box = Box(tmp_path / "box", HandClock())
    said: list[str] = []
    answered: list[int] = []

    def look_then_ask() -> None:
        while not any(line.startswith("all of it") for line in said):
            time.sleep(0.01)
        connection = http.client.HTTPConnection(box.alma.url.removeprefix("http://"), timeout=10)
        with closing(connection):
            connection.request("GET", "/almaws/v1/users/test")
            answered.append(connection.getresponse().status)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    visitor = threading.Thread(target=look_then_ask)
    visitor.start()
    with box:
        box.serve(said.append)
        visitor.join()
        assert answered == [401]
    assert box.api_key_file.read_text().strip() not in "".join(said)
    assert signal.getsignal(number) is before
    with pytest.raises(RuntimeError, match="not running"):
        str(box.sftp.port)
