"""Staff hear of payments once, by a mail that never stands in money's way and never says a name."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING, Any, cast

import pytest

from pipeline.adapters.mail import MailSettings, SmtpMailer
from pipeline.campus.back import Mail
from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import Paid, Run, Task, TaskState
from pipeline.ports.outside import Busy, Lost, Refused
from pipeline.sandbox.mailbox import Mailbox, Manners
from pipeline.stages.morning import age
from pipeline.stages.notify import notify, window
from pipeline.stages.outbox import Letter, Outbox, Told
from tests.fakes.clock import FakeClock
from tests.unit.policy_kit import a_campus
from tests.unit.test_run_sheet import upload

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pipeline.ports.outside import Mailer

DAY = date(2026, 2, 3)
MAIL = """
[mail]
host = "127.0.0.1"
security = "none"
sender = "fees@example.edu"
digest = ["boss@example.edu"]
digest_at = "17:00"
[mail.desks]
MAIN = ["main@example.edu", "two@example.edu"]
"*" = ["others@example.edu"]
"""


def paid(number: int, owner: str = "MAIN", cents: int = 1250, way: str = "api") -> Paid:
    return Paid(f"BP{number}-01", f"K{number}", f"R-{number}", "cashnet", "alma", f"10{number}", owner, cents, way)


class FakeMailer:
    """Takes letters, or does not."""

    def __init__(self, *fates: Exception | None) -> None:
        self.fates = list(fates)
        self.taken: list[Any] = []

    def send(self, letter: bytes) -> Sequence[str]:
        fate = self.fates.pop(0) if self.fates else None
        if fate is None or isinstance(fate, Lost):
            self.taken.append(message_from_bytes(letter, policy=policy.default))
        if fate is not None:
            raise fate
        return []

    @property
    def ids(self) -> list[str]:
        return [one["Message-ID"] for one in self.taken]


@dataclass
class FakeLedger:
    """What the letters ask of the ledger; payments and files have the moment they came."""

    payments: list[tuple[datetime, Paid]] = field(default_factory=list)
    files: list[tuple[datetime, Any]] = field(default_factory=list)
    open_tasks: list[Task] = field(default_factory=list)
    held: list[dict[str, Any]] = field(default_factory=list)
    made: list[Run] = field(default_factory=list)

    def runs(self, most: int) -> list[Run]:
        return self.made[: -most - 1 : -1]

    def paid_since(self, at: datetime) -> list[Paid]:
        return [one for when, one in self.payments if when >= at]

    def sent_since(self, at: datetime) -> list[Any]:
        return [one for when, one in self.files if when >= at]

    def uploads(self) -> list[Any]:
        return []

    def tasks(self, _state: TaskState) -> list[Task]:
        return self.open_tasks

    def standing(self) -> dict[str, Any]:
        return {"payments": {"received": (2, 300)}, "postings": {"doubt": (1, 50), "verified": (9, 9)}}

    def held_rows(self) -> list[dict[str, Any]]:
        return self.held


class Days:
    """A campus whose runs a test starts at an hour it likes (UTC; the campus is 8 hours behind)."""

    def __init__(self, folder: Path, mailer: Mailer, mail: str = MAIL) -> None:
        self.campus = a_campus(folder, mail)
        self.mailer = mailer
        self.ledger = FakeLedger()
        self.clock = FakeClock(datetime(2026, 2, 3, 8, tzinfo=UTC))

    def run(self, hour: int, *payments: Paid, day: date = DAY, missing: Sequence[str] = ()) -> Work:
        """Run at an hour of the calendar day ``day``, at the campus."""
        start = datetime(day.year, day.month, day.day, 8, tzinfo=UTC) + timedelta(hours=hour)
        self.clock.sleep((start - self.clock.now()).total_seconds())
        before = sum(run.business_date == day for run in self.ledger.made)
        run = Run(len(self.ledger.made) + 1, day, before + 1, "payments", start)
        self.ledger.made.append(run)
        self.ledger.payments += [(start + timedelta(seconds=9), one) for one in payments]
        folder = self.campus.state / "runs" / f"{day}-{run.sequence:02d}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "manifest.json").write_text(json.dumps({"missing": list(missing)}), "utf-8")
        outside = Outside(self.clock, cast("Any", None), mail=self.mailer)
        work = Work("CLOSE", self.campus, day, run, cast("Any", self.ledger), outside, folder / "close")
        notify(work)
        return work


def test_hourly_runs_add_nothing_until_the_hour_and_then_each_desk_and_the_digest_get_one(tmp_path: Path) -> None:
    mailer = FakeMailer()
    days = Days(tmp_path, mailer)
    days.run(9, paid(1))
    days.run(10, paid(2, "LAW"), paid(3, way="record"), missing=["alma: nothing came"])
    assert mailer.taken == []
    days.run(17, missing=["alma: nothing came"])
    assert [one["To"] for one in mailer.taken] == [
        "main@example.edu, two@example.edu",
        "others@example.edu",
        "boss@example.edu",
    ]
    main, others, boss = (one.get_content() for one in mailer.taken)
    assert re.findall(r"fee (\d+)", main) == ["101", "103"]
    assert "receipt R-1 of cashnet" in main
    assert "Kept here as settled" in main
    assert re.findall(r"fee (\d+)", others) == ["102"]
    assert "Posted in Alma: 2, 25.00 USD" in boss
    assert boss.count("alma: nothing came") == 1
    days.run(18, paid(4))
    days.run(23)
    assert len(mailer.taken) == 3


def test_what_came_after_the_hour_is_told_the_next_day_and_nothing_twice(tmp_path: Path) -> None:
    mailer = FakeMailer()
    days = Days(tmp_path, mailer)
    days.run(17, paid(1))
    days.run(18, paid(2))
    days.run(17, paid(3), day=DAY + timedelta(1))
    told = [re.findall(r"fee (\d+)", one.get_content()) for one in mailer.taken if "main@" in one["To"]]
    assert told == [["101"], ["102", "103"]]
    assert len(set(mailer.ids)) == len(mailer.ids) == 4


def test_a_campus_that_only_runs_by_night_hears_of_each_day_with_the_next_run(tmp_path: Path) -> None:
    mailer = FakeMailer()
    days = Days(tmp_path, mailer)
    days.run(2, paid(1))
    assert mailer.taken == []
    days.run(2, paid(2), day=DAY + timedelta(1))
    assert sum("boss@" in one["To"] for one in mailer.taken) == 1
    for later in (2, 3):
        days.run(2, day=DAY + timedelta(later))
        assert sum("boss@" in one["To"] for one in mailer.taken) == later
    told = [re.findall(r"fee (\d+)", one.get_content()) for one in mailer.taken if "main@" in one["To"]]
    assert told == [["101", "102"]]


def test_after_days_without_a_run_the_hour_is_waited_for_again(tmp_path: Path) -> None:
    mailer = FakeMailer()
    days = Days(tmp_path, mailer)
    days.run(17, paid(1))
    days.run(9, paid(2), day=DAY + timedelta(3))
    assert len(mailer.taken) == 2
    days.run(17, day=DAY + timedelta(3))
    assert len(mailer.taken) == 4


def test_a_server_that_is_away_keeps_nothing_back_and_the_next_run_hands_in_the_same_letters(tmp_path: Path) -> None:
    mailer = FakeMailer(Busy("mail server x: no answer in time"))
    days = Days(tmp_path, mailer)
    work = days.run(17, paid(1))
    (found,) = work.findings
    assert (found.code, found.stops, found.entry.scope) == ("MAIL-WAITS", True, "output")
    assert found.text.startswith("2 of our mails wait")
    assert mailer.taken == []
    assert days.run(18, paid(2)).findings == []
    assert len(mailer.taken) == 2
    assert "fee 102" not in mailer.taken[0].get_content()
    assert Outbox(days.campus.state / "mail").waiting() == []


def test_a_letter_that_may_have_been_taken_goes_again_under_the_same_id_and_words(tmp_path: Path) -> None:
    mailer = FakeMailer(Lost("the line broke"))
    days = Days(tmp_path, mailer)
    assert [one.code for one in days.run(17, paid(1)).findings] == ["MAIL-WAITS"]
    days.run(18)
    assert mailer.ids[0] == mailer.ids[1]
    assert mailer.taken[0].as_bytes() == mailer.taken[1].as_bytes()


def test_a_letter_that_is_refused_for_good_does_not_keep_back_the_others(tmp_path: Path) -> None:
    mailer = FakeMailer(Refused("spam"))
    days = Days(tmp_path, mailer)
    (found,) = days.run(17, paid(1)).findings
    assert found.text.startswith("1 of our mails wait")
    assert [one["To"] for one in mailer.taken] == ["boss@example.edu"]


def test_a_run_that_dies_between_writing_and_sending_is_told_by_the_next_under_the_same_id(tmp_path: Path) -> None:
    class Died(BaseException):
        """The machine stops."""

    mailer = FakeMailer(cast("Any", Died()))
    days = Days(tmp_path, mailer)
    with pytest.raises(Died):
        days.run(17, paid(1))
    queued = [path.read_bytes() for path in Outbox(days.campus.state / "mail").waiting()]
    days.run(18, paid(2))
    assert [one.as_bytes() for one in mailer.taken] == [
        message_from_bytes(one, policy=policy.default).as_bytes() for one in queued
    ]
    assert len(set(mailer.ids)) == 2


def test_against_a_real_server_that_dies_after_the_letter_both_copies_bear_one_id(tmp_path: Path) -> None:
    with Mailbox(Manners(dies_after_data=True)) as box:
        days = Days(tmp_path, SmtpMailer(MailSettings("127.0.0.1", box.port, "none", timeout_s=3)))
        days.ledger.payments = []
        assert [one.code for one in days.run(17).findings] == ["MAIL-WAITS"]
        box.manners = Manners()
        assert days.run(18).findings == []
        ids = [message_from_bytes(one.letter)["Message-ID"] for one in box.kept]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_without_mail_in_the_campus_file_or_a_mailer_nothing_is_written(tmp_path: Path) -> None:
    days = Days(tmp_path, cast("Any", None))
    days.run(17, paid(1))
    assert not (days.campus.state / "mail").exists()


def test_the_digest_says_files_held_rows_and_tasks_with_their_age_and_no_patron(tmp_path: Path) -> None:
    mailer = FakeMailer()
    days = Days(tmp_path, mailer)
    text = "patron 000112233: create the fee again"
    task = Task(
        "unpay-1", "unpay", "K", "cashnet", "alma", "1", "1", "000112233", 500, text, "2026-01-20", TaskState.OPEN
    )
    days.ledger.open_tasks = [task, replace(task, task_id="unpay-2", opened_on="2026-02-03")]
    days.ledger.held = [
        {"kind": "fee", "state": "held", "code": "NORMALISE-VAT", "amount_cents": 100, "patron_id": "000112233"}
    ] * 2
    days.ledger.files = [(datetime(2026, 2, 4, 1, tzinfo=UTC), upload("peoplesoft", "charge", 8, 1500))]
    days.run(17)
    (boss,) = mailer.taken
    said = boss.get_content()
    for words in (
        "Files sent: 1",
        "peoplesoft_charges_20260203_0008.dat  2 rows, 15.00 USD",
        "fee held, NORMALISE-VAT: 2, 2.00 USD",
        "Tasks for staff: 2",
        "unpay: 2, 10.00 USD",
        "1 for 0 to 1 day",
        "1 for 8 to 30 days",
        "nothing is missed",
        "in doubt: 1, 0.50 USD",
        "runs/2026-02-03-01/report.html",
    ):
        assert words in said
    assert "000112233" not in boss.as_string()
    assert boss["Subject"].startswith("[train] ")
    assert "run 2026-02-03-01" in boss["Subject"]


@pytest.mark.parametrize("evil", ["a@b.edu\r\nBcc: x@evil.example", "a@b.edu\nX: y", "counts\r\n\r\nbody"])
def test_no_word_can_add_a_line_to_the_head_of_a_letter(evil: str) -> None:
    good = Letter("c", "train", DAY, "digest", 1, "a@example.edu", ("b@example.edu",), "counts", "text")
    for bad in (replace(good, sender=evil), replace(good, people=(evil,)), replace(good, subject=evil)):
        try:
            written = bad.written(datetime(2026, 2, 3, tzinfo=UTC))
        except ValueError:
            continue
        heads = written.partition(b"\r\n\r\n")[0]
        assert not re.search(rb"(?m)^(Bcc|X):", heads)


@pytest.mark.parametrize(
    ("said", "word"),
    [
        ({"host": "smtp.example.edu", "security": "none"}, "only for a server on this machine"),
        ({"host": "smtp.example.edu", "user": "u"}, "user and secret both"),
        ({"host": "smtp.example.edu", "sender": "a@b.edu\nBcc: c@d.edu"}, "plain mail address"),
        ({"host": "smtp.example.edu", "digest": ("a@b.edu, c@d.edu",)}, "plain mail address"),
    ],
)
def test_mail_settings_that_could_leak_or_inject_are_refused(said: dict[str, Any], word: str) -> None:
    with pytest.raises(ValueError, match=word):
        Mail(**{"sender": "a@example.edu", **said})


def test_the_same_letter_of_another_campus_day_or_kind_bears_another_id() -> None:
    one = Letter("c", "train", DAY, "digest", 1, "a@example.edu", ("b@example.edu",), "counts", "text")
    others = [
        replace(one, campus="d"),
        replace(one, environment="production"),
        replace(one, day=DAY + timedelta(1)),
        replace(one, kind="desk-MAIN"),
    ]
    assert len({one.message_id, *(other.message_id for other in others)}) == 5
    assert replace(one, run=2, text="other").message_id == one.message_id


NOON = datetime(2026, 2, 3, 12)  # noqa: DTZ001 - the hour at the campus


@pytest.mark.parametrize(
    ("told", "now", "due"),
    [
        (None, NOON, DAY),
        (Told(DAY, 1), NOON, None),
        (Told(DAY - timedelta(1), 1), NOON, DAY),
        (None, NOON.replace(hour=8), None),
        (None, NOON + timedelta(days=40), DAY),
    ],
)
def test_one_letter_of_a_kind_is_due_for_each_business_date(told: Told | None, now: datetime, due: date | None) -> None:
    runs = [Run(number, DAY, number, "payments", NOON.replace(tzinfo=UTC)) for number in (2, 1)]
    span = window(told, runs, DAY, now, "09:00")
    assert (span.day if span else None) == due


def test_an_age_is_never_less_than_nothing() -> None:
    assert [age(day, DAY) for day in ("2026-02-01", "2026-02-03", "2026-02-09")] == [2, 0, 0]
