"""A layout at work: load it, see which rows do not fit, write a file, read it back, count it, print its spec sheet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.layouts import delimited, fixed
from pipeline.layouts.counting import count, stated
from pipeline.layouts.load import LayoutError, check_all, load, names
from pipeline.layouts.model import Layout
from pipeline.layouts.naming import file_name
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
    "check_all",
    "count",
    "faults",
    "file_name",
    "load",
    "names",
    "notes",
    "read",
    "sheet",
    "stated",
    "to_json",
    "write",
]


def write(layout: Layout, rows: pd.DataFrame, kind: str, constants: Mapping[str, str]) -> Iterator[bytes]:
    """Give the bytes of a file with these rows (tables.MOVEMENTS), header and trailer included.

    ``kind`` is ours (charge, reversal, credit); ``constants`` are the settings of the system in the campus file.  The
    same rows give the same bytes.  Raises ValueError, at once or while the bytes are taken, for a row that ``faults``
    would name: such a row is to be held before, and a file begun with it is to be dropped.
    """
    done = printed(layout, rows, kind, constants)
    return fixed.blocks(layout, done) if layout.facts.format == "fixed" else delimited.blocks(layout, done)
