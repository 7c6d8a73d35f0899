"""The guard of the sums: what lowers a debt never comes to more than its charges, and a debt has one debtor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, select

from pipeline import tables
from pipeline.adapters.ledger.schema import batch_lines, batches, movements
from pipeline.adapters.ledger.store import in_pieces
from pipeline.adapters.ledger.sums import cents
from pipeline.money import dollars
from pipeline.ports.ledger import LedgerError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from sqlalchemy import Connection

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Batch


def check(connection: Connection, store: Store, new: pd.DataFrame, made: Sequence[Batch]) -> None:
    """Look at every debt that the movements just entered change.  Raises LedgerError, naming the fee."""
    changing = new[~tables.first_charges(new)]
    for source, rows in changing.groupby("source"):
        for fee_ids in in_pieces(rows["against"].tolist()):
            check_debts(connection, store, str(source), fee_ids)
    renewed = {batch.system for batch in made if batch.scope == "snapshot"}
    folded = changing[(changing["batch"] == tables.FOLDED) & ~changing["system"].isin(renewed)]
    for source, rows in folded.groupby("source"):
        for fee_ids in in_pieces(rows["against"].tolist()):
            _check_carried(connection, store, str(source), fee_ids)


def check_debts(connection: Connection, store: Store, source: str, fee_ids: Sequence[str]) -> None:
    """Raise LedgerError if a debt has come to less than nothing, or is owed at two systems."""
    fee, total, system = movements.c.against, cents(movements.c.amount_cents), movements.c.system
    mine = (store.mine(movements), movements.c.source == source, fee.in_(fee_ids))
    asked = select(fee, total.label("cents"), func.min(system).label("one"), func.max(system).label("other"))
    for row in connection.execute(asked.where(*mine).group_by(fee).order_by(fee)):
        if row.cents < 0:
            _refuse(f"fee {row.against}: credits and reversals exceed its charges by {dollars(-row.cents)}")
        if row.one != row.other:
            _refuse(f"fee {row.against}: is owed at {row.one} and at {row.other}; a debt has one debtor")


def _check_carried(connection: Connection, store: Store, source: str, fee_ids: Sequence[str]) -> None:
    """What stands in no file of its own reaches the bursar only through the row of its first charge."""
    file = and_(store.mine(batch_lines, batches), batch_lines.c.batch_id == batches.c.batch_id)
    line = (batch_lines.c.source == source, batch_lines.c.movement == 1, batch_lines.c.fee_id.in_(fee_ids))
    query = select(batch_lines.c.fee_id).join_from(batch_lines, batches, file)
    carried = connection.execute(query.where(*line, batches.c.scope == "snapshot").distinct()).scalars()
    if lost := sorted(set(fee_ids) - set(carried)):
        _refuse(f"fee {lost[0]}: its movement is to change a snapshot's row, and no snapshot has one of it")


def _refuse(what: str) -> None:
    message = f"{what}; nothing was booked"
    raise LedgerError(message)
