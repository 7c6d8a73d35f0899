"""Statements of reports and what the ledger knows beside them, for tests, in as few words as possible."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.flow import books
from pipeline.flow.books import Entry, Line
from pipeline.money import dollars
from pipeline.stages.compare import compare
from pipeline.stages.fingerprint import fingerprints
from tests.samples import history, sample_campus

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)

STATEMENT: dict[str, Any] = {
    "source": "fines",
    "file_sha": "a" * 64,
    "line": 2,
    "patron_id_type": "02",
    "patron_id": "001234567",
    "fee_id": "1001",
    "fee_type": "OVERDUEFINE",
    "owner": "MAIN",
    "fee_time": "2026-01-02",
    "currency": "USD",
    "amount_cents": 5000,
    "lists": "open_now",
    "as_of": "2026-01-05",
}
POSITION: dict[str, Any] = {
    "source": "fines",
    "fee_id": "1001",
    "system": "peoplesoft",
    "patron_id_type": "02",
    "patron_id": "001234567",
    "original_cents": 5000,
    "billed_cents": 5000,
    "movement": 1,
    "version": 1,
    "lowered_on": "",
}
RECEIPT: dict[str, Any] = {"source": "fines", "fee_id": "1001", "cents": 2000, "day": "2026-01-03", "sure": True}
DECISION: dict[str, Any] = {
    "source": "fines",
    "fee_id": "1001",
    "version": 1,
    "content": "",
    "code": "",
    "against": "",
    "by": "ana",
    "reason": "seen",
}
FIGURE: dict[str, Any] = {"business_date": "2026-01-05", "scope": "fines", "what": "as_of", "count": 0, "cents": 0}


def said(*rows: dict[str, Any]) -> pd.DataFrame:
    """What a report says (tables.IDENTIFIABLE): remaining ``amount_cents``, and ``original_cents`` if it differs."""
    filled = [{"original_cents": row.get("amount_cents", 5000), **STATEMENT, **row} for row in rows]
    for row in filled:
        row["amount_text"] = dollars(row["amount_cents"])
    names = {name for row in filled for name in row} - {"content", "version", "known", "fee_date"}
    read = tables.READ_FEES.frame({name: [row.get(name, STATEMENT.get(name, "")) for row in filled] for name in names})
    content = [row.get("content", plain) for row, plain in zip(filled, fingerprints(read), strict=True)]
    return read.assign(content=content).astype({"content": "str"})


def stated(*rows: dict[str, Any]) -> pd.DataFrame:
    """What a report says, as compare is given it (tables.FEES): version 9 and not yet known, if it is not said."""
    read = said(*rows)
    given = tables.FEES.frame({name: read[name].tolist() for name in read.columns})
    return given.assign(
        version=[row.get("version", 9) for row in rows],
        known=[row.get("known", "") for row in rows],
        fee_date="2026-01-02",
    ).astype({"version": "int64", "known": "str", "fee_date": "str"})


def frame(like: dict[str, Any], rows: tuple[dict[str, Any], ...]) -> pd.DataFrame:
    """A frame with the columns and types of ``like``."""
    import pandas as pd

    kinds = {str: "str", int: "int64", bool: "bool"}
    filled = [{**like, **row} for row in rows]
    return pd.DataFrame(
        {name: pd.Series([row[name] for row in filled], dtype=kinds[type(value)]) for name, value in like.items()}
    )


def billed(*rows: dict[str, Any]) -> pd.DataFrame:
    """What the ledger has billed."""
    return frame(POSITION, rows)


def received(*rows: dict[str, Any]) -> pd.DataFrame:
    """Our payments of these fees."""
    return frame(RECEIPT, rows)


def decided(*rows: dict[str, Any]) -> pd.DataFrame:
    """What people decided."""
    return frame(DECISION, rows)


def dealt_with(day: date | None = None) -> pd.DataFrame:
    """Figures of earlier nights: the newest report was that of ``day``."""
    return frame(FIGURE, ({"count": day.toordinal()},) if day else ())


def compared(given: pd.DataFrame, today: date, **known: pd.DataFrame) -> tuple[Outcome, list[Line]]:
    """Compare, and work out the books of it."""
    tables_known = {
        "positions": billed(),
        "receipts": received(),
        "history": history(),
        "decisions": decided(),
        **known,
    }
    campus = sample_campus()
    outcome = compare(given, campus, today, **tables_known)
    entry = Entry("compare", given, [], tables_known, outcome, campus)
    return outcome, books.EQUATIONS["compare"](entry)
