"""Look in Alma at each fee that has fallen or is gone: waived, credited, paid at the desk, or still open."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.findings import Finding, Outcome
from pipeline.money import dollars
from pipeline.ports.outside import Busy, Refused
from pipeline.rules import Sorting
from pipeline.stages.known_fees import positions, receipts
from pipeline.stages.look import CLOSED_FEE
from pipeline.stages.settle import agreed
from pipeline.stages.whose import Debt, Verdict, judged

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from pipeline.campus.policy import Falls
    from pipeline.flow.runner import Work
    from pipeline.ports.outside import AlmaFee, AlmaFees

FALLS = ("fallen", "gone")

QUESTIONS = ("FALL-TO-APPROVE", "FALL-HELD", "GONE-BUT-OPEN", "LOOK-LATER", "LOOK-BUSY", "LOOK-REFUSED")
"""One question in several words: is the debt to be lowered, whatever Alma says of the fee, or fails to say?"""

TIRED = 3
"""After so many answers in a row that cannot be used, Alma is left alone until the next night."""

Row = dict[str, Any]
Fee = tuple[str, str]


def ask(work: Work) -> Outcome:
    """Set ``asked`` of tonight's falls (tables.CHANGES) and hold those that are not to be withdrawn.

    A fall that a person has said yes to passes unasked.  At most ``falls.looks`` fees are looked at in a night.
    """
    rows = work.rows.reset_index(drop=True)
    falls = rows[rows["change"].isin(FALLS)]
    if not len(falls):
        return Outcome(rows)
    falls = falls[~agreed(falls, work.ledger.decisions(), *QUESTIONS)]
    asking = _Asking(work.outside.alma, work.campus.campus.falls, work.today.isoformat())
    said = asking.all(falls, dict(_debts(work, falls)))
    sorting = Sorting(rows.assign(asked=_spread(rows, said, "asked"), verdict=_spread(rows, said, "code")))
    sorting.frame["says"] = _spread(rows, said, "why")
    for code in sorted({one.code for one in said.values()} - {""}):
        sorting.hold(sorting.frame["verdict"] == code, code, "{says}")
    outcome = sorting.outcome(asking.findings)
    passed = outcome.passed.drop(columns=["verdict", "says"])
    boxes = {box: frame.drop(columns=["verdict", "says"]) for box, frame in outcome.boxes.items()}
    return Outcome(tables.checked(passed, tables.CHANGES, "ask"), boxes, outcome.findings)


def _spread(rows: pd.DataFrame, said: Mapping[int, Verdict], name: str) -> pd.Series[str]:
    """Lay one word of each verdict beside its row, and "" beside all others."""
    import pandas as pd

    words = [""] * len(rows)
    for place, verdict in said.items():
        words[place] = getattr(verdict, name)
    return pd.Series(words, index=rows.index, dtype="str")


def _debts(work: Work, falls: pd.DataFrame) -> Iterator[tuple[Fee, Debt]]:
    """What the ledger says of the fees that have fallen: what is billed, and our payments that Alma has or may have.

    What the original amount has grown by is billed tonight, or waits to be, so it counts as billed.
    """
    paid: dict[Fee, int] = defaultdict(int)
    for source, fee_id, cents in _columns(receipts(work), falls, "cents"):
        paid[source, fee_id] += cents
    rows = work.rows[work.rows["fee_id"].isin(falls["fee_id"])]
    newest = rows.groupby(["source", "fee_id"])["original_cents"].max().to_dict()
    billed = {(source, fee_id): cents for source, fee_id, cents in _columns(positions(work), falls, "billed_cents")}
    for source, fee_id, original in _columns(positions(work), falls, "original_cents"):
        grown = max(int(newest[source, fee_id]) - original, 0)
        fee = (source, fee_id)
        yield fee, Debt(original + grown, billed[fee] + grown, paid[fee])


def _columns(table: pd.DataFrame, falls: pd.DataFrame, name: str) -> list[tuple[str, str, int]]:
    rows = table[table["fee_id"].isin(falls["fee_id"])]
    wanted = set(zip(falls["source"].tolist(), falls["fee_id"].tolist(), strict=True))
    found = zip(rows["source"].tolist(), rows["fee_id"].tolist(), rows[name].tolist(), strict=True)
    return [one for one in found if one[:2] in wanted]


@dataclass
class _Asking:
    """One night's looks at fees in Alma."""

    alma: AlmaFees | None
    rules: Falls
    day: str
    looks: int = 0
    busy: int = 0
    stopped: bool = False
    findings: list[Finding] = field(default_factory=list)

    def all(self, falls: pd.DataFrame, debts: dict[Fee, Debt]) -> dict[int, Verdict]:
        """Ask about one fee after the other, in an order drawn anew each night, so that none is left out for ever."""
        rows = dict(zip(falls.index.tolist(), falls.to_dict("records"), strict=True))
        drawn = sorted(rows, key=lambda at: self._lot(rows[at]))
        return {at: self._one(rows[at], debts.get((rows[at]["source"], rows[at]["fee_id"]))) for at in drawn}

    def _lot(self, row: Row) -> tuple[str, str, str]:
        lot = hashlib.sha256(f"{self.day} {row['fee_id']}".encode()).hexdigest()
        return lot, row["fee_id"], row["content"]

    def _one(self, row: Row, debt: Debt | None) -> Verdict:
        fall = f"fee {row['fee_id']} has fallen by {dollars(-row['amount_cents'])}"
        if self.alma is None:
            return Verdict("no_key", "FALL-TO-APPROVE", f"{fall}: without a look at Alma a person must say yes")
        if self.stopped:
            return Verdict("", "LOOK-REFUSED", f"{fall}: Alma refuses all our calls")
        if self.busy >= TIRED:
            return Verdict("", "LOOK-BUSY", f"{fall}: Alma does not answer tonight")
        if self.looks >= self.rules.looks:
            return Verdict(
                "", "LOOK-LATER", f"{fall}: {self.rules.looks} fees were looked at tonight, it is not among them"
            )
        if debt is None:
            return Verdict("", "GONE-BUT-OPEN", f"{fall}: the ledger has no charge of it")
        self.looks += 1
        return self._looked_at(row, debt, fall, self.alma)

    def _looked_at(self, row: Row, debt: Debt, fall: str, alma: AlmaFees) -> Verdict:
        try:
            fee = _fee(row, alma)
        except Busy as busy:
            self.busy += 1
            return Verdict("", "LOOK-BUSY", f"{fall}: {busy}")
        except Refused as no:
            return self._refused(no, fall)
        self.busy = 0
        if fee is None:
            return Verdict("not_found", "GONE-BUT-OPEN", f"{fall}: Alma does not show it, neither open nor closed")
        return judged(fee, -int(row["amount_cents"]), debt, self.rules)

    def _refused(self, no: Refused, fall: str) -> Verdict:
        if no.scope == "system":
            self.stopped = True
            self.findings.append(
                Finding("LOOK-STOPPED", "alma", f"fees that have fallen cannot be looked at: {no}", "ask")
            )
            return Verdict("", "LOOK-REFUSED", f"{fall}: Alma refuses all our calls")
        self.busy = 0
        asked = "not_found" if no.code.startswith("401") else "unreadable"
        return Verdict(asked, "GONE-BUT-OPEN", f"{fall}: {no}")


def _fee(row: Row, alma: AlmaFees) -> AlmaFee | None:
    """Read one fee by the patron's id as sent; one that Alma calls closed is looked for among the closed ones."""
    who = row["patron_id"], row["patron_id_type"]
    try:
        return alma.get_fee(*who, row["fee_id"])
    except Refused as no:
        if no.code != CLOSED_FEE:
            raise
    return next((fee for fee in alma.list_fees(*who, "CLOSED") if fee.fee_id == row["fee_id"]), None)
