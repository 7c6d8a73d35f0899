"""Rows are sorted into boxes: the first rule that a row breaks decides, and no row is lost or doubled."""

from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.findings import BOXES, Finding, Outcome
from pipeline.rules import Sorting

PASSED = "passed"


def fees(*cents: int) -> pd.DataFrame:
    numbers = range(len(cents))
    return pd.DataFrame(
        {"fee_id": pd.Series([f"F{n}" for n in numbers], dtype="str"), "amount_cents": pd.Series(cents, dtype="int64")}
    )


def test_rows_that_break_no_rule_pass_on() -> None:
    rows = Sorting(fees(100, 0, 300))
    rows.hold(rows.frame["amount_cents"] == 0, "ZERO", "fee {fee_id} is worth {amount_cents}")
    outcome = rows.outcome()
    assert outcome.passed["fee_id"].tolist() == ["F0", "F2"]
    assert outcome.boxes["held"][["fee_id", "code", "why"]].to_numpy().tolist() == [["F1", "ZERO", "fee F1 is worth 0"]]
    assert list(outcome.boxes) == ["held"]


def test_the_first_rule_wins() -> None:
    rows = Sorting(fees(0, 1))
    everything = rows.frame["amount_cents"] >= 0
    rows.hold(rows.frame["amount_cents"] == 0, "FIRST", "first")
    rows.put("excluded", everything, "SECOND", "second")
    rows.hold(everything, "THIRD", "third")
    outcome = rows.outcome()
    assert outcome.boxes["held"]["code"].tolist() == ["FIRST"]
    assert outcome.boxes["excluded"]["code"].tolist() == ["SECOND"]
    assert len(outcome.passed) == 0


def test_a_rule_that_nobody_breaks_makes_no_box() -> None:
    rows = Sorting(fees(1))
    rows.hold(rows.frame["amount_cents"] == 0, "ZERO", "zero")
    assert rows.outcome().boxes == {}


def test_a_reason_may_hold_braces_that_the_source_wrote() -> None:
    frame = fees(1).assign(note=pd.Series(["{fee_id} {} {0}"], dtype="str"))
    rows = Sorting(frame)
    rows.hold(rows.frame["amount_cents"] == 1, "NOTE", "it says {note!r}")
    assert rows.outcome().boxes["held"]["why"].tolist() == ["it says '{fee_id} {} {0}'"]


def test_rules_do_not_depend_on_the_index_of_the_table() -> None:
    frame = fees(1, 0, 2)
    frame.index = pd.Index([7, 7, 7])
    rows = Sorting(frame)
    rows.hold(rows.frame["amount_cents"] == 0, "ZERO", "zero")
    assert rows.outcome().passed["fee_id"].tolist() == ["F0", "F2"]


def test_the_table_given_is_left_as_it_was() -> None:
    frame = fees(1, 0)
    before = frame.copy()
    rows = Sorting(frame)
    rows.hold(rows.frame["amount_cents"] == 0, "ZERO", "zero")
    rows.outcome()
    pd.testing.assert_frame_equal(frame, before)


def test_findings_travel_with_the_rows() -> None:
    finding = Finding("BOOKS-UNBALANCED", "2026-01-05", "parse: 1 row missing")
    assert Sorting(fees()).outcome([finding]).findings == (finding,)


@st.composite
def sortings(draw: st.DrawFn) -> tuple[list[int], list[tuple[str, list[bool]]]]:
    """Some fees, and rules that each put some of them somewhere."""
    cents = draw(st.lists(st.integers(-(10**9), 10**9), max_size=12))
    mask = st.lists(st.booleans(), min_size=len(cents), max_size=len(cents))
    return cents, draw(st.lists(st.tuples(st.sampled_from(BOXES), mask), max_size=6))


def sort(cents: list[int], rules: list[tuple[str, list[bool]]]) -> Outcome:
    rows = Sorting(fees(*cents))
    for number, (box, mask) in enumerate(rules):
        rows.put(box, pd.Series(mask, dtype=bool), f"RULE-{number}", "fee {fee_id}")
    return rows.outcome()


def ended(outcome: Outcome) -> dict[str, list[tuple[str, str, int]]]:
    """Where every fee ended: its boxes, with the rule's code and its cents."""
    found: dict[str, list[tuple[str, str, int]]] = {}
    for box, frame in outcome.all_rows():
        codes = frame["code"] if "code" in frame else [""] * len(frame)
        for fee, code, cents in zip(frame["fee_id"], codes, frame["amount_cents"], strict=True):
            found.setdefault(fee, []).append((box, code, cents))
    return found


def expected(cents: list[int], rules: list[tuple[str, list[bool]]]) -> dict[str, list[tuple[str, str, int]]]:
    """The same, worked out row by row."""
    found = {}
    for number, worth in enumerate(cents):
        hits = [(box, f"RULE-{at}", worth) for at, (box, mask) in enumerate(rules) if mask[number]]
        found[f"F{number}"] = [hits[0] if hits else (PASSED, "", worth)]
    return found


@given(sortings())
def test_every_fee_ends_in_exactly_one_place_with_every_cent(
    sorting: tuple[list[int], list[tuple[str, list[bool]]]],
) -> None:
    cents, rules = sorting
    assert ended(sort(cents, rules)) == expected(cents, rules)


@pytest.mark.parametrize("spoil", ["lose", "double", "change"])
def test_a_row_that_is_lost_doubled_or_changed_would_be_seen(spoil: str) -> None:
    cents, rules = [100, 200, 300], [("held", [True, False, False])]
    outcome = sort(cents, rules)
    spoilt = {
        "lose": outcome.passed.iloc[1:],
        "double": pd.concat([outcome.passed, outcome.passed.iloc[:1]]),
        "change": outcome.passed.assign(amount_cents=outcome.passed["amount_cents"] + 1),
    }[spoil]
    assert ended(Outcome(spoilt, outcome.boxes)) != expected(cents, rules)
