"""One campus's part of the ledger database: a way to read it, and a way to change it all or nothing."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, fields
from datetime import UTC
from itertools import repeat
from typing import TYPE_CHECKING, TypeVar

from sqlalchemy import and_, insert
from sqlalchemy.exc import DBAPIError, IntegrityError

from pipeline.ports.ledger import LedgerError, StaleError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime

    import pandas as pd
    from sqlalchemy import ColumnElement, Compiled, Connection, Engine, Executable, RowMapping, Table, Update

Record = TypeVar("Record")

ROWS_A_STATEMENT = 20_000
"""So many rows are handed to the driver at a time, so that a big night does not lie in memory twice."""

VALUES_A_QUERY = 500
"""So many fees, patrons or payments are asked for at a time: databases limit the length of a question."""

CHANGING = "bursar_changing"
"""Execution option of a transaction that is going to write."""


@dataclass(frozen=True, slots=True)
class Store:
    """The database, seen by one campus in one environment."""

    engine: Engine
    campus: str
    environment: str
    number: int

    @property
    def scope(self) -> dict[str, int]:
        """Give the first column of every key."""
        return {"ledger": self.number}

    @property
    def place(self) -> str:
        """Name the database for people, without its password."""
        return self.engine.url.render_as_string(hide_password=True)

    def mine(self, *tables: Table) -> ColumnElement[bool]:
        """Give the condition that rows of these tables belong to this campus and environment."""
        return and_(*(table.c.ledger == self.number for table in tables))

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Open a transaction that sees one state of the ledger.  Raises LedgerError when the database refuses."""
        with self._in_our_words(), self.engine.connect() as connection, connection.begin():
            yield connection

    @contextmanager
    def changing(self) -> Iterator[Connection]:
        """Open a transaction that is durable once this ends, and leaves no trace when anything is raised inside.

        Raises StaleError when a unique key says that it is there already, LedgerError when the database refuses.
        """
        with self._in_our_words(), self.engine.execution_options(**{CHANGING: True}).begin() as connection:
            yield connection

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            message = f"ledger {self.place}: it is there already, or what it builds on is not; nothing was changed"
            raise StaleError(message) from error
        except DBAPIError as error:
            message = (
                f"ledger {self.place}: {_first_line(error.orig)}; nothing was changed, put that right and run again"
            )
            raise LedgerError(message) from error


@dataclass(frozen=True)
class Book:
    """Some verbs of the ledger, on the part of it that is ours."""

    store: Store


def _first_line(error: BaseException | None) -> str:
    return next(iter(str(error).splitlines()), "the database refused")


def in_pieces(values: Iterable[str]) -> Iterator[list[str]]:
    """Give the distinct values, sorted, so many at a time as one question may name."""
    distinct = sorted(set(values))
    return (distinct[start : start + VALUES_A_QUERY] for start in range(0, len(distinct), VALUES_A_QUERY))


def add(
    connection: Connection, store: Store, table: Table, columns: Mapping[str, Iterable[object]], **same: object
) -> None:
    """Insert many rows, given column by column, with the values that are the ``same`` in all of them."""
    if not columns:
        return
    everything = {**{name: repeat(value) for name, value in (store.scope | same).items()}, **columns}
    _run(connection, insert(table).compile(dialect=connection.dialect, column_keys=list(everything)), everything)


def add_frame(connection: Connection, store: Store, table: Table, frame: pd.DataFrame, **same: object) -> None:
    """Insert the rows of a frame, as many of its columns as the table has."""
    names = [name for name in frame.columns if name in table.c and name not in same]
    for start in range(0, len(frame), ROWS_A_STATEMENT):
        piece = frame.iloc[start : start + ROWS_A_STATEMENT]
        add(connection, store, table, {name: piece[name].tolist() for name in names}, **same)


def change(connection: Connection, statement: Update, columns: Mapping[str, Iterable[object]]) -> int:
    """Run an update once for each row of ``columns``, which are named after its bindparams; return the rows touched."""
    compiled = statement.compile(dialect=connection.dialect)
    same = {name: repeat(value) for name, value in compiled.params.items()}
    return _run(connection, compiled, {**same, **columns})


def _run(connection: Connection, compiled: Compiled, columns: Mapping[str, Iterable[object]]) -> int:
    """Plain tuples go straight to the driver: three times as fast as row by row through SQLAlchemy."""
    order: list[str] = compiled.positiontup  # type: ignore[attr-defined]
    rows = list(zip(*(columns[name] for name in order), strict=False))
    return connection.exec_driver_sql(str(compiled), rows).rowcount if rows else 0


def one(connection: Connection, statement: Executable, what: str) -> None:
    """Run a compare-and-swap; raise StaleError unless it hit exactly one row."""
    if connection.execute(statement).rowcount != 1:
        message = f"{what}: not in the state it was read in; somebody else moved it, nothing was changed"
        raise StaleError(message)


def record(kind: type[Record], row: RowMapping, **given: object) -> Record:
    """Make a record of ``kind`` out of the columns that bear the names of its fields, save those ``given``."""
    values = {field.name: row[field.name] for field in fields(kind) if field.name not in given}  # type: ignore[arg-type]
    return kind(**values, **given)


def iso(at: datetime) -> str:
    """Write a moment as UTC text that sorts by time."""
    return at.astimezone(UTC).isoformat()
