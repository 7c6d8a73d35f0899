"""Puts a fee's, payment's or file's life together from what the ledger holds, in the order in which it was written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, select

from pipeline.adapters.ledger.known_names import Names
from pipeline.adapters.ledger.schema import (
    MOVEMENT,
    audit,
    batch_lines,
    batches,
    fees,
    files,
    findings,
    import_lines,
    movements,
    payments,
    postings,
    shares,
    tasks,
)
from pipeline.money import dollars
from pipeline.ports.ledger import UploadState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select, Table

    from pipeline.adapters.ledger.store import Store

    Key = tuple[str, str, int]
    """Fee id, source and number of a movement."""

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
    """The ledger, asked about a word: an id of any kind, a receipt, a patron, a file's name or hash."""

    connection: Connection
    store: Store
    subject: str

    def moments(self) -> Sequence[Moment]:
        """Tell everything, oldest first."""
        named = Names(self.connection, self.store).of(self.subject)
        ids: dict[str, set[str]] = defaultdict(set)
        for one in named:
            ids[one.kind].add(one.id)
        keys = self._payment_keys(ids)
        calls = {*self._column(postings, "external_id", postings.c.payment_key.in_(keys)), *ids["posting"]}
        chores = {*self._column(tasks, "task_id", tasks.c.subject.in_(keys)), *ids["task"]}
        moves = self._movements(ids["fee"])
        about = {self.subject, *ids["fee"], *keys, *calls, *chores, *ids["upload"], *ids["file"]}
        carrying = {*self._sent_by(moves), *self._imported_by(calls)} - about
        told = [*self._read(ids["fee"]), *self._lines(moves), *self._folded(moves)]
        told += [*self._received(keys), *self._found(about)]
        return sorted({*told, *self._trail(about), *self._whereabouts(carrying)})

    def _column(self, table: Table, name: str, condition: Any) -> list[str]:  # noqa: ANN401 - any SQL condition
        query = select(table.c[name]).where(self.store.mine(table), condition)
        return list(self.connection.execute(query).scalars())

    def _payment_keys(self, ids: Mapping[str, set[str]]) -> set[str]:
        """The payments named, those of the fees named, and what took money of them back."""
        calls = self._column(postings, "payment_key", postings.c.external_id.in_(ids["posting"]))
        about = self._column(tasks, "subject", tasks.c.task_id.in_(ids["task"]))
        paid = self._column(shares, "payment_key", shares.c.fee_id.in_(ids["fee"]))
        keys = {*ids["payment"], *calls, *about, *paid}
        return keys | set(self._column(payments, "key", payments.c.takes_back.in_(keys)))

    def _movements(self, fee_ids: set[str]) -> list[Key]:
        """Its own movements, and the credits of other fees that lower it."""
        names = (movements.c.fee_id, movements.c.source, movements.c.movement)
        mine = select(*names).where(self.store.mine(movements))
        either = [mine.where(column.in_(fee_ids)) for column in (movements.c.fee_id, movements.c.against)]
        return sorted({(row[0], row[1], row[2]) for query in either for row in self.connection.execute(query)})

    def _under(self, table: Table, *columns: Any) -> Select[Any]:  # noqa: ANN401 - columns of any type
        """Ask for rows of ``table`` with the moment and run of the audit row that they came under."""
        on = and_(self.store.mine(table, audit), audit.c.seq == table.c.entry)
        return select(audit.c.seq, audit.c.at, audit.c.run, *columns).select_from(table.join(audit, on))

    def _tell(self, query: Select[Any], rank: int, event: str, words: Any) -> Iterator[Moment]:  # noqa: ANN401
        for row in self.connection.execute(query):
            yield Moment(row.seq, rank, row.at, row.run, event, words(row))

    def _read(self, fee_ids: set[str]) -> Iterator[Moment]:
        facts = (fees.c.version, fees.c.fee_type, fees.c.amount_cents, fees.c.currency, fees.c.line, fees.c.source)
        query = self._under(fees, *facts, fees.c.file_sha, files.c.name)
        lies_in = and_(self.store.mine(files), files.c.sha == fees.c.file_sha)
        read = query.outerjoin(files, lies_in).where(fees.c.fee_id.in_(fee_ids))
        return self._tell(read, 0, "read", _read)

    def _folded(self, moves: Sequence[Key]) -> Iterator[Moment]:
        """Tell what stands in no file of its own: a snapshot shows another amount, or the bursar wrote it off."""
        names = ("kind", "movement", "amount_cents", "currency", "system", "reference", "against", "payment_key")
        lines = select(batch_lines.c.position).where(*(batch_lines.c[n] == movements.c[n] for n in MOVEMENT))
        query = self._under(movements, *(movements.c[n] for n in names)).where(~lines.exists())
        for move in moves:
            for row in self.connection.execute(query.where(_is(movements, move))):
                yield Moment(row.seq, 2, row.at, row.run, row.kind, _fold(row))

    def _lines(self, moves: Sequence[Key]) -> Iterator[Moment]:
        """Tell where the fee was charged, and where a later snapshot shows another amount; not each repetition."""
        facts = ("batch_id", "position", "amount_cents", "carried")
        query = select(*(batch_lines.c[name] for name in facts)).where(self.store.mine(batch_lines))
        for move in moves:
            shown = None
            rows = self.connection.execute(query.where(_is(batch_lines, move))).all()
            moved, files_of = self._moved(move), self._written({row.batch_id for row in rows})
            for row in sorted(rows):
                if row.carried and shown == row.amount_cents:
                    continue
                shown, file = row.amount_cents, files_of[row.batch_id]
                event = "carried" if row.carried else moved.kind
                yield Moment(file.seq, 2, file.at, file.run, event, _line(moved, row, file))

    def _moved(self, move: Key) -> Row[Any]:
        """Give what is said of a movement."""
        names = ("kind", "movement", "currency", "system", "reference")
        query = select(*(movements.c[name] for name in names)).where(self.store.mine(movements))
        return self.connection.execute(query.where(_is(movements, move))).one()

    def _written(self, numbers: set[int]) -> Mapping[int, Row[Any]]:
        """Give the files of these numbers, with the moment and run in which they were made."""
        query = self._under(batches, batches.c.batch_id, batches.c.name).where(batches.c.batch_id.in_(numbers))
        return {row.batch_id: row for row in self.connection.execute(query)}

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
        """Tell the audit rows, without the digests by which they vouch for what they entered."""
        query = select(audit).where(self.store.mine(audit), audit.c.subject.in_(about))
        for row in self.connection.execute(query):
            yield Moment(row.seq, 4, row.at, row.run, row.event, row.text.partition("; sha256 ")[0])

    def _sent_by(self, moves: Sequence[Key]) -> list[str]:
        """Name the files that the fee was charged in."""
        file = and_(self.store.mine(batches), batches.c.batch_id == batch_lines.c.batch_id)
        mine = (self.store.mine(batch_lines), ~batch_lines.c.carried)
        query = select(batches.c.name).select_from(batch_lines.join(batches, file)).where(*mine)
        each = (self.connection.execute(query.where(_is(batch_lines, move))).scalars() for move in moves)
        return [name for names in each for name in names]

    def _imported_by(self, calls: set[str]) -> list[str]:
        """Name the files for Alma's import in which these payments stand, or stood."""
        file = and_(self.store.mine(batches), batches.c.batch_id == import_lines.c.batch_id)
        query = select(batches.c.name).select_from(import_lines.join(batches, file))
        of_these = query.where(self.store.mine(import_lines), import_lines.c.external_id.in_(calls))
        return list(self.connection.execute(of_these).scalars())

    def _whereabouts(self, names: set[str]) -> Iterator[Moment]:
        """Tell what became of files."""
        arrived = (audit.c.subject.in_(names), audit.c.event.not_in(ON_THE_WAY))
        for row in self.connection.execute(select(audit).where(self.store.mine(audit), *arrived)):
            yield Moment(row.seq, 4, row.at, row.run, row.event, f"file {row.subject}: {row.text}")


