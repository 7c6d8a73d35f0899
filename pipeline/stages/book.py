"""Enter the night's decisions in the ledger, all or nothing; before this nothing has happened, after it all is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline import tables
from pipeline.flow.books import batches_of
from pipeline.ports.ledger import Booking, FeeState

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.flow.runner import Work

STATES = {"held": FeeState.HELD, "waiting": FeeState.WAITING, "excluded": FeeState.EXCLUDED}


def book(work: Work) -> None:
    """Hand the ledger every fee with its new state, every movement with its file, and the files now dealt with."""
    refused = {finding.subject: (finding.code, finding.text) for finding in work.findings if finding.spoils_file}
    held = work.box("held")
    work.news |= bool(work.made) or (held is not None and bool((held["known"] == "").any()))
    work.ledger.book(
        work.run,
        Booking(
            fees=_fees(work, work.rows),
            movements=work.rows,
            batches=batches_of(work.made),
            files=[sha for sha in work.files if sha not in refused],
            refused=refused,
            findings=tuple(work.findings),
        ),
        work.outside.clock.now(),
    )


def _fees(work: Work, lines: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    charged = lines[~lines["carried"]].assign(state=str(FeeState.CHARGED), code="", why="")
    frames = [charged]
    for box, state in STATES.items():
        rows = work.box(box)
        if rows is not None:
            frames.append(rows.assign(state=str(state), system=rows.get("system", "")))
    columns = [*tables.FEES.names, "state", "code", "why", "system"]
    together = pd.concat([frame[columns] for frame in frames], ignore_index=True)
    return (
        together.astype({"state": "str", "code": "str", "why": "str"}).fillna({"system": ""}).astype({"system": "str"})
    )
