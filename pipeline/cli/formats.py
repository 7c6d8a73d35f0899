"""The file formats at the command line: check all, show one, read a file through one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import typer

from pipeline.layouts import layout as layouts
from pipeline.layouts import ruler

if TYPE_CHECKING:
    from pathlib import Path


def check() -> int:
    """Check every layout; print each problem with its place, or that all are well."""
    problems = layouts.check_all()
    for problem in problems:
        typer.echo(problem, err=True)
    if problems:
        return 2
    for name in layouts.names():
        typer.echo(f"{name}: well")
    return 0


def show(name: str) -> None:
    """Print the spec sheet of one layout."""
    typer.echo(ruler.sheet(layouts.load(name)))


def read(file: Path, layout: str, *, as_json: bool) -> int:
    """Read a file; exit code 0 when it is whole, 1 when some row is unreadable, 2 when it is refused."""
    try:
        returned = layouts.read(layouts.load(layout), file)
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
        typer.echo("  ".join(f"{name}={value}" for name, value in row.items() if value not in ("", None)))
    typer.echo(json.dumps(told["totals"], ensure_ascii=False))
