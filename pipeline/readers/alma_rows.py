"""Makes the table of fees as read out of records, and says of every row that is no fee why not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import money
from pipeline.readers import alma_places as places
from pipeline.readers import keys
from pipeline.tables import READ_FEES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd
    import pyarrow as pa

    from pipeline.readers.alma_elements import Record
    from pipeline.readers.private import Private

KEYS = {
    "patron_id_type": "type of the patron's id",
    "patron_id": "patron id",
    "fee_id": "bursarTransactionId",
    "fee_type": "fineFeeType",
    "currency": "currency",
}
"""Columns that a fee cannot be without, and what they are called in the file or by people."""

MAY_HAVE_BLANKS = "patron_id"
"""A user name may be two words; a code never is."""

COLUMNS = {
    "patron_id_type": places.ID_TYPE,
    "patron_id": places.ID,
    "fee_id": places.FEE_ID,
    "fee_type": places.FEE_TYPE,
    "fee_time": places.TIME,
    "currency": places.CURRENCY,
    "amount_text": places.SUM,
    "vat_text": places.VAT,
    "barcode": places.BARCODE,
    "title": places.TITLE,
    "comment": places.COMMENT,
    "patron_name": places.NAME,
}
"""Columns that are what one slot says."""


LISTS = "export"
"""What an export says in the column ``lists``: each fee once, when it leaves Alma."""


def table(records: Sequence[Record], file_sha: str, private: Private) -> pa.Table:
    """Make a table of the columns that differ from fee to fee; cents are 0 where the text of an amount is none.

    Of private columns only what ``private`` allows is kept.  A fee without an id of its own is called after the file
    and the line where it stands (and which of the fees on that line it is, if it is not the first), so that it can be
    followed.
    """
    import pyarrow as pa

    columns = _columns(records)
    lines = [record[places.LINE] for record in records]
    columns["unreadable"] = _unreadable(columns, records)
    columns["fee_id"] = [
        fee if fee not in ("", keys.NOTHING) else _place(record, file_sha)
        for fee, record in zip(columns["fee_id"], records, strict=True)
    ]
    columns |= private.shown(columns)
    cents = money.cents_of_each(columns["amount_text"])
    amounts = pa.array([cents[text] or 0 for text in columns["amount_text"]], pa.int64())
    arrays = {name: pa.array(values, pa.large_string()) for name, values in columns.items()}
    return pa.table({**arrays, "line": pa.array(lines, pa.int64()), "amount_cents": amounts})


def _place(record: Record, file_sha: str) -> str:
    nth = record[places.NTH]
    return f"?{file_sha[:12]}-{record[places.LINE]}" + (f".{nth}" if nth > 1 else "")


def frame(parts: Sequence[pa.Table], source: str, file_sha: str, export_number: str) -> pd.DataFrame:
    """Put tables of one file together to a frame of tables.READ_FEES."""
    import pyarrow as pa

    whole = pa.concat_tables(parts).combine_chunks()
    same = {"source": source, "file_sha": file_sha, "export_number": export_number, "lists": LISTS}
    for name, value in {**same, "user_group": "", "as_of": ""}.items():
        whole = whole.append_column(name, pa.repeat(pa.scalar(value, pa.large_string()), whole.num_rows))
    whole = whole.append_column("original_cents", whole["amount_cents"])
    made: pd.DataFrame = whole.select(READ_FEES.names).to_pandas()
    return made


def _columns(records: Sequence[Record]) -> dict[str, list[str]]:
    """Turn records into columns of text, "" where nothing stands; blanks around a value are not part of it."""
    slots = list(zip(*records, strict=True))
    columns = {name: keys.texts(slots[slot], keys.XML_BLANKS) for name, slot in COLUMNS.items()}
    owned = (keys.texts(slots[place], keys.XML_BLANKS) for place in (places.LIBRARY, places.INSTITUTION))
    columns["owner"] = [
        library or ("" if institution == keys.NOTHING else institution)
        for library, institution in zip(*owned, strict=True)
    ]
    return columns


def _unreadable(columns: Mapping[str, list[str]], records: Sequence[Record]) -> list[str]:
    """Say of every row what keeps it from being a fee: what is odd in the file, or else all that is missing."""
    reasons: dict[int, list[str]] = {}
    for name, called in KEYS.items():
        for row, fault in keys.faults(columns[name], blanks=name == MAY_HAVE_BLANKS):
            reasons.setdefault(row, []).append(f"{called} {fault}")
    sums = columns["amount_text"]
    wrong = {text for text, cents in money.cents_of_each(sums).items() if cents is None}
    if wrong:
        for row, text in enumerate(sums):
            if text in wrong:
                shown = f"is {text[:24]!r}, which is not whole cents" if text else "is missing"
                reasons.setdefault(row, []).append(f"sum {shown}")
    return [record[places.FLAW] or "; ".join(reasons.get(row, ())) for row, record in enumerate(records)]
