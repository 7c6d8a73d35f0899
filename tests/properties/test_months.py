"""Months made of seeds: whatever the reports say late, the books agree with Alma every night."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from tests.properties.export_month import exported_month
from tests.properties.month import lived

if TYPE_CHECKING:
    from pathlib import Path

SEEDS = range(1, 1 + int(os.environ.get("BURSAR_MONTHS", "1")))
DAYS = int(os.environ.get("BURSAR_DAYS", "8"))
"""So many in `make test`; `make model` lives more and longer ones."""


@pytest.mark.parametrize("seed", SEEDS)
def test_what_is_billed_is_what_the_report_says_less_what_is_held_or_waits_and_twice_the_same_bytes(
    seed: int, tmp_path: Path
) -> None:
    once = lived(tmp_path / "once", seed, DAYS)
    assert once
    assert lived(tmp_path / "again", seed, DAYS) == once


@pytest.mark.parametrize("seed", SEEDS)
def test_all_that_was_exported_is_billed_or_held_or_waits_to_the_cent(seed: int, tmp_path: Path) -> None:
    assert exported_month(tmp_path, seed, DAYS)
