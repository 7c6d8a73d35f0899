"""What a layout file can say: its facts, its lines and their columns, all from closed lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, PositiveInt, StringConstraints, field_validator

from pipeline.layouts import dates
from pipeline.layouts.incoming import Closed, Incoming, Name, Records
from pipeline.layouts.sources import FREE_TEXT, LISTED_SOURCES, MOVEMENT_SOURCES, PAYMENT_SOURCES, SETTING

if TYPE_CHECKING:
    from collections.abc import Mapping

Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9]+$")]
MovementKind = Literal["charge", "reversal", "credit"]

SHOWS = ("text", "digits", "cents", "dollars", "count", "choice", "code", *(f"date:{form}" for form in dates.FORMATS))
"""How a value can stand in a file.

``digits`` fills its width exactly; ``dollars`` has a point and two places; ``cents`` has neither; ``choice`` is one of
the column's ``choices``; ``code`` is any text, and rules may ask for it by patterns such as ``T13*``.
"""


class Column(Closed):
    """One column: its name, its width in bytes, where its value comes from, how it stands in the file.

    ``from`` names a column of our own tables, ``control.count``, ``control.cents``, or ``system.<setting>`` of the
    campus file.  ``literal`` is fixed text, or one text per kind; beside ``from`` it names the kinds in whose files
    the text stands instead.  ``negative`` names the kinds in whose files money has a minus sign.  ``optional`` means
    that the column may be missing: from a returned file, from what the source carries, or from the campus file.
    ``required`` means that the value may not be blank.  ``example`` is a value as it stands in the file, without
    padding.  ``at`` is where the column must begin.

    In a returned file: ``thousands`` is the sign between the thousands of an amount; ``only`` names columns and what
    they must say, or the value counts for nothing; a ``numbered`` column stands once for each item of a transaction,
    its heading followed by the item's number (or alone, for a single item); ``slots`` makes so many columns of one
    whose name has ``{K}``.
    """

    name: Name
    width: PositiveInt | Literal["rest"] | None = None
    source: str = Field("", alias="from")
    literal: str | dict[str, str] | None = None
    negative: tuple[MovementKind, ...] = ()
    show: str = "text"
    choices: tuple[str, ...] = ()
    align: Literal["left", "right"] = "left"
    pad: Literal[" ", "0"] = " "
    overflow: Literal["hold", "cut"] = "hold"
    fold: Literal["ascii"] | None = None
    required: bool = False
    optional: bool = False
    aliases: tuple[Name, ...] = ()
    example: str | None = None
    at: PositiveInt | None = None
    thousands: Literal[","] | None = None
    only: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    numbered: bool = False
    slots: Annotated[int, Field(ge=1, le=9)] | None = None

    @field_validator("show")
    @classmethod
    def _closed(cls, show: str) -> str:
        if show not in SHOWS:
            message = f"is not one of {', '.join(SHOWS)}"
            raise ValueError(message)
        return show

    @property
    def setting(self) -> str:
        """The setting of the campus file it takes its value from, "" for none."""
        return self.source.removeprefix(SETTING) if self.source.startswith(SETTING) else ""

    @property
    def literals(self) -> dict[str, str]:
        """The texts by kind; none where there is one text for all, or no text."""
        return self.literal if isinstance(self.literal, dict) else {}

    def of(self, kind: str) -> Column:
        """Give the column as it is in a file of this kind: with that kind's text, or with the value it is from."""
        if not self.literals:
            return self
        text = self.literals.get(kind)
        return self.model_copy(update={"literal": text, "source": self.source if text is None else ""})

    @property
    def is_number(self) -> bool:
        """Whether its value is a whole number of ours: cents or a count."""
        return self.show in ("cents", "dollars", "count")

    @property
    def is_free_text(self) -> bool:
        """Whether it is for the eye only."""
        return self.source in FREE_TEXT

    def spelled(self) -> frozenset[str]:
        """Every heading that this column answers to, as ``same`` makes them."""
        return frozenset(same(name) for name in (self.name, *self.aliases))


def same(heading: str) -> str:
    """Bring a heading into the form in which headings are compared: without spaces and case."""
    return "".join(heading.split()).casefold()


class Line(Closed):
    """One kind of line: its columns in order, and how many bytes it has (fixed layouts; compared when given)."""

    bytes: PositiveInt | None = None
    columns: tuple[Column, ...] = Field(min_length=1)


class Outgoing(Closed):
    """What only a file that we send has.  ``kinds`` maps our kind to the word in the file name."""

    kinds: dict[MovementKind, Word] = Field(min_length=1)
    name: str
    scope: Literal["delta", "snapshot"]
    max_lines: PositiveInt | None = None
    sort: tuple[str, ...] = ()


class Reference(Closed):
    """What only a list has that tells us something and is neither sent nor money: who is who."""

    lists: Literal["people"]


