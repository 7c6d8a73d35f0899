"""Whatever reports, bills and payments say: the books of compare balance, and no debt is lowered below what is owed."""

from __future__ import annotations

from datetime import date
from typing import Any

from hypothesis import Phase, example, given, settings
from hypothesis import strategies as st

from pipeline.flow import books
from pipeline.flow.books import Entry
from tests.depth import deep
from tests.samples import history, sample_campus
from tests.unit.report_kit import billed, compared, decided, received, stated

TODAY = date(2026, 1, 6)
CENTS = st.integers(0, 8).map(lambda units: units * 500)
DAYS = st.sampled_from(["2026-01-03", "2026-01-04", "2026-01-05", "2026-01-06"])
RECEIPTS = st.lists(
    st.fixed_dictionaries({"cents": st.integers(1, 4).map(lambda n: n * 500), "day": DAYS, "sure": st.booleans()}),
    max_size=3,
)
FEE = st.fixed_dictionaries(
    {
        "said": CENTS,
        "original": CENTS,
        "lists": st.sampled_from(["open_now", "open_now", "new_since"]),
        "known": st.sampled_from(["", "", "pending"]),
        "as_of": DAYS,
        "was": st.none() | st.fixed_dictionaries({"original_cents": CENTS, "billed_cents": CENTS}),
        "lowered_on": st.sampled_from(["", "2026-01-04", "2026-01-05"]),
        "receipts": RECEIPTS,
        "earlier": st.none() | st.sampled_from(["grown:1", "fallen:2", "gone:3", "rise:4"]),
    }
)


UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""The lists are short enough to read as they are found; to shorten one further takes minutes."""

OVERPAID_AND_GROWN: dict[str, Any] = {
    "said": 500,
    "original": 3500,
    "lists": "open_now",
    "known": "",
    "as_of": "2026-01-04",
    "was": {"billed_cents": 3500, "original_cents": 3000},
    "lowered_on": "2026-01-05",
    "receipts": [
        {"cents": 2000, "day": "2026-01-04", "sure": False},
        {"cents": 2000, "day": "2026-01-05", "sure": True},
    ],
    "earlier": None,
}
"""Payments, one of them in doubt, of more than was billed, and a growth beside them."""


def laid_out(fees: list[dict[str, Any]]) -> tuple[Any, dict[str, Any]]:
    rows, positions, receipts = [], [], []
    for number, fee in enumerate(fees):
        key = {"fee_id": str(1000 + number)}
        said = {"amount_cents": fee["said"], "original_cents": max(fee["original"], fee["said"])}
        rows.append({**key, **said, **{name: fee[name] for name in ("lists", "known", "as_of")}})
        if fee["was"]:
            positions.append({**key, **fee["was"], "lowered_on": fee["lowered_on"], "version": 20})
            receipts += [{**key, **one} for one in fee["receipts"]]
            if fee["earlier"]:
                sign = 1 if fee["earlier"][0] in "gr" and fee["earlier"] != "gone:3" else -1
                old = {"content": fee["earlier"], "amount_cents": sign * 300, "known": "pending", "version": 12}
                rows.append({**key, **old, "lists": fee["lists"]})
    known = {"positions": billed(*positions), "receipts": received(*receipts)}
    return stated(*rows), known


@settings(max_examples=deep(25), deadline=None, phases=UNSHRUNK)
@given(st.lists(FEE, min_size=1, max_size=4))
def test_the_books_balance_whatever_is_said(fees: list[dict[str, Any]]) -> None:
    table, known = laid_out(fees)
    outcome, lines = compared(table, TODAY, **known)
    assert [str(line) for line in lines if not line.balanced] == []
    falls = outcome.passed[outcome.passed["change"].isin(["fallen", "gone"]) & (outcome.passed["known"] == "")]
    assert (falls["amount_cents"] < 0).all()
    keys = ["source", "fee_id", "version"]
    booked = [rows[keys] for box, rows in outcome.all_rows() if box in ("passed", "held", "withdrawn")]
    assert not any(rows.duplicated().any() for rows in booked)


@settings(max_examples=deep(25), deadline=None, phases=UNSHRUNK)
@given(st.lists(FEE, min_size=1, max_size=3), st.integers(-300, 300).filter(bool))
def test_books_that_do_not_balance_are_seen_whatever_is_said(fees: list[dict[str, Any]], wrong: int) -> None:
    table, known = laid_out(fees)
    outcome, _ = compared(table, TODAY, **known)
    first = outcome.passed.index == 0
    outcome.passed["amount_cents"] += first * wrong
    every = {**known, "history": history(), "decisions": decided()}
    lines = books.EQUATIONS["compare"](Entry("compare", table, [], every, outcome, sample_campus()))
    assert any(not line.balanced for line in lines) == bool(len(outcome.passed))


@settings(max_examples=deep(25), deadline=None, phases=UNSHRUNK)
@given(st.lists(FEE, min_size=1, max_size=3))
@example([OVERPAID_AND_GROWN])
@example([{**OVERPAID_AND_GROWN, "receipts": [{"cents": 2000, "day": "2026-01-03", "sure": True}] * 2}])
def test_once_every_change_is_sent_the_same_report_changes_nothing_more(fees: list[dict[str, Any]]) -> None:
    table, known = laid_out([{**fee, "known": "", "earlier": None} for fee in fees])
    outcome, _ = compared(table, TODAY, **known)
    sent = outcome.passed.groupby("fee_id")["amount_cents"].sum().to_dict()
    by_version = outcome.passed.sort_values("version")
    newest = dict(zip(by_version["fee_id"], by_version["original_cents"], strict=True))
    places = {row["fee_id"]: row for row in known["positions"].to_dict("records")}
    after = []
    for fee_id in sorted({*places, *sent}):
        before = places.get(fee_id, {"billed_cents": 0, "original_cents": 0, "lowered_on": "", "fee_id": fee_id})
        lowered = "2026-01-06" if sent.get(fee_id, 0) < 0 else before["lowered_on"]
        moved = {"billed_cents": before["billed_cents"] + sent.get(fee_id, 0), "lowered_on": lowered}
        after.append({**before, **moved, "original_cents": newest.get(fee_id, before["original_cents"]), "version": 30})
    again, lines = compared(table, TODAY, positions=billed(*after), receipts=known["receipts"])
    assert all(line.balanced for line in lines)
    assert again.passed[["change", "amount_cents"]].to_numpy().tolist() == []
