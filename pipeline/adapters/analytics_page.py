"""One page of an Analytics report as Alma answers it: is it whole, does more follow, and which bytes of it are kept.

Shape: Alma Analytics API, ``report/QueryResult`` with ResumptionToken, IsFinished and ResultXml in any order, the rows
in a ``rowset`` below; only the first page bears the token.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NoReturn
from xml.parsers import expat

from pipeline.ports.outside import Busy

DEEPEST = 64
TOKEN = ["report", "QueryResult", "ResumptionToken"]
FINISHED = ["report", "QueryResult", "IsFinished"]
ROWSET = ["report", "QueryResult", "ResultXml", "rowset"]
OURS = (None, "utf-8", "us-ascii")


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its ``report`` element as received, less the text of the token; whether it is the last; its rows.

    The token is of this one conversation: left in, the same report asked for twice would look like two reports.
    """

    report: bytes
    token: str
    finished: bool
    rows: int


def page_of(body: bytes) -> Page:
    """Read one answer.  Raises Busy for whatever is not a whole page: that is never the same as "no rows"."""
    seen = _Seen(body)
    try:
        seen.parser.Parse(body, True)  # noqa: FBT003 - expat's own signature
    except expat.ExpatError as error:
        _no_page(f"cut off or damaged in line {error.lineno}")
    finished = "".join(seen.finished).strip().lower()
    if finished not in ("true", "false"):
        _no_page("it does not say whether more follows")
    if not seen.rowsets:
        _no_page("it holds no rowset")
    return Page(seen.kept(), "".join(seen.token).strip(), finished == "true", seen.rows)


def _no_page(why: str) -> NoReturn:
    message = f"Analytics answered without a whole report: {why}"
    raise Busy(message)


@dataclass
class _Seen:
    """What the parser has met so far, and where in the bytes."""

    body: bytes
    path: list[str] = field(default_factory=list)
    token: list[str] = field(default_factory=list)
    finished: list[str] = field(default_factory=list)
    cuts: list[tuple[int, int]] = field(default_factory=list)
    span: tuple[int, int] = (0, 0)
    rowsets: int = 0
    rows: int = 0

    def __post_init__(self) -> None:
        self.parser = expat.ParserCreate()
        self.parser.XmlDeclHandler = self._declared
        self.parser.StartDoctypeDeclHandler = lambda *_said: _no_page("it holds a document type")
        self.parser.StartElementHandler = self._begun
        self.parser.EndElementHandler = self._ended
        self.parser.CharacterDataHandler = self._said

    def kept(self) -> bytes:
        """Give the bytes of the report without what was cut out."""
        start, end = self.span
        parts = []
        for cut_from, cut_to in self.cuts:
            parts.append(self.body[start:cut_from])
            start = cut_to
        return b"".join((*parts, self.body[start:end]))

    def _declared(self, _version: str, encoding: str | None, _standalone: int) -> None:
        """The declaration is left out, so what it says must be what every reader takes for granted."""
        if (encoding and encoding.lower()) not in OURS:
            _no_page(f"it is written in {encoding!a}, not in UTF-8")

    def _begun(self, name: str, _attributes: object) -> None:
        at = self.parser.CurrentByteIndex
        if not self.path:
            if name != "report" or not self.body.startswith(b"<report", at):
                _no_page("it begins with another element")
            self.span = (at, at)
        self.path.append(name.rpartition(":")[2])
        if len(self.path) > DEEPEST:
            _no_page("its elements are nested too deep")
        if self.path == TOKEN:
            behind = self._behind_tag(at)
            self.cuts.append((behind, behind))
        self.rowsets += self.path == ROWSET
        self.rows += self.path[:-1] == ROWSET and self.path[-1] == "Row"

    def _ended(self, _name: str) -> None:
        at = self.parser.CurrentByteIndex
        if self.path == TOKEN:
            begun = self.cuts[-1][0]
            self.cuts[-1] = (begun, max(begun, at))
        self.path.pop()
        if not self.path:
            self.span = (self.span[0], self._behind_tag(at))

    def _said(self, text: str) -> None:
        if self.path == TOKEN:
            self.token.append(text)
        elif self.path == FINISHED:
            self.finished.append(text)

    def _behind_tag(self, at: int) -> int:
        return self.body.index(b">", at) + 1
