"""Whether what a layout says of a returned file is sound: its rules, its references, its currency."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pipeline.layouts.incoming import Incoming, References
    from pipeline.layouts.model import Column, Facts

Columns = dict[str, list["Column"]]
"""The columns of header, detail and trailer; a line that is not there has no entry."""


def returned_faults(returned: Incoming, facts: Facts, columns: Columns) -> Iterator[str]:
    """Name everything in which the part on returned files and the columns do not agree."""
    yield from _rules(returned, facts, columns)
    if returned.unknown:
        yield from _named("returned.unknown", [returned.unknown], columns, show="code")
    yield from _named("returned.items", [returned.items] if returned.items else [], columns)
    detail = columns.get("detail", [])
    if bool(returned.currency) != any(column.source == "currency" for column in detail):
        yield "returned.currency: stands in a file with a column from currency, and in no other"
    if any(column.numbered for column in detail) and not all(
        column.numbered for column in detail if column.source == "amount_cents"
    ):
        yield "numbered: items have amounts of their own; the one column from amount_cents would count for each of them"
    if returned.references:
        yield from _references(returned.references, columns)
    if facts.records:
        yield from _named("records", facts.records.columns(), columns)
    for column in detail:
        yield from condition_faults(f"{column.name}.only", column.only, columns)


def _rules(returned: Incoming, facts: Facts, columns: Columns) -> Iterator[str]:
    for number, rule in enumerate(returned.kinds, start=1):
        place = f"returned.kinds {number}"
        yield from condition_faults(f"{place}.when", rule.when, columns)
        if rule.money == "in" and rule.amount == "negative":
            yield f"{place}: money that comes in cannot be negative"
        if facts.sign == "unsigned" and rule.amount == "negative":
            yield f"{place}: sign is unsigned, no amount is negative"
        yield from _named(f"{place}.needs", rule.needs, columns)


def _references(references: References, columns: Columns) -> Iterator[str]:
    """Slots or a list, and nothing beside them."""
    if any(column.source == "fee_ref" for column in columns.get("detail", [])):
        yield "returned.references: a column is from fee_ref already; keep one of the two"
    if bool(references.value) == bool(references.shares):
        yield "returned.references: needs either type and value of slots, or shares"
    if references.value:
        if not references.types or not references.type:
            yield "returned.references: slots need type, and the types that are ours"
        for name in references.slot(1):
            yield from _named("returned.references", [name] if name else [], columns)
    listed = [name for name in (references.shares, references.otherwise) if name]
    yield from _named("returned.references", listed, columns)


def _named(place: str, names: Sequence[str], columns: Columns, show: str = "") -> Iterator[str]:
    detail = {column.name: column for column in columns.get("detail", [])}
    for name in names:
        if name not in detail:
            yield f"{place}: there is no column {name!r} in the detail line"
        elif show and detail[name].show != show:
            yield f"{place}: {name} must be shown as {show}"


def condition_faults(place: str, conditions: Mapping[str, Sequence[str]], columns: Columns) -> Iterator[str]:
    """Name every condition that asks for a column or a choice that is not there."""
    detail = {column.name: column for column in columns.get("detail", [])}
    for name, choices in conditions.items():
        column = detail.get(name)
        if column is None or column.show not in ("choice", "code"):
            yield f"{place}: {name} must be a column of the detail line that is shown as choice or code"
            continue
        if column.show == "code":
            continue
        for choice in choices:
            if choice not in column.choices:
                yield f"{place}: {name} has no choice {choice!r}; it has {', '.join(column.choices)}"
