"""The books: after every step both sides of its equation are worked out here, and must be equal to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.layouts import layout as layouts
from pipeline.money import Tally, total
from pipeline.readers import alma_count
from pipeline.tables import tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from pipeline.findings import Outcome
    from pipeline.ports.ledger import Batch


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the books: what stands left and right of an equation at a stage."""

    stage: str
    what: str
    left: Tally
    right: Tally

    @property
    def balanced(self) -> bool:
        """Whether both sides are the same, in rows and in cents."""
        return self.left == self.right

    def __str__(self) -> str:
        """For people: the stage, both sides and the difference in rows and cents."""
        lost = self.left - self.right
        return (
            f"{self.stage}: {self.what}: {self.left} against {self.right}: "
            f"{abs(lost.count)} rows and {abs(lost.cents)} cents {'missing' if lost > Tally() else 'too many'}"
        )


class UnbalancedError(Exception):
    """The books of a step do not balance: nothing may be sent.  The text names stage, rows and cents."""

    def __init__(self, lines: Sequence[Line]) -> None:
        """Keep the lines that do not balance."""
        super().__init__("; ".join(str(line) for line in lines))
        self.lines = tuple(lines)


@dataclass(frozen=True)
class Entry:
    """What one step was given and what it made of it: all that an equation may look at."""

    stage: str
    table: pd.DataFrame | None
    entering: Sequence[pd.DataFrame]
    known: Mapping[str, pd.DataFrame]
    outcome: Outcome
    campus_folder: Path

    @property
    def given(self) -> pd.DataFrame:
        """The table the step was given."""
        if self.table is None:
            message = f"{self.stage}: was given no table"
            raise RuntimeError(message)
        return self.table


def new_money(frame: pd.DataFrame) -> Tally:
    """Count the rows that are news; a row that a snapshot merely carries along was counted when it was new."""
    cents = frame.loc[~frame["carried"], "amount_cents"] if "carried" in frame.columns else frame["amount_cents"]
    return Tally(len(cents), int(cents.sum()))


def everything(outcome: Outcome) -> Tally:
    """Count every row of an outcome, whatever box it is in."""
    return total(new_money(frame) for _, frame in outcome.all_rows())


def none(entry: Entry) -> list[Line]:  # noqa: ARG001 - every equation has the same form
    """Nothing to check: the step moves no rows."""
    return []


def read(entry: Entry) -> list[Line]:
    """Compare every file's rows and money with a second, independent scan of the archived bytes."""
    refused = {finding.subject for finding in entry.outcome.findings if finding.spoils_file}
    rows = [frame[["file_sha", "amount_cents"]] for _, frame in entry.outcome.all_rows() if len(frame)]
    lines = []
    for sha, copies in entry.given.groupby("sha", sort=False):
        if sha in refused:
            continue
        scanned = total(
            second_scan(Path(path), reader, entry.campus_folder)
            for path, reader in zip(copies["path"], copies["reader"], strict=True)
        )
        found = total(tally(frame[frame["file_sha"] == sha]) for frame in rows)
        lines.append(Line(entry.stage, str(copies["name"].iloc[0]), scanned, found))
    return lines


def second_scan(path: Path, reader: str, campus_folder: Path) -> Tally:
    """Count a file's rows and money without the reader that the night uses."""
    if reader == "alma_export":
        return total(alma_count.count(path).values())
    return layouts.count(layouts.load(reader, campus_folder), path)


def plain(entry: Entry) -> list[Line]:
    """Compare what came in, by any door, with all boxes together."""
    came = total(new_money(frame) for frame in [entry.given, *entry.entering])
    return [Line(entry.stage, "in = all boxes", came, everything(entry.outcome))]


def compare(entry: Entry) -> list[Line]:
    """Compare what is not yet known as charged, told by content alone, with what passes on or is held."""
    import pandas as pd

    key = ["source", "fee_id", "content"]
    columns = [*key, "amount_cents"]
    came = pd.concat([frame[columns] for frame in [entry.given, *entry.entering]]).drop_duplicates(key)
    history = entry.known["history"]
    settled = history.loc[~history["state"].isin(["held", "waiting"]), key]
    marked = came.merge(settled.drop_duplicates(), on=key, how="left", indicator="_where")
    news = marked[marked["_where"] == "left_only"]
    kept = total(tally(frame) for box, frame in entry.outcome.all_rows() if box in ("passed", "held"))
    return [*plain(entry), Line(entry.stage, "open - known = passed + held", tally(news), kept)]


def split(entry: Entry) -> list[Line]:
    """Compare, per system, the whole with its parts: rows given against rows in files and boxes."""
    whole = _by_system([entry.given])
    parts = _by_system([frame for _, frame in entry.outcome.all_rows()])
    lines = [
        Line(entry.stage, system, whole.get(system, Tally()), parts.get(system, Tally()))
        for system in sorted({*whole, *parts})
    ]
    return [*lines, *_replacements(entry)]


def _replacements(entry: Entry) -> Iterator[Line]:
    """Compare each full replacement with all that is owed at its system: a debt left out would be forgotten there."""
    rows = entry.outcome.passed[["batch", "carried", "amount_cents"]]
    owed, standing = entry.known["open_items"], entry.known["standing"]
    replacing = set(standing.loc[standing["snapshot"], "system"])
    for number, (system, _) in enumerate(entry.outcome.planned or ()):
        if system not in replacing:
            continue
        mine = rows[rows["batch"] == number]
        outstanding = tally(owed.loc[owed["system"] == system, ["amount_cents"]])
        yield Line(entry.stage, f"{system}: repeated = owed", outstanding, tally(mine[mine["carried"]]))


def _by_system(frames: Sequence[pd.DataFrame]) -> dict[str, Tally]:
    """Count the rows that are news, per system; of no more columns than that takes."""
    found: dict[str, Tally] = {}
    for frame in frames:
        columns = frame[["system", "amount_cents"]]
        news = columns[~frame["carried"]] if "carried" in frame.columns else columns
        for system, cents in news["amount_cents"].groupby(news["system"], sort=True):
            found[str(system)] = found.get(str(system), Tally()) + Tally(len(cents), int(cents.sum()))
    return found


def pack(entry: Entry) -> list[Line]:
    """Compare each file's rows with its control totals, and with its bytes read back from disk."""
    lines = plain(entry)
    lines_of = entry.outcome.passed[["batch", "amount_cents"]]
    for number, (batch, path, layout) in enumerate(entry.outcome.made or ()):
        rows = tally(lines_of[lines_of["batch"] == number])
        control = Tally(batch.count, batch.cents)
        lines += [
            Line(entry.stage, f"{batch.name}: rows = control totals", rows, control),
            Line(
                entry.stage,
                f"{batch.name}: rows = bytes read back",
                rows,
                second_scan(path, layout, entry.campus_folder),
            ),
        ]
        stated = layouts.stated(layouts.load(layout, entry.campus_folder), path)
        if stated is not None:
            lines.append(Line(entry.stage, f"{batch.name}: rows = control totals in its header", rows, stated))
    return lines


def batches_of(made: Sequence[tuple[Batch, Path, str]]) -> list[Batch]:
    """Only the batches of what a render step made."""
    return [batch for batch, _, _ in made]


EQUATIONS: Mapping[str, Callable[[Entry], list[Line]]] = {
    "none": none,
    "read": read,
    "plain": plain,
    "compare": compare,
    "split": split,
    "pack": pack,
}
