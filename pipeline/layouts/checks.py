"""Whether the columns of a layout are sound: every mistake is named with its place, none is left for a night."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.layouts import dates
from pipeline.layouts.cells import Cell, MisfitError
from pipeline.layouts.incoming import SLOT
from pipeline.layouts.model import same
from pipeline.layouts.sources import (
    CONTROL_SOURCES,
    DATES,
    LISTED_SOURCES,
    MOVEMENT_SOURCES,
    PAYMENT_SOURCES,
    PER_FILE,
    PERIOD_SOURCES,
    PERSON,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.layouts.model import Column, Facts


@dataclass(frozen=True, slots=True)
class Spot:
    """A column where it stands: on which line (header, detail or trailer) of a file with these facts."""

    line: str
    facts: Facts
    column: Column

    @property
    def fixed(self) -> bool:
        """Whether the file is one of fixed positions."""
        return self.facts.format == "fixed"


def column_faults(spot: Spot) -> Iterator[str]:
    """Name everything that is wrong with one column by itself, place first."""
    for check in (_source, _width, _show, _free_text, _padding, _shape, _back, _negative, _literal, _example):
        for fault in check(spot):
            yield f"{spot.line}.{spot.column.name}: {fault}"


def _source(spot: Spot) -> Iterator[str]:
    column, known = spot.column, _known_sources(spot)
    if column.source and isinstance(column.literal, str):
        yield "has both from and literal; keep one, or name the kinds that have the literal"
    elif not column.source and column.literal is None and (spot.facts.outgoing or spot.line != "detail"):
        yield "needs from or literal"
    elif column.source and column.source not in known and not _is_setting(spot):
        yield f"from: there is no {column.source!r} here; there are {', '.join(sorted(known))}"
    if column.source in PERSON and not column.optional:
        yield f"from: only some sources carry {column.source}; say optional = true"


def _known_sources(spot: Spot) -> frozenset[str]:
    if spot.line != "detail":
        return CONTROL_SOURCES | (PER_FILE if spot.facts.outgoing else PERIOD_SOURCES)
    if spot.facts.reference:
        return LISTED_SOURCES[spot.facts.reference.lists]
    return MOVEMENT_SOURCES if spot.facts.outgoing else PAYMENT_SOURCES


def _is_setting(spot: Spot) -> bool:
    return bool(spot.facts.outgoing and spot.column.setting)


def _width(spot: Spot) -> Iterator[str]:
    column = spot.column
    if column.width is None and (spot.fixed or (spot.facts.outgoing and column.literal is None)):
        yield 'needs a width: a number of bytes, or "rest" for the last column'
    if column.width == "rest" and not spot.fixed:
        yield 'width: "rest" is for fixed layouts; give a number, or leave it out in a returned file'


def _show(spot: Spot) -> Iterator[str]:
    column = spot.column
    wanted = {
        "amount_cents": ("dollars", "cents"),
        "control.cents": ("dollars", "cents"),
        "control.count": ("count",),
        **dict.fromkeys(DATES, tuple(f"date:{form}" for form in dates.FORMATS)),
    }.get(column.source)
    if (
        wanted is None
        and column.source in _known_sources(spot)
        and (column.is_number or column.show.startswith("date:"))
    ):
        yield f"show: {column.source} is text and cannot be shown as {column.show}"
    elif wanted is not None and column.show not in wanted:
        yield f"show: {column.source} must be shown as {' or '.join(wanted)}"
    if column.show.startswith("date:") and spot.fixed:
        size = dates.width(column.show.removeprefix("date:"))
        if size != column.width:
            yield f"width: {column.show} takes {size or 'a varying number of'} bytes, not {column.width}"
    if (column.show == "choice") != bool(column.choices):
        yield "choices: a column shown as choice, and no other, lists its choices"


def _free_text(spot: Spot) -> Iterator[str]:
    column = spot.column
    for key, used in (("overflow", column.overflow == "cut"), ("fold", column.fold is not None)):
        if used and not (column.is_free_text and column.show == "text"):
            yield f"{key}: only free text may be changed to fit; money, days and ids are held"


def _padding(spot: Spot) -> Iterator[str]:
    column = spot.column
    if not spot.fixed and (column.align != "left" or column.pad != " "):
        yield "align and pad are for fixed layouts"
    if column.pad == "0" and not (column.is_number and column.align == "right"):
        yield 'pad: zeros fill numbers that stand right; say align = "right" and show it as a number'


def _shape(spot: Spot) -> Iterator[str]:
    """Headings make columns findable by name; without them nothing may be missing, and no name helps."""
    column = spot.column
    if column.aliases and (not spot.facts.headings or spot.line != "detail"):
        yield "aliases: only a column under a heading can have other names"
    if column.optional and not spot.facts.outgoing and not spot.facts.headings:
        yield "optional: without headings every column must be there"
    if column.optional and column.required and spot.facts.outgoing:
        yield "is required and optional; keep one"


def _back(spot: Spot) -> Iterator[str]:
    """What only a file that comes back can have; elsewhere it would say nothing."""
    column, returned = spot.column, spot.facts.returned is not None and spot.line == "detail"
    for key, used in (
        ("thousands", column.thousands),
        ("only", column.only),
        ("numbered", column.numbered),
        ("slots", column.slots),
    ):
        if used and not returned:
            yield f"{key}: is for the detail line of a returned file"
    if column.show == "code" and not returned:
        yield "show: code is for the detail line of a returned file"
    if column.thousands and column.show != "dollars":
        yield "thousands: stand in amounts shown as dollars"
    if column.numbered and not (spot.facts.format == "delimited" and spot.facts.headings):
        yield "numbered: is for delimited files with headings"
    if column.slots:
        yield f"slots: the name needs {SLOT} where the number of the slot stands"
    elif SLOT in column.name and returned:
        yield f"name: {SLOT} needs slots: how many there are"


def _negative(spot: Spot) -> Iterator[str]:
    """Money has one sign in the files of a kind; which kinds have a minus is said, never guessed."""
    column = spot.column
    if not column.negative:
        return
    if column.source not in ("amount_cents", "control.cents") or not set(column.negative) <= _kinds(spot):
        yield f"negative: names kinds of the layout ({', '.join(sorted(_kinds(spot))) or 'none'}), where money stands"
    if column.source == "amount_cents" and spot.facts.sign == "unsigned":
        yield 'negative: the file is unsigned; say sign = "signed"'


def _kinds(spot: Spot) -> set[str]:
    return set(map(str, spot.facts.outgoing.kinds)) if spot.facts.outgoing else set()


def _literal(spot: Spot) -> Iterator[str]:
    column, kinds, named = spot.column, _kinds(spot), set(spot.column.literals)
    if column.literal is None:
        return
    if isinstance(column.literal, dict) and not column.source and named != kinds:
        yield f"literal: must name exactly the kinds of the layout: {', '.join(sorted(kinds)) or 'none'}"
    if isinstance(column.literal, dict) and column.source and not (named and named < kinds):
        yield f"literal: beside from, must name some kinds of the layout and not all: {', '.join(sorted(kinds))}"
    if column.source and column.is_number:
        yield "literal: money and counts always stand as they are"
    for text in sorted(set(column.literals.values() or [str(column.literal)])):
        yield from _fits(spot, text, "literal")


def _example(spot: Spot) -> Iterator[str]:
    column = spot.column
    if column.literal is not None and not column.source:
        if column.example is not None:
            yield "example: a literal is its own example; take it out"
    elif column.example is None:
        yield "example: is missing; give a value as it stands in the file"
    else:
        yield from _fits(spot, column.example, "example")


def _fits(spot: Spot, text: str, key: str) -> Iterator[str]:
    column = spot.column if key == "literal" else spot.column.model_copy(update={"literal": None})
    cell = Cell(column, spot.facts.encoding, spot.fixed)
    try:
        if key == "literal":
            cell.write(text).encode(spot.facts.encoding)
            again = text
        else:
            again = cell.stripped(cell.write(cell.read(text)))
    except MisfitError as misfit:
        yield f"{key}: {misfit}"
    except UnicodeEncodeError:
        yield f"{key}: {text!r} has a character that {spot.facts.encoding} cannot write"
    else:
        bare = again.lstrip("0") if spot.column.pad == "0" else again
        if bare != (text.lstrip("0") if spot.column.pad == "0" else text):
            yield f"{key}: {text!r} would be written as {again!r}"


@dataclass(frozen=True, slots=True)
class Place:
    """What a position hangs on: a column's name, its width and where the file says that it begins."""

    name: str
    width: int | str | None
    at: int | None


