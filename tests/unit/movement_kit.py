"""Changes, charges as sent and movements for tests, made of as few words as possible."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipeline import tables
from tests.samples import sample_campus

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.campus.load import Loaded

STUDENT = {"patron_id_type": "02", "patron_id": "001234567"}

FEE: dict[str, Any] = {
    **STUDENT,
    "source": "report",
    "file_sha": "f" * 64,
    "line": 1,
    "fee_id": "F1",
    "fee_type": "OVERDUEFINE",
    "owner": "MAIN",
    "currency": "USD",
    "lists": "open_now",
    "fee_date": "2026-01-02",
    "version": 1,
}

CHARGE: dict[str, Any] = {
    **FEE,
    "content": "c" * 64,
    "movement": 1,
    "kind": "charge",
    "system": "peoplesoft",
    "bursar_id": "1234567",
    "item_type": "300000007000",
    "account_type": "SFS",
    "fund": "GF001",
    "term": "2262",
    "effective_date": "2026-01-02",
    "label": "Overdue fine",
    "payments_to": "api",
}
"""A charge as it was sent, in words that tonight's campus file would no longer choose."""

CHARGES = tables.MOVEMENTS.plus(
    "charges as sent",
    tables.Column("billed_cents", tables.WHOLE, "what is billed of its fee"),
    tables.Column("paid_cents", tables.WHOLE, "what was paid for its fee"),
    tables.Column("reversed", tables.FLAG, "whether a reversal undoes it"),
    tables.Column("sent_on", tables.TEXT, "day of its file"),
)


def rows_of(table: tables.Table, rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Make a frame of a noun; what a row does not say is blank."""
    names = {name for row in rows for name in row}
    blank = {
        column.name: {tables.TEXT: "", tables.WHOLE: 0, tables.FLAG: False}[column.dtype] for column in table.columns
    }
    return table.frame({name: [row.get(name, blank[name]) for row in rows] for name in names})


def changes(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make changes: a fall of a fee charged before by its ``amount_cents``, with what is said differently."""
    filled = []
    for row in rows:
        one = {**FEE, "change": "fallen", "movement": 2, "version": 2, "system": "peoplesoft", **row}
        one.setdefault("content", f"says {one['fee_id']} {one['version']} {one['amount_cents']}")
        filled.append(one)
    return rows_of(tables.CHANGES, filled)


def credit(cents: int, **said: Any) -> dict[str, Any]:
    """A CREDIT row of an export, worth ``cents``."""
    fresh = {"change": "credit", "fee_type": "CREDIT", "fee_id": "C1", "lists": "export", "system": ""}
    return {**fresh, "movement": 1, "version": 1, "amount_cents": -cents, **said}


def charges(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make charges as sent: each arrived on the 5th and is all that is billed of its fee, if it does not say else."""
    filled = []
    for row in rows:
        one = {**CHARGE, "sent_on": "2026-01-05", **row}
        one = {"against": one["fee_id"], "reference": reference(one), "billed_cents": one["amount_cents"], **one}
        filled.append(one)
    return rows_of(CHARGES, filled)


def movements(*rows: dict[str, Any]) -> pd.DataFrame:
    """Make movements ready for a file: first charges to PeopleSoft, with what is said differently."""
    filled = []
    for row in rows:
        one = {**CHARGE, "due_date": "2026-02-25", "description": "Overdue fine", **row}
        filled.append({"against": one["fee_id"], "reference": reference(one), **one})
    return rows_of(tables.MOVEMENTS, filled)


def reference(row: dict[str, Any]) -> str:
    """What the bursar is told to quote back for a charge or credit."""
    return row["fee_id"] if row["movement"] == 1 else f"{row['fee_id']}-{row['movement']}"


def decisions(*rows: tuple[str, str, int, str]) -> pd.DataFrame:
    """Make decisions: source, fee id and version, and the fee named for it."""
    import pandas as pd

    columns = zip(*rows, strict=True) if rows else ((), (), (), ())
    source, fee_id, version, against = (list(column) for column in columns)
    said = {"source": source, "fee_id": fee_id, "version": version, "against": against}
    frame = pd.DataFrame(said).astype({"source": "str", "fee_id": "str", "against": "str", "version": "int64"})
    return frame.assign(content="", code="CREDIT-UNRESOLVED", by="somebody", reason="why")


def campus(name: str = "peoplesoft", **said: Any) -> Loaded:
    """Load the sample campus with one system said differently; PeopleSoft takes credits, CASHNet snapshots."""
    loaded = sample_campus()
    systems = {**loaded.campus.systems, name: loaded.campus.systems[name].model_copy(update=said)}
    return replace(loaded, campus=loaded.campus.model_copy(update={"systems": systems}))


def without_credits() -> Loaded:
    """Load the sample campus with no item type for credits."""
    loaded = sample_campus()
    plain = {}
    for name, one in loaded.campus.fee_types.items():
        codes = {system: codes.model_copy(update={"credit_item_type": ""}) for system, codes in one.codes.items()}
        plain[name] = one.model_copy(update={"codes": codes})
    return replace(loaded, campus=loaded.campus.model_copy(update={"fee_types": plain}))
