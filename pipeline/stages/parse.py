"""Read every fee of every file, or say why a file is refused."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.findings import Finding, Outcome
from pipeline.readers import alma_export
from pipeline.stages.fingerprint import fingerprints

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded


def parse(files: pd.DataFrame, campus: Loaded, today: date) -> Outcome:  # noqa: ARG001 - every stage has this form
    """Read the files of ``files`` (tables.FILES) into one table (tables.IDENTIFIABLE).

    A file that is not whole, or is no export, is refused whole with a finding; the others go on.
    """
    import pandas as pd

    frames: list[pd.DataFrame] = []
    findings: list[Finding] = []
    for file in files.itertuples():
        source = campus.campus.sources[str(file.feed)]
        summary = alma_export.Summary()
        limits = alma_export.Limits(max_bytes=source.max_bytes, max_fees=source.max_fees)
        try:
            chunks = list(
                alma_export.read(
                    Path(str(file.path)),
                    source=str(file.feed),
                    file_sha=str(file.sha),
                    limits=limits,
                    keep=frozenset(source.keep),
                    summary=summary,
                )
            )
        except alma_export.RefusedFileError as refusal:
            findings.append(Finding(refusal.code, str(file.sha), str(refusal), str(file.name)))
            continue
        frames += chunks
        if note := summary.note(str(file.sha), str(file.name)):
            findings.append(note)
    fees = pd.concat(frames, ignore_index=True) if frames else tables.READ_FEES.empty()
    fees = fees.assign(content=fingerprints(fees))
    return Outcome(tables.checked(fees, tables.IDENTIFIABLE, "parse"), {}, tuple(findings))
