"""The command line: every command is thin, and loads what it needs only when it runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline import __version__
from pipeline.cli.layouts import OwnOption, layouts_app
from pipeline.cli.options import (
    ApproveOption,
    CampusOption,
    DateOption,
    JsonOption,
    OfSourceOption,
    OfVersionOption,
    day_of,
)

if TYPE_CHECKING:
    from datetime import datetime

app = typer.Typer(
    name="bursar",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
sandbox_app = typer.Typer(help="A campus in a box, to try things on.", no_args_is_help=True)
app.add_typer(layouts_app, name="layouts")
app.add_typer(sandbox_app, name="sandbox")


def _say_version(wanted: bool) -> None:  # noqa: FBT001 - as typer calls it
    if wanted:
        typer.echo(f"bursar {__version__}")
        raise typer.Exit


@app.callback()
def bursar(
    version: Annotated[  # noqa: FBT002 - typer's form; its callback speaks
        bool, typer.Option("--version", help="print which version this is", callback=_say_version, is_eager=True)
    ] = False,
) -> None:
    """Library fines to the bursar and payments back, to the cent."""


@app.command()
def preview(  # noqa: PLR0913 - the line a person types
    files: Annotated[list[Path], typer.Argument(help="Alma bursar exports and Analytics reports", readable=False)],
    campus: CampusOption,
    out: Annotated[Path, typer.Option("--out", help="a new or empty folder for the files", metavar="DIR")],
    date: DateOption = None,
    source: Annotated[str, typer.Option("--source", help="source of the files; else told by name and content")] = "",
    layout: Annotated[
        list[str] | None, typer.Option("--layout", help="another layout for a system", metavar="SYSTEM=LAYOUT")
    ] = None,
    people: Annotated[
        Path | None,
        typer.Option("--people", help="the file of who is who; without it nobody is checked", metavar="FILE"),
    ] = None,
    json: JsonOption = False,  # noqa: FBT002
    second_opinion: Annotated[bool, typer.Option(help="also ask Great Expectations")] = True,  # noqa: FBT002
) -> None:
    """Show what would be sent: the steps of charges out, up to files on disk.  No network, no ledger."""
    from pipeline.cli import preview as command

    wish = command.Wish(
        files, out, day_of(date), source, layout or (), people, as_json=json, second_opinion=second_opinion
    )
    sys.exit(command.preview(campus, wish))


@app.command()
def compare(
    file: Annotated[Path, typer.Argument(help="a file of the process that is to be replaced", readable=False)],
    layout: Annotated[str, typer.Option("--layout", help="the layout it is in, such as peoplesoft/default")],
    campus: CampusOption,
    system: Annotated[str, typer.Option("--system", help="the system it goes to, if that is not plain")] = "",
    ours: Annotated[
        Path | None, typer.Option("--with", help="our file; the newest of that system if not given", metavar="FILE")
    ] = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Set the old process's file against ours: what only one of them has, and what differs, by cause."""
    from pipeline.cli import compare as command

    sys.exit(command.compare(command.Wish(file, layout, campus, system, ours), as_json=json))


