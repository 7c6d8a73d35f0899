"""The ledger as people read it: one fee's life, what stands where, and what waits for somebody."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import and_, select

from pipeline.adapters.ledger import audit, equations, standing
from pipeline.adapters.ledger.known_names import Names
from pipeline.adapters.ledger.life import Life
from pipeline.adapters.ledger.schema import fees, movements, payments, runs
from pipeline.adapters.ledger.store import Book
from pipeline.adapters.ledger.sums import paid
from pipeline.adapters.ledger.waiting import questions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.money import Tally
    from pipeline.ports.ledger import Named

FEE_FACTS = ("fee_id", "source", "version", "state", "code", "why", "system", "fee_type", "fee_date", "currency")


class Story(Book):
    """ports.ledger.StoryBook in the database; nothing here loads pandas."""

    def story(self, subject: str) -> Sequence[Mapping[str, str]]:
        """Give what happened to a fee, payment, receipt, patron, posting, task or file: at, run, event, text.

        Oldest first.  The digests by which the audit trail vouches for rows are left out: they are for no person.
        """
        with self.store.reading() as connection:
            moments = Life(connection, self.store, subject).moments()
        return [
            {"at": moment.at, "run": str(moment.run or ""), "event": moment.event, "text": moment.text}
            for moment in moments
        ]

    def named(self, word: str) -> Sequence[Named]:
        """Say what a word is a name of, oldest first; nothing where the ledger knows no such name.

        An id of any kind names itself.  A receipt names its payments, a reference its fee, a file's name or hash the
        file, a patron's id (as Alma or the bursar knows it, in any case) all their fees and payments.
        """
        with self.store.reading() as connection:
            return Names(connection, self.store).of(word)

    def fee_record(self, fee_id: str) -> Sequence[Mapping[str, str | int]]:
        """Give every version of a fee with state, code, why, system, amount_cents, and how much is paid.

        And since when it stands so, and on which business date a run last booked it.
        """
        said = (fees.c[name] for name in (*FEE_FACTS, "amount_cents", "since"))
        facts = (*said, runs.c.business_date.label("booked_on"), paid(fees).label("paid_cents"))
        by = and_(runs.c.ledger == fees.c.ledger, runs.c.number == fees.c.last_run)
        query = select(*facts).join_from(fees, runs, by).where(self.store.mine(fees), fees.c.fee_id == fee_id)
        with self.store.reading() as connection:
            rows = connection.execute(query.order_by(fees.c.source, fees.c.version)).mappings()
            return [dict(row) for row in rows]

    def standing(self) -> Mapping[str, Mapping[str, tuple[int, int]]]:
        """Give counts and cents: {"fees": {state: (n, cents)}, "uploads": ...}; payments, postings, tasks too."""
        with self.store.reading() as connection:
            return standing.by_state(connection, self.store)

    def names(self) -> Mapping[str, Sequence[str]]:
        """Give the names that the ledger knows: {"systems": ..., "sources": ...}, sorted."""
        asked = {
            "systems": select(movements.c.system).where(self.store.mine(movements)).distinct(),
            "payers": select(payments.c.system).where(self.store.mine(payments)).distinct(),
            "sources": select(fees.c.source).where(self.store.mine(fees)).distinct(),
        }
        with self.store.reading() as connection:
            found = {what: {str(row[0]) for row in connection.execute(query)} for what, query in asked.items()}
        return {"systems": sorted(found["systems"] | found["payers"]), "sources": sorted(found["sources"])}

    def sums(self) -> Sequence[tuple[str, Tally, Tally]]:
        """Give sums of the ledger that must be equal: what is compared, and its two sides."""
        with self.store.reading() as connection:
            return equations.equations(connection, self.store)

    def held_rows(self) -> Sequence[Mapping[str, str | int]]:
        """List what is held or waits, longest first.

        Columns: kind (fee, file, payment, posting, task), state, subject, patron_id, file (name) and line it was read
        from, code, why, amount_cents, since (ISO).  What is left over of a payment is in state suspense; a payment that
        Alma was to import is in state listed since its file arrived.
        """
        with self.store.reading() as connection:
            found = [dict(row) for query in questions(self.store) for row in connection.execute(query).mappings()]
        return sorted(found, key=lambda row: (row["since"], row["kind"], row["subject"]))

    def verify_audit(self) -> Sequence[str]:
        """Recompute the hash chain and what it vouches for; give one sentence for everything that was tampered with."""
        with self.store.reading() as connection:
            return list(audit.problems(connection, self.store))
