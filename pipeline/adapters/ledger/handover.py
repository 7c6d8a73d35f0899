"""Files by which Alma imports payments herself: which posting stands in which, and what becomes of one given up."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, select, true, update

from pipeline.adapters.ledger import audit, filed
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import batches, import_lines, postings
from pipeline.adapters.ledger.store import add, change, iso
from pipeline.money import Tally
from pipeline.ports.ledger import PAYMENT_FILE, LedgerError, PostingState, StaleError, Way

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from sqlalchemy import Connection, Update

    from pipeline.adapters.ledger.store import Store
    from pipeline.ports.ledger import Batch, Posting, Run, Upload

READY, LISTED = PostingState.READY, PostingState.LISTED


def only_by_file(posting: Posting, to: PostingState) -> bool:
    """Say whether a move is not for anybody to make: into a file and out of it, or to be sent another way."""
    by_file = (posting.state, to) in ((READY, LISTED), (LISTED, READY))
    return by_file or (to is PostingState.SENDING and posting.way != Way.API)


def enter(store: Store, run: Run, batch: Batch, given: Sequence[Posting], at: datetime) -> None:
    """Do what ports.ledger.PostingBook.list_postings promises."""
    _check(batch, given)
    told = [filed.built(batch), *(Event(LISTED, one.external_id, f"ready to listed, in {batch.name}") for one in given)]
    with store.changing() as connection:
        entry = audit.append(connection, store, told, at, run.number)
        number = filed.enter(connection, store, [batch], iso(at), entry)
        lines: dict[str, Iterable[object]] = {
            "position": range(1, len(given) + 1),
            "external_id": [one.external_id for one in given],
            "cents": [one.cents for one in given],
        }
        add(connection, store, import_lines, lines, batch_id=number, live=True)
        _list(connection, store, batch, given, iso(at))


def _check(batch: Batch, given: Sequence[Posting]) -> None:
    worth, says = Tally(len(given), sum(one.cents for one in given)), Tally(batch.count, batch.cents)
    if (batch.kind, batch.scope) != (PAYMENT_FILE, "delta"):
        _refuse(batch, f"is of kind {batch.kind}, a {batch.scope}, and Alma imports payments, as a delta")
    if worth != says or not given:
        _refuse(batch, f"is said to hold {says}, but its payments are {worth}")
    for one in given:
        if (one.state, one.way, one.source) != (READY, Way.IMPORT_FILE, batch.system):
            said = f"{one.state}, goes by {one.way} and is of {one.source}"
            _refuse(batch, f"posting {one.external_id} is {said}, so it does not belong in it")


def _refuse(batch: Batch, what: str) -> None:
    message = f"file {batch.name}: {what}; nothing was changed"
    raise LedgerError(message)


def _list(connection: Connection, store: Store, batch: Batch, given: Sequence[Posting], at: str) -> None:
    here = (postings.c.external_id == bindparam("b_id"), postings.c.attempts == bindparam("b_attempts"))
    ready = update(postings).where(
        store.mine(postings), *here, postings.c.state == READY, postings.c.way == Way.IMPORT_FILE
    )
    columns: dict[str, Iterable[object]] = {
        "b_id": [one.external_id for one in given],
        "b_attempts": [one.attempts for one in given],
    }
    if change(connection, _placed(ready, LISTED, at), columns) != len(given):
        message = f"file {batch.name}: a payment of it was moved by somebody else; nothing was changed"
        raise StaleError(message)


def _placed(moved: Update, state: PostingState, at: str) -> Update:
    return moved.values(state=state, code="", why="", changed_at=at, blind_nights=0, blind_on="")


def free(connection: Connection, store: Store, number: int, at: str) -> list[Event]:
    """Let the postings of a file that was given up stand in another; give what is to be told of them."""
    lines = (store.mine(import_lines), import_lines.c.batch_id == number, import_lines.c.live == true())
    ids = select(import_lines.c.external_id).where(*lines)
    mine = (store.mine(postings), postings.c.external_id.in_(ids), postings.c.state == LISTED)
    freed = connection.execute(select(postings.c.external_id).where(*mine).order_by(postings.c.external_id))
    told = [Event(READY, row.external_id, "listed to ready: its file was given up") for row in freed]
    connection.execute(_placed(update(postings).where(*mine), READY, at))
    connection.execute(update(import_lines).where(*lines).values(live=False))
    return told


def file_of(connection: Connection, store: Store, external_id: str) -> Upload | None:
    """Give the file that a posting stands in."""
    line = and_(store.mine(import_lines), import_lines.c.batch_id == batches.c.batch_id, import_lines.c.live == true())
    query = filed.asked(store).join(import_lines, line).where(import_lines.c.external_id == external_id)
    row = connection.execute(query).mappings().one_or_none()
    return filed.upload(row) if row is not None else None
