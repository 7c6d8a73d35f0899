"""Finds the database of the ledger, sees that it is ours and of our version, and makes it careful with money."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import StaticPool, create_engine, event, func, insert, inspect, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from pipeline import files
from pipeline.adapters.ledger.audit import BEGINNING
from pipeline.adapters.ledger.schema import METADATA, VERSION, guard_on_a_server, ledgers, meta
from pipeline.adapters.ledger.store import CHANGING, Store
from pipeline.ports.ledger import LedgerError, StaleError

if TYPE_CHECKING:
    from sqlalchemy import URL, Connection, Engine

UNNUMBERED = 0
"""The number of a ledger that is not there yet; those that are count from 1."""

LOOKS = 5
"""So often a database that others are just making is looked at again."""

PATIENCE_MS = 10_000
"""How long a reader or writer waits for another that is just writing, before it gives up."""

PRAGMAS = (
    f"PRAGMA busy_timeout = {PATIENCE_MS}",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -65536",
)
"""FULL, because a commit lost at a power cut would here mean paying twice.  64 MiB hold the index pages of a night."""


def connect(url: str, campus: str, environment: str) -> Store:
    """Open or make the database and this campus's place in it.  Raises LedgerError, saying why."""
    store = Store(_engine(url), campus, environment, UNNUMBERED)
    try:
        return replace(store, number=_found_or_made(store))
    except BaseException:
        store.engine.dispose()
        raise


def _found_or_made(store: Store) -> int:
    """Give our number; where somebody else makes the tables at this very moment, theirs are found at the next look."""
    for _ in range(LOOKS):
        with store.reading() as connection:
            number = _number(connection, store)
        if number is not None:
            return number
        with contextlib.suppress(StaleError), store.changing() as connection:
            return _make(connection, store)
    message = f"ledger {store.place}: others were making it all the time; run again"
    raise LedgerError(message)


def _engine(text: str) -> Engine:
    try:
        url = make_url(text)
        return _sqlite(url) if url.get_backend_name() == "sqlite" else _server(url)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        message = f"ledger: its URL names no database that can be used here ({error}); write sqlite:///path"
        raise LedgerError(message) from error
    except OSError as error:
        message = f"ledger {error.filename}: {error.strerror}; see that our account may write there"
        raise LedgerError(message) from error


def _sqlite(url: URL) -> Engine:
    in_memory = url.database in (None, "", ":memory:")
    if in_memory:
        engine = create_engine(url, poolclass=StaticPool, connect_args={"check_same_thread": False})
    else:
        path = Path(str(url.database))
        files.private_folder(path.parent)
        path.touch(files.PRIVATE)
        engine = create_engine(url)
    event.listen(engine, "connect", _careful)
    event.listen(engine, "begin", _begin_in_file)
    return engine


def _server(url: URL) -> Engine:
    guard_on_a_server()
    engine = create_engine(url, paramstyle="format")
    event.listen(engine, "begin", _begin_on_server)
    return engine


def _careful(raw: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own connection, whatever it is
    """We say BEGIN ourselves: the driver would begin late, and let two writers read the same old state."""
    raw.isolation_level = None
    for pragma in PRAGMAS:
        raw.execute(pragma)


def _begin_in_file(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if CHANGING in connection.get_execution_options() else "BEGIN")


def _begin_on_server(connection: Connection) -> None:
    """A reader sees one state of the ledger, however much others write meanwhile; SQLite does so by itself."""
    if CHANGING not in connection.get_execution_options():
        connection.exec_driver_sql("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")


def _number(connection: Connection, store: Store) -> int | None:
    """Give the number of this campus's ledger; None where there is none yet."""
    if not inspect(connection).has_table(meta.name):
        return None
    version = connection.execute(select(meta.c.value).where(meta.c.name == "schema")).scalar_one_or_none()
    if version != VERSION:
        other = "a newer bursar" if version is None or version > VERSION else "the bursar that made it"
        message = f"ledger {store.place}: its tables are version {version}, this bursar knows {VERSION}; use {other}"
        raise LedgerError(message)
    own = (ledgers.c.campus == store.campus, ledgers.c.environment == store.environment)
    return connection.execute(select(ledgers.c.ledger).where(*own)).scalar_one_or_none()


def _make(connection: Connection, store: Store) -> int:
    """Make what is missing; somebody else may have made it between our look and now."""
    if not inspect(connection).has_table(meta.name):
        METADATA.create_all(connection)
        connection.execute(insert(meta).values(name="schema", value=VERSION))
    number = _number(connection, store)
    if number is None:
        number = 1 + int(connection.execute(select(func.max(ledgers.c.ledger))).scalar() or UNNUMBERED)
        place = {"ledger": number, "campus": store.campus, "environment": store.environment}
        connection.execute(insert(ledgers).values(**place, seq=0, hash=BEGINNING))
    return number
