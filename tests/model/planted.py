"""Bugs planted in the poster, one by one: a model that does not find each of them proves nothing."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import tests.fakes.postings
import tests.model.world
from pipeline.ports.ledger import POSTING_MOVES, Payment, Posting, PostingState
from pipeline.ports.outside import AlmaFee, AlmaFees, Lost, PayOrder
from pipeline.stages import allocate, attempt, locate, look, plan
from tests.fakes.alma import FakeAlma, a_fee
from tests.fakes.postings import FakeBook
from tests.model.worlds import FULL, LATE, LOST_PART, LOST_TWO, PART, TOTAL, TOTAL_DESK

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import pytest

    from pipeline.ports.ledger import Charged
    from pipeline.stages.locate import PatronFees
    from tests.model.world import World

DOUBTFUL = (PostingState.UNKNOWN, PostingState.DOUBT)
READY = PostingState.READY
SENDING = PostingState.SENDING


class ForgetfulBook(FakeBook):
    """Does not make the intent durable: a machine that stops while sending finds the posting READY."""

    def move_posting(self, posting: Posting, to: PostingState, at: datetime, **changes: object) -> Posting:
        if to is SENDING:
            return replace(posting, state=to, **changes)  # type: ignore[arg-type]
        if posting.state is SENDING:
            self.by_id[posting.external_id] = posting
        return super().move_posting(posting, to, at, **changes)  # type: ignore[arg-type]


class RetryingAlma(FakeAlma):
    """An HTTP library that tries a payment again when its answer is lost."""

    def pay(self, order: PayOrder) -> AlmaFee:
        try:
            return super().pay(order)
        except Lost:
            return super().pay(order)


def _resend_doubt(posting: Posting, view: look.View, desk: attempt.Desk) -> Posting:
    """Take "not seen" for "failed"."""
    absent = view.sight is look.Sight.ABSENT
    return desk.book.move_posting(posting, READY, desk.clock.now()) if absent else posting


def _look_among_active(posting: Posting, alma: AlmaFees) -> look.View:
    """Settle a doubt by the list of ACTIVE fees, from which a paid fee has gone."""
    if posting.state not in DOUBTFUL:
        return look.look(posting, alma)
    listed = alma.list_fees(posting.patron_id, posting.patron_id_type, "ACTIVE")
    for fee in listed:
        if fee.fee_id == posting.alma_fee_id:
            return look.judge(posting, fee)
    return look.View(look.Sight.ABSENT, "not on the list", a_fee(posting.alma_fee_id))


def _do_not_look(posting: Posting, fees: PatronFees, alma: AlmaFees) -> look.View:
    """Send without looking whether it is there already."""
    if posting.state is READY:
        return look.View(look.Sight.ABSENT, "not looked", a_fee(posting.alma_fee_id))
    return look.first_look(posting, fees, alma)


def _only_active(charged: Charged, fees: PatronFees, *, everywhere: bool) -> AlmaFee:
    """Look for the fee of a patron's total among the open ones only, where a fee that it closed is not."""
    return locate.locate(charged, fees, everywhere=False)


def _active(_charged: Charged, fees: PatronFees) -> dict[str, AlmaFee]:
    return dict(fees.active())


def _whatever_is_listed(_charged: Charged, fees: PatronFees) -> dict[str, AlmaFee]:
    """Take a fee that is on no list for one on which nothing stands."""
    return locate.every_fee(fees)


def _amount_in_id(payment: Payment, *rest: object) -> plan.Plan | plan.Hold:
    """Make the external id of the payment and the cents that are posted."""
    made = plan.plan(payment, *rest)  # type: ignore[arg-type]
    if isinstance(made, plan.Hold):
        return made
    postings = [
        replace(one, external_id=plan.external_id("model", f"{payment.key}/{one.cents}", number))
        for number, one in enumerate(made.postings, 1)
    ]
    return replace(made, postings=tuple(postings))


def _random_id() -> Callable[[str, str, int], str]:
    """Make ids that are new every time, as a random generator does."""
    numbers = itertools.count()

    def made(_campus_key: str, _payment_key: str, number: int) -> str:
        word = (
            hashlib.sha256(b"%d" % next(numbers)).hexdigest()[:16].translate(str.maketrans("0189abcdef", "ABCDEFGHIJ"))
        )
        return f"BP{word}-{number:02d}"

    return made


def _same(*_of_a_plan: object) -> None:
    """Take what stands in Alma under a payment's ids for what it is divided into now, or planned for."""


@dataclass(frozen=True)
class Planted:
    """A bug: what it is called, how it gets in, the world it shows in, and what the model calls its consequence."""

    name: str
    plant: Callable[[pytest.MonkeyPatch], None]
    world: World
    kind: str


def _resend(patch: pytest.MonkeyPatch) -> None:
    moves = {state: to | {READY} if state in DOUBTFUL else to for state, to in POSTING_MOVES.items()}
    patch.setattr(tests.fakes.postings, "POSTING_MOVES", moves)
    patch.setattr(attempt, "_doubt", _resend_doubt)


def _among_open(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(allocate, "locate", _only_active)
    patch.setattr(allocate, "past_of", _active)


def _not_compared(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(plan, "_differs", _same)
    patch.setattr(attempt, "otherwise", _same)


PLANTED = (
    Planted("no intent", lambda it: it.setattr(tests.model.world, "FakeBook", ForgetfulBook), PART, "doubled"),
    Planted("retry on time-out", lambda it: it.setattr(tests.model.world, "FakeAlma", RetryingAlma), PART, "doubled"),
    Planted("doubt treated as failure", _resend, LATE, "doubled"),
    Planted(
        "doubt settled by the ACTIVE list", lambda it: it.setattr(attempt, "look", _look_among_active), FULL, "lost"
    ),
    Planted("random external id", lambda it: it.setattr(plan, "external_id", _random_id()), LOST_PART, "doubled"),
    Planted("amount in the external id", lambda it: it.setattr(allocate, "plan", _amount_in_id), LOST_TWO, "doubled"),
    Planted("no look before posting", lambda it: it.setattr(attempt, "first_look", _do_not_look), LOST_PART, "doubled"),
    Planted(
        "a total's past sought among open fees",
        _among_open,
        TOTAL,
        "doubled",
    ),
    Planted(
        "a fee on no list taken for empty",
        lambda it: it.setattr(allocate, "past_of", _whatever_is_listed),
        TOTAL_DESK,
        "doubled",
    ),
    Planted("a total's past not compared", _not_compared, TOTAL, "doubled"),
)
