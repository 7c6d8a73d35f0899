"""The file formats at the command line: check all, show one, read a file through one, try how a file reads."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from pipeline.campus import written
from pipeline.layouts import layout as layouts
from pipeline.layouts import ruler
from pipeline.money import dollars

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping


def beside(campus: Path | None) -> Path | None:
    """Give the folder beside which a campus keeps layouts of its own; None for no campus.  Raises CampusError."""
    if campus is None:
        return None
    written.read(campus)
    return Path(os.path.realpath(campus.parent))


def check(campus: Path | None = None) -> int:
    """Check every layout; print each problem with its place, or that all are well."""
    folder = beside(campus)
    problems = layouts.check_all(folder)
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        return 2
    for name in layouts.names(folder):
        typer.echo(f"{name}: well")
    return 0


def show(name: str, campus: Path | None = None) -> None:
    """Print the spec sheet of one layout."""
    typer.echo(ruler.sheet(layouts.load(name, beside(campus))))


def read(file: Path, layout: str, campus: Path | None = None, *, as_json: bool) -> int:
    """Read a file; exit code 0 when it is whole, 1 when some row is unreadable, 2 when it is refused."""
    try:
        returned = layouts.read(layouts.load(layout, beside(campus)), file)
    except layouts.UnreadableFileError as refusal:
        typer.echo(f"{file}: {refusal.code}: {refusal}", err=True)
        return 2
    told = layouts.to_json(returned)
    if as_json:
        typer.echo(json.dumps(told, ensure_ascii=False, indent=1))
    else:
        _table(told)
    return 1 if told["totals"]["unreadable"] else 0


def _table(told: dict[str, object]) -> None:
    for row in told["rows"]:  # type: ignore[attr-defined]
        typer.echo("  ".join(f"{name}={value}" for name, value in row.items() if value not in ("", None, [])))
    typer.echo(json.dumps(told["totals"], ensure_ascii=False))


def attempt(file: Path, layout: str, campus: Path | None = None) -> int:
    """Tell how a file reads, row by row, with its totals; exit code 0 when all of it does, else 2."""
    try:
        returned = layouts.read(layouts.load(layout, beside(campus)), file)
    except layouts.UnreadableFileError as refusal:
        typer.echo(f"{file}: {refusal.code}: {refusal}", err=True)
        return 2
    told = layouts.to_json(returned)
    for row in told["rows"]:
        typer.echo(f"line {row['line']}: {_became(row)}")
    typer.echo("")
    for line in _sums(returned, told["totals"]):
        typer.echo(line)
    return 2 if told["totals"]["unreadable"] else 0


def _became(row: Mapping[str, Any]) -> str:
    """Say what a row has become: kind, money, day, and what it names; or why it cannot be read."""
    words = {
        "payment_ref": "receipt",
        "payment_line": "item",
        "fee_ref": "pays",
        "patron_id": "patron",
        "origin_ref": "takes back",
    }
    named = [f"{word} {row[name]}" for name, word in words.items() if row.get(name)]
    several = [f"{ref} {dollars(cents)}" for ref, cents in row.get("fees", ())]
    pays = [f"pays {' and '.join(several)}"] if several else []
    said = [
        f"{row['kind'] or 'unknown'} {dollars(row['amount_cents'])}",
        str(row.get("occurred_on", "")),
        *named,
        *pays,
    ]
    why = f"  UNREADABLE: {row['unreadable']}" if row["unreadable"] else ""
    return "  ".join(one for one in said if one) + why


def _sums(returned: layouts.Returned, totals: Mapping[str, Any]) -> Iterator[str]:
    for kind, part in totals["by_kind"].items():
        yield f"{kind}: {_rows(part['count'])}, {dollars(part['cents'])}"
    yield f"all: {_rows(totals['count'])}, {dollars(totals['cents'])}; {totals['unreadable']} cannot be read"
    yield f"the file says of itself: {returned.control or 'nothing'}"
    if returned.period:
        yield f"it covers: {' to '.join(returned.period)}"
    for name in returned.ignored:
        yield f"not known to the layout: {name}"


def _rows(count: int) -> str:
    return f"{count} row{'' if count == 1 else 's'}"
