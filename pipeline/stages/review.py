"""The last look before the books are closed: whatever the second opinion stops stays here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.findings import Finding, Outcome
from pipeline.rules import Sorting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.flow.runner import Work

EVERYTHING = "fees"
"""A STOP about this subject holds back every output: the table all of them are made of is in doubt."""


def review(work: Work) -> Outcome:
    """Join the second opinion; take out the outputs it stops, and hold their rows."""
    answers = tuple(work.outside.opinion.answers()) if work.outside.opinion else ()
    stopped = _stopped(answers, [batch.system for batch, _, _ in work.made])
    new = Sorting(work.rows[~work.rows["carried"]])
    new.hold(new.frame["system"].isin(stopped), "OUTPUT-STOPPED", "its file was stopped by the second opinion")
    keep = [number for number, (batch, _, _) in enumerate(work.made) if batch.system not in stopped]
    rows = work.rows[work.rows["batch"].isin(keep)]
    renumbered = rows["batch"].map({old: place for place, old in enumerate(keep)}).astype("int64")
    return Outcome(
        rows.assign(batch=renumbered).reset_index(drop=True),
        new.outcome().boxes,
        answers,
        made=tuple(work.made[number] for number in keep),
    )


def _stopped(answers: Sequence[Finding], systems: Sequence[str]) -> set[str]:
    subjects = {finding.subject for finding in answers if finding.stops}
    return set(systems) if EVERYTHING in subjects else subjects
