"""A refused file keeps the snapshot back until a whole one of its kind has come later, or a person gives it up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, cast

import pytest

from pipeline.cli.resolve import Bench, Wish
from pipeline.stages.resolving import Action, NotPossibleError
from tests.unit.return_kit import Counter, cashnet, codes

if TYPE_CHECKING:
    from pathlib import Path

WRONG = "LAYOUT-CONTROL"
GOOD = cashnet("R1,1,SALE,CLOSED,12.50,1001,LIB-LOST")
BAD = GOOD.replace("T,1,12.50", "T,1,13.50")


@pytest.fixture
def counter(tmp_path: Path) -> Counter:
    made = Counter(tmp_path)
    made.leave("CASHNET_PAYMENTS_1.csv", BAD, at="cashnet/out")
    night = made.night()
    assert (codes(night), set(night.unread)) == ([WRONG], {"cashnet"})
    return made


def bench(counter: Counter) -> Bench:
    ledger: Any = counter.ledger
    return Bench(cast("Any", Named(ledger)), counter.clock.now(), "ann")


class Named:
    """A ledger that knows its only refused file by its name."""

    def __init__(self, ledger: Any) -> None:
        self.ledger = ledger

    def __getattr__(self, name: str) -> Any:
        return getattr(self.ledger, name)

    def named(self, word: str) -> list[Any]:
        from pipeline.ports.ledger import Named as Found

        return [Found("file", row.sha) for row in self.ledger.rows.values() if row.name == word]

    def say(self, word: Any) -> None:
        """Nobody reads these words here."""

    def heard(self, word: Any, by: str, at: Any) -> None:
        """Nobody reads these words here."""


def test_it_keeps_it_back_night_after_night_while_nothing_else_comes(counter: Counter) -> None:
    for _ in range(2):
        assert counter.night().unread == {"cashnet"}


def test_the_file_of_a_later_day_ends_it_and_the_fault_is_named_still(counter: Counter) -> None:
    counter.leave("CASHNET_PAYMENTS_2.csv", GOOD, at="cashnet/out")
    night = counter.night()
    assert (WRONG in codes(night), night.unread) == (True, frozenset())
    assert counter.night().unread == frozenset()


def test_a_file_refused_later_than_the_good_one_keeps_it_back_again(counter: Counter) -> None:
    counter.leave("CASHNET_PAYMENTS_2.csv", GOOD, at="cashnet/out")
    counter.night()
    counter.leave("CASHNET_PAYMENTS_3.csv", BAD + "\n", at="cashnet/out")
    assert counter.night().unread == {"cashnet"}


def test_a_whole_file_of_the_same_day_does_not_show_that_nothing_is_missing(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.leave("CASHNET_PAYMENTS_1.csv", BAD, at="cashnet/out", age=timedelta(minutes=5))
    counter.leave("CASHNET_PAYMENTS_2.csv", GOOD, at="cashnet/out")
    assert counter.night().unread == {"cashnet"}


def test_a_person_gives_it_up_and_it_is_neither_read_nor_missed(counter: Counter) -> None:
    told = bench(counter).decide(Wish("CASHNET_PAYMENTS_1.csv", Action.REJECT, "came as 2"))
    assert told.endswith("CASHNET_PAYMENTS_1.csv is given up, by ann")
    night = counter.night()
    assert (codes(night), night.unread) == (["FILE-GIVEN-UP"], frozenset())
    with pytest.raises(NotPossibleError, match="read or refused by itself"):
        bench(counter).decide(Wish("CASHNET_PAYMENTS_1.csv", Action.REJECT, "again"))


def test_its_name_stays_free_for_a_whole_file(counter: Counter) -> None:
    bench(counter).decide(Wish("CASHNET_PAYMENTS_1.csv", Action.REJECT, "will come anew"))
    counter.leave("CASHNET_PAYMENTS_1.csv", GOOD, at="cashnet/out")
    assert codes(counter.night()) == []
    assert counter.money() == [("received", 1250, "")]


@pytest.mark.parametrize("action", [Action.RESEND, Action.SETTLED])
def test_nothing_else_can_be_said_of_it(counter: Counter, action: Action) -> None:
    with pytest.raises(NotPossibleError, match="what can be said is --reject"):
        bench(counter).decide(Wish("CASHNET_PAYMENTS_1.csv", action, "x"))
