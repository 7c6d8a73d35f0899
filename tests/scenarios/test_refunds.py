"""Whole nights in which money goes back: the portal's refunds and voids, the ledger in its database, Alma answering."""

from __future__ import annotations

from contextlib import closing
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from pipeline.cli.resolve import Bench, Wish
from pipeline.ports.ledger import PaymentState, TaskState
from pipeline.stages.resolving import Action
from tests.fakes.alma import a_fee
from tests.nights import FIRST, Nights, codes

if TYPE_CHECKING:
    from pathlib import Path

GUEST = {"patron_id_type": "userName", "patron_id": "guest@example.edu"}
HEADINGS = "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL,ORIGTX\r\n"


def lines(*said: tuple[int, str, str, str, str, str]) -> str:
    """Write a returned file: transaction, type, status, amount, reference and original transaction of each line."""
    rows = [
        f"D,{number},1,{kind},{status},1/5/2026,guest@example.edu,CC,LIB-OVERDUE,{amount},ALMA_FEE_ID,{fee},{origin}\r\n"
        for number, kind, status, amount, fee, origin in said
    ]
    total = sum(round(float(amount) * 100) for _, _, status, amount, _, _ in said if status == "CLOSED")
    return HEADINGS + "".join(rows) + f"T,{len(rows)},{total / 100:.2f}\r\n"


def standing(nights: Nights) -> dict[str, int]:
    """How many payments stand where."""
    with closing(nights.ledger()) as ledger:
        return {state: count for state, (count, _) in ledger.standing()["payments"].items()}


