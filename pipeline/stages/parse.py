"""Read every fee of every file, or say why a file is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.campus.sources import AlmaExport
from pipeline.findings import Finding, Outcome
from pipeline.readers import alma_export, report
from pipeline.stages import shortfall
from pipeline.stages.fingerprint import fingerprints

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.sources import AnySource


@dataclass(frozen=True, slots=True)
class Arrived:
    """One file as tables.FILES describes it, and its source in the campus file."""

    sha: str
    name: str
    came_on: str
    feed: str
    path: Path
    source: AnySource


@dataclass(slots=True)
class Desk:
    """What was read so far: rows of exports, reports one by one, and findings."""

    campus: Loaded
    frames: list[pd.DataFrame] = field(default_factory=list)
    reports: list[shortfall.Report] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    @property
    def title_key(self) -> bytes | None:
        """The key that titles are hashed with, if the campus has one."""
        secret = self.campus.secrets.get(self.campus.campus.title_key)
        return secret.get_secret_value().encode() if secret else None


def parse(files: pd.DataFrame, campus: Loaded, today: date, *, figures: pd.DataFrame) -> Outcome:  # noqa: ARG001
    """Read the files of ``files`` (tables.FILES, in the order they came) into one table (tables.IDENTIFIABLE).

    A file that is not whole, or is not what its source holds, is refused whole with a finding; the others go on.  Of an
    ``open_now`` report that is suddenly short nothing is read until a person says yes.  ``figures`` are those of
    earlier nights: business_date, scope, what, count, cents, oldest first; those whose ``what`` is ``approved`` name
    the sources that a person lets in tonight.
    """
    import pandas as pd

    desk = Desk(campus)
    for file in _arrived(files, campus):
        if isinstance(file.source, AlmaExport):
            _export(file, file.source, desk)
        else:
            _report(file, desk)
    read, findings, empty = shortfall.whole(desk.reports, campus.campus.sources, figures)
    frames = [frame for frame in [*desk.frames, *read] if len(frame)]
    fees = pd.concat(frames, ignore_index=True) if frames else tables.READ_FEES.empty()
    fees = fees.assign(content=fingerprints(fees))
    silent = tuple((one.feed, one.sha, one.read.as_of) for one in empty if one.read)
    passed = tables.checked(fees, tables.IDENTIFIABLE, "parse")
    return Outcome(passed, {}, (*desk.findings, *findings), silent=silent)


def _arrived(files: pd.DataFrame, campus: Loaded) -> Sequence[Arrived]:
    columns = [files[name].tolist() for name in ("sha", "name", "came_on", "feed", "path")]
    return [
        Arrived(sha, name, came_on, feed, Path(path), campus.campus.sources[feed])
        for sha, name, came_on, feed, path in zip(*columns, strict=True)
    ]


def _export(file: Arrived, source: AlmaExport, desk: Desk) -> None:
    summary = alma_export.Summary()
    try:
        chunks = list(
            alma_export.read(
                file.path,
                source=file.feed,
                file_sha=file.sha,
                limits=alma_export.Limits(max_bytes=source.max_bytes, max_fees=source.max_fees),
                keep=frozenset(source.keep),
                title_key=desk.title_key,
                summary=summary,
            )
        )
    except alma_export.RefusedFileError as refusal:
        desk.findings.append(Finding(refusal.code, file.sha, str(refusal), file.name))
        return
    desk.frames += chunks
    if note := summary.note(file.sha, file.name):
        desk.findings.append(note)


def _report(file: Arrived, desk: Desk) -> None:
    if isinstance(file.source, AlmaExport):
        return
    read, refusal = None, None
    try:
        read = report.read(
            file.path,
            source=file.feed,
            report=file.source,
            file_sha=file.sha,
            came_on=file.came_on,
            currency=desk.campus.campus.currency,
            title_key=desk.title_key,
        )
    except report.RefusedFileError as error:
        refusal = Finding(error.code, file.sha, str(error), file.name)
    desk.reports.append(shortfall.Report(file.sha, file.name, file.came_on, file.feed, read, refusal))
