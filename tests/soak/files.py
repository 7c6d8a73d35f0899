"""The bursar's files: written from the truth, then sent twice, renamed, late, cut off, or with rows gone."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from pipeline.money import dollars
from tests.soak.campus import HEADINGS, KINDS, RECEIPTS, TOTALS
from tests.soak.money import NIGHTS

if TYPE_CHECKING:
    import random
    from collections.abc import Sequence

    from tests.fakes.place import Drive
    from tests.soak.money import Line

FIRST = date(2026, 1, 5)
PAID = "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
SAID = {ours: theirs for theirs, ours, _ in KINDS}


def on(day: int) -> date:
    """Give the date of a day of the nights."""
    return FIRST + timedelta(days=day)


def _day(day: int) -> str:
    when = on(day)
    return f"{when.month}/{when.day}/{when.year}"


def report(lines: Sequence[Line]) -> str:
    """Write the report that says all of it again, without a trailer."""
    rows = [
        f"{one.patron},{_day(one.day)},{one.names[0][0] if one.names else ''},{dollars(abs(one.cents))},"
        f"{dollars(one.cents)},300000007000,Overdue fine\n"
        for one in lines
    ]
    return PAID + "".join(rows)


def receipts(lines: Sequence[Line]) -> str:
    """Write receipts with their trailer."""
    rows = [
        f"D,{one.receipt},{one.number},{SAID[one.kind]},{_day(one.day)},{one.patron},CC{'/' * bool(one.origin)}"
        f"{one.origin},{one.item},{dollars(one.cents)},{_reference(one)}\r\n"
        for one in lines
    ]
    total = sum(one.cents for one in lines)
    return f"{','.join(HEADINGS)}\r\n{''.join(rows)}T,{len(rows)},{dollars(total)}\r\n"


def _reference(line: Line) -> str:
    if len(line.names) > 1:
        return "|".join(f"{ref}:{abs(cents)}" for ref, cents in line.names)
    return line.names[0][0] if line.names else ""


@dataclass(frozen=True)
class Sent:
    """A file that the bursar sends: on which night it truly comes, what it says, and whether it is whole."""

    system: str
    name: str
    night: int
    content: bytes
    lines: tuple[Line, ...]
    whole: bool = True

    @property
    def sha(self) -> str:
        return hashlib.sha256(self.content).hexdigest()

    @property
    def says(self) -> Counter[tuple[str, ...]]:
        """Count its lines by their marks; of a file that was cut off, those whose line is whole."""
        return Counter(one.mark for one in self.lines)


class Mailroom:
    """Writes all the files of a seed, and leaves them on the drives night by night."""

    def __init__(self, lines: Sequence[Line], draw: random.Random) -> None:
        self.draw = draw
        self.sent: list[Sent] = []
        for night in range(1, NIGHTS + 1):
            self._receipts([one for one in lines if (one.system, one.day) == (RECEIPTS, night - 1)], lines, night)
            self._report([one for one in lines if one.system == TOTALS and one.day < night], night)

    def _receipts(self, lines: Sequence[Line], every: Sequence[Line], night: int) -> None:
        draw = self.draw
        if not lines and draw.random() < 0.7:
            return
        known = [one for one in every if one.system == RECEIPTS and one.day < night - 1]
        told = [*lines, *(one for one in known if draw.random() < 0.1)]
        draw.shuffle(told)
        name, text = f"CASHNET_PAYMENTS_{night:02d}.csv", receipts(told)
        comes = night + draw.choice((0, 0, 0, 0, 1, 3))
        if draw.random() < 0.15:
            cut = text.encode()[: draw.randrange(1, text.rindex("T,") + 4)]
            self.sent.append(Sent(RECEIPTS, name, comes, cut, (), whole=False))
            comes, name = comes + 1, draw.choice((name, name.replace(".csv", "_B.csv")))
        self._again(Sent(RECEIPTS, name, comes, text.encode(), tuple(told)))

    def _report(self, lines: Sequence[Line], night: int) -> None:
        draw = self.draw
        if not lines or (draw.random() < 0.25 and night < NIGHTS):
            return
        vanish = night < NIGHTS and draw.random() < 0.15
        told = [one for one in lines if not vanish or draw.random() < 0.8]
        if night < NIGHTS and draw.random() < 0.1:
            draw.shuffle(told)
        text = report(told)
        if told and night < NIGHTS and draw.random() < 0.1:
            rows = text.splitlines(keepends=True)
            keep = draw.randint(1, len(told))
            told, text = told[: keep - 1], "".join(rows[:keep])
        name = draw.choice((f"LIBRARY_PAID_{night:02d}.csv", "LIBRARY_PAID_ALL.csv"))
        comes = night + (draw.choice((0, 0, 0, 0, 1, 3)) if night < NIGHTS else 0)
        self._again(Sent(TOTALS, name, comes, text.encode(), tuple(told)))

    def _again(self, file: Sent) -> None:
        """Send a file, and perhaps the same bytes once more under its name or another."""
        self.sent.append(file)
        if self.draw.random() < 0.2:
            name = file.name.replace(".csv", "_COPY.csv") if self.draw.random() < 0.5 else file.name
            later = file.night + self.draw.randint(0, 3)
            self.sent.append(Sent(file.system, name, later, file.content, file.lines))

    def leave(self, night: int, drives: dict[str, Drive]) -> None:
        """Leave what comes on a night; after the last one, all that is still missing."""
        for file in self.sent:
            if file.night == night or (night > NIGHTS and file.night >= night):
                drives[file.system].put(file.name, file.content)
