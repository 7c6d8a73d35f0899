"""A layout at work: load it, see which rows do not fit, write a file, read it back, count it, print its spec sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.layouts import delimited, fixed
from pipeline.layouts.counting import count, stated
from pipeline.layouts.load import LayoutError, check_all, load, names
from pipeline.layouts.model import Layout
from pipeline.layouts.naming import file_name
from pipeline.layouts.order import in_order
from pipeline.layouts.raw import UnreadableFileError
from pipeline.layouts.reading import read
from pipeline.layouts.returned import Returned, to_json
from pipeline.layouts.rows import Changed, faults, notes, printed
from pipeline.layouts.ruler import sheet

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

__all__ = [
    "Changed",
    "Layout",
    "LayoutError",
    "Returned",
    "UnreadableFileError",
    "as_written",
    "check_all",
    "count",
    "faults",
    "file_name",
    "in_order",
    "load",
    "names",
    "notes",
    "read",
    "sheet",
    "stated",
    "to_json",
    "write",
]


def as_written(rows: pd.DataFrame) -> pd.DataFrame:
    """Give rows as a bursar is told them: amounts without a sign, and the patron's id as the bursar writes it.

    This is the one place where what lowers a debt loses its minus sign; which way it goes, the file's kind says.
    """
    told = {"amount_cents": rows["amount_cents"].abs()}
    if "bursar_id" in rows.columns:
        told["patron_id"] = rows["bursar_id"].where(rows["bursar_id"] != "", rows["patron_id"])
    return rows.assign(**told)


def write(layout: Layout, rows: pd.DataFrame, kind: str, constants: Mapping[str, str]) -> Iterator[bytes]:
    """Give the bytes of a file with these rows (tables.MOVEMENTS, ``as_written``), header and trailer included.

    ``kind`` is ours (charge, reversal, credit); ``constants`` are the settings of the system in the campus file.  The
    same rows give the same bytes.  Raises ValueError, at once or while the bytes are taken, for a row that ``faults``
    would name: such a row is to be held before, and a file begun with it is to be dropped.
    """
    done = printed(layout, rows, kind, constants)
    return fixed.blocks(layout, done) if layout.facts.format == "fixed" else delimited.blocks(layout, done)
