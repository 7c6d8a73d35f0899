"""How Alma behaves in one seed: every fault that has a name, as often as the weather of that seed has it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

from pipeline.money import cents
from pipeline.ports.outside import AlmaFee, Busy, PayOrder, Refused
from tests.fakes.alma import Answer, Facts, FakeAlma, Read

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Mapping, Sequence

    from pipeline.ports.outside import AlmaTransaction
    from tests.fakes.clock import FakeClock

READS = (Read.BUSY, Read.STALE, Read.STALE, Read.SYSTEM)
ANSWERS = (
    Answer.APPLIED_LOST,
    Answer.APPLIED_LOST,
    Answer.NOT_APPLIED_LOST,
    Answer.NOT_APPLIED_LOST,
    Answer.LATE_LOST,
    Answer.LATE_LOST,
    Answer.GENERAL_APPLIED,
    Answer.GENERAL_NOT_APPLIED,
    Answer.THROTTLED,
    Answer.USED_UP,
    Answer.NOT_SENT,
    Answer.REFUSED,
    Answer.SYSTEM,
)
"""What may become of a payment: 5xx, resets, time-outs and proxy pages are "answer lost" at this port."""

SKIES = (0.0, 0.05, 0.2, 0.5)
"""How many of the calls go wrong, by the weather of a seed."""

LATE = (timedelta(minutes=5), timedelta(hours=2), timedelta(hours=80))
OTHER_FEE = 0.15
"""Of the answers that go wrong, so many show another fee than was asked for."""


@dataclass
class Weather:
    """Draws what happens (Behaviour); once ``calm`` everything is as it should be."""

    draw: random.Random
    wrong: float
    answers: Sequence[Answer] = ANSWERS
    calm: bool = False

    def read(self, *, may_be_stale: bool) -> Read:
        if self.calm or self.draw.random() >= self.wrong:
            return Read.FRESH
        how = self.draw.choice(READS)
        return how if how is not Read.STALE or may_be_stale else Read.BUSY

    def answer(self, order: PayOrder) -> Answer:
        if self.calm or self.draw.random() >= self.wrong:
            return Answer.OK
        return self.draw.choice(self.answers)

    def other_fee(self) -> bool:
        return not self.calm and self.draw.random() < self.wrong * OTHER_FEE


def weather(draw: random.Random) -> tuple[Weather, Facts]:
    """Draw the weather of a seed, and what nobody has published about Alma."""
    facts = Facts(
        shows_closed=draw.random() < 0.7,
        takes_overpayment=draw.random() < 0.3,
        late=draw.choice(LATE),
        lag=draw.choice((timedelta(minutes=10), timedelta(hours=5))),
    )
    return Weather(draw, draw.choice(SKIES), draw.sample(ANSWERS, draw.randint(1, 5))), facts


def no_witness(_order: PayOrder) -> None:
    """Nobody looks on."""


class SoakAlma(FakeAlma):
    """FakeAlma whose patrons may be unknown or merged, that may answer with another fee, and that imports files."""

    def __init__(self, clock: FakeClock, sky: Weather, facts: Facts, step: Callable[[str], None]) -> None:
        super().__init__(clock, [], sky, facts, step)
        self.sky = sky
        self.gone: dict[str, str] = {}
        self.imported: list[tuple[str, int]] = []
        self.risked: Counter[str] = Counter()
        self.witness: Callable[[PayOrder], None] = no_witness
        self.taken_files: dict[str, bytes] = {}

    @property
    def under_way(self) -> set[str]:
        """The ids of the payments that may still arrive."""
        return {order.external_id for _, order in self._pending}

    def owner(self, fee_id: str) -> str:
        """Whose fee it is."""
        return self._patron_of[fee_id]

    def standing(self) -> Mapping[str, list[tuple[AlmaFee, AlmaTransaction]]]:
        """Give all that truly stands in Alma under an external id."""
        found: dict[str, list[tuple[AlmaFee, AlmaTransaction]]] = {}
        for fee_id in self._versions:
            fee = self.fee(fee_id)
            for one in fee.transactions:
                if one.external_id:
                    found.setdefault(one.external_id, []).append((fee, one))
        return found

    def list_fees(self, patron_id: str, patron_id_type: str, status: str) -> tuple[AlmaFee, ...]:
        self._known(patron_id)
        return super().list_fees(patron_id, patron_id_type, status)

    def get_fee(self, patron_id: str, patron_id_type: str, fee_id: str) -> AlmaFee:
        self._known(patron_id)
        fee = super().get_fee(patron_id, patron_id_type, fee_id)
        return self._other(fee) if self.sky.other_fee() else fee

    def pay(self, order: PayOrder) -> AlmaFee:
        self._known(order.patron_id)
        self.witness(order)
        sent, surely_not = len(self.requests), False
        try:
            fee = super().pay(order)
        except (Busy, Refused):
            surely_not = True
            raise
        finally:
            self.risked[order.external_id] += len(self.requests) > sent and not surely_not
        return self._other(fee) if self.sky.other_fee() else fee

    def _known(self, patron_id: str) -> None:
        if code := self.gone.get(patron_id):
            text = f"{code}: no such user"
            raise Refused(text, code=code)

    def _other(self, fee: AlmaFee) -> AlmaFee:
        return replace(fee, fee_id=f"{fee.fee_id}9", transactions=())

    def import_file(self, name: str, content: bytes) -> None:
        """Run the job that imports what was paid at the bursar: each file once, each fee as far as it is open."""
        if name in self.taken_files:
            return
        self.taken_files[name] = content
        for fee in ET.fromstring(content).iter():  # noqa: S314 - our own file
            if fee.tag.endswith("userFineFee"):
                said = {one.tag.rpartition("}")[2]: (one.text or "").strip() for one in fee.iter()}
                self._take_in(said["bursarTransactionId"], cents(said["sum"]))

    def _take_in(self, bursar_id: str, paid: int) -> None:
        (fee_id,) = [one for one in self._versions if self.fee(one).bursar_id == bursar_id]
        self.imported.append((fee_id, paid))
        open_cents = self.fee(fee_id).balance_cents
        if open_cents:
            self.pay_by_hand(fee_id, min(paid, open_cents))
