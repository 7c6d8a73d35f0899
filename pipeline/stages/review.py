"""The last look before the books are closed: whatever the second opinion stops stays here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.findings import Finding, Outcome, Scope
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from pipeline.campus.load import Loaded
    from pipeline.flow.runner import Work

EVERYTHING = "fees"
"""A STOP about this subject holds back every output: the table all of them are made of is in doubt."""


def kept_back(findings: Iterable[Finding], campus: Loaded) -> set[str]:
    """Name the systems that get nothing new tonight, for an output of theirs, or everything, was stopped."""
    stopped = {finding.subject for finding in findings if finding.stops and finding.entry.scope is Scope.OUTPUT}
    return set(campus.campus.systems) if EVERYTHING in stopped else stopped


def review(work: Work) -> Outcome:
    """Join the second opinion; take out the outputs it stops, and hold their rows, those without a file of theirs too.

    The files that are left are numbered anew.
    """
    answers = tuple(work.outside.opinion.answers()) if work.outside.opinion else ()
    systems = {*work.rows["system"].unique(), *(batch.system for batch, _, _ in work.made)}
    stopped = _stopped(answers, systems)
    new = Sorting(work.rows[~work.rows["carried"]])
    new.hold(new.frame["system"].isin(stopped), "OUTPUT-STOPPED", "its file was stopped by the second opinion")
    keep = [number for number, (batch, _, _) in enumerate(work.made) if batch.system not in stopped]
    rows = work.rows[~work.rows["system"].isin(stopped)]
    places = {old: place for place, old in enumerate(keep)} | {tables.FOLDED: tables.FOLDED}
    return Outcome(
        rows.assign(batch=rows["batch"].map(places).astype("int64")).reset_index(drop=True),
        new.outcome().boxes,
        answers,
        made=tuple(work.made[number] for number in keep),
    )


def _stopped(answers: Sequence[Finding], systems: Iterable[str]) -> set[str]:
    subjects = {finding.subject for finding in answers if finding.stops}
    return set(systems) if EVERYTHING in subjects else subjects
