"""What happens to a debt after it was billed: raised, lowered, reversed, billed again, and told twice."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

from tests.nights import codes
from tests.reports import Reported
from tests.two_systems import TwoSystems

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.nightly import Night

STUDENT = "001234567"


class Told(TwoSystems):
    """Nights that each begin with a report of the evening before."""

    def told(self, day: int, *, name: str = "", days_old: int = 0) -> Night:
        self.report(name or f"fines-{day:02d}.csv", days_old=days_old)
        return self.night(day)

    def lines(self) -> list[tuple[str, str, str]]:
        """Every line PeopleSoft got: kind of file, reference, amount; in the order of the files."""
        return [
            (name.split("_")[1], line[52:82].strip(), line[34:49].lstrip("0"))
            for name, text in sorted(self.delivered("peoplesoft/in").items(), key=lambda file: file[0][-17:])
            for line in text.splitlines()[1:]
        ]


def test_a_fee_raised_twice_by_the_same_sum_goes_out_as_three_charges_and_a_rerun_sends_none(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.told(1)
    nights.raised("5001", 2000)
    nights.told(2)
    nights.raised("5001", 2000)
    night = nights.told(3)
    assert codes(night, "CHARGES_OUT", "held") == []
    expected = [("charges", "5001", "50.00"), ("charges", "5001-2", "20.00"), ("charges", "5001-3", "20.00")]
    assert sorted(nights.lines()) == expected
    nights.told(4)
    nights.night(5)
    assert sorted(nights.lines()) == expected


def test_a_fee_lowered_by_part_twice_gives_two_credits_and_none_is_called_a_duplicate(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.told(1)
    nights.waived("5001", 1000)
    nights.told(2)
    nights.waived("5001", 1000)
    night = nights.told(3)
    nights.told(4)
    assert codes(night, "CHARGES_OUT", "held") == []
    assert sorted(nights.lines()) == [
        ("charges", "5001", "50.00"),
        ("credits", "5001-2", "10.00"),
        ("credits", "5001-3", "10.00"),
    ]


def test_a_fee_that_is_reversed_and_billed_again_sends_each_line_once(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=True)
    nights.owes("5001", 5000)
    nights.owes("5009", 100)
    nights.told(1)
    nights.waived("5001", 5000)
    nights.told(2)
    nights.raised("5001", 5000)
    nights.told(3)
    nights.told(4)
    assert sorted(nights.lines()) == [
        ("charges", "5001", "50.00"),
        ("charges", "5001-3", "50.00"),
        ("charges", "5009", "1.00"),
        ("reversals", "5001", "50.00"),
    ]


def test_a_part_that_no_whole_charges_make_up_goes_out_as_one_credit_never_as_reverse_and_recharge(
    tmp_path: Path,
) -> None:
    nights = Told(tmp_path, reversals=True)
    nights.owes("5001", 5000)
    nights.told(1)
    nights.raised("5001", 2000)
    nights.told(2)
    nights.waived("5001", 3000)
    nights.told(3)
    nights.told(4)
    assert sorted(nights.lines()) == [
        ("charges", "5001", "50.00"),
        ("charges", "5001-2", "20.00"),
        ("credits", "5001-3", "30.00"),
    ]


def test_whole_charges_whose_sum_is_the_fall_are_reversed_newest_first(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=True)
    nights.owes("5001", 5000)
    nights.told(1)
    nights.raised("5001", 2000)
    nights.told(2)
    nights.waived("5001", 2000)
    nights.told(3)
    nights.told(4)
    assert ("reversals", "5001-2", "20.00") in nights.lines()
    assert [line for line in nights.lines() if line[0] == "credits"] == []


def test_what_our_own_payments_explain_is_no_change_however_late_the_report(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.told(1)
    rows = [f"{STUDENT},01/02/2026,5001,50.00,20.00,300000007000,Overdue fine\n"]
    nights.paid_at_bursar(2, rows)
    for day in range(2, 7):
        night = nights.told(day, days_old=min(day - 2, 2))
        assert codes(night, "CHARGES_OUT", "held") == []
    assert [order.cents for order in nights.alma.applied] == [2000]
    assert nights.lines() == [("charges", "5001", "50.00")]


def test_a_fee_that_left_the_report_but_is_open_in_alma_is_held_and_nothing_is_credited(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.owes("5002", 700)
    nights.told(1)
    nights.report("hidden.csv", hide=("5001",))
    night = nights.night(2)
    assert codes(night, "CHARGES_OUT", "held") == ["GONE-BUT-OPEN"]
    night = nights.told(3)
    assert codes(night, "CHARGES_OUT", "held") == []
    assert sorted(nights.lines()) == [("charges", "5001", "50.00"), ("charges", "5002", "7.00")]


def test_a_debt_stays_with_its_debtor_when_the_patron_changes_group_and_the_rules_change(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.told(1)
    nights.rule('[[routes]]\nto = "cashnet"\n')
    nights.raised("5001", 2000)
    nights.owes("5002", 700)
    nights.told(2)
    assert sorted(nights.lines()) == [("charges", "5001", "50.00"), ("charges", "5001-2", "20.00")]
    assert nights.shown() == {"5002": 700}


def test_at_a_snapshot_system_a_fall_is_the_lower_row_and_a_raise_the_higher_one(tmp_path: Path) -> None:
    nights = Reported(tmp_path, "portal")
    nights.owes("5001", 5000)
    nights.report("1.csv")
    nights.night(1)
    nights.waived("5001", 1000)
    nights.report("2.csv")
    nights.night(2)
    nights.raised("5001", 300)
    nights.report("3.csv")
    nights.night(3)
    amounts = [text.splitlines()[1].split(",")[6] for _, text in sorted(nights.delivered("cashnet/in").items())]
    assert amounts == ["50.00", "40.00", "43.00"]
    assert all(len(text.splitlines()) == 2 for text in nights.delivered("cashnet/in").values())


def test_a_report_delivered_twice_renamed_split_or_overlapping_sends_nothing_twice(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    for number in range(6):
        nights.owes(str(5001 + number), 500 + number)
    nights.told(1)
    before = nights.lines()
    assert len(before) == 6
    nights.told(2, name="renamed.csv")
    folder = nights.folder / "exchange" / "alma"
    shutil.copy(folder / "renamed.csv", folder / "renamed again.csv")
    nights.night(3)
    head, *rows = nights.written().splitlines()
    (folder / "part 1.csv").write_text("\r\n".join([head, *rows[:4], ""]), "utf-8")
    (folder / "part 2.csv").write_text("\r\n".join([head, *rows[2:], ""]), "utf-8")
    night = nights.night(4)
    assert codes(night, "CHARGES_OUT", "held") == []
    assert nights.lines() == before


def test_a_report_suddenly_empty_waits_for_a_person_and_the_next_good_one_goes_its_way(tmp_path: Path) -> None:
    nights = Reported(tmp_path, "portal")
    nights.owes("5001", 5000)
    nights.owes("5002", 600)
    nights.report("1.csv")
    nights.night(1)
    (nights.folder / "exchange" / "alma" / "2.csv").write_text(nights.written().splitlines()[0] + "\r\n", "utf-8")
    night = nights.night(2)
    assert "REPORT-SHORT" in [finding.code for finding in night.findings]
    assert night.exit_code == 2
    assert len(nights.delivered("cashnet/in")) == 1
    nights.report("3.csv")
    night = nights.night(3)
    assert [finding.code for finding in night.findings if finding.stops] == []
    assert len(nights.delivered("cashnet/in")) == 1


def test_a_report_that_is_as_an_older_one_was_is_read_again(tmp_path: Path) -> None:
    nights = Reported(tmp_path, "portal")
    nights.owes("5001", 5000)
    nights.report("1.csv")
    before = nights.written()
    nights.night(1)
    nights.owes("5002", 600)
    nights.report("2.csv")
    nights.night(2)
    nights.waived("5002", 600)
    nights.left("3.csv", before)
    nights.night(3)
    assert [text.count("\n") for text in nights.delivered("cashnet/in").values()] == [2, 3, 2]


def test_a_debt_that_was_taken_off_is_not_billed_again_because_a_report_came_late(tmp_path: Path) -> None:
    nights = Reported(tmp_path, "portal")
    nights.owes("5001", 5000)
    nights.owes("5002", 9000)
    nights.report("1.csv")
    nights.night(1)
    nights.waived("5001", 5000)
    nights.report("2.csv")
    nights.night(2)
    nights.night(3)
    nights.report("late.csv", days_old=3)
    night = nights.night(4)
    assert codes(night, "CHARGES_OUT", "held") == ["RISE-UNEXPLAINED"]
    assert [text.count(",5001,") for text in nights.delivered("cashnet/in").values()] == [1, 0]


def test_a_growth_that_waits_and_is_waived_meanwhile_leaves_nothing_to_credit(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.told(1)
    nights.rule('[[routes]]\nto = "peoplesoft"\n\n[waiting.debits]\nmin_amount = "40.00"\n')
    nights.raised("5001", 2000)
    nights.told(2)
    nights.waived("5001", 2000)
    nights.told(3)
    nights.told(4)
    assert nights.lines() == [("charges", "5001", "50.00")]


def test_a_listed_credit_is_never_billed(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 500, label="Credit")
    for day in (1, 2):
        assert codes(nights.told(day), "CHARGES_OUT", "held") == ["REPORT-CREDIT"]
    assert nights.lines() == []


def test_while_a_part_of_a_report_cannot_be_read_nothing_is_gone(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    for number in range(6):
        nights.owes(str(5001 + number), 500 + number)
    nights.told(1)
    head, *rows = nights.written().splitlines()
    folder = nights.folder / "exchange" / "alma"
    (folder / "part 1.csv").write_text("\r\n".join([head, *rows[:4], ""]), "utf-8")
    (folder / "part 2.csv").write_text("\r\n".join([head.replace("Fine Fee Id", "Number"), *rows[4:], ""]), "utf-8")
    night = nights.night(2)
    assert "REPORT-COLUMNS" in [finding.code for finding in night.findings]
    assert codes(night, "CHARGES_OUT", "held") == []


def test_an_empty_report_that_a_person_lets_in_makes_every_fee_be_looked_at(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.told(1)
    nights.waived("5001", 5000)
    assert nights.told(2).exit_code == 2
    nights.night(3, approved=frozenset({"fines"}))
    assert sorted(nights.lines()) == [("charges", "5001", "50.00"), ("credits", "5001-2", "50.00")]
