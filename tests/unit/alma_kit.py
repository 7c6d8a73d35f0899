"""Alma bursar exports for tests, in as few words as possible: made-up fees in the layout of the published samples."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipeline import tables
from pipeline.readers import alma_export

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.money import Tally

NAMESPACE = "http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans"
NIL = ' xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"/>'
PROLOGUE = '<?xml version="1.0" encoding="UTF-8"?>\n'

ITEM = {
    "itemTitle": "Glaciers of the north /",
    "itemCallNumebr": "QK495.C11 S64 1977",
    "itemLibrary": "Library of Samples",
    "itemLocation": "Stacks",
    "itemInternalLocation": "Stacks",
    "itemDueDate": None,
    "itemBarcode": "039080036507785",
}
"""What an export says of the item; a fee without an item has an empty title and nothing else of it."""


def leaf(name: str, value: str | None) -> str:
    """Write one element; None makes it nil, as Alma does."""
    return f"<xb:{name}{NIL}" if value is None else f"<xb:{name}>{value}</xb:{name}>"


def fee(**said: str | None) -> str:
    """Write one fee; ``said`` gives other values than the usual ones, None for nil, or ``"-"`` to leave it out.

    ``more`` is written as it stands, at the end of the fee; ``money`` in the place of its compositeSum.
    """
    values: dict[str, str | None] = {
        "fineFeeComment": None,
        "fineFeeType": "OVERDUEFINE",
        "InstitutionId": "6761",
        "libraryId": "161686070006761",
        "libraryCode": "MAIN",
        "lastTransactionDate": "09/12/2025 15:22:06",
        **ITEM,
        "currency": "USD",
        "sum": "12.5",
        "vat": None,
        "bursarTransactionId": "15216075630006761",
        **said,
    }

    def these(*names: str) -> str:
        return "\n".join(leaf(name, values[name]) for name in names if values.get(name, "-") != "-")

    money = said.get("money") or f"<xb:compositeSum>\n{these('currency', 'sum', 'vat')}\n</xb:compositeSum>"
    owner = f"<xb:owneredEntity>\n{these('InstitutionId', 'libraryId', 'libraryCode')}\n</xb:owneredEntity>"
    parts = (
        these("fineFeeComment", "fineFeeType"),
        owner,
        these("lastTransactionDate", "itemTitle", "itemCallNumebr", "itemCallNumber", *list(ITEM)[2:]),
        money,
        these("bursarTransactionId"),
        said.get("more") or "",
    )
    return "<xb:userFineFee>\n" + "\n".join(part for part in parts if part) + "\n</xb:userFineFee>\n"


def patron(*fees: str, id_type: str | None = "02", value: str | None = "001234567", more: str = "") -> str:
    """Write one patron with their fees; ``"-"`` leaves a part of the id out."""
    said = "\n".join(leaf(name, text) for name, text in (("type", id_type), ("value", value)) if text != "-")
    return (
        f"<xb:userExportedFineFeesList>\n<xb:user>\n{said}\n<xb:owneredEntity>\n"
        f"<xb:InstitutionId>null</xb:InstitutionId>\n</xb:owneredEntity>\n</xb:user>\n"
        f"<xb:patronName>Nobody, Nora</xb:patronName>\n{more}<xb:finefeeList>\n{''.join(fees)}</xb:finefeeList>\n"
        f"</xb:userExportedFineFeesList>\n"
    )


def header(number: str = "198136520006761") -> str:
    """Write the sibling that says the number of the export."""
    return f"<xb:userExportedFineFees>\n{leaf('exportNumber', number)}\n</xb:userExportedFineFees>\n"


def data(*patrons: str) -> str:
    """Write the sibling that holds the data."""
    users = f"<xb:userExportedList>\n{''.join(patrons)}</xb:userExportedList>\n"
    return f"<xb:userExportedFineFees>\n{users}</xb:userExportedFineFees>\n"


def root(*parts: str, prologue: str = PROLOGUE, declared: str = "") -> str:
    """Write the root around its parts."""
    return f'{prologue}<xb:xml-fragment xmlns:xb="{NAMESPACE}"{declared}>\n{"".join(parts)}</xb:xml-fragment>\n'


def export(*fees: str) -> str:
    """Write a whole export of one patron with these fees."""
    return root(header(), data(patron(*fees)))


def written(folder: Path, text: str | bytes, name: str = "EXPORT-1-2.xml") -> Path:
    """Put an export on disk, in UTF-8 if it is text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path, **more: Any) -> pd.DataFrame:
    """Read an export with the product's reader, all of it in one table."""
    sha = hashlib.sha256(path.read_bytes()).hexdigest()
    wanted = {"source": "alma", "file_sha": sha, "limits": alma_export.Limits(), **more}
    frames = [tables.checked(frame, tables.READ_FEES, "read") for frame in alma_export.read(path, **wanted)]
    return pd.concat(frames, ignore_index=True) if frames else tables.READ_FEES.empty()


def read_text(folder: Path, text: str | bytes, **more: Any) -> pd.DataFrame:
    """Read an export that is given as text."""
    return read(written(folder, text), **more)


def tallies(fees: pd.DataFrame) -> dict[str, Tally]:
    """Count what was read and add it up by currency, as the second scan does."""
    return {str(currency): tables.tally(part) for currency, part in fees.groupby("currency")}
