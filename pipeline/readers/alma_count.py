"""Counts the fees of an Alma export and adds up their sums once more, without the reader and without its parser.

The books compare this with what the reader gave, so it shares no line with it.  It looks at the bytes alone: a fee of
the usual build is taken in at one glance, and everything else is followed tag by tag.

What both must agree on: every ``userFineFee`` counts, wherever it stands.  Its money is the one ``sum`` and the one
``currency`` of its one ``compositeSum``.  Where either is missing, or the sum is no amount, it has no currency or is
worth nothing; where anything of it stands twice, in the wrong place or around other elements, both are unknown.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from typing import TYPE_CHECKING

from pipeline.files import blocks_of
from pipeline.money import Tally, cents_of_each
from pipeline.readers.alma_tags import NAMESPACE, Tags
from pipeline.readers.keys import XML_BLANKS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

BETRAYED = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"<\0", "utf-16-le"),
    (b"\0<", "utf-16-be"),
)
"""First bytes of a file, and the encoding they betray."""

SAID = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
AS_IT_IS = {"utf-8", "ascii"}

BLANKS = rb"[ \t\r\n]*+"
LEAF = rb"<(?!MONEY|[/!?])[^>]*+>(?:(?<=/>)|(?<!/>)[^<]*+</[^>]*+>)"
PART = rb"<(?!MONEY|[/!?])[^>]*+>BLANKS(?:LEAF BLANKS)*+</[^>]*+>"
SUM = rb"<P:currency>([^<]*+)</P:currency>BLANKS<P:sum>([^<]*+)</P:sum>BLANKS(?:LEAF BLANKS)*+"
CHILDREN = rb"BLANKS(?:(?:LEAF|PART)BLANKS)*+"
USUAL = rb"<P:userFineFee>CHILDREN<P:compositeSum>BLANKS SUM</P:compositeSum>CHILDREN</P:userFineFee>"
MONEY = rb"P:(?:userFineFee|compositeSum|currency|sum)[ \t\r\n/>]"
"""A fee of the usual build, all of its elements told apart: nothing in it can be a second sum or hide one."""

UNUSUAL = (b"userFineFee", b"<!", b"<?", NAMESPACE.encode())
"""What between usual fees means that there is more to them: a fee of another build, a comment, a name bound anew."""

HOPELESS = 4 << 20
"""Bytes without the end of a tag or of a fee that no export has; the reader refuses such a file."""


def count(path: Path) -> Mapping[str, Tally]:
    """Count the fees of a whole, well-formed export and add up their cents, by currency ("" where it is not known).

    Reads a MiB at a time.  Of a file that is cut off or no export it counts what it sees; it raises OSError alone.
    """
    scan = _Scan()
    for block in _as_utf8(path):
        scan.feed(block)
    scan.end()
    cents = cents_of_each(amount for _, amount in scan.seen)
    tallies: dict[str, Tally] = {}
    for (currency, amount), fees in scan.seen.items():
        tallies[currency] = tallies.get(currency, Tally()) + Tally(fees, fees * (cents[amount] or 0))
    return tallies


def _as_utf8(path: Path) -> Iterator[bytes]:
    decoder: codecs.IncrementalDecoder | None = None
    for number, block in enumerate(blocks_of(path)):
        if not number:
            decoder = _decoder(block)
        yield decoder.decode(block).encode() if decoder else block


def _decoder(head: bytes) -> codecs.IncrementalDecoder | None:
    """Find out what a file is written in, by its first bytes or by what it says; None for UTF-8."""
    said = SAID.match(head)
    names = [name for mark, name in BETRAYED if head.startswith(mark)] or ([said[1].decode()] if said else [])
    name = names[0] if names else "utf-8"
    try:
        "".encode(name)
    except LookupError:
        return None
    return None if codecs.lookup(name).name in AS_IT_IS else codecs.getincrementaldecoder(name)("replace")


class _Scan:
    """Fed with an export in UTF-8, tells what its fees say of their money: ``seen`` counts currencies and amounts."""

    def __init__(self) -> None:
        self.seen: Counter[tuple[str, str]] = Counter()
        self._tags = Tags(self.seen)
        self._rest = b""
        self._known: frozenset[str] = frozenset()
        self._usual: list[re.Pattern[bytes]] = []
        self._ends: list[bytes] = []

    def feed(self, block: bytes) -> None:
        """Take the next bytes; what follows the last whole fee waits for more."""
        text = self._rest + block
        if not self._tags.prefixes:
            text = self._tags.follow(text, until_root=True)
        if self._known != self._tags.prefixes:
            self._look_for(self._tags.prefixes)
        end = max((text.rfind(tag) + len(tag) for tag in self._ends if tag in text), default=0)
        head, tail = (text[:end], text[end:]) if end else (text, b"")
        self._rest = tail if end and self._glance(head) else self._tags.follow(head) + tail
        if len(self._rest) > HOPELESS:
            self._rest = b""

    def end(self) -> None:
        """Hear that the file ends here."""
        self._tags.follow(self._rest)

    def _look_for(self, prefixes: frozenset[str]) -> None:
        self._known = frozenset(prefixes)
        self._ends = [f"</{prefix}userFineFee>".encode() for prefix in prefixes]
        self._usual = [_usual(prefix) for prefix in prefixes] if len(prefixes) == 1 else []

    def _glance(self, text: bytes) -> bool:
        """Take in a text whose fees are all of the usual build; if it has others, leave it to the tags."""
        if not self._usual or not self._tags.between_fees:
            return False
        parts = self._usual[0].split(text)
        others = b" ".join(parts[::3])
        if any(sign in others for sign in UNUSUAL):
            return False
        said = Counter(zip(parts[1::3], parts[2::3], strict=True))
        if any(b"&" in currency + amount for currency, amount in said):
            return False
        for (currency, amount), fees in said.items():
            self.seen[_text(currency), _text(amount)] += fees
        return True


def _text(said: bytes) -> str:
    return said.decode(errors="replace").strip(XML_BLANKS)


def _usual(prefix: str) -> re.Pattern[bytes]:
    """Put the pattern of a usual fee together for one abbreviation of the namespace (``xb:``, or nothing)."""
    pattern = USUAL
    for name, part in (
        (b"CHILDREN", CHILDREN),
        (b"SUM", SUM),
        (b"PART", PART),
        (b"LEAF", LEAF),
        (b"MONEY", MONEY),
        (b"BLANKS", BLANKS),
        (b" ", b""),
        (b"P:", re.escape(prefix).encode()),
    ):
        pattern = pattern.replace(name, part)
    return re.compile(pattern)
