"""One debt under two names: what looks like a charge sent already is held, what continues an old one is not sent."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.rules import Sorting
from pipeline.stages import reopened, tasked, twins
from pipeline.stages.duties import ANEW
from pipeline.stages.settle import agreed

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome


OWN = ("REOPENS-UNKNOWN", "REOPENS-TWICE", "REOPENS-DIFFERS")
"""One question in several words: is a fee that names an older charge a debt of its own?"""

KEPT, TWIN = "FALL-OF-REOPENED", "LOOKS-SENT-ALREADY"


def recognise(  # noqa: PLR0913 - every table that it asks the ledger for, by name
    movements: pd.DataFrame,
    campus: Loaded,  # noqa: ARG001 - every stage has this form
    today: date,
    *,
    recent: pd.DataFrame,
    elsewhere: pd.DataFrame,
    decisions: pd.DataFrame,
    tasks: pd.DataFrame,
) -> Outcome:
    """Box new charges that continue a charge sent before; hold those that look like one, or bear its reference.

    ``movements`` are tables.MOVEMENTS, ``recent`` the charges that were sent for tonight's patrons (ports.ledger
    ``recent``; those of the last 60 days can be taken for the same debt, older ones only be continued), ``elsewhere``
    the fees of other sources that bear the ids of tonight's (source, fee_id, system), ``decisions`` what people
    decided: a yes answers the question it was asked for, and none lets a fee go under a reference that is taken.
    What lowers a charge that is continued is held too, so that the debt stays billed once.  ``tasks`` are the fees that
    staff are to enter anew because money went back, or have entered where no mark is read (tasked.COLUMNS): one without
    the mark is held.
    """
    frame = movements.reset_index(drop=True)
    own, lowered, other = (agreed(frame, decisions, *codes) for codes in (OWN, (KEPT,), (TWIN,)))
    first = (frame["kind"] == "charge") & (frame["movement"] == 1)
    taken = twins.taken(frame, first, recent, elsewhere)
    free = first & (taken == "")
    old = tasked.excused(frame, reopened.reopened(frame, free & ~own, lowered, recent), tasks)
    anew = tasked.may_reopen(frame, free & ~agreed(frame, decisions, ANEW), tasks)
    rows = Sorting(frame.assign(**old, taken=taken, anew=anew, twin=twins.twins(frame, free & ~other, recent, today)))
    told = rows.frame
    rows.hold(told["taken"] != "", "REFERENCE-TAKEN", "{taken}")
    reopens = told["reopens"] != ""
    unknown = reopens & (told["old_system"] == "")
    rows.hold(unknown, "REOPENS-UNKNOWN", "it reopens {reopens}, and no such charge of this patron was sent")
    rows.hold(told["twice"] != "", "REOPENS-TWICE", "{twice}")
    rows.hold(told["differs"] != "", "REOPENS-DIFFERS", "{differs}")
    rows.put("continued", reopens, "REOPENS", "it continues the charge {reopens}, which stays as it was sent")
    rows.hold(told["kept"] != "", KEPT, "{kept}")
    rows.hold(told["anew"] != "", ANEW, "{anew}")
    rows.hold(told["twin"] != "", TWIN, "{twin}")
    outcome = rows.outcome()
    boxes = {box: _as_it_came(_continuing(part) if box == "continued" else part) for box, part in outcome.boxes.items()}
    return type(outcome)(_as_it_came(outcome.passed), boxes)


def _as_it_came(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.drop(columns=[*reopened.COLUMNS, "taken", "anew", "twin"])


def _continuing(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(system=frame["old_system"], continues=frame["reopens"])
