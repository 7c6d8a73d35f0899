"""Follows an Alma export tag by tag, for what the second count cannot take in at a glance; it knows no reader."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipeline.readers.keys import XML_BLANKS

if TYPE_CHECKING:
    from collections import Counter

NAMESPACE = "http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans"

TOKEN = re.compile(
    rb"<!--.*?-->"
    rb"|<!\[CDATA\[(?P<cdata>.*?)\]\]>"
    rb"|<\?.*?\?>"
    rb"|</(?P<end>[^\s>]+)\s*>"
    rb"""|<(?P<start>[^\s/>!?]+)(?P<more>(?:[^<>"']|"[^"]*"|'[^']*')*?)(?P<empty>/?)>""",
    re.DOTALL,
)
DECLARED = re.compile(r"""xmlns(?::([^\s=]+))?\s*=\s*["']([^"']*)["']""")
REFERENCE = re.compile(r"&(?:#(?P<number>[0-9]+)|#x(?P<hex>[0-9A-Fa-f]+)|(?P<name>amp|lt|gt|apos|quot));")
NAMED = {"amp": "&", "lt": "<", "gt": ">", "apos": "'", "quot": '"'}

FEE, WHOLE, CURRENCY, SUM = "userFineFee", "compositeSum", "currency", "sum"
PARENTS = {WHOLE: (FEE,), CURRENCY: (FEE, WHOLE), SUM: (FEE, WHOLE)}
"""What the money of a fee stands in, from the fee down."""


@dataclass
class _Money:
    """What was found in one fee: the texts of each part, and whether any of it is in doubt."""

    prefixes_before: frozenset[str]
    found: dict[str, list[str]] = field(default_factory=lambda: {WHOLE: [], CURRENCY: [], SUM: []})
    doubtful: bool = False

    def says(self) -> tuple[str, str]:
        """Give currency and amount, each "" where it is missing, and both where there is a doubt."""
        if self.doubtful or any(len(texts) > 1 for texts in self.found.values()):
            return "", ""
        return "".join(self.found[CURRENCY]).strip(XML_BLANKS), "".join(self.found[SUM]).strip(XML_BLANKS)


class Tags:
    """Fed with pieces of an export, counts in ``seen`` what its fees say of their money.

    ``prefixes`` are the beginnings of names, colon included, that mean the namespace; empty until the root was seen.
    What a fee declares is good for that fee; what another element declares is taken to be good from there on.
    """

    def __init__(self, seen: Counter[tuple[str, str]]) -> None:
        self.prefixes: frozenset[str] = frozenset()
        self._seen = seen
        self._open: list[str] = []
        self._fees: list[_Money] = []
        self._text: list[bytes] | None = None

    @property
    def between_fees(self) -> bool:
        """Whether no fee has begun that has not ended."""
        return not self._fees

    def follow(self, text: bytes, *, until_root: bool = False) -> bytes:
        """Follow the tags of ``text``; give back its end if that is no whole tag, or what follows a root just found."""
        at = 0
        while (place := text.find(b"<", at)) >= 0:
            self._read(text[at:place])
            found = TOKEN.match(text, place)
            if found is None:
                return text[place:]
            at = found.end()
            self._tag(found)
            if until_root and self.prefixes:
                return text[at:]
        self._read(text[at:])
        return b""

    def _tag(self, found: re.Match[bytes]) -> None:
        if found["end"] is not None:
            self._close()
        elif found["start"] is not None:
            before = self.prefixes
            for prefix, uri in DECLARED.findall(found["more"].decode(errors="replace")):
                named = {f"{prefix}:" if prefix else ""}
                self.prefixes = self.prefixes | named if uri == NAMESPACE else self.prefixes - named
            self._begin(found["start"].decode(errors="replace"), before)
            if found["empty"]:
                self._close()
        elif found["cdata"] is not None:
            self._read(found["cdata"].replace(b"&", b"&amp;"))

    def _read(self, text: bytes) -> None:
        if self._text is not None:
            self._text.append(text)

    def _begin(self, written: str, prefixes_before: frozenset[str]) -> None:
        prefix, colon, local = written.rpartition(":")
        name = local if prefix + colon in self.prefixes else ""
        if self._text is not None:
            self._fees[-1].doubtful = True
            self._text = None
        self._open.append(name)
        if name == FEE:
            self._fees.append(_Money(prefixes_before))
            if len(self._fees) > 1:
                for fee in self._fees:
                    fee.doubtful = True
        elif self._fees and name in PARENTS:
            self._begin_money(name)

    def _begin_money(self, name: str) -> None:
        fee, above = self._fees[-1], PARENTS[name]
        if tuple(self._open[-len(above) - 1 : -1]) != above:
            fee.doubtful = True
        fee.found[name].append("")
        self._text = [] if name != WHOLE else None

    def _close(self) -> None:
        name = self._open.pop() if self._open else ""
        if name == FEE and self._fees:
            fee = self._fees.pop()
            self.prefixes = fee.prefixes_before
            self._seen[fee.says()] += 1
        elif name in (CURRENCY, SUM) and self._text is not None:
            text = b"".join(self._text).decode(errors="replace")
            self._fees[-1].found[name][-1] = REFERENCE.sub(_meant, text)
        self._text = None


def _meant(reference: re.Match[str]) -> str:
    """Give the sign that a reference stands for, or the reference where there is no such sign."""
    if reference["name"]:
        return NAMED[reference["name"]]
    number = int(reference["number"]) if reference["number"] else int(reference["hex"], 16)
    return chr(number) if number <= sys.maxunicode else reference[0]
