"""What the ledger promises of money that goes back, and of what the bursar writes off."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import pytest

from pipeline.ports.ledger import LedgerError, PaymentState, PostingState, StaleError, TaskState, Word
from tests.contract.ledger_kit import EXPORT, PAID, for_f1, later, matched, payment, placed, plan, share, task
from tests.contract.ledger_payments import RUN

if TYPE_CHECKING:
    from typing import Protocol

    from pipeline.ports.ledger import Payment, PaymentBook, PostingBook, TaskBook

    class MoneyBook(PaymentBook, PostingBook, TaskBook, Protocol):
        """The books of money."""


S = PaymentState
READY, HELD, CANCELLED = PostingState.READY, PostingState.HELD, PostingState.CANCELLED
BACK = payment("R1", -1000, kind="void", payment_ref="RK1", origin_ref="RK1")


class ReturnsContract:
    """``ledger``: as for PaymentBookContract."""

    def test_what_was_not_posted_is_cancelled_with_the_line_that_takes_it_back(self, ledger: MoneyBook) -> None:
        money = placed(ledger, self.entered(ledger), 600, 300, rest=100)
        ledger.cancel_payment(money, BACK, "voided the same day", later(3))
        gone = ledger.known_payments(["K1", "R1"])
        assert gone["K1"] == replace(money, state=S.CANCELLED, why="voided the same day")
        assert gone["R1"] == replace(BACK, state=S.CANCELLED, why="voided the same day", takes_back="K1")
        assert [one.state for one in ledger.postings_of("K1")] == [CANCELLED, CANCELLED]
        assert ledger.postings(READY) == []
        assert self.sums(ledger) == (1000, 0)
        assert ledger.payments_for("alma", "F1") == [gone["K1"]]
        assert ledger.backs_of("K1") == [gone["R1"]]

    @pytest.mark.parametrize("state", [S.RECEIVED, S.MATCHED, S.HELD, S.SUSPENSE])
    def test_what_was_not_even_planned_is_cancelled_too(self, ledger: MoneyBook, state: PaymentState) -> None:
        money = self.entered(ledger)
        if state is not S.RECEIVED:
            money = matched(ledger, money)
        if state in (S.HELD, S.SUSPENSE):
            money = ledger.settle_payment(money, state, "FEE-CLOSED", "closed", later(2))
        ledger.cancel_payment(money, BACK, "voided", later(3))
        assert [one.key for one in ledger.payments_in(S.CANCELLED)] == ["K1", "R1"]
        assert self.sums(ledger) == (1000, 0)

    @pytest.mark.parametrize("state", [PostingState.SENDING, PostingState.POSTED, HELD])
    def test_what_may_be_in_alma_is_not_cancelled(self, ledger: MoneyBook, state: PostingState) -> None:
        money = placed(ledger, self.entered(ledger))
        call = ledger.move_posting(ledger.postings_of("K1")[0], PostingState.SENDING, later(2), attempts=1)
        if state is not PostingState.SENDING:
            ledger.move_posting(call, state, later(2))
        with pytest.raises(StaleError):
            ledger.cancel_payment(money, BACK, "voided", later(3))
        assert ledger.known_payments(["K1", "R1"]) == {"K1": money, "R1": BACK}
        assert ledger.postings_of("K1")[0].state is state

    def test_only_two_lines_that_come_to_nothing_are_cancelled(self, ledger: MoneyBook) -> None:
        money = matched(ledger, self.entered(ledger))
        for wrong in (replace(BACK, cents=-999), replace(BACK, cents=1000)):
            with pytest.raises(LedgerError, match="K1"):
                ledger.cancel_payment(money, wrong, "voided", later(3))
        with pytest.raises(LedgerError, match="R1"):
            ledger.cancel_payment(BACK, money, "voided", later(3))
        with pytest.raises(LedgerError, match="K1"):
            ledger.cancel_payment(replace(money, state=S.SETTLED), BACK, "voided", later(3))
        for stale in (replace(money, shares=()), replace(money, state=S.RECEIVED), replace(money, why="x")):
            with pytest.raises(StaleError):
                ledger.cancel_payment(stale, BACK, "voided", later(3))
        ledger.settle_payment(BACK, S.HELD, "REVERSAL-EARLY", "", later(3))
        with pytest.raises(StaleError):
            ledger.cancel_payment(money, BACK, "voided", later(3))
        assert self.sums(ledger) == (1000, 1000)

    def test_money_that_goes_back_opens_the_debt_again_and_is_settled_with_its_tasks(self, ledger: MoneyBook) -> None:
        placed(ledger, self.entered(ledger))
        chores = [task(BACK, 1), task(BACK, 2, kind="clear-credit")]
        back = ledger.take_back(BACK, for_f1(-1000), chores, later(3), origin="K1")
        assert back == replace(BACK, state=S.TASKED, shares=for_f1(-1000), takes_back="K1")
        assert ledger.payments_in(S.TASKED) == ledger.backs_of("K1") == [back]
        assert ledger.backs_of("") == ledger.backs_of("R1") == []
        assert self.sums(ledger) == (1000, 0)
        assert ledger.tasks(TaskState.OPEN) == chores
        ledger.close_task("T-R1-1", "kim", "created it", later(4))
        assert ledger.payments_in(S.TASKED) == [back]
        ledger.close_task("T-R1-2", "kim", "cleared it", later(5))
        assert ledger.payments_in(S.SETTLED) == [replace(back, state=S.SETTLED)]
        assert self.sums(ledger) == (1000, 0)

    def test_money_that_goes_back_may_need_no_task_and_be_for_no_debt(self, ledger: MoneyBook) -> None:
        self.entered(ledger)
        assert ledger.take_back(BACK, [], [], later(3)) == replace(BACK, state=S.SETTLED)
        assert self.sums(ledger) == (1000, 0)

    def test_no_more_goes_back_of_a_debt_than_came_in_for_it(self, ledger: MoneyBook) -> None:
        money = self.entered(ledger)
        with pytest.raises(LedgerError, match=r"7\.00 more of fee F1"):
            ledger.take_back(BACK, for_f1(-700), [task(BACK)], later(3))
        matched(ledger, money, share(600))
        with pytest.raises(LedgerError, match=r"R1.*1\.00 more of fee F1"):
            ledger.take_back(BACK, for_f1(-700), [task(BACK)], later(3))
        assert (ledger.payments_in(S.RECEIVED), ledger.tasks()) == ([BACK], [])
        ledger.take_back(BACK, for_f1(-600), [task(BACK)], later(3))
        assert self.sums(ledger) == (1000, 0)

    @pytest.mark.parametrize("origin", ["K1", ""])
    def test_a_payment_of_which_something_went_back_is_not_put_on_another_debt(
        self, ledger: MoneyBook, origin: str
    ) -> None:
        held = ledger.match_payment(self.entered(ledger), for_f1(1000), later(2), code="FEE-CLOSED", why="closed")
        ledger.take_back(BACK, for_f1(-400), [task(BACK)], later(3), origin=origin)
        for fewer in ((share(600, 1, "F3"),), for_f1(399)):
            with pytest.raises(LedgerError, match=r"K1.* more of fee F1"):
                ledger.match_payment(held, fewer, later(4))
        assert ledger.payments_in(S.HELD) == [held]
        assert self.sums(ledger) == (1000, 600)
        ledger.match_payment(held, for_f1(400), later(4))
        assert self.sums(ledger) == (1000, 0)

    @pytest.mark.parametrize("to", [S.RECEIVED, S.SUSPENSE, S.EXCLUDED])
    def test_what_went_back_of_a_payment_that_is_for_no_debt_any_more_is_for_none_either(
        self, ledger: MoneyBook, to: PaymentState
    ) -> None:
        held = ledger.match_payment(self.entered(ledger), for_f1(1000), later(2), code="FEE-CLOSED", why="closed")
        back = ledger.take_back(BACK, for_f1(-400), [], later(3), origin="K1")
        ledger.settle_payment(held, to, "", "said again", later(4))
        assert ledger.backs_of("K1") == [replace(back, shares=())]
        assert self.sums(ledger) == (1000, 0)

    def test_a_debt_is_never_left_with_less_than_nothing(self, ledger: MoneyBook) -> None:
        held = ledger.match_payment(self.entered(ledger), for_f1(1000), later(2), code="FEE-CLOSED", why="closed")
        ledger.take_back(BACK, for_f1(-400), [task(BACK)], later(3))
        with pytest.raises(LedgerError, match=r"K1.*4\.00 more of fee F1"):
            ledger.settle_payment(held, S.RECEIVED, "", "said again", later(4))
        void = payment("R2", -1000, kind="void")
        ledger.enter_payments(RUN, EXPORT, [void], [], later(4))
        with pytest.raises(LedgerError, match=r"K1.*4\.00 more of fee F1"):
            ledger.cancel_payment(held, void, "voided", later(5))
        assert (ledger.payments_in(S.HELD), ledger.payments_in(S.RECEIVED)) == ([held], [void])
        assert self.sums(ledger) == (1000, 600)

    def test_money_goes_back_only_as_such_and_once(self, ledger: MoneyBook) -> None:
        money = matched(ledger, self.entered(ledger), share(5))
        for wrong in (for_f1(1000), for_f1(-1001), for_f1(0), (share(-5, 2),), (share(-5, 1, "F9"),)):
            with pytest.raises(LedgerError, match="R1"):
                ledger.take_back(BACK, wrong, [task(BACK)], later(3))
        with pytest.raises(LedgerError, match="K1"):
            ledger.take_back(money, for_f1(1000), [task(money)], later(3))
        for chore in (task(money), task(BACK, state=TaskState.DONE)):
            with pytest.raises(LedgerError, match="R1"):
                ledger.take_back(BACK, for_f1(-5), [chore], later(3))
        ledger.open_task(task(BACK), later(3))
        with pytest.raises(StaleError):
            ledger.take_back(BACK, for_f1(-5), [task(BACK)], later(3))
        assert ledger.payments_in(S.RECEIVED, S.MATCHED) == [money, BACK]
        ledger.take_back(BACK, for_f1(-5), [task(BACK, 2)], later(3))
        with pytest.raises(StaleError):
            ledger.take_back(BACK, for_f1(-5), [task(BACK, 3)], later(3))
        assert self.sums(ledger) == (1000, 0)
        assert [one.task_id for one in ledger.tasks()] == ["T-R1-1", "T-R1-2"]

    def test_a_plan_is_written_with_its_tasks_or_not_at_all(self, ledger: MoneyBook) -> None:
        money = matched(ledger, self.entered(ledger))
        left, about_back = task(money, kind="refund"), task(BACK, kind="unpay")
        with pytest.raises(LedgerError, match="K1"):
            ledger.allocate(money, *plan(money, 600), 400, later(2), tasks=[replace(left, state=TaskState.DONE)])
        known = task(BACK, 2)
        ledger.open_task(known, later(2))
        with pytest.raises(StaleError):
            ledger.allocate(money, *plan(money, 600), 400, later(2), tasks=[left, known])
        assert (ledger.payments_in(S.MATCHED), list(ledger.tasks()), ledger.postings_of("K1")) == ([money], [known], [])
        ledger.allocate(money, *plan(money, 600), 400, later(2), tasks=[left, about_back])
        assert list(ledger.tasks()) == [left, about_back, known]

    def test_a_write_off_comes_off_the_debts_and_is_no_money(self, ledger: MoneyBook) -> None:
        off = self.entered(ledger)
        given = (share(700), share(50, 2), share(250, 3, "F2"))
        gone = ledger.withdraw_payment(off, given, [task(off, kind="waive")], later(3))
        assert gone == replace(off, state=S.WITHDRAWN, shares=given)
        assert ledger.payments_in(S.WITHDRAWN) == ledger.payments_for("alma", "F2") == [gone]
        assert self.sums(ledger) == (250, 0)
        assert self.sums(ledger, "F2") == (0, 0)
        assert [one.kind for one in ledger.tasks(TaskState.OPEN)] == ["waive"]
        ledger.close_task("T-K1-1", "kim", "waived", later(4))
        assert ledger.payments_in(S.WITHDRAWN) == [gone]

    def test_a_line_of_either_sign_may_be_a_write_off(self, ledger: MoneyBook) -> None:
        self.entered(ledger)
        ledger.withdraw_payment(BACK, for_f1(1000), [], later(3))
        assert self.sums(ledger) == (0, 0)

    def test_no_more_is_written_off_than_was_charged_and_no_line_twice(self, ledger: MoneyBook) -> None:
        off = self.entered(ledger)
        for wrong in ((), for_f1(-5), for_f1(1001), (share(251, 1, "F2"),), (share(5, 1, "F9"),)):
            with pytest.raises(LedgerError):
                ledger.withdraw_payment(off, wrong, [], later(3))
        with pytest.raises(LedgerError, match="K1"):
            ledger.withdraw_payment(off, for_f1(5), [task(BACK)], later(3))
        assert ledger.payments_in(S.RECEIVED) == [off, BACK]
        ledger.withdraw_payment(off, for_f1(600), [], later(3))
        with pytest.raises(StaleError):
            ledger.withdraw_payment(off, for_f1(5), [], later(3))
        with pytest.raises(LedgerError):
            ledger.withdraw_payment(BACK, for_f1(401), [], later(3))
        ledger.withdraw_payment(BACK, for_f1(400), [], later(3))
        assert self.sums(ledger) == (0, 0)

    def test_a_word_is_overtaken_when_a_payment_moves_and_comes_back(self, ledger: MoneyBook) -> None:
        held = ledger.match_payment(self.entered(ledger), for_f1(1000), later(2), code="FEE-CLOSED", why="closed")
        word = Word("K1", "resend, while held FEE-CLOSED", "kim", "open again", later(3))
        ledger.say(word)
        assert ledger.settle_payment(held, S.HELD, "FEE-CLOSED", "closed", later(4)) == held
        assert ledger.said("K1") == word
        let_go = ledger.settle_payment(held, S.MATCHED, "", "", later(4))
        assert ledger.settle_payment(let_go, S.HELD, "FEE-CLOSED", "closed", later(5)) == held
        assert ledger.said("K1") is None
        ledger.say(replace(word, at=later(6)))
        assert ledger.said("K1") == replace(word, at=later(6))

    def test_a_word_is_overtaken_when_a_call_moves_and_not_when_alma_is_silent(self, ledger: MoneyBook) -> None:
        placed(ledger, self.entered(ledger))
        call = ledger.move_posting(ledger.postings_of("K1")[0], HELD, later(2), code="FEE-CLOSED")
        word = Word(call.external_id, "reject, while held FEE-CLOSED", "kim", "not ours", later(3))
        ledger.say(word)
        call = ledger.note_blind(call, date(2026, 1, 6), "no answer", later(4))
        assert ledger.said(call.external_id) == word
        call = ledger.move_posting(call, READY, later(5))
        ledger.move_posting(call, HELD, later(6), code="FEE-CLOSED")
        assert ledger.said(call.external_id) is None

    def entered(self, ledger: MoneyBook) -> Payment:
        ledger.enter_payments(RUN, PAID, [payment("K1"), BACK], [], later(1))
        return payment("K1")

    def sums(self, ledger: MoneyBook, fee_id: str = "F1") -> tuple[int, int]:
        charged = ledger.charge_of("alma", fee_id)
        assert charged is not None
        return charged.charged_cents, charged.paid_cents
