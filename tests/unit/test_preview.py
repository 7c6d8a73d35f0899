"""A preview takes reports as well as exports, and tries another layout on the same input."""

from __future__ import annotations

import json
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
