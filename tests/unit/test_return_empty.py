"""A report that repeats itself and says nothing any more is told, for what it said before has not gone back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.unit.return_kit import Counter, cashnet, codes

if TYPE_CHECKING:
    from pathlib import Path

ROW = "001234567,01/05/2026,1001,12.50"


def test_headings_alone_are_told_after_files_with_lines_and_nothing_is_withdrawn(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv", ROW)
    assert codes(counter.night()) == []
    counter.paid("LIBRARY_PAID_2.csv")
    assert codes(counter.night()) == ["RETURN-EMPTY"]
    assert counter.money() == [("received", 1250, "")]


def test_headings_alone_say_nothing_new_where_no_line_ever_came(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.paid("LIBRARY_PAID_1.csv")
    assert codes(counter.night()) == []


def test_a_day_without_payments_is_a_day_like_any_other(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.leave("CASHNET_PAYMENTS_1.csv", cashnet("R1,1,SALE,CLOSED,12.50,1001,LIB-LOST"), at="cashnet/out")
    counter.night()
    counter.leave("CASHNET_PAYMENTS_2.csv", cashnet(), at="cashnet/out")
    assert codes(counter.night()) == []
