"""The box's Alma imports files as the published pages say, and pays as often as she is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline import files
from pipeline.sandbox import import_job
from pipeline.sandbox.records import CLOSED, EXPORTED
from pipeline.sandbox.world import World
from pipeline.stages.import_file import document
from tests.unit.sandbox_kit import STUDENT, HandClock
from tests.unit.test_import_file import a_paid

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.sandbox.records import Fee


def world() -> tuple[World, Fee]:
    made = World(HandClock())
    made.add_user(STUDENT)
    return made, made.exported(made.add_fee(STUDENT, "OVERDUEFINE", 1000, bursar_id="1001"), "BURSAR")


def imported(made: World, folder: Path, cents: int, fee_id: str = "1001") -> import_job.Imported:
    path = folder / "payments.xml"
    files.replace(path, document([a_paid(cents, fee_id=fee_id)], "1"))
    return import_job.import_file(made, path)


def test_a_part_lowers_the_balance_and_the_rest_closes_the_fee(tmp_path: Path) -> None:
    made, fee = world()
    assert imported(made, tmp_path, 400) == import_job.Imported(1, 400, 0, ())
    assert (made.fees[fee.fee_id].balance_cents, made.fees[fee.fee_id].status) == (600, EXPORTED)
    imported(made, tmp_path, 600)
    assert (made.fees[fee.fee_id].balance_cents, made.fees[fee.fee_id].status) == (0, CLOSED)
    assert [one.cents for one in made.fees[fee.fee_id].transactions if one.kind == import_job.KIND] == [400, 600]


def test_the_same_file_twice_pays_twice_and_what_is_too_much_becomes_a_credit(tmp_path: Path) -> None:
    made, fee = world()
    imported(made, tmp_path, 600)
    assert imported(made, tmp_path, 600).credited == 200
    assert sorted(one.balance_cents for one in made.fees.values()) == [-200, 0]
    assert made.fees[fee.fee_id].status == CLOSED


def test_a_fee_is_found_by_almas_own_id_too_and_an_unknown_one_is_named(tmp_path: Path) -> None:
    made, fee = world()
    assert imported(made, tmp_path, 1, fee.fee_id).payments == 1
    assert imported(made, tmp_path, 1, "nobody").unknown == ("nobody",)


def test_files_are_taken_away_and_those_still_being_written_are_left(tmp_path: Path) -> None:
    made, _ = world()
    files.replace(tmp_path / "a.xml", document([a_paid(100)], "1"))
    (tmp_path / ".b.xml.part").write_text("half", "utf-8")
    assert import_job.collect(made, tmp_path).keys() == {"a.xml"}
    assert [path.name for path in tmp_path.iterdir()] == [".b.xml.part"]


def test_another_currency_stops_the_job(tmp_path: Path) -> None:
    made, _ = world()
    files.replace(tmp_path / "a.xml", (block.replace(b"USD", b"EUR") for block in document([a_paid(1)], "1")))
    with pytest.raises(ValueError, match="is no payment"):
        import_job.import_file(made, tmp_path / "a.xml")
