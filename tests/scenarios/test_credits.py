"""Credits over several nights: each goes out once, after its charge, and never more than was billed."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.cli import decide
from pipeline.cli.failures import UsageError
from pipeline.ports.ledger import Question
from tests.nights import Nights, codes
from tests.scenarios.test_changes import Told

if TYPE_CHECKING:
    from pathlib import Path

ITEM = {"barcode": "039080036507785"}
LOST: dict[str, Any] = {**ITEM, "fee_type": "LOSTITEMREPLACEMENTFEE", "amount_text": "300"}
RETURNED = {**ITEM, "fee_type": "CREDIT", "amount_text": "-300"}
GUEST = {"patron_id_type": "userName", "patron_id": "guest@example.edu"}


def new_files(nights: Nights, place: str, seen: set[str]) -> list[list[str]]:
    """The lines of each file that lies at a place since, by name."""
    files = nights.delivered(place)
    return [files[name].splitlines()[1:] for name in sorted(set(files) - seen)]


def test_reversals_that_look_alike_go_out_a_day_later_in_files_of_their_own_and_once(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.say("\n[systems.peoplesoft]\nreversals = true\n")
    nights.exported("a.xml", {**LOST, "fee_id": "1001"}, {**LOST, "fee_id": "1002"}, {**RETURNED, "fee_id": "1003"})
    assert codes(nights.night(1), "CHARGES_OUT", "waiting") == ["CREDIT-WAITS"]
    charged = set(nights.delivered("peoplesoft/in"))
    nights.exported("b.xml", {**RETURNED, "fee_id": "1004"}, {**RETURNED, "fee_id": "1005"}, number="101")
    assert codes(nights.night(2), "CHARGES_OUT", "held") == ["CREDIT-EXCEEDS"]
    first, second = new_files(nights, "peoplesoft/in", charged)
    assert [line[50:57] for line in (*first, *second)] == ["Y 1001 ", "Y 1002 "]
    assert nights.night(3).sent == 0


def test_a_credit_at_a_snapshot_system_is_a_lower_row_and_the_last_one_takes_the_row_away(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    book = {**GUEST, **LOST, "fee_id": "1001"}
    nights.exported("a.xml", book, {**GUEST, "fee_id": "1002", "barcode": "2", "amount_text": "200"})
    nights.night(1)
    for day, cents in ((2, "-50"), (3, "-250")):
        seen = set(nights.delivered("cashnet/in"))
        credit = {**GUEST, **ITEM, "fee_id": f"900{day}", "fee_type": "CREDIT", "amount_text": cents}
        nights.exported(f"{day}.xml", credit, number=f"10{day}")
        assert nights.night(day).exit_code == 1
        [rows] = new_files(nights, "cashnet/in", seen)
        assert [",250.00," in row for row in rows] == ([True, False] if day == 2 else [False])
    assert nights.night(4).sent == 0


def test_a_credit_without_evidence_is_held_however_lone_the_charge_until_a_person_says_which(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_id": "1001", "amount_text": "50", "barcode": ""})
    nights.night(1)
    new = {"fee_id": "1003", "amount_text": "50", "fee_type": "NEW", "barcode": "B2"}
    credit = {"fee_id": "1002", "fee_type": "CREDIT", "amount_text": "-50", "barcode": "B2"}
    small = {"fee_id": "1004", "fee_type": "CREDIT", "amount_text": "-5", "barcode": ""}
    nights.exported("b.xml", new, credit, small, number="101")
    held = ["CREDIT-UNRESOLVED", "CREDIT-UNRESOLVED", "NORMALISE-UNMAPPED-TYPE"]
    assert codes(nights.night(2), "CHARGES_OUT", "held") == held
    assert list(nights.delivered("peoplesoft/in")) == ["LIB_charges_20260105_0001.dat"]
    says(nights, "1004", "1001")
    assert codes(nights.night(3), "CHARGES_OUT", "held") == held[1:]
    assert " 1004 " in nights.delivered("peoplesoft/in")["LIB_credits_20260107_0001.dat"]


def says(nights: Nights, credit: str, fee: str) -> None:
    """A person names the fee that a credit is for."""
    with closing(nights.ledger()) as ledger:
        question = Question("alma", credit, 1, "CREDIT-UNRESOLVED")
        ledger.approve_fee(question, fee, "somebody", "seen in Alma", nights.clock.now())


def test_a_person_may_name_a_fee_that_was_charged_under_an_older_id_of_the_patron(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_id": "1001", "amount_text": "50", "patron_id": "000000042"})
    nights.night(1)
    credit = {"fee_id": "1002", "fee_type": "CREDIT", "amount_text": "-50", "patron_id": "000000043"}
    nights.exported("b.xml", credit, number="101")
    assert codes(nights.night(2), "CHARGES_OUT", "held") == ["CREDIT-UNRESOLVED"]
    says(nights, "1002", "1001")
    assert codes(nights.night(3), "CHARGES_OUT", "held") == []
    [line] = nights.delivered("peoplesoft/in")["LIB_credits_20260107_0001.dat"].splitlines()[1:]
    assert line.startswith("000000042 ")


def test_a_credit_that_was_put_on_a_wrong_fee_is_put_on_the_right_one(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_id": "1001", "amount_text": "20"}, {"fee_id": "1002", "amount_text": "50"})
    nights.night(1)
    nights.exported("b.xml", {"fee_id": "1003", "fee_type": "CREDIT", "amount_text": "-50"}, number="101")
    nights.night(2)
    decide.approve(decide.Named("1003"), nights.campus_file, decide.Word("typed wrong", "1001"))
    assert codes(nights.night(3), "CHARGES_OUT", "held") == ["CREDIT-EXCEEDS"]
    with pytest.raises(UsageError, match="CREDIT-EXCEEDS, which no yes to a row lets go"):
        decide.approve(decide.Named("1003"), nights.campus_file, decide.Word("let it go"))
    decide.approve(decide.Named("1003"), nights.campus_file, decide.Word("the right one", "1002"))
    assert codes(nights.night(4), "CHARGES_OUT", "held") == []
    [line] = nights.delivered("peoplesoft/in")["LIB_credits_20260108_0001.dat"].splitlines()[1:]
    assert (" 1003 " in line, "50.00" in line) == (True, True)


def test_a_fee_that_has_fallen_itself_is_put_on_no_other(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000)
    nights.owes("5002", 700)
    nights.told(1)
    nights.report("hidden.csv", hide=("5001",))
    assert codes(nights.night(2), "CHARGES_OUT", "held") == ["GONE-BUT-OPEN"]
    with pytest.raises(UsageError, match="--against names the fee that a credit is for, of a held credit"):
        decide.approve(decide.Named("5001"), nights.campus_file, decide.Word("perhaps", "5002"))


def test_a_credit_finds_the_charge_of_a_user_name_that_is_written_in_another_case(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, **LOST, "fee_id": "1001"}, {**GUEST, "fee_id": "1003", "amount_text": "200"})
    nights.night(1)
    part = {**RETURNED, "amount_text": "-50", "fee_id": "1002", "patron_id": "Guest@Example.edu"}
    nights.exported("b.xml", {**GUEST, **part}, number="101")
    assert codes(nights.night(2), "CHARGES_OUT", "held") == []
    [_, rows] = new_files(nights, "cashnet/in", set())
    assert sum(",250.00," in row for row in rows) == 1


def test_a_credit_names_the_fee_it_waits_for(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.say('\n[waiting.debits]\nmin_amount = "400.00"\n')
    nights.exported("a.xml", {**LOST, "fee_id": "1001"}, {**RETURNED, "fee_id": "1002"})
    for day in (1, 2):
        waiting = nights.night(day).desks["CHARGES_OUT"].box("waiting")
        assert waiting is not None
        assert dict(zip(waiting["code"], waiting["why"], strict=True))["CREDIT-WAITS"] == (
            "it waits for fee 1001, which is not charged yet"
        )


def test_a_fee_raised_and_wholly_waived_in_one_night_is_done_with(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=True)
    nights.owes("5001", 1000)
    nights.owes("5009", 100)
    nights.told(1)
    nights.raised("5001", 500)
    nights.told(2)
    nights.raised("5001", 300)
    nights.waived("5001", 1800)
    nights.told(3)
    nights.told(4)
    sent = nights.lines()
    for day in (5, 6, 7):
        nights.told(day)
    assert nights.lines() == sent
    assert nights.billed()["5001"] == ("peoplesoft", 0)
    assert "5001-3" not in {reference for kind, reference, _ in sent if kind == "charges"}


def test_a_fee_raised_and_waived_by_more_in_one_night_sends_nothing_on_quiet_nights(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=True)
    nights.owes("5001", 1000)
    nights.owes("5009", 100)
    nights.told(1)
    nights.raised("5001", 500)
    nights.told(2)
    nights.raised("5001", 300)
    nights.waived("5001", 1500)
    nights.told(3)
    nights.told(4)
    sent = nights.lines()
    for day in (5, 6, 7):
        nights.told(day)
    assert nights.lines() == sent
    assert nights.billed()["5001"] == ("peoplesoft", 300)


def test_a_fee_that_left_its_report_is_credited_and_told_of_in_the_words_of_its_charge(tmp_path: Path) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.owes("5001", 5000, barcode="3900001")
    nights.owes("5009", 100)
    nights.told(1)
    nights.waived("5001", 5000)
    nights.told(2)
    with closing(nights.ledger()) as ledger:
        story = [line["text"] for line in ledger.story("5001")]
    assert "version 2 is missing from fines-02.csv: OVERDUEFINE, -50.00 USD" in story


def test_a_credit_that_names_no_item_never_passes_over_a_fee_that_is_held(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_id": "1001", "amount_text": "50", "barcode": ""})
    nights.night(1)
    held = {"fee_id": "1003", "amount_text": "50", "fee_type": "NEW", "barcode": "B2"}
    nights.exported("b.xml", held, number="101")
    assert codes(nights.night(2), "CHARGES_OUT", "held") == ["NORMALISE-UNMAPPED-TYPE"]
    credit = {"fee_id": "1002", "fee_type": "CREDIT", "amount_text": "-50", "barcode": ""}
    nights.exported("c.xml", credit, number="102")
    night = nights.night(3)
    assert codes(night, "CHARGES_OUT", "held") == ["CREDIT-UNRESOLVED", "NORMALISE-UNMAPPED-TYPE"]
    boxed = night.desks["CHARGES_OUT"].box("held")
    assert boxed is not None
    (why,) = boxed.loc[boxed["code"] == "CREDIT-UNRESOLVED", "why"]
    assert "1001 (50.00, unpaid), 1003 (50.00, not charged yet)" in why
    assert night.sent == 0


def test_a_credit_of_a_fee_that_left_its_report_waits_for_its_age_like_any_other_and_goes_out_on_the_day_named(
    tmp_path: Path,
) -> None:
    nights = Told(tmp_path, reversals=False)
    nights.rule('[[routes]]\nto = "peoplesoft"\n\n[waiting.credits]\nmin_age_days = 6\n')
    nights.owes("5001", 5000)
    nights.owes("5002", 4000)
    nights.owes("5009", 100)
    nights.told(1)
    nights.waived("5001", 5000)
    nights.waived("5002", 1000)
    waiting = nights.told(2).desks["CHARGES_OUT"].box("waiting")
    assert waiting is not None
    assert waiting["why"].tolist() == ["it waits for 2026-01-08, when it is 6 days old"] * 2
    nights.told(3)
    assert {kind for kind, _, _ in nights.lines()} == {"charges"}
    nights.told(4)
    nights.told(5)
    credits_ = sorted(line for line in nights.lines() if line[0] == "credits")
    assert credits_ == [("credits", "5001-2", "50.00"), ("credits", "5002-2", "10.00")]


def test_a_credit_that_names_its_item_never_passes_over_a_held_fee_of_that_item_and_amount(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**LOST, "fee_id": "1001"})
    nights.night(1)
    nights.exported("b.xml", {**LOST, "fee_id": "1002"}, {**RETURNED, "fee_id": "1003"}, number="101")
    for day in (2, 3):
        night = nights.night(day)
        assert codes(night, "CHARGES_OUT", "held") == ["CREDIT-UNRESOLVED", "LOOKS-SENT-ALREADY"]
        boxed = night.desks["CHARGES_OUT"].box("held")
        assert boxed is not None
        assert "1001 (300.00, unpaid), 1002 (300.00, not charged yet)" in " ".join(boxed["why"])
    decide.reject(decide.Named("1002"), nights.campus_file, "the same loan")
    assert codes(nights.night(4), "CHARGES_OUT", "held") == []
    assert " 1003 " in nights.delivered("peoplesoft/in")["LIB_credits_20260108_0001.dat"]
