"""Posting: look, note, do, note; and what each answer and each look comes to."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from pipeline.findings import catalogue
from pipeline.ports.ledger import Posting, PostingState
from pipeline.ports.outside import AlmaFee, AlmaTransaction
from pipeline.stages.allocate import RECONSIDERED, Planner, allocate_payment
from pipeline.stages.attempt import TOLD, Desk, post_one
from pipeline.stages.locate import PatronFees, Views
from pipeline.stages.plan import Terms, external_id
from pipeline.stages.post import Rules, post_all
from tests.fakes.alma import Answer, Facts, FakeAlma, Read, Scripted, a_fee
from tests.fakes.clock import FakeClock
from tests.fakes.postings import FakeBook, a_charge, a_match, a_payment, a_share

SETTLE = timedelta(hours=6)
TERMS = Terms("campus", {"CC": "CREDIT_CARD"})
X1 = external_id("campus", "K1", 1)
S = PostingState


@dataclass
class Scene:
    """A ledger and an Alma, with payments planned on fees and nothing posted yet."""

    facts: Facts = field(default_factory=Facts)
    behaviour: Scripted = field(default_factory=Scripted)
    clock: FakeClock = field(default_factory=FakeClock)
    steps: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.fees: dict[str, tuple[str, AlmaFee]] = {}
        self.book = FakeBook()
        self.alma = FakeAlma(self.clock, [], self.behaviour, self.facts)

    def plan(self, *payments: int, patrons: tuple[str, ...] = (), status: str = "ACTIVE") -> Scene:
        """Plan payments K1, K2, ... of these cents, each on a fee F1, F2, ... of its own, all of one patron or not."""
        patrons = patrons or ("P1",) * len(payments)
        numbered = list(enumerate(zip(payments, patrons, strict=True), 1))
        fees = [(patron, a_fee(f"F{n}", bursar_id=f"B{n}", status=status)) for n, (_, patron) in numbered]
        charges = [a_charge(fee_id=f"B{n}", reference=f"B{n}", patron_id=patron) for n, (_, patron) in numbered]
        self.book = FakeBook(charges, self.steps.append)
        self.alma = FakeAlma(self.clock, fees, self.behaviour, self.facts, self._step)
        money = [(a_payment(f"K{n}", cents, fee_ref=f"B{n}"), a_share(cents, 1, f"B{n}")) for n, (cents, _) in numbered]
        self.book.enter(a_match(payment, share) for payment, share in money)
        planner = Planner(self.book, Views(self.alma, self.clock))
        for payment in self.book.payments.values():
            assert allocate_payment(payment, planner, TERMS, self.clock.now().date(), self.clock.now())[1] == []
        self.alma.calls.clear()
        self.steps.clear()
        return self

    def _step(self, label: str) -> None:
        self.steps.append(f"{label}, ledger says {self.posting.state}" if "pay" in label else label)

    @property
    def posting(self) -> Posting:
        return self.book.by_id[X1]

    @property
    def states(self) -> list[PostingState]:
        return [self.book.by_id[external_id("campus", key, 1)].state for key in self.book.payments]

    def run(self, budget: int = 1000, hours: float = 0) -> list[str]:
        """Wait, post, and give the codes of what is told."""
        self.clock.sleep(hours * 3600)
        rules = Rules(self.clock.now().date(), SETTLE, lambda _system: TERMS, budget)
        return [one.code for one in post_all(self.alma, self.book, self.clock, rules)]

    @property
    def desk(self) -> Desk:
        return Desk(self.alma, self.book, self.clock, self.clock.now().date(), SETTLE)

    def shows(self, *transactions: AlmaTransaction, **changes: object) -> None:
        """Change fee F1 at the desk."""
        self.alma.change(replace(self.alma.fee("F1"), transactions=transactions, **changes))  # type: ignore[arg-type]


def paid(cents: int, external_id: str = "", time: str = "2026-03-02T02:30:00Z") -> AlmaTransaction:
    return AlmaTransaction("PAYMENT", cents, external_id, time, "t1")


def test_a_payment_is_looked_for_noted_sent_once_and_noted_again() -> None:
    scene = Scene().plan(400)
    assert scene.run() == []
    assert scene.steps == [
        "before list",
        "after list",
        "before ready -> sending",
        "after ready -> sending",
        "before pay, ledger says sending",
        "after pay, ledger says sending",
        "before sending -> posted",
        "after sending -> posted",
    ]
    (order,) = scene.alma.requests
    assert (order.cents, order.external_id, order.fee_id, order.method) == (400, X1, "F1", "CREDIT_CARD")
    assert (scene.posting.state, scene.posting.attempts) == (S.POSTED, 1)
    assert scene.run() == []
    assert len(scene.alma.requests) == 1


@pytest.mark.parametrize(
    ("answer", "state", "attempts", "told"),
    [
        (Answer.OK, S.POSTED, 1, []),
        (Answer.APPLIED_LOST, S.UNKNOWN, 1, ["POST-UNKNOWN"]),
        (Answer.NOT_APPLIED_LOST, S.UNKNOWN, 1, ["POST-UNKNOWN"]),
        (Answer.LATE_LOST, S.UNKNOWN, 1, ["POST-UNKNOWN"]),
        (Answer.GENERAL_APPLIED, S.UNKNOWN, 1, ["POST-UNKNOWN"]),
        (Answer.GENERAL_NOT_APPLIED, S.UNKNOWN, 1, ["POST-UNKNOWN"]),
        (Answer.THROTTLED, S.READY, 0, []),
        (Answer.USED_UP, S.READY, 0, []),
        (Answer.NOT_SENT, S.READY, 0, []),
        (Answer.REFUSED, S.HELD, 0, ["POST-REFUSED"]),
        (Answer.SYSTEM, S.READY, 0, ["POST-STOPPED"]),
        (Answer.DOUBLED, S.UNKNOWN, 1, ["POST-UNKNOWN"]),
        (Answer.DOUBLED_UNSEEN, S.POSTED, 1, []),
        (Answer.DOUBLED_LOST, S.UNKNOWN, 1, ["POST-UNKNOWN"]),
    ],
)
def test_what_an_answer_comes_to(answer: Answer, state: PostingState, attempts: int, told: list[str]) -> None:
    scene = Scene(behaviour=Scripted(answers=[answer])).plan(400)
    assert [code for code in scene.run() if code != "POST-PAUSED"] == told
    assert (scene.posting.state, scene.posting.attempts) == (state, attempts)
    assert len(scene.alma.requests) == 1


@pytest.mark.parametrize("answer", [Answer.DOUBLED, Answer.DOUBLED_LOST])
def test_a_payment_that_a_proxy_doubled_is_an_alarm_on_the_next_run(answer: Answer) -> None:
    scene = Scene(behaviour=Scripted(answers=[answer])).plan(400)
    scene.run()
    assert scene.run(hours=24) == ["POST-DOUBLE"]
    assert scene.posting.state is S.DOUBLE
    assert "2 times on the fee, 8.00 in all" in scene.posting.why


def test_an_answer_that_does_not_hold_our_id_proves_nothing() -> None:
    scene = Scene(facts=Facts(echoes_id=False)).plan(400)
    assert scene.run() == ["POST-UNKNOWN"]
    assert scene.run(hours=24) == ["POST-DOUBT"]
    assert len(scene.alma.requests) == 1


@pytest.mark.parametrize(
    ("transactions", "state", "told"),
    [
        ((paid(400, X1),), S.POSTED, []),
        ((paid(400, X1), paid(400, X1)), S.DOUBLE, ["POST-DOUBLE"]),
        ((paid(399, X1),), S.MISMATCH, ["POST-MISMATCH"]),
        ((paid(400),), S.HELD, ["LOOKS-ALREADY-ENTERED"]),
        ((paid(400, time="1446000000000"),), S.HELD, ["LOOKS-ALREADY-ENTERED"]),
        ((paid(400, time="2026-03-02T02:30:00"),), S.HELD, ["LOOKS-ALREADY-ENTERED"]),
    ],
)
def test_what_stands_on_the_fee_already_decides_and_nothing_is_sent(
    transactions: tuple[AlmaTransaction, ...], state: PostingState, told: list[str]
) -> None:
    scene = Scene().plan(400)
    scene.shows(*transactions)
    assert scene.run(hours=1) == told
    assert scene.posting.state is state
    assert scene.alma.requests == []


@pytest.mark.parametrize(
    "transaction", [paid(400, time="2026-03-01T10:00:00Z"), paid(399), paid(400, external_id("campus", "K9", 1))]
)
def test_an_older_an_other_or_an_own_payment_does_not_look_entered(transaction: AlmaTransaction) -> None:
    scene = Scene().plan(400)
    scene.shows(transaction)
    assert scene.run(hours=1) == []
    assert scene.posting.state is S.POSTED


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"status": "CLOSED", "balance_cents": 0}, "FEE-CLOSED"),
        ({"balance_cents": 0}, "FEE-CLOSED"),
        ({"status": "INDISPUTE"}, "FEE-IN-DISPUTE"),
        ({"status": "FROZEN"}, "FEE-STATUS"),
        ({"balance_cents": 399}, "BALANCE-FELL"),
    ],
)
def test_a_fee_that_cannot_take_it_any_more_holds_the_payment_until_it_can(
    changes: dict[str, object], code: str
) -> None:
    scene = Scene().plan(400)
    before = scene.alma.fee("F1")
    scene.shows(**changes)
    assert scene.run() == [code]
    assert (scene.posting.state, scene.posting.code) == (S.HELD, code)
    assert scene.run(hours=24) == []
    scene.alma.change(before)
    assert scene.run(hours=24) == []
    assert (scene.posting.state, len(scene.alma.requests)) == (S.POSTED, 1)


def test_a_payment_refused_by_a_code_is_tried_once_a_run_and_told_once() -> None:
    scene = Scene(behaviour=Scripted(answers=[Answer.REFUSED, Answer.REFUSED])).plan(400)
    assert [scene.run(), scene.run(hours=24), scene.run(hours=24)] == [["POST-REFUSED"], [], []]
    assert (scene.posting.state, len(scene.alma.requests)) == (S.POSTED, 3)


def test_a_fee_alma_does_not_know_holds_the_payment() -> None:
    scene = Scene().plan(400)
    lost = replace(scene.posting, alma_fee_id="F7")
    scene.book.by_id[X1] = lost
    assert scene.run() == ["POST-REFUSED"]
    assert "401665" in scene.posting.why
    assert scene.run(hours=24) == []


@pytest.mark.parametrize("state", [S.HELD, S.UNKNOWN, S.DOUBT])
def test_a_look_that_failed_changes_nothing(state: PostingState) -> None:
    scene = Scene(behaviour=Scripted(reads=[])).plan(400)
    scene.book.by_id[X1] = replace(scene.posting, state=state, since=scene.clock.now())
    scene.behaviour.reads = [Read.BUSY]
    assert scene.run(hours=24) == []
    assert (scene.posting.state, scene.alma.requests) == (state, [])


@pytest.mark.parametrize("hidden", [False, True])
def test_a_closed_fee_is_seen_even_where_alma_shows_it_on_the_closed_list_only(*, hidden: bool) -> None:
    scene = Scene(Facts(shows_closed=not hidden), Scripted(answers=[Answer.APPLIED_LOST])).plan(1000)
    assert scene.run() == ["POST-UNKNOWN"]
    scene.alma.calls.clear()
    assert scene.run(hours=24) == []
    assert scene.posting.state is S.POSTED
    assert scene.alma.calls == ["get", *["list CLOSED"] * hidden]


def test_a_closed_fee_that_is_on_no_list_proves_nothing() -> None:
    class Hiding(FakeAlma):
        def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> tuple[AlmaFee, ...]:
            return ()

    scene = Scene(behaviour=Scripted(answers=[Answer.APPLIED_LOST])).plan(1000)
    scene.run()
    fee = scene.alma.fee("F1")
    scene.alma = Hiding(scene.clock, [("P1", fee)], Scripted(), Facts(shows_closed=False))
    assert scene.run(hours=24) == []
    assert scene.posting.state is S.UNKNOWN
    assert scene.run(hours=72) == ["POST-DOUBT"]


def test_absence_means_nothing_before_it_had_time_to_settle() -> None:
    scene = Scene(behaviour=Scripted(answers=[Answer.NOT_APPLIED_LOST])).plan(400)
    scene.run()
    assert scene.run(hours=5.9) == []
    assert scene.posting.state is S.UNKNOWN
    assert scene.run(hours=0.2) == ["POST-DOUBT"]
    assert scene.posting.code == "POST-DOUBT"
    assert "balance is 10.00" in scene.posting.why


def test_absence_from_a_fee_whose_figures_disagree_is_not_believed_for_three_days() -> None:
    scene = Scene(behaviour=Scripted(answers=[Answer.NOT_APPLIED_LOST])).plan(400)
    scene.run()
    scene.shows(balance_cents=999)
    assert scene.run(hours=71) == []
    assert scene.run(hours=2) == ["POST-DOUBT"]
    assert "no look since then could tell" in scene.posting.why


@pytest.mark.parametrize(("kind", "balance"), [("EXPORTED", 1000), ("EXPORTED_AND_PAID", 0)])
def test_the_trace_of_an_export_does_not_make_figures_disagree(kind: str, balance: int) -> None:
    scene = Scene(behaviour=Scripted(answers=[Answer.NOT_APPLIED_LOST])).plan(400)
    scene.run()
    scene.shows(replace(paid(1000), kind=kind), balance_cents=balance)
    assert scene.run(hours=7) == ["POST-DOUBT"]


def test_a_doubt_is_never_sent_again_and_ends_by_itself_when_the_payment_appears() -> None:
    scene = Scene(Facts(late=timedelta(days=20)), Scripted(answers=[Answer.LATE_LOST])).plan(400)
    told = [scene.run(hours=24) for _ in range(19)]
    assert [code for codes in told for code in codes] == ["POST-UNKNOWN", "POST-DOUBT"]
    assert scene.run(hours=72) == []
    assert (scene.posting.state, len(scene.alma.requests)) == (S.POSTED, 1)


def test_a_run_that_died_while_sending_counts_from_its_intent() -> None:
    scene = Scene().plan(400)
    intent = scene.clock.now()
    scene.book.move_posting(scene.posting, S.SENDING, intent, attempts=1, since=intent)
    assert scene.run(hours=1) == ["POST-UNKNOWN"]
    assert (scene.posting.state, scene.posting.since) == (S.UNKNOWN, intent)
    assert scene.run(hours=5) == ["POST-DOUBT"]
    assert scene.alma.requests == []


def test_a_single_posting_that_was_cut_off_is_looked_at_and_not_sent() -> None:
    scene = Scene().plan(400)
    cut_off = scene.book.move_posting(scene.posting, S.SENDING, scene.clock.now(), attempts=1, since=scene.clock.now())
    scene.shows(paid(400, X1), paid(400, X1))
    fees = PatronFees(scene.alma, scene.clock, "P1", "02")
    assert post_one(cut_off, fees, scene.desk).state is S.DOUBLE
    assert scene.alma.requests == []


def test_doubtful_ones_go_first_then_the_oldest_money() -> None:
    scene = Scene().plan(100, 200, 300)
    scene.book.payments["K3"] = replace(scene.book.payments["K3"], occurred_on="2026-11-01")
    first = scene.book.by_id[external_id("campus", "K2", 1)]
    scene.book.move_posting(first, S.SENDING, scene.clock.now(), attempts=1, since=scene.clock.now())
    scene.run()
    assert [order.cents for order in scene.alma.requests] == [300, 100]
    assert scene.alma.calls == ["get", "list ACTIVE", "pay", "pay"]


def test_a_refused_key_stops_all_posting_and_loses_no_finding() -> None:
    scene = Scene(behaviour=Scripted(answers=[Answer.NOT_APPLIED_LOST, Answer.SYSTEM])).plan(100, 200, 300)
    assert scene.run() == ["POST-UNKNOWN", "POST-STOPPED"]
    assert sorted(scene.states) == [S.READY, S.READY, S.UNKNOWN]
    assert len(scene.alma.requests) == 2
    scene.behaviour.reads = [Read.SYSTEM]
    assert scene.run() == ["POST-STOPPED"]


@pytest.mark.parametrize(
    ("behaviour", "requests"),
    [
        (Scripted(answers=[Answer.THROTTLED] * 20), 3),
        (Scripted(answers=[Answer.USED_UP] * 20), 1),
        (Scripted(answers=[Answer.NOT_APPLIED_LOST] * 20), 3),
    ],
)
def test_a_run_stops_when_alma_is_tired(behaviour: Scripted, requests: int) -> None:
    scene = Scene(behaviour=behaviour).plan(*[100] * 15)
    told = scene.run()
    assert told.count("POST-PAUSED") == 1
    assert len(scene.alma.requests) == requests


def test_a_run_stops_asking_when_nothing_comes_back() -> None:
    scene = Scene().plan(*[100] * 15, patrons=tuple(f"P{n}" for n in range(15)))
    scene.behaviour.reads = [Read.BUSY] * 15
    assert scene.run() == ["POST-PAUSED"]
    assert (len(scene.alma.calls), set(scene.states)) == (10, {S.READY})


def test_old_doubts_that_cannot_be_looked_at_do_not_keep_new_money_waiting() -> None:
    scene = Scene().plan(*[100] * 12)
    for posting in list(scene.book.by_id.values())[:11]:
        scene.book.by_id[posting.external_id] = replace(posting, state=S.DOUBT, since=scene.clock.now())
    scene.behaviour.reads = [Read.BUSY] * 10
    assert scene.run() == ["POST-PAUSED"]
    assert len(scene.alma.requests) == 1


def test_a_budget_is_kept_and_never_cuts_between_intent_and_request() -> None:
    scene = Scene().plan(*[100] * 5)
    assert scene.run(budget=8) == ["POST-PAUSED"]
    assert len(scene.alma.calls) <= 8
    assert S.SENDING not in scene.states
    assert scene.states.count(S.POSTED) == 2


def test_nothing_more_is_posted_for_a_patron_with_a_doubled_payment() -> None:
    scene = Scene(behaviour=Scripted(answers=[Answer.DOUBLED_LOST])).plan(100, 200, 300, patrons=("P1", "P1", "P2"))
    scene.book.payments["K1"] = replace(scene.book.payments["K1"], occurred_on="2026-11-01")
    assert scene.run(budget=7) == ["POST-UNKNOWN", "POST-PAUSED"]
    assert sorted(scene.run(hours=24)) == ["PATRON-STOPPED", "POST-DOUBLE"]
    assert [scene.run(hours=24), scene.states] == [[], [S.DOUBLE, S.HELD, S.POSTED]]
    assert [one.cents for one in scene.alma.requests] == [100, 300]


def test_one_list_serves_all_first_attempts_of_a_patron() -> None:
    scene = Scene().plan(100, 200, 300, 400, patrons=("P1", "P2", "P1", "P1"))
    assert scene.run() == []
    assert scene.alma.calls == ["list ACTIVE", "pay", "pay", "pay", "list ACTIVE", "pay"]


def test_patrons_come_by_the_age_of_their_money_and_those_with_held_money_only_come_last() -> None:
    scene = Scene().plan(100, 200, 300, patrons=("P1", "P2", "P3"))
    for key, day in (("K1", "2026-11-03"), ("K2", "2026-11-02"), ("K3", "2026-11-01")):
        scene.book.payments[key] = replace(scene.book.payments[key], occurred_on=day)
    oldest = external_id("campus", "K3", 1)
    scene.book.by_id[oldest] = replace(scene.book.by_id[oldest], state=S.HELD, code="POST-REFUSED")
    scene.run()
    assert [order.cents for order in scene.alma.requests] == [200, 100, 300]
    assert scene.alma.calls == ["list ACTIVE", "pay", "list ACTIVE", "pay", "get", "pay"]


def test_a_view_that_grew_old_while_alma_was_slow_is_asked_for_anew() -> None:
    class Slow(FakeAlma):
        def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> tuple[AlmaFee, ...]:
            listed = super().list_fees(patron_id, patron_id_type, status)
            self._clock.sleep(660 if self.calls.count("list ACTIVE") == 1 else 0)
            return listed

    scene = Scene().plan(100, 200)
    fees = [("P1", scene.alma.fee(fee_id)) for fee_id in ("F1", "F2")]
    scene.alma = Slow(scene.clock, fees, Scripted())
    assert scene.run() == []
    assert scene.alma.calls == ["list ACTIVE", "pay", "list ACTIVE", "pay"]


def test_after_a_lost_answer_the_fee_is_looked_at_alone_before_more_is_paid_on_it() -> None:
    scene = Scene(behaviour=Scripted(answers=[Answer.APPLIED_LOST])).plan(400)
    scene.book.enter([a_match(a_payment("K2", 500))])
    assert scene.run() == ["POST-UNKNOWN"]
    assert scene.alma.calls == ["list ACTIVE", "pay", "get", "pay"]
    assert [order.cents for order in scene.alma.requests] == [400, 500]


def test_what_was_never_sent_and_cannot_be_looked_at_on_three_days_is_held_and_follows_when_it_can() -> None:
    scene = Scene().plan(400)
    told = []
    for hours in (0, 1, 24, 24):
        scene.behaviour.reads = [Read.BUSY]
        told.append(scene.run(hours=hours))
    assert told == [[], [], [], ["POST-BLIND"]]
    assert (scene.posting.state, scene.posting.code) == (S.HELD, "POST-BLIND")
    assert "on 3 days" in scene.posting.why
    assert scene.run(hours=24) == []
    assert (scene.posting.state, scene.posting.blind_nights) == (S.POSTED, 0)


def resent(scene: Scene) -> Scene:
    """Let a payment become a doubt, and have a person say that it is to be sent again."""
    assert [scene.run(), scene.run(hours=24)] == [["POST-UNKNOWN"], ["POST-DOUBT"]]
    why = "ann: it is not on the fee"
    scene.book.move_posting(scene.posting, S.READY, scene.clock.now(), code=scene.posting.code, why=why)
    scene.alma.calls.clear()
    return scene


def test_what_a_person_has_sent_again_is_looked_for_once_more_by_itself() -> None:
    scene = resent(Scene(behaviour=Scripted(answers=[Answer.NOT_APPLIED_LOST])).plan(400))
    assert scene.run(hours=72) == []
    assert scene.alma.calls == ["get", "pay"]
    assert (scene.posting.state, scene.posting.attempts) == (S.POSTED, 2)


def test_what_a_person_has_sent_again_is_not_sent_if_it_appeared_meanwhile() -> None:
    late = Scripted(answers=[Answer.LATE_LOST])
    scene = resent(Scene(Facts(late=timedelta(hours=48)), late).plan(400))
    assert scene.run(hours=72) == []
    assert (scene.alma.calls, scene.posting.state) == (["get"], S.POSTED)


def test_a_person_who_has_seen_what_somebody_else_paid_lets_it_go_on() -> None:
    scene = Scene(behaviour=Scripted(answers=[Answer.NOT_SENT])).plan(400)
    scene.shows(paid(400), balance_cents=600)
    assert scene.run(hours=1) == ["LOOKS-ALREADY-ENTERED"]
    scene.book.move_posting(scene.posting, S.READY, scene.clock.now(), code=scene.posting.code, why="ann: another one")
    assert scene.run() == []
    assert (scene.posting.state, scene.posting.code) == (S.READY, "LOOKS-ALREADY-ENTERED")
    assert scene.run(hours=24) == []
    assert scene.posting.state is S.POSTED


def test_everything_that_can_be_told_is_in_the_catalogue() -> None:
    told = {
        *TOLD.values(),
        "POST-REFUSED",
        "POST-STOPPED",
        "POST-PAUSED",
        "PATRON-STOPPED",
        "BALANCE-FELL",
        "OVERPAID",
    } | {"POST-BLIND", "FEE-REPORT-FAILED"}
    assert told | RECONSIDERED <= set(catalogue())
