"""What a person resolves in the real ledger goes on as it says, and the audit says who and why."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.cli.explain import told
from pipeline.cli.resolve import Bench, Wish
from pipeline.ports.ledger import PaymentState, UploadState
from pipeline.stages.resolving import Action, NotPossibleError
from tests.nights import Nights, barcode, codes
from tests.scenarios.test_changes import Told

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
STRAY = f"{HEAD}000000777,01/05/2026,STRAY,12.50,20.00,300000007000,Overdue fine\n"


def decide(nights: Nights, wish: Wish, by: str = "ada", *, two_people: bool = False) -> str:
    with closing(nights.ledger()) as ledger:
        return Bench(ledger, nights.clock.now(), by, two_people=two_people).decide(wish)


def stray(nights: Nights) -> str:
    """A night after which a payment of nobody we know is left; give its key."""
    nights.exported("a.xml", {})
    nights.night(1)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260105.csv", STRAY)
    nights.night(2, "payments")
    with closing(nights.ledger()) as ledger:
        (payment,) = ledger.payments_in(PaymentState.SUSPENSE, PaymentState.HELD)
    assert payment.cents == 2000
    return payment.key


def test_money_of_nobody_is_given_to_a_fee_by_two_people_and_alma_gets_what_is_open(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    key = stray(nights)
    wish = Wish(key, Action.TO, "the patron showed the receipt", "1001")
    assert "kept" in decide(nights, wish, two_people=True)
    with pytest.raises(NotPossibleError, match="you said so already"):
        decide(nights, wish, two_people=True)
    said = decide(nights, replace(wish, reason="seen too"), "bob", two_people=True)
    assert said == f"{key}: 12.50 of 20.00 for fee 1001, 7.50 stays in suspense, by ada and bob"
    night = nights.night(3, "payments")
    assert [(order.fee_id, order.cents) for order in nights.alma.applied] == [("F1001", 1250)]
    assert all(line.balanced for work in night.desks.values() for line in work.lines)
    with closing(nights.ledger()) as ledger:
        story = "\n".join(told(key, ledger))
        fee = list(told("1001", ledger))
        assert ledger.verify_audit() == []
    for words in ("ada", "bob", "the patron showed the receipt", "--to 1001"):
        assert words in story
    assert any("posted" in line for line in fee)
    page = (night.folder / "report.html").read_text("utf-8")
    assert key in page
    assert "7.50" in page


def test_money_that_is_settled_elsewhere_ends_there_and_the_page_still_adds_up(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    key = stray(nights)
    assert decide(nights, Wish(key, Action.SETTLED, "given back in cash")).endswith("to settled, by ada")
    night = nights.night(3, "payments")
    assert nights.alma.applied == []
    assert all(line.balanced for work in night.desks.values() for line in work.lines)
    assert key not in (night.folder / "report.html").read_text("utf-8")
    with closing(nights.ledger()) as ledger:
        *_, last = told(key, ledger)
        assert ledger.standing()["payments"]["settled"] == (1, 2000)
    assert last == f"payment {key} of 20.00 is settled: next: nothing more: a person has settled it"


def test_another_bursars_file_of_the_same_name_is_settled_by_a_person(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    name = "LIB_charges_20260105_0001.dat"
    nights.drop("peoplesoft/in", name, "somebody else's")
    nights.exported("a.xml", {})
    nights.night(1)
    with closing(nights.ledger()) as ledger:
        assert [one.state for one in ledger.uploads_of([name])] == [UploadState.CONFLICT]
    with pytest.raises(NotPossibleError, match="what can be said is --settled-elsewhere or --reject"):
        decide(nights, Wish(name, Action.RESEND, "again"))
    assert decide(nights, Wish(name, Action.SETTLED, "they loaded ours by hand")) == f"{name}: conflict to sent, by ada"
    with closing(nights.ledger()) as ledger:
        (upload,) = ledger.uploads_of([name])
        assert (upload.state, upload.evidence) == (UploadState.SENT, "ada: they loaded ours by hand")
        assert any("they loaded ours by hand" in line for line in told(name, ledger))


def charged(nights: Nights) -> list[tuple[str, str]]:
    """Which fees were charged at PeopleSoft, and in which file, of those that are ours."""
    files = nights.delivered("peoplesoft/in")
    lines = [(line, name) for name, text in files.items() for line in text.splitlines()]
    return [(fee, name) for line, name in lines for fee in ("1001", "1002") if f" {fee} " in line]


def test_a_file_whose_name_another_one_took_goes_out_by_itself_once_that_is_gone(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    name = "LIB_charges_20260105_0001.dat"
    nights.drop("peoplesoft/in", name, "somebody else's")
    nights.exported("a.xml", {"fee_id": "1001"})
    assert "DELIVER-CONFLICT" in [one.code for one in nights.night(1).findings]
    (tmp_path / "exchange/bursar/peoplesoft/in" / name).unlink()
    nights.exported("b.xml", {"fee_id": "1002"}, number="101")
    assert "DELIVER-CONFLICT" not in [one.code for one in nights.night(2).findings]
    assert charged(nights) == [("1001", name), ("1002", "LIB_charges_20260106_0002.dat")]


def test_what_stood_in_a_file_that_was_given_up_goes_out_in_another_and_its_credit_after_it(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    name = "LIB_charges_20260105_0001.dat"
    nights.drop("peoplesoft/in", name, "somebody else's")
    nights.exported("a.xml", {"fee_id": "1001", "amount_text": "50"})
    nights.night(1)
    nights.exported("b.xml", {"fee_id": "1002", "amount_text": "30"}, number="101")
    nights.night(2)
    decide(nights, Wish(name, Action.REJECT, "not ours, and it stays"))
    with closing(nights.ledger()) as ledger:
        assert "the next run puts what stood in it into another file" in list(told(name, ledger))[-1]
    credit = {"fee_id": "1003", "fee_type": "CREDIT", "amount_text": "-50", "barcode": barcode({"fee_id": "1001"})}
    nights.exported("c.xml", credit, number="102")
    third = nights.night(3)
    assert [one.text for one in third.findings if one.code == "OUTPUT-AGAIN"] == [
        "peoplesoft: into new files go 1 row, 50.00, of files that were given up"
    ]
    again = "LIB_charges_20260107_0003.dat"
    assert sorted(charged(nights)) == [("1001", again), ("1002", "LIB_charges_20260106_0002.dat")]
    assert [batch.name for batch, _, _ in third.desks["CHARGES_OUT"].made] == [again, "LIB_credits_20260107_0001.dat"]
    fourth = nights.night(4)
    assert (fourth.sent, fourth.desks["CHARGES_OUT"].made) == (0, ())
    with closing(nights.ledger()) as ledger:
        assert "nothing is open of it" in list(told("1001", ledger))[-1]


def test_a_built_file_that_is_lost_is_given_up_and_its_rows_go_out_in_another(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    name = "LIB_charges_20260105_0001.dat"
    place = tmp_path / "exchange/bursar/peoplesoft/in"
    place.rmdir()
    nights.exported("a.xml", {"fee_id": "1001"})
    nights.night(1)
    (lost,) = tmp_path.rglob(name)
    lost.unlink()
    place.mkdir()
    nights.exported("b.xml", {"fee_id": "1002"}, number="101")
    stuck = {one.text for one in nights.night(2).findings if one.code == "DELIVER-ALTERED"}
    assert [f"bursar resolve {name} --reject" in text for text in stuck] == [True]
    assert charged(nights) == []
    decide(nights, Wish(name, Action.REJECT, "the disk was wiped"))
    nights.night(3)
    assert sorted(charged(nights)) == [
        ("1001", "LIB_charges_20260107_0003.dat"),
        ("1002", "LIB_charges_20260106_0002.dat"),
    ]


@pytest.mark.parametrize(("action", "sent"), [(Action.REJECT, 0), (Action.RESEND, 1)])
def test_money_that_staff_seem_to_have_entered_is_sent_only_if_a_person_says_so(
    tmp_path: Path, action: Action, sent: int
) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"amount_text": "25"})
    nights.night(1)
    nights.alma.pay_by_hand("F1001", 1250)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260105.csv", f"{HEAD}001234567,01/05/2026,1001,25.00,12.50,1,Fine\n")
    nights.night(2, "payments")
    with closing(nights.ledger()) as ledger:
        [(name, code)] = [(one.key, one.code) for one in ledger.payments_in(PaymentState.HELD)]
    assert code == "LOOKS-ALREADY-ENTERED"
    decide(nights, Wish(name, action, "the desk was asked"))
    night = nights.night(3, "payments")
    assert all(line.balanced for work in night.desks.values() for line in work.lines)
    assert [order.cents for order in nights.alma.applied] == [1250] * sent
    with closing(nights.ledger()) as ledger:
        *lines, last = told(name, ledger)
    assert any("the desk was asked" in line for line in lines)
    assert ("nothing more" in last) == (not sent)


@pytest.mark.parametrize("action", [Action.REJECT, Action.SETTLED])
def test_a_payment_that_staff_had_typed_in_is_not_asked_for_nor_reversed_once_a_person_says_so(
    tmp_path: Path, action: Action
) -> None:
    nights = Told(tmp_path, reversals=True)
    nights.owes("5001", 1000)
    nights.owes("5009", 1100)
    nights.told(1)
    nights.alma.pay_by_hand("5001", 1000)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", f"{HEAD}001234567,01/05/2026,5001,10.00,10.00,1,Fine\n")
    nights.night(2)
    with closing(nights.ledger()) as ledger:
        (held,) = ledger.payments_in(PaymentState.HELD)
    assert held.code == "LOOKS-ALREADY-ENTERED"
    assert decide(nights, Wish(held.key, action, "it is this one")) == f"{held.key}: held to settled, by ada"
    for day in (3, 4, 5):
        nights.told(day)
    assert sorted(nights.lines()) == [("charges", "5001", "10.00"), ("charges", "5009", "11.00")]
    with closing(nights.ledger()) as ledger:
        assert ledger.open_items("peoplesoft")["fee_id"].tolist() == ["5009"]
        assert ledger.verify_audit() == []


def lose(nights: Nights) -> None:
    """The ledger is gone, and an empty one is opened in its place."""
    for left in (nights.folder / "state").glob("ledger.sqlite*"):
        left.unlink()
    with closing(nights.ledger()) as ledger:
        ledger.open_empty("test", nights.clock.now())


def test_what_a_person_put_on_another_fee_is_not_paid_again_after_the_ledger_is_lost(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {}, {"fee_id": "1002"}, {"fee_id": "2001", "amount_text": "50", "patron_id": "009999999"})
    nights.night(1)
    nights.alma.change(replace(nights.alma.fee("F1001"), status="INDISPUTE"))
    earlier = "009999999,01/04/2026,2001,5.00,5.00,300000007000,Overdue fine\n"  # Alma's lists are asked for its patron
    mine = "001234567,01/05/2026,1001,12.50,12.50,300000007000,Overdue fine\n"
    nights.drop("peoplesoft/out", "LIBRARY_PAID_20260105.csv", f"{HEAD}{earlier}{mine}")
    nights.night(2)
    with closing(nights.ledger()) as ledger:
        (payment,) = ledger.payments_in(PaymentState.HELD)
    decide(nights, Wish(payment.key, Action.TO, "the dispute goes on", "1002"))
    nights.night(3)
    nights.alma.change(replace(nights.alma.fee("F1001"), status="EXPORTED"))
    lose(nights)
    found = [finding.code for day in (4, 5) for finding in nights.night(day).findings]
    assert [(order.fee_id, order.cents) for order in nights.alma.applied] == [("F2001", 500), ("F1002", 1250)]
    assert "EARLIER-POSTING-DIFFERS" in found


def test_a_twin_of_what_goes_out_again_tonight_is_held(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    name = "LIB_charges_20260105_0001.dat"
    nights.drop("peoplesoft/in", name, "somebody else's")
    nights.exported("a.xml", {"fee_id": "1001"})
    nights.night(1)
    decide(nights, Wish(name, Action.REJECT, "not ours, and it stays"))
    nights.exported("b.xml", {"fee_id": "1002", "barcode": barcode({"fee_id": "1001"})}, number="101")
    night = nights.night(2)
    assert codes(night, "CHARGES_OUT", "held") == ["LOOKS-SENT-ALREADY"]
    assert [fee for fee, _ in charged(nights)] == ["1001"]


def test_a_file_that_goes_out_after_a_conflict_is_told(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    name = "LIB_charges_20260105_0001.dat"
    nights.drop("peoplesoft/in", name, "somebody else's")
    nights.exported("a.xml", {"fee_id": "1001"})
    nights.night(1)
    (tmp_path / "exchange" / "bursar" / "peoplesoft" / "in" / name).unlink()
    assert "DELIVER-CONFLICT-OVER" in [one.code for one in nights.night(2).findings]
    assert [fee for fee, _ in charged(nights)] == ["1001"]
