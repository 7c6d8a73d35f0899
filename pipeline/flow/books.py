"""The books: after every step both sides of its equation are worked out here, and must be equal to the cent."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.campus.sources import Report
from pipeline.flow import changes, so_far
from pipeline.flow.lines import Line
from pipeline.layouts import layout as layouts
from pipeline.money import Tally, total
from pipeline.readers import alma_count, report_count
from pipeline.tables import FOLDED, tally

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome
    from pipeline.ports.ledger import Batch


__all__ = ["EQUATIONS", "Entry", "Line", "UnbalancedError", "batches_of"]


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
    campus: Loaded

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
            second_scan(Path(path), reader, str(feed), entry.campus)
            for path, reader, feed in zip(copies["path"], copies["reader"], copies["feed"], strict=True)
        )
        found = total(tally(frame[frame["file_sha"] == sha]) for frame in rows)
        lines.append(Line(entry.stage, str(copies["name"].iloc[0]), scanned, found))
    return lines


def second_scan(path: Path, reader: str, feed: str, campus: Loaded) -> Tally:
    """Count a file's rows and money without the reader that the night uses; ``feed`` is the source of a report."""
    if reader == "alma_export":
        return total(alma_count.count(path).values())
    source = campus.campus.sources.get(feed)
    if reader in ("report", "analytics") and isinstance(source, Report):
        return report_count.count(path, source)
    return layouts.count(layouts.load(reader, campus.folder), path)


def plain(entry: Entry) -> list[Line]:
    """Compare what came in, by any door, with all boxes together."""
    came = total(new_money(frame) for frame in [entry.given, *entry.entering])
    return [Line(entry.stage, "in = all boxes", came, everything(entry.outcome))]


def enter(entry: Entry) -> list[Line]:
    """Compare what files say with all boxes; of an amount paid to date, what earlier files had said is no news.

    What they had said is set beside the ledger, for the rows themselves say it.
    """
    out = [frame for _, frame in entry.outcome.all_rows()]
    said = total(Tally(0, int(frame["before_cents"].sum())) for frame in out)
    whole = Line(entry.stage, "in = news and known", new_money(entry.given), everything(entry.outcome) + said)
    return [whole, *so_far.lines(entry.stage, entry.given, out, entry.known["on_record"])]


def identify(entry: Entry) -> list[Line]:
    """Compare, besides, what exports say and the ledger does not know, told by content, with what passes or is held."""
    import pandas as pd

    key = ["source", "fee_id", "content"]
    columns = [*key, "amount_cents"]
    came = pd.concat([_exported(frame)[columns] for frame in [entry.given, *entry.entering]]).drop_duplicates(key)
    history = entry.known["history"]
    settled = history.loc[~history["state"].isin(["held", "waiting"]), key]
    marked = came.merge(settled.drop_duplicates(), on=key, how="left", indicator="_where")
    news = marked[marked["_where"] == "left_only"]
    kept = total(tally(_exported(frame)) for box, frame in entry.outcome.all_rows() if box in ("passed", "held"))
    return [*plain(entry), Line(entry.stage, "open - known = passed + held", tally(news), kept)]


def _exported(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["lists"] == "export"]


def compare(entry: Entry) -> list[Line]:
    """Compare what exports say with all boxes, and what reports say beyond what is expected of them with what changed.

    What is expected is worked out here once more, from the ledger's own tables.
    """
    exports = total(tally(_exported(frame)) for _, frame in entry.outcome.all_rows())
    lines = [Line(entry.stage, "exports: in = all boxes", tally(_exported(entry.given)), exports)]
    for source, came in entry.given[entry.given["lists"] != "export"].groupby("source", sort=True):
        boxes = [(box, changes.of(str(source), frame)) for box, frame in entry.outcome.all_rows()]
        lines += changes.lines(entry.stage, came, boxes, entry.known["positions"], entry.known["receipts"])
    return lines


def lower(entry: Entry) -> list[Line]:
    """Compare what changed with the movements made of it; a fall may become several reversals, but never other money.

    A row that is withdrawn stands for the rows that take its place.
    """
    out = [frame for box, frame in entry.outcome.all_rows() if box != "withdrawn"]
    return [Line(entry.stage, "changes = movements", _moves([entry.given]), _moves(out))]


def _moves(frames: Sequence[pd.DataFrame]) -> Tally:
    """Count what raises debts by rows, and what lowers them by fees."""
    import pandas as pd

    rows = pd.concat([frame[["source", "fee_id", "amount_cents"]] for frame in frames])
    lowered = rows[rows["amount_cents"] < 0].drop_duplicates(["source", "fee_id"])
    return Tally(int((rows["amount_cents"] >= 0).sum()) + len(lowered), int(rows["amount_cents"].sum()))


