"""Turns the elements of an Alma export into one record per fee, wherever the fee stands, and notes what is odd.

The parser calls ``_start`` and ``_end`` for every element, so these two do as little as possible; all that is rare has
a method of its own.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, NoReturn
from xml.parsers import expat

from pipeline.readers import alma_places as places
from pipeline.readers import refused
from pipeline.readers.alma_bytes import MAX_TEXT
from pipeline.readers.alma_places import CALLED, FLAW, LINE, NOWHERE, NTH, NUMBER, Place, place
from pipeline.readers.alma_plain import MARK
from pipeline.readers.refused import RefusedFileError

if TYPE_CHECKING:
    from pipeline.readers.alma_places import Part
    from pipeline.readers.alma_plain import Values

MAX_DEPTH = 64
MAX_STRANGERS = 1_000
BELOW = 3
"""How far the values of a patron or a fee lie below it."""

Record = list[Any]
"""What is known of one fee or one patron, by the slots of ``alma_places``; None where nothing stands."""


class Elements:
    """Fed with the bytes of one export, fills ``records`` with its fees.

    ``unknown`` counts the elements that no published export has; ``declared`` says what the root's abbreviations of
    namespaces stand for, once the root has begun.  Raises RefusedFileError where the file as a whole
    cannot be an export, and expat.ExpatError where it is not well-formed.
    """

    def __init__(self, name: str, unwanted: frozenset[int]) -> None:
        self.records: list[Record] = []
        self.fees = 0
        self.done = False
        self.unknown: Counter[str] = Counter()
        self.declared: dict[str, str] = {}
        self._name = name
        self._anywhere = {places.full(part.name): place(part, unwanted) for part in (places.PATRON, places.FEE)}
        self._place = Place({}, {places.full(places.ROOT): place(places.EXPORT, unwanted)})
        self._leaves = self._place.leaves
        self._leaf = 0
        self._top = self._record = self._patron = places.BLANK.copy()
        self._fee: Record | None = None
        self._outer: list[Place] = []
        self._unfinished: list[tuple[Record, Record, Record | None]] = []
        self._pieces: list[str] = []
        self._plain: dict[str, Values] = {}
        self._fed = self._line = self._nth = 0
        self.parser = self._parser()

    @property
    def number(self) -> str:
        """The number of the export, or nothing as long as none was seen."""
        return str(self._top[NUMBER] or "").strip()

    def _parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate(namespace_separator=places.BETWEEN)
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._pieces.append
        parser.StartNamespaceDeclHandler = self._declared
        parser.StartDoctypeDeclHandler = self._document_type
        parser.EntityDeclHandler = self._document_type
        parser.ExternalEntityRefHandler = self._document_type
        return parser

    def feed(self, block: bytes, plain: dict[str, Values]) -> None:
        """Take the next bytes of the file, in which the fees of ``plain`` were made empty."""
        self._plain = plain
        try:
            self.parser.Parse(block, False)  # noqa: FBT003 - the parser takes its arguments by place only
        except (LookupError, ValueError) as error:
            if self.declared:
                raise
            what = f"is in an encoding that cannot be read ({error}); ask for it in UTF-8"
            raise self.refused(refused.NOT_WHOLE, what) from None
        self._fed += len(block)
        if self._fed - self.parser.CurrentByteIndex > MAX_TEXT:
            raise self._too_long()
        if self._leaf:
            self._joined()
        else:
            self._pieces.clear()

    def end(self) -> None:
        """Hear that the file ends here."""
        self.parser.Parse(b"", True)  # noqa: FBT003
        self.done = True

    def refused(self, code: str, what: str) -> RefusedFileError:
        """Make the refusal of the file at the place that is being read."""
        return RefusedFileError(code, f"{self._name}, line {self.parser.CurrentLineNumber}: {what}")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        slot = self._leaves.get(name)
        if slot and not self._leaf:
            self._leaf = slot
            self._pieces.clear()
        else:
            self._enter(name, attributes)

    def _end(self, _name: str) -> None:
        slot = self._leaf
        if slot:
            self._leaf = 0
            if self._record[slot] is None:
                self._record[slot] = self._pieces[0] if len(self._pieces) == 1 else self._joined()
            else:
                self._twice(slot)
        else:
            self._leave()

    def _enter(self, name: str, attributes: dict[str, str]) -> None:
        here = self._place.parts.get(name)
        if here is None or self._leaf or len(self._outer) >= MAX_DEPTH:
            here = self._strange(name)
        self._outer.append(self._place)
        self._place, self._leaves = here, here.leaves
        if here.begins:
            self._begin(here.begins, attributes)
        elif self._record[here.mark] is None:
            self._record[here.mark] = ""
        else:
            self._twice(here.mark)

    def _leave(self) -> None:
        if self._place.begins:
            self._finish()
        self._place = self._outer.pop()
        self._leaves = self._place.leaves

    def _joined(self) -> str:
        text = "".join(self._pieces)
        if len(text) > MAX_TEXT:
            raise self._too_long()
        return text

    def _too_deep(self) -> RefusedFileError:
        return self.refused(refused.TOO_DEEP, f"elements are nested deeper than {MAX_DEPTH}; this is no Alma export")

    def _too_long(self) -> RefusedFileError:
        return self.refused(refused.TOO_LONG, "a text or comment is longer than 64 KiB; look at who put it there")

    def _begin(self, part: Part, attributes: dict[str, str]) -> None:
        """A record of its own begins: a patron's, or a fee's, which starts with all that is known of the patron."""
        if len(self._outer) + BELOW > MAX_DEPTH:
            raise self._too_deep()
        self._unfinished.append((self._record, self._patron, self._fee))
        if part is places.PATRON:
            self._record = self._patron = places.BLANK.copy()
            return
        self.fees += 1
        self._fee = self._record = self._patron.copy()
        line = self.parser.CurrentLineNumber
        self._line, self._nth = line, self._nth + 1 if line == self._line else 1
        self._record[LINE], self._record[NTH] = line, self._nth
        if attributes.get(MARK) in self._plain:
            self._record[places.VALUES] = self._plain.pop(attributes[MARK])

    def _finish(self) -> None:
        inner = self._record
        self._record, self._patron, self._fee = self._unfinished.pop()
        if self._place.begins is places.FEE:
            self.records.append(inner)
            if self._fee is not None:
                for one in (inner, self._fee):
                    self._doubt(one, places.SUM, "its {} cannot be told: one fee stands inside another")

    def _twice(self, slot: int) -> None:
        self._doubt(self._record, slot, "{} stands there twice")

    def _strange(self, name: str) -> Place:
        """Find out what an element means that does not belong where it stands."""
        if len(self._outer) + bool(self._leaf) >= MAX_DEPTH:
            raise self._too_deep()
        if not self._outer:
            raise self.refused(refused.WRONG_KIND, f"begins with {_shown(name)}, so it is no Alma bursar export")
        if self._leaf:
            self._open_leaf()
        self.unknown[_shown(name)] += 1
        if len(self.unknown) > MAX_STRANGERS:
            raise self.refused(refused.WRONG_KIND, "nearly all elements are unknown, so it is no Alma bursar export")
        if self._fee is not None and name in places.FIELDS:
            self._doubt(self._fee, places.FIELDS[name], "{} stands in the wrong place")
        return self._anywhere.get(name, NOWHERE)

    def _open_leaf(self) -> None:
        """A value has elements inside: nobody can say which of its text is the value."""
        slot, self._leaf = self._leaf, 0
        self._doubt(self._record, slot, "{} has elements inside")
        self._outer.append(self._place)
        self._place, self._leaves = NOWHERE, NOWHERE.leaves

    def _doubt(self, record: Record, slot: int, why: str) -> None:
        """Take back what may be wrong; the first reason is the one that is told."""
        for doubted in places.DOUBTED.get(slot, ()):
            record[doubted] = ""
            record[FLAW] = record[FLAW] or why.format(CALLED[slot])

    def _declared(self, prefix: str | None, uri: str | None) -> None:
        """Learn how the root abbreviates namespaces; below it they are declared for one element alone."""
        if self._outer:
            self.parser.StartNamespaceDeclHandler = None
        else:
            self.declared[prefix or ""] = uri or ""

    def _document_type(self, *_what: object) -> NoReturn:
        raise self.refused(
            refused.DOCTYPE, "has a document type or entities, which Alma never writes; find out who did"
        )


def _shown(name: str) -> str:
    space, _, local = name.rpartition(places.BETWEEN)
    return local if space == places.NAMESPACE else f"{local[:100]} of {space[:100] or 'no namespace'}"
