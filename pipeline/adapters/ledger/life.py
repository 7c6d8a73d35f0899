"""Puts a fee's, payment's or file's life together from what the ledger holds, in the order in which it was written."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, or_, select

from pipeline.adapters.ledger.schema import (
    MOVEMENT,
    allocations,
    audit,
    batch_lines,
    batches,
    fees,
    files,
    findings,
    movements,
    payments,
    postings,
)
from pipeline.money import dollars
from pipeline.ports.ledger import UploadState

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Connection, Row, Select, Table

    from pipeline.adapters.ledger.store import Store

ON_THE_WAY = ("built", UploadState.UPLOADING, UploadState.STAGED, UploadState.PUBLISHING)
"""Steps of a file that its own story tells, but not the story of each fee in it."""


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """Something that happened: the audit row it came under, its place among what that row entered, and the words."""

    entry: int
    rank: int
    at: str
    run: int
    event: str
    text: str


@dataclass(frozen=True, slots=True)
class Life:
    """The ledger, asked about one subject: a fee's id, a payment's key, an external id, a file's name or hash."""

    connection: Connection
    store: Store
    subject: str

    def moments(self) -> Sequence[Moment]:
        """Tell everything, oldest first."""
        keys = self._payment_keys()
        calls = self._column(postings, "external_id", postings.c.payment_key.in_(keys))
        about = {self.subject, *keys, *calls, *self._files()}
        told = [*self._read(), *self._lines(), *self._folded(), *self._received(keys), *self._found(about)]
        return sorted({*told, *self._trail(about), *self._whereabouts()})

    def _column(self, table: Table, name: str, condition: Any) -> list[str]:  # noqa: ANN401 - any SQL condition
        query = select(table.c[name]).where(self.store.mine(table), condition)
        return list(self.connection.execute(query).scalars())

    def _payment_keys(self) -> set[str]:
        own = self._column(payments, "key", or_(payments.c.key == self.subject, payments.c.fee_id == self.subject))
        shares = self._column(allocations, "payment_key", allocations.c.fee_id == self.subject)
        calls = self._column(postings, "payment_key", postings.c.external_id == self.subject)
        return {*own, *shares, *calls}

    def _files(self) -> set[str]:
        incoming = self._column(files, "sha", or_(files.c.sha == self.subject, files.c.name == self.subject))
        return {*incoming, *self._column(batches, "name", batches.c.sha == self.subject)}

    def _under(self, table: Table, *columns: Any) -> Select[Any]:  # noqa: ANN401 - columns of any type
        """Ask for rows of ``table`` with the moment and run of the audit row that they came under."""
        on = and_(self.store.mine(table, audit), audit.c.seq == table.c.entry)
        return select(audit.c.seq, audit.c.at, audit.c.run, *columns).select_from(table.join(audit, on))

    def _tell(self, query: Select[Any], rank: int, event: str, words: Any) -> Iterator[Moment]:  # noqa: ANN401
        for row in self.connection.execute(query):
            yield Moment(row.seq, rank, row.at, row.run, event, words(row))

    def _read(self) -> Iterator[Moment]:
        facts = (fees.c.version, fees.c.fee_type, fees.c.amount_cents, fees.c.currency, fees.c.line, fees.c.source)
        query = self._under(fees, *facts, fees.c.file_sha, files.c.name)
        lies_in = and_(self.store.mine(files), files.c.sha == fees.c.file_sha)
        read = query.outerjoin(files, lies_in).where(fees.c.fee_id == self.subject)
        return self._tell(read, 0, "read", _read)

    def _of_fee(self) -> Any:  # noqa: ANN401 - any SQL condition
        """Its own movements, and the credits of other fees that lower it."""
        return or_(movements.c.fee_id == self.subject, movements.c.against == self.subject)

    def _folded(self) -> Iterator[Moment]:
        """Tell what stands in no file of its own: the next snapshot shows another amount in the row of the debt."""
        names = ("kind", "movement", "amount_cents", "currency", "system", "reference", "against")
        lines = select(batch_lines.c.position).where(*(batch_lines.c[n] == movements.c[n] for n in MOVEMENT))
        query = self._under(movements, *(movements.c[n] for n in names)).where(self._of_fee(), ~lines.exists())
        for row in self.connection.execute(query):
            yield Moment(row.seq, 2, row.at, row.run, row.kind, _fold(row))

    def _lines(self) -> Iterator[Moment]:
        """Tell where the fee was charged, and where a later snapshot shows another amount; not each repetition."""
        shown: dict[tuple[str, str, int], int] = {}
        for row in self.connection.execute(self._lines_of_fee()):
            key = (row.source, row.fee_id, row.movement)
            if row.carried and shown.get(key) == row.amount_cents:
                continue
            shown[key] = row.amount_cents
            event = "carried" if row.carried else row.kind
            yield Moment(row.seq, 2, row.at, row.run, event, _line(row))

    def _lines_of_fee(self) -> Select[Any]:
        facts = (batches.c.name, batches.c.system, movements.c.kind, movements.c.reference, movements.c.currency)
        line = (batch_lines.c[n] for n in ("source", "fee_id", "movement", "position", "amount_cents", "carried"))
        file = and_(self.store.mine(batch_lines), batch_lines.c.batch_id == batches.c.batch_id)
        movement = and_(*(batch_lines.c[name] == movements.c[name] for name in MOVEMENT))
        query = self._under(batches, *facts, *line).join(batch_lines, file).join(movements, movement)
        order = (batches.c.batch_id, batch_lines.c.position)
        return query.where(self._of_fee()).order_by(*order)

    def _received(self, keys: set[str]) -> Iterator[Moment]:
        facts = (payments.c.system, payments.c.cents, payments.c.occurred_on, payments.c.payment_ref, payments.c.line)
        lies_in = and_(self.store.mine(files), files.c.sha == payments.c.file_sha)
        query = self._under(payments, *facts, files.c.name).join(files, lies_in).where(payments.c.key.in_(keys))
        return self._tell(query, 1, "received", _money)

    def _found(self, about: set[str]) -> Iterator[Moment]:
        facts = (findings.c.code, findings.c.text, findings.c.place)
        query = self._under(findings, *facts).where(findings.c.subject.in_(about))
        return self._tell(query, 3, "found", _finding)

    def _trail(self, about: set[str]) -> Iterator[Moment]:
        query = select(audit).where(self.store.mine(audit), audit.c.subject.in_(about))
        for row in self.connection.execute(query):
            yield Moment(row.seq, 4, row.at, row.run, row.event, row.text)

    def _whereabouts(self) -> Iterator[Moment]:
        """Tell what became of the files that the fee was charged in."""
        movement = and_(*(batch_lines.c[name] == movements.c[name] for name in MOVEMENT))
        file = and_(self.store.mine(batches), batches.c.batch_id == batch_lines.c.batch_id)
        lines = batch_lines.join(movements, movement).join(batches, file)
        of_fee = (self.store.mine(batch_lines), self._of_fee(), ~batch_lines.c.carried)
        names = select(batches.c.name).select_from(lines).where(*of_fee)
        arrived = (audit.c.subject.in_(names), audit.c.event.not_in(ON_THE_WAY))
        for row in self.connection.execute(select(audit).where(self.store.mine(audit), *arrived)):
            yield Moment(row.seq, 4, row.at, row.run, row.event, f"file {row.subject}: {row.text}")


