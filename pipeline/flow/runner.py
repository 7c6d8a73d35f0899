"""Runs the steps of a table one after the other, checks the books after each, and saves what each one produced."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline.findings import BOXES, Outcome
from pipeline.flow import books, stage_tables
from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Finding
    from pipeline.ports.ledger import Batch, Ledger, Run
    from pipeline.ports.outside import AlmaFees, Clock, FeeReport, Mailer, Place, SecondOpinion


@dataclass(frozen=True, slots=True)
class Step:
    """A thinking step: ``stage(table, campus, today, **known) -> Outcome``.

    ``known`` are frozen ledger tables the stage asks for; the rows of those in ``enters`` come in beside the table.
    ``books`` names the equation that must hold afterwards, ``opinion`` the suite a second opinion is asked for.
    """

    name: str
    says: str
    books: str = "plain"
    known: tuple[str, ...] = ()
    enters: tuple[str, ...] = ()
    opinion: str = ""


@dataclass(frozen=True, slots=True)
class Act(Step):
    """A doing step, one that touches the outside or the ledger: ``stage(work) -> Outcome | None``."""

    books: str = "none"


@dataclass(frozen=True)
class Outside:
    """The real world, as the stages may see it."""

    clock: Clock
    place: Callable[[str, str], Place]
    alma: AlmaFees | None = None
    opinion: SecondOpinion | None = None
    mail: Mailer | None = None
    report: FeeReport | None = None


@dataclass
class Work:
    """What is on the desk while a table of steps runs; ``name`` is the table's, ``prefix`` marks files of a preview.

    ``read_by_source`` counts what each source said tonight, ``as_of`` is the day its newest report describes; ``kept``
    are ledger tables that several steps want and that nothing changes in between; ``handed_over`` names the files made
    for Alma's import, ``withheld`` the payments of which nothing may be sent in this run; ``stopped`` says that the
    table did not come to its end.
    """

    name: str
    campus: Loaded
    today: date
    run: Run
    ledger: Ledger
    outside: Outside
    folder: Path
    keep_stages: bool = True
    prefix: str = ""
    approved: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()
    table: pd.DataFrame | None = None
    boxes: dict[str, list[pd.DataFrame]] = field(default_factory=lambda: {box: [] for box in BOXES})
    findings: list[Finding] = field(default_factory=list)
    lines: list[books.Line] = field(default_factory=list)
    planned: tuple[tuple[str, str], ...] = ()
    made: tuple[tuple[Batch, Path, str], ...] = ()
    before: tuple[Work, ...] = ()
    fees_read: Tally | None = None
    read_by_source: dict[str, Tally] = field(default_factory=dict)
    as_of: dict[str, str] = field(default_factory=dict)
    silent: tuple[tuple[str, str, str], ...] = ()
    kept: dict[str, pd.DataFrame] = field(default_factory=dict)
    unread: frozenset[str] = frozenset()
    handed_over: tuple[str, ...] = ()
    withheld: frozenset[str] = frozenset()
    stopped: bool = False
    sent: int = 0
    already: int = 0
    news: bool = False

    @property
    def rows(self) -> pd.DataFrame:
        """The table on the desk.  A step that needs one and has none stands in the wrong place: RuntimeError."""
        if self.table is None:
            message = "there is no table on the desk yet: a step stands in the wrong place"
            raise RuntimeError(message)
        return self.table

    def enter_lines(self, lines: Sequence[books.Line]) -> None:
        """Keep the lines of a step's books.  Raises books.UnbalancedError with those that do not balance."""
        self.lines.extend(lines)
        if wrong := [line for line in lines if not line.balanced]:
            raise books.UnbalancedError(wrong)

    def below_state(self, path: Path) -> str:
        """Give a path as the ledger keeps it: below the state folder where it lies there, else as it is."""
        state = self.campus.state
        return str(path.relative_to(state)) if path.is_relative_to(state) else str(path)

    def box(self, name: str) -> pd.DataFrame | None:
        """Everything that was put into a box so far, or None."""
        import pandas as pd

        frames = [frame for frame in self.boxes[name] if len(frame)]
        return pd.concat(frames, ignore_index=True) if frames else None


class FlowStoppedError(Exception):
    """A finding stops the flow; it is the last one of the work's findings."""


def run(
    steps: Sequence[Step], work: Work, stages: Callable[[str], Callable[..., Any]], known: Mapping[str, Any]
) -> None:
    """Run ``steps`` in order.

    ``stages`` finds a stage by name; ``known`` gives, by name, a function ``(work) -> frame`` of the ledger.  Raises
    UnbalancedError when the books of a step do not balance, FlowStoppedError on a finding that stops the flow.
    """
    for number, step in enumerate(steps):
        given = work.table
        tables = {name: known[name](work) for name in dict.fromkeys((*step.known, *step.enters))}
        outcome = _call(stages(step.name), step, work, tables)
        if outcome is None:
            continue
        if work.keep_stages:
            stage_tables.keep(f"{number:02d}-{step.name}", given, outcome, work.folder)
        entering = [tables[name] for name in step.enters]
        entry = books.Entry(step.name, given, entering, tables, outcome, work.campus)
        work.enter_lines(books.EQUATIONS[step.books](entry))
        _put_down(outcome, work)
        if step.books == "read" and "currency" in work.rows.columns:
            _note_what_was_read(work)
        _ask(step, work)


def _call(stage: Callable[..., Any], step: Step, work: Work, tables: Mapping[str, pd.DataFrame]) -> Outcome | None:
    made: Outcome | None = stage(work) if isinstance(step, Act) else stage(work.rows, work.campus, work.today, **tables)
    return made


def _put_down(outcome: Outcome, work: Work) -> None:
    work.table = outcome.passed
    work.planned = work.planned if outcome.planned is None else outcome.planned
    work.made = work.made if outcome.made is None else outcome.made
    work.findings.extend(outcome.findings)
    work.silent += outcome.silent
    for box, frame in outcome.boxes.items():
        work.boxes[box].append(frame)
    if any(finding.stops and finding.entry.scope in ("flow", "night") for finding in outcome.findings):
        raise FlowStoppedError


def _note_what_was_read(work: Work) -> None:
    """Count the fees that were read; of a report of all open fees only its newest day, for it says them all again."""
    rows, currency = work.rows, work.campus.campus.currency
    work.fees_read = own_money(rows, currency)
    days = {str(source): str(day) for source, day in rows.groupby("source")["as_of"].max().items()}
    work.as_of = {source: day for source, day in days.items() if day}
    newest = rows[(rows["lists"] != "open_now") | (rows["as_of"] == rows["source"].map(days))]
    work.read_by_source = {str(source): own_money(said, currency) for source, said in newest.groupby("source")}
    for source, _, day in work.silent:
        if day > work.as_of.get(source, ""):
            work.as_of[source], work.read_by_source[source] = day, Tally()


def own_money(frame: pd.DataFrame | None, currency: str) -> Tally:
    """Count every row, and add up the money of the campus's own currency; nothing is ever converted."""
    if frame is None:
        return Tally()
    return Tally(len(frame), int(frame.loc[frame["currency"] == currency, "amount_cents"].sum()))


def _ask(step: Step, work: Work) -> None:
    """One question about the whole table, or one per system once the rows know theirs; none about no rows."""
    opinion = work.outside.opinion
    if not step.opinion or opinion is None or not len(work.rows):
        return
    if "system" not in work.rows.columns:
        opinion.ask(step.opinion, step.opinion, work.rows)
        return
    for system, rows in work.rows.groupby("system", sort=True):
        opinion.ask(step.opinion, str(system), rows)
