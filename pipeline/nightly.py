"""START HERE.  The night: money comes in, charges go out, the day is closed.

``bursar plan`` prints these tables.  A stage of the name of each step stands in ``pipeline/stages``.  A ``Step`` only
thinks: it gets a table and gives a table back, and touches nothing else.  An ``Act`` does something: it gets the desk
with the ledger and what lies outside.  The runner in ``pipeline/flow`` runs them in order and checks that not a row and
not a cent was lost.

The real clock, servers, folders and Alma are put together in ``pipeline/cli/world.py``, and ``pipeline/cli/run.py``
starts the night with them.
"""

from __future__ import annotations

import contextlib
import traceback
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipeline import files, stages
from pipeline.findings import Finding
from pipeline.flow import books, runner
from pipeline.flow.runner import Act, Step, Work
from pipeline.ports.ledger import LedgerError
from pipeline.ports.outside import OutsideError
from pipeline.stages.known import KNOWN
from pipeline.stages.question import GOES
from pipeline.stages.review import kept_back

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pipeline.campus.load import Loaded
    from pipeline.flow.runner import Outside
    from pipeline.ports.ledger import Ledger, Run

BEGIN = (Act("reconcile", "do the ledger's own sums agree, and does the campus file still know every name in it"),)

PAYMENTS_IN = (
    Act("fetch", "bring home what the bursar sends back, keep a copy"),
    Step("receive", "read every line of money, or say why not", books="read"),
    Act("enter", "enter what is new in the ledger, name what is known", books="enter", known=("on_record",)),
    Act("match", "find the debts each payment is for"),
    Act("take_back", "what goes back: cancel what was not posted, else tell staff what to do"),
    Act("post", "patron by patron: decide once how many cents go where, then pay it in Alma, at most once"),
    Act("hand_over", "what Alma imports by herself: one file a night, each payment once"),
    Act("confirm", "look again at what earlier nights posted"),
)

CHARGES_OUT = (
    Act("resume", "finish what earlier runs began to send, under its own date"),
    Act("collect", "bring tonight's exports and reports home, keep a copy"),
    Step("parse", "read every fee, or say why not", books="read", known=("figures",)),
    Step(
        "identify",
        "set them beside the ledger: same again, come back, gone, in conflict",
        books="identify",
        known=("history", "positions", "figures"),
        enters=("pending", "absent"),
    ),
    Step("normalise", "one shape for every fee, in our own words", opinion="fees"),
    Step(
        "compare",
        "what has changed since what we have already sent",
        books="compare",
        known=("positions", "receipts", "history", "decisions"),
    ),
    Act("ask", "look in Alma at each fee that has fallen or is gone", books="plain"),
    Step(
        "lower",
        "what lowers a debt: a reversal, a credit, or a question for staff",
        books="lower",
        known=("charges", "decisions", "held"),
    ),
    Step("route", "which system the debt goes to, and what waits", known=("people",)),
    Step("code", "say it in the words of that system", opinion="charges"),
    Step(
        "recognise", "is it a debt we have sent under another name", known=("recent", "elsewhere", "decisions", "tasks")
    ),
    Act("brake", "is the night like those before it, or does it wait for a yes", books="plain"),
    Step(
        "batch",
        "which movements travel in which file",
        books="split",
        known=("repeated", "last_snapshots", "standing"),
    ),
    Act("render", "write the files, read them back", books="pack"),
    Act("review", "the last look: a second opinion may stop an output", books="plain"),
    Act("book", "enter everything in the ledger, all or nothing"),
    Act("deliver", "publish each file once"),
)

CLOSE = (
    Act("reconcile", "the same once more, after all that was done"),
    Act("run_sheet", "tell the bursar's office what to load, and in which order"),
    Act("manifest", "write down what came in, what went out, and that it balanced"),
    Act("report", "tell people, in a page and a workbook"),
    Act("notify", "tell the desks of payments, and once a day what happened, by mail"),
)

PREVIEW = tuple(step for step in CHARGES_OUT if step.name not in ("resume", "collect", "book", "deliver"))
"""Charges out up to files on disk: nothing is fetched, entered or delivered."""

TABLES: Mapping[str, Sequence[Step]] = {
    "BEGIN": BEGIN,
    "PAYMENTS_IN": PAYMENTS_IN,
    "CHARGES_OUT": CHARGES_OUT,
    "CLOSE": CLOSE,
}

FLOWS: Mapping[str, Sequence[str]] = {
    "night": ("PAYMENTS_IN", "CHARGES_OUT"),
    "payments": ("PAYMENTS_IN",),
    "charges": ("CHARGES_OUT",),
}
"""Which tables a command runs, between BEGIN and CLOSE.  In a night money comes in before charges go out."""

LET_GO = frozenset(GOES.values())
"""Findings that say that a person let an output go; something else may keep it back all the same."""

APPROVED = frozenset({"ARRIVAL-APPROVED", "PAYMENT-SUM-APPROVED", *LET_GO})
"""Findings that say, with the figures, what went its way only because a person said yes."""

NOTHING_NEW, SOMETHING_NEW, OPERATOR, LOCKED = 0, 1, 2, 75
"""Exit codes: nothing new for anyone; news for library or bursar; the operator must act; another run is at work."""


