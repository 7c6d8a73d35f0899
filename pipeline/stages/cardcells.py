"""The texts in a workbook, cell by cell, for those who must look at all of them: also at hidden sheets and notes."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from xml.parsers import expat

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

Place = tuple[int, int]
"""Row and column of a cell, counted from 1; 0 and 0 for what stands in none."""

NOWHERE: Place = (0, 0)
REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
SPELLED = re.compile(r"[0-9](?:\.[0-9]+)?[eE]\+?[0-9]{1,3}", re.ASCII)
STRINGS = "sharedstrings"
WITHIN = frozenset({"v", "is", "t", "r", "f", "rPr"})
"""What stands inside a cell; a formula and its value are two texts."""

XML = (".xml", ".rels", ".vml")


def cells(parts: Mapping[str, bytes]) -> Iterator[tuple[Place, str]]:
    """Give every text of a workbook with its place.  ``parts`` are its parts by name.

    A text that several cells share is given once for each of them; pieces of one text in different print are put
    together.  A part that is no good XML is given as it is besides, without its tags.
    """
    strings = [text for name, data in parts.items() if STRINGS in name.lower() for text in _texts(data, "si")]
    used: set[int] = set()
    for name, data in parts.items():
        if STRINGS in name.lower():
            continue
        if name.lower().startswith("xl/worksheets/") and name.lower().endswith(".xml"):
            for place, kind, text in _sheet(data):
                shared = kind == "s" and text.isdigit() and int(text) < len(strings)
                used |= {int(text)} if shared else set()
                yield place, strings[int(text)] if shared else _number(text)
        elif name.lower().endswith(XML):
            yield from ((NOWHERE, text) for text in _texts(data, "comment", "p", "si"))
            yield NOWHERE, _bare(data)
        else:
            yield NOWHERE, data.replace(b"\0", b"").decode("latin-1")
    yield from ((NOWHERE, text) for number, text in enumerate(strings) if number not in used)


def _number(text: str) -> str:
    """Write a number as people see it, not as 4.1E+15."""
    if SPELLED.fullmatch(text) is None:
        return text
    value = float(text)
    return str(int(value)) if value.is_integer() else text


def _bare(data: bytes) -> str:
    """A part without its tags, each of which ends a word."""
    return re.sub(r"<[^<>]*>", "\n", data.replace(b"\0", b"").decode("utf-8", "replace"))


def _texts(data: bytes, *names: str) -> Iterator[str]:
    """Give the text within each outermost element of these names."""
    found: list[str] = []
    inside: list[str] = []

    def start(name: str, _attributes: dict[str, str]) -> None:
        if inside or name.rpartition(":")[2] in names:
            if not inside:
                found.append("")
            inside.append(name)

    def end(_name: str) -> None:
        if inside:
            inside.pop()

    def text(piece: str) -> None:
        if inside:
            found[-1] += piece

    whole = _parse(data, start, end, text)
    yield from found if whole else [*found, _bare(data)]


def _sheet(data: bytes) -> Iterator[tuple[Place, str, str]]:
    """Give place, kind and text of every cell of a sheet, and what else it says (headers, footers)."""
    found: list[tuple[Place, str, str]] = [(NOWHERE, "", "")]

    def start(name: str, attributes: dict[str, str]) -> None:
        local = name.rpartition(":")[2]
        if local == "c":
            found.append((_place(attributes.get("r", "")), attributes.get("t", "n"), ""))
        elif local not in WITHIN:
            found.append((NOWHERE, "", ""))
        elif local in ("f", "v") and found[-1][2]:
            text("\n")

    def text(piece: str) -> None:
        place, kind, before = found[-1]
        found[-1] = (place, kind, before + piece)

    if not _parse(data, start, lambda _name: None, text):
        found.append((NOWHERE, "", _bare(data)))
    yield from (one for one in found if one[2].strip())


def _place(reference: str) -> Place:
    found = REFERENCE.fullmatch(reference)
    if found is None:
        return NOWHERE
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    return int(found[2]), column


def _parse(data: bytes, start: object, end: object, text: object) -> bool:
    """Go through a part as far as it is XML, and say whether all of it is; entities of its own are not followed."""
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = start  # type: ignore[assignment]
    parser.EndElementHandler = end  # type: ignore[assignment]
    parser.CharacterDataHandler = text  # type: ignore[assignment]
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(data, True)  # noqa: FBT003 - the parser takes its arguments by place only
    except (expat.ExpatError, _EntityError):
        return False
    return True


class _EntityError(Exception):
    """The part declares an entity, which could unpack without end."""


def _refuse(*_what: object) -> None:
    raise _EntityError
