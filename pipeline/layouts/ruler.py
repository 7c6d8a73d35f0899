"""Prints a layout as a spec sheet that a bursar can type from, or set beside a file."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from pipeline.layouts import fixed
from pipeline.layouts.cells import Cell, cells
from pipeline.layouts.naming import file_name

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pipeline.layouts.incoming import Incoming, KindRule, References
    from pipeline.layouts.model import Column, Facts, Layout, Line, Outgoing

SOME_DAY = date(2026, 1, 20)


def sheet(layout: Layout) -> str:
    """Give the spec sheet: the facts of the file, every column with its place, and an example record under a ruler.

    Places are counted from 1 and from 0, because systems differ in what they want typed in.
    """
    lines = [layout.name, layout.facts.title, "", *_facts(layout)]
    for name, line in (("header", layout.header), ("detail", layout.detail), ("trailer", layout.trailer)):
        if line is not None:
            lines += ["", *_line(layout, name, line)]
    return "\n".join(line.rstrip() for line in [*lines, "", *_example(layout)]) + "\n"


def _facts(layout: Layout) -> Iterator[str]:
    facts = layout.facts
    forms = {
        "fixed": f"fixed positions, {_between(layout)}",
        "delimited": f"separated by {layout.delimiter!r}",
        "records": f"records RH to FF, separated by {layout.delimiter!r}",
        "workbook": "workbook (XLSX), the first sheet with the headings",
    }
    headings = ", with a line of headings" if facts.headings else ""
    yield f"form      {forms[facts.format]}{headings}"
    if facts.records:
        yield f"version   {' or '.join(facts.records.versions)}"
    if facts.format != "workbook":
        yield f"text      {facts.encoding}, lines end with {'LF or CRLF' if facts.newline == 'any' else facts.newline}"
    if not facts.reference:
        yield f"amounts   {'never negative' if facts.sign == 'unsigned' else 'may be negative'}"
    if facts.outgoing:
        yield from _outgoing(layout, facts.outgoing)
    if facts.returned:
        yield from _returned(facts, facts.returned)
    if facts.reference:
        yield f"lists     {facts.reference.lists}; it is only read"
    for name, choices in facts.control.adds.items():
        yield f"control   the total adds up the lines whose {name} is {' or '.join(choices)}"


def _between(layout: Layout) -> str:
    return f"one {layout.facts.between!r} between columns" if layout.facts.between else "nothing between columns"


def _outgoing(layout: Layout, out: Outgoing) -> Iterator[str]:
    carries = "everything outstanding; it replaces the file before" if out.scope == "snapshot" else "each line once"
    yield f"carries   {carries} ({out.scope})"
    for kind in out.kinds:
        yield f"name      {kind}: {out.name}, such as {file_name(layout, kind, SOME_DAY, 1)}"
    if out.sort:
        yield f"order     by {', then '.join(out.sort)}"
    if out.max_lines:
        yield f"size      {out.max_lines} lines at most"


def _returned(facts: Facts, incoming: Incoming) -> Iterator[str]:
    again = "says again what earlier files said" if incoming.repeats == "cumulative" else "never repeats itself"
    yield f"carries   {incoming.amount_is.replace('_', ' ')}; it {again}"
    yield f"covers    {incoming.covers.replace('_', ' ')}"
    proofs = {
        "trailer": "its last record" if facts.records else "its trailer",
        "archive": "being an archive that opens",
        "stable": "staying unchanged, and a whole last line",
    }
    yield f"complete  shown by {proofs[incoming.complete]}"
    if incoming.currency:
        yield f"currency  {incoming.currency}; money in any other cannot be read"
    if incoming.references:
        yield from _references(incoming.references)
    for number, rule in enumerate(incoming.kinds, start=1):
        asked = "; a person is asked" if rule.undoes else ""
        yield f"rule {number:<4} {said(rule)}: {rule.kind}, money {rule.money}{asked}"
    if incoming.unknown:
        yield f"rule      {incoming.unknown} that no rule names: other, money none, and it is told"


def said(rule: KindRule) -> str:
    """Say in words which rows a rule is for."""
    when = [f"{name} {' or '.join(map(_spoken, choices))}" for name, choices in rule.when.items()]
    amount = [f"a {rule.amount} amount"] if rule.amount else []
    return ", ".join([*when, *amount]) or "anything else"


def _spoken(choice: str) -> str:
    return {"": "blank", "*": "not blank"}.get(choice, choice.replace("!", "anything but ", 1))


def _references(references: References) -> Iterator[str]:
    if references.shares:
        other = f", else {references.otherwise}" if references.otherwise else ""
        yield f"pays      {references.shares}: fee:cents|fee:cents or one fee{other}"
        return
    whole = ", or a column of that name for the whole line" if references.whole else ""
    yield f"pays      the {references.value} whose {references.type} is {' or '.join(references.types)}{whole}"


def _line(layout: Layout, name: str, line: Line) -> Iterator[str]:
    is_fixed = layout.facts.format == "fixed"
    yield f"{name}{f', {line.bytes} bytes' if line.bytes else ''}"
    head = ("from 1", "from 0", "width", "column", "shown as", "blank", "example", "source")
    rows = [head if is_fixed else ("number", *head[2:])]
    begins = fixed.starts(layout, line)
    for number, (column, cell) in enumerate(zip(line.columns, cells(layout, line), strict=True)):
        place = (str(begins[number] + 1), str(begins[number])) if is_fixed else (str(number + 1),)
        rows.append((*place, *_column(layout, column, cell)))
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    for row in rows:
        yield "  " + "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True))
    for column in line.columns:
        if column.aliases:
            yield f"  {column.name} is also found as {', '.join(column.aliases)}"


def _column(layout: Layout, column: Column, cell: Cell) -> tuple[str, ...]:
    shown = column.show.removeprefix("date:") if column.literal is None or column.source else "always the same"
    if column.choices:
        shown = " | ".join(column.choices)
    filled = column.required or column.is_number or (column.literal and not column.source)
    blank = "never" if filled else "allowed"
    missing = "may be missing" if column.optional and not layout.facts.outgoing else blank
    width = str(column.width or "any")
    return (width, column.name, shown + _filled(cell), missing, _sample(column), _source(column))


def _filled(cell: Cell) -> str:
    column = cell.column
    changes = [*(["cut"] if column.overflow == "cut" else []), *(["folded"] if column.fold else [])]
    if cell.fixed and column.pad == "0":
        changes.append("zeros in front")
    elif cell.fixed and column.align == "right":
        changes.append("right")
    changes += [f"minus for a {kind}" for kind in column.negative]
    return f", {', '.join(changes)}" if changes else ""


def _sample(column: Column) -> str:
    texts = [f"{text or 'blanks'} ({kind})" for kind, text in column.literals.items()]
    if texts:
        return " | ".join([column.example, *texts] if column.example else texts)
    return str(column.literal or column.example or "")


def _source(column: Column) -> str:
    if column.source:
        return column.source
    if column.literal is None:
        return "not used"
    return "fixed text" if column.literal else "blanks"


def _example(layout: Layout) -> Iterator[str]:
    """One record of each line out of the examples; over fixed positions a ruler that counts from 1."""
    if layout.facts.format == "fixed":
        records = [layout.facts.between.join(_cells(layout, line)) for line in layout.lines()]
        yield from _ruler(max(len(record) for record in records))
        yield from records
        return
    yield "example"
    for line in layout.lines():
        if line is layout.detail and layout.facts.headings:
            yield layout.delimiter.join(column.name for column in line.columns)
        yield layout.delimiter.join(_cells(layout, line))


def _cells(layout: Layout, line: Line) -> Sequence[str]:
    texts = []
    for cell in cells(layout, line, next(iter(layout.kinds), "")):
        literal = cell.column.literal
        texts.append(cell.padded(literal if isinstance(literal, str) else cell.column.example or ""))
    return texts


def _ruler(size: int) -> Iterator[str]:
    yield "".join(str(place // 10 % 10) if place % 10 == 0 else " " for place in range(1, size + 1))
    yield "".join(str(place % 10) for place in range(1, size + 1))
