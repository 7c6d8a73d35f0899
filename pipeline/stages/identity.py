"""Gives every line of money its identity: the same line told twice has one key, two real payments have two."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pandas as pd

TAKEN_BACK = ("refund", "void", "reversal", "chargeback")
"""Words for one event: what a line of a receipt brought goes back.  Two reports may use two of them for it."""

RECEIPT, CONTENT, TO_DATE = "receipt", "content", "to_date"

FIRST = "1"
"""The line of a receipt that has one line and does not number it."""


def identified(rows: pd.DataFrame) -> pd.DataFrame:
    """Fill in payment_key, fingerprint, identity, receipt_key and line_key of rows of one file (tables.PAYMENTS).

    Whoever reads it, a line of a receipt is known by system, receipt, line and whether money comes or goes.  A receipt
    that does not number its lines is known by its least line, and each of the others by what it says.  Without a
    receipt a line is known by what it says, equal ones of a file being counted from the oldest day on.  An amount paid
    to date is known by its reference alone.  A line that cannot be read never takes the place of one that can.  The
    fingerprint is the money: for what, how many cents, and which way.
    """
    if not len(rows):
        return rows
    lines = list(_lines(rows))
    anchors = _anchors(lines)
    keys, kinds, receipts, places = [], [], [], []
    for line, nth in zip(lines, _counted(lines), strict=True):
        kind = line.identity
        receipt = key_of(RECEIPT, *line.receipt, FIRST) if kind == RECEIPT and not line.number else ""
        place = line_of(receipt, line.fingerprint, nth) if receipt else ""
        if receipt:
            key = receipt if nth == 0 and anchors[line.receipt] == line.money else place
        elif kind == RECEIPT:
            key = key_of(RECEIPT, *line.receipt, line.number)
        elif kind == TO_DATE:
            key = key_of(TO_DATE, line.system, line.who)
        else:
            key = key_of(CONTENT, *line.content, str(nth))
        keys.append(key)
        kinds.append(kind)
        receipts.append(receipt)
        places.append(place)
    prints = [line.fingerprint for line in lines]
    return rows.assign(payment_key=keys, fingerprint=prints, identity=kinds, receipt_key=receipts, line_key=places)


def key_of(*parts: str) -> str:
    """Make a key of its parts."""
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()[:32]


def person(patron_id: str) -> str:
    """Give the one form of a patron's id, however it is written: ids are the same in any case."""
    return patron_id.casefold()


def line_of(receipt: str, fingerprint: str, nth: int) -> str:
    """Make the key of a line within a receipt that does not number its lines; equal ones are counted from 0."""
    return key_of(receipt, fingerprint, str(nth))


def back_of(system: str, receipt: str, line: str) -> str:
    """Make the key of what takes a line of a receipt back under the same receipt, "" where there is none.

    Of a receipt that does not number its lines it is the key of the least line that takes any back.
    """
    return key_of(RECEIPT, system, receipt, "back", _number(line) or FIRST) if receipt else ""


def step_of(reference: str, number: int) -> str:
    """Make the key of the ``number``-th change, from 1, of what was paid to date for a reference."""
    return key_of(reference, str(number))


class _Line:
    """What one row says, as far as it tells the row from others."""

    __slots__ = ("content", "fingerprint", "identity", "money", "number", "on", "patron", "receipt", "system", "who")

    def __init__(self, said: dict[str, str], cents: int) -> None:
        self.system, ref, kind = said["system"], said["payment_ref"], said["kind"]
        unreadable = said["unreadable"]
        way = ("unreadable " if unreadable else "") + (
            "in" if kind == "sale" else "back" if kind in TAKEN_BACK else kind
        )
        self.who, self.on, self.patron = _for_what(said), said["occurred_on"], person(said["patron_id"])
        self.number = _number(said["payment_line"])
        self.receipt = (self.system, ref, way)
        self.money = (*self.receipt, self.who, str(cents))
        self.fingerprint = key_of("money", self.system, self.who, str(cents), way)
        self.content = (*self.money, self.number, self.on, unreadable)
        if said["amount_is"] == "paid_to_date" and not unreadable:
            self.identity = TO_DATE
        else:
            self.identity = RECEIPT if ref else CONTENT


NAMES = ("system", "payment_ref", "payment_line", "kind", "fee_ref", "fees", "patron_id", "occurred_on")
MORE = ("unreadable", "amount_is")


def _lines(rows: pd.DataFrame) -> Iterator[_Line]:
    names = (*NAMES, *MORE)
    columns: Sequence[list[str]] = [rows[name].tolist() for name in names]
    for cents, *texts in zip(rows["amount_cents"].tolist(), *columns, strict=True):
        yield _Line(dict(zip(names, texts, strict=True)), cents)


def _for_what(said: dict[str, str]) -> str:
    """Give the debts that a line names, in any order, or else its patron, in any case."""
    if said["fees"]:
        return json.dumps(sorted(json.loads(said["fees"])))
    return said["fee_ref"] or person(said["patron_id"])


def _number(line: str) -> str:
    """The line within its receipt; 01 is 1."""
    return line.lstrip("0") or "0" if line.isdecimal() else line


def _counted(lines: Sequence[_Line]) -> list[int]:
    """Count equal lines from 0, the oldest day first: what a later file adds does not move those before it.

    Those of several patrons for one fee are counted apart: who comes first in a file says nothing.
    """
    seen: Counter[tuple[str, ...]] = Counter()
    found = [0] * len(lines)
    for place in sorted(range(len(lines)), key=lambda place: lines[place].on):
        line = lines[place]
        said = (line.identity, *((*line.content, line.patron) if line.identity == CONTENT else line.money))
        found[place] = seen[said]
        seen[said] += 1
    return found


def _anchors(lines: Sequence[_Line]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Give the least line of every receipt that does not number its lines, whatever their order in the file."""
    least: dict[tuple[str, ...], tuple[str, ...]] = {}
    for line in lines:
        if line.identity == RECEIPT and not line.number:
            least[line.receipt] = min(least.get(line.receipt, line.money), line.money)
    return least
