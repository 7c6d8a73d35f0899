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
from tests.nights import Nights
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
