"""Count the calls to Alma, so that one run stops when Alma is tired, silent, or has given all it may."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, TypeVar

from pipeline.findings import Finding
from pipeline.ports.outside import Busy, Lost, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from pipeline.ports.outside import AlmaFee, AlmaFees, PayOrder

Answer = TypeVar("Answer")
Thing = TypeVar("Thing")

PER_SECOND = "PER_SECOND_THRESHOLD"
"""The one code of "too many requests" that passes by itself; any other means: not before tomorrow."""

RESERVED = "API-RESERVE"
"""Our own code for leaving the rest of the day's calls to others: no fault, so nobody is called out of bed."""

MOST_CALLS = 100_000
"""More than a night can make at Alma's pace; the day's own limit is minded where the calls are made."""

MOST_THROTTLED = 3
MOST_SILENT = 10
MOST_LOST = 3
"""Every lost answer may cost a person an hour, so a night in which answers go missing does not go on paying."""

CALLS_EACH = 6
"""One payment may need as many: the patron's fees by each of four statuses, a look at the fee, the payment itself."""


def in_turn(things: Iterable[Thing], name: Callable[[Thing], Sequence[str]], day: date) -> list[Thing]:
    """Put what is looked at every night in another order each day, the same all day.

    A few that never answer, and make Alma look silent, then do not keep the same others waiting day after day.
    """

    def place(thing: Thing) -> tuple[bytes, Sequence[str]]:
        first, *rest = name(thing)
        return hashlib.sha256(f"{day} {first}".encode()).digest(), (first, *rest)

    return sorted(things, key=place)


def not_looked_at(count: int, why: str) -> Finding:
    """Say how many payments wait for their next look, and why."""
    return Finding("CONFIRM-PAUSED", "Alma", f"{count} payments were not looked at again: {why}")


def halted(no: Refused, what: str) -> Finding:
    """Say that Alma refuses all of us; ``what`` is what was therefore not done."""
    return Finding("POST-PAUSED" if no.code == RESERVED else "POST-STOPPED", "Alma", f"{what}: {no}")


class Metered:
    """Alma, counted: the same three calls, and ``tired()`` to be asked before each new payment.

    ``budget`` is how many calls this run may make.  A call is never cut off between an intent and its request.
    """

    def __init__(self, alma: AlmaFees, budget: int) -> None:
        self._alma = alma
        self._left = budget
        self._throttled = 0
        self._silent = 0
        self._lost = 0

    def tired(self) -> str:
        """Say why no further payment should be begun now; empty when there is no reason."""
        if self._throttled >= MOST_THROTTLED:
            return "Alma asks us to slow down"
        if self._silent >= MOST_SILENT:
            return f"Alma gave no usable answer {MOST_SILENT} times in a row"
        if self._lost >= MOST_LOST:
            return f"the answers to {MOST_LOST} payments in a row were lost"
        return "this run's calls to Alma are used up" if self._left < CALLS_EACH else ""

    def next_kind(self) -> None:
        """Begin another kind of work: what was silent for the last kind may answer for this one."""
        self._silent = 0

    def asked(self, call: Callable[[], Answer]) -> Answer:
        """Make a call of another kind that counts like these."""
        return self._counted(call)

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> Sequence[AlmaFee]:
        """As AlmaFees."""
        return self._counted(lambda: self._alma.list_fees(patron_id, patron_id_type, status))

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        """As AlmaFees."""
        return self._counted(lambda: self._alma.get_fee(patron_id, patron_id_type, fee_id))

    def pay(self, order: PayOrder) -> AlmaFee:
        """As AlmaFees."""
        try:
            answer = self._counted(lambda: self._alma.pay(order))
        except Lost:
            self._lost += 1
            raise
        self._lost = 0
        return answer

    def _counted(self, call: Callable[[], Answer]) -> Answer:
        self._left -= 1
        try:
            answer = call()
        except Busy as busy:
            self._silent += 1
            code = getattr(busy, "code", "")  # only "too many requests" carries one
            self._throttled += (1 if code == PER_SECOND else MOST_THROTTLED) if code else 0
            raise
        except Refused:
            self._silent = 0
            raise
        self._silent = 0
        return answer
