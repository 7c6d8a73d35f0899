"""What a word that a person typed is a name of: a fee, a payment, a call to Alma, a task, a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, literal, or_, select

from pipeline.adapters.ledger.debtors import folded
from pipeline.adapters.ledger.schema import allocations, batches, fees, files, movements, payments, postings, tasks
from pipeline.ports.ledger import FeeState, Named

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Select

    from pipeline.adapters.ledger.store import Store

UNCHARGED = tuple(state for state in FeeState if state is not FeeState.CHARGED)
"""Fees that no movement tells of; a database finds these few by their states."""


@dataclass(frozen=True, slots=True)
class Names:
    """The ledger, asked what it knows by a name."""

    connection: Connection
    store: Store

    def of(self, word: str) -> Sequence[Named]:
        """Give all that bears the name, oldest first.

        What nobody here has heard of may still be what a payment says that it is for: that is looked for last.
        """
        found = [*self._fees(word), *self._payments(word), *self._files(word), *self._of_patron(word)]
        found = found or list(self._ask("payment", payments.c.key, payments.c.fee_ref == word))
        return tuple(dict.fromkeys(named for _, named in sorted(found, key=lambda one: one[0])))

    def _ask(
        self,
        kind: str,
        name: ColumnElement[str],
        *conditions: ColumnElement[bool],
        entry: Any = None,  # noqa: ANN401
    ) -> Iterator[tuple[int, Named]]:
        """Give what meets the conditions, each with the audit row that it came in under."""
        table: Any = name.table
        query: Select[Any] = select(table.c.entry if entry is None else entry, name)
        for number, found in self.connection.execute(query.where(self.store.mine(table), *conditions)):
            yield int(number), Named(kind, str(found))

    def _fees(self, word: str) -> Iterator[tuple[int, Named]]:
        yield from self._ask("fee", fees.c.fee_id, fees.c.fee_id == word)
        yield from self._ask("fee", allocations.c.fee_id, allocations.c.alma_fee_id == word)
        yield from self._ask("fee", movements.c.against, movements.c.reference == word, movements.c.kind == "charge")

    def _payments(self, word: str) -> Iterator[tuple[int, Named]]:
        for name in (payments.c.key, payments.c.payment_ref):
            yield from self._ask("payment", payments.c.key, name == word)
        now = literal(0)
        yield from self._ask("posting", postings.c.external_id, postings.c.external_id == word, entry=now)
        yield from self._ask("task", tasks.c.task_id, tasks.c.task_id == word)

    def _files(self, word: str) -> Iterator[tuple[int, Named]]:
        yield from self._ask("upload", batches.c.name, or_(batches.c.name == word, batches.c.sha == word))
        yield from self._ask("file", files.c.sha, or_(files.c.sha == word, files.c.name == word))

    def _of_patron(self, word: str) -> Iterator[tuple[int, Named]]:
        ids = folded([word])
        for name in (movements.c.patron_id, movements.c.bursar_id):
            yield from self._ask("fee", movements.c.against, func.lower(name).in_(ids))
        held = (fees.c.state.in_(UNCHARGED), func.lower(fees.c.patron_id).in_(ids))
        yield from self._ask("fee", fees.c.fee_id, *held)
        yield from self._ask("payment", payments.c.key, func.lower(payments.c.patron_id).in_(ids))
