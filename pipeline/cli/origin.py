"""Which source a file belongs to that somebody gives to a command: by its name, or by what it is."""

from __future__ import annotations

import csv
import re
from fnmatch import fnmatchcase
from itertools import islice
from typing import TYPE_CHECKING

from pipeline.campus.sources import AlmaExport, ReportFile
from pipeline.cli.failures import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from pipeline.campus.settings import Campus
    from pipeline.campus.sources import AnySource

START = 4096
"""Bytes at the beginning of a file that tell what it is."""

ABOVE = 50
"""Lines that may stand above the headings of a report."""

ELEMENT = re.compile(rb"<(?![?!])(?:[A-Za-z_][\w.-]*:)?([A-Za-z_][\w.-]*)")
ROWSET = (b"rowset", b"queryresult", b"report")
"""How the XML of Analytics begins, whatever its prefixes."""

EXPORT = "alma_export"


def sources_of(paths: Sequence[Path], campus: Campus, said: str) -> list[str]:
    """Name the source of each file; ``said`` is the one that the person named, or "".

    Raises UsageError for a source that the campus does not have, and for a file that could belong to several.
    """
    if said and said not in campus.sources:
        message = f"--source {said}: there is no such source; the campus has {', '.join(campus.sources)}"
        raise UsageError(message)
    return [said or _source(path, campus.sources) for path in paths]


def reader(source: AnySource) -> str:
    """Name what reads the files of a source."""
    return EXPORT if isinstance(source, AlmaExport) else "report"


def _source(path: Path, sources: Mapping[str, AnySource]) -> str:
    """The more a file tells, the fewer sources are left; what fits none is left to the reader, which says why."""
    left = list(sources)
    for fits in (_named, _of_kind, _with_headings):
        fitting = [name for name in left if fits(path, sources[name])]
        left = fitting or left
        if len(left) == 1:
            return left[0]
    if not _of_kind(path, sources[left[0]]):
        return left[0]
    message = f"{path}: could be of {' or '.join(left)}; say which with --source"
    raise UsageError(message)


def _named(path: Path, source: AnySource) -> bool:
    return isinstance(source, AlmaExport | ReportFile) and fnmatchcase(path.name, source.pattern)


def _of_kind(path: Path, source: AnySource) -> bool:
    if isinstance(source, AlmaExport):
        return _kind(path) == EXPORT
    return _kind(path) == (source.format if isinstance(source, ReportFile) else "rowset")


def _kind(path: Path) -> str:
    """Tell by the first bytes: an export, a rowset, a workbook, or else lines of text."""
    with path.open("rb") as stream:
        start = stream.read(START)
    if start.startswith(b"PK"):
        return "xlsx"
    if not start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return "csv"
    root = ELEMENT.search(start)
    return "rowset" if root and root.group(1).lower() in ROWSET else EXPORT


def _with_headings(path: Path, source: AnySource) -> bool:
    """Whether one of a report's first lines has a heading for each of its columns."""
    if not isinstance(source, ReportFile) or source.format != "csv":
        return False
    wanted = [getattr(source.columns, name) for name in type(source.columns).model_fields]
    wanted = [{_key(one) for one in names} for names in wanted if names]
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        lines = islice(csv.reader(stream, delimiter=source.delimiter), ABOVE)
        return any(all(names & {_key(cell) for cell in cells} for names in wanted) for cells in lines)


def _key(heading: str) -> str:
    return " ".join(heading.split()).casefold()
