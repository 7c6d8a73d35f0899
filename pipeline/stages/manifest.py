"""The manifest of a night: what came in, what went out, and both sides of every equation, as one small JSON file."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.findings import BOXES
from pipeline.stages.morning import LATE
from pipeline.stages.outgoing import MANIFEST, outgoing
from pipeline.tables import tally

if TYPE_CHECKING:
    from pipeline.flow.books import Line
    from pipeline.flow.runner import Work
    from pipeline.money import Tally


def manifest(work: Work) -> None:
    """Write ``manifest.json`` into the run's folder.

    The same night gives the same bytes: it holds no clock and no path.  Amounts are whole cents; what lowers a debt is
    negative.
    """
    told = {
        "campus": work.campus.campus.name,
        "environment": work.campus.campus.environment,
        "business_date": work.run.business_date.isoformat(),
        "run": work.run.sequence,
        "command": work.run.command,
        "campus_file": work.campus.sha,
        "came_in": [_came(work, sha) for desk in work.before for sha in desk.files],
        "went_out": _went(work),
        "boxes": {desk.name: _boxes(desk) for desk in work.before},
        "books": [_line(line) for desk in (*work.before, work) for line in desk.lines],
        "missing": [one.text for desk in work.before for one in desk.findings if one.code in LATE],
        "findings": dict(sorted(Counter(one.code for desk in (*work.before, work) for one in desk.findings).items())),
    }
    text = json.dumps(told, ensure_ascii=False, indent=1) + "\n"
    files.replace(work.folder.parent / MANIFEST, [text.encode()])


def _came(work: Work, sha: str) -> dict[str, Any]:
    file = work.ledger.file(sha)
    if file is None:
        return {"sha256": sha}
    return {
        "role": file.role,
        "feed": file.feed,
        "name": file.name,
        "sha256": sha,
        "bytes": file.size,
        "state": file.state,
    }


def _went(work: Work) -> list[dict[str, Any]]:
    """Every file that people are told of tonight, for a bursar or for Alma's import."""
    return [
        {
            "system": upload.batch.system,
            "kind": upload.batch.kind,
            "name": upload.batch.name,
            "sha256": upload.batch.sha,
            "bytes": upload.batch.size,
            **_tally(upload.batch.count, upload.batch.cents),
            "business_date": upload.batch.business_date.isoformat(),
            "state": str(upload.state),
        }
        for upload in outgoing(work)
    ]


def _boxes(desk: Work) -> dict[str, dict[str, int]]:
    found = {name: desk.box(name) for name in BOXES}
    return {name: _of(tally(rows)) for name, rows in found.items() if rows is not None}


def _line(line: Line) -> dict[str, Any]:
    return {"stage": line.stage, "what": line.what, "left": _of(line.left), "right": _of(line.right)}


def _of(amount: Tally) -> dict[str, int]:
    return _tally(amount.count, amount.cents)


def _tally(count: int, cents: int) -> dict[str, int]:
    return {"count": count, "cents": cents}
