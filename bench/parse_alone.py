"""The product's reader alone: every fee becomes a row of a table, and the table is dropped.

Prints the seconds that it took, without the start of Python and of pandas.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa

from pipeline.readers import alma_export


def main(export: str) -> None:
    """Read the file and forget it."""
    pd.DataFrame({"fee": pd.Series(["first use"], dtype="str")})
    pa.table({"fee": ["first use"]}).to_pandas()
    begun = time.perf_counter()
    for _ in alma_export.read(Path(export), source="bench", file_sha="0" * 64, limits=alma_export.Limits()):
        pass
    print(time.perf_counter() - begun)


if __name__ == "__main__":
    main(sys.argv[1])
