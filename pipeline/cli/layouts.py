"""``bursar layouts``: check every file format there is, show one as a spec sheet, or try how a file reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

layouts_app = typer.Typer(help="The file formats: check them all, or show one as a spec sheet.")

OwnOption = Annotated[
    Path | None, typer.Option("--campus", help="the campus file whose own layouts count too", metavar="TOML")
]


@layouts_app.callback(invoke_without_command=True)
def layouts(context: typer.Context, campus: OwnOption = None) -> None:
    """Check every layout there is."""
    from pipeline.cli import formats

    if context.invoked_subcommand is None:
        sys.exit(formats.check(campus))


@layouts_app.command("show")
def show(name: Annotated[str, typer.Argument(help="such as peoplesoft/default")], campus: OwnOption = None) -> None:
    """Print a layout as a spec sheet for the bursar."""
    from pipeline.cli import formats

    formats.show(name, campus)


@layouts_app.command("try")
def attempt(
    file: Annotated[Path, typer.Argument(help="a file that came back", readable=False)],
    layout: Annotated[str, typer.Argument(help="its layout, such as cashnet/payments")],
    campus: OwnOption = None,
) -> None:
    """Show how a file reads: what each row becomes, its totals, and what the layout does not know."""
    from pipeline.cli import formats

    sys.exit(formats.attempt(file, layout, campus))
