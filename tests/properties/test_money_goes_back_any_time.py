"""Whenever money goes back, before it is planned, sent or known to be there: Alma never keeps more than the bursar."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ports.ledger import PaymentState, PostingState, TaskState
from pipeline.stages import plan, went_back
from pipeline.stages.closing import left_over
from pipeline.stages.external import external_id
from pipeline.stages.plan import Terms
from pipeline.stages.post import Rules, post_all
from tests.fakes.alma import Answer, FakeAlma, Scripted
from tests.fakes.postings import a_payment
from tests.unit.back_kit import TODAY, Desk, a_back, debt

if TYPE_CHECKING:
    from pipeline.ports.ledger import Payment, Posting, Task

S, P = PaymentState, PostingState
AT_REST = (P.POSTED, P.VERIFIED, P.CANCELLED)
ANSWERS = (Answer.OK, Answer.APPLIED_LOST, Answer.NOT_APPLIED_LOST, Answer.THROTTLED, Answer.REFUSED)
CALM = 3


class CrashError(BaseException):
    """The machine stops here."""


@dataclass(frozen=True)
class Night:
    """What happens before a night, and in it; ``crash`` is the step of the ledger at which the machine stops."""

    backs: tuple[tuple[int, str], ...] = ()
    disputed: bool = False
    answers: tuple[Answer, ...] = ()
    crash: int = 0
    staff: bool = False
    lost: bool = False


@st.composite
def nights(draw: st.DrawFn, *, lost: bool = False) -> list[Night]:
    a_back = st.tuples(st.integers(1, 1400), st.sampled_from(("B1", "B2", "")))
    one = st.builds(
        Night,
        backs=st.lists(a_back, max_size=2).map(tuple),
        disputed=st.booleans(),
        answers=st.lists(st.sampled_from(ANSWERS), max_size=2).map(tuple),
        crash=st.sampled_from((0, 0, 1, 2, 3, 4, 5, 7, 9)),
        staff=st.booleans(),
        lost=st.booleans() if lost else st.sampled_from((False,)),
    )
    return draw(st.lists(one, min_size=1, max_size=5))


class Library(Desk):
    """Alma with two fees of a patron, one payment for both, staff who only undo what they see; and what they undid."""

    def __init__(self, cents: int, ways: tuple[str, str]) -> None:
        super().__init__(debt("B1", 600, payments_to=ways[0]), debt("B2", 400, payments_to=ways[1]))
        self.undone: Counter[str] = Counter()
        self.script = Scripted()
        self.alma = FakeAlma(self.clock, [("P1", self.fees.fee(name)) for name in ("F1", "F2")], self.script)
        self.receive(a_payment("K1", cents, fee_ref="", fees=(("B1", cents - 400), ("B2", 400))))

    @property
    def fees(self) -> FakeAlma:
        assert self.alma is not None
        return self.alma

    @property
    def payment(self) -> Payment:
        one: Payment = self.book.payments["K1"]
        return one

    def paid(self, number: int) -> int:
        """What Alma truly took of a share."""
        name = external_id("campus", "K1", number)
        return sum(one.cents for one in self.fees.applied if one.external_id == name)

    def postings(self) -> list[Posting]:
        return list(self.book.by_id.values())

    def unpay(self) -> list[Task]:
        return [one for one in self.book.tasks(TaskState.OPEN) if one.kind == "unpay"]

    def lose(self) -> None:
        """The ledger is gone; all files come again."""
        before = self.book.payments.values()
        fresh = Desk(*self.book.debts.values())
        fresh.receive(*(replace(one, state=S.RECEIVED, code="", why="", shares=(), takes_back="") for one in before))
        self.book = fresh.book

    def dispute(self, *, disputed: bool) -> None:
        fee = self.fees.fee("F1")
        if fee.status != "CLOSED":
            self.fees.change(replace(fee, status="INDISPUTE" if disputed else "ACTIVE"))

    def evening(self, night: Night) -> None:
        """A night, and the same again where the machine stopped."""
        for crash in (night.crash, 0):
            steps = iter(range(crash, -2, -1))

            def step(_label: str, steps: object = steps) -> None:
                if next(steps, -1) == 1:  # type: ignore[call-overload]
                    raise CrashError

            self.book.step = step
            try:
                self.night()
                rules = Rules(TODAY, timedelta(hours=6), lambda _s: Terms("campus", {}), withheld=self.withheld)
                post_all(self.alma, self.book, self.clock, rules)
                break
            except CrashError:
                continue
        self.book.step = lambda _label: None
        self.clock.sleep(4 * 86_400)

    def at_work(self) -> None:
        """Staff do what the tasks say, and let doubtful payments go again that Alma does not have."""
        asked = {one.fee_id: number for number, one in enumerate(self.payment.shares, 1)}
        for task in self.unpay():
            number = asked[task.fee_id]
            there = self.paid(number) - self.undone[task.fee_id] >= task.cents
            if there or not self.paid(number):
                self.undone[task.fee_id] += task.cents if there else 0
                self.book.close_task(task.task_id, "ann", "seen to", self.now)
        for one in self.postings():
            if one.state is P.DOUBT and one.external_id not in {order.external_id for order in self.fees.applied}:
                self.book.move_posting(one, P.READY, self.now, code=one.code, why="ann: it is not there")


def kept(library: Library) -> int:
    return library.payment.cents + sum(int(one.cents) for one in library.book.backs_of("K1"))


def in_alma(library: Library) -> int:
    """What Alma has as paid that nobody has undone or is asked to undo."""
    by_us = library.paid(1) + library.paid(2)
    return by_us - library.undone.total() - sum(one.cents for one in library.unpay())


def check_never_more(library: Library) -> None:
    if library.payment.state is not S.CANCELLED:
        assert in_alma(library) <= kept(library)


def check_all_of_it(library: Library) -> None:
    """Where nothing waits for a person, Alma has what the bursar kept, but for what is left over and a task."""
    rest = left_over(library.payment, library.book) if library.payment.state is S.ALLOCATED else 0
    refund = [one for one in library.book.tasks() if one.kind == "refund"]
    assert not rest or refund
    recorded = sum(_recorded(library, one) for one in library.postings() if one.state is P.RECORDED)
    settled = all(one.state in (*AT_REST, P.RECORDED) for one in library.postings())
    if library.payment.state is S.CANCELLED:
        assert library.fees.applied == []
    elif library.payment.state is S.ALLOCATED and settled:
        assert in_alma(library) + recorded + rest == kept(library)
    else:
        states = [one.state for one in library.postings()]
        assert library.payment.state in (S.HELD, S.SETTLED) or {P.HELD, P.DOUBT} & set(states)


def _recorded(library: Library, posting: Posting) -> int:
    """What the campus keeps here only is as much as the bursar kept of it, whenever it went back."""
    gone = [share for back in library.book.backs_of("K1") for share in back.shares if share.fee_id == posting.fee_id]
    share = sum(one.cents for one in library.payment.shares if one.fee_id == posting.fee_id)
    return min(posting.cents, share + sum(int(one.cents) for one in gone))


def run(cents: int, ways: tuple[str, str], told: list[Night]) -> Library:
    library = Library(cents, ways)
    for number, night in enumerate([*told, *([Night()] * CALM)]):
        library.receive(
            *(
                a_back(f"R{number}{place}", -back, fee_ref=fee, origin_ref="R-K1")
                for place, (back, fee) in enumerate(night.backs)
            )
        )
        if night.lost:
            library.lose()
        library.dispute(disputed=night.disputed)
        library.script.answers[:] = list(night.answers)
        library.evening(night)
        check_never_more(library)
        if night.staff:
            library.at_work()
            check_never_more(library)
    return library


SUMS = st.sampled_from((1000, 1000, 1300, 700))
WAYS = st.sampled_from((("api", "api"), ("api", "api"), ("api", "record"), ("record", "api")))


@given(SUMS, WAYS, nights())
def test_alma_has_what_the_bursar_kept_whenever_it_goes_back(
    cents: int, ways: tuple[str, str], told: list[Night]
) -> None:
    check_all_of_it(run(cents, ways, told))


@given(SUMS, WAYS, nights(lost=True))
def test_so_it_never_has_more_after_the_ledger_was_lost(cents: int, ways: tuple[str, str], told: list[Night]) -> None:
    run(cents, ways, told)


DISPUTED = [Night(disputed=True), Night(((400, "B1"),), disputed=True, staff=True), Night()]
BUSY = (Answer.THROTTLED,) * 4
UNSENT = [Night(answers=BUSY), Night(((400, "B1"),), answers=BUSY, staff=True), Night(staff=True)]


def test_what_went_back_while_the_payment_waited_is_never_posted() -> None:
    library = run(1000, ("api", "api"), DISPUTED)
    assert [order.cents for order in library.fees.applied] == [200, 400]
    assert library.book.tasks() == []


def test_what_was_planned_before_it_went_back_waits_for_a_person() -> None:
    library = run(1000, ("api", "api"), UNSENT)
    assert [(one.cents, one.state, one.code) for one in library.postings()] == [
        (600, P.HELD, "MONEY-WENT-BACK"),
        (400, P.POSTED, ""),
    ]


def test_the_law_has_teeth(monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(plan.Stake, "kept", property(lambda stake: stake.share.cents))
        with pytest.raises(AssertionError):
            run(1000, ("api", "api"), DISPUTED)
    monkeypatch.setattr(went_back, "stop", lambda _book, _clock: [])
    with pytest.raises(AssertionError):
        run(1000, ("api", "api"), UNSENT)
