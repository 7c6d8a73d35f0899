"""The second opinion on workbooks: goes through the XML of the sheets, and knows no library that reads them."""

from __future__ import annotations

import posixpath
import re
import zipfile
from decimal import Decimal
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, fromstring

from pipeline.layouts import scanning

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from pipeline.layouts.model import Layout

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
LETTERS = re.compile(r"[A-Z]+")
DIGITS = 15
TOP = 20
"""So many rows may stand above and hold the headings."""


def rows(layout: Layout, path: Path, wanted: list[str]) -> Iterator[tuple[str, ...]]:
    """Give the wanted cells of each row below the headings, on the first sheet that is shown and has them."""
    needed = {column.name for column in layout.detail.columns if not column.optional}
    for lines in _sheets(path):
        for at, line in enumerate(lines[:TOP]):
            texts = {place: " ".join(text[1:].split()) for place, text in line.items()}
            names = {place: scanning.own_name(layout, text, list(texts.values())) for place, text in texts.items()}
            if needed <= set(names.values()):
                places = {name: place for place, name in names.items()}
                for cells in lines[at + 1 :]:
                    yield tuple([_cents(layout, name, cells.get(places.get(name, -1), "")) for name in wanted])
                return


def _cents(layout: Layout, name: str, text: str) -> str:
    """A number in the column of the money is written with two places; text stays as it is."""
    mark, plain = text[:1], text[1:]
    if mark != "#":
        return plain
    if layout.amount is None or name != layout.amount.name or layout.amount.show != "dollars":
        return plain
    value = Decimal(f"{float(plain):.{DIGITS}g}")
    return f"{value:.2f}" if value * 100 == int(value * 100) else plain


def _sheets(path: Path) -> Iterator[list[dict[int, str]]]:
    """Give the rows of each sheet that is shown: by column, a mark (``#`` for a number, else ``=``) and the text."""
    with zipfile.ZipFile(path) as archive:
        book = _target(archive, "", "officeDocument")[0]
        strings = [
            _text(one)
            for part in _target(archive, book, "sharedStrings")
            for one in _root(archive, part).iter(f"{MAIN}si")
        ]
        targets = _targets(archive, book)
        for sheet in _root(archive, book).iter(f"{MAIN}sheet"):
            if sheet.get("state", "visible") == "visible" and targets[sheet.get(RELATION, "")][0] == "worksheet":
                lines = _root(archive, targets[sheet.get(RELATION, "")][1]).iter(f"{MAIN}row")
                yield [cells for line in lines if (cells := _cells(line, strings))]


def _root(archive: zipfile.ZipFile, part: str) -> Element:
    return fromstring(archive.read(part))  # noqa: S314 - looked through for document types when it is read


def _targets(archive: zipfile.ZipFile, part: str) -> Mapping[str, tuple[str, str]]:
    """Give what a part leads to: by key, the kind and the name in the archive."""
    folder, name = posixpath.split(part)
    found = {}
    for one in _root(archive, posixpath.join(folder, "_rels", f"{name}.rels")):
        to = one.get("Target", "")
        whole = to.lstrip("/") if to.startswith("/") else posixpath.normpath(posixpath.join(folder, to))
        found[one.get("Id", "")] = (one.get("Type", "").rpartition("/")[2], whole)
    return found


def _target(archive: zipfile.ZipFile, part: str, kind: str) -> list[str]:
    return [name for found, name in _targets(archive, part).values() if found == kind]


def _text(element: Element) -> str:
    """Put the pieces of a text together; how it is pronounced is not part of it."""
    pieces = [element.findtext(f"{MAIN}t", ""), *(run.findtext(f"{MAIN}t", "") for run in element.iter(f"{MAIN}r"))]
    return "".join(pieces)


def _cells(row: Element, strings: Sequence[str]) -> dict[int, str]:
    found: dict[int, str] = {}
    place = -1
    for cell in row:
        letters = LETTERS.match(cell.get("r", ""))
        place = place + 1 if letters is None else _column(letters[0])
        text = _said(cell, strings)
        if text:
            found[place] = text
    return found


def _column(letters: str) -> int:
    place = 0
    for letter in letters:
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _said(cell: Element, strings: Sequence[str]) -> str:
    """Give mark and text of a cell; a formula says nothing."""
    kind, value = cell.get("t", "n"), cell.findtext(f"{MAIN}v", "")
    if cell.find(f"{MAIN}f") is not None:
        return "="
    if kind == "inlineStr":
        inside = cell.find(f"{MAIN}is")
        return "" if inside is None else f"={_text(inside)}"
    if not value:
        return ""
    if kind == "s":
        return f"={strings[int(value)]}"
    return f"#{value}" if kind == "n" else f"={value}"
