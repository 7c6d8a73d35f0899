"""The book of positions: what was billed and received so far, for every fee and patron, and how large nights were."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import ColumnElement, Select, and_, false, func, literal, or_, select, true, union_all

from pipeline import tables
from pipeline.adapters.ledger import schema
from pipeline.adapters.ledger.charge_days import taken_on
from pipeline.adapters.ledger.debtors import folded
from pipeline.adapters.ledger.frames import frame
from pipeline.adapters.ledger.schema import FEE_VERSION, allocations, batch_lines, fees, movements, shares, uploads
from pipeline.adapters.ledger.store import Book, in_pieces
from pipeline.adapters.ledger.sums import billed, paid, written_off
from pipeline.ports.ledger import FeeState, PaymentState, PostingState, TaskState, UploadState, Way

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    import pandas as pd

    from pipeline.adapters.ledger.store import Store

SURE = (PostingState.POSTED, PostingState.VERIFIED)
UNSURE = (
    PostingState.SENDING,
    PostingState.UNKNOWN,
    PostingState.DOUBT,
    PostingState.LISTED,
    PostingState.DOUBLE,
    PostingState.MISMATCH,
    PostingState.SETTLED,
)
"""States in which Alma has a payment, and those in which it may have it.

LISTED: whether the file was imported is known only once Alma shows it.  SETTLED: perhaps staff typed it in.  RECORDED
is neither: Alma never hears of it, so nothing that Alma says of the fee can depend on it.
"""


_CALL = schema.postings.c
GIVEN_ON = func.substr(func.coalesce(_CALL.posted_at, _CALL.since, _CALL.changed_at), 1, len("YYYY-MM-DD"))
"""The day on which Alma was given a payment, or may have been."""


def _of_movements(*names: str) -> tuple[tables.Column, ...]:
    columns = {column.name: column for column in tables.MOVEMENTS.columns}
    return tuple(columns[name] for name in names)


WAIVE = "waive"
"""The kind of task by which what was written off goes out of Alma."""

BILLED = tables.Column("billed_cents", tables.WHOLE, "charges - reversals - credits booked against the fee")
BILLED_BY_US = tables.Column("billed_cents", tables.WHOLE, "the same, without what the bursar wrote off")
SENT_ON = tables.Column("sent_on", tables.TEXT, "business date of the file that took it, or nothing")

POSITIONS = tables.Table(
    "positions",
    (
        *_of_movements("source", "fee_id", "system", "patron_id_type", "patron_id", "original_cents"),
        BILLED_BY_US,
        *_of_movements("movement", "version"),
    ),
)
LOWERED_ON = tables.Column("lowered_on", tables.TEXT, "business date of the last run that lowered it, or nothing")
RECEIPTS = tables.Table(
    "receipts",
    (
        *_of_movements("source", "fee_id"),
        tables.Column("cents", tables.WHOLE, "how much of a payment, or of what was written off, is for the fee"),
        tables.Column("day", tables.TEXT, "when Alma was given it, YYYY-MM-DD in UTC", may_be_empty=False),
        tables.Column("sure", tables.FLAG, "false while it is not known whether Alma has it"),
    ),
)
CHARGES = tables.MOVEMENTS.plus(
    "charges as sent",
    BILLED,
    tables.Column("paid_cents", tables.WHOLE, "all money received for its fee"),
    tables.Column("reversed", tables.FLAG, "whether a reversal undoes this charge"),
    SENT_ON,
)
RECENT = tables.Table(
    "recent charges",
    (
        *_of_movements("source", "fee_id", "system", "patron_id", "bursar_id"),
        *_of_movements("amount_cents", "barcode", "fee_type", "reference"),
        BILLED,
        SENT_ON,
    ),
)
CONTINUED_BY = tables.Column("continued_by", tables.TEXT, "id of the newest fee that continues this charge, or nothing")
FIGURES = tables.Table(
    "figures of nights",
    (
        tables.Column("business_date", tables.TEXT, "the night, as YYYY-MM-DD", may_be_empty=False),
        tables.Column("scope", tables.TEXT, "a system or a source", may_be_empty=False),
        tables.Column("what", tables.TEXT, "what was counted", may_be_empty=False),
        tables.Column("count", tables.WHOLE, "how many"),
        tables.Column("cents", tables.WHOLE, "worth so much"),
    ),
)


class Positions(Book):
    """The verbs of ports.ledger.ChargeBook by which a night is compared with those before it."""

    def positions(self, source: str) -> pd.DataFrame:
        """Give what the ledger has billed for every fee of a source that was ever charged, one row a fee.

        What the bursar wrote off is not off ``billed_cents``: Alma learns of it when staff waive it, so it is set
        beside a report as a payment is (``receipts``).
        """
        positions = frame(self.store, POSITIONS, [_positions(self.store, source)])
        with self.store.reading() as connection:
            lowered = {row.against: row.day for row in connection.execute(_lowered(self.store, source))}
        days = positions["fee_id"].map(lowered).fillna("") if lowered else ""
        return positions.assign(**{LOWERED_ON.name: days}).astype({LOWERED_ON.name: LOWERED_ON.dtype})

    def receipts(self, source: str) -> pd.DataFrame:
        """Give the payments of a source's fees that Alma knows of, or may: source, fee_id, cents, day, sure.

        And what the bursar wrote off: not sure until the task to waive it in Alma is done; and payments that a person
        settled elsewhere before they were planned, which staff may have typed in.
        """
        asked = (part(self.store, source) for part in (_posted, _waived, _settled))
        either = union_all(*asked).subquery("receipts")
        order = (either.c.day, either.c.fee_id, either.c.cents)
        return frame(self.store, RECEIPTS, [select(either).order_by(*order)])

    def charges_of(self, patrons: Sequence[str]) -> pd.DataFrame:
        """Give every charge ever booked for these patrons, in any case of their ids, as sent, oldest first."""
        charges = _charges(self.store)
        return frame(self.store, CHARGES, (charges.where(_owed_by(piece)) for piece in in_pieces(folded(patrons))))

    def charges_of_fees(self, source: str, fee_ids: Sequence[str]) -> pd.DataFrame:
        """Give every charge ever booked for these fees of a source, as sent, oldest first."""
        charges = _charges(self.store).where(movements.c.source == source)
        asked = (charges.where(movements.c.fee_id.in_(piece)) for piece in in_pieces(fee_ids))
        return frame(self.store, CHARGES, asked)

    def recent(self, patrons: Sequence[str], since: date) -> pd.DataFrame:
        """Give the charges of these patrons in files of business date ``since`` or later, and those in no file."""
        charges = frame(self.store, RECENT, (_recent(self.store, piece, since) for piece in in_pieces(folded(patrons))))
        with self.store.reading() as connection:
            rows = connection.execute(_continuing(self.store)).all()
        oldest_first = sorted(rows, key=lambda row: (row.entry, row.fee_id))  # no database's own order of letters
        known = {(row.system, row.patron_id.casefold(), row.continues): row.fee_id for row in oldest_first}
        return charges.assign(**{CONTINUED_BY.name: _continued(charges, known)})

    def patrons_told(self, bursar_ids: Sequence[str]) -> Sequence[str]:
        """Give the patron ids whose charges a bursar was told under one of these ids, in any case, sorted."""
        asked = {one.casefold() for one in bursar_ids} - {""}
        pairs = select(movements.c.patron_id, movements.c.bursar_id).distinct()
        with self.store.reading() as connection:
            rows = connection.execute(pairs.where(self.store.mine(movements), movements.c.kind == "charge")).all()
        return sorted({row.patron_id for row in rows if row.bursar_id.casefold() in asked})

    def figures(self, since: date) -> pd.DataFrame:
        """Give the figures of nights from ``since`` on: business_date, scope, what, count, cents; oldest first."""
        table = schema.figures
        query = select(*(table.c[name] for name in FIGURES.names)).where(self.store.mine(table))
        nights = query.where(table.c.business_date >= since.isoformat())
        order = (table.c.business_date, table.c.run, table.c.scope, table.c.what)
        return frame(self.store, FIGURES, [nights.order_by(*order)])


def _positions(store: Store, source: str) -> Select[Any]:
    """One row for each first charge; its fee's other movements and versions are looked up by their keys."""
    other, version = movements.alias("other"), fees.alias("version")
    own = [other.c[name] == movements.c[name] for name in ("ledger", "fee_id", "source")]
    versions = [version.c[name] == movements.c[name] for name in ("ledger", "fee_id", "source")]
    charged = select(version.c.original_cents).where(*versions, version.c.state == FeeState.CHARGED)
    facts: dict[str, ColumnElement[Any]] = {
        **dict(movements.c.items()),
        "original_cents": charged.order_by(version.c.version.desc()).limit(1).scalar_subquery(),
        "billed_cents": billed(movements) + written_off(movements),
        "movement": select(func.max(other.c.movement)).where(*own).scalar_subquery(),
        "version": select(func.max(version.c.version)).where(*versions).scalar_subquery(),
    }
    query = select(*(facts[name].label(name) for name in POSITIONS.names)).where(store.mine(movements))
    first = query.where(movements.c.source == source, movements.c.movement == 1, movements.c.kind == "charge")
    return first.order_by(movements.c.fee_id)


