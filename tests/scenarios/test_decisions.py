"""What people decide over whole nights: a yes is for what was asked, and a no does not outlive what it was said of."""

from __future__ import annotations

import getpass
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline.cli import decide, run
from pipeline.cli.failures import UsageError
from tests.nights import FIRST, Nights, codes
from tests.scenarios.test_changes import Told
from tests.scenarios.test_other_names import commented, twice

if TYPE_CHECKING:
    from pathlib import Path

CHARGES = "CHARGES_OUT"
BOOK = {"barcode": "039080036507785", "amount_text": "50"}
CREDIT = {"barcode": BOOK["barcode"], "amount_text": "-50", "fee_type": "CREDIT"}
REST = {"fee_id": "1009", "amount_text": "300"}


def yes(nights: Nights, fee: str, against: str = "", source: str = "") -> None:
    named = decide.Named(fee, source=source)
    assert decide.approve(named, nights.campus_file, decide.Word("seen", against)) == 0


def no(nights: Nights, fee: str) -> None:
    assert decide.reject(decide.Named(fee), nights.campus_file, "it is owed") == 0


def entered_anew(nights: Nights, name: str, fee: str, number: str) -> None:
    """Staff enter a fee again whose comment says which charge it reopens."""
    nights.exported(name, {**BOOK, "fee_id": fee}, number=number)
    path = nights.folder / "exchange" / "alma" / name
    comment = "<xb:fineFeeComment>reopens 1001</xb:fineFeeComment><xb:bursarTransactionId>"
    path.write_text(path.read_text("utf-8").replace("<xb:bursarTransactionId>", comment), "utf-8")


@pytest.mark.parametrize("item", [BOOK["barcode"], "B2"], ids=["placed by its item", "placed by a person"])
def test_a_credit_on_a_charge_that_another_fee_continues_goes_out_after_a_yes_to_just_that(
    tmp_path: Path, item: str
) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**BOOK, "fee_id": "1001"}, REST)
    nights.night(1)
    entered_anew(nights, "b.xml", "1002", "101")
    assert codes(nights.night(2), CHARGES, "continued") == ["REOPENS"]
    nights.exported("c.xml", {**CREDIT, "fee_id": "1003", "barcode": item}, number="102")
    if item == "B2":
        assert codes(nights.night(3), CHARGES, "held") == ["CREDIT-UNRESOLVED"]
        yes(nights, "1003", against="1001")
    for day in (4, 5):
        assert codes(nights.night(day), CHARGES, "held") == ["FALL-OF-REOPENED"]
    yes(nights, "1003")
    sixth = nights.night(6)
    assert (codes(sixth, CHARGES, "held"), sixth.sent) == ([], 1)
    assert nights.night(7).sent == 0
    with closing(nights.ledger()) as ledger:
        billed = ledger.charges_of(["001234567"])
        assert dict(zip(billed["fee_id"], billed["billed_cents"], strict=True))["1001"] == 0


def test_a_yes_to_a_fall_is_no_yes_to_lowering_what_another_fee_continues(tmp_path: Path) -> None:
    nights = commented(tmp_path)
    nights.report("hidden.csv", hide=("5001",))
    assert codes(nights.night(2), CHARGES, "held") == ["GONE-BUT-OPEN"]
    yes(nights, "5001")
    nights.waived("5001", 5000)
    nights.owes("5002", 5000, barcode="39001")
    nights.comments["5002"] = "reopens 5001"
    for day in (3, 4):
        assert codes(nights.told(day), CHARGES, "held") == ["FALL-OF-REOPENED"]
        assert nights.billed()["5001"] == ("peoplesoft", 5000)
    yes(nights, "5001")
    nights.told(5)
    assert nights.billed()["5001"] == ("peoplesoft", 0)


def test_a_fee_of_a_debt_of_its_own_is_asked_about_once_more_where_it_looks_sent_already(tmp_path: Path) -> None:
    nights = commented(tmp_path)
    for fee in ("5002", "5003"):
        nights.owes(fee, 5000, barcode="39001")
        nights.comments[fee] = "reopens 5001"
    assert codes(nights.told(2), CHARGES, "held") == ["REOPENS-TWICE"] * 2
    yes(nights, "5002")
    assert codes(nights.told(3), CHARGES, "held") == ["LOOKS-SENT-ALREADY"]
    yes(nights, "5002")
    assert codes(nights.told(4), CHARGES, "held") == []
    assert nights.billed()["5002"] == ("peoplesoft", 5000)
    assert "5003" not in nights.billed()