@app.command()
def whatif(
    campus: Annotated[Path, typer.Option("--campus", help="the changed campus file", metavar="TOML")],
    nights: Annotated[int, typer.Option("--nights", min=1, help="so many of the last business dates")] = 30,
    old: Annotated[
        Path | None, typer.Option("--old", help="the campus file to compare with; the last one run if not given")
    ] = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Replay archived nights under a changed campus file: every row that would go elsewhere or otherwise."""
    from pipeline.cli import whatif as command

    sys.exit(command.whatif(campus, nights, old, as_json=json))


@app.command()
def read(
    file: Annotated[Path, typer.Argument(help="a file in one of our layouts", readable=False)],
    layout: Annotated[str, typer.Option("--layout", help="its layout, such as peoplesoft/paid")],
    campus: OwnOption = None,
    json: JsonOption = False,  # noqa: FBT002
) -> None:
    """Read a file back through its layout."""
    from pipeline.cli import formats

    sys.exit(formats.read(file, layout, campus, as_json=json))


@app.command()
def plan() -> None:
    """Print the steps of a night."""
    from pipeline.cli import tell

    tell.plan()


@app.command()
def init(path: Annotated[Path, typer.Argument(help="the campus file to write")] = Path("campus.toml")) -> None:
    """Write a commented campus file to start from."""
    from pipeline.cli import start

    start.init(path)


@app.command()
def opening(
    campus: CampusOption,
    empty: Annotated[bool, typer.Option("--empty", help="nothing was ever sent or posted before")] = False,  # noqa: FBT002
) -> None:
    """Open a new ledger: without an opening nothing is sent and nothing is posted."""
    from pipeline.cli import start

    sys.exit(start.opening(campus, empty=empty))


@app.command()
def night(campus: CampusOption, date: DateOption = None, approve: ApproveOption = None) -> None:
    """Run a whole night: payments in, then charges out, then the reports."""
    _run("night", campus, date, approve)


@app.command()
def charges(campus: CampusOption, date: DateOption = None, approve: ApproveOption = None) -> None:
    """Run charges out only."""
    _run("charges", campus, date, approve)


@app.command()
def payments(campus: CampusOption, date: DateOption = None, approve: ApproveOption = None) -> None:
    """Run payments in only."""
    _run("payments", campus, date, approve)


@app.command()
def status(campus: CampusOption) -> None:
    """Say how the last run went, whether one is at work, and what waits or is held."""
    from pipeline.cli import tell

    tell.status(campus)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(help="a fee, payment, receipt, posting, task, file or patron's id")],
    campus: CampusOption,
) -> None:
    """Tell a life in order, each line with its evidence, and what happens next."""
    from pipeline.cli import explain as command

    sys.exit(command.explain(name, campus))


@app.command()
def tasks(campus: CampusOption, json: JsonOption = False) -> None:  # noqa: FBT002
    """List what staff have to do, oldest first."""
    from pipeline.cli import tasks as command

    sys.exit(command.tasks(campus, as_json=json))


@app.command()
def resolve(  # noqa: PLR0913 - the line a person types
    name: Annotated[str, typer.Argument(metavar="ID", help="a posting, payment, receipt, output file or task")],
    campus: CampusOption,
    reason: Annotated[str, typer.Option("--reason", help="why, for the audit", metavar="TEXT")],
    resend: Annotated[bool, typer.Option("--resend", help="let it go on: send it, or match it again")] = False,  # noqa: FBT002
    settled: Annotated[bool, typer.Option("--settled-elsewhere", help="it was settled, or done, by hand")] = False,  # noqa: FBT002
    reject: Annotated[bool, typer.Option("--reject", help="it is to end here: not posted, not needed")] = False,  # noqa: FBT002
    to: Annotated[str, typer.Option("--to", help="the fee that a payment is for", metavar="FEE")] = "",
) -> None:
    """Decide about money, a file or a task that waits for a person, in your name; say exactly one answer."""
    from pipeline.cli import resolve as command

    wish = command.wished(name, reason, {"--resend": resend, "--settled-elsewhere": settled, "--reject": reject}, to)
    sys.exit(command.resolve(campus, wish))


@app.command()
def reject(
    fee: Annotated[str, typer.Argument(help="a fee that is held or waits")],
    campus: CampusOption,
    reason: Annotated[str, typer.Option("--reason", help="why it must not go out", metavar="TEXT")],
    version: OfVersionOption = None,
    source: OfSourceOption = "",
) -> None:
    """End a held fee for good, in your name; another version of it may then go out."""
    from pipeline.cli import decide

    sys.exit(decide.reject(decide.Named(fee, version, source), campus, reason))


@app.command()
def approve(
    fee: Annotated[str, typer.Argument(help="a fee that is held or waits")],
    campus: CampusOption,
    reason: Annotated[str, typer.Option("--reason", help="why it may go out", metavar="TEXT")],
    against: Annotated[str, typer.Option("--against", help="the fee that a credit is for", metavar="FEE")] = "",
    version: OfVersionOption = None,
    source: OfSourceOption = "",
) -> None:
    """Let a held fee go, in your name; the next night takes it along."""
    from pipeline.cli import decide

    sys.exit(decide.approve(decide.Named(fee, version, source), campus, decide.Word(reason, against)))


@app.command()
def route(
    fee: Annotated[str, typer.Option("--explain", help="the fee to explain", metavar="FEE")], campus: CampusOption
) -> None:
    """Say why a fee goes where it goes: every rule in turn, and the first that fits."""
    from pipeline.cli import route as command

    sys.exit(command.explain(fee, campus))


@app.command()
def report(campus: CampusOption) -> None:
    """Print where the newest report lies."""
    from pipeline.cli import tell

    sys.exit(tell.newest_report(campus))


@app.command()
def demo(
    folder: Annotated[Path, typer.Option("--folder", help="where the demo keeps its state")] = Path("demo"),
) -> None:
    """Run nights of the sample campus against the campus in a box, until one sends and posts nothing."""
    from pipeline.cli import demo as command

    sys.exit(command.demo(folder))


@sandbox_app.command("up")
def sandbox_up(
    folder: Annotated[Path, typer.Option("--folder", help="where the box keeps its state")] = Path("sandbox"),
) -> None:
    """Start an Alma, an SFTP server and a mailbox on loopback, and write a campus file for them."""
    from pipeline.cli import demo as command

    sys.exit(command.up(folder))


def _run(command: str, campus: Path, when: datetime | None, approve: list[str] | None) -> None:
    from pipeline.cli import run

    sys.exit(run.run(command, campus, day_of(when), frozenset(approve or ())))
