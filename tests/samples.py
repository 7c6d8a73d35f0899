"""Fees and campuses for tests, made of as few words as possible."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import money, tables
from pipeline.campus.load import Loaded, load
from pipeline.stages.fingerprint import fingerprints

if TYPE_CHECKING:
    import pandas as pd

SAMPLES = Path(__file__).parent.parent / "sample_data"
CAMPUS = SAMPLES / "export" / "campus.toml"

GOOD: dict[str, Any] = {
    "source": "alma",
    "file_sha": "f" * 64,
    "line": 1,
    "export_number": "100",
    "patron_id_type": "02",
    "patron_id": "001234567",
    "fee_id": "1001",
    "fee_type": "OVERDUEFINE",
    "owner": "MAIN",
    "fee_time": "09/12/2025 15:22:06",
    "currency": "USD",
    "amount_text": "12.5",
    "barcode": "039080036507785",
    "lists": "export",
}


def sample_campus() -> Loaded:
    """Load the sample campus as it is shipped."""
    return load(CAMPUS)


def fees(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make fees to identify: each row is a good fee with what is said differently."""
    filled = [{**GOOD, **row} for row in rows]
    for row in filled:
        row.setdefault("amount_cents", money.cents_of_each([row["amount_text"]])[row["amount_text"]] or 0)
        row.setdefault("original_cents", row["amount_cents"])
    names = {name for row in filled for name in row}
    read = tables.READ_FEES.frame({name: [row.get(name, "") for row in filled] for name in names})
    return read.assign(content=fingerprints(read))


def history(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make what the ledger knows of fees: source, fee_id, as_of, version, content, original_cents, state, system."""
    import pandas as pd

    names = {"source": "str", "fee_id": "str", "version": "int64", "content": "str", "state": "str", "system": "str"}
    names |= {"original_cents": "int64"}
    said = [{"as_of": "", "original_cents": 0, **row} for row in rows]
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in said], dtype=kind) for name, kind in {**names, "as_of": "str"}.items()}
    )
