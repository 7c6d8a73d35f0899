"""A receipt of several shares that is planned and not paid, and nights of posting it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from pipeline.ports.outside import Busy
from pipeline.stages.external import external_id
from pipeline.stages.post import Rules, post_all
from tests.fakes.postings import a_payment
from tests.unit.back_kit import debt
from tests.unit.evening_kit import K1, TERMS, Evening

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipeline.ports.ledger import PostingState
    from pipeline.ports.outside import AlmaFee, PayOrder
    from tests.fakes.alma import FakeAlma, Read

SECOND = external_id("campus", "K1", 2)
OTHERWISE = "POST-MISMATCH"


def planned(*reads: Read) -> Evening:
    """5.00 are planned for F1, and 2.00 of the same receipt for F2."""
    evening = Evening(debt("B1", 1000), debt("B2", 1000), debt("B3", 1000))
    evening.alma = evening.an_alma(*reads)
    evening.receive(a_payment(cents=700, fee_ref="", fees=(("B1", 500), ("B2", 200))))
    evening.match()
    for number, one in enumerate(evening.allocate("K1"), 1):
        evening.book.by_id[one.external_id] = replace(one, alma_fee_id=f"F{number}")
    return evening


def in_parts(count: int) -> Evening:
    """1.00 of one receipt is planned for each of so many fees."""
    debts = [f"B{number}" for number in range(1, count + 1)]
    evening = Evening(*(debt(one, 1000) for one in debts))
    evening.alma = evening.an_alma()
    evening.receive(a_payment(cents=100 * count, fee_ref="", fees=tuple((one, 100) for one in debts)))
    evening.match()
    return evening


def becomes(evening: Evening, name: str, state: PostingState, code: str = "", **changes: str) -> None:
    """Write down of a share what earlier nights and people have made of it."""
    posting = replace(evening.book.by_id[name], state=state, code=code, **changes)
    evening.book.by_id[name] = posting


def status(evening: Evening, fee_id: str, to: str) -> None:
    """Somebody at a desk begins or ends a dispute."""
    evening.fees.change(replace(evening.fees.fee(fee_id), status=to))


def states(evening: Evening) -> list[tuple[PostingState, str]]:
    """Give state and code of both shares."""
    return [(one.state, one.code) for one in map(evening.book.posting, (K1, SECOND))]


def night(evening: Evening, *unreadable: str, budget: int = 1000) -> list[str]:
    """Post for one night, and give the codes of what is told; fees that cannot be read alone may be named."""
    rules = Rules(evening.clock.now().date(), timedelta(hours=6), lambda _system: TERMS, budget)
    found = post_all(Mute(evening.fees, unreadable), evening.book, evening.clock, rules)
    evening.clock.sleep(86_400)
    return [one.code for one in found]


class Mute:
    """An Alma that gives no usable answer about some fees alone."""

    def __init__(self, alma: FakeAlma, fees: Sequence[str]) -> None:
        self._alma, self._fees = alma, fees

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> Sequence[AlmaFee]:
        return self._alma.list_fees(patron_id, patron_id_type, status)

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        if fee_id in self._fees:
            message = "HTTP 503"
            raise Busy(message)
        return self._alma.get_fee(patron_id, patron_id_type, fee_id)

    def pay(self, order: PayOrder) -> AlmaFee:
        return self._alma.pay(order)
