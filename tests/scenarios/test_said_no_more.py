"""Whole nights about money of which the bursar says later that it never came, or is there again after all."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from pipeline.cli import decide
from pipeline.cli.resolve import Bench, Wish
from pipeline.ports.ledger import PaymentState, TaskState
from pipeline.stages.resolving import Action
from tests.nights import Nights, codes
from tests.scenarios.test_refunds import GUEST

if TYPE_CHECKING:
    from pathlib import Path

OUT = "peoplesoft/out"
PAID = "Emplid,Date Paid,Reference Number,Paid Amount\n001,1/5/2026,9,1.00\n"
MINE, LATER = "001234567,1/6/2026,1001,10.00\n", "001,1/8/2026,9,1.00\n"
PORTAL = """
[[systems.cashnet.returns]]
layout = "paypal/activity"
connection = "bursar"
folder = "cashnet/out"
pattern = "Download*.csv"
quiet_s = 0
"""
HEADINGS = "Date,Type,Status,Currency,Gross,Transaction ID,Reference Txn ID,Custom Number,Balance Impact\n"
BOTH = "1001:1000|1002:2000"


def say(nights: Nights, word: str, action: Action) -> str:
    with closing(nights.ledger()) as ledger:
        return Bench(ledger, nights.clock.now(), "ada").decide(Wish(word, action, "asked the bursar"))


def owed(nights: Nights) -> set[str]:
    """Which fees the portal is told of."""
    with closing(nights.ledger()) as ledger:
        return {str(fee) for fee in ledger.open_items("cashnet")["fee_id"]}


def looks(nights: Nights) -> list[str]:
    with closing(nights.ledger()) as ledger:
        return [task.fee_id for task in ledger.tasks(TaskState.OPEN) if task.kind == "look"]


def activity(nights: Nights, day: int, *rows: str) -> None:
    nights.drop("cashnet/out", f"Download{day}.csv", HEADINGS + "".join(f"1/{row}\n" for row in rows))
    nights.night(day)


@pytest.mark.parametrize("how", ["never came", "settled by hand and gone back"])
def test_a_fee_entered_anew_while_staff_look_at_its_payment_is_not_billed_beside_the_old_one(
    tmp_path: Path, how: str
) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_id": "1001", "amount_text": "10"})
    nights.night(1)
    if how != "never came":
        nights.alma.pay_by_hand("F1001", 1000)
    nights.drop(OUT, "LIBRARY_PAID_1.csv", PAID + MINE)
    nights.night(2)
    if how == "never came":
        nights.drop(OUT, "LIBRARY_PAID_2.csv", PAID + LATER)
    else:
        with closing(nights.ledger()) as ledger:
            (held,) = ledger.payments_in(PaymentState.HELD)
        say(nights, held.key, Action.SETTLED)
        nights.drop(OUT, "LIBRARY_PAID_2.csv", PAID + MINE + MINE.replace("1/6", "1/7").replace("10.00", "-10.00"))
    nights.night(3)
    assert looks(nights) == ["1001"]
    nights.exported("b.xml", {"fee_id": "2001", "amount_text": "10"}, number="101")
    assert codes(nights.night(4), "CHARGES_OUT", "held") == ["FEE-MAY-REOPEN"]


def test_a_debt_whose_payment_never_came_reaches_the_portal_again_as_a_new_fee(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.say(PORTAL)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    other = "4/2026,Express Checkout Payment,Completed,USD,1.00,TX0,,9,Credit"
    activity(nights, 2, other, "5/2026,Express Checkout Payment,Completed,USD,10.00,TXA,,1001,Credit")
    activity(nights, 3, other, other.replace("4/2026", "9/2026").replace("TX0", "TX9"))
    assert (looks(nights), owed(nights)) == (["1001"], set())
    nights.exported("b.xml", {**GUEST, "fee_id": "2001", "amount_text": "10"}, number="101")
    nights.night(4)
    assert owed(nights) == set()
    assert decide.approve(decide.Named("2001"), nights.campus_file, decide.Word("the payment never came")) == 0
    nights.night(5)
    assert owed(nights) == {"2001"}


def test_a_chargeback_of_two_fees_that_is_undone_counts_as_paid_again_and_is_not_posted_again(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.say(PORTAL)
    fees = ({"fee_id": "1001", "amount_text": "10"}, {"fee_id": "1002", "amount_text": "20"})
    nights.exported("a.xml", *({**GUEST, **fee} for fee in fees))
    nights.night(1)
    rows = [
        f"5/2026,Express Checkout Payment,Completed,USD,30.00,TXA,,{BOTH},Credit",
        f"6/2026,Chargeback,Completed,USD,-30.00,TXB,TXA,{BOTH},Debit",
        f"7/2026,Chargeback Reversal,Completed,USD,30.00,TXC,TXA,{BOTH},Credit",
    ]
    for number in (1, 2, 3):
        activity(nights, number + 1, *rows[:number])
    with closing(nights.ledger()) as ledger:
        (line,) = ledger.payments_in(PaymentState.HELD)
        for task in ledger.tasks(TaskState.OPEN):
            ledger.close_task(task.task_id, "ada", "nothing was entered", nights.clock.now())
    assert (line.code, owed(nights)) == ("CHARGEBACK-UNDONE", {"1001", "1002"})
    say(nights, line.key, Action.RESEND)
    told = {finding.code for finding in nights.night(5).findings}
    assert owed(nights) == set()
    assert [one.cents for one in nights.alma.applied] == [1000, 2000]
    assert not {"LEDGER-SUMS", "LEDGER-AUDIT", "BOOKS-UNBALANCED", "NIGHT-FAULT"} & told