@dataclass
class Night:
    """One run of a command: what each of its tables left on the desk."""

    command: str
    campus: Loaded
    today: date
    run: Run
    ledger: Ledger
    outside: Outside
    folder: Path
    approved: frozenset[str] = frozenset()
    approved_by: str = ""
    keep_stages: bool = True
    desks: dict[str, Work] = field(default_factory=dict)
    posted: int = 0

    def desk(self, table: str) -> Work:
        """Lay out a clean desk for one table of steps."""
        work = Work(
            table,
            self.campus,
            self.today,
            self.run,
            self.ledger,
            self.outside,
            self.folder / table.lower(),
            keep_stages=self.keep_stages,
            approved=self.approved,
        )
        work.before = tuple(self.desks.values())
        self.desks[table] = work
        return work

    @property
    def findings(self) -> list[Finding]:
        """Everything found by any table."""
        return [finding for work in self.desks.values() for finding in work.findings]

    @property
    def sent(self) -> int:
        """How many files were published."""
        return sum(work.sent for work in self.desks.values())

    @property
    def already(self) -> int:
        """How many lines of money came that the ledger had."""
        return sum(work.already for work in self.desks.values())

    @property
    def exit_code(self) -> int:
        """Say how the run went, for the operator."""
        if any(finding.stops for finding in self.findings):
            return OPERATOR
        news = self.posted or any(work.news for work in self.desks.values())
        return SOMETHING_NEW if news else NOTHING_NEW


def run_night(night: Night, find: Callable[[str], Callable[..., Any]] = stages.find) -> int:
    """Run the tables of a command and then CLOSE, also after a stop; return the exit code and write it down.

    ``find`` gives the stage of a name.
    """
    posted = _posted(night)
    run_table(night.desk("BEGIN"), find)
    for table in FLOWS[night.command]:
        if not any(finding.stops and finding.entry.scope == "night" for finding in night.findings):
            run_table(night.desk(table), find)
    night.posted = len(_posted(night) - posted)
    run_table(night.desk("CLOSE"), find)
    now, code = night.outside.clock.now(), night.exit_code
    night.ledger.let_through(night.run, night.approved_by, _let_through(night), now)
    night.ledger.note(night.run, night.findings, now)
    night.ledger.end_run(night.run, code, summary(night), now)
    return code


def run_table(work: Work, find: Callable[[str], Callable[..., Any]]) -> None:
    """Run one table; what stops it becomes a finding.  A fault of ours does too: CLOSE must still tell people."""
    work.stopped = True
    with told(work):
        try:
            runner.run(TABLES[work.name], work, find, KNOWN)
            work.stopped = False
        except EXPECTED:
            raise
        except Exception as error:  # noqa: BLE001 - the trace is kept, and the night is stopped
            place = files.private_folder(work.folder) / "fault.txt"
            files.replace(place, [traceback.format_exc().encode()])
            kind = type(error).__name__
            work.findings.append(Finding("NIGHT-FAULT", work.today.isoformat(), f"{work.name}: {kind}: see {place}"))


EXPECTED = (books.UnbalancedError, runner.FlowStoppedError, OutsideError, LedgerError, OSError)
"""What may stop a table without being a fault of the program."""


@contextlib.contextmanager
def told(work: Work) -> Iterator[None]:
    """Turn what stops a flow into a finding with its place: unbalanced books, the outside, the ledger, the disk."""
    try:
        yield
    except books.UnbalancedError as error:
        work.findings.append(Finding("BOOKS-UNBALANCED", work.today.isoformat(), str(error)))
    except runner.FlowStoppedError:
        return
    except OutsideError as error:
        work.findings.append(Finding("NIGHT-OUTSIDE", work.today.isoformat(), str(error)))
    except LedgerError as error:
        work.findings.append(Finding("NIGHT-LEDGER", work.today.isoformat(), str(error)))
    except OSError as error:
        work.findings.append(
            Finding("NIGHT-DISK", work.today.isoformat(), f"{error.filename or 'disk'}: {error.strerror}")
        )


def _posted(night: Night) -> set[str]:
    """The payments that Alma is known to have, or that were recorded, since the run began; not those of all years."""
    return {one.external_id for one in night.ledger.paid_since(night.run.started_at)}


def _let_through(night: Night) -> list[tuple[str, str]]:
    """Give what went its way because a person said yes; not an output that was let go and then stopped all the same."""
    stopped = kept_back(night.findings, night.campus)
    said = [one for one in night.findings if one.code in APPROVED]
    return [(one.subject, one.text) for one in said if one.code not in LET_GO or one.subject not in stopped]


def plan_text() -> str:
    """Write the tables out, a line per step."""
    lines = []
    for name, steps in TABLES.items():
        lines += [name, *(f"  {step.name:<10} {step.says}" for step in steps), ""]
    return "\n".join(lines)


def summary(night: Night) -> str:
    """Say in one line what the run did: files sent, payments posted, known lines, and whether all is well.

    In shadow no file is let out; where payments are only recorded, they are settled here and posted nowhere.
    """
    campus = night.campus.campus
    stops = sum(finding.stops for finding in night.findings)
    out = "files made, none let out (shadow)" if campus.mode == "shadow" else "files sent"
    done = "settled" if campus.payments_to == "record" else "posted"
    return f"{night.sent} {out}, {night.posted} payments {done}, {night.already} already known, {stops} stops"
