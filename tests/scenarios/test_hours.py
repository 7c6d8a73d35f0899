"""Payments by the hour: the same business date several times, by the command a person types, against real servers."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from contextlib import closing
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import files
from pipeline.adapters.clock import SystemClock
from pipeline.adapters.ledger import open_ledger
from pipeline.adapters.lock import run_lock
from pipeline.cli.demo import toml
from pipeline.cli.resolve import Bench, Wish
from pipeline.ports.ledger import PostingState, Task, TaskState
from pipeline.sandbox.campus_box import DESK, STAFF, Box
from pipeline.stages.resolving import Action
from tests.nights import export
from tests.samples import CAMPUS

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.adapters.ledger import SqlLedger

DAY = "2026-01-05"
HEAD = "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
LOST = {"fee_id": "1002", "amount_text": "300", "fee_type": "LOSTITEMREPLACEMENTFEE"}


class Hours:
    """A campus over a box, on which a test runs commands."""

    def __init__(self, folder: Path, box: Box) -> None:
        self.folder, self.box = folder, box
        self.campus = folder / "campus.toml"
        text = toml({"base": str(CAMPUS), **box.overlay()})
        files.replace(self.campus, [text.encode()])
        with closing(self.ledger()) as ledger:
            ledger.open_empty("test", SystemClock().now())

    def ledger(self) -> SqlLedger:
        path = files.private_folder(self.folder / "state") / "ledger.sqlite"
        return open_ledger(f"sqlite:///{path}", "export", "train")

    def bursar(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pipeline", *arguments, "--campus", str(self.campus)]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def export(self, *rows: dict[str, Any]) -> None:
        path = self.box.exports_folder / "BURSAR-1-1.xml"
        path.write_text(export(*rows), "utf-8")
        self.box.alma.load_from_export(path)

    def paid(self, name: str, *lines: str) -> None:
        path = self.box.root / "peoplesoft" / "out" / f"LIBRARY_PAID_{name}.csv"
        path.write_text(HEAD + "".join(f"{line}\n" for line in lines), "utf-8")

    def run(self, number: int) -> Path:
        return self.folder / "state" / "runs" / f"{DAY}-{number:02d}"

    def letters(self) -> list[Any]:
        return [message_from_bytes(one.letter, policy=policy.default) for one in self.box.mailbox.kept]


@pytest.fixture
def hours(tmp_path: Path) -> Iterator[Hours]:
    with Box(tmp_path / "box", SystemClock()) as box:
        yield Hours(tmp_path, box)


def test_hourly_runs_of_one_day_post_each_payment_once_and_tell_it_once(hours: Hours) -> None:
    first = "001234567,01/05/2026,1001,12.50,12.50,300000007000,Overdue fine"
    second = "001234567,01/05/2026,1002,300.00,300.00,300000007002,Lost item"
    hours.export({}, LOST)
    assert hours.bursar("night", "--date", DAY).returncode == 1
    assert [one["To"] for one in hours.letters()] == [STAFF]

    hours.paid("10", first)
    done = hours.bursar("payments", "--date", DAY)
    assert (done.returncode, "1 payments posted" in done.stdout) == (1, True), done.stdout + done.stderr
    hours.paid("11", first, second)
    assert hours.bursar("payments", "--date", DAY).returncode == 1

    with closing(hours.ledger()) as ledger:
        postings = ledger.postings(PostingState.POSTED, PostingState.VERIFIED)
        runs = [(run.command, run.sequence, run.exit_code) for run in reversed(ledger.runs(9))]
    assert sorted(one.cents for one in postings) == [1250, 30000]
    assert [hours.box.alma.applied_for(one.external_id) for one in postings] == [1, 1]
    assert runs == [("night", 1, 1), ("payments", 2, 1), ("payments", 3, 1)]

    manifests = [json.loads((hours.run(number) / "manifest.json").read_text("utf-8")) for number in (1, 2, 3)]
    assert [(one["run"], one["command"], len(one["came_in"])) for one in manifests] == [
        (1, "night", 1),
        (2, "payments", 1),
        (3, "payments", 1),
    ]
    page = (hours.run(3) / "report.html").read_text("utf-8")
    assert re.findall(rf">{DAY}-(\d\d)</th><td>(\w+)</td>", page) == [
        ("01", "night"),
        ("02", "payments"),
        ("03", "payments"),
    ]

    told = [(one["To"], re.findall(r"fee (\d+)", one.get_content())) for one in hours.letters()]
    assert told == [(STAFF, []), (DESK, ["1001"])], "what the third run posted is told with the next day's mail"
    assert len({one["Message-ID"] for one in hours.letters()}) == 2
    assert not any("001234567" in one.as_string() for one in hours.letters())


def test_while_a_run_is_at_work_nothing_else_is_touched(hours: Hours) -> None:
    with run_lock(hours.folder / "state"):
        for command in (
            ("payments", "--date", DAY),
            ("resolve", "unpay-1", "--reject", "--reason", "not needed"),
        ):
            done = hours.bursar(*command)
            assert (done.returncode, "another run is going on" in done.stderr) == (75, True)
    assert not hours.run(1).exists()


def test_a_task_is_listed_explained_and_done_by_the_commands_that_people_type(
    hours: Hours, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "create the fee again for patron 001234567 with the comment reopens 1001"
    task = Task(
        "look-K1-1", "look", "K1", "peoplesoft", "alma", "1001", "1001", "001234567", 1250, text, DAY, TaskState.OPEN
    )
    with closing(hours.ledger()) as ledger:
        ledger.open_task(task, SystemClock().now())
    hours.campus.write_text("two_people = true\n" + hours.campus.read_text("utf-8"), "utf-8")
    (told,) = json.loads(hours.bursar("tasks", "--json").stdout)["tasks"]
    assert (told["task_id"], told["cents"], told["text"]) == ("look-K1-1", 1250, text)
    assert text in hours.bursar("tasks").stdout
    assert "task look-K1-1 is open: next: " in hours.bursar("explain", "look-K1-1").stdout.splitlines()[-1]
    say = ("resolve", "look-K1-1", "--settled-elsewhere", "--reason")
    assert "your word is kept" in hours.bursar(*say, "seen it").stdout
    again = hours.bursar(*say, "seen it twice")
    assert (again.returncode, again.stderr.count("\n"), "you said so already" in again.stderr) == (2, 1, True)
    monkeypatch.setenv("SUDO_UID", "4000001")
    assert hours.bursar(*say, "seen it too").returncode == 2, "nobody becomes another by a variable"
    with closing(hours.ledger()) as ledger:
        second = Bench(ledger, SystemClock().now(), "account 4000001", two_people=True)
        wish = Wish("look-K1-1", Action.SETTLED, "seen it too")
        assert "look-K1-1: done, by " in second.decide(wish)
        (done,) = ledger.tasks(TaskState.DONE)
        story = [row["text"] for row in ledger.story("look-K1-1")]
    assert done.closed_by.endswith(" and account 4000001")
    assert any("seen it; seen it too" in line for line in story)


def test_a_slip_in_the_date_is_refused_before_it_stops_every_night_after_it(hours: Hours) -> None:
    hours.export({})
    slip = hours.bursar("night", "--date", "2062-01-05")
    assert slip.returncode == 2
    assert "--date 2062-01-05: lies ahead" in slip.stderr
    assert not (hours.folder / "state" / "runs").exists()
