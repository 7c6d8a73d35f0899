"""The golden nights, byte for byte; `make golden` writes them anew, and the difference is read before it is kept."""

from __future__ import annotations

from pathlib import Path

from tests.golden.story import told

GOLDEN = Path(__file__).parent / "nights"


def test_the_nights_of_every_way_give_the_golden_files_byte_for_byte_and_no_other(tmp_path: Path) -> None:
    now = dict(told(tmp_path))
    golden = {str(path.relative_to(GOLDEN)): path.read_bytes() for path in GOLDEN.rglob("*") if path.is_file()}
    assert sorted(now) == sorted(golden)
    assert {name: text.decode() for name, text in now.items()} == {name: text.decode() for name, text in golden.items()}