def _read(row: Row[Any]) -> str:
    """A fee that is in no line of its report was missing there: its version says that it is gone."""
    name = row.name or row.file_sha[:12]
    lies = f"read in {name}, line {row.line}" if row.line else f"is missing from {name}"
    said = ", ".join(part for part in (row.fee_type, f"{dollars(row.amount_cents)} {row.currency}") if part)
    return f"version {row.version} {lies if row.file_sha else f'read in {row.source}'}: {said}"


def _fold(row: Row[Any]) -> str:
    amount = f"{dollars(abs(row.amount_cents))} {row.currency}"
    return f"{row.kind} {row.movement} of {amount} to {row.system} as {row.reference}, in the row of fee {row.against}"


def _line(row: Row[Any]) -> str:
    amount = f"{dollars(abs(row.amount_cents))} {row.currency}"
    return f"{row.kind} {row.movement} of {amount} to {row.system} as {row.reference}, row {row.position} of {row.name}"


def _money(row: Row[Any]) -> str:
    money = f"{dollars(row.cents)} at {row.system} on {row.occurred_on}, receipt {row.payment_ref}"
    return f"{money}; read in {row.name}, line {row.line}"


def _finding(row: Row[Any]) -> str:
    return f"{row.code}: {row.text} ({row.place})" if row.place else f"{row.code}: {row.text}"
