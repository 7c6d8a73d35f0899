"""The people file: the newest that can be read, known by its headings, and too old to prove anything after a while."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest

from pipeline import tables
from pipeline.files import resource
from pipeline.findings import catalogue
from pipeline.ports.ledger import InFile
from pipeline.stages.people import PEOPLE, newest
from pipeline.stages.shelf import shelf
from tests.unit.policy_kit import PEOPLE_FILE, a_campus

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.campus.load import Loaded

GOOD = 'Name,Group,ID,Status,Phone\r\n"Lopez, Ana", STUDENT ,001234567,active,5\r\n,,,,\r\n'
CAME = datetime(2026, 1, 5, 7, 30, tzinfo=UTC)
"""Half an hour before midnight of 4 January, at the campus."""


def came(campus: Loaded, *texts: str) -> list[InFile]:
    """Archive people files, one a day."""
    files = []
    for number, text in enumerate(texts):
        at = CAME.replace(day=CAME.day + number)
        file = InFile(f"{number}" * 64, f"people_{number}.csv", "people", "people", len(text), at)
        path = shelf(campus.state / "archive", file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        files.append(file)
    return files


@pytest.mark.parametrize("text", [GOOD, "\ufeff" + GOOD, GOOD.replace("\r\n", "\n"), GOOD.replace("Name,", " NAME ,")])
def test_columns_are_known_by_their_headings_in_any_order(tmp_path: Path, text: str) -> None:
    campus = a_campus(tmp_path, PEOPLE_FILE)
    people, findings = newest(came(campus, text), campus, date(2026, 1, 5))
    assert findings == []
    assert tables.checked(people, PEOPLE, "test").to_dict("records") == [
        {"patron_id": "001234567", "name": "Lopez, Ana", "status": "active", "user_group": "STUDENT", "stale": False}
    ]


@pytest.mark.parametrize(("today", "stale"), [(date(2026, 1, 11), False), (date(2026, 1, 12), True)])
def test_the_age_of_a_file_is_counted_in_days_of_the_campus(tmp_path: Path, today: date, stale: bool) -> None:  # noqa: FBT001
    campus = a_campus(tmp_path, PEOPLE_FILE)
    assert newest(came(campus, GOOD), campus, today)[0]["stale"].tolist() == [stale]


def test_the_same_bytes_left_anew_are_a_fresh_proof_and_one_that_lies_there_ages(tmp_path: Path) -> None:
    campus = a_campus(tmp_path, PEOPLE_FILE)
    (file,) = came(campus, GOOD)
    anew = replace(file, delivered_at=CAME.replace(day=20))
    for told, stale in ((file, True), (anew, False)):
        assert newest([told], campus, date(2026, 1, 26))[0]["stale"].tolist() == [stale]
    assert newest([anew], campus, date(2026, 1, 27))[0]["stale"].tolist() == [True]


def test_an_old_file_left_anew_counts_before_the_one_that_came_between(tmp_path: Path) -> None:
    campus = a_campus(tmp_path, PEOPLE_FILE)
    first, second = came(campus, GOOD, GOOD.replace("001234567", "007"))
    first = replace(first, delivered_at=CAME.replace(day=7))
    people, _ = newest([first, second], campus, date(2026, 1, 8))
    assert people["patron_id"].tolist() == ["001234567"]


def test_the_newest_file_counts(tmp_path: Path) -> None:
    campus = a_campus(tmp_path, PEOPLE_FILE)
    people, _ = newest(came(campus, GOOD, GOOD.replace("001234567", "007")), campus, date(2026, 1, 5))
    assert people["patron_id"].tolist() == ["007"]


BROKEN = [
    ("", "LAYOUT-EMPTY"),
    ("Name,Group,Status\na,b,c\n", "LAYOUT-OTHER-FORMAT"),
    ("ID,Name,Status,Group\n1,Jos\udce9,,\n", "LAYOUT-ENCODING"),
]


@pytest.mark.parametrize(("text", "code"), BROKEN)
def test_a_file_that_is_not_whole_is_named_and_the_one_before_it_is_taken(tmp_path: Path, text: str, code: str) -> None:
    campus = a_campus(tmp_path, PEOPLE_FILE)
    people, (finding,) = newest(came(campus, GOOD, text), campus, date(2026, 1, 5))
    assert people["patron_id"].tolist() == ["001234567"]
    assert (finding.code, finding.subject, finding.where) == (code, "1" * 64, "people_1.csv")
    assert finding.text.startswith("people_1.csv: ")
    assert "Lopez" not in finding.text
    assert code in catalogue()


def test_a_line_that_cannot_be_read_is_told_and_its_person_is_unknown(tmp_path: Path) -> None:
    campus = a_campus(tmp_path, PEOPLE_FILE)
    people, (finding,) = newest(came(campus, GOOD + "Smith,STAFF,7,active\r\n"), campus, date(2026, 1, 5))
    assert people["patron_id"].tolist() == ["001234567"]
    assert (finding.code, finding.text) == ("PEOPLE-LINES", "1 lines say nobody")


def test_a_campus_may_have_a_layout_of_its_own(tmp_path: Path) -> None:
    own = resource("schemas/layouts/people/default.toml").read_text("utf-8").replace('name = "ID"', 'name = "Matrikel"')
    place = tmp_path / "schemas/layouts/mine/people.toml"
    place.parent.mkdir(parents=True)
    place.write_text(own, "utf-8")
    campus = a_campus(tmp_path, PEOPLE_FILE + 'layout = "mine/people"\n')
    assert newest(came(campus, "MATRIKEL\n7\n"), campus, date(2026, 1, 5))[0]["patron_id"].tolist() == ["7"]


def test_a_campus_without_people_or_without_a_file_knows_nobody(tmp_path: Path) -> None:
    campus = a_campus(tmp_path)
    assert len(newest(came(campus, GOOD), campus, date(2026, 1, 5))[0]) == 0
    with_people = a_campus(tmp_path, PEOPLE_FILE)
    assert len(newest([], with_people, date(2026, 1, 5))[0]) == 0
