"""One debt under another name, over whole nights: entered anew, told by two sources, or owed by one user name twice."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipeline.cli import decide
from pipeline.ports.ledger import Question
from tests.nights import Nights, codes
from tests.scenarios.test_changes import Told

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from pipeline.ports.outside import AlmaFee

CHARGES = "CHARGES_OUT"
GUEST = {"patron_id_type": "userName", "fee_type": "OTHER", "amount_text": "65", "barcode": "039080000009999"}

MORE = """
[sources.more]
kind = "report"
format = "csv"
lists = "new_since"
connection = "library"
folder = "."
pattern = "more-*.csv"
quiet_s = 0
patron_id_type = "all_unique"
as_of = { lag_days = 1 }

[sources.more.columns]
fee_id = ["Fine Fee Id"]
patron_id = ["Primary Identifier"]
fee_type = ["Fine Fee Type"]
original = ["Original Amount"]
date = ["Transaction Date"]
"""
EVERYTHING = '[[routes]]\nto = "peoplesoft"\n'


class Commented(Told):
    """Nights whose report has a column for the comment of a fee."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, reversals=False)
        self.comments: dict[str, str] = {}
        group = 'user_group = ["User Group"]'
        self.text = self.text.replace(group, f'{group}\ncomment = ["Fine Comment"]')
        self.rule(EVERYTHING)

    def headings(self) -> tuple[str, ...]:
        return (*super().headings(), "Fine Comment")

    def row(self, fee: AlmaFee, when: datetime) -> tuple[str, ...]:
        return (*super().row(fee, when), self.comments.get(fee.fee_id, ""))


def commented(folder: Path) -> Commented:
    """One debt of 50.00 is billed; another keeps the reports from being empty."""
    nights = Commented(folder)
    nights.owes("5001", 5000, barcode="39001")
    nights.owes("5009", 100)
    nights.told(1)
    return nights


def twice(folder: Path) -> Told:
    """A campus of two reports, of which the second may say again what the first says."""
    nights = Told(folder, reversals=False)
    pattern = '[sources.fines]\npattern = "fines-*.csv"\nsmaller_percent = 0'
    nights.text = nights.text.replace("[sources.fines]\nsmaller_percent = 0", pattern) + MORE
    nights.rule(EVERYTHING)
    nights.owes("5001", 5000)
    nights.owes("5009", 100)
    return nights


def test_a_fee_closed_and_entered_anew_in_one_night_stays_billed_once_until_a_person_says_otherwise(
    tmp_path: Path,
) -> None:
    nights = commented(tmp_path)
    nights.waived("5001", 5000)
    nights.owes("5002", 5000, barcode="39001")
    nights.comments["5002"] = "Reopens 5001"
    second = nights.told(2)
    assert (codes(second, CHARGES, "continued"), codes(second, CHARGES, "held")) == (["REOPENS"], ["FALL-OF-REOPENED"])
    third = nights.told(3)
    assert codes(third, CHARGES, "held") == ["FALL-OF-REOPENED"]
    assert nights.billed()["5001"] == ("peoplesoft", 5000)
    assert nights.lines() == [("charges", "5001", "50.00"), ("charges", "5009", "1.00")]
    assert decide.approve(decide.Named("5001"), nights.campus_file, decide.Word("the new one is waived too")) == 0
    nights.waived("5002", 5000)
    nights.told(4)
    assert nights.billed()["5001"] == ("peoplesoft", 0)


def test_a_fee_that_reopens_what_is_billed_no_more_is_held_and_a_yes_bills_it(tmp_path: Path) -> None:
    nights = commented(tmp_path)
    nights.waived("5001", 5000)
    nights.told(2)
    nights.owes("5002", 2000, barcode="39001")
    nights.comments["5002"] = "reopens 5001"
    assert codes(nights.told(3), CHARGES, "held") == ["REOPENS-DIFFERS"]
    assert decide.approve(decide.Named("5002"), nights.campus_file, decide.Word("a debt of its own")) == 0
    assert codes(nights.told(4), CHARGES, "held") == []
    assert nights.billed() == {"5001": ("peoplesoft", 0), "5002": ("peoplesoft", 2000), "5009": ("peoplesoft", 100)}


def test_a_fee_that_two_reports_tell_of_in_one_night_is_billed_once_and_the_night_goes_on(tmp_path: Path) -> None:
    nights = twice(tmp_path)
    nights.report("more-01.csv", hide=["5009"])
    first = nights.told(1)
    assert (codes(first, CHARGES, "held"), first.exit_code) == (["REFERENCE-TAKEN"], 1)
    assert codes(nights.told(2), CHARGES, "held") == ["REFERENCE-TAKEN"]
    assert nights.lines() == [("charges", "5001", "50.00"), ("charges", "5009", "1.00")]


def test_no_yes_leads_into_a_night_that_cannot_be_booked(tmp_path: Path) -> None:
    nights = twice(tmp_path)
    nights.told(1)
    nights.report("more-02.csv", hide=["5009"])
    assert codes(nights.told(2), CHARGES, "held") == ["REFERENCE-TAKEN"]
    with closing(nights.ledger()) as ledger:
        question = Question("more", "5001", 1, "REFERENCE-TAKEN")
        ledger.approve_fee(question, "", "someone", "send it", nights.clock.now())
    third = nights.told(3)
    assert (codes(third, CHARGES, "held"), [one.code for one in third.findings if one.stops]) == (
        ["REFERENCE-TAKEN"],
        [],
    )


def test_a_user_name_in_another_case_is_no_other_person(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "patron_id": "guest@example.edu"})
    nights.night(1)
    nights.exported("b.xml", {**GUEST, "fee_id": "1002", "patron_id": "Guest@Example.edu"}, number="101")
    assert codes(nights.night(2), CHARGES, "held") == ["LOOKS-SENT-ALREADY"]


def test_a_credit_finds_its_charge_whatever_the_case_of_the_user_name(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    others = [{**GUEST, "fee_id": f"11{number:02d}", "barcode": f"0390800000011{number:02d}"} for number in range(20)]
    nights.exported("a.xml", {**GUEST, "patron_id": "guest@example.edu"}, *others)
    nights.night(1)
    credit = {**GUEST, "fee_id": "1002", "fee_type": "CREDIT", "amount_text": "-65", "patron_id": "GUEST@example.edu"}
    nights.exported("b.xml", credit, number="101")
    assert codes(nights.night(2), CHARGES, "held") == []
    with closing(nights.ledger()) as ledger:
        assert ledger.charges_of(["Guest@Example.edu"])["billed_cents"].tolist() == [0]


def test_a_fee_that_continues_a_debt_and_is_raised_then_is_held_until_a_person_ends_it(tmp_path: Path) -> None:
    nights = commented(tmp_path)
    nights.waived("5001", 5000)
    nights.owes("5002", 5000, barcode="39001")
    nights.comments["5002"] = "reopens 5001"
    assert codes(nights.told(2), CHARGES, "continued") == ["REOPENS"]
    nights.raised("5002", 2000)
    for number in (3, 4):
        night = nights.told(number)
        assert (night.sent, codes(night, CHARGES, "held")) == (0, ["CONTINUED-GROWN", "FALL-OF-REOPENED"])
    assert decide.reject(decide.Named("5002"), nights.campus_file, "the bursar raised the old one by hand") == 0
    assert codes(nights.told(5), CHARGES, "held") == ["FALL-OF-REOPENED"]
