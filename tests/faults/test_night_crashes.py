"""A whole night dies at any call to ledger, folder or Alma; the same command again, and all is done once."""

from __future__ import annotations

import copy
import os
import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.nights import Nights

if TYPE_CHECKING:
    from pathlib import Path

STUDENT = {"fee_id": "1001", "amount_text": "10"}
GUEST = {"patron_id_type": "userName", "patron_id": "guest@example.edu"}
PAID = (
    "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
    "001234567,01/05/2026,1001,10.00,4.00,300000007000,Overdue fine\n"
)
TAKEN = (
    "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL\r\n"
    "D,777,1,SALE,CLOSED,1/5/2026,guest@example.edu,CC,LIB-OVERDUE,2.00,ALMA_FEE_ID,1002\r\n"
    "T,1,2.00\r\n"
)


class Died(BaseException):
    """The machine went away."""


class Fate:
    """Counts the calls of a night, and lets it die at one of them, before or after it took effect."""

    def __init__(self, at: int, *, after: bool) -> None:
        self.at = at
        self.after = after
        self.calls = 0

    def around(self, verb: Any) -> Any:
        def call(*given: Any, **named: Any) -> Any:
            mine = self.calls
            self.calls += 1
            if mine == self.at and not self.after:
                raise Died
            answer = verb(*given, **named)
            if mine == self.at:
                raise Died
            return answer

        return call


class Fated:
    """Anything outside, with every verb in the hands of fate."""

    def __init__(self, true: Any, fate: Fate) -> None:
        self._true = true
        self._fate = fate

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._true, name)
        return self._fate.around(value) if callable(value) else value


class FatedNights(Nights):
    """Nights whose ledger, folders and Alma may die under them."""

    fate: Fate | None = None

    def ledger(self) -> Any:
        true = super().ledger()
        return Fated(true, self.fate) if self.fate else true

    def place(self, connection: str, folder: str) -> Any:
        true = super().place(connection, folder)
        return Fated(true, self.fate) if self.fate else true

    def until_death(self, day: int, fate: Fate) -> bool:
        """Run a night that may die; say whether it did."""
        honest, self.fate = self.alma, fate
        self.alma = Fated(honest, fate)
        try:
            self.night(day)
        except Died:
            return True
        else:
            return False
        finally:
            self.fate, self.alma = None, honest


def world(folder: Path) -> FatedNights:
    """One night lies behind; tonight an export and payments of both systems have come."""
    nights = FatedNights(folder)
    nights.exported("a.xml", STUDENT, {**GUEST, "fee_id": "1002", "amount_text": "20"})
    nights.night(1)
    nights.exported(
        "b.xml", {**STUDENT, "fee_id": "2001"}, {**GUEST, "fee_id": "2002", "amount_text": "3"}, number="101"
    )
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", PAID)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", TAKEN)
    return nights


def copied(nights: FatedNights, folder: Path) -> FatedNights:
    """The same world once more; its Alma is as new, for nothing has been paid yet."""
    shutil.copytree(nights.folder, folder)
    twin = FatedNights.again(nights)
    twin.folder, twin.campus_file = folder, folder / "campus.toml"
    twin.clock, twin.alma = copy.deepcopy((nights.clock, nights.alma))
    return twin


def calls_of_a_night(first: FatedNights, folder: Path) -> int:
    nights = copied(first, folder)
    fate = Fate(-1, after=False)
    assert not nights.until_death(2, fate)
    return fate.calls


POINTS = int(os.environ.get("BURSAR_POINTS", "2"))
"""How many of the calls each test tries, evenly spread and each its own; `make model` tries them all."""


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("next_day", [False, True], ids=["same-date", "next-date"])
def test_a_night_that_died_anywhere_is_finished_by_the_same_command_and_done_once(
    tmp_path: Path, *, after: bool, next_day: bool
) -> None:
    first = world(tmp_path / "first")
    count = calls_of_a_night(first, tmp_path / "whole")
    step = max(1, count // POINTS)
    for at in range((int(after) + 2 * int(next_day)) * step // 4, count, step):
        nights = copied(first, tmp_path / str(at))
        assert nights.until_death(2, Fate(at, after=after))
        nights.night(3 if next_day else 2)
        nights.night(4)
        orders = sorted((order.fee_id, order.cents) for order in nights.alma.applied)
        doubtful = nights.doubts()
        assert sorted([*orders, *doubtful]) == [("F1001", 400), ("F1002", 200)], f"call {at}"
        students = "".join(nights.delivered("peoplesoft/in").values())
        assert [students.count(" 1001 "), students.count(" 2001 ")] == [1, 1], f"call {at}"
        newest = list(nights.delivered("cashnet/in").values())[-1]
        assert (",18.00," in newest, ",3.00," in newest) == (True, True), f"call {at}"
        assert nights.night(5).exit_code in (0, 2 if doubtful else 0)
