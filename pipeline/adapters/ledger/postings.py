"""The book of postings: every call to Alma, and what became of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import and_, select, update

from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import payments, postings
from pipeline.adapters.ledger.store import Book, iso, one, record
from pipeline.ports.ledger import POSTING_MOVES, LedgerError, Posting, PostingState

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import RowMapping, Update

    from pipeline.adapters.ledger.store import Store


class Postings(Book):
    """ports.ledger.PostingBook in the database."""

    def postings(self, *states: PostingState) -> Sequence[Posting]:
        """List the postings in these states, oldest money first, then by external id."""
        own = and_(self.store.mine(payments, postings), payments.c.key == postings.c.payment_key)
        query = select(postings).join_from(postings, payments, own).where(postings.c.state.in_(states))
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(payments.c.occurred_on, postings.c.external_id))
            return [_posting(row) for row in rows.mappings()]

    def move_posting(  # noqa: PLR0913 - the evidence of a move is written with it or not at all
        self,
        posting: Posting,
        to: PostingState,
        at: datetime,
        *,
        attempts: int | None = None,
        since: datetime | None = None,
        code: str = "",
        why: str = "",
        evidence: str = "",
    ) -> Posting:
        """Move a posting along POSTING_MOVES, durable on return; give the new record.

        ``attempts`` and ``since`` replace the old values when given.  Raises StaleError when the ledger has it in
        another state or at another attempt, LedgerError when there is no such move.
        """
        if to not in POSTING_MOVES[posting.state]:
            message = (
                f"posting {posting.external_id}: there is no way from {posting.state} to {to}; nothing was changed"
            )
            raise LedgerError(message)
        tried = posting.attempts if attempts is None else attempts
        moved = replace(posting, state=to, attempts=tried, since=since or posting.since, code=code, why=why)
        with self.store.changing() as connection:
            one(connection, _swap(self.store, posting, moved, evidence, at), f"posting {posting.external_id}")
            audit.append(connection, self.store, [_told(posting, moved, evidence)], at)
        return moved


def _swap(store: Store, old: Posting, new: Posting, evidence: str, at: datetime) -> Update:
    mine = (store.mine(postings), postings.c.external_id == old.external_id)
    seen = (postings.c.state == old.state, postings.c.attempts == old.attempts)
    since = iso(new.since) if new.since else None
    values = {"state": new.state, "attempts": new.attempts, "since": since, "code": new.code, "why": new.why}
    proof = {"evidence": evidence} if evidence else {}
    known = {"posted_at": iso(at)} if new.state is PostingState.POSTED else {}
    return update(postings).where(*mine, *seen).values(**values, **proof, **known, changed_at=iso(at))


def _told(old: Posting, new: Posting, evidence: str) -> Event:
    parts = [f"{old.state} to {new.state}, attempt {new.attempts}", new.code, new.why, evidence]
    return Event(new.state, old.external_id, ": ".join(part for part in parts if part))


def _posting(row: RowMapping) -> Posting:
    since = datetime.fromisoformat(row["since"]) if row["since"] else None
    return record(Posting, row, state=PostingState(row["state"]), since=since)