def test_a_rejected_disappearance_is_asked_about_again_once_the_fee_was_seen_open_in_between(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.owes("5009", 100)
    nights.told(1)
    nights.report("2.csv", hide=("5001",))
    assert codes(nights.night(2), CHARGES, "held") == ["GONE-BUT-OPEN"]
    no(nights, "5001")
    nights.report("3.csv", hide=("5001",))
    assert codes(nights.night(3), CHARGES, "held") == [], "nobody is asked twice about one disappearance"
    assert codes(nights.told(4), CHARGES, "withdrawn") == ["REJECTION-OVER"]
    assert codes(nights.told(5), CHARGES, "withdrawn") == []
    nights.report("6.csv", hide=("5001",))
    assert codes(nights.night(6), CHARGES, "held") == ["GONE-BUT-OPEN"]
    nights.waived("5001", 5000)
    assert codes(nights.told(7), CHARGES, "held") == []
    assert nights.lines() == [("charges", "5001", "50.00"), ("charges", "5009", "1.00"), ("credits", "5001-2", "50.00")]


def test_a_rejected_fall_is_asked_about_again_once_another_was_seen_in_between(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.owes("5009", 100)
    nights.told(1)
    nights.report("2.csv", hide=("5001",))
    nights.night(2)
    no(nights, "5001")
    lower = nights.written().replace("50.00,50.00", "50.00,20.00")
    nights.left("3.csv", lower)
    assert codes(nights.night(3), CHARGES, "held") == ["GONE-BUT-OPEN"]
    nights.report("4.csv", hide=("5001",))
    fourth = nights.night(4)
    assert (codes(fourth, CHARGES, "held"), codes(fourth, CHARGES, "withdrawn")) == (
        ["GONE-BUT-OPEN"],
        ["CHANGE-REPLACED"],
    )


def test_a_fee_that_two_sources_hold_is_decided_in_the_one_that_is_named(tmp_path: Path) -> None:
    nights = twice(tmp_path)
    nights.rule('[[routes]]\nto = "held"\n')
    nights.report("more-01.csv", hide=["5009"])
    nights.told(1)
    with pytest.raises(UsageError, match=r"version 1 of fines, version 1 of more; name one of them with --source"):
        decide.reject(decide.Named("5001"), nights.campus_file, "no")
    with pytest.raises(UsageError, match=r"fee 5001 of more, version 1: it is held as .* no yes to a row lets go"):
        decide.approve(decide.Named("5001", source="more"), nights.campus_file, decide.Word("yes"))
    assert decide.reject(decide.Named("5001", source="more"), nights.campus_file, "twice") == 0
    assert decide.reject(decide.Named("5001"), nights.campus_file, "not owed") == 0, "only one is left to mean"
    with closing(nights.ledger()) as ledger:
        assert [row["state"] for row in ledger.fee_record("5001")] == ["rejected", "rejected"]


def test_who_let_an_unusual_night_out_stands_in_the_audit_with_the_figures(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    text = nights.campus_file.read_text("utf-8")
    nights.campus_file.write_text('first_nights = "ask"\n' + text, "utf-8")
    nights.exported("a.xml", {"amount_text": "12.50"})
    nights.night(1)
    assert nights.night(2, approved=frozenset({"peoplesoft"})).sent == 1
    with closing(nights.ledger()) as ledger:
        told = [line["text"] for line in ledger.story("peoplesoft") if line["event"] == "let through"]
        assert list(ledger.verify_audit()) == []
    [line] = told
    assert line.startswith("run 2, --approve by ")
    assert "12.50" in line
    assert "fewer than 20 nights" in line


def test_who_said_yes_is_written_down_before_the_run_does_anything(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    text = nights.campus_file.read_text("utf-8")
    nights.campus_file.write_text(text.replace('[alma]\nurl = "https://alma.example.edu"\n', ""), "utf-8")
    run.carry_out("charges", nights.loaded(), FIRST, frozenset({"peoplesoft"}))
    with closing(nights.ledger()) as ledger:
        told = [line["text"] for line in ledger.story("peoplesoft") if line["event"] == "let through"]
    assert told == [f"run 1, --approve by {getpass.getuser()}: said when the run was started"]


@pytest.mark.parametrize(("rejected", "asked"), [(2, []), (1, ["REJECTED-BEFORE"])], ids=["the new one", "the old one"])
def test_of_a_fee_that_a_report_names_in_two_ways_every_night_the_one_that_is_not_rejected_is_billed(
    tmp_path: Path, rejected: int, asked: list[str]
) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5004", 1100)

    def two_ways(name: str, more: str = "") -> None:
        head, row = nights.written().splitlines()
        nights.left(name, "\r\n".join([head, row, row.replace(",-1,", ",399,"), more]))

    two_ways("1.csv")
    assert codes(nights.night(1), "CHARGES_OUT", "held") == ["CONTENT-DIFFERS"] * 2
    decide.reject(decide.Named("5004", version=rejected), nights.campus_file, "no such item")
    two_ways("2.csv", "\r\n")
    assert codes(nights.night(2), "CHARGES_OUT", "held") == asked
    for code in asked:
        decide.approve(decide.Named("5004"), nights.campus_file, decide.Word(f"{code}: the other one is meant"))
        nights.night(3)
    assert nights.lines() == [("charges", "5004", "11.00")]
