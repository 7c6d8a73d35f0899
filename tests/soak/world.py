"""One seed: eight nights with everything wrong at once, then calm ones; the referee looks on at every step."""

from __future__ import annotations

import random
import shutil
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipeline import nightly, stages, tables
from pipeline.findings import Outcome
from pipeline.flow.runner import Outside, Work
from tests.fakes.alma import a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.place import Drive, FakePlace
from tests.soak import campus, staff
from tests.soak.campus import RECEIPTS, TOTALS, Campuses
from tests.soak.files import Mailroom, on
from tests.soak.money import NIGHTS, Drawing
from tests.soak.office import Quick
from tests.soak.referee import BOOKS, Referee, ViolationError
from tests.soak.weather import SoakAlma, weather
from tests.soak.whole import Whole

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import date
    from pathlib import Path

    from pipeline.ports.outside import Place
    from tests.soak.money import Debt

CALM_NIGHTS = 3
STAYS = 0.1
"""Of the seeds, so many whose files stay where the bursar left them."""

FOLDERS = {"peoplesoft/out": TOTALS, "cashnet/out": RECEIPTS}

NO_MONEY = tables.PAYMENTS.empty()

LONG = timedelta(hours=200)
RESTART = timedelta(minutes=5)
DAY = timedelta(days=1)
FAULTS = frozenset({"BOOKS-UNBALANCED", "NIGHT-FAULT", "NIGHT-LEDGER", "NIGHT-DISK", "NIGHT-OUTSIDE", "LEDGER-SUMS"})
"""What may never stop a night here: every trouble of this world has a name that the stages know."""


find = stages.find


class Died(BaseException):
    """The machine stops here: nothing catches it but the next start."""


