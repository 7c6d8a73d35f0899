"""Whole nights with their guards: a debt under another name, a night that waits for a yes, and what people decide."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import nightly, stages
from pipeline.adapters.lock import run_lock
from pipeline.cli import decide
from pipeline.cli.failures import UsageError
from pipeline.cli.run import known_names
from pipeline.ports.ledger import LedgerError
from pipeline.stages.question import GOES
from tests.nights import Nights, codes

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

CHARGES = "CHARGES_OUT"
YES, AT_CASHNET = frozenset({"peoplesoft"}), frozenset({"cashnet"})
ITEM = {"barcode": "039080036507785"}
HEADING = "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL\r\n"


def guest(fee_id: str, amount: str = "10") -> dict[str, str]:
    """A fee that CASHNet bills."""
    whose = {"patron_id_type": "userName", "patron_id": "guest@example.edu"}
    return {**whose, "fee_id": fee_id, "amount_text": amount}


def stops(night: nightly.Night) -> list[str]:
    return [one.code for one in night.findings if one.stops]


def test_a_fee_entered_anew_is_held_until_a_person_says_that_it_is_another_debt(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", ITEM)
    nights.night(1)
    nights.exported("b.xml", {**ITEM, "fee_id": "1002"}, number="101")
    assert codes(nights.night(2), CHARGES, "held") == ["LOOKS-SENT-ALREADY"]
    assert codes(nights.night(3), CHARGES, "held") == ["LOOKS-SENT-ALREADY"]
    assert decide.approve(decide.Named("1002"), nights.campus_file, decide.Word("another copy")) == 0
    fourth = nights.night(4)
    assert codes(fourth, CHARGES, "held") == []
    assert fourth.sent == 1
    assert nights.night(5).sent == 0
    with closing(nights.ledger()) as ledger:
        assert any(row["event"] == "approved" for row in ledger.story("1002"))


@pytest.mark.parametrize("kept", ["", '\n[sources.alma]\nkeep = ["comment"]\n'])
def test_a_fee_that_reopens_a_charge_is_never_sent_and_rests(tmp_path: Path, kept: str) -> None:
    nights = Nights(tmp_path)
    nights.say(kept)
    nights.exported("a.xml", {})
    nights.night(1)
    nights.exported("b.xml", {"fee_id": "1002"}, number="101")
    path = nights.folder / "exchange" / "alma" / "b.xml"
    text = path.read_text("utf-8")
    comment = "<xb:fineFeeComment>reopens 1001</xb:fineFeeComment><xb:bursarTransactionId>"
    path.write_text(text.replace("<xb:bursarTransactionId>", comment), "utf-8")
    second = nights.night(2)
    assert codes(second, CHARGES, "continued") == ["REOPENS"]
    assert second.sent == 0
    with closing(nights.ledger()) as ledger:
        record = ledger.fee_record("1002")[0]
    assert (record["state"], record["system"]) == ("continued", "peoplesoft")
    third = nights.night(3)
    assert (third.sent, codes(third, CHARGES, "continued")) == (0, [])


def test_the_first_nights_of_a_careful_campus_wait_for_a_yes_and_a_yes_is_for_one_run(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    text = nights.campus_file.read_text("utf-8")
    nights.campus_file.write_text('first_nights = "ask"\n' + text, "utf-8")
    nights.exported("a.xml", {})
    first = nights.night(1)
    assert [one.code for one in first.findings if one.stops] == ["BRAKE-FIRST-NIGHTS"]
    assert (first.sent, first.exit_code) == (0, 2)
    assert nights.night(2).sent == 0
    third = nights.night(3, approved=YES)
    assert (third.sent, [one.code for one in third.findings if one.code.startswith("BRAKE")]) == (1, ["BRAKE-APPROVED"])
    nights.exported("b.xml", {"fee_id": "1002", "barcode": "2"}, number="101")
    assert nights.night(4).sent == 0


def test_a_yes_to_one_large_fee_is_no_yes_to_a_snapshot_that_has_shrunk_since(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    owed = [guest(f"100{number}") for number in range(1, 6)]
    nights.exported("a.xml", *owed)
    nights.night(1)
    nights.exported("b.xml", guest("1009", "6000"), number="101")
    assert stops(nights.night(2)) == ["BRAKE-LARGEST"]
    lines = "".join(
        f"D,77{place},1,SALE,CLOSED,1/6/2026,guest@example.edu,CC,LIB-OVERDUE,10.00,ALMA_FEE_ID,{fee['fee_id']}\r\n"
        for place, fee in enumerate(owed[:4])
    )
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", f"{HEADING}{lines}T,4,40.00\r\n")
    third = nights.night(3, approved=AT_CASHNET)
    assert (third.posted, third.sent, stops(third)) == (4, 0, ["SNAPSHOT-SMALLER"])
    (asked,) = [one.text for one in third.findings if one.stops]
    assert asked.endswith("; the last run did not ask this; if it is right too, say --approve cashnet once more")
    fourth = nights.night(4, approved=AT_CASHNET)
    said = {one.code for one in fourth.findings if one.code.endswith("-APPROVED")}
    assert (fourth.sent, stops(fourth), said) == (1, [], {"BRAKE-APPROVED", "SNAPSHOT-APPROVED"})


def test_a_yes_that_nobody_was_asked_for_lets_nothing_out(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"amount_text": "6000"})
    assert (nights.night(1, approved=YES).sent, nights.night(2, "payments").sent) == (0, 0)
    assert nights.night(3, approved=YES).sent == 1


def test_what_was_asked_is_no_question_any_more_after_a_night_that_asked_nothing(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"amount_text": "6000"})
    assert stops(nights.night(1)) == ["BRAKE-LARGEST"]
    assert decide.reject(decide.Named("1001"), nights.campus_file, "not ours") == 0
    with closing(nights.ledger()) as ledger:
        assert {one.code for one in ledger.said_last("peoplesoft", GOES)} == {"BRAKE-LARGEST"}
    assert stops(nights.night(2)) == []
    with closing(nights.ledger()) as ledger:
        assert ledger.said_last("peoplesoft", GOES) == []


def test_a_yes_counts_once_more_after_a_run_that_a_full_disk_stopped(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"amount_text": "6000"})
    assert stops(nights.night(1)) == ["BRAKE-LARGEST"]
    assert "NIGHT-DISK" in stops(Nights.again(nights, full_at_book).night(2, approved=YES))
    third = nights.night(3, approved=YES)
    assert (third.sent, stops(third)) == (1, [])


def test_a_yes_counts_once_more_after_a_night_whose_payments_could_not_be_read(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", guest("1001", "6000"))
    assert stops(nights.night(1)) == ["BRAKE-LARGEST"]
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", "nonsense\r\n")
    second = nights.night(2, approved=AT_CASHNET)
    assert (second.sent, "SNAPSHOT-UNREAD" in stops(second)) == (0, True)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", f"{HEADING}T,0,0.00\r\n")
    third = nights.night(3, approved=AT_CASHNET)
    assert (third.sent, "BRAKE-LARGEST" in stops(third)) == (1, False)
    assert nights.night(4, approved=AT_CASHNET).sent == 0


def test_a_yes_to_what_another_question_kept_back_is_not_written_down_as_let_through(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", guest("1001", "6000"))
    nights.night(1)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", "nonsense\r\n")
    assert nights.night(2, approved=AT_CASHNET).sent == 0
    assert let_through(nights) == []
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", f"{HEADING}T,0,0.00\r\n")
    assert nights.night(3, approved=AT_CASHNET).sent == 1
    assert ["above 5000.00" in text for text in let_through(nights)] == [True]


def let_through(nights: Nights) -> list[str]:
    with closing(nights.ledger()) as ledger:
        return [str(row["text"]) for row in ledger.story("cashnet") if row["event"] == "let through"]


@pytest.mark.parametrize("yes", [frozenset[str](), AT_CASHNET])
def test_a_smaller_snapshot_that_was_let_go_is_sent_when_its_server_is_back(
    tmp_path: Path, yes: frozenset[str]
) -> None:
    nights = Nights(tmp_path)
    owed = [guest(f"100{number}") for number in range(1, 6)]
    nights.exported("a.xml", *owed)
    nights.night(1)
    lines = "".join(
        f"D,77{place},1,SALE,CLOSED,1/6/2026,guest@example.edu,CC,LIB-OVERDUE,10.00,ALMA_FEE_ID,{fee['fee_id']}\r\n"
        for place, fee in enumerate(owed[:4])
    )
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", f"{HEADING}{lines}T,4,40.00\r\n")
    assert stops(nights.night(2)) == ["SNAPSHOT-SMALLER"]
    server = tmp_path / "exchange/bursar/cashnet/in"
    server.rename(away := server.with_name("away"))
    third = nights.night(3, approved=AT_CASHNET)
    assert (third.sent, "SNAPSHOT-SMALLER" in stops(third)) == (0, False)
    away.rename(server)
    fourth = nights.night(4, approved=yes)
    assert (fourth.sent, stops(fourth)) == (1, [])


def full_at_book(name: str) -> Callable[..., Any]:
    return _no_space if name == "book" else stages.find(name)


def _no_space(_work: object) -> None:
    raise OSError(28, "No space left on device")


def test_a_night_that_waited_is_no_measure_for_later_nights(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"amount_text": "6000"})
    nights.night(1)
    with closing(nights.ledger()) as ledger:
        figures = ledger.figures(nights.night(2).today.replace(day=1))
    assert set(figures.loc[figures["what"] == "sent", "scope"]) == {"cashnet"}


def test_what_a_person_decides_needs_a_reason_and_a_fee_that_is_held(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {})
    nights.night(1)
    with pytest.raises(UsageError, match="say why"):
        decide.approve(decide.Named("1001"), nights.campus_file, decide.Word("  "))
    with pytest.raises(UsageError, match="1001: is charged, not held: it is billed, and no word takes it back"):
        decide.approve(decide.Named("1001"), nights.campus_file, decide.Word("yes"))
    with pytest.raises(UsageError, match="9999: the ledger knows no fee of this id"):
        decide.reject(decide.Named("9999"), nights.campus_file, "not ours")
    nights.exported("b.xml", {"fee_id": "1002", "fee_type": "NEW_TYPE"}, number="101")
    nights.night(2)
    assert decide.reject(decide.Named("1002"), nights.campus_file, "not ours") == 0
    with pytest.raises(UsageError, match="1002: is rejected, not held: a person has said no"):
        decide.reject(decide.Named("1002"), nights.campus_file, "not ours")


def test_nothing_is_decided_about_a_fee_while_a_run_is_at_work(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_type": "NEW_TYPE"})
    nights.night(1)
    with run_lock(tmp_path / "state"):
        assert decide.reject(decide.Named("1001"), nights.campus_file, "not ours") == nightly.LOCKED
        assert decide.approve(decide.Named("1001"), nights.campus_file, decide.Word("yes")) == nightly.LOCKED
    assert "export: " in capsys.readouterr().err
    with closing(nights.ledger()) as ledger:
        assert [row["state"] for row in ledger.fee_record("1001")] == ["held"]


def test_a_yes_that_nobody_would_read_is_refused_with_what_to_do_instead(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_type": "NEW_TYPE"}, {"fee_id": "1002", "fee_type": "CREDIT", "amount_text": "-3"})
    nights.night(1)
    with pytest.raises(UsageError, match="NORMALISE-UNMAPPED-TYPE, which no yes to a row lets go: add one line"):
        decide.approve(decide.Named("1001"), nights.campus_file, decide.Word("yes"))
    with pytest.raises(UsageError, match="--against names the fee"):
        decide.approve(decide.Named("1002"), nights.campus_file, decide.Word("yes"))


def test_who_says_yes_to_a_row_that_waits_with_its_whole_output_is_told_of_that_yes(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"amount_text": "6000"})
    nights.night(1)
    with pytest.raises(UsageError, match=r"OUTPUT-STOPPED, which no yes to a row lets go: .* --approve"):
        decide.approve(decide.Named("1001"), nights.campus_file, decide.Word("right"))


def test_a_yes_against_a_debt_that_was_never_charged_is_refused(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_type": "CREDIT", "amount_text": "-3.25"})
    nights.night(1)
    with pytest.raises(LedgerError, match="was never charged"):
        decide.approve(decide.Named("1001"), nights.campus_file, decide.Word("yes", "7777"))


def test_only_systems_and_sources_can_be_approved(tmp_path: Path) -> None:
    loaded = Nights(tmp_path).loaded()
    known_names(loaded, frozenset({"alma", "peoplesoft", "peoplesoft:sums", "cashnet:stale"}))
    with pytest.raises(UsageError, match="no such system or source; the campus has peoplesoft, cashnet, alma"):
        known_names(loaded, frozenset({"oracle"}))
    for strange in ("oracle:sums", "alma:stale", "peoplesoft:all", "peoplesoft:anything", "peoplesoft:"):
        with pytest.raises(UsageError, match=f"--approve {strange}: .*peoplesoft:sums, peoplesoft:stale"):
            known_names(loaded, frozenset({strange}))


PEOPLE = '\n[people]\nconnection = "library"\nfolder = "people"\nquiet_s = 0\n'


@pytest.mark.parametrize("kept", ["", '\n[sources.alma]\nkeep = ["title"]\n'])
def test_with_a_people_file_names_are_compared_though_nobody_said_keep(tmp_path: Path, kept: str) -> None:
    nights = Nights(tmp_path)
    nights.say(PEOPLE + kept)
    folder = tmp_path / "exchange/alma/people"
    folder.mkdir()
    (folder / "people.csv").write_text("ID,NAME,STATUS\n001234567,Ada Lovelace,ACTIVE\n", "utf-8")
    nights.exported("a.xml", {})
    assert codes(nights.night(1), CHARGES, "held") == ["PEOPLE-NAME"]
    (folder / "people.csv").write_text("ID,NAME,STATUS\n001234567,Sample Patron,ACTIVE\n", "utf-8")
    second = nights.night(2)
    assert (codes(second, CHARGES, "held"), second.sent) == ([], 1)