def split(entry: Entry) -> list[Line]:
    """Compare, per system, the whole with its parts: rows given against rows in files and boxes."""
    whole = _by_system([entry.given])
    parts = _by_system([frame for _, frame in entry.outcome.all_rows()])
    lines = [
        Line(entry.stage, system, whole.get(system, Tally()), parts.get(system, Tally()))
        for system in sorted({*whole, *parts})
    ]
    return [*lines, *_replacements(entry), *_sent_again(entry)]


def _replacements(entry: Entry) -> Iterator[Line]:
    """Compare each full replacement with all that is owed at its system: a debt left out would be forgotten there.

    What is owed is what the ledger says, and what tonight's folded movements make of it.
    """
    passed, standing = entry.outcome.passed, entry.known["standing"]
    rows = passed[["source", "fee_id", "against", "system", "batch", "carried", "amount_cents"]]
    replacing = set(standing.loc[standing["snapshot"], "system"])
    for number, (system, _) in enumerate(entry.outcome.planned or ()):
        if system not in replacing:
            continue
        mine = rows[rows["batch"] == number]
        folded = rows[(rows["batch"] == FOLDED) & (rows["system"] == system)]
        owed = entry.known["repeated"]
        outstanding = _owed(owed[owed["system"] == system], folded)
        yield Line(entry.stage, f"{system}: repeated = owed", outstanding, tally(mine[mine["carried"]]))


def _sent_again(entry: Entry) -> Iterator[Line]:
    """Compare, per system that gets any file, what stood in files that were given up with what stands in new ones."""
    passed, standing, repeated = entry.outcome.passed, entry.known["standing"], entry.known["repeated"]
    again = passed.loc[passed["carried"], ["system", "amount_cents"]]
    adding = set(standing.loc[~standing["snapshot"], "system"]) & set(repeated["system"].unique())
    for system in sorted(adding & {system for system, _ in entry.outcome.planned or ()}):
        given_up, stands = (tally(rows[rows["system"] == system]) for rows in (repeated, again))
        yield Line(entry.stage, f"{system}: given up = sent again", given_up, stands)


def _owed(items: pd.DataFrame, folded: pd.DataFrame) -> Tally:
    """Add up what is owed fee by fee, each with its folded movements; a debt of nothing is no row."""
    import pandas as pd

    if not len(folded):
        return tally(items)
    fee = ["source", "fee_id"]
    movements = folded[["source", "amount_cents"]].assign(fee_id=folded["against"])
    both = pd.concat([items[[*fee, "amount_cents"]], movements[[*fee, "amount_cents"]]], ignore_index=True)
    debts = both.groupby(fee, sort=False)["amount_cents"].sum()
    owing = debts[debts > 0]
    return Tally(len(owing), int(owing.sum()))


def _by_system(frames: Sequence[pd.DataFrame]) -> dict[str, Tally]:
    """Count the rows that are news, per system; of no more columns than that takes."""
    found: dict[str, Tally] = {}
    for frame in frames:
        columns = frame[["system", "amount_cents"]]
        news = columns[~frame["carried"]] if "carried" in frame.columns else columns
        for system, cents in news["amount_cents"].groupby(news["system"], sort=True):
            found[str(system)] = found.get(str(system), Tally()) + Tally(len(cents), int(cents.sum()))
    return found


SIGN = {"charge": 1, "reversal": -1, "credit": -1}
"""A file has one kind of movement and says amounts without a sign; in our tables what lowers a debt is negative."""


def pack(entry: Entry) -> list[Line]:
    """Compare each file's rows with its control totals, and with its bytes read back from disk."""
    lines = plain(entry)
    lines_of = entry.outcome.passed[["batch", "amount_cents"]]
    for number, (batch, path, layout) in enumerate(entry.outcome.made or ()):
        rows = tally(lines_of[lines_of["batch"] == number])
        control = Tally(batch.count, batch.cents)
        written = _signed(second_scan(path, layout, "", entry.campus), batch.kind)
        lines += [
            Line(entry.stage, f"{batch.name}: rows = control totals", rows, control),
            Line(entry.stage, f"{batch.name}: rows = bytes read back", rows, written),
        ]
        stated = layouts.stated(layouts.load(layout, entry.campus.folder), path)
        if stated is not None:
            what = f"{batch.name}: rows = control totals in its header"
            lines.append(Line(entry.stage, what, rows, _signed(stated, batch.kind)))
    return lines


def _signed(unsigned: Tally, kind: str) -> Tally:
    return Tally(unsigned.count, SIGN[kind] * unsigned.cents)


def batches_of(made: Sequence[tuple[Batch, Path, str]]) -> list[Batch]:
    """Only the batches of what a render step made."""
    return [batch for batch, _, _ in made]


EQUATIONS: Mapping[str, Callable[[Entry], list[Line]]] = {
    "none": none,
    "read": read,
    "plain": plain,
    "enter": enter,
    "identify": identify,
    "compare": compare,
    "lower": lower,
    "split": split,
    "pack": pack,
}
