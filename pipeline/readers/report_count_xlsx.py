"""Takes a workbook as the archive of XML that it is, sheet by sheet and row by row, for the second count.

It knows no reader; of the library that the reader uses it asks only which number formats mean a day.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
import zlib
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, fromstring, iterparse

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
KEY = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
LETTERS = re.compile(r"[A-Za-z]+")
NO_AMOUNT = "?"
"""A cell in which something stands that is neither text nor a number: a formula, a day, an error, yes or no."""

DIGITS = 15
"""Digits that Excel keeps of a number.  A workbook holds numbers in binary; so many are what people see of it."""


def sheets(path: Path) -> Iterator[Iterator[list[str]]]:
    """Give the rows of every sheet, as long as the archive can be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            book = _parts(archive, "", "officeDocument")[0]
            strings = [text for part in _parts(archive, book, "sharedStrings") for text in _strings(archive, part)]
            days = {number for part in _parts(archive, book, "styles") for number in _days(archive, part)}
            for part in _sheet_parts(archive, book):
                yield _rows(archive, part, strings, days)
    except (zipfile.BadZipFile, zlib.error, ParseError, EOFError, RuntimeError, LookupError, ValueError):
        return


def _targets(archive: zipfile.ZipFile, part: str) -> Iterator[tuple[str, str, str]]:
    """Give what a part leads to: key, kind, and name in the archive."""
    folder, name = posixpath.split(part)
    for one in fromstring(archive.read(posixpath.join(folder, "_rels", f"{name}.rels"))):  # noqa: S314 - see the reader
        target = one.get("Target", "")
        whole = target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join(folder, target))
        yield one.get("Id", ""), one.get("Type", "").rpartition("/")[2], whole


def _parts(archive: zipfile.ZipFile, part: str, kind: str) -> list[str]:
    return [target for _, found, target in _targets(archive, part) if found == kind]


def _sheet_parts(archive: zipfile.ZipFile, book: str) -> Iterator[str]:
    """Give the sheets in the order in which the workbook shows them."""
    targets = {key: target for key, kind, target in _targets(archive, book) if kind == "worksheet"}
    for sheet in fromstring(archive.read(book)).iter(f"{MAIN}sheet"):  # noqa: S314
        if sheet.get(KEY, "") in targets:
            yield targets[sheet.get(KEY, "")]


def _strings(archive: zipfile.ZipFile, part: str) -> Iterator[str]:
    with archive.open(part) as stream:
        for _, element in iterparse(stream):  # noqa: S314
            if element.tag == f"{MAIN}si":
                yield _text(element)
                element.clear()


def _text(element: Element) -> str:
    """Put the pieces of a text together; how it is pronounced is not part of it."""
    pieces = [element.findtext(f"{MAIN}t", ""), *(run.findtext(f"{MAIN}t", "") for run in element.iter(f"{MAIN}r"))]
    return "".join(pieces)


def _days(archive: zipfile.ZipFile, part: str) -> Iterator[int]:
    """Give the numbers of the styles in which a number is shown as a day or an hour."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, is_date_format

    root = fromstring(archive.read(part))  # noqa: S314
    formats = dict(BUILTIN_FORMATS)
    formats |= {int(one.get("numFmtId", "0")): one.get("formatCode", "") for one in root.iter(f"{MAIN}numFmt")}
    for number, style in enumerate(root.iterfind(f"{MAIN}cellXfs/{MAIN}xf")):
        if is_date_format(formats.get(int(style.get("numFmtId", "0")), "General")):
            yield number


def _rows(archive: zipfile.ZipFile, part: str, strings: Sequence[str], days: set[int]) -> Iterator[list[str]]:
    with archive.open(part) as stream:
        for _, element in iterparse(stream):  # noqa: S314
            if element.tag == f"{MAIN}row":
                cells = _cells(element, strings, days)
                element.clear()
                if cells:
                    yield cells


def _cells(row: Element, strings: Sequence[str], days: set[int]) -> list[str]:
    found: dict[int, str] = {}
    place = -1
    for cell in row:
        place = _place(cell.get("r", ""), place)
        found[place] = _said(cell, strings, days)
    last = max((place for place, text in found.items() if text.strip()), default=-1)
    return [found.get(place, "") for place in range(last + 1)]


def _place(reference: str, before: int) -> int:
    letters = LETTERS.match(reference)
    if letters is None:
        return before + 1
    place = 0
    for letter in letters[0].upper():
        place = place * 26 + ord(letter) - ord("A") + 1
    return place - 1


def _said(cell: Element, strings: Sequence[str], days: set[int]) -> str:
    kind, value = cell.get("t", "n"), cell.findtext(f"{MAIN}v", "")
    if cell.find(f"{MAIN}f") is not None:
        return NO_AMOUNT
    if kind == "inlineStr":
        inside = cell.find(f"{MAIN}is")
        return "" if inside is None else _text(inside)
    if not value or kind == "str":
        return value
    if kind == "s":
        return strings[int(value)]
    if kind != "n" or int(cell.get("s", "0")) in days:
        return NO_AMOUNT
    return f"{float(value):.{DIGITS}g}"
