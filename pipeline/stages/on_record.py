"""What counts as paid of each reference before tonight, asked of the ledger for the books alone.

The stage that turns sums into payments (``to_date``) asks the same for itself.  Nothing of it is used here: what both
sides of an equation take from one place can never be wrong.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState
from pipeline.stages.identity import TO_DATE, step_of

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.flow.runner import Work
    from pipeline.ports.ledger import PaymentBook


def on_record(work: Work) -> pd.DataFrame:
    """Give payment_key and cents of every reference of which tonight's files say a sum paid to date.

    ``cents`` are those of all its payments in the ledger, without what a person has excluded.
    """
    import pandas as pd

    rows = work.rows
    keys = sorted(set(rows.loc[rows["identity"] == TO_DATE, "payment_key"]))
    cents = _counted(work.ledger, keys)
    return pd.DataFrame({"payment_key": pd.Series(keys, dtype="str"), "cents": pd.Series(cents, dtype="int64")})


def _counted(book: PaymentBook, keys: list[str]) -> list[int]:
    """Add up the payments of each reference; they are numbered without a gap."""
    sums = dict.fromkeys(keys, 0)
    left, number = keys, 1
    while left:
        known = book.known_payments([step_of(key, number) for key in left])
        left = [key for key in left if step_of(key, number) in known]
        for key in left:
            payment = known[step_of(key, number)]
            sums[key] += 0 if payment.state is PaymentState.EXCLUDED else payment.cents
        number += 1
    return list(sums.values())
