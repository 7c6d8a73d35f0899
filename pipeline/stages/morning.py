"""Everything the morning report tells: plain figures and words of one night, already decided, ready to be shown.

Amounts are cents of the campus's currency.  Patrons' ids may be given whole; whoever shows them shows the last four.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

from pipeline.findings import Entry, Finding, Level, Scope, catalogue
from pipeline.money import Tally

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from pipeline.flow.books import Line
    from pipeline.ports.ledger import Run

AGES = ((1, "0 to 1 day"), (7, "2 to 7 days"), (30, "8 to 30 days"))
"""How long something has waited: the most days of each class, and what it is called."""

OLDEST = "over 30 days"

LATE = ("SOURCE-LATE", "PAYMENTS-LATE", "EXPORT-MISSING")
"""Findings that say that something should have come and did not."""

NOTHING = Tally()


def entry(code: str) -> Entry:
    """Look a code up for people; one that an older version left behind in the ledger still has its row shown."""
    unknown = Entry(code, Level.HOLD, Scope.ROW, "a code that this version no longer has", "ask the operator")
    return catalogue().get(code, unknown)


def masked(patron_id: str) -> str:
    """Show the last four characters of an id, and never more than half of it."""
    shown = min(4, len(patron_id) // 2)
    return f"…{patron_id[-shown:]}" if shown else "…"


def age(opened_on: str, today: date) -> int:
    """Count the days since a date (ISO); a date to come counts as today."""
    return max(0, (today - type(today).fromisoformat(opened_on)).days)


def name_of(run: Run) -> str:
    """Name a run as its folder is named: business date and number of the day."""
    return f"{run.business_date}-{run.sequence:02d}"


def by_age(days: Iterable[int]) -> list[tuple[str, int]]:
    """Count how many have waited how long; classes without any are left out."""
    counts = dict.fromkeys([*(name for _, name in AGES), OLDEST], 0)
    for one in days:
        counts[next((name for most, name in AGES if one <= most), OLDEST)] += 1
    return [(name, count) for name, count in counts.items() if count]


@dataclass(frozen=True, slots=True)
class Totals:
    """The fees of the night, by where they ended.

    ``came_back``: held or waiting since an earlier night; ``sent``: new tonight, less what lowers a debt; ``carried``:
    repeated in a snapshot.  Where all fees come by exports, ``read`` and ``came_back`` are the sum of all the others
    but ``carried``; a report says what is open, of which only the change is sent or held.
    """

    read: Tally = NOTHING
    came_back: Tally = NOTHING
    sent: Tally = NOTHING
    carried: Tally = NOTHING
    held: Tally = NOTHING
    waiting: Tally = NOTHING
    excluded: Tally = NOTHING
    unchanged: Tally = NOTHING
    duplicate: Tally = NOTHING
    withdrawn: Tally = NOTHING
    continued: Tally = NOTHING


@dataclass(frozen=True, slots=True)
class PaymentTotals:
    """The money up to now, by where it stands; what went back is negative.

    ``posted``: Alma has it; ``verified``: and it was read back; ``recorded``: kept here as settled.  ``waiting``: not
    tried yet; ``listed``: it stands in a file for Alma.  ``cancelled``: given up, or taken back before it was posted;
    ``tasked``: went back, and staff have a task; ``withdrawn``: written off; ``settled``: by a person.  ``known``: an
    earlier night entered it already.  So ``received`` is the sum of all the others, to the cent; a payment that is
    divided up counts as a row for each of its parts.
    """

    received: Tally = NOTHING
    posted: Tally = NOTHING
    verified: Tally = NOTHING
    recorded: Tally = NOTHING
    waiting: Tally = NOTHING
    listed: Tally = NOTHING
    doubt: Tally = NOTHING
    held: Tally = NOTHING
    suspense: Tally = NOTHING
    tasked: Tally = NOTHING
    settled: Tally = NOTHING
    withdrawn: Tally = NOTHING
    cancelled: Tally = NOTHING
    excluded: Tally = NOTHING
    known: Tally = NOTHING


@dataclass(frozen=True, slots=True)
class Output:
    """A file for a bursar: what is in it, how far it got, and how we know."""

    system: str
    kind: str
    name: str
    total: Tally
    state: str
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class RefusedFile:
    """A file that came in and was refused whole."""

    name: str
    code: str
    why: str


@dataclass(frozen=True, slots=True)
class HeldRow:
    """A fee that does not go out: where it stands, since how many ``days``, and why."""

    fee_id: str
    patron_id: str
    file: str
    line: int
    cents: int
    why: str
    days: int = 0


@dataclass(frozen=True, slots=True)
class HeldGroup:
    """Fees that do not go out for the same reason.  ``box`` is ``held`` or ``waiting``."""

    box: str
    code: str
    rows: tuple[HeldRow, ...]

    @property
    def total(self) -> Tally:
        """How many, worth how much."""
        return Tally(len(self.rows), sum(row.cents for row in self.rows))

    @property
    def entry(self) -> Entry:
        """What the reason means, and what to do."""
        return entry(self.code)

    @property
    def ages(self) -> list[tuple[str, int]]:
        """How many have waited how long; classes without any are left out."""
        return by_age(row.days for row in self.rows)


@dataclass(frozen=True, slots=True)
class Unposted:
    """A line of money that is not in Alma: its key, receipt, state, why, and since how many ``days``.

    Money going back is negative.  Where a person must choose, ``why`` names the candidates.
    """

    key: str
    receipt: str
    system: str
    cents: int
    state: str
    code: str
    why: str
    days: int = 0

    @property
    def entry(self) -> Entry:
        """What the reason means, and what to do."""
        return entry(self.code)


@dataclass(frozen=True, slots=True)
class ToDo:
    """A task of the staff, open since so many ``days``; ``text`` says what to do."""

    task_id: str
    kind: str
    fee_id: str
    reference: str
    patron_id: str
    cents: int
    text: str
    days: int


@dataclass(frozen=True, slots=True)
class RunOfDay:
    """A run of the same business date, and what it did; ``exit_code`` is None for the one that tells it."""

    run: str
    command: str
    exit_code: int | None
    says: str


@dataclass(frozen=True, slots=True)
class Doubt:
    """A payment of which nobody knows whether Alma took it, since how many ``hours``."""

    external_id: str
    cents: int
    hours: int
    why: str
    code: str = "POST-DOUBT"

    @property
    def entry(self) -> Entry:
        """What doubt means, and what to do."""
        return entry(self.code)

    @property
    def age(self) -> str:
        """For people: hours up to two days, then days."""
        return f"{self.hours} h" if self.hours < 48 else f"{self.hours // 24} days"  # noqa: PLR2004 - two days


@dataclass(frozen=True)
class Morning:
    """One night, as its report tells it.

    ``missing`` has a sentence for each thing that should have come; ``kept_in`` is the folder in which the files of a
    campus in shadow stay, None for a live one.
    """

    campus: str
    environment: str
    currency: str
    business_date: date
    run: str
    balanced: bool
    equations: Sequence[Line] = ()
    totals: Totals = Totals()
    outputs: Sequence[Output] = ()
    refused: Sequence[RefusedFile] = ()
    held: Sequence[HeldGroup] = ()
    payments: PaymentTotals = PaymentTotals()
    unposted: Sequence[Unposted] = ()
    tasks: Sequence[ToDo] = ()
    runs: Sequence[RunOfDay] = ()
    doubts: Sequence[Doubt] = ()
    findings: Sequence[Finding] = ()
    second_opinion: Sequence[Finding] = ()
    missing: Sequence[str] = field(default=())
    kept_in: str | None = None

    @property
    def wrong(self) -> list[Line]:
        """The equations that do not hold."""
        return [line for line in self.equations if line.left != line.right]

    @property
    def task_ages(self) -> list[tuple[str, int]]:
        """How many tasks have been open how long."""
        return by_age(task.days for task in self.tasks)

    @property
    def verdict(self) -> str:
        """One word for the night: it is balanced only if the books say so and no equation shown says otherwise."""
        return "BALANCED" if self.balanced and not self.wrong else "NOT BALANCED"

    @property
    def stops(self) -> list[Finding]:
        """What kept a file, an output or the night back."""
        return [
            finding for finding in (*self.findings, *self.second_opinion) if entry(finding.code).level is Level.STOP
        ]


def named(totals: Totals | PaymentTotals) -> list[tuple[str, Tally]]:
    """List the totals with their names, in the order of their declaration."""
    return [(one.name.replace("_", " "), getattr(totals, one.name)) for one in fields(totals)]
