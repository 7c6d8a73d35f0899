"""The book of decisions: what people said of fees that were held, by name and with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, func, insert, select, update

from pipeline import tables
from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger import schema as s
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.booking import PENDING
from pipeline.adapters.ledger.frames import frame
from pipeline.adapters.ledger.schema import FEE_VERSION, fees, movements
from pipeline.adapters.ledger.store import Book, iso, one
from pipeline.ports.ledger import FeeState, LedgerError, StaleError

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import Connection

    from pipeline.adapters.ledger.store import Store

DECISIONS = tables.Table(
    "decisions",
    (
        *(column for column in tables.FEES.columns if column.name in {"source", "fee_id"}),
        *(column for column in tables.FEES.columns if column.name == "version"),
        *(column for column in tables.FEES.columns if column.name == "content"),
        tables.Column("against", tables.TEXT, "fee id of the debt a credit is for; empty: let it go"),
        tables.Column("by", tables.TEXT, "who said so", may_be_empty=False),
        tables.Column("reason", tables.TEXT, "and why"),
    ),
)


class Decisions(Book):
    """The verbs of ports.ledger.ChargeBook by which people decide."""

    def decisions(self) -> pd.DataFrame:
        """Give what people decided about held and waiting fees; of several words on one version the newest."""
        newer = s.decisions.alias("newer")
        same = (newer.c[name] == s.decisions.c[name] for name in FEE_VERSION)
        newest = select(func.max(newer.c.entry)).where(*same).correlate(s.decisions).scalar_subquery()
        version = and_(*(fees.c[name] == s.decisions.c[name] for name in FEE_VERSION))
        columns = (fees.c[name] if name in fees.c else s.decisions.c[name] for name in DECISIONS.names)
        query = select(*columns).join_from(s.decisions, fees, version).where(s.decisions.c.entry == newest)
        mine = query.where(self.store.mine(s.decisions), fees.c.state.in_(PENDING))
        return frame(self.store, DECISIONS, [mine.order_by(s.decisions.c.entry)])

    def approve_fee(self, fee_id: str, version: int, against: str, by: str, reason: str, at: datetime) -> None:
        """Write down a person's yes to a held version of a fee.

        Raises StaleError unless it is held or waiting, LedgerError if ``against`` was never charged.
        """
        with self.store.changing() as connection:
            source = _source_of(connection, self.store, fee_id, version)
            _check_debt(connection, self.store, source, against)
            row = {"source": source, "fee_id": fee_id, "version": version, "against": against}
            row |= {"by": by, "reason": reason}
            _, names = audit.VOUCHED["approved"]
            digest = audit.digest([row[name]] for name in names)
            debt = f", against fee {against}" if against else ""
            text = f"version {version} approved by {by}{debt}: {reason}; sha256 {digest}"
            entry = audit.append(connection, self.store, [Event("approved", fee_id, text, actor=by)], at)
            connection.execute(insert(s.decisions).values(**self.store.scope, **row, at=iso(at), entry=entry))

    def reject_fee(self, fee_id: str, version: int, by: str, reason: str, at: datetime) -> None:
        """End a held or waiting version of a fee for good, in a person's name.  Raises StaleError if it is neither."""
        here = (self.store.mine(fees), fees.c.fee_id == fee_id, fees.c.version == version)
        ended = update(fees).where(*here, fees.c.state.in_(PENDING))
        with self.store.changing() as connection:
            values = {"state": FeeState.REJECTED, "code": "", "why": f"{by}: {reason}", "since": iso(at)}
            one(connection, ended.values(**values), f"fee {fee_id}, version {version}")
            text = f"version {version} rejected by {by}: {reason}"
            audit.append(connection, self.store, [Event("rejected", fee_id, text, actor=by)], at)


def _source_of(connection: Connection, store: Store, fee_id: str, version: int) -> str:
    here = (store.mine(fees), fees.c.fee_id == fee_id, fees.c.version == version, fees.c.state.in_(PENDING))
    sources = connection.execute(select(fees.c.source).where(*here)).scalars().all()
    if len(sources) != 1:
        message = f"fee {fee_id}, version {version}: is not held and does not wait; nothing was changed"
        raise StaleError(message)
    return str(sources[0])


def _check_debt(connection: Connection, store: Store, source: str, against: str) -> None:
    """A credit can only be for what the bursar was told of."""
    debt = (store.mine(movements), movements.c.source == source, movements.c.against == against)
    charged = select(movements.c.fee_id).where(*debt, movements.c.kind == "charge").limit(1)
    if against and connection.execute(charged).one_or_none() is None:
        message = f"fee {against}: was never charged, so nothing can be taken off it; nothing was changed"
        raise LedgerError(message)
