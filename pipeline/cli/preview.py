"""What would be sent: charges out up to files on disk, with an empty ledger in memory and no network."""

from __future__ import annotations

import json
import os
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from pipeline import files, nightly, stages, tables
from pipeline.campus.load import load
from pipeline.cli import world
from pipeline.cli.books import clock
from pipeline.cli.failures import UsageError
from pipeline.cli.origin import reader, sources_of
from pipeline.cli.other_layout import with_layouts
from pipeline.cli.telling import told, words
from pipeline.cli.who import who
from pipeline.flow import runner
from pipeline.flow.runner import Outside, Work
from pipeline.stages.known import KNOWN

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.campus.load import Loaded
    from pipeline.ports.outside import Place

HELD, REFUSED = 1, 2


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person asks of a preview.

    ``day`` is the business date and, for a report, the day it came; ``source`` the source of all files, "" to find out;
    ``layouts`` are ``system=layout``, tried in place of the campus's own; ``people`` is the file of who is who.
    """

    files: Sequence[Path]
    out: Path
    day: date | None = None
    source: str = ""
    layouts: Sequence[str] = ()
    people: Path | None = None
    as_json: bool = False
    second_opinion: bool = True


def preview(campus: Path, wish: Wish) -> int:
    """Write the files that a night would send below ``wish.out`` and tell what became of every fee.

    Exit code 0: nothing held; 1: something held; 2: a file was refused (the others go on).
    """
    known = who(with_layouts(load(campus), wish.layouts), wish.people)
    loaded = known.campus
    if wish.out.exists() and (not wish.out.is_dir() or any(wish.out.iterdir())):
        message = f"{wish.out}: must be a new or an empty folder"
        raise UsageError(message)
    world.give_memory_back()
    with ExitStack() as stack:
        opinion = stack.enter_context(world.second_opinion() if wish.second_opinion else nullcontext())
        day = wish.day or world.today_at(loaded)
        work = _desk(loaded, wish.out, day, Outside(clock(), _nowhere, opinion=opinion))
        work.findings += known.findings
        missing = _lay_out(work, wish)
        with nightly.told(work):
            runner.run(nightly.PREVIEW, work, stages.find, {**KNOWN, "people": lambda _: known.people})
        said = told(work, missing)
    typer.echo(json.dumps(said, ensure_ascii=False, indent=1) if wish.as_json else words(said))
    if said["refused"] or not said["balanced"]:
        return REFUSED
    return HELD if said["held"]["count"] else 0


def _desk(loaded: Loaded, out: Path, day: date, outside: Outside) -> Work:
    from pipeline.adapters.ledger import open_ledger

    ledger = open_ledger("sqlite://", loaded.campus.name, loaded.campus.environment)
    now = outside.clock.now()
    ledger.open_empty("preview", now)
    run = ledger.begin_run("preview", day, loaded.sha, now)
    return Work("PREVIEW", loaded, day, run, ledger, outside, out, keep_stages=False, prefix="PREVIEW_")


def _nowhere(connection: str, folder: str) -> Place:
    message = f"preview: {connection}/{folder}: a preview touches nothing outside"
    raise UsageError(message)


def _lay_out(work: Work, wish: Wish) -> list[dict[str, str]]:
    """Put the files given on the desk; those that cannot be read are refused, and the others go on."""
    refused: list[dict[str, str]] = []
    shas: list[str] = []
    paths: list[Path] = []
    for path in wish.files:
        shown = os.fsencode(path).decode("utf-8", "replace")
        sha, why = _looked_at(path, shown)
        if why:
            refused.append({"file": shown, "code": "FILE-MISSING", "why": f"{shown}: {why}"})
            continue
        shas.append(sha)
        paths.append(path)
    sources = sources_of(paths, work.campus.campus, wish.source)
    work.table = tables.FILES.frame(
        {
            "sha": shas,
            "name": [path.name for path in paths],
            "came_on": [work.today.isoformat()] * len(paths),
            "feed": sources,
            "path": [str(path) for path in paths],
            "reader": [reader(work.campus.campus.sources[name]) for name in sources],
        }
    )
    return refused


def _looked_at(path: Path, shown: str) -> tuple[str, str]:
    """Give a file's hash, and why it cannot be read."""
    if shown != str(path):
        return "", "its name is not UTF-8; rename it"
    if not path.is_file():
        return "", "no such file, or not a plain one"
    try:
        return files.sha256(path), ""
    except OSError as error:
        return "", str(error.strerror)
