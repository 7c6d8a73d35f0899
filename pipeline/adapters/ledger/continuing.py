"""The fees that continue an older debt under another id: what was billed for them, and what may have come off them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, and_, false, func, literal, or_, select, true

from pipeline.adapters.ledger import schema
from pipeline.adapters.ledger.frames import frame
from pipeline.adapters.ledger.positions import GIVEN_ON, LOWERED_ON, POSITIONS, RECEIPTS, SURE, UNSURE
from pipeline.adapters.ledger.schema import NOTHING, SHARE, allocations, fees, movements, shares
from pipeline.adapters.ledger.store import Book
from pipeline.ports.ledger import FeeState, PaymentState, Way

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy import ColumnElement

    from pipeline.adapters.ledger.store import Store

DEBTS = POSITIONS.plus("fees that continue a debt", LOWERED_ON)


class Continuing(Book):
    """The verbs of ports.ledger.ChargeBook by which fees that continue a debt are set beside a report; they are few."""

    def continuing(self, source: str) -> pd.DataFrame:
        """Give the fees of a source that continue an older debt, with the columns of ``positions``; movement is 0.

        ``billed_cents`` is what the older charge was worth when the fee was entered anew for it.
        """
        return frame(self.store, DEBTS, [_as_positions(self.store, source)])

    def came_off_continuing(self, source: str) -> pd.DataFrame:
        """Give, with the columns of ``receipts``, what explains that less is open of a fee that continues a debt.

        Our payments in Alma on that very fee.  And, never sure, what was taken off the older debt since: a credit, what
        the bursar wrote off, a payment that a person settled elsewhere.
        """
        asked = (part(self.store, source) for part in (_posted, _taken_off, _settled))
        return frame(self.store, RECEIPTS, (query.order_by("day", "fee_id", "cents") for query in asked))


def _mine(store: Store, source: str) -> tuple[ColumnElement[bool], ...]:
    """The version by which a fee came to continue a debt; one that is a debt of its own by now is not meant.

    That ``continues`` is above nothing says what ``!=`` says, in the words by which a database sees that its own index
    of the few such fees finds them faster than reading all fees does.
    """
    same = (movements.c[name] == fees.c[name] for name in ("ledger", "source", "fee_id"))
    few = (fees.c.continues != NOTHING, fees.c.continues > NOTHING)
    so = (*few, fees.c.state == FeeState.CONTINUED, fees.c.source == source)
    newer = fees.alias("newer")
    later = (newer.c[name] == fees.c[name] for name in ("ledger", "source", "fee_id", "state"))
    replaced = select(newer.c.version).where(*later, newer.c.version > fees.c.version).correlate(fees).exists()
    return (store.mine(fees), *so, ~select(movements.c.movement).where(*same).correlate(fees).exists(), ~replaced)


def _as_positions(store: Store, source: str) -> Select[Any]:
    version = fees.alias("version")
    versions = (version.c[name] == fees.c[name] for name in ("ledger", "fee_id", "source"))
    facts: dict[str, ColumnElement[Any]] = {
        **dict(fees.c.items()),
        "billed_cents": fees.c.amount_cents,
        "movement": literal(0),
        "version": select(func.max(version.c.version)).where(*versions).correlate(fees).scalar_subquery(),
        LOWERED_ON.name: literal(""),
    }
    query = select(*(facts[name].label(name) for name in DEBTS.names)).where(*_mine(store, source))
    return query.order_by(fees.c.fee_id)


OLDER = movements.alias("older")


def _beside_the_older(*facts: ColumnElement[Any]) -> Select[Any]:
    """Ask for each of these fees beside the older debt that it names, by a reference of it or by its fee's id."""
    first = and_(OLDER.c.movement == 1, OLDER.c.fee_id == fees.c.continues)
    named = (OLDER.c.kind == "charge", or_(OLDER.c.reference == fees.c.continues, first))
    patron = func.lower(OLDER.c.patron_id) == func.lower(fees.c.patron_id)
    same = and_(OLDER.c.ledger == fees.c.ledger, OLDER.c.system == fees.c.system, patron, *named)
    return select(fees.c.source, fees.c.fee_id, *facts).join_from(fees, OLDER, same)


def _posted(store: Store, source: str) -> Select[Any]:
    """Our payments on these very fees; asked so that not all that was ever posted is read for them."""
    calls = schema.postings
    there = and_(allocations.c.ledger == fees.c.ledger, allocations.c.alma_fee_id == fees.c.fee_id)
    share = and_(*(calls.c[name] == allocations.c[name] for name in SHARE))
    facts = (fees.c.source, fees.c.fee_id, calls.c.cents, GIVEN_ON.label("day"), calls.c.state.in_(SURE).label("sure"))
    query = select(*facts).join_from(fees, allocations, there).join(calls, share)
    return query.where(*_mine(store, source), func.lower(calls.c.state).in_((*SURE, *UNSURE)))


def _taken_off(store: Store, source: str) -> Select[Any]:
    """What lowered the older debt after the fee came to continue it, be it by us or written off by the bursar."""
    off, entry = movements.alias("off"), schema.audit
    same = and_(off.c.ledger == OLDER.c.ledger, off.c.against == OLDER.c.fee_id, off.c.source == OLDER.c.source)
    booked = and_(entry.c.ledger == off.c.ledger, entry.c.seq == off.c.entry)
    query = _beside_the_older((-off.c.amount_cents).label("cents"), _day(entry.c.at), _unsure())
    query = query.join(off, same).join(entry, booked).where(*_mine(store, source))
    return query.where(off.c.amount_cents < 0, entry.c.at > fees.c.since)


def _settled(store: Store, source: str) -> Select[Any]:
    """Shares of payments that staff may have typed in; of a charge that is kept here only, Alma does not hear.

    The 0 that is added keeps a database from beginning with all the shares there are.
    """
    money = schema.payments
    debt = (shares.c.fee_id == OLDER.c.fee_id, shares.c.source == OLDER.c.source)
    same = and_(shares.c.ledger == OLDER.c.ledger + 0, *debt)
    line = and_(money.c.ledger == shares.c.ledger, money.c.key == shares.c.payment_key)
    query = _beside_the_older(shares.c.cents, _day(money.c.since), _unsure())
    query = query.join(shares, same).join(money, line).where(*_mine(store, source))
    came_in = (shares.c.live == true(), shares.c.cents > 0, money.c.state == PaymentState.SETTLED)
    return query.where(*came_in, money.c.since > fees.c.since, OLDER.c.payments_to != Way.RECORD)


def _day(moment: ColumnElement[str]) -> ColumnElement[str]:
    return func.substr(moment, 1, len("YYYY-MM-DD")).label("day")


def _unsure() -> ColumnElement[bool]:
    return false().label("sure")
