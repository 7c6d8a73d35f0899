"""Money going back: both lines cancelled while nothing is posted, else staff tasks; and what the bursar wrote off."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from sqlalchemy import and_, func, or_, select, update

from pipeline.adapters.ledger import audit, chores, debts, money_rows, shares
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import movements, payments, postings
from pipeline.adapters.ledger.store import add, iso
from pipeline.money import dollars
from pipeline.ports.ledger import PAYMENT_MOVES, UNSENT, PaymentState, PostingState, StaleError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy import Connection

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Payment, Share, Task

    Coming = tuple[Sequence[Share], Sequence[Task]]
    """The debts that money goes back to or is written off, and what staff have to do about it."""

FROM = (PaymentState.RECEIVED, PaymentState.HELD)
"""Where money that goes back, or was written off, is dealt with."""


def cancel(store: Store, payment: Payment, back: Payment, why: str, at: datetime) -> None:
    """Do what ports.ledger.PaymentBook.cancel_payment promises."""
    if payment.cents + back.cents or payment.cents <= 0:
        both = f"{dollars(payment.cents)} and {dollars(back.cents)} of {back.key}"
        shares.refuse(payment, f"{both} do not come to nothing together")
    for line in (payment, back):
        if PaymentState.CANCELLED not in PAYMENT_MOVES[line.state]:
            shares.refuse(line, f"there is no way from {line.state} to cancelled")
    with store.changing() as connection:
        values = {"state": PaymentState.CANCELLED, "code": "", "why": why, "suspense_cents": 0, "since": iso(at)}
        money_rows.move(connection, store, payment, values)
        money_rows.move(connection, store, back, values | {"takes_back": payment.key})
        calls = _give_up(connection, store, payment, why, iso(at))
        shares.check_covered(connection, store, payment, payment.shares)
        told = [Event(PaymentState.CANCELLED, one.key, f"{one.state} to cancelled: {why}") for one in (payment, back)]
        audit.append(connection, store, [*told, *(Event("cancelled", call, why) for call in calls)], at)


def _give_up(connection: Connection, store: Store, payment: Payment, why: str, at: str) -> Sequence[str]:
    """Cancel the postings of a payment.  Raises StaleError if a request for one of them may have been applied."""
    mine = (store.mine(postings), postings.c.payment_key == payment.key)
    tried = or_(postings.c.attempts != 0, postings.c.state.not_in(UNSENT))
    sent = connection.execute(select(postings.c.external_id).where(*mine, tried).limit(1)).scalar_one_or_none()
    if sent is not None:
        message = f"payment {payment.key}: posting {sent} was attempted, or is past that; nothing was changed"
        raise StaleError(message)
    calls = connection.execute(select(postings.c.external_id).where(*mine).order_by(postings.c.number)).scalars().all()
    values = {"state": PostingState.CANCELLED, "code": "", "why": why, "changed_at": at}
    connection.execute(update(postings).where(*mine).values(**values))
    return calls


def free(connection: Connection, store: Store, payment: Payment) -> list[Event]:
    """Let a payment that was never planned be for no debt any more, and with it what took money of it back.

    What went back comes off the payment itself from now on, before it is for any debt again.  Gives what to tell.
    Raises LedgerError where more would have gone back of a debt than came in for it.
    """
    took = (store.mine(payments), payments.c.takes_back == payment.key)
    backs = connection.execute(select(payments.c.key).where(*took).order_by(payments.c.key)).scalars().all()
    shares.end(connection, store, [payment.key, *backs])
    shares.check_covered(connection, store, payment, payment.shares)
    why = f"payment {payment.key} is for no debt any more, so this is not either"
    return [Event("for no debt", key, why) for key in backs]


def take_back(store: Store, back: Payment, what: Coming, at: datetime) -> Payment:
    """Do what ports.ledger.PaymentBook.take_back promises; ``back`` names the payment it takes back."""
    given, tasks = what
    if back.cents >= 0:
        shares.refuse(back, "is no money going back")
    shares.check(back, given, back.cents)
    return _dealt_with(store, back, PaymentState.TASKED if tasks else PaymentState.SETTLED, what, at)


def withdraw(store: Store, writeoff: Payment, what: Coming, at: datetime) -> Payment:
    """Do what ports.ledger.PaymentBook.withdraw_payment promises; the sign of the line itself does not matter."""
    given, _ = what
    if not given:
        shares.refuse(writeoff, "is written off no debt")
    shares.check(writeoff, given, abs(writeoff.cents))
    return _dealt_with(store, writeoff, PaymentState.WITHDRAWN, what, at)


def _dealt_with(store: Store, seen: Payment, to: PaymentState, what: Coming, at: datetime) -> Payment:
    """Move it, with the debts it is for and the tasks that come of it, in one transaction."""
    given, tasks = what
    chores.check(seen, tasks)
    if seen.state not in FROM:
        message = f"payment {seen.key}: is {seen.state}, so it is dealt with already; nothing was changed"
        raise StaleError(message)
    values = {"state": to, "code": "", "why": "", "takes_back": seen.takes_back, "since": iso(at)}
    with store.changing() as connection:
        money_rows.move(connection, store, seen, values)
        moved = Event(to, seen.key, f"{seen.state} to {to}")
        entry = 1 + audit.append(connection, store, [moved, shares.matched(seen, given)], at)
        shares.write(connection, store, seen, given, entry)
        if to is PaymentState.WITHDRAWN:
            _write_off(connection, store, seen, given, at)
        chores.enter(connection, store, tasks, at)
    return replace(seen, state=to, code="", why="", shares=tuple(given))


def _write_off(connection: Connection, store: Store, seen: Payment, given: Sequence[Share], at: datetime) -> None:
    """Take it off the debts.  Raises LedgerError if one would come to less than nothing."""
    off: dict[tuple[str, str], int] = defaultdict(int)
    for share in given:
        off[share.source, share.fee_id] += share.cents
    rows = [_credit(connection, store, debt, cents) for debt, cents in sorted(off.items())]
    columns: dict[str, list[object]] = {name: [row[name] for row in rows] for name in rows[0]}
    _, names = audit.VOUCHED["written off"]
    total = dollars(sum(off.values()))
    text = f"{total} off {len(rows)} debts; sha256 {audit.digest(columns[name] for name in names)}"
    entry = audit.append(connection, store, [Event("written off", seen.key, text)], at)
    add(connection, store, movements, columns, payment_key=seen.key, entry=entry)
    for source in sorted({source for source, _ in off}):
        debts.check_debts(connection, store, source, sorted(fee_id for of, fee_id in off if of == source))


def _credit(connection: Connection, store: Store, debt: tuple[str, str], cents: int) -> dict[str, object]:
    """Make the credit out of the first charge: as it was sent, under the next number of its fee, of other cents."""
    source, fee_id = debt
    mine = and_(store.mine(movements), movements.c.source == source, movements.c.fee_id == fee_id)
    first = connection.execute(select(movements).where(mine, movements.c.movement == 1)).mappings().one()
    highest = connection.execute(select(func.max(movements.c.movement)).where(mine)).scalar_one()
    kept = {name: first[name] for name in first if name not in ("ledger", "entry", "payment_key")}
    return {**kept, "movement": highest + 1, "kind": "credit", "amount_cents": -cents}
