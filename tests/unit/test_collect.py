"""What arrives and what does not: late sources, exports that disagree with their jobs, exports that change."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from pipeline.campus.sources import Expected
from pipeline.stages.arrival import due_before
from tests.fakes.place import Drive, FakePlace, Outage
from tests.nights import export
from tests.unit.arrival_kit import Mornings, codes, names, sha

if TYPE_CHECKING:
    from pathlib import Path

BY_SIX = '[sources.alma]\nprocessed = "done"\nexpected = { by = "06:00", days = ["mon", "tue", "wed", "thu", "fri"] }\n'
COUNTED = '[sources.alma]\ncounters = "*.json"\n'
ONE = {"fee_id": "1001"}
TWO = {"fee_id": "1002", "patron_id": "001234568"}
THREE = {"fee_id": "1003"}


@pytest.fixture
def desk(tmp_path: Path) -> Mornings:
    desk = Mornings(tmp_path, BY_SIX)
    (desk.alma / "done").mkdir()
    return desk


def arrive(desk: Mornings, day: int) -> None:
    """An export arrives at half past five on that day."""
    path = desk.leave(f"EXPORT-{day}-1.xml", export(ONE, number=str(day)))
    written = datetime(2026, 1, day, 13, 30, tzinfo=UTC).timestamp()
    os.utime(path, (written, written))


@pytest.mark.parametrize(
    ("moment", "due"),
    [("05T07:00", "05T06:00"), ("05T06:00", "05T06:00"), ("05T05:59", "02T06:00"), ("11T23:00", "09T06:00")],
)
def test_the_last_time_due_skips_the_days_on_which_nothing_is(moment: str, due: str) -> None:
    zone = ZoneInfo("America/Los_Angeles")
    expected = Expected(by="06:00", days=("mon", "tue", "wed", "thu", "fri"))
    at, last = (datetime.fromisoformat(f"2026-01-{one}").replace(tzinfo=zone) for one in (moment, due))
    assert due_before(expected, at) == last


def test_once_a_week_is_the_last_one_even_if_that_is_seven_days_ago() -> None:
    expected = Expected(by="18:00", days=("sun",))
    assert due_before(expected, datetime(2026, 1, 11, 17, tzinfo=UTC)) == datetime(2026, 1, 4, 18, tzinfo=UTC)


def test_nothing_by_its_time_alarms_the_operator_and_stops_nothing(desk: Mornings) -> None:
    desk.at(5, 7)
    _, (late,) = desk.collect()
    assert (late.code, late.stops, late.entry.scope) == ("SOURCE-LATE", True, "output")
    assert late.subject == "alma 2026-01-05 06:00", "no system is named so, and nothing is held back by it"
    assert late.text == ("alma: nothing came, and it was due on Monday, 2026-01-05 by 06:00; no file of it ever came")


def test_what_came_in_time_is_not_late_and_the_next_morning_without_it_is(desk: Mornings) -> None:
    desk.at(5, 7)
    arrive(desk, 5)
    assert codes(desk.collect()[1]) == []
    desk.booked()
    desk.at(6, 7)
    _, (late,) = desk.collect()
    assert "the last file of it came on 2026-01-05 at 07:00" in late.text
    desk.at(7, 7)
    arrive(desk, 7)
    assert codes(desk.collect()[1]) == []


def test_a_file_fetched_before_its_time_serves_the_later_run_of_that_morning(desk: Mornings) -> None:
    desk.at(2, 7)
    desk.collect()
    desk.at(5, 5, 45)
    arrive(desk, 5)
    assert codes(desk.collect()[1]) == []
    desk.booked()
    desk.at(5, 7)
    assert codes(desk.collect("charges")[1]) == []


def test_a_run_for_payments_alone_has_not_looked(desk: Mornings) -> None:
    arrive(desk, 5)
    desk.at(5, 7)
    desk.collect()
    desk.booked()
    desk.at(5, 8)
    desk.book.started.append(
        desk.book.started[-1].__class__(9, desk.book.started[-1].business_date, 9, "payments", desk.clock.now())
    )
    desk.at(6, 7)
    assert codes(desk.collect()[1]) == ["SOURCE-LATE"]


ASKED = """
[alma]
url = "https://alma.example.edu"
[sources.open-fees]
kind = "analytics"
path = "/shared/x"
lists = "new_since"
as_of.lag_days = 1
patron_id_type = "02"
expected = { by = "06:00" }
columns.fee_id = ["Fine Fee Id"]
columns.patron_id = ["Primary Identifier"]
columns.fee_type = ["Fine Fee Type"]
columns.original = ["Original Amount"]
columns.date = ["Date"]
"""


def asked(tmp_path: Path) -> Mornings:
    """A campus that asks Analytics for a report; its folder stands for Analytics."""
    desk = Mornings(tmp_path, ASKED)
    (tmp_path / "analytics:open-fees").mkdir()
    return desk


def answered(desk: Mornings, day: int, hour: int, text: str = "<pages/>") -> list[str]:
    """Analytics answers at that hour with a report that is as old as the question."""
    desk.at(day, hour)
    path = desk.folder / "analytics:open-fees" / f"open-fees_202601{day:02d}.xml"
    path.write_text(text, "utf-8")
    os.utime(path, (desk.clock.now().timestamp(),) * 2)
    found = codes(desk.collect()[1])
    desk.booked()
    path.unlink()
    return found


def unanswered(desk: Mornings, day: int, hour: int) -> list[str]:
    """Analytics does not answer at that hour."""
    desk.at(day, hour)
    desk.outage = Outage(FakePlace(Drive()), 99)
    found = codes(desk.collect()[1])
    desk.outage = None
    return found


def test_a_report_that_analytics_did_not_give_by_its_hour_is_late_as_a_missing_file_is(tmp_path: Path) -> None:
    desk = asked(tmp_path)
    assert unanswered(desk, 5, 5).count("SOURCE-LATE") == 1, "it was due yesterday, and never came"
    assert answered(desk, 5, 7) == []
    assert "SOURCE-LATE" not in unanswered(desk, 5, 9), "this morning's was had"
    assert "SOURCE-LATE" in unanswered(desk, 6, 7), "this morning's was not"
    assert answered(desk, 6, 8, "<pages> </pages>") == []
    assert "SOURCE-LATE" not in unanswered(desk, 7, 5), "today's is not due yet"


def test_a_report_that_was_had_before_its_hour_serves_the_whole_day(tmp_path: Path) -> None:
    desk = asked(tmp_path)
    for day in (5, 6):
        assert answered(desk, day, 2, f"<pages>{day}</pages>") == []
        assert "SOURCE-LATE" not in unanswered(desk, day, 7)
    assert answered(desk, 7, 2, "<pages>5</pages>") == [], "what was so on the fifth is so again"
    assert [file.delivered_at for file in desk.book.files_in("charges", "booked") if file.feed == "open-fees"] == [
        datetime(2026, 1, 7, 10, tzinfo=UTC),
        datetime(2026, 1, 6, 10, tzinfo=UTC),
    ]
    assert "SOURCE-LATE" not in unanswered(desk, 7, 7)
    assert answered(desk, 8, 2, "<pages>6</pages>") == [], "and so is the sixth's"


PEOPLE = '[people]\nconnection = "library"\nfolder = "people"\npattern = "who*.csv"\n'


@pytest.mark.parametrize("processed", ["", "done"])
def test_a_people_file_left_anew_is_as_fresh_as_its_last_delivery(tmp_path: Path, processed: str) -> None:
    desk = Mornings(tmp_path, f'{PEOPLE}processed = "{processed}"\n')
    (desk.alma / "people" / "done").mkdir(parents=True)
    where = desk.alma / "people" / "who1.csv"
    delivered = []
    for day, anew in ((5, True), (6, False), (7, True)):
        desk.at(day, 7)
        if anew:
            where.write_text("Id\n1\n", "utf-8")
            os.utime(where, (desk.clock.now().timestamp(),) * 2)
        desk.collect()
        (file,) = desk.book.files_in("people", "archived")
        delivered.append(file.delivered_at.day if file.delivered_at else 0)
    assert delivered == [5, 5, 7]


def test_nobody_is_alarmed_on_a_day_off(desk: Mornings) -> None:
    desk.at(9, 7)
    arrive(desk, 9)
    desk.collect()
    desk.booked()
    for day in (10, 11):
        desk.at(day, 7)
        assert codes(desk.collect()[1]) == []
    desk.at(12, 7)
    assert codes(desk.collect()[1]) == ["SOURCE-LATE"]


def test_a_file_that_stays_where_it_is_counts_by_when_it_was_written(tmp_path: Path) -> None:
    desk = Mornings(tmp_path, BY_SIX.replace('"done"', '""'))
    arrive(desk, 5)
    desk.at(5, 7)
    assert codes(desk.collect()[1]) == []
    desk.booked()
    desk.at(6, 7)
    assert codes(desk.collect()[1]) == ["FETCH-AGAIN", "SOURCE-LATE"], "yesterday's is no news"
    os.utime(desk.alma / "EXPORT-5-1.xml", (datetime(2030, 1, 1, tzinfo=UTC).timestamp(),) * 2)
    assert "SOURCE-LATE" in codes(desk.collect()[1]), "a clock gone wrong does not silence the alarm"
    written = datetime(2026, 1, 6, 13, 30, tzinfo=UTC).timestamp()
    os.utime(desk.alma / "EXPORT-5-1.xml", (written, written))
    assert codes(desk.collect()[1]) == ["FETCH-AGAIN"], "delivered again, the same bytes: it did come"


def test_a_file_without_fees_has_come(desk: Mornings) -> None:
    desk.at(5, 7)
    desk.leave("EXPORT-5-1.xml", export())
    outcome, findings = desk.collect()
    assert (names(outcome), codes(findings)) == (["EXPORT-5-1.xml"], ["EXPORT-EMPTY"])


def test_a_source_that_could_not_be_looked_at_is_not_said_to_be_silent(desk: Mornings) -> None:
    desk.outage = Outage(FakePlace(Drive()), 99)
    desk.at(5, 7)
    assert codes(desk.collect()[1]) == ["FETCH-BUSY"]


# ---- counters of the job


@pytest.fixture
def counted(tmp_path: Path) -> Mornings:
    return Mornings(tmp_path, COUNTED)


def test_an_export_that_agrees_with_its_job_is_read(counted: Mornings) -> None:
    counted.leave("BURSAR-77-1767.xml", export(ONE, TWO))
    counted.counters("job.json", "77", 2, 2)
    outcome, findings = counted.collect()
    assert (names(outcome), codes(findings)) == (["BURSAR-77-1767.xml"], [])


@pytest.mark.parametrize(
    ("fees", "users", "status", "says"),
    [
        (3, 2, "COMPLETED_SUCCESS", "2 fees, its job says 3"),
        (2, 3, "COMPLETED_SUCCESS", "2 patrons, its job says 3"),
        (2, 2, "COMPLETED_FAILED", "its job ended as COMPLETED_FAILED"),
    ],
)
def test_one_that_does_not_is_kept_and_looked_at_each_night_until_a_person_approves_its_source(
    counted: Mornings, fees: int, users: int, status: str, says: str
) -> None:
    path = counted.leave("BURSAR-77-1767.xml", export(ONE, TWO))
    counted.leave("BURSAR-78-1768.xml", export(THREE, number="101"))
    counted.counters("job.json", "77", fees, users, status)
    counted.counters("job2.json", "78", 1, 1)
    for _ in range(2):
        outcome, findings = counted.collect()
        (stop,) = [finding for finding in findings if finding.stops]
        assert (stop.code, stop.subject, stop.spoils_file, stop.refuses_file) == (
            "EXPORT-COUNT",
            sha(path),
            True,
            False,
        )
        assert says in stop.text
        assert names(outcome) == ["BURSAR-78-1768.xml"], "the other goes on"
    assert "BURSAR-77-1767.xml" not in names(counted.collect(approved=frozenset({"peoplesoft"}))[0])
    outcome, findings = counted.collect(approved=frozenset({"alma"}))
    assert names(outcome) == ["BURSAR-77-1767.xml", "BURSAR-78-1768.xml"]
    assert [finding.subject for finding in findings if finding.code == "ARRIVAL-APPROVED"] == [sha(path)]


def test_the_parts_of_a_split_export_are_counted_together(counted: Mornings) -> None:
    counted.leave("BURSAR-77-1.xml", export(ONE))
    counted.counters("job.json", "77", 2, 2)
    outcome, findings = counted.collect()
    assert (names(outcome), codes(findings)) == ([], ["EXPORT-COUNT"])
    counted.leave("BURSAR-77-2.xml", export(TWO))
    assert names(counted.collect()[0]) == ["BURSAR-77-1.xml", "BURSAR-77-2.xml"]


def test_the_number_of_the_export_may_be_that_of_its_job(counted: Mornings) -> None:
    counted.leave("renamed.xml", export(ONE, number="15216075870006761"))
    counted.counters("job.json", "15216075870006761", 5, 1)
    assert codes(counted.collect()[1]) == ["EXPORT-COUNT"]


@pytest.mark.parametrize("text", ["", "[]", "{", '{"job_instance": 5}', '{"id": "77", "counter": [{"type": "x"}]}'])
def test_counters_that_say_nothing_are_as_good_as_none(counted: Mornings, text: str) -> None:
    counted.leave("BURSAR-77-1767.xml", export(ONE))
    if text:
        counted.leave("job.json", text)
    outcome, findings = counted.collect()
    assert (names(outcome), codes(findings)) == (["BURSAR-77-1767.xml"], ["EXPORT-UNCOUNTED"])


def test_a_job_instance_as_the_jobs_interface_gives_it_is_understood(counted: Mornings) -> None:
    counted.leave("BURSAR-77-1767.xml", export(ONE))
    kind = "com.exlibris.external.bursar.report.fines_fees_count"
    counted.leave("job.json", f'{{"id": 77, "counter": [{{"type": "{kind}", "value": 2}}]}}')
    assert codes(counted.collect()[1]) == ["EXPORT-COUNT"]


def test_a_job_that_reports_fees_without_a_file_is_an_alarm_of_one_night(counted: Mornings) -> None:
    counted.counters("job.json", "77", 20, 5)
    counted.counters("job2.json", "78", 0, 0)
    _, findings = counted.collect()
    assert codes(findings) == ["EXPORT-MISSING"]
    assert findings[0].subject == "alma job 77"
    assert "EXPORT-MISSING" not in codes(counted.collect()[1])


def test_a_job_whose_export_was_read_before_has_its_file(counted: Mornings) -> None:
    counted.leave("BURSAR-77-1767.xml", export(ONE))
    counted.collect()
    counted.booked()
    counted.counters("job.json", "77", 1, 1)
    assert codes(counted.collect()[1]) == ["FETCH-AGAIN"]


# ---- the same export again in other bytes


@pytest.fixture
def known(tmp_path: Path) -> Mornings:
    desk = Mornings(tmp_path)
    desk.book.exports["100"] = {"1001", "1&2"}
    return desk


def test_new_fees_under_the_number_of_an_export_that_was_read_are_held_together(known: Mornings) -> None:
    path = known.leave("EXPORT-1-2.xml", export(ONE, TWO, THREE))
    known.leave("EXPORT-2-3.xml", export({"fee_id": "2001"}, number="101"))
    for _ in range(2):
        outcome, findings = known.collect()
        (stop,) = [finding for finding in findings if finding.stops]
        assert (stop.code, stop.subject) == ("EXPORT-CHANGED", sha(path))
        assert "export 100 was read before without fees 1002, 1003" in stop.text
        assert names(outcome) == ["EXPORT-2-3.xml"]
    outcome, findings = known.collect(approved=frozenset({"alma"}))
    assert names(outcome) == ["EXPORT-1-2.xml", "EXPORT-2-3.xml"]
    assert "ARRIVAL-APPROVED" in codes(findings)


def test_an_export_again_with_known_fees_only_is_read_and_compared_fee_by_fee(known: Mornings) -> None:
    known.leave("EXPORT-1-2.xml", export(ONE, {"fee_id": "1&2"}))
    outcome, findings = known.collect()
    assert (names(outcome), codes(findings)) == (["EXPORT-1-2.xml"], [])


def test_two_parts_that_come_on_one_night_both_go(tmp_path: Path) -> None:
    desk = Mornings(tmp_path)
    desk.leave("EXPORT-1-2.xml", export(ONE))
    desk.leave("EXPORT-1-3.xml", export(TWO))
    assert names(desk.collect()[0]) == ["EXPORT-1-2.xml", "EXPORT-1-3.xml"]


def test_fees_far_down_a_large_export_are_seen(known: Mornings) -> None:
    many = [{"fee_id": f"9{number:05d}"} for number in range(1500)]
    known.book.exports["100"] |= {row["fee_id"] for row in many}
    known.leave("EXPORT-1-2.xml", export(*many, {"fee_id": "new"}))
    _, (stop,) = known.collect()
    assert stop.text.endswith("without fees new")


def test_a_file_that_is_gone_from_the_archive_is_left_for_those_who_read_it(known: Mornings) -> None:
    known.leave("EXPORT-1-2.xml", export(ONE))
    outcome, _ = known.collect()
    kept = outcome.passed["path"][0]
    os.remove(kept)  # noqa: PTH107 - the path is text in the table
    (known.alma / "EXPORT-1-2.xml").unlink()
    assert names(known.collect()[0]) == ["EXPORT-1-2.xml"]
