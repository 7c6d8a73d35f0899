"""A fee that has fallen is looked at before anything is withdrawn, and doubt is held."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.flow import books
from pipeline.flow.books import Entry
from pipeline.ports.outside import AlmaFee, AlmaTransaction
from pipeline.stages.ask import ask
from pipeline.stages.external import external_id
from tests.fakes.alma import Facts, FakeAlma, Read, Scripted
from tests.fakes.clock import FakeClock
from tests.samples import sample_campus
from tests.unit.report_kit import billed, compared, decided, received, stated

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
PATRON = "001234567"
OUR_ID = external_id("campus", "K1", 1)
WITHDRAW = {"waived": "withdraw", "credited": "withdraw", "paid_at_desk": "withdraw"}


def in_alma(*taken: tuple[str, int], status: str = "", original: int = 5000, fee_id: str = "1001") -> AlmaFee:
    """A fee of which so much was taken off, oldest first: (kind, cents), or our own payment as ("BP", cents)."""
    rows = tuple(
        AlmaTransaction("PAYMENT" if kind == "BP" else kind, cents, OUR_ID if kind == "BP" else "", f"2026-01-0{nth}")
        for nth, (kind, cents) in enumerate(taken, 1)
    )
    balance = original - sum(cents for _, cents in taken)
    word = status or ("ACTIVE" if balance else "CLOSED")
    return AlmaFee(fee_id, "", word, "OVERDUEFINE", original, balance, "USD", rows)


class Desk:
    """A desk of changes in a night: positions, receipts, decisions, the campus's rules, and an Alma."""

    def __init__(self, statements: pd.DataFrame, fees: tuple[AlmaFee, ...], **said: Any) -> None:
        self.positions = said.get("positions", billed({}))
        self.receipts = said.get("receipts", received())
        self.decisions = said.get("decisions", decided())
        known = {"positions": self.positions, "receipts": self.receipts}
        self.changes = compared(statements, TODAY, **known)[0].passed
        clock = FakeClock(datetime(2026, 1, 6, tzinfo=UTC))
        script = said.get("script", Scripted())
        self.alma = FakeAlma(clock, [(PATRON, fee) for fee in fees], script, said.get("facts", Facts()))
        self.campus = self._campus(said.get("rules", WITHDRAW))
        self.without_key = said.get("without_key", False)

    @staticmethod
    def _campus(rules: dict[str, Any]) -> Loaded:
        loaded = sample_campus()
        falls = loaded.campus.falls.model_copy(update=rules)
        return replace(loaded, campus=loaded.campus.model_copy(update={"falls": falls}))

    def ask(self) -> Outcome:
        work: Any = SimpleNamespace(
            rows=self.changes,
            today=TODAY,
            campus=self.campus,
            outside=SimpleNamespace(alma=None if self.without_key else self.alma),
            ledger=SimpleNamespace(decisions=lambda: self.decisions),
            kept={"positions": self.positions, "receipts": self.receipts},
        )
        outcome = ask(work)
        lines = books.EQUATIONS["plain"](Entry("ask", self.changes, [], {}, outcome, self.campus))
        assert all(line.balanced for line in lines)
        return outcome


def told(outcome: Outcome) -> list[tuple[str, str]]:
    passed = [("", asked) for asked in outcome.passed["asked"].tolist()]
    held = outcome.boxes.get("held")
    rows = [] if held is None else zip(held["code"].tolist(), held["asked"].tolist(), strict=True)
    return [*passed, *rows]


def gone(**said: Any) -> pd.DataFrame:
    return stated({"amount_cents": 0, "original_cents": 5000, **said})


def fallen(left: int, **said: Any) -> pd.DataFrame:
    return stated({"amount_cents": left, "original_cents": 5000, **said})


@pytest.mark.parametrize(("kind", "asked"), [("WAIVE", "waived"), ("CREDIT", "credited"), ("PAYMENT", "paid_at_desk")])
def test_each_hand_has_its_own_rule(kind: str, asked: str) -> None:
    fee = in_alma((kind, 5000))
    assert told(Desk(gone(), (fee,)).ask()) == [("", asked)]
    assert told(Desk(gone(), (fee,), rules={}).ask()) == [("FALL-HELD", asked)]


def test_a_fall_in_part_is_withdrawn_in_part() -> None:
    outcome = Desk(fallen(3000), (in_alma(("WAIVE", 2000)),)).ask()
    assert told(outcome) == [("", "waived")]
    assert outcome.passed["amount_cents"].tolist() == [-2000]


def test_a_fall_by_several_hands_needs_a_rule_for_each() -> None:
    fee = in_alma(("WAIVE", 2000), ("CREDIT", 3000))
    assert told(Desk(gone(), (fee,)).ask()) == [("", "mixed")]
    assert told(Desk(gone(), (fee,), rules={"waived": "withdraw"}).ask()) == [("FALL-HELD", "mixed")]


def test_a_fee_that_is_still_open_is_held_and_names_both_figures() -> None:
    outcome = Desk(gone(), (in_alma(),)).ask()
    assert told(outcome) == [("GONE-BUT-OPEN", "open")]
    why = outcome.boxes["held"]["why"].iloc[0]
    assert "50.00 billed" in why
    assert "Alma has 50.00 open" in why
    assert PATRON not in why


