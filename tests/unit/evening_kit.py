"""Whole evenings of money that comes, goes back and is posted, with an Alma that may know more than the ledger."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.ports.outside import AlmaTransaction
from pipeline.stages.external import external_id
from pipeline.stages.plan import Terms
from pipeline.stages.post import Rules, post_all
from tests.fakes.postings import a_charge, a_payment
from tests.unit.back_kit import TODAY, Desk, a_back

if TYPE_CHECKING:
    from pipeline.ports.ledger import PaymentState
    from tests.fakes.alma import FakeAlma

TERMS = Terms("campus", {})
K1 = external_id("campus", "K1", 1)


class Evening(Desk):
    """A ledger, and whole evenings: match, take back, post."""

    @property
    def fees(self) -> FakeAlma:
        assert self.alma is not None
        return self.alma

    def posted_before(self, cents: int = 1000, external: str = K1, fee: str = "F1", kind: str = "PAYMENT") -> None:
        """An earlier ledger has paid so much, or somebody else has."""
        before = self.fees.fee(fee)
        one = AlmaTransaction(kind, cents, external, "2026-11-23T10:00:00Z", "t1")
        left = before.balance_cents - cents
        status = before.status if left else "CLOSED"
        self.fees.change(replace(before, balance_cents=left, status=status, transactions=(one,)))

    def post(self) -> None:
        rules = Rules(TODAY, timedelta(hours=6), lambda _system: TERMS, withheld=self.withheld)
        post_all(self.alma, self.book, self.clock, rules)

    def evening(self) -> list[str]:
        told = self.night()
        self.post()
        self.clock.sleep(86_400)
        return told

    def standing(self, *keys: str) -> list[tuple[PaymentState, str]]:
        return [(self.state(key), self.code(key)) for key in keys]


def an_evening(way: str = "api", **changes: object) -> Evening:
    """A sale and its refund, told at once."""
    evening = Evening(a_charge(payments_to=way))
    evening.receive(a_payment(), a_back(**({"origin_ref": "R-K1"} | changes)))  # type: ignore[arg-type]
    return evening