def _lowered(store: Store, source: str) -> Select[Any]:
    """Ask for the fees that were ever lowered, and by which run last; they are few."""
    entry, run = schema.audit, schema.runs
    booked = and_(entry.c.ledger == movements.c.ledger, entry.c.seq == movements.c.entry)
    under = and_(run.c.ledger == entry.c.ledger, run.c.number == entry.c.run)
    query = select(movements.c.against, func.max(run.c.business_date).label("day")).join_from(movements, entry, booked)
    by_us = (movements.c.kind != "charge", movements.c.payment_key.is_(None))
    lowering = (store.mine(movements), movements.c.source == source, *by_us)
    return query.join(run, under).where(*lowering).group_by(movements.c.against)


def _posted(store: Store, source: str) -> Select[Any]:
    calls = schema.postings
    share = and_(*(calls.c[name] == allocations.c[name] for name in schema.SHARE))
    facts = (allocations.c.source, allocations.c.fee_id, calls.c.cents, GIVEN_ON.label("day"))
    query = select(*facts, calls.c.state.in_(SURE).label("sure")).join_from(calls, allocations, share)
    return query.where(store.mine(calls), calls.c.state.in_((*SURE, *UNSURE)), allocations.c.source == source)


def _waived(store: Store, source: str) -> Select[Any]:
    """What was written off, as of the day on which the last task of it was done, else of the day it was told."""
    off, task, money = movements, schema.tasks, schema.payments
    mine = (task.c.ledger == off.c.ledger, task.c.subject == off.c.payment_key, task.c.kind == WAIVE)
    done = select(func.max(task.c.closed_at)).where(*mine, task.c.fee_id == off.c.fee_id).correlate(off)
    left = select(task.c.task_id).where(*mine, task.c.fee_id == off.c.fee_id, task.c.state == TaskState.OPEN)
    line = and_(money.c.ledger == off.c.ledger, money.c.key == off.c.payment_key)
    when = func.substr(func.coalesce(done.scalar_subquery(), money.c.since), 1, len("YYYY-MM-DD"))
    sure = and_(done.scalar_subquery().is_not(None), ~left.correlate(off).exists())
    facts = (off.c.source, off.c.against, (-off.c.amount_cents).label("cents"), when.label("day"), sure.label("sure"))
    query = select(*facts).join_from(off, money, line)
    return query.where(store.mine(off), off.c.source == source, money.c.state == PaymentState.WITHDRAWN)


