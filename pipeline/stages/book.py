"""Enter the night's decisions in the ledger, all or nothing; before this nothing has happened, after it all is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.flow.books import batches_of
from pipeline.ports.ledger import Booking, FeeState
from pipeline.stages.together import together

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.flow.runner import Work

STATES = {
    "held": FeeState.HELD,
    "waiting": FeeState.WAITING,
    "excluded": FeeState.EXCLUDED,
    "withdrawn": FeeState.WITHDRAWN,
    "continued": FeeState.CONTINUED,
}
"""What a box means for the ledger; the other boxes hold what it has already."""

DECIDED = tables.FEES.plus(
    "fees decided",
    tables.Column("state", tables.TEXT, "where it now stands", may_be_empty=False),
    tables.Column("code", tables.TEXT, "the finding that keeps it there, or nothing"),
    tables.Column("why", tables.TEXT, "one sentence with the figures"),
    tables.Column("system", tables.TEXT, "the debtor system it goes to, or nothing"),
)


def book(work: Work) -> None:
    """Hand the ledger every fee with its new state, every movement with its file, and the files now dealt with.

    A file of which nothing was read tonight stays in the archive, to be read again, unless it is refused for good.
    """
    from pipeline.stages import figures

    unread = {finding.subject for finding in work.findings if finding.spoils_file}
    refused = {finding.subject: (finding.code, finding.text) for finding in work.findings if finding.refuses_file}
    held = [rows for rows in work.boxes["held"] if "known" in rows.columns]
    work.news |= bool(work.made) or any(bool((rows["known"] == "").any()) for rows in held)
    work.ledger.book(
        work.run,
        Booking(
            fees=_fees(work),
            movements=work.rows,
            batches=batches_of(work.made),
            files=[sha for sha in work.files if sha not in unread],
            refused=refused,
            findings=tuple(work.findings),
            figures=tuple(figures.of(work)),
        ),
        work.outside.clock.now(),
    )


def _fees(work: Work) -> pd.DataFrame:
    """Every version charged or put into a box tonight.

    A row without a version is no news for the ledger: its source says it again, every night.
    """
    lines = work.rows
    frames = [_decided(lines[~lines["carried"]], FeeState.CHARGED)]
    for box, state in STATES.items():
        frames += [_decided(rows[rows["version"] > 0], state) for rows in work.boxes[box] if "version" in rows.columns]
    return together(frames)


def _decided(rows: pd.DataFrame, state: FeeState) -> pd.DataFrame:
    """Take what the ledger keeps of a fee; a stage before ``route`` has not all of the columns."""
    blank: dict[str, str | int] = {tables.TEXT: "", tables.WHOLE: 0}
    missing = {column.name: blank[column.dtype] for column in DECIDED.columns if column.name not in rows.columns}
    every = rows.assign(**{**missing, "state": str(state)})
    return every[list(DECIDED.names)].astype({column.name: column.dtype for column in DECIDED.columns})
