"""Reads once more, out of a bursar export of Alma, by which ids a fee and its patron were named there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pipeline.readers.alma_places import NAMESPACE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

INSIDE = f"{{{NAMESPACE}}}"

DESCRIBES = frozenset(
    {
        "fineFeeComment",
        "lastTransactionDate",
        "itemTitle",
        "itemCallNumebr",
        "itemCallNumber",
        "itemLibrary",
        "itemLocation",
        "itemInternalLocation",
        "itemDueDate",
        "itemBarcode",
    }
)
"""What an export says of a fee's item and of its day: no id of the fee, and some of it is private."""


@dataclass(frozen=True, slots=True)
class Node:
    """An element of an export as it was received: its name without a prefix, and its text or what stands inside."""

    name: str
    text: str = ""
    inside: tuple[Node, ...] = ()


@dataclass(frozen=True, slots=True)
class Original:
    """How an export named a fee: the number of the export, the patron, and every element of the fee but DESCRIBES.

    An element that no published export has may be the second id of which Alma's pages speak, so it is kept too.  Empty
    elements are left out: they name nothing.
    """

    export_number: str
    user: tuple[Node, ...]
    fee: tuple[Node, ...]


def originals(path: Path, fee_ids: Collection[str]) -> dict[str, Original]:
    """Find the fees of these bursar transaction ids in an export that was read before; an id may be missing.

    Of a fee that stands there twice the first counts.  Raises ET.ParseError and OSError where the file is no longer
    what was read.
    """
    found: dict[str, Original] = {}
    number = ""
    user: tuple[Node, ...] = ()
    for element in _ended(path):
        name = element.tag.removeprefix(INSIDE)
        if name == "exportNumber":
            number = (element.text or "").strip()
        elif name == "user":
            user = _inside(element)
        elif name == "userFineFee":
            fee_id = (element.findtext(f"{INSIDE}bursarTransactionId") or "").strip()
            if fee_id in fee_ids and fee_id not in found:
                fee = tuple(node for node in _inside(element) if node.name not in DESCRIBES)
                found[fee_id] = Original(number, user, fee)
            element.clear()
        elif name == "userExportedFineFeesList":
            element.clear()
    return found


def _ended(path: Path) -> Iterator[ET.Element]:
    for _, element in ET.iterparse(path):  # noqa: S314 - the reader of exports has refused what is hostile
        yield element


def _inside(element: ET.Element) -> tuple[Node, ...]:
    nodes = (
        Node(child.tag.removeprefix(INSIDE), "" if len(child) else (child.text or "").strip(), _inside(child))
        for child in element
        if child.tag.startswith(INSIDE)
    )
    return tuple(node for node in nodes if node.text or node.inside)