def _settled(store: Store, source: str) -> Select[Any]:
    """Shares of payments that never were planned; of a charge that is kept here only, Alma does not hear."""
    money, first = schema.payments, movements
    line = and_(money.c.ledger == shares.c.ledger, money.c.key == shares.c.payment_key)
    same = (first.c[name] == shares.c[name] for name in ("ledger", "fee_id", "source"))
    debt = and_(*same, first.c.movement == 1, first.c.payments_to != Way.RECORD)
    day = func.substr(money.c.since, 1, len("YYYY-MM-DD"))
    facts = (shares.c.source, shares.c.fee_id, shares.c.cents, day.label("day"), false().label("sure"))
    query = select(*facts).join_from(shares, money, line).join(first, debt).where(store.mine(shares))
    came_in = (shares.c.live == true(), shares.c.cents > 0, money.c.state == PaymentState.SETTLED)
    return query.where(shares.c.source == source, *came_in)


def _charges(store: Store) -> Select[Any]:
    undoing = movements.alias("undoing")
    same = (undoing.c.ledger == movements.c.ledger, undoing.c.source == movements.c.source)
    undone = select(undoing.c.movement).where(*same, undoing.c.against == movements.c.fee_id)
    special: dict[str, ColumnElement[Any]] = {
        "billed_cents": billed(movements),
        "paid_cents": paid(movements),
        "reversed": undone.where(undoing.c.kind == "reversal", undoing.c.undoes == movements.c.reference).exists(),
        "sent_on": taken_on(uploads.c.state == UploadState.SENT),
    }
    order = (movements.c.patron_id, movements.c.entry, movements.c.fee_id, movements.c.source, movements.c.movement)
    charges = as_sent(CHARGES, special).where(store.mine(movements), movements.c.kind == "charge")
    return charges.order_by(*order)


