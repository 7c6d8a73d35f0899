"""Whether a layout is sound as a whole: its facts, its kinds, its control totals, its proof of completeness."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pipeline.layouts.naming import template_faults
from pipeline.layouts.sources import MOVEMENT_SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.layouts.model import Column, Facts, Incoming

Columns = dict[str, list["Column"]]
"""The columns of header, detail and trailer; a line that is not there has no entry."""


def file_faults(facts: Facts) -> Iterator[str]:
    """Name everything that is wrong with the facts of a file, place first."""
    yield from _form(facts)
    if sum(1 for part in (facts.outgoing, facts.returned, facts.reference) if part) != 1:
        yield "needs exactly one of [outgoing], [returned] and [reference]"
    if facts.outgoing:
        out = facts.outgoing
        yield from (f"outgoing.name: {fault}" for fault in template_faults(out.name, len(out.kinds)))
        for name in out.sort:
            if name not in MOVEMENT_SOURCES:
                yield f"outgoing.sort: there is no {name!r}; there are {', '.join(sorted(MOVEMENT_SOURCES))}"


def agreement_faults(facts: Facts, columns: Columns) -> Iterator[str]:
    """Name everything in which the facts and the columns, each sound by itself, do not agree."""
    if facts.reference:
        yield from _listed(columns)
    elif not any(column.source == "amount_cents" for column in columns.get("detail", [])):
        yield "detail: needs a column from amount_cents"
    yield from _control(facts, columns)
    if facts.returned:
        yield from _returned(facts.returned, facts, columns)
    if facts.outgoing:
        yield from _told_apart(sorted(facts.outgoing.kinds), columns)


def _listed(columns: Columns) -> Iterator[str]:
    """A list answers one question, who is this: without the id it answers nothing."""
    if not any(column.source == "id" and column.required for column in columns.get("detail", [])):
        yield "detail: needs a column from id that is required"


def _told_apart(kinds: Sequence[str], columns: Columns) -> Iterator[str]:
    """Where a column depends on the kind, a line must show its kind; else it could not be read back."""
    every = [column for line in columns.values() for column in line]
    hanging = [column for column in every if (column.source and column.literals) or _totals(column)]
    marks = [column for column in columns.get("detail", []) if column not in hanging]
    for column in hanging:
        for one, other in itertools.combinations(kinds, 2):
            alike = all(_mark(mark, one) == _mark(mark, other) for mark in marks)
            if alike and _mark(column, one) != _mark(column, other):
                yield f"{column.name}: differs for {one} and {other}, which no other column of the detail line shows"


def _totals(column: Column) -> bool:
    return column.source == "control.cents" and bool(column.negative)


def _mark(column: Column, kind: str) -> tuple[str | None, bool]:
    return column.literals.get(kind), kind in column.negative


def _form(facts: Facts) -> Iterator[str]:
    if facts.format == "fixed":
        if facts.delimiter is not None:
            yield "delimiter: a fixed layout has none; use between"
        if facts.headings:
            yield "headings: a fixed layout has none; use a header line"
    else:
        if facts.delimiter is None:
            yield "delimiter: is missing"
        if facts.between:
            yield "between: is for fixed layouts; use delimiter"
    if facts.newline == "any" and facts.outgoing:
        yield "newline: a file that we send must say LF or CRLF"


def _control(facts: Facts, columns: Columns) -> Iterator[str]:
    stated = {column.source for line in ("header", "trailer") for column in columns.get(line, [])}
    if "control.cents" in stated and "control.count" not in stated:
        yield "control.count: a total without a count cannot show what is missing"
    if facts.control.adds and "control.cents" not in stated:
        yield "control.adds: there is no control.cents in header or trailer"
    yield from _conditions("control.adds", facts.control.adds, columns)
    if facts.returned:
        proof = facts.returned.complete
        if proof == "trailer" and "control.count" not in {one.source for one in columns.get("trailer", [])}:
            yield "returned.complete: a trailer proves completeness with control.count; it has none"
        if proof == "stable" and stated & {"control.count", "control.cents"}:
            yield 'returned.complete: there are control totals; say complete = "trailer"'


def _returned(returned: Incoming, facts: Facts, columns: Columns) -> Iterator[str]:
    for number, rule in enumerate(returned.kinds, start=1):
        place = f"returned.kinds {number}"
        yield from _conditions(f"{place}.when", rule.when, columns)
        if rule.money == "in" and rule.amount == "negative":
            yield f"{place}: money that comes in cannot be negative"
        if facts.sign == "unsigned" and rule.amount == "negative":
            yield f"{place}: sign is unsigned, no amount is negative"


def _conditions(place: str, conditions: Mapping[str, Sequence[str]], columns: Columns) -> Iterator[str]:
    detail = {column.name: column for column in columns.get("detail", [])}
    for name, choices in conditions.items():
        column = detail.get(name)
        if column is None or column.show != "choice":
            yield f"{place}: {name} must be a column of the detail line that is shown as choice"
            continue
        for choice in choices:
            if choice not in column.choices:
                yield f"{place}: {name} has no choice {choice!r}; it has {', '.join(column.choices)}"
