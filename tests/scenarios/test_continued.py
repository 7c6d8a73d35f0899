"""The later life of a fee that continues an older debt: what we are paid is silent, all else is shown to people."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.cli import decide
from pipeline.cli.failures import UsageError
from tests.nights import codes
from tests.scenarios.test_changes import STUDENT
from tests.scenarios.test_other_names import CHARGES, Commented, commented

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.nightly import Night

STAYS = "FALL-OF-REOPENED"
"""Why the older charge, whose fee staff have closed, stays billed all the time."""


def continued(folder: Path) -> Commented:
    """A debt of 50.00 was closed in Alma, and goes on there as fee 5002; two nights are over."""
    nights = commented(folder)
    nights.waived("5001", 5000)
    nights.owes("5002", 5000, barcode="39001")
    nights.comments["5002"] = "reopens 5001"
    assert codes(nights.told(2), CHARGES, "continued") == ["REOPENS"]
    return nights


def paid(nights: Commented, day: int, *sums: str) -> None:
    """The bursar tells of every payment of the older charge so far, each of a day of its own."""
    rows = [
        f"{STUDENT},01/{on:02d}/2026,5001,50.00,{text},300000007000,Overdue fine\n" for on, text in enumerate(sums, 2)
    ]
    nights.paid_at_bursar(day, rows)


def words(night: Night) -> list[str]:
    """What is said of fee 5002 where it is held."""
    held = night.desks[CHARGES].box("held")
    return [] if held is None else held.loc[held["fee_id"] == "5002", "why"].tolist()


@pytest.mark.parametrize("hand", ["WAIVE", "PAYMENT"], ids=["waived", "paid at the desk"])
def test_a_part_taken_off_by_another_hand_is_held_with_both_figures_until_a_person_ends_it(
    tmp_path: Path, hand: str
) -> None:
    nights = continued(tmp_path)
    nights.alma.pay_by_hand("5002", 2000, hand)
    for day in (3, 4):
        night = nights.told(day)
        assert (night.sent, codes(night, CHARGES, "held")) == (0, ["CONTINUED-FALLEN", STAYS])
        (text,) = words(night)
        assert "an older debt of 50.00: 20.00 less" in text
    assert codes(nights.night(5), CHARGES, "held") == ["CONTINUED-FALLEN", STAYS], "also while no report comes"
    assert decide.reject(decide.Named("5002"), nights.campus_file, "it stays as it is") == 0
    paid(nights, 6, "30.00")
    for day in (6, 7, 8):
        assert codes(nights.told(day), CHARGES, "held") == [STAYS], "what a person has seen is not asked again"
    assert [(order.fee_id, order.cents) for order in nights.alma.applied] == [("5002", 3000)]


def test_one_that_is_gone_is_held_until_the_older_debt_is_lowered_too(tmp_path: Path) -> None:
    nights = continued(tmp_path)
    nights.waived("5002", 5000)
    for day in (3, 4):
        night = nights.told(day)
        assert codes(night, CHARGES, "held") == ["CONTINUED-FALLEN", STAYS]
        assert "an older debt of 50.00: 50.00 less" in words(night)[0]
    with pytest.raises(UsageError, match="which no yes to a row lets go"):
        decide.approve(decide.Named("5002"), nights.campus_file, decide.Word("it is for that one", "5001"))
    assert decide.approve(decide.Named("5001"), nights.campus_file, decide.Word("the new one is waived too")) == 0
    nights.told(5)
    assert nights.billed()["5001"] == ("peoplesoft", 0)
    sixth = nights.told(6)
    assert (codes(sixth, CHARGES, "held"), codes(sixth, CHARGES, "withdrawn")) == ([], ["CHANGE-REPLACED"])
    assert (codes(nights.told(7), CHARGES, "held"), codes(nights.told(8), CHARGES, "withdrawn")) == ([], [])


def test_one_that_a_report_left_out_is_no_question_any_more_once_it_is_shown_again(tmp_path: Path) -> None:
    nights = continued(tmp_path)
    nights.report("hidden.csv", hide=("5002",))
    assert codes(nights.night(3), CHARGES, "held") == ["CONTINUED-FALLEN", STAYS]
    fourth = nights.told(4)
    assert (codes(fourth, CHARGES, "held"), codes(fourth, CHARGES, "withdrawn")) == ([STAYS], ["CHANGE-REPLACED"])


@pytest.mark.parametrize("sums", [("50.00",), ("20.00", "30.00")], ids=["at once", "in two parts"])
def test_what_is_paid_to_the_bursar_and_posted_to_it_asks_nobody_however_late_the_report(
    tmp_path: Path, sums: tuple[str, ...]
) -> None:
    nights = continued(tmp_path)
    for day in range(3, 9):
        paid(nights, day, *sums[: day - 2])
        assert words(nights.told(day, days_old=min(day - 3, 2))) == []
    assert [order.fee_id for order in nights.alma.applied] == ["5002"] * len(sums)
    assert sum(order.cents for order in nights.alma.applied) == 5000


def test_what_is_waived_beside_a_payment_of_ours_is_held_without_that_payment(tmp_path: Path) -> None:
    nights = continued(tmp_path)
    paid(nights, 3, "20.00")
    assert codes(nights.told(3), CHARGES, "held") == [STAYS]
    nights.waived("5002", 1000)
    fourth = nights.told(4)
    assert codes(fourth, CHARGES, "held") == ["CONTINUED-FALLEN", STAYS]
    assert "an older debt of 50.00: 10.00 less" in words(fourth)[0]


def test_a_no_to_one_disappearance_is_no_answer_to_the_next(tmp_path: Path) -> None:
    nights = continued(tmp_path)
    nights.report("3.csv", hide=("5002",))
    assert codes(nights.night(3), CHARGES, "held") == ["CONTINUED-FALLEN", STAYS]
    assert decide.reject(decide.Named("5002"), nights.campus_file, "it was left out by mistake") == 0
    nights.report("4.csv", hide=("5002",))
    assert codes(nights.night(4), CHARGES, "held") == [STAYS]
    assert codes(nights.told(5), CHARGES, "withdrawn") == ["REJECTION-OVER"]
    nights.report("6.csv", hide=("5002",))
    assert codes(nights.night(6), CHARGES, "held") == ["CONTINUED-FALLEN", STAYS]
