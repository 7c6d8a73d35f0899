"""Bugs planted in the nights, one by one: a soak that does not find each of them in a few seeds proves nothing."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import tests.soak.office
import tests.soak.world
from pipeline import stages
from pipeline.ports.ledger import PaymentState, Posting, PostingState
from pipeline.ports.outside import AlmaFee, AlmaFees, Lost, OutsideError, PayOrder
from pipeline.stages import attempt, plan
from pipeline.stages.look import Sight, View
from tests.model.planted import _look_among_active, _random_id, _resend
from tests.soak.book import SoakBook
from tests.soak.referee import BOOKS, DOUBLED, LOST, WRONGLY
from tests.soak.weather import SoakAlma

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    import pandas as pd
    import pytest

    from pipeline.findings import Outcome
    from pipeline.flow.runner import Work

NEVER_MONEY = PaymentState.EXCLUDED


class RetryingAlma(SoakAlma):
    """An HTTP library that tries a payment again when its answer is lost."""

    def pay(self, order: PayOrder) -> AlmaFee:
        try:
            return super().pay(order)
        except Lost:
            return super().pay(order)


class ForgetfulBook(SoakBook):
    """Does not make the intent durable: a machine that stops while sending finds the posting READY."""

    def move_posting(self, posting: Posting, to: PostingState, at: datetime, **changes: object) -> Posting:
        if to is PostingState.SENDING:
            return replace(posting, state=to, **changes)  # type: ignore[arg-type]
        if posting.state is PostingState.SENDING:
            self.by_id[posting.external_id] = posting
        return super().move_posting(posting, to, at, **changes)  # type: ignore[arg-type]


class CountingTwice(SoakBook):
    """Counts what came in for a debt twice."""

    def shares_of(self, source: str, fee_id: str, *, written_off: bool = False) -> int:
        return 2 * super().shares_of(source, fee_id, written_off=written_off)


def _key_of_the_file(*given: Any) -> Outcome:
    """Make a line's identity of the file it stands in, so that no file is ever a repeat."""
    outcome: Outcome = stages.find("receive")(*given)
    for _, frame in outcome.all_rows():
        for name in ("payment_key", "receipt_key", "line_key"):
            frame[name] = _mixed(frame, name)
    return outcome


def _mixed(frame: pd.DataFrame, name: str) -> pd.Series[str]:
    import pandas as pd

    pairs = zip(frame[name], frame["file_sha"], strict=True)
    mixed = [hashlib.sha256(f"{key}{sha}".encode()).hexdigest()[:32] if key else "" for key, sha in pairs]
    return pd.Series(mixed, index=frame.index, dtype="str")


def _active_only(posting: Posting, alma: AlmaFees) -> View:
    """Settle a doubt by the list of ACTIVE fees, from which a paid fee has gone."""
    try:
        return _look_among_active(posting, alma)
    except OutsideError as error:
        return View(Sight.BLIND, str(error))


def _dropping(work: Work) -> None:
    """Take what goes back for no money at all."""
    for line in work.ledger.payments_in(PaymentState.RECEIVED):
        if line.cents < 0:
            work.ledger.settle_payment(line, NEVER_MONEY, "PAYMENT-OTHER", "", work.outside.clock.now())


def _believing(posting: Posting, why: str, desk: attempt.Desk) -> Posting:
    """Take a lost answer for a good one."""
    return desk.book.move_posting(posting, PostingState.POSTED, desk.clock.now(), since=desk.clock.now(), why=why)


@dataclass(frozen=True)
class Planted:
    """A bug: its name, how it gets in, and what the referee may call its consequences."""

    name: str
    plant: Callable[[pytest.MonkeyPatch], None]
    kinds: tuple[str, ...]
    first: int = 0
    """The seed to begin with: some bugs do not show in the first few."""


def _stage(name: str, instead: Callable[..., Any]) -> Callable[[pytest.MonkeyPatch], None]:
    def find(wanted: str) -> Callable[..., Any]:
        return instead if wanted == name else stages.find(wanted)

    return lambda patch: patch.setattr(tests.soak.world, "find", find)


def _world(place: Any, name: str, instead: type) -> Callable[[pytest.MonkeyPatch], None]:
    return lambda patch: patch.setattr(place, name, instead)


PLANTED = (
    Planted("a repeated file counts again", _stage("receive", _key_of_the_file), (DOUBLED,)),
    Planted("money going back is dropped", _stage("take_back", _dropping), (LOST,)),
    Planted("retry on a lost answer", _world(tests.soak.world, "SoakAlma", RetryingAlma), (DOUBLED,)),
    Planted("no intent before the request", _world(tests.soak.office, "SoakBook", ForgetfulBook), (DOUBLED,)),
    Planted("shares counted twice", _world(tests.soak.office, "SoakBook", CountingTwice), (BOOKS,)),
    Planted("doubt settled by the ACTIVE list", lambda it: it.setattr(attempt, "look", _active_only), (LOST,)),
    Planted("doubt treated as failure", _resend, (DOUBLED,)),
    Planted("a lost answer taken for a good one", lambda it: it.setattr(attempt, "_unknown", _believing), (WRONGLY,)),
    Planted("random external id", lambda it: it.setattr(plan, "external_id", _random_id()), (DOUBLED, WRONGLY)),
)
