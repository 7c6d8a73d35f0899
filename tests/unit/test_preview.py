"""A preview takes reports as well as exports, and tries another layout on the same input."""

from __future__ import annotations

import json
import os
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.cli.failures import UsageError
from pipeline.cli.other_layout import with_layouts
from pipeline.cli.preview import Wish, preview
from pipeline.findings import BOXES
from tests.nights import export
from tests.samples import CAMPUS, SAMPLES, sample_campus

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 1, 6)


def told(capsys: pytest.CaptureFixture[str], campus: Path, wish: Wish) -> tuple[int, dict[str, Any]]:
    code = preview(campus, wish)
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    assert said["balanced"], said
    sent = list(said["sent"].values())
    for what in ("count", "cents"):
        assert said["read"][what] == sum(one[what] for one in sent) + sum(said[box][what] for box in BOXES)
    return code, said


def wish(out: Path, *files: Path, **said: Any) -> Wish:
    return Wish(files, out, DAY, as_json=True, second_opinion=False, **said)


def two_way(*rows: str) -> str:
    """A report with its columns in another order than anybody would write them."""
    return "\r\n".join(["Fine Fee Id,Transaction Amount,Transaction Date,Primary Identifier,Fine Fee Type", *rows, ""])


@pytest.mark.parametrize(("way", "output"), [("two_way", "peoplesoft/charges"), ("portal", "cashnet/charges")])
def test_the_sample_reports_are_sent_whole(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], way: str, output: str
) -> None:
    (report,) = (SAMPLES / way / "reports").glob("*.csv")
    code, said = told(capsys, SAMPLES / way / "campus.toml", wish(tmp_path / "out", report))
    assert code == 0
    assert list(said["sent"]) == [output]
    assert said["read"]["count"] == said["sent"][output]["count"] > 0
    assert all((tmp_path / "out" / name).is_file() for name in said["sent"][output]["files"])


def test_what_a_report_says_twice_or_unreadably_stays_out_and_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = tmp_path / "anything.csv"
    good = "7,12.50,2026-01-02,001234567,Overdue fine"
    report.write_text(two_way(good, good, "8,1e2,2026-01-02,001234567,Overdue fine"), "utf-8-sig")
    code, said = told(capsys, SAMPLES / "two_way" / "campus.toml", wish(tmp_path / "out", report))
    assert code == 1
    assert (said["duplicate"]["count"], said["held"]["count"]) == (1, 1)
    assert said["sent"]["peoplesoft/charges"]["cents"] == 1250


def test_brakes_on_history_are_named_and_never_waited_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.xml"
    path.write_text(export({"amount_text": "6000"}), "utf-8")
    code, said = told(capsys, CAMPUS, wish(tmp_path / "out", path))
    assert code == 0
    assert said["sent"]["peoplesoft/charges"]["cents"] == 600000
    assert sum(text.startswith("BRAKE-SKIPPED: ") for text in said["findings"]) == 1
    assert sum(text.startswith("BRAKE-LARGE-LINE: ") for text in said["findings"]) == 1


PEOPLE = """
[people]
connection = "library"
pattern = "who*.csv"
"""


def with_people(folder: Path, says: str = "") -> Path:
    path = folder / "campus.toml"
    path.write_text(f'base = "{CAMPUS}"\n{PEOPLE}{says}', "utf-8")
    return path


def test_without_the_file_of_people_nobody_is_checked_and_that_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.xml"
    path.write_text(export({}), "utf-8")
    code, said = told(capsys, with_people(tmp_path), wish(tmp_path / "out", path))
    assert (code, said["held"]["count"], said["sent"]["peoplesoft/charges"]["count"]) == (0, 0, 1)
    (skipped,) = [text for text in said["findings"] if text.startswith("PEOPLE-SKIPPED: ")]
    assert "--people" in skipped
    assert "user group" not in skipped
    groups = '[[routes]]\nto = "peoplesoft"\nuser_group = ["STUDENT"]\n\n[[routes]]\nto = "cashnet"\n'
    _, said = told(capsys, with_people(tmp_path, groups), wish(tmp_path / "two", path))
    assert any(text.startswith("PEOPLE-SKIPPED: ") and "user group" in text for text in said["findings"])
    assert said["held"]["count"] == 0


def test_with_the_file_of_people_a_preview_holds_whom_a_night_would_hold(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, people = tmp_path / "a.xml", tmp_path / "registrar.csv"
    path.write_text(export({}, {"fee_id": "1002", "patron_id": "001234568"}), "utf-8")
    people.write_text('ID,Name\n001234567,"Patron, Sample"\nbroken\n', "utf-8")
    os.utime(people, (0, 0))
    code, said = told(capsys, with_people(tmp_path), wish(tmp_path / "out", path, people=people))
    assert code == 1
    assert said["held"]["by_code"] == {"PEOPLE-UNKNOWN": {"count": 1, "cents": 1250}}
    assert said["sent"]["peoplesoft/charges"]["count"] == 1
    assert "PEOPLE-LINES: 1 lines say nobody" in said["findings"]
    assert not [text for text in said["findings"] if "PEOPLE-SKIPPED" in text]


def test_a_people_file_that_cannot_be_used_is_one_line(tmp_path: Path) -> None:
    path, bad = tmp_path / "a.xml", tmp_path / "bad.csv"
    path.write_text(export({}), "utf-8")
    bad.write_text("a,b\n1,2\n", "utf-8")
    for campus, people, says in (
        (with_people(tmp_path), bad, "bad.csv: "),
        (with_people(tmp_path), tmp_path / "none.csv", "no such file"),
        (CAMPUS, bad, "no table people"),
    ):
        with pytest.raises(UsageError, match=says) as caught:
            preview(campus, wish(tmp_path / "out", path, people=people))
        assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_another_layout_is_tried_on_the_same_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.xml"
    path.write_text(export({}), "utf-8")
    files = {}
    for name in ("default", "asu"):
        layouts = [f"peoplesoft={name}"]
        _, said = told(capsys, CAMPUS, wish(tmp_path / name, path, layouts=layouts))
        assert said["sent"]["peoplesoft/charges"]["cents"] == 1250
        files[name] = (tmp_path / name / said["sent"]["peoplesoft/charges"]["files"][0]).read_bytes()
    assert len(files["asu"].splitlines()) == 1
    assert len(files["default"].splitlines()) == 2
    assert not (tmp_path / "out").exists()


def test_another_layout_may_be_named_in_full_and_leaves_the_constants_it_does_not_ask_for() -> None:
    changed = with_layouts(sample_campus(), ["peoplesoft=peoplesoft/asu"]).campus.systems["peoplesoft"]
    assert (changed.layout, changed.constants) == ("peoplesoft/asu", {})


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ("peoplesoft", "say system=layout"),
        ("bursar=asu", "the campus has the systems peoplesoft, cashnet"),
        ("peoplesoft=paid", "is a layout of files that come back"),
        ("cashnet=peoplesoft/default", "peoplesoft/default asks for origin_id"),
    ],
)
def test_another_layout_that_cannot_be_is_one_line(said: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        with_layouts(sample_campus(), [said])


def test_an_export_and_a_file_of_another_kind_are_told_apart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "b.csv").write_text("a,b\n1,2\n", "utf-8")
    (tmp_path / "a.xml").write_text(export({}), "utf-8")
    code, said = told(capsys, CAMPUS, wish(tmp_path / "out", tmp_path / "a.xml", tmp_path / "b.csv"))
    assert code == 2
    assert [one["code"] for one in said["refused"]] == ["FILE-WRONG-KIND"]
    assert said["read"]["count"] == 1