def _recent(store: Store, patrons: Sequence[str], since: date) -> Select[Any]:
    sent_on = taken_on(batch_lines.c.live == true())
    query = as_sent(RECENT, {"billed_cents": billed(movements), "sent_on": sent_on})
    mine = (store.mine(movements), movements.c.kind == "charge", _owed_by(patrons))
    every = query.where(*mine).subquery("charges")
    order = (every.c.patron_id, every.c.sent_on, every.c.source, every.c.reference)
    late = or_(every.c.sent_on >= since.isoformat(), every.c.sent_on == "")
    return select(every).where(late).order_by(*order)


def _owed_by(patrons: Sequence[str]) -> ColumnElement[bool]:
    return func.lower(movements.c.patron_id).in_(patrons)


def _continuing(store: Store) -> Select[Any]:
    """Ask for the fees that continue an older debt; they are few."""
    names = (fees.c.fee_id, fees.c.system, fees.c.patron_id, fees.c.continues, fees.c.entry)
    return select(*names).where(store.mine(fees), fees.c.state == FeeState.CONTINUED)


def _continued(charges: pd.DataFrame, known: Mapping[tuple[str, str, str], str]) -> pd.Series[str]:
    """Name, for each charge, the fee that continues it by its reference or its fee's id."""
    import pandas as pd

    names = ("system", "patron_id", "reference", "fee_id")
    rows = zip(*(charges[name].tolist() for name in names), strict=True) if known else ()
    found = [
        known.get((system, patron.casefold(), reference), known.get((system, patron.casefold(), fee_id), ""))
        for system, patron, reference, fee_id in rows
    ]
    return pd.Series(found or [""] * len(charges), index=charges.index, dtype=CONTINUED_BY.dtype)


def as_sent(table: tables.Table, special: dict[str, ColumnElement[Any]]) -> Select[Any]:
    """Ask for movements with what their fee's version says beside them, and ``special`` columns instead of either's."""
    facts = {**dict(fees.c.items()), **dict(movements.c.items()), "known": literal(""), **special}
    version = and_(*(fees.c[name] == movements.c[name] for name in FEE_VERSION))
    return select(*(facts[name].label(name) for name in table.names)).join_from(movements, fees, version)
