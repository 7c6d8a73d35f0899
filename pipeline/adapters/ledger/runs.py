"""The book of runs: who opened the ledger, and every run with how it ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from pipeline.adapters.ledger import audit
from pipeline.adapters.ledger.audit import Event
from pipeline.adapters.ledger.schema import figures, findings, ledgers, runs
from pipeline.adapters.ledger.store import Book, Store, add, iso, one, record
from pipeline.findings import Finding
from pipeline.ports.ledger import LedgerError, NotOpenedError, Run

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from sqlalchemy import Connection, RowMapping


class Runs(Book):
    """ports.ledger.RunBook in the database."""

    def is_open(self) -> bool:
        """Say whether somebody has opened this ledger for this campus."""
        return self.opened_at() is not None

    def opened_at(self) -> datetime | None:
        """Say when this ledger was opened; None if nobody has opened it."""
        with self.store.reading() as connection:
            return _opened_at(connection, self.store)

    def open_empty(self, by: str, at: datetime) -> None:
        """Declare that nothing was ever sent before.  Raises LedgerError if the ledger already has runs."""
        store = self.store
        with store.changing() as connection:
            if connection.execute(select(runs.c.number).where(store.mine(runs)).limit(1)).first() is not None:
                message = f"ledger of {store.campus} ({store.environment}): it has runs already, so it is not empty"
                raise LedgerError(message)
            if _opened_at(connection, store) is not None:
                return
            connection.execute(update(ledgers).where(store.mine(ledgers)).values(opened_by=by, opened_at=iso(at)))
            audit.append(
                connection, store, [Event("opened", "ledger", "opened empty: nothing was sent before", by)], at
            )

    def begin_run(self, command: str, business_date: date, config_sha: str, at: datetime) -> Run:
        """Start a run.  Raises NotOpenedError on a ledger nobody opened."""
        store = self.store
        with store.changing() as connection:
            if _opened_at(connection, store) is None:
                raise NotOpenedError(_not_opened(store))
            day = runs.c.business_date == business_date.isoformat()
            number = _count(connection, select(func.max(runs.c.number)).where(store.mine(runs))) + 1
            sequence = _count(connection, select(func.max(runs.c.sequence)).where(store.mine(runs), day)) + 1
            run = Run(number, business_date, sequence, command, at)
            connection.execute(insert(runs).values(**store.scope, **_columns(run), config_sha=config_sha))
            text = (
                f"{command} for {business_date.isoformat()}, number {sequence} of that date, campus file {config_sha}"
            )
            audit.append(connection, store, [Event("run began", f"run {number}", text)], at, number)
        return run

    def end_run(self, run: Run, exit_code: int, summary: str, at: datetime) -> None:
        """Write down how it ended.  Raises StaleError if that was done before."""
        store = self.store
        with store.changing() as connection:
            this = (store.mine(runs), runs.c.number == run.number, runs.c.ended_at.is_(None))
            ended = update(runs).where(*this).values(ended_at=iso(at), exit_code=exit_code, summary=summary)
            one(connection, ended, f"run {run.number}")
            event = Event("run ended", f"run {run.number}", f"exit {exit_code}: {summary}")
            audit.append(connection, store, [event], at, run.number)

    def runs(self, most: int) -> Sequence[Run]:
        """Give the latest runs, newest first."""
        with self.store.reading() as connection:
            newest = select(runs).where(self.store.mine(runs)).order_by(runs.c.number.desc()).limit(most)
            return [_run(row) for row in connection.execute(newest).mappings()]

    def let_through(self, run: Run, by: str, said: Sequence[tuple[str, str]], at: datetime) -> None:
        """Write down in a person's name what ``--approve`` is for in a run: name and words, an audit row for each."""
        if not said:
            return
        events = [Event("let through", name, f"run {run.number}, --approve by {by}: {text}", by) for name, text in said]
        with self.store.changing() as connection:
            audit.append(connection, self.store, events, at, run.number)

    def note(self, run: Run, findings: Sequence[Finding], at: datetime) -> None:
        """Keep findings that belong to the run and change nothing else."""
        store = self.store
        with store.changing() as connection:
            event = Event("noted", f"run {run.number}", f"{len(findings)} findings kept")
            entry = audit.append(connection, store, [event], at, run.number)
            keep(connection, store, findings, run.number, entry)

    def said_last(self, subject: str, codes: Collection[str]) -> Sequence[Finding]:
        """Give what the newest run that said any of these codes of a system's output said; nothing once that went.

        It went in the newest run that has a figure ``sent`` of the system, though it be of no rows.
        """
        of = (self.store.mine(findings), findings.c.subject == subject, findings.c.code.in_(sorted(codes)))
        newest = select(func.max(findings.c.run)).where(*of).scalar_subquery()
        sent = (self.store.mine(figures), figures.c.scope == subject, figures.c.what == "sent")
        with self.store.reading() as connection:
            went = _count(connection, select(func.max(figures.c.run)).where(*sent))
            query = select(findings).where(*of, findings.c.run == newest, findings.c.run > went)
            rows = connection.execute(query.order_by(findings.c.entry, findings.c.number)).mappings()
            return [Finding(row["code"], row["subject"], row["text"], row["place"]) for row in rows]


def keep(connection: Connection, store: Store, found: Sequence[Finding], run: int, entry: int) -> None:
    """Write findings down under the audit row ``entry`` that they came with."""
    columns: dict[str, list[object]] = {
        "number": list(range(1, len(found) + 1)),
        "code": [finding.code for finding in found],
        "subject": [finding.subject for finding in found],
        "text": [finding.text for finding in found],
        "place": [finding.where for finding in found],
    }
    add(connection, store, findings, columns, run=run, entry=entry)


def _opened_at(connection: Connection, store: Store) -> datetime | None:
    said = connection.execute(select(ledgers.c.opened_at).where(store.mine(ledgers))).scalar_one()
    return datetime.fromisoformat(said) if said is not None else None


def _not_opened(store: Store) -> str:
    return (
        f"ledger of {store.campus} ({store.environment}): nobody has opened it, and an empty ledger would send "
        "everything again; if nothing was ever sent before, say so with `bursar opening --empty --campus FILE`"
    )


def _count(connection: Connection, statement: Any) -> int:  # noqa: ANN401 - a select of one number or nothing
    return int(connection.execute(statement).scalar() or 0)


def _columns(run: Run) -> dict[str, object]:
    return {
        "number": run.number,
        "business_date": run.business_date.isoformat(),
        "sequence": run.sequence,
        "command": run.command,
        "started_at": iso(run.started_at),
        "summary": run.summary,
    }


def _run(row: RowMapping) -> Run:
    run = record(
        Run,
        row,
        business_date=date.fromisoformat(row["business_date"]),
        started_at=datetime.fromisoformat(row["started_at"]),
        ended_at=None,
    )
    return replace(run, ended_at=datetime.fromisoformat(row["ended_at"])) if row["ended_at"] else run
