"""Two files about the same debts set side by side: rows that only one of them has, and what differs, by cause."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline.money import Tally, total

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

Cell = str | int
Row = dict[str, Cell]
"""A row of a file by our own names of its columns."""

AMOUNT = "amount_cents"
CAUSES: Mapping[str, tuple[str, ...]] = {
    "patron": ("patron_id",),
    "amount": (AMOUNT,),
    "kind": ("kind",),
    "code": ("item_type", "account_type", "item_code", "fund", "fee_type"),
    "term": ("term",),
    "date": ("effective_date", "due_date", "fee_date"),
    "reference": ("reference",),
}
"""What a difference is put down to, by the columns that differ; every other column is ``text``."""

THERE, HERE, UNREADABLE = "only there", "only here", "unreadable"


@dataclass(frozen=True)
class Difference:
    """A row of the old file and the one of ours that is the same debt, or one of them alone; and why they differ."""

    causes: tuple[str, ...]
    old: Row | None
    ours: Row | None
    columns: tuple[str, ...] = ()

    def worth(self, cause: str) -> int:
        """Give the cents at stake: of an amount what we say more, of a row that stands alone all of it."""
        old = int(self.old[AMOUNT]) if self.old else 0
        ours = int(self.ours[AMOUNT]) if self.ours else 0
        return ours - old if cause == "amount" else ours or old


@dataclass(frozen=True)
class Contrast:
    """How many rows are the same to the letter, and every other one."""

    same: Tally
    differences: tuple[Difference, ...]

    def by_cause(self) -> dict[str, Tally]:
        """Count and add up by cause; a pair that differs in several ways counts for each."""
        found: dict[str, Tally] = defaultdict(Tally)
        for one in self.differences:
            for cause in one.causes:
                found[cause] += Tally(1, one.worth(cause))
        order = [*CAUSES, "text", THERE, HERE, UNREADABLE]
        return {cause: found[cause] for cause in order if cause in found}


def contrast(old: Sequence[Row], ours: Sequence[Row], columns: Collection[str]) -> Contrast:
    """Pair the rows: those that are alike, then by reference, then by patron and amount; what is left stands alone.

    ``columns`` are those that both files have.  A row with a text under ``unreadable`` is paired with nothing.
    """
    left = _Left([row for row in old if not row["unreadable"]], [row for row in ours if not row["unreadable"]])
    shown = sorted(columns)
    alike = left.pairs(lambda row: tuple(row[name] for name in shown))
    pairs = []
    if "reference" in columns:
        pairs += left.pairs(lambda row: (row["reference"],) if row["reference"] else None)
    pairs += left.pairs(lambda row: (row["patron_id"], row[AMOUNT]))
    return Contrast(
        total(Tally(1, int(one[AMOUNT])) for one, _ in alike),
        (
            *(_difference(one, other, shown) for one, other in pairs),
            *(Difference((THERE,), row, None) for row in left.old),
            *(Difference((HERE,), None, row) for row in left.ours),
            *(Difference((UNREADABLE,), row, None) for row in old if row["unreadable"]),
            *(Difference((UNREADABLE,), None, row) for row in ours if row["unreadable"]),
        ),
    )


class _Left:
    """The rows of both files that are not paired yet."""

    def __init__(self, old: Sequence[Row], ours: Sequence[Row]) -> None:
        self.old = list(old)
        self.ours = list(ours)

    def pairs(self, key: Callable[[Row], tuple[Cell, ...] | None]) -> list[tuple[Row, Row]]:
        """Take out the pairs that have the same key, in the order of the files; a row without a key has no pair."""
        waiting: dict[tuple[Cell, ...], list[Row]] = defaultdict(list)
        for row in reversed(self.ours):
            if (said := key(row)) is not None:
                waiting[said].append(row)
        found: list[tuple[Row, Row]] = []
        alone: list[Row] = []
        for row in self.old:
            said = key(row)
            if said is not None and waiting.get(said):
                found.append((row, waiting[said].pop()))
            else:
                alone.append(row)
        taken = {id(row) for _, row in found}
        self.old, self.ours = alone, [row for row in self.ours if id(row) not in taken]
        return found


def _difference(old: Row, ours: Row, columns: Sequence[str]) -> Difference:
    differing = tuple(name for name in columns if old[name] != ours[name])
    known = {name for names in CAUSES.values() for name in names}
    causes = [cause for cause, names in CAUSES.items() if set(names) & set(differing)]
    return Difference((*causes, *(["text"] if set(differing) - known else [])), old, ours, differing)
