"""What a bursar system was told to ask of whom: how money that comes in finds the debts it is for."""

from __future__ import annotations

import string
from dataclasses import fields
from functools import cache
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, func, select

from pipeline.adapters.ledger.charge_days import taken_on
from pipeline.adapters.ledger.schema import FEE_VERSION, NOTHING, fees, movements, uploads
from pipeline.adapters.ledger.store import record
from pipeline.adapters.ledger.sums import billed, paid
from pipeline.ports.ledger import Charged, FeeState, UploadState

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, FromClause, RowMapping, Select

    from pipeline.adapters.ledger.store import Store

A_TO_Z = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)

CONTINUES = ("system", "patron_id", "reference", "fee_id")
"""What a fee that continues a charge has in common with it, or says of it."""

FIRST = and_(movements.c.movement == 1, movements.c.kind == "charge")
"""The movement that begins a debt."""


def folded(patrons: Iterable[str]) -> set[str]:
    """Small letters as a database makes them: some know only the letters A to Z, others all."""
    return {small for one in patrons for small in (one.lower(), one.translate(A_TO_Z))}


def by_reference(store: Store, system: str, reference: str) -> Charged | None:
    """Find a debt by a reference of it, else by its fee's id where that is one debt's only."""
    with store.reading() as connection:
        found = _read(connection, _by_reference(), store, {"b_system": system, "b_reference": reference})
    if found:
        return found[0]
    named = _of(store, system, movements.c.fee_id == reference)
    return named[0] if len(named) == 1 else None


def of_fee(store: Store, source: str, fee_id: str) -> Charged | None:
    """Give the debt of a fee; None if it was never charged."""
    with store.reading() as connection:
        return next(iter(_read(connection, _by_fee(), store, {"b_source": source, "b_fee": fee_id})), None)


def of_patron(store: Store, system: str, patron_id: str) -> Sequence[Charged]:
    """Give the debts of a patron whose file has arrived, those due first coming first."""
    ids = folded([patron_id])
    each = (func.lower(name).in_(ids) for name in (movements.c.patron_id, movements.c.bursar_id))
    found = {one for theirs in each for one in _of(store, system, theirs) if one.sent_on}
    return sorted(found, key=lambda one: (one.due_on == "", one.due_on, one.sent_on, one.fee_id, one.source))


def _of(store: Store, system: str, condition: ColumnElement[bool]) -> list[Charged]:
    """Give debts that meet a condition on their movements.

    Only the keys are asked for by it: with the system beside it a database would read all that was ever sent there.
    """
    keys = select(movements.c.source, movements.c.fee_id).where(store.mine(movements), condition)
    with store.reading() as connection:
        asked = sorted({(row.source, row.fee_id) for row in connection.execute(keys)})
        found = [_read(connection, _by_fee(), store, {"b_source": key[0], "b_fee": key[1]}) for key in asked]
    return [debt for debts in found for debt in debts if debt.system == system]


def _read(connection: Connection, query: Select[Any], store: Store, values: Mapping[str, str]) -> list[Charged]:
    """Read debts; which fees continue one is asked for those few alone of which it is known that some do."""
    rows = connection.execute(query, {"b_ledger": store.number, **values}).mappings().all()
    return [record(Charged, row, continued_by=_continuing(connection, store, row)) for row in rows]


def _continuing(connection: Connection, store: Store, row: RowMapping) -> tuple[str, ...]:
    """Give the fees that continue a charge, by its reference or its fee's id, in the order in which they were booked.

    Those of one night by their ids, sorted here: databases do not agree on the order of letters.
    """
    if not row["continued"]:
        return ()
    asked = {"b_ledger": store.number, **{f"b_{name}": row[name] for name in CONTINUES}}
    found = connection.execute(_fees_that_continue(), asked).all()
    first: dict[str, int] = {}
    for fee_id, entry in found:
        first[fee_id] = min(entry, first.get(fee_id, entry))
    return tuple(sorted(first, key=lambda fee_id: (first[fee_id], fee_id)))


@cache
def _by_reference() -> Select[Any]:
    """Made once: it is asked for every payment, and making it takes longer than the answer."""
    named = (movements.c.reference == bindparam("b_reference"), movements.c.system == bindparam("b_system"))
    return _charged().where(movements.c.kind == "charge", *named)


@cache
def _by_fee() -> Select[Any]:
    this = (movements.c.source == bindparam("b_source"), movements.c.fee_id == bindparam("b_fee"))
    return _charged().where(FIRST, *this)


def _charged() -> Select[Any]:
    """Ask for charges with what was billed and paid of their fees; the columns are the fields of ``Charged``."""
    facts: dict[str, ColumnElement[Any]] = {
        **dict(movements.c.items()),
        "charged_cents": billed(movements),
        "paid_cents": paid(movements),
        "sent_on": _first_sent(),
        "due_on": movements.c.due_date,
        "fee_type": fees.c.fee_type,
    }
    version = and_(*(fees.c[name] == movements.c[name] for name in FEE_VERSION))
    columns = (facts[field.name].label(field.name) for field in fields(Charged) if field.name in facts)
    mine = movements.c.ledger == bindparam("b_ledger")
    return select(*columns, _continued().label("continued")).join_from(movements, fees, version).where(mine)


def _first_sent() -> ColumnElement[str]:
    """A debt is at the bursar's once the file of its first charge has arrived, whichever charge of it is asked for."""
    first = movements.alias("first")
    same = (first.c[name] == movements.c[name] for name in ("ledger", "source", "fee_id"))
    day = taken_on(uploads.c.state == UploadState.SENT, first)
    return select(day).where(*same, first.c.movement == 1).correlate(movements).scalar_subquery()


def _continued() -> ColumnElement[bool]:
    """Say whether any fee continues this charge."""
    newer = fees.alias("newer")
    return _continues(newer, {name: movements.c[name] for name in ("ledger", *CONTINUES)}).correlate(movements).exists()


@cache
def _fees_that_continue() -> Select[Any]:
    """Ask for the fees that continue one charge."""
    return _continues(fees, {name: bindparam(f"b_{name}") for name in ("ledger", *CONTINUES)})


def _continues(newer: FromClause, charge: Mapping[str, ColumnElement[Any]]) -> Select[Any]:
    here = (newer.c.ledger == charge["ledger"], newer.c.system == charge["system"], newer.c.continues != NOTHING)
    patron = func.lower(newer.c.patron_id) == func.lower(charge["patron_id"])
    this = newer.c.continues.in_((charge["reference"], charge["fee_id"]))
    so = func.lower(newer.c.state) == FeeState.CONTINUED
    return select(newer.c.fee_id, newer.c.entry).where(*here, patron, this, so)
