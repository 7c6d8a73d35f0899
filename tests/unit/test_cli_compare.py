"""The old process's file against ours: what only one of them has, and what differs, by cause."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import files
from pipeline.cli.compare import Wish, compare
from pipeline.cli.contrast import Contrast, contrast
from pipeline.cli.failures import UsageError
from pipeline.layouts import layout as layouts
from pipeline.money import Tally
from tests.nights import Nights
from tests.samples import CAMPUS
from tests.unit.test_recognise import movements

if TYPE_CHECKING:
    from pathlib import Path

ROW: dict[str, Any] = {
    "line": 1,
    "reference": "1001",
    "patron_id": "001234567",
    "amount_cents": 1250,
    "item_type": "300000007000",
    "term": "2257",
    "effective_date": "2025-09-12",
    "unreadable": "",
}
COLUMNS = sorted({*ROW} - {"line", "unreadable"})


def rows(*said: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**ROW, "line": number, **one} for number, one in enumerate(said, start=1)]


def against(old: list[dict[str, Any]], ours: list[dict[str, Any]]) -> Contrast:
    return contrast(old, ours, COLUMNS)


def test_the_same_rows_in_another_order_are_the_same() -> None:
    old = rows({}, {"reference": "1002"}, {"reference": "1002"})
    found = against(old, list(reversed(old)))
    assert (found.same, found.differences) == (Tally(3, 3750), ())


@pytest.mark.parametrize(
    ("said", "cause", "cents"),
    [
        ({"amount_cents": 1300}, "amount", 50),
        ({"term": "2262"}, "term", 1250),
        ({"item_type": "300000009999"}, "code", 1250),
        ({"effective_date": "2025-09-13"}, "date", 1250),
        ({"patron_id": "1234567"}, "patron", 1250),
        ({"reference": "L1001"}, "reference", 1250),
    ],
)
def test_a_pair_that_differs_is_put_down_to_its_cause(said: dict[str, Any], cause: str, cents: int) -> None:
    found = against(rows({}), rows(said))
    assert found.by_cause() == {cause: Tally(1, cents)}
    assert found.differences[0].columns == tuple(said)


def test_a_pair_that_differs_in_two_ways_counts_for_both() -> None:
    assert set(against(rows({}), rows({"term": "1", "amount_cents": 1})).by_cause()) == {"amount", "term"}


def test_what_only_one_side_has_stands_alone() -> None:
    other = {"reference": "2", "patron_id": "x", "amount_cents": 700}
    found = against(rows({}, other), rows({}, {"reference": "3", "patron_id": "y", "amount_cents": 5}))
    assert found.by_cause() == {"only there": Tally(1, 700), "only here": Tally(1, 5)}
    assert found.same == Tally(1, 1250)


def test_rows_without_a_reference_are_paired_by_patron_and_amount() -> None:
    old = rows({"reference": ""}, {"reference": "", "patron_id": "x"})
    found = against(old, rows({"patron_id": "x", "reference": "7"}, {"reference": "8"}))
    assert found.by_cause() == {"reference": Tally(2, 2500)}


def test_of_twins_one_missing_is_one_difference() -> None:
    found = against(rows({}, {}), rows({}))
    assert (found.same, found.by_cause()) == (Tally(1, 1250), {"only there": Tally(1, 1250)})


def test_a_row_that_cannot_be_read_is_told_and_paired_with_nothing() -> None:
    found = against(rows({"unreadable": "no amount", "amount_cents": 0}), rows({}))
    assert found.by_cause() == {"only here": Tally(1, 1250), "unreadable": Tally(1, 0)}


LAYOUT = "peoplesoft/default"
CONSTANTS = {"origin_id": "00041"}


def written(path: Path, *said: dict[str, Any]) -> Path:
    """A file as the layout writes it."""
    plain = {"item_type": "300000007000", "term": "2257", "effective_date": "2025-09-12", "currency": "USD"}
    frame = movements(*({**plain, **one} for one in said))
    blocks = layouts.write(layouts.load(LAYOUT), layouts.as_written(frame), "charge", CONSTANTS)
    path.write_bytes(b"".join(blocks))
    return path


def told(capsys: pytest.CaptureFixture[str], wish: Wish) -> tuple[int, dict[str, Any]]:
    code = compare(wish, as_json=True)
    said: dict[str, Any] = json.loads(capsys.readouterr().out)
    return code, said


def test_two_files_are_compared_through_their_layouts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = written(tmp_path / "old.dat", {}, {"reference": "2002", "amount_cents": 500})
    ours = written(tmp_path / "ours.dat", {}, {"reference": "2002", "amount_cents": 600})
    code, said = told(capsys, Wish(old, LAYOUT, CAMPUS, ours=ours))
    assert code == 1
    assert said["same"] == {"count": 1, "cents": 1250}
    assert said["causes"] == {"amount": {"count": 1, "cents": 100}}
    assert said["rows"][0]["differs"] == {"amount_cents": {"old": 500, "ours": 600}}
    assert told(capsys, Wish(old, LAYOUT, CAMPUS, ours=old))[0] == 0


def test_it_is_told_in_words_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = written(tmp_path / "old.dat", {}, {"reference": "2002", "amount_cents": 500})
    ours = written(tmp_path / "ours.dat", {"term": "2262"})
    assert compare(Wish(old, LAYOUT, CAMPUS, ours=ours), as_json=False) == 1
    out = capsys.readouterr().out
    assert "term: 1 rows, 12.50" in out
    assert "term '2257' there, '2262' here" in out
    assert "only there: 1 rows, 5.00" in out


def test_a_file_that_cannot_be_used_is_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = tmp_path / "old.dat"
    old.write_text("nonsense\n", "utf-8")
    assert compare(Wish(old, LAYOUT, CAMPUS, ours=written(tmp_path / "b", {})), as_json=True) == 2
    assert "old.dat" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("wish", "says"),
    [({"system": "bursar"}, "no such system"), ({"layout": "peoplesoft/paid"}, "is not a layout of files that go")],
)
def test_a_wish_that_cannot_be_is_one_line(tmp_path: Path, wish: dict[str, Any], says: str) -> None:
    path = written(tmp_path / "a.dat", {})
    with pytest.raises(UsageError, match=says):
        compare(replace(Wish(path, LAYOUT, CAMPUS, ours=path), **wish), as_json=True)


def test_without_a_run_there_is_no_file_of_ours(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    with pytest.raises(UsageError, match="no run has made a file yet"):
        compare(Wish(written(tmp_path / "a.dat", {}), LAYOUT, nights.campus_file), as_json=True)


def test_the_newest_file_of_ours_is_taken_and_must_be_as_it_was_made(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {})
    nights.night(1)
    nights.night(2)
    (name, text), *_ = nights.delivered("peoplesoft/in").items()
    old = tmp_path / "old.dat"
    old.write_text(text, "utf-8")
    code, said = told(capsys, Wish(old, LAYOUT, nights.campus_file))
    assert (code, said["ours"]["files"], said["same"]["count"]) == (0, [name], 1)
    with closing(nights.ledger()) as ledger:
        made = nights.loaded().state / ledger.uploads_of([name])[0].batch.path
    files.replace(made, [b"other"])
    with pytest.raises(UsageError, match="was changed since it was made"):
        compare(Wish(old, LAYOUT, nights.campus_file), as_json=True)
