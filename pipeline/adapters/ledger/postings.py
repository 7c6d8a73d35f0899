"""The book of postings: every call to Alma, and what became of it."""

from __future__ import annotations

from dataclasses import fields, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select, update

from pipeline.adapters.ledger import audit, handover
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import movements, payments, postings
from pipeline.adapters.ledger.store import Book, iso, one, record
from pipeline.ports.ledger import POSTING_MOVES, LedgerError, Paid, Posting, PostingState

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy import RowMapping, Select, Update

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Batch, Run, Upload

KNOWN = (PostingState.POSTED, PostingState.VERIFIED, PostingState.RECORDED)
"""States in which the money is where it belongs."""


class Postings(Book):
    """ports.ledger.PostingBook in the database."""

    def postings(self, *states: PostingState) -> Sequence[Posting]:
        """List the postings in these states, oldest money first, then by external id."""
        own = and_(self.store.mine(payments, postings), payments.c.key == postings.c.payment_key)
        query = select(postings).join_from(postings, payments, own).where(postings.c.state.in_(states))
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(payments.c.occurred_on, postings.c.external_id))
            return [_posting(row) for row in rows.mappings()]

    def posting(self, external_id: str) -> Posting | None:
        """Find one by its id."""
        query = select(postings).where(self.store.mine(postings), postings.c.external_id == external_id)
        with self.store.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return _posting(row) if row is not None else None

    def postings_of(self, payment_key: str) -> Sequence[Posting]:
        """List the postings of a payment, by the number of their share."""
        query = select(postings).where(self.store.mine(postings), postings.c.payment_key == payment_key)
        with self.store.reading() as connection:
            return [_posting(row) for row in connection.execute(query.order_by(postings.c.number)).mappings()]

    def paid_since(self, at: datetime) -> Sequence[Paid]:
        """List what Alma is first known to have, or what was recorded, at ``at`` or later; oldest first."""
        with self.store.reading() as connection:
            rows = connection.execute(_paid_since(self.store, iso(at))).mappings()
            return [record(Paid, row) for row in rows]

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

        ``attempts`` and ``since`` replace the old values when given; its blind nights are over.  Raises StaleError
        when the ledger has it in another state or at another attempt, LedgerError when there is no such move, or only
        an import file makes it.
        """
        if to not in POSTING_MOVES[posting.state] or handover.only_by_file(posting, to):
            message = (
                f"posting {posting.external_id}: there is no way from {posting.state} to {to}; nothing was changed"
            )
            raise LedgerError(message)
        tried = posting.attempts if attempts is None else attempts
        moved = replace(posting, state=to, attempts=tried, since=since or posting.since, code=code, why=why)
        moved = replace(moved, blind_nights=0, blind_on="")
        with self.store.changing() as connection:
            one(connection, _swap(self.store, posting, moved, evidence, at), f"posting {posting.external_id}")
            audit.append(connection, self.store, [_told(posting, moved, evidence)], at)
        return moved

    def note_blind(self, posting: Posting, today: date, why: str, at: datetime) -> Posting:
        """Count a business date on which Alma could not be asked about it, once a date; its state stays.

        Raises StaleError when the ledger has it in another state, at another attempt, or counted it meanwhile.
        """
        day = today.isoformat()
        if posting.blind_on == day:
            return posting
        noted = replace(posting, blind_nights=posting.blind_nights + 1, blind_on=day)
        seen = (postings.c.state == posting.state, postings.c.attempts == posting.attempts)
        here = (self.store.mine(postings), postings.c.external_id == posting.external_id, *seen)
        uncounted = update(postings).where(*here, postings.c.blind_on == posting.blind_on)
        event = Event("blind", posting.external_id, f"night {noted.blind_nights} without an answer: {why}")
        with self.store.changing() as connection:
            counted = uncounted.values(blind_nights=noted.blind_nights, blind_on=day)
            one(connection, counted, f"posting {posting.external_id}")
            audit.append(connection, self.store, [event], at)
        return noted

    def list_postings(self, run: Run, batch: Batch, postings: Sequence[Posting], at: datetime) -> None:
        """Enter a file for Alma to import, BUILT, and move the postings that stand in it to LISTED: all or nothing.

        Raises StaleError, and LedgerError if it is not a file of kind payment worth its postings, or one of them is
        not READY, of way import_file and of the batch's source.
        """
        handover.enter(self.store, run, batch, postings, at)

    def listed_in(self, posting: Posting) -> Upload | None:
        """Give the import file that a posting stands in, None if it is in none that was not given up."""
        with self.store.reading() as connection:
            return handover.file_of(connection, self.store, posting.external_id)


def _paid_since(store: Store, moment: str) -> Select[Any]:
    """Each with the library that owns its fee, as the first charge said."""
    line = and_(store.mine(payments), payments.c.key == postings.c.payment_key)
    same = (movements.c[name] == postings.c[name] for name in ("ledger", "fee_id", "source"))
    debt = and_(*same, movements.c.movement == 1)
    facts = {**dict(payments.c.items()), **dict(postings.c.items()), "owner": movements.c.owner}
    query = select(*(facts[field.name].label(field.name) for field in fields(Paid)))
    done = query.join_from(postings, payments, line).join(movements, debt).where(store.mine(postings))
    known = done.where(postings.c.state.in_(KNOWN), postings.c.posted_at >= moment)
    return known.order_by(postings.c.posted_at, postings.c.external_id)


def _swap(store: Store, old: Posting, new: Posting, evidence: str, at: datetime) -> Update:
    mine = (store.mine(postings), postings.c.external_id == old.external_id)
    seen = (postings.c.state == old.state, postings.c.attempts == old.attempts)
    since = iso(new.since) if new.since else None
    values = {"state": new.state, "attempts": new.attempts, "since": since, "code": new.code, "why": new.why}
    values |= {"blind_nights": 0, "blind_on": ""}
    proof = {"evidence": evidence} if evidence else {}
    seen_at_last = new.state is PostingState.POSTED or old.state is PostingState.LISTED
    known = {"posted_at": iso(at)} if seen_at_last and new.state in KNOWN else {}
    return update(postings).where(*mine, *seen).values(**values, **proof, **known, changed_at=iso(at))


def _told(old: Posting, new: Posting, evidence: str) -> Event:
    parts = [f"{old.state} to {new.state}, attempt {new.attempts}", new.code, new.why, evidence]
    return Event(new.state, old.external_id, ": ".join(part for part in parts if part))


def _posting(row: RowMapping) -> Posting:
    since = datetime.fromisoformat(row["since"]) if row["since"] else None
    return record(Posting, row, state=PostingState(row["state"]), since=since)
