"""Why a fee goes where it goes: every route of the campus file in turn, and what each of them asks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import typer

from pipeline.campus.load import load
from pipeline.campus.policy import EXCLUDED, HELD
from pipeline.cli.books import ledger_of
from pipeline.cli.world import today_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.campus.policy import Route
    from pipeline.ports.ledger import Ledger

    Record = Mapping[str, str | int]

ENDS = {
    "excluded": "by the campus's policy it never goes out",
    "rejected": "a person rejected it",
    "withdrawn": "its source says something else by now, and it had not been sent",
    "continued": "it is an older debt under another id",
}
"""What is said of a version of a fee that goes nowhere any more."""

DESTINATIONS = {HELD: "it is held for a person", EXCLUDED: "it never goes out"}


def explain(fee: str, campus: Path, today: date | None = None) -> int:
    """Tell, route by route, why a fee fits or not, and where it goes or went; exit code 1 for a fee nobody knows.

    Nothing is changed, and nothing outside is asked.  ``today`` is the day at the campus if it is not given.
    """
    loaded = load(campus)
    with ledger_of(loaded.identity) as ledger:
        lines = list(Question(fee, ledger, loaded, today or today_at(loaded)).told())
    if not lines:
        typer.echo(f"{fee}: the ledger of {loaded.campus.name} knows no fee of this name", err=True)
        return 1
    typer.echo("\n".join(lines))
    return 0


@dataclass(frozen=True)
class Question:
    """One fee, asked for on a day, under what the campus file says now."""

    fee: str
    ledger: Ledger
    campus: Loaded
    today: date

    def told(self) -> Iterator[str]:
        """Say what becomes of every version of the fee, and why; the first that was charged decides for all others."""
        records = self.ledger.fee_record(self.fee)
        debtors = {str(one["source"]): str(one["system"]) for one in reversed(records) if one["state"] == "charged"}
        for source, system in debtors.items():
            yield f"fee {self.fee} of {source} went to {system} with its first charge, and so does all that changes it"
            yield from self._as_sent(system)
        for record in records:
            if record["state"] != "charged":
                yield from self._version(record, debtors.get(str(record["source"]), ""))

    def _version(self, record: Record, debtor: str) -> Iterator[str]:
        state, why = str(record["state"]), f"{record['code']}: {record['why']}"
        end = f"{ENDS[state]}; " if state in ENDS else ""
        yield f"fee {self.fee} of {record['source']}, version {record['version']}, is {state}: {end}{why}"
        if not end:
            pending = self.ledger.pending_fees()
            mine = (pending["source"] == record["source"]) & (pending["fee_id"] == self.fee)
            yield from self._tonight(pending[mine & (pending["version"] == record["version"])], debtor)

    def _as_sent(self, system: str) -> Iterator[str]:
        """What the routes of today say of a debt that has its debtor, so that people see that a rule came later."""
        charged = self.ledger.charged(system, self.fee)
        if charged is None:
            return
        sent = self.ledger.charges_of([charged.patron_id])
        mine = (sent["source"] == charged.source) & (sent["fee_id"] == charged.fee_id) & (sent["movement"] == 1)
        yield "today's routes, which do not move it:"
        yield from self._routes(sent[mine])

    def _tonight(self, row: pd.DataFrame, debtor: str) -> Iterator[str]:
        """Route one pending fee as a night would, and tell what came of it."""
        from pipeline.stages.route import route

        if debtor:
            yield f"  it goes to {debtor}, as its first charge did"
        else:
            yield from self._routes(row)
        kind = (row["amount_cents"] < 0).map({True: "credit", False: "charge"})
        movement = row.assign(system=debtor, kind=kind).astype({"system": "str", "kind": "str"})
        for frame in route(movement, self.campus, self.today, self._people()).boxes.values():
            yield from (f"  {code}: {why}" for code, why in zip(frame["code"], frame["why"], strict=True))

    def _routes(self, row: pd.DataFrame) -> Iterator[str]:
        from pipeline.stages.acquaint import groups

        seen = row.assign(user_group=groups(row, self._people()))
        taken = False
        for number, rule in enumerate(self.campus.campus.routes, start=1):
            unmet = self._unmet(rule, seen)
            if unmet:
                yield f"  route {number} to {rule.to} does not fit: it asks that {' and that '.join(unmet)}"
            elif taken:
                yield f"  route {number} to {rule.to} would fit, but an earlier one did"
            else:
                yield f"  route {number} to {rule.to} fits: {DESTINATIONS.get(rule.to, f'it goes to {rule.to}')}"
                taken = True
        if not taken:
            yield "  no route fits: it is held"

    def _unmet(self, rule: Route, row: pd.DataFrame) -> list[str]:
        from pipeline.stages.fits import conditions

        return [says for says, met in conditions(rule, row, self.today) if not met.all()]

    def _people(self) -> pd.DataFrame:
        from pipeline.stages.people import ROLE, newest

        return newest(self.ledger.files_in(ROLE, "archived"), self.campus, self.today)[0]
