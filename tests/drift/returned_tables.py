"""The tables of the page on returned files, made from the layouts, and written again by one command.

    .venv/bin/python -m tests.drift.returned_tables

A table stands between two comments, ``<!-- begin rows NAME -->`` and ``<!-- end rows NAME -->``.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.layouts import layout as layouts
from pipeline.layouts.ruler import said

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pipeline.layouts.incoming import Incoming

PAGE = Path(__file__).parents[2] / "docs" / "returned.md"
PART = re.compile(
    r"(?P<begin><!-- begin rows (?P<name>[a-z_/]+) -->\n).*?(?P<end><!-- end rows (?P=name) -->)", re.DOTALL
)
MONEY = {"in": "in", "back": "back", "none": "no money"}


def table(name: str) -> str:
    """What each row of a format becomes: its rules in the order in which they are tried."""
    returned = layouts.load(name).facts.returned
    rows = [] if returned is None else [*_rows(returned)]
    head = ("a row with", "becomes", "its money")
    lines = [" | ".join(cell.replace("|", r"\|") for cell in row) for row in (head, ("---",) * 3, *rows)]
    return "".join(f"| {line} |\n" for line in lines)


def _rows(returned: Incoming) -> Iterator[tuple[str, str, str]]:
    for rule in returned.kinds:
        needs = f"; needs {' and '.join(rule.needs)}" if rule.needs else ""
        asked = ", and a person is asked" if rule.undoes else ""
        yield said(rule) + needs, f"`{rule.kind}`{asked}", MONEY[rule.money]
    if returned.unknown:
        yield f"{returned.unknown} that no line above names", "`other`, and the code is told", MONEY["none"]
    if returned.currency:
        yield f"money in another currency than {returned.currency}", "unreadable", "0"
    yield "anything else", "unreadable", "0"


def renewed(text: str) -> str:
    """Give the page with every table written anew."""
    return PART.sub(lambda part: f"{part['begin']}{table(part['name'])}{part['end']}", text)


if __name__ == "__main__":
    PAGE.write_text(renewed(PAGE.read_text("utf-8")), "utf-8")
