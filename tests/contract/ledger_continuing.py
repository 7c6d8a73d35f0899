"""What the ledger promises of fees that continue an older debt under another id."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from pipeline.ports.ledger import PaymentState, PostingState
from tests.contract.ledger_charges import rows
from tests.contract.ledger_debts import changing
from tests.contract.ledger_kit import (
    NOON,
    PAID,
    batch,
    begun,
    booking,
    charging,
    fee,
    for_f1,
    later,
    lowering,
    matched,
    movement,
    payment,
    plan,
    task,
)

if TYPE_CHECKING:
    from pipeline.ports.ledger import Ledger, Run

CAME_OFF = ("source", "fee_id", "cents", "day", "sure")


def going_on(ledger: Ledger, way: str = "api") -> Run:
    """Fee F1 of 10.00 is billed, and F2 continues it since the second night."""
    run, one = begun(ledger), fee("F1", 1000)
    line = movement(one, payments_to=way)
    ledger.book(run, booking([one], [line], [batch([line])]), NOON)
    ledger.book(run, booking([fee("F2", 1000, "continued", continues="F1", original_cents=1200)]), later(24))
    return run


class ContinuingBookContract:
    """``ledger``: a ledger nobody has opened."""

    def test_a_fee_that_continues_a_debt_is_worth_what_it_was_then_and_no_movement_is_its_own(
        self, ledger: Ledger
    ) -> None:
        run = going_on(ledger)
        held = fee("F2", -300, "held", version=2, content="fallen:1")
        ledger.book(run, booking([held]), later(48))
        facts = ("source", "fee_id", "system", "patron_id", "original_cents", "billed_cents", "movement", "version")
        found = ledger.continuing("alma")
        assert rows(found, *facts) == [("alma", "F2", "peoplesoft", "900000001", 1200, 1000, 0, 2)]
        assert found.dtypes.astype(str).tolist() == ledger.positions("alma").dtypes.astype(str).tolist()
        assert ledger.continuing("other").empty

    def test_what_we_pay_on_it_in_alma_comes_off_it_and_what_is_paid_on_another_fee_does_not(
        self, ledger: Ledger
    ) -> None:
        run = going_on(ledger)
        ledger.enter_payments(run, PAID, [payment("K1", 600), payment("K2", 400)], [], later(25))
        for key, cents, alma_fee in (("K1", 600, "F2"), ("K2", 400, "F1")):
            seen = matched(ledger, payment(key, cents), at=later(26))
            parts, calls = plan(seen, cents)
            there = [replace(one, alma_fee_id=alma_fee) for one in parts]
            ledger.allocate(seen, there, [replace(one, alma_fee_id=alma_fee) for one in calls], 0, later(26))
        assert ledger.came_off_continuing("alma").empty
        for call in ledger.postings(PostingState.READY):
            sending = ledger.move_posting(call, PostingState.SENDING, later(27), since=later(27))
            sure = sending.payment_key != "K1"
            assert rows(ledger.came_off_continuing("alma"), *CAME_OFF) == [("alma", "F2", 600, "2026-01-06", sure)]
            ledger.move_posting(sending, PostingState.POSTED, later(27))
        found = ledger.came_off_continuing("alma")
        assert rows(found, *CAME_OFF) == [("alma", "F2", 600, "2026-01-06", True)]
        assert found.dtypes.astype(str).tolist() == ledger.receipts("alma").dtypes.astype(str).tolist()
        assert ledger.came_off_continuing("other").empty

    def test_what_came_off_the_older_debt_since_may_have_come_off_it_too(self, ledger: Ledger) -> None:
        run = begun(ledger)
        ledger.book(run, charging(fee("F1", 1000)), NOON)
        before, after = (fee("F1", -cents, version=version) for cents, version in ((100, 2), (200, 3)))
        less = lowering(before)
        anew = fee("F2", 900, "continued", continues="F1")
        ledger.book(run, booking([before, anew], [less], [batch([less], 2, kind="credit", name="c2")]), later(24))
        assert ledger.came_off_continuing("alma").empty, "what went down with it on the same night is no news"
        ledger.book(run, changing(after, lowering(after, movement=3), 3), later(48))
        off = payment("K1", 300, kind="writeoff")
        ledger.enter_payments(run, PAID, [off], [], later(71))
        ledger.withdraw_payment(off, for_f1(300), [task(off, kind="waive")], later(72))
        assert rows(ledger.came_off_continuing("alma"), *CAME_OFF) == [
            ("alma", "F2", 200, "2026-01-07", False),
            ("alma", "F2", 300, "2026-01-08", False),
        ]

    def test_what_a_person_settled_elsewhere_since_may_have_come_off_it_too(self, ledger: Ledger) -> None:
        _settled(ledger, going_on(ledger))
        assert rows(ledger.came_off_continuing("alma"), *CAME_OFF) == [("alma", "F2", 700, "2026-01-06", False)]

    def test_what_a_person_settled_of_a_debt_that_is_kept_here_never_came_off_it(self, ledger: Ledger) -> None:
        _settled(ledger, going_on(ledger, "record"))
        assert ledger.came_off_continuing("alma").empty


def _settled(ledger: Ledger, run: Run) -> None:
    ledger.enter_payments(run, PAID, [payment("K1")], [], later(25))
    held = ledger.match_payment(payment("K1"), for_f1(700), later(25), code="FEE-CLOSED", why="closed")
    ledger.settle_payment(held, PaymentState.SETTLED, "", "ada: typed in", later(26))
