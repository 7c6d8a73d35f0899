"""The book of payments: every line of money that came in, which fee it is for, and how it was divided."""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update

from pipeline.adapters.ledger import audit, plans, schema
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.incoming import settle_file
from pipeline.adapters.ledger.runs import keep
from pipeline.adapters.ledger.store import Book, add, in_pieces, iso, one, record
from pipeline.adapters.ledger.sums import billed, paid
from pipeline.money import Tally
from pipeline.ports.ledger import PAYMENT_MOVES, Charged, LedgerError, Payment, PaymentState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import ColumnElement, Connection, Select

    from pipeline.adapters.ledger.store import Store
    from pipeline.findings import Finding
    from pipeline.ports.ledger import Allocation, Posting, Run


RETURNED = "returned"
"""A payment that is to be placed again: ``received`` vouches for the lines of a file, and there is none here."""


class Payments(Book):
    """ports.ledger.PaymentBook in the database."""

    def known_payments(self, keys: Sequence[str]) -> Mapping[str, Payment]:
        """Find payments by their keys."""
        found = [
            payment for piece in in_pieces(keys) for payment in _found(self.store, schema.payments.c.key.in_(piece))
        ]
        return {payment.key: payment for payment in found}

    def payments_in(self, state: PaymentState) -> Sequence[Payment]:
        """List the payments of one state, by occurred_on, then key."""
        return _found(self.store, schema.payments.c.state == state)

    def enter_payments(
        self, run: Run, file_sha: str, payments: Sequence[Payment], findings: Sequence[Finding], at: datetime
    ) -> None:
        """Enter a file's new payments and mark the file booked, in one transaction.

        Raises StaleError on a known key, and when the file is not (any more) archived and waiting.
        """
        with self.store.changing() as connection:
            settle_file(connection, self.store, file_sha, "booked")
            entry = audit.append(connection, self.store, [_received(file_sha, payments)], at, run.number)
            _enter(connection, self.store, payments, {"suspense_cents": 0, "since": iso(at), "entry": entry})
            keep(connection, self.store, findings, run.number, entry)

    def refuse_file(self, run: Run, file_sha: str, finding: Finding, at: datetime) -> None:
        """Mark a file refused; nothing of it is entered.  Raises StaleError if it is no longer waiting."""
        with self.store.changing() as connection:
            settle_file(connection, self.store, file_sha, "refused", finding.code, finding.text)
            event = Event("refused", file_sha, f"{finding.code}: {finding.text}")
            entry = audit.append(connection, self.store, [event], at, run.number)
            keep(connection, self.store, [finding], run.number, entry)

    def charged(self, system: str, reference: str) -> Charged | None:
        """Find the fee that was charged at a system under this reference, by its first charge or a later one."""
        query = _charged(self.store).where(
            schema.movements.c.system == system, schema.movements.c.reference == reference
        )
        with self.store.reading() as connection:
            row = connection.execute(query).mappings().one_or_none()
        return record(Charged, row) if row is not None else None

    def match_payment(self, payment: Payment, fee_id: str, at: datetime) -> Payment:
        """Say which fee a payment is for, before it is allocated; it counts as paid in ``open_items`` from then on.

        Raises StaleError if the payment is not RECEIVED or was matched meanwhile.
        """
        received = replace(payment, state=PaymentState.RECEIVED, fee_id="")
        with self.store.changing() as connection:
            _move(connection, self.store, received, {"fee_id": fee_id})
            audit.append(connection, self.store, [Event("matched", payment.key, f"is for fee {fee_id}")], at)
        return replace(received, fee_id=fee_id)

    def settle_payment(self, payment: Payment, to: PaymentState, code: str, why: str, at: datetime) -> Payment:
        """Move a payment that will not be posted (held, suspense, excluded), or back to received.

        Staying in its state with another reason is allowed; with the same reason nothing is written.  Raises
        StaleError, and LedgerError when PAYMENT_MOVES knows no such move or ``to`` is ALLOCATED (``allocate`` does it).
        """
        if (payment.state, payment.code, payment.why) == (to, code, why):
            return payment
        stays = payment.state == to != PaymentState.ALLOCATED
        if not stays and (to is PaymentState.ALLOCATED or to not in PAYMENT_MOVES[payment.state]):
            message = f"payment {payment.key}: there is no way from {payment.state} to {to}; nothing was changed"
            raise LedgerError(message)
        name = RETURNED if to is PaymentState.RECEIVED else to
        event = Event(
            name, payment.key, f"{payment.state} to {to}: {code}: {why}" if code else f"{payment.state} to {to}"
        )
        since = {"since": iso(at)} if (payment.state, payment.code) != (to, code) else {}
        with self.store.changing() as connection:
            _move(connection, self.store, payment, {"state": to, "code": code, "why": why, **since})
            audit.append(connection, self.store, [event], at)
        return replace(payment, state=to, code=code, why=why)

    def allocate(
        self,
        payment: Payment,
        fee_id: str,
        allocations: Sequence[Allocation],
        postings: Sequence[Posting],
        suspense_cents: int,
        at: datetime,
    ) -> Payment:
        """Write a payment's plan once: its allocations, a READY posting each, and what is left over.

        The allocations and ``suspense_cents`` add up to the payment exactly, else LedgerError.  Raises StaleError if
        the payment is not RECEIVED.
        """
        plans.check(payment, allocations, postings, suspense_cents)
        store = self.store
        placed = replace(payment, state=PaymentState.ALLOCATED, fee_id=fee_id, code="", why="")
        values = {name: getattr(placed, name) for name in ("state", "fee_id", "code", "why")}
        event = Event(PaymentState.ALLOCATED, payment.key, plans.told(fee_id, allocations, suspense_cents))
        with store.changing() as connection:
            received = replace(payment, state=PaymentState.RECEIVED)
            _move(connection, store, received, {**values, "suspense_cents": suspense_cents, "since": iso(at)})
            audit.append(connection, store, [event], at)
            plans.enter(connection, store, allocations, postings, iso(at))
        return placed


