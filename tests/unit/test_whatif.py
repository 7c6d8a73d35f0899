"""A changed campus file tried on past nights: every row that would fare otherwise is listed, and nothing is touched."""

from __future__ import annotations

import json
import shutil
from contextlib import closing
from dataclasses import replace as changed_in
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.cli.failures import UsageError
from pipeline.cli.replay import Replayed, Sent, past
from pipeline.cli.whatif import changes, whatif
from pipeline.files import replace
from tests.nights import Nights

if TYPE_CHECKING:
    from pathlib import Path

FEE = ("alma", "1001", 1)
SENT = Sent("peoplesoft", "charge", ("300000007000",) + ("",) * 8, 1250, "peoplesoft/default LIB_1.dat")


@pytest.mark.parametrize(
    ("other", "what"),
    [
        (changed_in(SENT, system="cashnet"), ("route",)),
        (changed_in(SENT, codes=("300000007001", *SENT.codes[1:])), ("code",)),
        (changed_in(SENT, cents=1), ("amount",)),
        (changed_in(SENT, file="x"), ("file",)),
        (None, ("sent",)),
    ],
    ids=["route", "code", "amount", "file", "held"],
)
def test_a_movement_that_fares_otherwise_is_named_with_both_ways(other: Sent | None, what: tuple[str, ...]) -> None:
    old, new = Replayed({FEE: SENT}), Replayed({FEE: other} if other else {}, {("alma", "1001", 0): "held: MOVED"})
    (found,) = changes(old, new)
    assert (found.key, found.what) == (FEE, what)
    assert found.old["system"] == "peoplesoft"
    assert found.new.get("system", found.new.get("box")) == (other.system if other else "held: MOVED")


def test_a_fee_in_another_box_is_named_and_one_in_the_same_is_not() -> None:
    old = Replayed({}, {("alma", "1", 0): "held: A", ("alma", "2", 0): "held: A"})
    new = Replayed({}, {("alma", "1", 0): "held: A", ("alma", "2", 0): "waiting: B"})
    assert [(one.key, one.what) for one in changes(old, new)] == [(("alma", "2", 0), ("box",))]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    """Two nights: a student and a guest, and one more fee of the student; no test changes them."""
    made = Nights(tmp_path_factory.mktemp("nights"))
    made.exported("a.xml", {}, {"fee_id": "1002", "barcode": "2", "patron_id_type": "01", "patron_id": "guest"})
    made.night(1)
    made.exported("b.xml", {"fee_id": "1003", "barcode": "3", "fee_type": "OTHER"}, number="101")
    made.night(2)
    return made


def changed(nights: Nights, folder: Path, toml: str) -> Path:
    """A campus file that lies elsewhere and says something else."""
    path = folder / "changed.toml"
    path.write_text(f'base = "{nights.campus_file}"\n{toml}', "utf-8")
    return path


def told(capsys: pytest.CaptureFixture[str], new: Path, nights: Nights, most: int = 30) -> tuple[int, dict[str, Any]]:
    code = whatif(new, most, nights.campus_file, as_json=True)
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, said


