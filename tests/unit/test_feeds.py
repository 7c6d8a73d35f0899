"""The doors of a campus: which feeds there are, where they come in, and what may be believed of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline import tables
from pipeline.ports.ledger import InFile
from pipeline.stages.feed import Feed
from pipeline.stages.feeds import counters, files_table, people, sources
from tests.unit.arrival_kit import Mornings, codes, names

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS = """
columns.fee_id = ["Fine Fee Id"]
columns.patron_id = ["Primary Identifier"]
columns.fee_type = ["Fine Fee Type"]
columns.original = ["Original Amount"]
columns.date = ["Date"]
lists = "new_since"
as_of.lag_days = 1
patron_id_type = "02"
"""
FILE = """
[sources.fines]
kind = "report"
connection = "library"
folder = "reports"
pattern = "fines*"
processed = "done"
quiet_s = 5
max_bytes = 100
format = "{form}"
"""
ASKED = """
[alma]
url = "https://alma.example.edu"
[sources.open-fees]
kind = "analytics"
path = "/shared/x"
"""


@pytest.mark.parametrize(("form", "proved"), [("csv", False), ("xlsx", True), ("rowset", True)])
def test_a_report_says_again_what_it_said_and_only_a_csv_cannot_prove_that_it_is_whole(
    tmp_path: Path, form: str, *, proved: bool
) -> None:
    doors = list(sources(Mornings(tmp_path, FILE.format(form=form) + COLUMNS).loaded()))
    feed = Feed("charges", "fines", "fines*", "done", 5, 100, proved=proved, same_name="news", dated=True)
    assert [(door.feed, door.connection, door.folder, door.reader) for door in doors[1:]] == [
        (feed, "library", "reports", "report")
    ]
    assert (doors[0].reader, doors[0].feed.same_name) == ("alma_export", "hold")


def test_a_report_that_is_asked_for_has_a_connection_that_no_campus_file_can_say(tmp_path: Path) -> None:
    door = list(sources(Mornings(tmp_path, ASKED + COLUMNS).loaded()))[1]
    assert (door.connection, door.folder, door.reader) == ("analytics:open-fees", "", "report")
    assert door.feed == Feed("charges", "open-fees", "open-fees_*.xml", quiet_s=0, same_name="news", dated=True)


def test_the_counters_of_a_job_lie_beside_its_exports(tmp_path: Path) -> None:
    assert list(counters(Mornings(tmp_path).loaded())) == []
    (tmp_path / "two").mkdir()
    says = '[sources.alma]\ncounters = "*.json"\nprocessed = "done"\n'
    (door,) = counters(Mornings(tmp_path / "two", says).loaded())
    assert (door.connection, door.folder, door.reader) == ("library", ".", "counters")
    assert door.feed == Feed("counters", "alma", "*.json", "done", 0, same_name="news")


PEOPLE = """
[people]
connection = "library"
folder = "people"
pattern = "who*.csv"
processed = "done"
"""


def test_who_is_who_comes_in_by_a_door_of_its_own(tmp_path: Path) -> None:
    assert list(people(Mornings(tmp_path).loaded())) == []
    (tmp_path / "two").mkdir()
    (door,) = people(Mornings(tmp_path / "two", PEOPLE).loaded())
    assert (door.connection, door.folder, door.reader) == ("library", "people", "people/default")
    assert door.feed == Feed("people", "people", "who*.csv", "done", 60, same_name="news", dated=True)


def test_the_people_file_is_kept_and_is_no_fee(tmp_path: Path) -> None:
    desk = Mornings(tmp_path, PEOPLE)
    (desk.alma / "people").mkdir()
    (desk.alma / "people" / "who1.csv").write_text("Id\n1\n", "utf-8")
    outcome, findings = desk.collect()
    assert (names(outcome), codes(findings)) == ([], ["FETCH-LEFT"])
    assert [file.name for file in desk.book.files_in("people", "archived")] == ["who1.csv"]


def test_a_file_came_on_the_day_it_was_at_the_campus(tmp_path: Path) -> None:
    loaded = Mornings(tmp_path).loaded()
    at = datetime(2026, 1, 6, 7, 30, tzinfo=UTC)
    file = InFile("a" * 64, "EXPORT-1-2.xml", "charges", "alma", 10, at)
    table = tables.checked(files_table([file], loaded, list(sources(loaded))), tables.FILES, "test")
    assert list(table["came_on"]) == ["2026-01-05"]
    assert list(table["reader"]) == ["alma_export"]
