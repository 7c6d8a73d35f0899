"""A report of what is open that is suddenly short: nothing of it is read until a person says that it is right.

A fee that such a report leaves out would look as if it were paid.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from pipeline.campus.sources import AlmaExport
from pipeline.findings import Finding, Scope
from pipeline.money import Tally, total
from pipeline.tables import tally

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pandas as pd

    from pipeline.campus.sources import AnySource
    from pipeline.readers.report import Read

OPEN_NOW = "open_now"


@dataclass(frozen=True, slots=True)
class Report:
    """One file of a report: what was read of it, or why it was refused."""

    sha: str
    name: str
    came_on: str
    feed: str
    read: Read | None = None
    refusal: Finding | None = None

    @property
    def day(self) -> str:
        """The day it describes, or else the day it came, as YYYY-MM-DD."""
        return (self.read.as_of if self.read else "") or self.came_on


@dataclass(frozen=True, slots=True)
class Before:
    """What is known of a source from earlier nights: its last rows and cents, its newest day, a person's yes."""

    last: Tally
    newest: str
    approved: bool

    @classmethod
    def of(cls, source: str, figures: pd.DataFrame) -> Before:
        """Look in the figures of earlier nights, oldest first."""
        mine = figures[figures["scope"] == source]
        read, days = mine[mine["what"] == "read"], mine[mine["what"] == "as_of"]
        last = Tally(int(read["count"].iloc[-1]), int(read["cents"].iloc[-1])) if len(read) else Tally()
        newest = date.fromordinal(int(days["count"].max())).isoformat() if len(days) else ""
        return cls(last, newest, bool((mine["what"] == "approved").any()))


def whole(
    reports: Sequence[Report], sources: Mapping[str, AnySource], figures: pd.DataFrame
) -> tuple[list[pd.DataFrame], list[Finding], list[Report]]:
    """Give the rows of the reports that may be read, what is to be said of all of them, and those without a row.

    Files that describe the same day are one report.  Only the newest that is not short counts; what older ones say is
    told apart later.
    """
    findings: list[Finding] = []
    for name in dict.fromkeys(report.feed for report in reports):
        mine, source = [report for report in reports if report.feed == name], sources[name]
        if isinstance(source, AlmaExport) or source.lists != OPEN_NOW:
            findings += [report.refusal for report in mine if report.refusal]
        else:
            findings += _open_now(mine, source.smaller_percent, Before.of(name, figures))
    spoiled = {finding.subject for finding in findings}
    read = [(report, report.read.rows) for report in reports if report.read and report.sha not in spoiled]
    empty = [report for report, rows in read if not len(rows)]
    return [rows for _, rows in read], [*findings, *map(_empty, empty)], empty


def _open_now(reports: Sequence[Report], percent: int, before: Before) -> Iterator[Finding]:
    """Say which reports of one source are not read tonight."""
    short = [] if before.approved else list(_short(reports, percent, before))
    yield from short
    spoiled = {finding.subject for finding in short}
    good = max((number for number, one in enumerate(reports) if one.read and one.sha not in spoiled), default=-1)
    for number, report in enumerate(reports):
        if report.refusal:
            yield _overtaken(report.refusal) if number < good else report.refusal


def _short(reports: Sequence[Report], percent: int, before: Before) -> Iterator[Finding]:
    """Name the files of the newest reports that are short, down to the first that is not.

    A report older than one that earlier nights have read counts for nothing, so it need not be looked at.
    """
    read = [report for report in reports if report.read]
    for day in sorted({report.day for report in read if report.day >= before.newest}, reverse=True):
        same = [report for report in read if report.day == day]
        found = total(tally(report.read.rows) for report in same if report.read)
        if not _is_short(found, before.last, percent):
            return
        for report in same:
            text = (
                f"{report.feed}: the report of {day} has {found}, the last one had {before.last}; "
                f"if that is right, run again with --approve {report.feed}"
            )
            yield Finding("REPORT-SHORT", report.sha, text, report.name)


def _is_short(found: Tally, last: Tally, percent: int) -> bool:
    if not last.count or not found.count:
        return bool(last.count)
    return found.count * 100 < last.count * percent or found.cents * 100 < last.cents * percent


def _overtaken(refusal: Finding) -> Finding:
    """A newer report has come, so nobody need see to this one any more."""
    if refusal.entry.scope is not Scope.ARRIVAL:
        return refusal
    return Finding("REPORT-OVERTAKEN", refusal.subject, f"{refusal.text} (a newer report was read)", refusal.where)


def _empty(report: Report) -> Finding:
    text = f"{report.feed}: the report of {report.day} has no rows"
    return Finding("REPORT-EMPTY", report.sha, text, report.name)
