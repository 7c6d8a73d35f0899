"""What each line of a returned file is: its kind, its cents, what it pays; or why nobody can say."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.layouts import kinds
from pipeline.layouts.cells import MisfitError
from pipeline.layouts.references import Named, Naming

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pipeline.layouts.incoming import Incoming
    from pipeline.layouts.kinds import Verdict
    from pipeline.layouts.model import Column, Layout
    from pipeline.layouts.raw import Raw

Values = list[Any]
"""The values of one column: texts, or numbers with None where a cell cannot be read."""


class Faults:
    """What is wrong with each row of a file.  What a row without sound cells seems to say is not looked at."""

    def __init__(self, broken: Sequence[str]) -> None:
        """Begin with the rows that could not be taken apart."""
        self._broken = broken
        self._why: dict[int, list[str]] = {place: [why] for place, why in enumerate(broken) if why}

    def blame(self, place: int, reason: str) -> None:
        """Add a reason why a row cannot be used."""
        if not self._broken[place]:
            self._why.setdefault(place, []).append(reason)

    def has(self, place: int) -> bool:
        """Whether something is wrong with a row already."""
        return place in self._why

    def texts(self) -> list[str]:
        """Say why each row cannot be used, "" for a good one."""
        return ["; ".join(self._why.get(place, ())) for place in range(len(self._broken))]


@dataclass
class Judge:
    """The lines of money of one file.

    ``values`` are the understood values by column name, ``found`` those by our own nouns, ``written`` the amounts as
    the file writes them, ``blank`` the rows that have none.  ``strange`` are codes that no rule names,
    ``undoing`` the rows that bring again what had gone back.
    """

    layout: Layout
    incoming: Incoming
    raw: Raw
    values: Mapping[str, Values]
    found: Mapping[str, Values]
    written: Sequence[int | None]
    blank: set[int]
    faults: Faults
    strange: set[str] = field(default_factory=set)
    undoing: set[int] = field(default_factory=set)

    def columns(self) -> dict[str, Values]:
        """Give what only rules can tell: the kind and cents of each line, what it takes back, and what it pays."""
        told: list[str] = []
        amounts: list[int] = []
        for kind, cents in self._money():
            told.append(kind)
            amounts.append(cents)
        limited = {column.source: self._only(column) for column in self.layout.detail.columns if column.only}
        return {"kind": told, "amount_cents": amounts, **limited, **self._references(amounts)}

    def _column(self, name: str) -> Values:
        return self.values.get(name, [""] * len(self.written))

    def _only(self, column: Column) -> Values:
        """A value counts where other columns say that it does."""
        conditions = [(self._column(name), allowed) for name, allowed in column.only.items()]
        fits = (
            all(any(kinds.like(texts[place], one) for one in allowed) for texts, allowed in conditions)
            for place in range(len(self.written))
        )
        return [value if fit else "" for value, fit in zip(self._column(column.name), fits, strict=True)]

    def _money(self) -> list[tuple[str, int]]:
        """What each line is, and how much: every combination of what rules ask about is looked up once."""
        names = kinds.asked(self.layout)
        texts = list(zip(*map(self._column, names), strict=True)) if names else [()] * len(self.written)
        known: dict[tuple[tuple[str, ...], int | None], Verdict] = {}
        found = []
        for place, amount in enumerate(self.written):
            line = ("", 0)
            if amount is not None or place in self.blank:
                key = (texts[place], None if amount is None else (amount > 0) - (amount < 0))
                try:
                    if key not in known:
                        said = dict(zip(names, texts[place], strict=True))
                        known[key] = kinds.said(self.layout, self.incoming, said, amount)
                    line = self._judged(place, known[key], amount)
                except MisfitError as misfit:
                    if not self.faults.has(place):
                        self.faults.blame(place, str(misfit) if amount is not None else self._no_amount)
            found.append(line)
        return found

    def _judged(self, place: int, verdict: Verdict, amount: int | None) -> tuple[str, int]:
        """Give kind and cents of a line; one of no money needs none, any other its amount and the right currency.

        What is no payment may be in another currency, as the rows of a conversion are; it counts nothing then.
        """
        if verdict.strange and not self.faults.has(place):
            self.strange.add(verdict.strange)
        if verdict.undoes:
            self.undoing.add(place)
        if amount is None and verdict.money != "none":
            self.faults.blame(place, self._no_amount)
            return "", 0
        ours = self.incoming.currency
        of = self.found["currency"][place] if ours and "currency" in self.found else ""
        if verdict.kind == "other" and of != (ours or ""):
            return verdict.kind, 0
        if verdict.money != "none" and of != (ours or ""):
            self.faults.blame(place, f"the money is {f'in {of[:24]}' if of else 'in no currency'}, not in {ours}")
            return verdict.kind, 0
        signed = verdict.signed(amount or 0)
        if signed and not self.faults.has(place):
            self._complete(place, verdict)
        return verdict.kind, signed

    def _complete(self, place: int, verdict: Verdict) -> None:
        """A line that moves money must have all that it needs, and a day where the file has days."""
        missing = [name for name in verdict.needs if not self._column(name)[place]]
        if missing:
            self.faults.blame(place, f"a {verdict.kind} needs {' and '.join(missing)}")
        elif "occurred_on" in self.found and not self.found["occurred_on"][place]:
            self.faults.blame(place, "it moves money and has no day")

    @property
    def _no_amount(self) -> str:
        return f"{self.layout.amount.name if self.layout.amount else ''} is blank"

    def _references(self, amounts: Sequence[int]) -> dict[str, Values]:
        """What each line names: a fee, or several with their shares; what cannot be is blamed where money moves."""
        if self.incoming.references is None:
            return {}
        naming = Naming(self.layout, self.incoming.references, self.raw.columns)
        every: list[Named] = []
        for place, amount in enumerate(amounts):
            named = naming.named(place, amount) if not self.raw.broken[place] else Named()
            if named.wrong and amount:
                self.faults.blame(place, named.wrong)
            every.append(named)
        return {"fee_ref": [one.fee_ref for one in every], "fees": [one.fees for one in every]}
