"""What has changed since what we have already sent: every fee not yet charged becomes a charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.rules import Sorting

if TYPE_CHECKING:
    from datetime import date

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome


def compare(fees: pd.DataFrame, campus: Loaded, today: date) -> Outcome:  # noqa: ARG001 - every stage has this form
    """Make the first movement of every fee, a charge of its whole amount; hold every credit.

    An export says each fee once, so what reaches this stage has never been charged.  A credit has no pointer to its
    charge and is held.
    """
    import pandas as pd

    rows = Sorting(fees)
    credit = (rows.frame["fee_type"] == "CREDIT") | (rows.frame["amount_cents"] < 0)
    rows.hold(credit, "CREDIT-UNRESOLVED", "a credit of {amount_text} does not say which charge it belongs to")
    outcome = rows.outcome()
    charges = outcome.passed.assign(
        movement=pd.Series(1, index=outcome.passed.index, dtype="int64"),
        kind=pd.Series("charge", index=outcome.passed.index, dtype="str"),
    )
    return type(outcome)(charges, outcome.boxes)
