"""Whole nights in which money goes back: the portal's refunds and voids, the ledger in its database, Alma answering."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState, TaskState
from tests.nights import Nights, codes

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
