"""What truly happened at the bursar: debts, lines of money, and the day each of them was told on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from tests.soak.campus import RECEIPTS, TOTALS

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

NIGHTS = 8
MOST = 20
WAYS = ("api", "api", "api", "api", "import_file", "record")
AMOUNTS = (100, 250, 500, 500, 1000, 1000, 1250, 3999, 7500)
MONEY_DAYS = 7


@dataclass(frozen=True)
class Debt:
    """A fee that was billed: its number is its id in the export; ``night`` is when its charge arrived."""

    fee_id: str
    system: str
    patron: str
    cents: int
    way: str
    night: int


@dataclass(frozen=True)
class Line:
    """One line of money, as the bursar truly booked it on a day.

    ``names`` are the references and cents it names, ``origin`` the receipt it takes back; ``item`` is whose item it is.
    """

    system: str
    receipt: str
    number: str
    kind: str
    patron: str
    cents: int
    day: int
    names: tuple[tuple[str, int], ...] = ()
    origin: str = ""
    item: str = "LIB-OVERDUE"

    @property
    def mark(self) -> tuple[str, ...]:
        """What the line can be told by in our ledger; two true payments may be equal where there is no receipt."""
        if self.system == RECEIPTS:
            return (self.system, self.receipt, self.number, self.kind, str(self.moved))
        reference = self.names[0][0] if self.names else ""
        return (self.system, self.patron, reference, str(self.day), str(self.moved))

    @property
    def moved(self) -> int:
        """The cents that it truly moves."""
        return 0 if self.kind == "other" else self.cents


class Drawing:
    """Draws the debts and the money of a seed."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.patrons = [f"0012345{number:02d}" for number in range(draw.randint(1, 6))]
        self.debts = [self._debt(number) for number in range(draw.randint(3, MOST))]
        self.unpaid = list(self.debts)
        self.lines: list[Line] = []
        self.receipts = 0
        wanted = draw.randint(1, MOST)
        while len(self.lines) < wanted:
            self.lines += self._lines()

    def _debt(self, number: int) -> Debt:
        draw = self.draw
        night = draw.choice((1, 1, 1, 1, 2, 3, 4))
        return Debt(
            fee_id=str(1001 + number),
            system=draw.choice((TOTALS, RECEIPTS)),
            patron=draw.choice(self.patrons),
            cents=draw.choice(AMOUNTS),
            way=draw.choice(WAYS),
            night=night,
        )

    def _lines(self) -> Sequence[Line]:
        """Draw a payment, and perhaps what becomes of it."""
        sale = self._sale()
        lines = [sale]
        if self.draw.random() < 0.1:
            lines.append(replace(sale, receipt=self._receipt(sale.system)))
        if sale.kind == "sale" and self.draw.random() < 0.25:
            lines.append(self._back(sale))
        return lines

    def _receipt(self, system: str) -> str:
        self.receipts += 1
        return f"R{self.receipts}{self.draw.randrange(1000):03d}" if system == RECEIPTS else ""

    def _sale(self) -> Line:
        draw, debt = self.draw, self._one_of_the_debts()
        cents = draw.choice((debt.cents, debt.cents, debt.cents, debt.cents // 3, 1, debt.cents + 300))
        day = draw.randint(0, MONEY_DAYS - 1)
        line = Line(
            system=debt.system,
            receipt=self._receipt(debt.system),
            number="1" if debt.system == RECEIPTS else "",
            kind="sale",
            patron=debt.patron,
            cents=cents,
            day=day,
            names=((debt.fee_id, cents),),
        )
        return self._odd(line, debt)

    def _one_of_the_debts(self) -> Debt:
        """Mostly one that nobody has paid yet."""
        if self.unpaid and self.draw.random() < 0.8:
            return self.unpaid.pop(self.draw.randrange(len(self.unpaid)))
        return self.draw.choice(self.debts)

    def _odd(self, line: Line, debt: Debt) -> Line:
        """Some lines are not plain payments of one fee; receipts may say more than a report."""
        ways = [self._unnamed, self._unnamed, self._unknown, self._strange, self._of_nothing, self._total]
        if line.system == RECEIPTS:
            ways += [self._several, self._several, self._foreign, self._written_off, self._adjusted]
        number = self.draw.randrange(24)
        return ways[number](line, debt) if number < len(ways) else line

    def _unnamed(self, line: Line, _debt: Debt) -> Line:
        return replace(line, names=())

    def _unknown(self, line: Line, _debt: Debt) -> Line:
        return replace(line, names=(("9999", line.cents),))

    def _strange(self, line: Line, _debt: Debt) -> Line:
        return replace(line, patron=self.draw.choice(self.patrons))

    def _of_nothing(self, line: Line, _debt: Debt) -> Line:
        """A payment that failed, or a row of a report with nothing paid."""
        if line.system == RECEIPTS:
            return replace(line, kind="other")
        return replace(line, cents=0, kind="other", names=())

    def _total(self, line: Line, debt: Debt) -> Line:
        mine = sum(one.cents for one in self.debts if (one.patron, one.system) == (debt.patron, debt.system))
        return replace(line, names=(), cents=mine)

    def _foreign(self, line: Line, _debt: Debt) -> Line:
        return replace(line, item="DORM-1")

    def _written_off(self, line: Line, debt: Debt) -> Line:
        return replace(line, kind="writeoff", cents=-min(line.cents, debt.cents))

    def _adjusted(self, line: Line, _debt: Debt) -> Line:
        return replace(line, kind="adjustment", cents=-line.cents)

    def _several(self, line: Line, debt: Debt) -> Line:
        mates = [one for one in self.debts if (one.system, one.patron) == (debt.system, debt.patron)][:3]
        names = tuple((one.fee_id, one.cents) for one in mates)
        if self.draw.random() < 0.2:
            names = (*names, ("8888", 100))
        total = sum(cents for _, cents in names)
        plain = len(names) == 1
        return replace(line, names=names, cents=names[0][1] if plain else total)

    def _back(self, sale: Line) -> Line:
        draw = self.draw
        day = min(MONEY_DAYS, sale.day + draw.choice((0, 1, 2, 3, 5)))
        part = sale.cents > 1 and draw.random() < 0.25
        cents = -(sale.cents // 2 if part else sale.cents)
        if sale.system == TOTALS:
            return replace(
                sale, kind="reversal", cents=cents, day=day, names=tuple((ref, cents) for ref, _ in sale.names)
            )
        kind = draw.choice(("void", "refund", "refund", "reversal", "chargeback"))
        names = tuple((ref, -one) for ref, one in sale.names) if len(sale.names) > 1 and not part else ()
        names = names if names or len(sale.names) != 1 else ((sale.names[0][0], cents),)
        back = replace(sale, kind=kind, cents=cents, day=day, names=names)
        if kind == "void" and not part:
            return back
        kind = "refund" if kind == "void" else kind
        known = sale.receipt if draw.random() < 0.9 else f"{sale.receipt}X"
        return replace(back, kind=kind, receipt=self._receipt(RECEIPTS), origin=known)
