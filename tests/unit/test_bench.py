"""What `make bench` measures with: an export that is the same every time, and yardsticks that do what they say."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from bench import dom, generate
from bench.measure import python, run
from pipeline.money import total
from pipeline.readers import alma_count
from tests.unit.alma_kit import read, tallies

if TYPE_CHECKING:
    from pathlib import Path


def test_the_export_is_the_same_every_time_and_another_with_another_seed() -> None:
    assert list(generate.export(300)) == list(generate.export(300))
    assert list(generate.export(300)) != list(generate.export(300, seed=1))


def test_every_fee_of_it_is_a_fee_of_about_eleven_hundred_bytes(tmp_path: Path) -> None:
    path = tmp_path / "EXPORT.xml"
    generate.write(path, 2000)
    fees = read(path)
    assert len(fees) == 2000
    assert not (fees["unreadable"] != "").any()
    assert fees["fee_id"].is_unique
    assert 1000 < path.stat().st_size / 2000 < 1200
    assert 0.4 < (fees["patron_id_type"] == "02").mean() < 0.6
    assert set(fees.loc[fees["patron_id_type"] == "02", "patron_id"].str.len()) == {9}
    assert tallies(fees) == alma_count.count(path)


def test_the_plain_script_writes_one_line_per_fee(tmp_path: Path) -> None:
    path, out = tmp_path / "EXPORT.xml", tmp_path / "out.csv"
    generate.write(path, 100)
    dom.main(str(path), str(out))
    with out.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    assert len(rows) == 100
    assert sum(round(float(row[7]) * 100) for row in rows) == total(alma_count.count(path).values()).cents


def test_a_run_is_measured_with_all_its_processes() -> None:
    child = "x = b'1' * (60 << 20); import time; time.sleep(0.4)"
    code = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}]); sys.exit(3)"
    found = run(python("-c", code))
    assert found.code == 3
    assert found.mib > 60
    assert found.seconds > 0.4
