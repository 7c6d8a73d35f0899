"""What became of every fee of a preview, as one JSON object or in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.findings import BOXES
from pipeline.flow.runner import own_money
from pipeline.money import Tally, dollars, total
from pipeline.tables import tally

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.flow.runner import Work

MOST_REASONS = 20


def told(work: Work, missing: list[dict[str, str]]) -> dict[str, Any]:
    """Give counts and cents of what was read, what would be sent and what is in each box; whether it all adds up.

    ``missing`` are files that could not be read at all.  What is sent is unsigned, as it stands in the files.
    """
    currency = work.campus.campus.currency
    boxes = {box: work.box(box) for box in BOXES}
    tallies = {box: own_money(frame, currency) for box, frame in boxes.items()}
    sent = _sent(work)
    refused = [
        {"file": finding.where, "code": finding.code, "why": finding.text}
        for finding in work.findings
        if finding.spoils_file
    ]
    read = work.fees_read or Tally()
    whole = total([*tallies.values(), _new(work)])
    return {
        "date": work.today.isoformat(),
        "read": _pair(read),
        "sent": sent,
        "held": _held(boxes["held"], currency),
        **{box: _pair(tallies[box]) for box in BOXES if box != "held"},
        "refused": [*missing, *refused],
        "findings": [
            *(f"{finding.code}: {finding.text}" for finding in work.findings if not finding.spoils_file),
            *_reasons(boxes["held"]),
        ],
        "balanced": read == whole and all(line.balanced for line in work.lines),
    }


def _new(work: Work) -> Tally:
    """Count what goes out for the first time, with its sign; a run that was stopped before made no files."""
    if work.table is None or "carried" not in work.table.columns:
        return Tally()
    return tally(work.table[~work.table["carried"]])


def _reasons(held: pd.DataFrame | None) -> list[str]:
    """Name the commonest reasons for which rows are held, so that a campus file can be mended from a preview."""
    if held is None:
        return []
    counts = Counter(zip(held["code"].tolist(), held["why"].tolist(), strict=True))
    return [f"{code}: {why} ({count})" for (code, why), count in counts.most_common(MOST_REASONS)]


def _sent(work: Work) -> dict[str, dict[str, Any]]:
    sent: dict[str, dict[str, Any]] = {}
    for batch, path, _ in work.made:
        one = sent.setdefault(f"{batch.system}/{tables.PLURAL[batch.kind]}", {"count": 0, "cents": 0, "files": []})
        one["count"] += batch.count
        one["cents"] += abs(batch.cents)
        one["files"].append(str(path.relative_to(work.folder)))
    return sent


def _held(frame: pd.DataFrame | None, currency: str) -> dict[str, Any]:
    if frame is None:
        return {"count": 0, "cents": 0, "by_code": {}, "other_currency": {}}
    foreign = frame[frame["currency"] != currency]
    return {
        **_pair(own_money(frame, currency)),
        "by_code": {str(code): _pair(own_money(rows, currency)) for code, rows in frame.groupby("code", sort=True)},
        "other_currency": {str(other): _pair(tally(rows)) for other, rows in foreign.groupby("currency", sort=True)},
    }


def _pair(amount: Tally) -> dict[str, int]:
    return {"count": amount.count, "cents": amount.cents}


def words(said: dict[str, Any]) -> str:
    """Say the same for people."""
    lines = [f"read {said['read']['count']} fees, {dollars(said['read']['cents'])}"]
    for output, one in said["sent"].items():
        lines.append(f"{output}: {one['count']} lines, {dollars(one['cents'])}: {', '.join(one['files'])}")
    lines += [f"{box}: {said[box]['count']}, {dollars(said[box]['cents'])}" for box in BOXES if said[box]["count"]]
    lines += [f"  {code}: {one['count']}, {dollars(one['cents'])}" for code, one in said["held"]["by_code"].items()]
    lines += [f"refused: {one['why']}" for one in said["refused"]]
    lines += said["findings"]
    return "\n".join([*lines, "balanced" if said["balanced"] else "NOT BALANCED"])