class World:
    """Everything of one seed."""

    def __init__(self, seed: int, campuses: Campuses, *, calm: bool = False, whole: bool = False) -> None:
        self.seed, self.gentle = seed, calm
        self.draw = random.Random(seed)
        self.loaded = campuses.stay if self.draw.random() < STAYS else campuses.aside
        self.clock = FakeClock(datetime.fromisoformat("2026-01-05T09:00:00+00:00"))
        drawing = Drawing(self.draw)
        self.debts, self.patrons = drawing.debts, drawing.patrons
        if whole:
            way, self.loaded = self.draw.choice(list(campuses.whole.items()))
            self.debts = [replace(one, way=way) for one in self.debts]
        self.office: Quick | Whole = (Whole if whole else Quick)(self.loaded, self.clock, self._step)
        self.mail = Mailroom(drawing.lines, self.draw)
        self.sky, facts = weather(self.draw)
        self.sky.calm = calm
        self.alma = SoakAlma(self.clock, self.sky, facts, self._step)
        self.referee = Referee(drawing.lines, self.debts, self.mail.sent, self.alma)
        self.alma.witness = lambda order: self.referee.before_a_request(self.office.book, order)
        self.drives = {name: Drive(folders={campus.ASIDE}) for name in (TOTALS, RECEIPTS, "to_alma")}
        self.drives |= self.office.drives
        self.end = self.office.seen()
        self.dies_at, self.dies_of = -1, ""
        self.calls = 0
        self.runs = 0
        self.deaths = 0
        self.lost_after = self.draw.randint(1, NIGHTS) if self.draw.random() < 0.25 and not calm else 0

    def play(self) -> None:
        """Play all nights and judge.  Raises ViolationError."""
        for night in range(1, NIGHTS + 1):
            self._day(night)
            self.night(night)
            if self.draw.random() < 0.15:
                self.night(night)
            self._import()
            if self.lost_after and night >= self.lost_after and not self.alma.under_way:
                self.lose()
            self._until(night)
        self._calm()
        self.end = self.office.seen()
        self.referee.at_the_end(self.end)

    def lose(self) -> None:
        """The ledger is gone; the charges are entered again, and all files lie there once more.

        Also those that were left where they lay: each under a name of its own, so that none is overwritten unread.
        """
        self.office.lose()
        self.referee.booked.clear()
        self.alma.risked.clear()
        self.lost_after = 0
        for drive in (self.drives[TOTALS], self.drives[RECEIPTS]):
            for number, (name, (content, _)) in enumerate(sorted(drive.files.items(), key=lambda one: one[1][1])):
                del drive.files[name]
                plain = name[max(name.find("CASHNET"), name.find("LIBRARY")) :]
                drive.put(plain.replace(".csv", f"_{number}.csv"), content)

    def _calm(self) -> None:
        self.sky.calm = True
        self.mail.leave(NIGHTS + 1, self.drives)
        self.clock.sleep(LONG.total_seconds())
        first = NIGHTS + LONG.days
        for night in range(first, first + CALM_NIGHTS):
            self.night(night)
            self._import()
            self._until(night)

    def _until(self, night: int) -> None:
        """Sleep to the next night's start."""
        begins = datetime.fromisoformat(f"{on(night)}T09:00:00+00:00")
        self.clock.sleep(max(0.0, (begins - self.clock.now()).total_seconds()))

    def _day(self, night: int) -> None:
        """What people do before a night: charges arrive, the bursar sends files, desks are busy."""
        new = [debt for debt in self.debts if debt.night == night]
        for debt in new:
            self._stand_in_alma(debt)
        self.office.charge(new, night)
        self.mail.leave(night, self.drives)
        if self.gentle:
            return
        self._desk()
        self.dies_at = -1
        staff.at_work(self.office.book, self.alma, self.clock.now(), self.draw, self.referee.approved)

    def _stand_in_alma(self, debt: Debt) -> None:
        status = {"api": "ACTIVE", "import_file": "EXPORTED", "record": "CLOSED"}[debt.way]
        left = 0 if status == "CLOSED" else debt.cents
        fee = a_fee(f"F{debt.fee_id}", bursar_id=debt.fee_id, original=debt.cents, balance=left, status=status)
        self.alma.add(debt.patron, fee)

    def _desk(self) -> None:
        """Somebody takes money at a desk, waives, disputes, or merges a patron, without telling us."""
        draw = self.draw
        for fee in [fee for _, fee in self.alma.as_of(self.clock.now())]:
            if draw.random() > 0.05 or fee.status not in ("ACTIVE", "INDISPUTE"):
                continue
            match draw.randrange(5):
                case 0:
                    self.alma.pay_by_hand(fee.fee_id, fee.balance_cents)
                case 1:
                    self.alma.pay_by_hand(fee.fee_id, max(1, fee.balance_cents // 2))
                case 2:
                    self.alma.pay_by_hand(fee.fee_id, fee.balance_cents, "WAIVE")
                case _:
                    other = "INDISPUTE" if fee.status == "ACTIVE" else "ACTIVE"
                    self.alma.change(replace(fee, status=other))
        if draw.random() < 0.02:
            self.alma.gone[draw.choice(self.patrons)] = draw.choice(("401861", "401651"))

    def _import(self) -> None:
        """Alma's own job takes what lies there; some nights it does not run."""
        if self.sky.calm or self.draw.random() < 0.7:
            for name, (content, _) in list(self.drives["to_alma"].files.items()):
                if not name.startswith("."):
                    self.alma.import_file(name, content)

    def night(self, night: int) -> None:
        """Run one night's payments; a machine that dies is started again, with the same command."""
        draw, tries = self.draw, 0
        while True:
            dying = tries < 3 and not self.sky.calm and draw.random() < 0.3
            self.dies_of = draw.choice(("", "pay", "sending"))
            self.dies_at, self.calls = (draw.randint(0, 6 if self.dies_of else 80) if dying else -1), 0
            try:
                self._command(night)
            except Died:
                self.deaths += 1
                tries += 1
                self.referee.after_step(self.office.seen())
                night += draw.random() < 0.3
                self.clock.sleep(RESTART.total_seconds())
            else:
                return

    def _command(self, night: int) -> None:
        self.runs += 1
        today: date = on(night - 1)
        book: Any = self.office.book
        run = book.begin_run("night", today, self.loaded.sha, self.clock.now())
        folder = self.loaded.state / "runs" / f"{self.runs:02d}"
        outside = Outside(self.clock, self._place, self.alma)
        for name in self.office.tables:
            place = folder / name.lower()
            work = Work(name, self.loaded, today, run, book, outside, place, keep_stages=False)
            nightly.run_table(work, self._watched)
            wrong = [finding for finding in work.findings if finding.code in FAULTS]
            if wrong:
                raise ViolationError(BOOKS, f"night {night}: {wrong[0].code} {wrong[0].text} {_trace(place)}")
        book.end_run(run, 0, "", self.clock.now())

    def _watched(self, name: str) -> Callable[..., Any]:
        """Give a stage that the referee looks after."""
        stage = find(name)
        if name in ("receive", "enter"):
            stage = self.quiet(campus.telling(stage) if name == "receive" else stage)

        def watched(*given: Any, **known: Any) -> Any:
            outcome = stage(*given, **known)
            self.referee.after_step(self.office.seen())
            return outcome

        return watched

    def quiet(self, stage: Callable[..., Any]) -> Callable[..., Any]:
        """Of the runs to which nothing came, only every eighth reads and enters that nothing: it takes its time."""

        def reading(first: Any, *given: Any) -> Any:
            came = first.files if isinstance(first, Work) else first
            if len(came) or (isinstance(first, Work) and len(first.rows)) or self.runs % 8 == 0:
                return stage(first, *given)
            return Outcome(NO_MONEY)

        return reading

    def _place(self, connection: str, folder: str) -> Place:
        return FakePlace(self.drives[FOLDERS.get(folder, folder)])

    def _step(self, label: str) -> None:
        """Count what is done to ledger and Alma; the machine may stop before or after any of it."""
        if self.dies_of not in label:
            return
        if self.calls == self.dies_at:
            self.calls += 1
            raise Died(label)
        self.calls += 1


def _trace(folder: Path) -> str:
    trace = folder / "fault.txt"
    return trace.read_text("utf-8") if trace.exists() else ""


def play(seed: int, campuses: Campuses, *, calm: bool = False, whole: bool = False) -> World:
    """Play one seed; give the world as it ended.  Whatever breaks carries the line that plays it again."""
    for loaded in campuses.every:
        shutil.rmtree(loaded.state, ignore_errors=True)
    world = World(seed, campuses, calm=calm, whole=whole)
    try:
        world.play()
    except (Exception, ViolationError) as error:
        error.add_note(f"replay: python -m tests.soak.run --seed {seed}")
        raise
    finally:
        world.office.close()
    return world
