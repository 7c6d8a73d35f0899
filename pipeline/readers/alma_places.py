"""What stands where in an Alma bursar export, and which of it becomes part of a fee.

The layout, the odd namespace (a name only, never an address to ask) and the misspelt ``itemCallNumebr`` are those of
the published samples; Ex Libris' schema itself is not public.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

NAMESPACE = "http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans"
ROOT = "xml-fragment"
BETWEEN = " "
"""What the parser writes between a namespace and a name."""

# A record is a list with these slots.  A fee's record begins as a copy of its patron's.  The values of a fee lie side
# by side in the order in which an export has them.
LINE, NTH, FLAW, IGNORED, SUM_PART, OWNER_PART, ID_TYPE, ID, NAME, NUMBER = range(10)
COMMENT, FEE_TYPE, INSTITUTION, LIBRARY, TIME, TITLE, BARCODE, CURRENCY, SUM, VAT, FEE_ID = range(10, 21)
BLANK: list[object] = [None] * 21
VALUES = slice(COMMENT, FEE_ID + 1)

KEPT = {"title": TITLE, "comment": COMMENT, "patron_name": NAME}
"""Columns a campus may keep, and their slots; otherwise these texts are not even collected."""

DOUBTED = {
    **{slot: (slot,) for slot in (FEE_ID, FEE_TYPE, TIME, BARCODE, VAT, ID_TYPE, ID)},
    **dict.fromkeys((SUM_PART, CURRENCY, SUM), (CURRENCY, SUM)),
    **dict.fromkeys((OWNER_PART, INSTITUTION, LIBRARY), (INSTITUTION, LIBRARY)),
}
"""What may not be believed once a part was found twice or in the wrong place: an amount goes with its currency.

Free text and the header are not here: of those the first one counts.
"""


@dataclass(frozen=True, slots=True)
class Leaf:
    """An element with a value: its name, and the slot the value goes to."""

    name: str
    slot: int = IGNORED


@dataclass(frozen=True, slots=True)
class Part:
    """An element that holds others.  ``mark`` is the slot that tells whether it stood in its fee."""

    name: str
    inside: tuple[Leaf | Part, ...]
    mark: int = IGNORED


OWNER = (Leaf("InstitutionId", INSTITUTION), Leaf("libraryId"), Leaf("libraryCode", LIBRARY))

FEE = Part(
    "userFineFee",
    (
        Leaf("fineFeeComment", COMMENT),
        Leaf("fineFeeType", FEE_TYPE),
        Part("owneredEntity", OWNER, mark=OWNER_PART),
        Leaf("lastTransactionDate", TIME),
        Leaf("itemTitle", TITLE),
        Leaf("itemCallNumebr"),
        Leaf("itemCallNumber"),
        Leaf("itemLibrary"),
        Leaf("itemLocation"),
        Leaf("itemInternalLocation"),
        Leaf("itemDueDate"),
        Leaf("itemBarcode", BARCODE),
        Part("compositeSum", (Leaf("currency", CURRENCY), Leaf("sum", SUM), Leaf("vat", VAT)), mark=SUM_PART),
        Leaf("bursarTransactionId", FEE_ID),
    ),
)
"""One fee, its elements in the order of every published sample.  A fee without an item lacks some of them."""

USER = (Leaf("type", ID_TYPE), Leaf("value", ID), Part("owneredEntity", tuple(Leaf(leaf.name) for leaf in OWNER)))

PATRON = Part(
    "userExportedFineFeesList",
    (Part("user", USER), Leaf("patronName", NAME), Part("finefeeList", (FEE,))),
)
"""One patron with all their fees, despite its name."""

EXPORT = Part(
    ROOT, (Part("userExportedFineFees", (Leaf("exportNumber", NUMBER), Part("userExportedList", (PATRON,)))),)
)
"""A whole export: a header and the data stand side by side under the root, in any number."""


def full(name: str) -> str:
    """Give the name of an element as the parser says it."""
    return f"{NAMESPACE}{BETWEEN}{name}"


@dataclass(frozen=True, slots=True)
class Place:
    """Where the parser is: the leaves and the parts that belong there, by their full names.

    ``begins`` says whose record begins there, if one does; else ``mark`` is as in Part.
    """

    leaves: Mapping[str, int] = field(default_factory=dict)
    parts: Mapping[str, Place] = field(default_factory=dict)
    begins: Part | None = None
    mark: int = IGNORED


NOWHERE = Place()
"""Inside an element that we do not know."""


def place(part: Part, unwanted: frozenset[int] = frozenset()) -> Place:
    """Make the place of ``part``; what would go to an unwanted slot is ignored."""
    leaves = {full(leaf.name): leaf.slot for leaf in part.inside if isinstance(leaf, Leaf)}
    return Place(
        {name: IGNORED if slot in unwanted else slot for name, slot in leaves.items()},
        {full(inner.name): place(inner, unwanted) for inner in part.inside if isinstance(inner, Part)},
        part if part in (PATRON, FEE) else None,
        part.mark,
    )


def _values(part: Part) -> Iterator[tuple[str, int]]:
    for inner in part.inside:
        yield inner.name, inner.mark if isinstance(inner, Part) else inner.slot
        if isinstance(inner, Part):
            yield from _values(inner)


FIELDS = {full(name): slot for name, slot in _values(FEE) if slot in DOUBTED}
"""Everything that says something certain about a fee: none of it may stand in a fee but where it belongs."""

CALLED = {
    **{slot: name for name, slot in _values(FEE)},
    ID_TYPE: "type of the user",
    ID: "value of the user",
}
"""What a slot is called in the file."""
