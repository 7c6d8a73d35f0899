"""Whether a layout is sound as a whole: its facts, its kinds, its control totals, its proof of completeness."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from pipeline.layouts.naming import template_faults
from pipeline.layouts.returned_checks import Columns, condition_faults, returned_faults
from pipeline.layouts.sources import MOVEMENT_SOURCES

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.layouts.model import Column, Facts


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
    if facts.format in ("records", "workbook") and {"header", "trailer"} & set(columns):
        yield f"format: {facts.format} has no header and no trailer of its own; leave them out"
    if facts.returned:
        yield from returned_faults(facts.returned, facts, columns)
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
    elif facts.format == "workbook":
        yield from _workbook(facts)
    else:
        yield from _separated(facts)
    if facts.format in ("records", "workbook") and not (facts.returned and facts.headings):
        yield f"format: {facts.format} is for returned files with headings"
    if (facts.format == "records") != (facts.records is not None):
        yield "records: a file of records, and no other, says its versions and what its footers add up"
    if facts.newline == "any" and facts.outgoing:
        yield "newline: a file that we send must say LF or CRLF"


def _separated(facts: Facts) -> Iterator[str]:
    if facts.delimiter is None:
        yield "delimiter: is missing"
    if facts.between:
        yield "between: is for fixed layouts; use delimiter"


def _workbook(facts: Facts) -> Iterator[str]:
    if facts.delimiter is not None or facts.between:
        yield "delimiter: a workbook has cells; leave delimiter and between out"


def _control(facts: Facts, columns: Columns) -> Iterator[str]:
    stated = {column.source for line in ("header", "trailer") for column in columns.get(line, [])}
    if "control.cents" in stated and "control.count" not in stated:
        yield "control.count: a total without a count cannot show what is missing"
    if facts.control.adds and "control.cents" not in stated:
        yield "control.adds: there is no control.cents in header or trailer"
    yield from condition_faults("control.adds", facts.control.adds, columns)
    if facts.returned:
        yield from _proof(facts, facts.returned.complete, stated, columns)


def _proof(facts: Facts, proof: str, stated: set[str], columns: Columns) -> Iterator[str]:
    if proof == "archive" and facts.format != "workbook":
        yield "returned.complete: only a workbook is an archive"
    counted = "control.count" in {one.source for one in columns.get("trailer", [])} or facts.format == "records"
    if proof == "trailer" and not counted:
        yield "returned.complete: a trailer proves completeness with control.count; it has none"
    if proof != "trailer" and stated & {"control.count", "control.cents"}:
        yield 'returned.complete: there are control totals; say complete = "trailer"'