class Control(Closed):
    """Which lines the control total adds up: those whose columns have these choices; all lines if nothing is named."""

    adds: dict[str, tuple[str, ...]] = Field(default_factory=dict)


class Facts(Closed):
    """What holds for the file as a whole.  Exactly one of ``outgoing``, ``returned``, ``reference`` is there."""

    title: str = Field(min_length=1)
    format: Literal["fixed", "delimited", "records", "workbook"]
    encoding: Literal["ascii", "utf-8", "cp1252"]
    newline: Literal["LF", "CRLF", "any"]
    sign: Literal["unsigned", "signed"]
    between: Literal["", " ", ","] = ""
    delimiter: Literal[",", "\t", ";", "|"] | None = None
    headings: bool = False
    outgoing: Outgoing | None = None
    returned: Incoming | None = None
    reference: Reference | None = None
    control: Control = Field(default_factory=Control)
    records: Records | None = None


@dataclass(frozen=True, slots=True)
class Layout:
    """One file format, checked: ``name`` is such as ``peoplesoft/default``."""

    name: str
    facts: Facts
    detail: Line
    header: Line | None = None
    trailer: Line | None = None

    @property
    def scope(self) -> str:
        """``delta`` or ``snapshot`` for a file that we send, "" for any other."""
        return self.facts.outgoing.scope if self.facts.outgoing else ""

    @property
    def repeats(self) -> str:
        """``none`` or ``cumulative`` for a file that comes back, "" for any other."""
        return self.facts.returned.repeats if self.facts.returned else ""

    @property
    def lists(self) -> str:
        """``people`` for a list of them, "" for a file of money."""
        return self.facts.reference.lists if self.facts.reference else ""

    @property
    def proved_whole(self) -> bool:
        """Whether a file that comes back proves by itself that it is whole."""
        return self.facts.returned is not None and self.facts.returned.complete != "stable"

    @property
    def numbered(self) -> bool:
        """Whether a line of its files may hold several items, each with columns of its own."""
        return any(column.numbered for column in self.detail.columns)

    @property
    def codes(self) -> frozenset[str]:
        """The columns that rules may ask for by patterns."""
        return frozenset(column.name for column in self.detail.columns if column.show == "code")

    def source(self, name: str) -> Column | None:
        """Give the column of the detail line that holds one of our nouns; None if none does."""
        return next((column for column in self.detail.columns if column.source == name), None)

    @property
    def has_receipts(self) -> bool:
        """Whether every line names its receipt, by which it is told from an equal one."""
        column = self.source("payment_ref")
        return column is not None and column.required and not column.optional

    @property
    def max_lines(self) -> int | None:
        """How many detail lines one file may have; None for as many as there are."""
        return self.facts.outgoing.max_lines if self.facts.outgoing else None

    @property
    def kinds(self) -> Mapping[str, str]:
        """The kinds of movement it serves, with the word for each in the file name; empty for a returned file."""
        return {str(ours): word for ours, word in self.facts.outgoing.kinds.items()} if self.facts.outgoing else {}

    @property
    def sources(self) -> frozenset[str]:
        """The columns of our own tables that it writes or gives."""
        known = MOVEMENT_SOURCES | PAYMENT_SOURCES | LISTED_SOURCES.get(self.lists, frozenset())
        return frozenset(column.source for line in self.lines() for column in line.columns) & known

    @property
    def settings(self) -> frozenset[str]:
        """The settings that the campus file must give to a system with this layout, such as ``origin_id``."""
        return frozenset(column.setting for line in self.lines() for column in line.columns if not column.optional) - {
            ""
        }

    @property
    def options(self) -> frozenset[str]:
        """The settings that the campus file may give; what it does not give stays blank in the file."""
        named = frozenset(column.setting for line in self.lines() for column in line.columns if column.optional)
        return named - self.settings - {""}

    @property
    def delimiter(self) -> str:
        """What separates the cells of a delimited file."""
        return self.facts.delimiter or ","

    @property
    def newline(self) -> str:
        """What ends a line that we write."""
        return "\n" if self.facts.newline == "LF" else "\r\n"

    def lines(self) -> tuple[Line, ...]:
        """Its lines in the order of the file."""
        return tuple(line for line in (self.header, self.detail, self.trailer) if line is not None)

    @property
    def amount(self) -> Column | None:
        """The column of the detail line that holds the money; None in a list that is only read."""
        return self.source("amount_cents")

    @property
    def states_totals(self) -> bool:
        """Whether a file says itself how many lines it has."""
        lines = (line for line in (self.header, self.trailer) if line is not None)
        return any(column.source == "control.count" for line in lines for column in line.columns)

    @property
    def bare(self) -> bool:
        """Whether a file of ours without rows is a file without bytes: no headings, no header, no trailer."""
        return self.facts.outgoing is not None and not (self.facts.headings or self.header or self.trailer)
