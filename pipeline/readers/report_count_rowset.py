"""Takes the pages of an Analytics report a row at a time, for the second count; it knows no reader."""

from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element, ParseError, iterparse

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWSET = "{urn:schemas-microsoft-com:xml-analysis:rowset}rowset"
ROW = "{urn:schemas-microsoft-com:xml-analysis:rowset}Row"
ELEMENT = "{http://www.w3.org/2001/XMLSchema}element"
HEADING = "{urn:saw-sql}columnHeading"
NO_COLUMN = "Column0"


def rows(path: Path) -> Iterator[list[str]]:
    """Give the headings, and every row as the cells under them, as long as the XML can be read."""
    names: dict[str, str] = {}
    above: list[Element] = []
    begun = False
    try:
        for event, element in iterparse(path, ("start", "end")):  # noqa: S314 - the reader refuses hostile XML before
            if event == "start":
                if element.tag == ROW and not begun:
                    begun = True
                    yield list(names.values())
                above.append(element)
                continue
            above.pop()
            if element.tag == ELEMENT and not begun:
                _learn(names, element)
            elif element.tag == ROW and above and above[-1].tag == ROWSET:
                yield _cells(element, names)
                above[-1].remove(element)
    except (ParseError, LookupError, ValueError):
        return


def _learn(names: dict[str, str], element: Element) -> None:
    name, heading = element.get("name", ""), element.get(HEADING)
    if heading is not None and name != NO_COLUMN:
        names.setdefault(name, heading)


def _cells(row: Element, names: dict[str, str]) -> list[str]:
    """Give the cells by the numbers of the headings; nothing for one that stands twice or around other elements."""
    found: dict[str, str] = {}
    for cell in row:
        name = cell.tag.rpartition("}")[2]
        found[name] = "" if name in found or len(cell) else cell.text or ""
    return [found.get(name, "") for name in names]
