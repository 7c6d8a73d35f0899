"""How an output file is named: a template with a closed set of fields, filled from data, never from a clock."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pipeline.layouts import dates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from pipeline.layouts.model import Layout

FIELD = re.compile(r"\{([^{}]*)\}")
PLAIN = re.compile(r"[A-Za-z0-9._-]*", re.ASCII)
SEQUENCE = re.compile(r"seq:N+", re.ASCII)
DATES = {f"date:{form}" for form in dates.FORMATS if "/" not in form}
KNOWN = "{kind}, {date:YYYYMMDD}, {seq:NNNN} and {part}"


def file_name(layout: Layout, kind: str, business_date: date, sequence: int, part: int = 1) -> str:
    """Name the file of a kind (ours: charge, reversal, credit); a sequence that outgrows its N's is written in full.

    Raises ValueError for a kind or a layout that has no file to send: a bug of the caller.
    """
    word = layout.kinds.get(kind)
    if layout.facts.outgoing is None or word is None:
        message = f"{layout.name} has no file of kind {kind!r}"
        raise ValueError(message)

    def filled(field: re.Match[str]) -> str:
        name, _, form = field.group(1).partition(":")
        if name == "date":
            return dates.written(business_date.isoformat(), form)
        if name == "seq":
            return str(sequence).zfill(len(form))
        return word if name == "kind" else str(part)

    return FIELD.sub(filled, layout.facts.outgoing.name)


def template_faults(template: str, kinds: int) -> Iterator[str]:
    """Name what is wrong with a template that must serve so many kinds."""
    fields = FIELD.findall(template)
    for field in fields:
        if field not in ("kind", "part") and field not in DATES and not SEQUENCE.fullmatch(field):
            yield f"knows no field {{{field}}}; there are {KNOWN}"
    rest = FIELD.sub("", template)
    if not PLAIN.fullmatch(rest) or template.startswith("."):
        yield "may have letters, digits, dot, dash and underscore beside its fields, and no dot in front"
    if not any(SEQUENCE.fullmatch(field) for field in fields):
        yield "needs {seq:NNNN}: a name is never used twice"
    if kinds > 1 and "kind" not in fields:
        yield "needs {kind}: the layout serves more than one"