@pytest.mark.parametrize(
    ("fee", "asked"),
    [
        (in_alma(status="INDISPUTE"), "in_dispute"),
        (in_alma(status="EXPORTED"), "exported"),
        (in_alma(("WAIVE", 5000), status="ODD"), "unreadable"),
        (in_alma(("DEPOSIT", 5000)), "unreadable"),
        (replace(in_alma(), balance_cents=0, status="CLOSED"), "unreadable"),
        (in_alma(fee_id="9999"), "not_found"),
    ],
)
def test_what_alma_does_not_bear_out_is_held(fee: AlmaFee, asked: str) -> None:
    assert told(Desk(gone(), (fee,)).ask()) == [("GONE-BUT-OPEN", asked)]


def test_what_was_off_before_the_charge_and_what_we_withdrew_already_explain_no_new_fall() -> None:
    old = {"positions": billed({"billed_cents": 3000, "movement": 2, "lowered_on": "2026-01-02"})}
    assert told(Desk(gone(), (in_alma(("WAIVE", 2000), ("CREDIT", 3000)),), **old).ask()) == [("", "credited")]
    assert told(Desk(gone(), (in_alma(("WAIVE", 2000)),), **old).ask()) == [("GONE-BUT-OPEN", "open")]


def test_our_own_payments_are_nobody_elses() -> None:
    paid = {"receipts": received({"cents": 2000, "day": "2026-01-03"})}
    outcome = Desk(gone(), (in_alma(("BP", 2000), ("PAYMENT", 3000)),), **paid).ask()
    assert told(outcome) == [("", "paid_at_desk")]
    assert outcome.passed["amount_cents"].tolist() == [-3000]


def test_what_a_desk_took_under_an_id_that_only_begins_like_ours_is_not_ours() -> None:
    (row,) = in_alma(("PAYMENT", 5000)).transactions
    fee = replace(in_alma(("PAYMENT", 5000)), transactions=(replace(row, external_id="BPAY-77"),))
    assert told(Desk(gone(), (fee,)).ask()) == [("", "paid_at_desk")]


def test_a_payment_of_ours_that_the_ledger_does_not_know_is_held_by_default() -> None:
    fee = in_alma(("BP", 5000))
    assert told(Desk(gone(), (fee,)).ask()) == [("FALL-HELD", "paid_by_us")]
    rules = {**WITHDRAW, "paid_by_us": "withdraw"}
    assert told(Desk(gone(), (fee,), rules=rules).ask()) == [("", "paid_by_us")]


def test_a_fee_that_grew_and_fell_is_looked_at_for_the_difference() -> None:
    given = stated({"amount_cents": 4000, "original_cents": 7000})
    outcome = Desk(given, (in_alma(("WAIVE", 3000), original=7000),)).ask()
    assert outcome.passed[["asked", "amount_cents"]].to_numpy().tolist() == [["waived", -1000]]


def test_a_fee_that_alma_shows_among_the_closed_ones_only_is_found_there() -> None:
    fee = in_alma(("WAIVE", 5000))
    desk = Desk(gone(), (fee,), facts=Facts(shows_closed=False))
    assert told(desk.ask()) == [("", "waived")]
    assert desk.alma.calls == ["get", "list CLOSED"]


def test_without_a_key_a_person_must_say_yes_and_then_it_goes() -> None:
    desk = Desk(gone(), (), without_key=True)
    assert told(desk.ask()) == [("FALL-TO-APPROVE", "no_key")]
    yes = decided({"content": desk.changes["content"].iloc[0], "code": "FALL-TO-APPROVE"})
    assert told(Desk(gone(), (), without_key=True, decisions=yes).ask()) == [("", "")]
    other = yes.assign(code="MOVED").astype({"code": "str"})
    assert told(Desk(gone(), (), without_key=True, decisions=other).ask()) == [("FALL-TO-APPROVE", "no_key")]


def test_a_yes_to_another_change_of_the_fee_lets_nothing_pass() -> None:
    yes = decided({"content": "gone:another", "code": "FALL-TO-APPROVE"})
    assert told(Desk(gone(), (), without_key=True, decisions=yes).ask()) == [("FALL-TO-APPROVE", "no_key")]


def several(count: int) -> dict[str, Any]:
    ids = [str(1001 + nth) for nth in range(count)]
    return {
        "statements": stated(*({"fee_id": one, "amount_cents": 0, "original_cents": 5000} for one in ids)),
        "fees": tuple(in_alma(("WAIVE", 5000), fee_id=one) for one in ids),
        "positions": billed(*({"fee_id": one} for one in ids)),
    }


def test_no_more_fees_are_looked_at_than_the_campus_allows() -> None:
    desk = Desk(**several(5), rules={**WITHDRAW, "looks": 2})
    assert sorted(told(desk.ask())) == [("", "waived")] * 2 + [("LOOK-LATER", "")] * 3
    assert desk.alma.calls == ["get", "get"]


def test_an_alma_that_does_not_answer_is_left_alone_after_three_calls() -> None:
    desk = Desk(**several(5), script=Scripted([Read.BUSY] * 9))
    assert told(desk.ask()) == [("LOOK-BUSY", "")] * 5
    assert desk.alma.calls == ["get"] * 3


def test_a_refused_key_is_one_finding_and_the_rest_is_not_asked() -> None:
    desk = Desk(**several(4), script=Scripted([Read.FRESH, Read.SYSTEM]))
    outcome = desk.ask()
    assert sorted(told(outcome)) == [("", "waived")] + [("LOOK-REFUSED", "")] * 3
    assert [finding.code for finding in outcome.findings] == ["LOOK-STOPPED"]
    assert desk.alma.calls == ["get", "get"]


def test_what_has_not_fallen_is_not_looked_at() -> None:
    desk = Desk(stated({"amount_cents": 7000}), ())
    assert desk.ask().passed["amount_cents"].tolist() == [2000]
    assert desk.alma.calls == []