def _found(store: Store, condition: ColumnElement[bool]) -> Sequence[Payment]:
    query = select(schema.payments).where(store.mine(schema.payments), condition)
    with store.reading() as connection:
        rows = connection.execute(query.order_by(schema.payments.c.occurred_on, schema.payments.c.key))
        return [record(Payment, row, state=PaymentState(row["state"])) for row in rows.mappings()]


def _enter(connection: Connection, store: Store, new: Sequence[Payment], same: Mapping[str, object]) -> None:
    rows = [asdict(payment) for payment in new]
    columns: dict[str, Iterable[object]] = {name: [row[name] for row in rows] for row in rows[:1] for name in row}
    add(connection, store, schema.payments, columns, **same)


def _received(file_sha: str, new: Sequence[Payment]) -> Event:
    _, names = audit.VOUCHED["received"]
    digest = audit.digest([getattr(payment, name) for payment in new] for name in names)
    tally = Tally(len(new), sum(payment.cents for payment in new))
    return Event("received", file_sha, f"{tally} of new payments, sha256 {digest}")


def _move(connection: Connection, store: Store, payment: Payment, values: Mapping[str, object]) -> None:
    table = schema.payments
    here = (store.mine(table), table.c.key == payment.key, table.c.state == payment.state)
    moved = update(table).where(*here, table.c.fee_id == payment.fee_id).values(**values)
    one(connection, moved, f"payment {payment.key}")


def _charged(store: Store) -> Select[Any]:
    """Find charges with what was billed and paid for their fees; the columns are the fields of ``Charged``."""
    sent = schema.movements
    facts = {**dict(sent.c.items()), "charged_cents": billed(sent), "paid_cents": paid(sent)}
    columns = [facts[field.name].label(field.name) for field in fields(Charged)]
    return select(*columns).where(store.mine(sent), sent.c.kind == "charge")
