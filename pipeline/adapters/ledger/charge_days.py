"""On which day the bursar was told of a charge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select

from pipeline.adapters.ledger.schema import batch_lines, batches, movements, uploads

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement, FromClause


def taken_on(good: ColumnElement[bool], charge: FromClause = movements) -> ColumnElement[str]:
    """Give the business date of the first ``good`` file that tells the bursar of a movement, "" if there is none.

    It stands there itself, or has changed by then the row of its fee's first charge, which a snapshot repeats.
    """
    line = (batch_lines.c[name] == charge.c[name] for name in ("ledger", "fee_id", "source"))
    itself = or_(batch_lines.c.movement == charge.c.movement, batch_lines.c.movement == 1)
    file = and_(batches.c.ledger == batch_lines.c.ledger, batches.c.batch_id == batch_lines.c.batch_id)
    way = and_(uploads.c.ledger == batches.c.ledger, uploads.c.batch_id == batches.c.batch_id)
    first = select(func.coalesce(func.min(batches.c.business_date), "")).join_from(batch_lines, batches, file)
    told = first.join(uploads, way).where(*line, itself, batches.c.entry >= charge.c.entry, good)
    return told.correlate(charge).scalar_subquery()
