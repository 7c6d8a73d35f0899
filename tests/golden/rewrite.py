"""Write the golden files anew: `make golden`.  Read the difference before you keep it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from tests.golden.report import sample
from tests.golden.story import told

NIGHTS = Path(__file__).parent / "nights"


def main() -> None:
    """Write the golden nights and the golden report."""
    shutil.rmtree(NIGHTS, ignore_errors=True)
    with tempfile.TemporaryDirectory() as folder:
        for name, content in told(Path(folder)):
            path = NIGHTS / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    sample.rewrite()


if __name__ == "__main__":
    main()
