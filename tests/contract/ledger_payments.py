"""What the ledger's book of payments promises, whoever keeps it: the database, or a fake in memory.

A class here is used by inheriting it and giving it a fixture ``ledger``, as its docstring says.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from pipeline.findings import Finding
from pipeline.ports.ledger import PAYMENT_MOVES, LedgerError, PaymentState, Run, StaleError
from tests.contract.ledger_contract import moves_of, no_moves
from tests.contract.ledger_kit import (
    MONDAY,
    NOON,
    PAID,
    debts_known,
    for_f1,
    later,
    matched,
    payment,
    placed,
    plan,
    share,
    task,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipeline.ports.ledger import Payment, PaymentBook, Share

RUN = Run(1, MONDAY, 1, "night", NOON)
NOTE = Finding("PAYMENT-KNOWN", "K9", "line 4 was entered before", "paid.csv, line 4")

S = PaymentState
BY_VERB = {S.ALLOCATED, S.CANCELLED, S.TASKED, S.WITHDRAWN}
SETTLING = {start: ends - BY_VERB if start is not S.TASKED else frozenset() for start, ends in PAYMENT_MOVES.items()}
"""The moves a payment can be settled by; the others have verbs of their own, and tasks end by being done."""

KEEPING = (S.HELD, S.MATCHED, S.SETTLED)


class PaymentBookContract:
    """``ledger``: a book without payments; the debts of the kit were charged at peoplesoft; file PAID waits."""

    def test_payments_are_entered_once_and_found_by_key(self, ledger: PaymentBook) -> None:
        full = {"fees": (("F1", 200), ("F2", 50)), "payment_line": "7", "origin_ref": "R0", "item_code": "LIB-FINE"}
        rich = payment("K2", 250, **full, status="CLOSED", reader="cashnet/wide", code="X", why="Öland")
        ledger.enter_payments(RUN, PAID, [payment("K1"), rich], [NOTE], later(1))
        assert ledger.known_payments(["K1", "K2", "K3"]) == {"K1": payment("K1"), "K2": rich}
        assert ledger.known_payments([]) == {}

    def test_a_known_payment_keeps_the_whole_file_out(self, ledger: PaymentBook) -> None:
        ledger.enter_payments(RUN, PAID, [payment("K1")], [], later(1))
        with pytest.raises(StaleError):
            ledger.enter_payments(RUN, PAID, [payment("K0"), payment("K1")], [], later(2))
        assert list(ledger.known_payments(["K0", "K1"])) == ["K1"]

    def test_a_file_is_dealt_with_once(self, ledger: PaymentBook) -> None:
        ledger.refuse_file(RUN, PAID, NOTE, later(1))
        with pytest.raises(StaleError):
            ledger.enter_payments(RUN, PAID, [payment("K0")], [], later(2))
        with pytest.raises(StaleError):
            ledger.refuse_file(RUN, PAID, NOTE, later(2))
        assert ledger.known_payments(["K0"]) == {}

    def test_payments_of_some_states_come_by_date_then_key(self, ledger: PaymentBook) -> None:
        money = [payment("K3"), payment("K1", occurred_on="2026-01-05"), payment("K2")]
        ledger.enter_payments(RUN, PAID, money, [], later(1))
        assert [one.key for one in ledger.payments_in(S.RECEIVED)] == ["K2", "K3", "K1"]
        held = ledger.settle_payment(money[0], S.HELD, "FEE-CLOSED", "closed", later(2))
        assert ledger.payments_in(S.RECEIVED, S.HELD) == [money[2], held, money[1]]
        assert ledger.payments_in() == ledger.payments_in(S.ALLOCATED) == []

    def test_payments_are_found_by_receipt_by_debt_and_by_date(self, ledger: PaymentBook) -> None:
        of_one = [payment("K2", payment_ref="R1", payment_line="1"), payment("K1", payment_ref="R1", payment_line="2")]
        others = [payment("K3", system="cashnet", payment_ref="R1"), payment("K4", occurred_on="2026-01-09")]
        read = [replace(one, reader="peoplesoft/paid") for one in (*of_one, *others)]
        ledger.enter_payments(RUN, PAID, read, [], later(1))
        assert [one.key for one in ledger.payments_of("peoplesoft", "R1")] == ["K2", "K1"]
        between = [("2026-01-04", "2026-01-09"), ("2026-01-05", "2026-01-08"), ("2026-01-09", "2026-01-09")]
        found = [ledger.payments_between("peoplesoft", "peoplesoft/paid", *days) for days in between]
        assert [[one.key for one in each] for each in found] == [["K1", "K2", "K4"], [], ["K4"]]
        assert ledger.payments_between("peoplesoft", "another", "2026-01-01", "2026-12-31") == []
        one = matched(ledger, read[3], share(600, 1, "F2"), share(400, 2, "F1"))
        assert ledger.payments_for("alma", "F1") == ledger.payments_for("alma", "F2") == [one]
        assert ledger.payments_for("other", "F1") == ledger.payments_for("alma", "F3") == []

    def test_a_charge_is_found_by_reference_by_fee_and_by_patron(self, ledger: PaymentBook) -> None:
        f1, f2, f3, f4 = debts_known()
        assert ledger.charged("peoplesoft", "F1") == ledger.charge_of("alma", "F1") == f1
        assert ledger.charge_of("alma", "F3") == f3
        assert ledger.charged("cashnet", "F1") is ledger.charged("peoplesoft", "F9") is None
        assert ledger.charge_of("other", "F1") is None
        assert ledger.charged_to("peoplesoft", "900000001") == [f2, f1]
        for name in ("Kim", "KIM", "b-4"):
            assert ledger.charged_to("peoplesoft", name) == [f4]
        assert ledger.charged_to("cashnet", "Kim") == ledger.charged_to("peoplesoft", "nobody") == []

    def test_what_is_matched_counts_as_paid_in_every_state_but_cancelled(self, ledger: PaymentBook) -> None:
        seen = self.entered(ledger)
        one = matched(ledger, seen, share(600), share(300, 2, "F2"))
        assert one == replace(seen, state=S.MATCHED, shares=(share(600), share(300, 2, "F2")))
        assert ledger.payments_in(S.MATCHED) == [one]
        held = ledger.settle_payment(one, S.HELD, "FEE-CLOSED", "closed", later(2))
        assert (self.paid(ledger, "F1"), self.paid(ledger, "F2")) == (600, 300)
        again = matched(ledger, held, share(1000, 1, "F3"))
        assert ledger.payments_in(S.MATCHED) == [again]
        assert [self.paid(ledger, name) for name in ("F1", "F2", "F3")] == [0, 0, 1000]
        ledger.settle_payment(again, S.SUSPENSE, "MATCH-UNKNOWN-FEE", "no", later(3))
        assert self.paid(ledger, "F3") == 0
        assert ledger.payments_for("alma", "F3") == []

    @pytest.mark.parametrize("code", ["", "FEE-CLOSED"])
    def test_what_a_person_settles_stays_paid_for_the_bursar_has_it(self, ledger: PaymentBook, code: str) -> None:
        held = ledger.match_payment(self.entered(ledger), for_f1(700), later(2), code="FEE-CLOSED", why="closed")
        done = ledger.settle_payment(held, S.SETTLED, code, "ada: typed in", later(3))
        assert done == replace(held, state=S.SETTLED, code=code, why="ada: typed in")
        assert ledger.payments_for("alma", "F1") == ledger.payments_in(S.SETTLED) == [done]
        assert self.paid(ledger, "F1") == 700

    def test_a_payment_may_be_held_as_it_is_matched(self, ledger: PaymentBook) -> None:
        seen = self.entered(ledger)
        held = ledger.match_payment(seen, [share(600)], later(2), code="MATCH-OTHER-PATRON", why="of another")
        expected = replace(seen, state=S.HELD, code="MATCH-OTHER-PATRON", why="of another", shares=(share(600),))
        assert ledger.payments_in(S.HELD) == [held] == [expected]
        assert self.paid(ledger, "F1") == 600
        let_go = ledger.settle_payment(held, S.MATCHED, "", "", later(3))
        assert let_go == replace(held, state=S.MATCHED, code="", why="")

    @pytest.mark.parametrize(
        "wrong",
        [
            (),
            (share(1000, 2),),
            (share(500), share(500)),
            (share(0),),
            (share(-5),),
            (share(1001),),
            (share(600), share(401, 2)),
            (share(600, 1, "F9"),),
        ],
    )
    def test_shares_that_are_none_are_refused(self, ledger: PaymentBook, wrong: tuple[Share, ...]) -> None:
        seen = self.entered(ledger)
        with pytest.raises(LedgerError, match="K1") as refused:
            ledger.match_payment(seen, wrong, later(2))
        assert type(refused.value) is LedgerError
        assert ledger.payments_in(S.RECEIVED) == [seen]
        assert self.paid(ledger, "F1") == 0

    def test_a_payment_is_matched_only_from_where_it_waits(self, ledger: PaymentBook) -> None:
        seen = self.entered(ledger)
        one = matched(ledger, seen)
        for known in (seen, one):
            with pytest.raises(StaleError):
                ledger.match_payment(known, for_f1(5), later(3))
        held = ledger.settle_payment(one, S.HELD, "FEE-CLOSED", "closed", later(4))
        with pytest.raises(StaleError):
            ledger.match_payment(replace(held, shares=()), for_f1(5), later(5))
        with pytest.raises(StaleError):
            ledger.match_payment(replace(held, code="", why=""), for_f1(5), later(5))
        assert ledger.payments_in(S.HELD) == [held]

    @pytest.mark.parametrize(("start", "end"), moves_of(SETTLING))
    def test_every_move_of_the_table_can_be_made(self, ledger: PaymentBook, start: S, end: S) -> None:
        money = self.brought_to(ledger, start)
        if end is S.MATCHED and not money.shares:
            with pytest.raises(LedgerError, match="K1"):
                ledger.settle_payment(money, end, "MATCH-UNKNOWN-FEE", "no such charge", later(9))
            return
        moved = ledger.settle_payment(money, end, "MATCH-UNKNOWN-FEE", "no such charge", later(9))
        shares = money.shares if end in KEEPING else ()
        assert moved == replace(money, state=end, code="MATCH-UNKNOWN-FEE", why="no such charge", shares=shares)
        assert ledger.payments_in(end) == [moved]

    @pytest.mark.parametrize("start", PAYMENT_MOVES)
    def test_there_are_no_other_moves(self, ledger: PaymentBook, start: S) -> None:
        money = self.brought_to(ledger, start)
        staying = set() if start in BY_VERB else {start}
        for end in set(no_moves(SETTLING, start)) - staying:
            with pytest.raises(LedgerError, match="K1"):
                ledger.settle_payment(money, end, "FEE-CLOSED", "shut", later(9))
        assert money in ledger.payments_in(start)

    def test_a_payment_may_stay_with_another_reason(self, ledger: PaymentBook) -> None:
        held = ledger.settle_payment(self.entered(ledger), S.HELD, "LOCATE-NOT-FOUND", "gone", later(2))
        closed = ledger.settle_payment(held, S.HELD, "FEE-CLOSED", "closed", later(3))
        assert ledger.payments_in(S.HELD) == [closed]
        assert ledger.settle_payment(closed, S.HELD, "FEE-CLOSED", "closed", later(4)) == closed

    def test_a_payment_that_was_moved_meanwhile_is_not_moved_again(self, ledger: PaymentBook) -> None:
        one = matched(ledger, self.entered(ledger))
        ledger.settle_payment(one, S.HELD, "FEE-CLOSED", "closed", later(2))
        with pytest.raises(StaleError):
            ledger.settle_payment(one, S.SUSPENSE, "MATCH-UNKNOWN-FEE", "", later(3))
        with pytest.raises(StaleError):
            ledger.allocate(one, *plan(one, 1000), 0, later(3))
        assert self.paid(ledger, "F1") == 1000

    def test_a_plan_is_written_once(self, ledger: PaymentBook) -> None:
        one = matched(ledger, self.entered(ledger), *for_f1(600, 300))
        done = ledger.allocate(one, *plan(one, 600, 250), 150, later(2))
        assert done == replace(one, state=S.ALLOCATED)
        assert ledger.payments_in(S.ALLOCATED) == [done]
        for known in (one, done, replace(one, state=S.RECEIVED, shares=one.shares)):
            with pytest.raises(StaleError):
                ledger.allocate(known, *plan(known, 600, 250), 150, later(3))
        assert self.paid(ledger, "F1") == 900

    def test_a_plan_may_leave_a_share_out(self, ledger: PaymentBook) -> None:
        one = matched(ledger, self.entered(ledger), *for_f1(600, 300))
        allocations, postings = plan(one, 600, 300)
        ledger.allocate(one, allocations[1:], postings[1:], 700, later(2))
        assert [one.state for one in ledger.payments_in(S.ALLOCATED)] == [S.ALLOCATED]

    @pytest.mark.parametrize(("parts", "rest"), [([999], 0), ([1000], 1), ([600, 300], 99), ([], 999), ([1001], -1)])
    def test_a_plan_must_spend_the_payment_to_the_cent(self, ledger: PaymentBook, parts: list[int], rest: int) -> None:
        one = matched(ledger, self.entered(ledger), *for_f1(*(parts if sum(parts) == 900 else [1000])))
        with pytest.raises(LedgerError, match="K1"):
            ledger.allocate(one, *plan(one, *parts), rest, later(2))
        assert ledger.payments_in(S.MATCHED) == [one]

    @pytest.mark.parametrize(
        "changes",
        [
            {"number": 3},
            {"source": "other"},
            {"fee_id": "F2"},
            {"payment_key": "K2"},
            {"cents": 600},
            {"alma_fee_id": "A9"},
        ],
    )
    def test_a_plan_is_of_the_shares_of_its_payment(self, ledger: PaymentBook, changes: dict[str, object]) -> None:
        one = matched(ledger, self.entered(ledger), *for_f1(500, 500))
        allocations, postings = plan(one, 500, 500)
        allocations[1] = replace(allocations[1], **changes)  # type: ignore[arg-type]
        over = allocations[1].cents - 500
        with pytest.raises(LedgerError, match="K1"):
            ledger.allocate(one, [replace(allocations[0], cents=500 - over), allocations[1]], postings, 0, later(2))
        assert ledger.payments_in(S.MATCHED) == [one]

    @pytest.mark.parametrize(
        "changes", [{"state": "recorded"}, {"way": "record"}, {"attempts": 1}, {"cents": 999}, {"fee_id": "F2"}]
    )
    def test_a_posting_of_a_plan_is_new_and_says_what_its_share_says(
        self, ledger: PaymentBook, changes: dict[str, object]
    ) -> None:
        one = matched(ledger, self.entered(ledger))
        allocations, postings = plan(one, 1000)
        with pytest.raises(LedgerError, match="K1"):
            ledger.allocate(one, allocations, [replace(postings[0], **changes)], 0, later(2))  # type: ignore[arg-type]
        assert ledger.payments_in(S.MATCHED) == [one]

    def paid(self, ledger: PaymentBook, fee_id: str) -> int:
        charged = ledger.charge_of("alma", fee_id)
        assert charged is not None
        return charged.paid_cents

    def entered(self, ledger: PaymentBook) -> Payment:
        ledger.enter_payments(RUN, PAID, [payment("K1")], [], later(1))
        return ledger.payments_in(S.RECEIVED)[0]

    def brought_to(self, ledger: PaymentBook, state: S) -> Payment:
        if state in (S.CANCELLED, S.TASKED):
            return self.gone_back(ledger, state)
        money = self.entered(ledger)
        ways: dict[S, Callable[[], Payment]] = {
            S.RECEIVED: lambda: money,
            S.MATCHED: lambda: matched(ledger, money),
            S.ALLOCATED: lambda: placed(ledger, money),
            S.WITHDRAWN: lambda: ledger.withdraw_payment(money, for_f1(1000), [], later(2)),
            S.HELD: lambda: ledger.match_payment(money, for_f1(1000), later(2), code="FEE-CLOSED", why="closed"),
        }
        settled = ways.get(state, lambda: ledger.settle_payment(money, state, "FEE-CLOSED", "closed", later(2)))
        return settled()

    def gone_back(self, ledger: PaymentBook, state: S) -> Payment:
        money, back = payment("K1" if state is S.CANCELLED else "K0"), payment("K1", -1000)
        if state is S.CANCELLED:
            back = replace(back, key="K2")
        ledger.enter_payments(RUN, PAID, [money, back], [], later(1))
        if state is S.TASKED:
            matched(ledger, money)
            return ledger.take_back(back, for_f1(-1000), [task(back)], later(2))
        ledger.cancel_payment(money, back, "FEE-CLOSED", later(2))
        return ledger.known_payments(["K1"])["K1"]
