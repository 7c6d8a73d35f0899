"""Whether the ledger's own sums agree: each side of an equation comes from another table than the other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import and_, func, select, true

from pipeline.adapters.ledger.schema import (
    allocations,
    batch_lines,
    batches,
    fees,
    import_lines,
    movements,
    payments,
    postings,
    shares,
    tasks,
)
from pipeline.adapters.ledger.sums import cents, received
from pipeline.money import Tally
from pipeline.ports.ledger import PAYMENT_FILE, FeeState, PaymentState, PostingState, TaskState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Table

    from pipeline.adapters.ledger.store import Store

Equation = tuple[str, Tally, Tally]

FOR_A_DEBT = (PaymentState.MATCHED, PaymentState.ALLOCATED, PaymentState.WITHDRAWN)
FOR_NO_DEBT = (PaymentState.RECEIVED, PaymentState.SUSPENSE, PaymentState.EXCLUDED)
"""States in which a payment has shares for sure, and in which it has none."""


class Joined(NamedTuple):
    """Rows of one table, and what hangs on them in another."""

    one: Table
    other: Table
    same: ColumnElement[bool]


def _of_payments(other: Table) -> Joined:
    same = and_(other.c.ledger == payments.c.ledger, other.c.payment_key == payments.c.key)
    return Joined(payments, other, same)


OF_PAYMENT, CALLED, SHARED = _of_payments(allocations), _of_payments(postings), _of_payments(shares)


def equations(connection: Connection, store: Store) -> Sequence[Equation]:
    """Give pairs that must be equal."""
    book = Books(connection, store)
    return (*book.charges(), *book.money(), *book.files(), *book.returns())


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger, asked for sums."""

    connection: Connection
    store: Store

    def charges(self) -> Iterator[Equation]:
        """What was charged is what moved; what the bursar wrote off is what came off."""
        ours, theirs = movements.c.payment_key.is_(None), movements.c.payment_key.is_not(None)
        charged = self.tally(fees.c.amount_cents, fees.c.state == FeeState.CHARGED)
        yield "fees charged = movements entered", charged, self.tally(movements.c.amount_cents, ours)
        off = self.tally(movements.c.amount_cents, theirs)
        gone = self.joined(SHARED, shares.c.cents, _in(PaymentState.WITHDRAWN), shares.c.live == true())
        yield "written off = credits", Tally(off.count, gone.cents), Tally(off.count, -off.cents)

    def money(self) -> Iterator[Equation]:
        """What came in is for debts, never more than it is; what was placed is planned, what was planned is called."""
        owed, fits = self._matched(), self._matched(fitting=True)
        yield "payments matched = those that cover their debts", owed, fits
        yield "debts paid = those of which no more went back", self._paid(), self._paid(covered=True)
        placed = self.tally(payments.c.cents, _in(PaymentState.ALLOCATED))
        planned = self.joined(OF_PAYMENT, allocations.c.cents, _in(PaymentState.ALLOCATED))
        rest = self.tally(payments.c.suspense_cents)
        yield "payments placed = their plans", placed, Tally(placed.count, planned.cents + rest.cents)
        yield "plans = postings", self.tally(allocations.c.cents), self.tally(postings.c.cents)

    def files(self) -> Iterator[Equation]:
        """Every file is worth its lines, and what is listed for Alma stands in one file that was not given up."""
        lines, to_alma = self.tally(batch_lines.c.amount_cents), self.tally(import_lines.c.cents)
        yield "files written = their lines", self._written(batches.c.kind != PAYMENT_FILE), lines
        yield "import files = their lines", self._written(batches.c.kind == PAYMENT_FILE), to_alma
        same = (import_lines.c[name] == postings.c[name] for name in ("ledger", "external_id"))
        stands = Joined(postings, import_lines, and_(*same))
        listed = (postings.c.state == PostingState.LISTED, import_lines.c.live == true())
        there = self.joined(stands, import_lines.c.cents, *listed)
        stand = self.tally(postings.c.cents, postings.c.state == PostingState.LISTED)
        yield "payments listed = live lines", stand, there

    def returns(self) -> Iterator[Equation]:
        """What was cancelled comes to nothing and none of it goes to Alma; of what goes back staff have a task."""
        gone = self.tally(payments.c.cents, _in(PaymentState.CANCELLED))
        yield "cancelled = nothing", gone, Tally(gone.count, 0)
        planned = self.joined(OF_PAYMENT, allocations.c.cents, _in(PaymentState.CANCELLED))
        given_up = (_in(PaymentState.CANCELLED), postings.c.state == PostingState.CANCELLED)
        called = self.joined(CALLED, postings.c.cents, *given_up)
        yield "plans cancelled = postings cancelled", planned, called
        about_it = (tasks.c.ledger == payments.c.ledger, tasks.c.subject == payments.c.key)
        open_task = select(tasks.c.task_id).where(*about_it)
        has_one = open_task.where(tasks.c.state == TaskState.OPEN).correlate(payments).exists()
        tasked = (payments.c.cents, _in(PaymentState.TASKED))
        yield "going back = with open tasks", self.tally(*tasked), self.tally(*tasked, has_one)

    def tally(self, amount: ColumnElement[int], *conditions: ColumnElement[bool]) -> Tally:
        """Count the rows of one table and add up a column."""
        where = (self.store.mine(amount.table), *conditions)
        return Tally(*self.connection.execute(select(func.count(), cents(amount)).where(*where)).one())

    def joined(self, rows: Joined, amount: ColumnElement[int], *conditions: ColumnElement[bool]) -> Tally:
        """Count what hangs on rows of another table, and add up a column of it."""
        query = select(func.count(), cents(amount)).select_from(rows.one.join(rows.other, rows.same))
        return Tally(*self.connection.execute(query.where(self.store.mine(rows.one), *conditions)).one())

    def _written(self, kind: ColumnElement[bool]) -> Tally:
        query = select(func.coalesce(func.sum(batches.c.count), 0), cents(batches.c.cents))
        count, total = self.connection.execute(query.where(self.store.mine(batches), kind)).one()
        return Tally(int(count), total)

    def _matched(self, *, fitting: bool = False) -> Tally:
        """Tally the payments that are for debts, or should be; of those ``fitting``, the shares are no more than it."""
        mine = (self.store.mine(shares), shares.c.live == true())
        each = select(shares.c.payment_key, func.sum(shares.c.cents).label("cents")).where(*mine)
        of_debts = each.group_by(shares.c.payment_key).subquery("of_debts")
        rows = payments.outerjoin(of_debts, of_debts.c.payment_key == payments.c.key)
        either = _in(*FOR_A_DEBT) | of_debts.c.cents.is_not(None)
        query = select(func.count(), cents(payments.c.cents)).select_from(rows).where(self.store.mine(payments), either)
        if fitting:
            enough = func.abs(of_debts.c.cents) <= func.abs(payments.c.cents)
            query = query.where(enough, payments.c.state.not_in(FOR_NO_DEBT))
        return Tally(*self.connection.execute(query).one())

    def _paid(self, *, covered: bool = False) -> Tally:
        """Tally the debts that money came in for, less what went back; or those of which this is not below nothing."""
        debts = received(self.store)
        query = select(func.count(), cents(debts.c.cents)).select_from(debts)
        asked = query.where(debts.c.cents >= 0) if covered else query
        return Tally(*self.connection.execute(asked).one())


def _in(*states: PaymentState) -> ColumnElement[bool]:
    return payments.c.state.in_(states)