def position_faults(line: str, places: Sequence[Place], *, between: int | None, size: int | None) -> Iterator[str]:
    """Name every column that does not begin where the layout says it does.

    ``between`` is the number of bytes between two columns; None counts columns instead (delimited).  ``size`` is how
    long the line must be.  Positions count from 1.
    """
    start, gap = 1, between or 0
    for place in places:
        if place.at is not None and place.at != start:
            yield (
                f"{line}.{place.name}: at = {place.at}, but the widths before it put it at {start}; "
                "one of those widths is wrong, or a column is missing or too many"
            )
            start = place.at
        width = 1 if between is None else place.width
        if not isinstance(width, int):
            break
        start += width + gap
    else:
        if size is not None and start - gap - 1 != size:
            yield f"{line}: bytes = {size}, but its columns take {start - gap - 1}"


def rest_faults(line: str, places: Sequence[Place], size: int | None) -> Iterator[str]:
    """Name columns of width "rest" where nothing may follow, or where the line has a size."""
    for place in places[:-1]:
        if place.width == "rest":
            yield f'{line}.{place.name}: width: only the last column may be "rest"'
    if places[-1].width == "rest" and size is not None:
        yield f'{line}: bytes: a line that ends with a column of width "rest" has no size'


def name_faults(line: str, columns: Sequence[Column]) -> Iterator[str]:
    """Name headings and sources that occur twice: nobody could tell the columns apart."""
    seen: dict[str, str] = {}
    sources: dict[str, str] = {}
    for column in columns:
        for heading in sorted({same(name) for name in (column.name, *column.aliases)}):
            if heading in seen:
                yield f"{line}.{column.name}: is also called {heading!r}, like {seen[heading]}"
            seen[heading] = column.name
        if column.source in sources:
            yield f"{line}.{column.name}: from: {column.source} stands in {sources[column.source]} already"
        if column.source:
            sources[column.source] = column.name
