"""Fees that are written exactly as Alma writes them are read by one pattern, and the parser finds them empty.

This is for speed alone: the parser would call us some forty times for such a fee, and does so for every fee that is
written in any other way.  Both ways give the same record, and what the pattern takes out is well-formed by itself: its
elements stand in the published order, all closed, without attributes (but for ``nil``), and without references or
comments in any value that is used.  The empty fee left behind stands where the fee stood, so the parser still decides
whose it is, or that it lies in a comment and is none.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.readers import alma_places as places
from pipeline.readers.alma_places import Leaf

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pipeline.readers.alma_places import Part

MARK = "alma-bursar-plain"
"""The attribute of a fee whose values were taken out: the key they are kept under."""

Values = tuple[str | None, ...]
"""The values of a plain fee, for the slots ``places.VALUES``."""

BLANKS = r"[ \t\r\n]*+"
USED = r"[ -%'-;=?-~]*+"
"""Text that can be seen in ASCII, but for the signs that mean something to XML."""

UNUSED = r"[^<>&\x00-\x08\x0b\x0c\x0e-\x1f]*+"
UNUSED += rf"(?:&(?:amp|lt|gt|apos|quot);{UNUSED})*"
"""Text that nobody wants: any letters and line breaks, and the references everybody knows.

Groups are not possessive: until 3.11.5 Python goes on after a part of one that does not match as a whole.
"""

SCHEMA = "http://www.w3.org/2001/XMLSchema-instance"
LOCAL = rf'(?:[ \t\r\n]++xmlns:xsi="{re.escape(SCHEMA)}")'
"""What ``xsi:nil`` comes from: Alma says it again on each element; where the root says it, it may be left out."""


class PlainFees:
    """Finds the plain fees of a block.  ``declared`` is what the root's abbreviations of namespaces stand for."""

    def __init__(self, declared: Mapping[str, str], unwanted: frozenset[int]) -> None:
        prefix = next(prefix for prefix, uri in declared.items() if uri == places.NAMESPACE)
        self._colon = re.escape(f"{prefix}:") if prefix else ""
        again = "?" if declared.get("xsi") == SCHEMA else ""
        self._nil = rf'(?:[ \t\r\n]++xsi:nil="true"{LOCAL}{again})?{BLANKS}/>'
        self._unwanted = unwanted
        self._empty = f"<{prefix}:" if prefix else "<"
        self._empty += places.FEE.name
        self._pattern = re.compile(self._part(places.FEE).removesuffix(BLANKS))

    def _part(self, part: Part) -> str:
        name = self._colon + part.name
        inside = "".join(
            f"(?:{self._leaf(inner) if isinstance(inner, Leaf) else self._part(inner)})?" for inner in part.inside
        )
        return f"<{name}>{BLANKS}{inside}</{name}>{BLANKS}"

    def _leaf(self, leaf: Leaf) -> str:
        name = self._colon + leaf.name
        text = f"({USED})"
        if leaf.slot == places.IGNORED:
            text = UNUSED
        elif leaf.slot in self._unwanted:
            text = f"(){UNUSED}"
        return f"<{name}(?:>{text}</{name}>|{self._nil}){BLANKS}"

    def taken_out(self, block: bytes) -> tuple[bytes, dict[str, Values]]:
        """Give the block with every plain fee empty, and what those fees say.

        An empty fee has as many line breaks as it had, so that every line of the file keeps its number.
        """
        text = block.decode("latin-1")  # one sign per byte, whatever the encoding: the values used are ASCII
        pieces: list[str] = []
        fees: dict[str, Values] = {}
        end = 0
        for found in self._pattern.finditer(text):
            fee = found[0]
            if fee.isascii() or _good(fee):
                lines = "\n" * _line_breaks(fee)
                pieces.append(f'{text[end : found.start()]}{self._empty} {MARK}="{len(fees)}"{lines}/>')
                fees[str(len(fees))] = found.groups()
                end = found.end()
        pieces.append(text[end:])
        return "".join(pieces).encode("latin-1"), fees


def _line_breaks(fee: str) -> int:
    breaks = fee.count("\n")
    return breaks + fee.count("\r") - fee.count("\r\n") if "\r" in fee else breaks


def _good(fee: str) -> bool:
    """Tell whether letters beyond ASCII are well-formed; if not, the parser shall say what is wrong."""
    try:
        text = fee.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return False
    return "\ufffe" not in text and "\uffff" not in text
