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
from pipeline.adapters.ledger.schema import FEE, FEE_VERSION, fees, movements
from pipeline.adapters.ledger.store import Book, iso
from pipeline.ports.ledger import FeeState, LedgerError, StaleError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import ColumnElement, Connection

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Question

DECISIONS = tables.Table(
    "decisions",
    (
        *(column for column in tables.FEES.columns if column.name in {"source", "fee_id"}),
        *(column for column in tables.FEES.columns if column.name == "version"),
        *(column for column in tables.FEES.columns if column.name == "content"),
        tables.Column("code", tables.TEXT, "the finding it was held for when somebody said yes"),
        tables.Column("against", tables.TEXT, "fee id of the debt a credit is for; empty: let it go"),
        tables.Column("by", tables.TEXT, "who said so", may_be_empty=False),
        tables.Column("reason", tables.TEXT, "and why"),
    ),
)


class Decisions(Book):
    """The verbs of ports.ledger.ChargeBook by which people decide."""

    def decisions(self) -> pd.DataFrame:
        """Give what people said yes to of held and waiting fees; of several words on one question the newest."""
        newer, said = s.decisions.alias("newer"), s.decisions
        same = (newer.c[name] == said.c[name] for name in (*FEE_VERSION, "code"))
        newest = select(func.max(newer.c.entry)).where(*same).correlate(said).scalar_subquery()
        version = and_(*(fees.c[name] == said.c[name] for name in FEE_VERSION))
        columns = (fees.c.content if name == "content" else said.c[name] for name in DECISIONS.names)
        query = select(*columns).join_from(said, fees, version).where(said.c.entry == newest)
        mine = query.where(self.store.mine(said), fees.c.state.in_(PENDING))
        return frame(self.store, DECISIONS, [mine.order_by(said.c.entry)])

    def rejected_changes(self, source: str) -> Sequence[str]:
        """Give the fees of a source whose newest version is a change of a billed debt that a person rejected."""
        newer = fees.alias("newer")
        later = select(newer.c.version).where(*(newer.c[name] == fees.c[name] for name in FEE))
        rejected = (self.store.mine(fees), fees.c.state == FeeState.REJECTED, fees.c.source == source)
        change = fees.c.content.contains(":", autoescape=True)
        query = select(fees.c.fee_id).where(*rejected, change, ~later.where(newer.c.version > fees.c.version).exists())
        with self.store.reading() as connection:
            return list(connection.execute(query.order_by(fees.c.fee_id)).scalars())

    def approve_fee(self, question: Question, against: str, by: str, reason: str, at: datetime) -> None:
        """Write down a person's yes to a held version of a fee, as the answer to why it is held.

        Raises StaleError unless it is held or waits for that reason, LedgerError if ``against`` was never charged.
        """
        version, code = question.version, question.code
        row = {"source": question.source, "fee_id": question.fee_id, "version": version, "code": code}
        row |= {"against": against, "by": by, "reason": reason}
        _, names = audit.VOUCHED["approved"]
        digest = audit.digest([row[name]] for name in names)
        debt = f", against fee {against}" if against else ""
        text = f"version {version} approved by {by}, held as {code}{debt}: {reason}; sha256 {digest}"
        with self.store.changing() as connection:
            entry = audit.append(connection, self.store, [Event("approved", question.fee_id, text, actor=by)], at)
            _check_asked(connection, self.store, question)
            _check_debt(connection, self.store, question.source, against)
            connection.execute(insert(s.decisions).values(**self.store.scope, **row, at=iso(at), entry=entry))

    def reject_fee(self, question: Question, by: str, reason: str, at: datetime) -> None:
        """End a held or waiting version of a fee for good, in a person's name.

        Raises StaleError unless it is held or waits for that very reason.
        """
        ended = {"state": FeeState.REJECTED, "code": "", "why": f"{by}: {reason}", "since": iso(at)}
        text = f"version {question.version} of {question.source} rejected by {by}: {reason}"
        with self.store.changing() as connection:
            audit.append(connection, self.store, [Event("rejected", question.fee_id, text, actor=by)], at)
            _check_asked(connection, self.store, question)
            connection.execute(update(fees).where(*_version(self.store, question)).values(**ended))


def _version(store: Store, question: Question) -> tuple[ColumnElement[bool], ...]:
    named = (fees.c[name] == getattr(question, name) for name in ("source", "fee_id", "version"))
    return (store.mine(fees), *named)


def _check_asked(connection: Connection, store: Store, question: Question) -> None:
    """An answer counts for what was asked: a night may have put the version elsewhere since somebody looked at it.

    To be asked once the audit trail is ours, when nobody else can move it any more.
    """
    query = select(fees.c.state, fees.c.code).where(*_version(store, question))
    stands = connection.execute(query).one_or_none()
    if stands is not None and stands.state in PENDING and stands.code == question.code:
        return
    if stands is None:
        says = "is not in the ledger"
    elif stands.state in PENDING:
        says = f"is {stands.state} as {stands.code} by now, not as {question.code}; look at it again"
    else:
        says = f"is {stands.state}, it is not held and does not wait"
    message = f"{question}: {says}; nothing was changed"
    raise StaleError(message)


def _check_debt(connection: Connection, store: Store, source: str, against: str) -> None:
    """A credit can only be for what the bursar was told of."""
    debt = (store.mine(movements), movements.c.source == source, movements.c.against == against)
    charged = select(movements.c.fee_id).where(*debt, movements.c.kind == "charge").limit(1)
    if against and connection.execute(charged).one_or_none() is None:
        message = f"fee {against}: was never charged, so nothing can be taken off it; nothing was changed"
        raise LedgerError(message)
