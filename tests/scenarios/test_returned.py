"""Whole nights of returned files, with the real ledger: overlaps, voids, withdrawals, and a ledger that is lost."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from pipeline.cli.resolve import Bench, Wish
from pipeline.ports.ledger import PaymentState
from pipeline.stages.resolving import Action
from tests.nights import Nights
from tests.unit.return_kit import PAID, TO_DATE, cashnet

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.ports.ledger import Payment

OUT = "peoplesoft/out"
FIRST, SECOND = "001234567,1/5/2026,1001,5.00\n", "001234567,1/6/2026,1002,12.50\n"
SO_FAR = """
[[systems.peoplesoft.returns]]
layout = "own/so_far"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "SO_FAR_*.csv"
quiet_s = 0
"""


def money(nights: Nights) -> list[Payment]:
    with closing(nights.ledger()) as ledger:
        every = ledger.payments_in(*PaymentState)
    return sorted(every, key=lambda one: (one.occurred_on, one.cents, one.key))


def codes(night: object) -> set[str]:
    return {finding.code for finding in night.findings}  # type: ignore[attr-defined]


def test_what_a_newer_report_leaves_out_is_held_or_a_task_and_the_ledgers_sums_agree(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {"fee_id": "1001"})
    nights.night(1)
    nights.drop(OUT, "LIBRARY_PAID_1.csv", PAID + FIRST + SECOND)
    nights.night(2)
    assert [one.state for one in money(nights)] == [PaymentState.ALLOCATED, PaymentState.SUSPENSE]
    nights.drop(OUT, "LIBRARY_PAID_2.csv", PAID + "001,1/5/2026,1,1.00\n" + "001,1/7/2026,1,1.00\n")
    night = nights.night(3)
    assert {"PAYMENT-WITHDRAWN?", "PAYMENT-WITHDRAWN-POSTED"} <= codes(night)
    held = next(one for one in money(nights) if one.cents == 1250)
    assert (held.state, held.code) == (PaymentState.HELD, "PAYMENT-WITHDRAWN?")
    with closing(nights.ledger()) as ledger:
        assert [task.kind for task in ledger.tasks()] == ["look"]
    nights.drop(OUT, "LIBRARY_PAID_3.csv", PAID + FIRST + SECOND + "001,1/8/2026,1,1.00\n")
    night = nights.night(4)
    assert next(one for one in money(nights) if one.cents == 1250).state is PaymentState.SUSPENSE
    assert not {"LEDGER-SUMS", "LEDGER-AUDIT", "BOOKS-UNBALANCED", "NIGHT-FAULT"} & codes(night)


def test_what_a_person_said_never_came_waits_for_one_when_it_is_said_again_and_is_posted_after_a_yes(
    tmp_path: Path,
) -> None:
    nights = Nights(tmp_path)
    nights.drop(OUT, "LIBRARY_PAID_1.csv", PAID + FIRST + SECOND)
    nights.night(1)
    nights.drop(OUT, "LIBRARY_PAID_2.csv", PAID + FIRST + "001,1/7/2026,1,1.00\n")
    assert "PAYMENT-WITHDRAWN?" in codes(nights.night(2))
    answered(nights, Action.REJECT)
    nights.exported("a.xml", {"fee_id": "1002"})
    nights.drop(OUT, "LIBRARY_PAID_3.csv", PAID + FIRST + SECOND + "001,1/7/2026,1,1.00\n")
    night = nights.night(3)
    assert "PAYMENT-SAID-AGAIN" in codes(night)
    assert not {"LEDGER-SUMS", "LEDGER-AUDIT", "BOOKS-UNBALANCED", "NIGHT-FAULT", "NIGHT-LEDGER"} & codes(night)
    assert nights.night(4).posted == 0
    answered(nights, Action.RESEND)
    assert nights.night(5).posted == 1


def never_came(folder: Path) -> Nights:
    """A sum of 5.00 was said, said no more, and called never come by a person; 40.00 are owed now."""
    own = folder / "schemas/layouts/own/so_far.toml"
    own.parent.mkdir(parents=True)
    own.write_text(TO_DATE, "utf-8")
    nights = Nights(folder)
    nights.say(SO_FAR)
    so_far(nights, 2, "5.00")
    so_far(nights, 3, "")
    answer(nights, Action.REJECT)
    nights.exported("a.xml", {"fee_id": "1001", "amount_text": "40"})
    return nights


def so_far(nights: Nights, day: int, dollars: str) -> None:
    row = f"001234567,1/{day}/2026,1001,{dollars}\n" if dollars else ""
    others = f"001234567,1/1/2026,9999,1.00\n001234567,1/{day}/2026,777{day},1.00\n"
    nights.drop(OUT, f"SO_FAR_{day}.csv", PAID + row + others)
    nights.night(day)


def asked_about(nights: Nights) -> list[Payment]:
    return [one for one in money(nights) if one.state is PaymentState.HELD and one.fee_ref == "1001"]


def answer(nights: Nights, action: Action) -> None:
    for one in asked_about(nights):
        with closing(nights.ledger()) as ledger:
            Bench(ledger, nights.clock.now(), "ada").decide(Wish(one.key, action, "asked the bursar"))


def test_after_a_yes_the_sums_that_follow_are_not_asked_about_again(tmp_path: Path) -> None:
    nights = never_came(tmp_path)
    so_far(nights, 4, "10.00")
    assert [one.cents for one in asked_about(nights)] == [1000]
    answer(nights, Action.RESEND)
    for day, sum_so_far in ((5, "10.00"), (6, "15.00"), (7, "20.00")):
        so_far(nights, day, sum_so_far)
        assert asked_about(nights) == []
    assert sum(order.cents for order in nights.alma.applied) == 2000


def test_a_sum_that_falls_to_one_that_was_refused_takes_money_back_all_the_same(tmp_path: Path) -> None:
    nights = never_came(tmp_path)
    so_far(nights, 4, "10.00")
    answer(nights, Action.REJECT)
    so_far(nights, 5, "15.00")
    answer(nights, Action.RESEND)
    so_far(nights, 6, "15.00")
    so_far(nights, 7, "10.00")
    with closing(nights.ledger()) as ledger:
        (charged,) = ledger.charged_to("peoplesoft", "001234567")
    assert charged.paid_cents == 1000


def answered(nights: Nights, action: Action) -> None:
    """A person answers about the payment of 12.50 that is held."""
    held = next(one for one in money(nights) if one.cents == 1250)
    with closing(nights.ledger()) as ledger:
        Bench(ledger, nights.clock.now(), "ada").decide(Wish(held.key, action, "asked the bursar"))


def test_a_sale_that_a_later_file_calls_void_is_an_event_and_no_duplicate(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    sale = "77,1,SALE,CLOSED,12.50,1001,LIB-LOST"
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_1.csv", cashnet(sale))
    nights.night(1)
    nights.drop("cashnet/out", "CASHNET_PAYMENTS_2.csv", cashnet(sale, sale.replace("CLOSED", "VOID")))
    nights.night(2)
    assert sorted((one.kind, one.cents, one.payment_ref) for one in money(nights)) == [
        ("sale", 1250, "77"),
        ("void", -1250, "77"),
    ]


def test_sums_paid_to_date_reach_alma_once_and_again_after_a_lost_ledger_not_at_all(tmp_path: Path) -> None:
    own = tmp_path / "schemas/layouts/own/so_far.toml"
    own.parent.mkdir(parents=True)
    own.write_text(TO_DATE, "utf-8")
    nights = Nights(tmp_path)
    nights.say(SO_FAR)
    nights.exported("a.xml", {"fee_id": "1001"})
    nights.night(1)
    for number, so_far in enumerate(("5.00", "12.50", "12.50"), start=2):
        nights.drop(OUT, f"SO_FAR_{number}.csv", f"{PAID}001234567,1/{number}/2026,1001,{so_far}\n")
        nights.night(number)
    before = {one.key: one.cents for one in money(nights)}
    assert sorted(before.values()) == [500, 750]
    assert sum(order.cents for order in nights.alma.applied) == 1250
    (tmp_path / "state" / "ledger.sqlite").unlink()
    for beside in (tmp_path / "state").glob("ledger.sqlite-*"):
        beside.unlink()
    with closing(nights.ledger()) as ledger:
        ledger.open_empty("test", nights.clock.now())
    nights.night(5)
    nights.night(6)
    assert {one.key: one.cents for one in money(nights)} == before
    assert sum(order.cents for order in nights.alma.applied) == 1250