def test_a_refund_opens_the_debt_again_and_the_fee_entered_anew_is_not_billed_twice(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"}, {**GUEST, "fee_id": "1002", "amount_text": "20"})
    nights.night(1)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", lines((777, "SALE", "CLOSED", "10.00", "1001", "")))
    assert nights.night(2).posted == 1
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_2.csv", lines((778, "REFUND", "CLOSED", "-10.00", "1001", "777")))
    third = nights.night(3)
    assert (third.posted, [one for one in third.findings if one.stops]) == (0, [])
    newest = list(nights.delivered("cashnet/in").values())[-1]
    assert newest.count(",1001,") == 1
    assert standing(nights) == {PaymentState.ALLOCATED: 1, PaymentState.TASKED: 1}
    with closing(nights.ledger()) as ledger:
        (task,) = ledger.tasks(TaskState.OPEN)
        (back,) = ledger.payments_of("cashnet", "778")
    assert (task.kind, task.fee_id, task.reference, task.cents) == ("unpay", "1001", "1001", 1000)
    assert back.takes_back
    nights.exported("b.xml", {**GUEST, "fee_id": "1003", "amount_text": "10"}, number="101")
    assert codes(nights.night(4), "CHARGES_OUT", "held") == ["FEE-MAY-REOPEN"]
    with closing(nights.ledger()) as ledger:
        ledger.close_task(task.task_id, "ann", "entered anew", nights.clock.now())
    assert standing(nights) == {PaymentState.ALLOCATED: 1, PaymentState.SETTLED: 1}
    assert nights.night(5).sent == 1
    assert nights.alma.fee("F1001").balance_cents == 0
    assert [order.cents for order in nights.alma.applied] == [1000]


def entered_anew(nights: Nights, *fees: tuple[str, str]) -> None:
    """Staff enter fees of these amounts whose comment says that they reopen the debt of fee 1001."""
    nights.exported("b.xml", *({**GUEST, "fee_id": fee, "amount_text": amount} for fee, amount in fees), number="101")
    path = nights.folder / "exchange/alma/b.xml"
    comment = "<xb:fineFeeComment>reopens 1001</xb:fineFeeComment><xb:bursarTransactionId>"
    path.write_text(path.read_text("utf-8").replace("<xb:bursarTransactionId>", comment), "utf-8")


def tasks(nights: Nights, state: TaskState) -> list[tuple[str, int]]:
    with closing(nights.ledger()) as ledger:
        return sorted((task.kind, task.cents) for task in ledger.tasks(state))


@pytest.mark.parametrize(
    ("paid", "back", "anew", "parts"),
    [
        ("4.00", ["-4.00"], [("1002", "4")], "6.00 on fee F1001, 4.00 on fee F1002"),
        ("10.00", ["-6.00", "-4.00"], [("1002", "6"), ("1003", "4")], "6.00 on fee F1002, 4.00 on fee F1003"),
    ],
)
def test_a_debt_of_which_a_part_was_entered_anew_is_paid_by_hand_and_nothing_is_called_too_much(
    tmp_path: Path, paid: str, back: list[str], anew: list[tuple[str, str]], parts: str
) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", lines((777, "SALE", "CLOSED", paid, "1001", "")))
    assert nights.night(2).posted == 1
    gone = [(778 + number, "REFUND", "CLOSED", cents, "1001", "777") for number, cents in enumerate(back)]
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_2.csv", lines(*gone))
    nights.night(3)
    asked = tasks(nights, TaskState.OPEN)
    entered_anew(nights, *anew)
    assert codes(nights.night(4), "CHARGES_OUT", "held") == []
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_3.csv", lines((790, "SALE", "CLOSED", "10.00", "1001", "")))
    fifth = nights.night(5)
    assert (fifth.posted, tasks(nights, TaskState.OPEN), tasks(nights, TaskState.DONE)) == (0, [], asked)
    (told,) = [one.text for one in fifth.findings if one.code == "FEE-IN-PARTS"]
    assert told.endswith(f"its debt stands in Alma on 2 open fees: {parts}")
    with closing(nights.ledger()) as ledger:
        (payment,) = ledger.payments_of("cashnet", "790")
        wish = Wish(payment.key, Action.SETTLED, "paid on both fees by hand")
        assert Bench(ledger, nights.clock.now(), "ann").decide(wish) == f"{payment.key}: held to settled, by ann"
        charged = ledger.charge_of(payment.shares[0].source, "1001")
    assert charged is not None
    assert charged.open_cents == 0
    sixth = nights.night(6)
    assert (sixth.posted, standing(nights)[PaymentState.SETTLED], tasks(nights, TaskState.OPEN)) == (
        0,
        1 + len(back),
        [],
    )


REPORT = "Transaction Amount,Fine Fee Type,Fine Fee Id,Primary Identifier,Transaction Date\n"
PAID = "Emplid,Date Paid,Reference Number,Paid Amount,Line Action\n"


def reported(nights: Nights, day: date, *fees: str) -> None:
    """Alma tells of new fees, each of 12.50, in a report that has no comments."""
    rows = "".join(f"12.5,Overdue fine,{fee},001234567,{day}\n" for fee in fees)
    (nights.folder / "exchange/alma" / f"fines-{day:%Y%m%d}.csv").write_text(REPORT + rows, "utf-8")


@pytest.mark.parametrize("days", [10, 70])
def test_where_no_comment_is_read_a_fee_entered_anew_is_held_at_any_age(tmp_path: Path, days: int) -> None:
    nights = Nights(tmp_path, way="two_way")
    nights.alma.add("001234567", a_fee("9001", bursar_id="9001", status="ACTIVE", original=1250))
    reported(nights, FIRST, "9001")
    nights.night(1)
    nights.drop("peoplesoft/out", "LIBRARY_PAID_1.csv", PAID + "001234567,1/6/2026,9001,12.50,PAY\n")
    assert nights.night(2).posted == 1
    nights.clock.sleep(timedelta(days=days).total_seconds())
    later = FIRST + timedelta(days=days + 2)
    back = f"001234567,1/6/2026,9001,12.50,PAY\n001234567,{later:%m/%d/%Y},9001,12.50,REF\n"
    nights.drop("peoplesoft/out", "LIBRARY_PAID_2.csv", PAID + back)
    nights.night(days + 3)
    with closing(nights.ledger()) as ledger:
        (task,) = ledger.tasks(TaskState.OPEN)
        assert "reopens 9001" in task.text
        assert "Where comments are not read, the new fee is held (FEE-MAY-REOPEN)" in task.text
        ledger.close_task(task.task_id, "ann", "done: entered as 9777", nights.clock.now())
    reported(nights, later + timedelta(days=1), "9777")
    assert codes(nights.night(days + 4), "CHARGES_OUT", "held") == ["FEE-MAY-REOPEN"]
    assert "9777" not in "".join(nights.delivered("peoplesoft/in").values())


def test_a_sale_that_is_voided_before_it_was_posted_leaves_nothing_behind(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    voided = lines((777, "SALE", "CLOSED", "10.00", "1001", ""), (777, "SALE", "VOID", "10.00", "1001", ""))
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", voided)
    night = nights.night(2)
    assert (night.posted, [one.code for one in night.findings if one.stops]) == (0, [])
    assert standing(nights) == {PaymentState.CANCELLED: 2}
    assert nights.alma.applied == []
    assert nights.alma.fee("F1001").balance_cents == 1000


def test_a_refund_before_its_payment_waits_over_the_nights(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"})
    nights.night(1)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", lines((778, "REFUND", "CLOSED", "-6.00", "1001", "777")))
    assert [one.code for one in nights.night(2).findings if one.code.startswith("REVERSAL")] == ["REVERSAL-EARLY"]
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_2.csv", lines((777, "SALE", "CLOSED", "10.00", "1001", "")))
    third = nights.night(3)
    assert third.posted == 1
    with closing(nights.ledger()) as ledger:
        assert list(ledger.tasks(TaskState.OPEN)) == [], "only what was kept is posted, so there is nothing to undo"
    assert ",6.00," in list(nights.delivered("cashnet/in").values())[-1]


@pytest.mark.parametrize("before", [True, False], ids=["after it was posted", "in the night it came"])
def test_a_receipt_of_two_lines_that_goes_back_in_one_opens_both_debts(tmp_path: Path, before: bool) -> None:  # noqa: FBT001 - a case
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**GUEST, "amount_text": "10"}, {**GUEST, "fee_id": "1002", "amount_text": "20"})
    nights.night(1)
    first, second = (777, "SALE", "CLOSED", "10.00", "1001", ""), (777, "SALE", "CLOSED", "20.00", "1002", "")
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", lines(first, second).replace("D,777,1", "D,777,2", 1))
    if before:
        assert nights.night(2).posted == 2
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_2.csv", lines((778, "REFUND", "CLOSED", "-30.00", "", "777")))
    third = nights.night(3)
    assert not {"LEDGER-SUMS", "LEDGER-AUDIT", "BOOKS-UNBALANCED"} & {one.code for one in third.findings}
    with closing(nights.ledger()) as ledger:
        told = [(task.kind, task.reference, task.cents) for task in ledger.tasks(TaskState.OPEN)]
        assert sorted(ledger.open_items("cashnet")["fee_id"]) == ["1001", "1002"]
    assert sorted(told) == ([("unpay", "1001", 1000), ("unpay", "1002", 2000)] if before else [])
    assert nights.night(4).posted == 0
    assert sum(one.cents for one in nights.alma.applied) == (3000 if before else 0)
