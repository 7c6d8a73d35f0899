"""The tables that steps leave behind for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from pipeline.findings import Outcome
from pipeline.flow.stage_tables import StageTables

if TYPE_CHECKING:
    from pathlib import Path


def rows(*fee_ids: str) -> pd.DataFrame:
    return pd.DataFrame({"fee_id": pd.Series(fee_ids, dtype="str")})


def kept(folder: Path) -> dict[str, list[str]]:
    return {path.name: pd.read_parquet(path)["fee_id"].tolist() for path in (folder / "stages").iterdir()}


def test_every_box_with_rows_is_on_disk_when_the_steps_are_over(tmp_path: Path) -> None:
    with StageTables(tmp_path) as evidence:
        evidence.keep("00-parse", None, Outcome(rows("1", "2"), {"held": rows("3"), "excluded": rows()}))
        evidence.keep("01-route", None, Outcome(rows("1")))
    assert kept(tmp_path) == {
        "00-parse-passed.parquet": ["1", "2"],
        "00-parse-held.parquet": ["3"],
        "01-route-passed.parquet": ["1"],
    }


def test_a_table_that_a_step_passes_on_as_it_was_is_not_written_again(tmp_path: Path) -> None:
    table = rows("1")
    with StageTables(tmp_path) as evidence:
        evidence.keep("00-batch", None, Outcome(table))
        evidence.keep("01-render", table, Outcome(table))
    assert kept(tmp_path) == {"00-batch-passed.parquet": ["1"]}


def test_what_settles_is_on_disk_at_once(tmp_path: Path) -> None:
    with StageTables(tmp_path) as evidence:
        evidence.keep("00-batch", None, Outcome(rows("1")))
        evidence.settle()
        assert kept(tmp_path) == {"00-batch-passed.parquet": ["1"]}


def test_a_disk_that_refuses_is_told_before_anything_is_booked(tmp_path: Path) -> None:
    (tmp_path / "stages").write_text("no folder")
    with StageTables(tmp_path) as evidence:
        evidence.keep("00-batch", None, Outcome(rows("1")))
        with pytest.raises(OSError, match="stages"):
            evidence.settle()


def test_a_disk_that_refuses_the_last_table_is_told_at_the_end(tmp_path: Path) -> None:
    (tmp_path / "stages").write_text("no folder")
    with pytest.raises(OSError, match="stages"), StageTables(tmp_path) as evidence:
        evidence.keep("00-batch", None, Outcome(rows("1")))


def test_what_stopped_the_steps_is_told_rather_than_a_table_that_was_not_written(tmp_path: Path) -> None:
    (tmp_path / "stages").write_text("no folder")
    with pytest.raises(ZeroDivisionError):
        _fail_after_a_step(tmp_path)


def _fail_after_a_step(folder: Path) -> None:
    with StageTables(folder) as evidence:
        evidence.keep("00-batch", None, Outcome(rows("1")))
        raise ZeroDivisionError