def _is(table: Table, move: Key) -> ColumnElement[bool]:
    """Say which rows of ``table`` are of this movement, by the very columns of its key."""
    fee_id, source, number = move
    return and_(table.c.fee_id == fee_id, table.c.source == source, table.c.movement == number)


def _read(row: Row[Any]) -> str:
    """A fee that is in no line of its report was missing there: its version says that it is gone."""
    name = row.name or row.file_sha[:12]
    lies = f"read in {name}, line {row.line}" if row.line else f"is missing from {name}"
    said = ", ".join(part for part in (row.fee_type, f"{dollars(row.amount_cents)} {row.currency}") if part)
    return f"version {row.version} {lies if row.file_sha else f'read in {row.source}'}: {said}"


def _fold(row: Row[Any]) -> str:
    amount = f"{dollars(abs(row.amount_cents))} {row.currency}"
    if row.payment_key is not None:
        return f"{row.kind} {row.movement} of {amount}: {row.system} wrote it off fee {row.against}"
    return f"{row.kind} {row.movement} of {amount} to {row.system} as {row.reference}, in the row of fee {row.against}"


def _line(moved: Row[Any], line: Row[Any], file: Row[Any]) -> str:
    amount = f"{dollars(abs(line.amount_cents))} {moved.currency}"
    what = f"{moved.kind} {moved.movement} of {amount} to {moved.system} as {moved.reference}"
    return f"{what}, row {line.position} of {file.name}"


def _money(row: Row[Any]) -> str:
    receipt = f", receipt {row.payment_ref}" if row.payment_ref else ""
    money = f"{dollars(row.cents)} at {row.system} on {row.occurred_on}{receipt}"
    return f"{money}; read in {row.name}, line {row.line}"


def _finding(row: Row[Any]) -> str:
    return f"{row.code}: {row.text} ({row.place})" if row.place else f"{row.code}: {row.text}"