def test_the_same_campus_file_changes_nothing(
    tmp_path: Path, nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    new = changed(nights, tmp_path, "")
    before = sorted(path for path in nights.folder.rglob("*") if "sqlite-" not in path.name)
    code, said = told(capsys, new, nights)
    assert (code, said["rows"], said["files"], said["nights"]) == (0, [], [], 2)
    assert said["not_replayed"]
    assert sorted(path for path in nights.folder.rglob("*") if "sqlite-" not in path.name) == before


def test_a_past_night_that_would_be_asked_about_counts_as_approved(
    tmp_path: Path, nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(capsys, changed(nights, tmp_path, 'first_nights = "ask"\n'), nights)
    assert (code, said["rows"], said["files"]) == (0, [], [])


def test_another_code_is_listed_for_just_the_rows_that_have_it(
    tmp_path: Path, nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    new = changed(nights, tmp_path, 'fee_types.OTHER.codes.peoplesoft.item_type = "300000009999"\n')
    code, said = told(capsys, new, nights)
    assert code == 1
    assert [(row["fee_id"], row["what"]) for row in said["rows"]] == [("1003", ["code"])]
    assert said["rows"][0]["new"]["item_type"] == "300000009999"
    assert [one["name"] for one in said["files"]] == ["LIB_charges_20260106_0002.dat"]
    assert told(capsys, new, nights, 1)[1]["nights"] == 1


def test_another_route_moves_rows_to_another_system_and_file(
    tmp_path: Path, nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(capsys, changed(nights, tmp_path, 'routes = [{ to = "cashnet" }]\n'), nights)
    assert code == 1
    assert {row["fee_id"] for row in said["rows"]} == {"1001", "1003"}
    assert all({"route", "file"} <= set(row["what"]) for row in said["rows"])
    assert said["counts"]["route"] == 2


def test_another_layout_is_another_file_for_every_row(
    tmp_path: Path, nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    code, said = told(capsys, changed(nights, tmp_path, 'systems.peoplesoft.layout = "peoplesoft/princeton"\n'), nights)
    assert code == 1
    assert [(row["fee_id"], row["what"]) for row in said["rows"]] == [("1001", ["file"]), ("1003", ["file"])]


def test_it_is_told_in_words_too(tmp_path: Path, nights: Nights, capsys: pytest.CaptureFixture[str]) -> None:
    new = changed(nights, tmp_path, 'fee_types.OTHER.codes.peoplesoft.item_type = "300000009999"\n')
    assert whatif(new, 30, nights.campus_file, as_json=False) == 1
    out = capsys.readouterr().out
    assert "2 nights from 2026-01-05 to 2026-01-06" in out
    assert "fee 1003, movement 1: code: item_type 300000007005 -> 300000009999" in out
    assert "not replayed: looks in Alma" in out


def test_what_the_last_run_was_made_under_is_the_old_file_if_none_is_named(
    tmp_path: Path, nights: Nights, capsys: pytest.CaptureFixture[str]
) -> None:
    new = changed(nights, tmp_path, 'fee_types.OTHER.codes.peoplesoft.item_type = "300000009999"\n')
    with pytest.raises(UsageError, match="nothing to replay"):
        whatif(new, 30, None, as_json=True)
    home = shutil.copytree(nights.folder, tmp_path / "copy")
    new = changed(nights, home, 'fee_types.OTHER.codes.peoplesoft.item_type = "300000009999"\n')
    with pytest.raises(UsageError, match="name that file with --old"):
        whatif(new, 30, None, as_json=True)
    kept = home / "state" / "runs" / "2026-01-06-01" / "campus.json"
    replace(kept, [nights.loaded().campus.model_dump_json().encode()])
    assert whatif(new, 30, None, as_json=True) == 1
    assert json.loads(capsys.readouterr().out)["counts"] == {"code": 1}


def test_without_a_past_there_is_nothing_to_replay_and_no_ledger_is_made(tmp_path: Path) -> None:
    campus = tmp_path / "campus.toml"
    campus.write_text(f'base = "{Nights(tmp_path / "n").campus_file}"\nfolders.state = "nowhere"\n', "utf-8")
    with pytest.raises(UsageError, match="nothing to replay"):
        whatif(campus, 30, None, as_json=True)
    assert not (tmp_path / "nowhere").exists()


def test_the_past_is_the_runs_of_the_last_dates_with_the_files_that_came_for_each(nights: Nights) -> None:
    with closing(nights.ledger()) as ledger:
        history = past(ledger, 30)
        assert [one.run.business_date for one in history] == [date(2026, 1, day) for day in (5, 6)]
        assert [[file.name for file in one.files] for one in history] == [["a.xml"], ["b.xml"]]
        assert [one.run.business_date.day for one in past(ledger, 1)] == [6]
