"""The second opinion on reports of records: their rows, and under which headings each of them stands."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from pipeline.layouts import scanning

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.layouts.model import Layout

WIDE = (b"\xff\xfe", b"\xfe\xff")
"""How text of two bytes a letter begins."""


def rows(layout: Layout, path: Path, wanted: list[str]) -> Iterator[tuple[str, ...]]:
    """Give the wanted cells of each row; one with another number of cells than headings has blanks."""
    built_in = [column.name for column in layout.detail.columns]
    names = built_in
    with path.open("rb") as stream:
        encoding = "utf-16" if stream.read(2) in WIDE else "utf-8-sig"
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        for cells in csv.reader(stream, delimiter=layout.delimiter):
            kind, *said = cells or [""]
            kind = kind.strip(" ")
            if kind == "SH":
                names = built_in
            elif kind == "CH":
                names = [scanning.own_name(layout, " ".join(one.split()), said) for one in said]
            elif kind == "SB":
                found = dict(zip(names, said, strict=False)) if len(said) == len(names) else {}
                yield tuple([found.get(name, "") for name in wanted])
