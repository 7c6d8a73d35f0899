"""The tables that steps leave behind for people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from pipeline.findings import Outcome
from pipeline.flow import stage_tables

if TYPE_CHECKING:
    from pathlib import Path


def rows(*fee_ids: str) -> pd.DataFrame:
    return pd.DataFrame({"fee_id": pd.Series(fee_ids, dtype="str")})


def kept(folder: Path) -> dict[str, list[str]]:
    return {path.name: pd.read_parquet(path)["fee_id"].tolist() for path in (folder / "stages").iterdir()}


def test_every_box_with_rows_is_kept(tmp_path: Path) -> None:
    outcome = Outcome(rows("1", "2"), {"held": rows("3"), "excluded": rows()})
    stage_tables.keep("00-parse", None, outcome, tmp_path)
    assert kept(tmp_path) == {"00-parse-passed.parquet": ["1", "2"], "00-parse-held.parquet": ["3"]}


def test_a_table_that_a_step_passes_on_as_it_was_is_not_written_again(tmp_path: Path) -> None:
    table = rows("1")
    stage_tables.keep("00-batch", None, Outcome(table), tmp_path)
    stage_tables.keep("01-render", table, Outcome(table), tmp_path)
    assert kept(tmp_path) == {"00-batch-passed.parquet": ["1"]}


def test_a_disk_that_refuses_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "stages").write_text("no folder")
    with pytest.raises(OSError, match="stages"):
        stage_tables.keep("00-batch", None, Outcome(rows("1")), tmp_path)
