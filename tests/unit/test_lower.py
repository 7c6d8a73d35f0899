"""What lowers a debt: the means in their order, credits placed only without a doubt, and never more than was billed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.stages.debts import AS_SENT
from pipeline.stages.lower import ADDED, lower
from tests.unit.movement_kit import campus, changes, charges, credit, decisions, without_credits

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
NOBODY = decisions()
CREDITS = campus()
REVERSALS = campus(reversals=True)
CASHNET = {"system": "cashnet", "item_type": "", "item_code": "LIB-OVERDUE"}
OLD = {"amount_cents": 1000}


def lowered(
    given_changes: pd.DataFrame,
    known: pd.DataFrame,
    at: Loaded = CREDITS,
    said: pd.DataFrame = NOBODY,
    held: pd.DataFrame | None = None,
) -> Outcome:
    nothing = changes() if held is None else held
    return lower(given_changes, at, TODAY, charges=known, decisions=said, held=nothing)


def only(frame: pd.DataFrame, *names: str) -> list[tuple[Any, ...]]:
    return list(zip(*(frame[name].tolist() for name in names), strict=True))


def code_of(outcome: Outcome, box: str = "held") -> str:
    """The code of the one row there is, which nothing passes beside."""
    assert len(outcome.passed) == 0
    [code] = outcome.boxes[box]["code"]
    return str(code)


def why_of(outcome: Outcome) -> str:
    [why] = outcome.boxes["held"]["why"]
    return str(why)


# -- what raises a debt


def test_a_first_charge_passes_as_it_is_and_says_nothing_as_sent() -> None:
    new = changes({"change": "new", "amount_cents": 500, "movement": 1, "version": 1, "system": ""})
    row = lowered(new, charges()).passed.iloc[0]
    assert (row["kind"], row["against"], row["undoes"], row["system"]) == ("charge", "F1", "", "")
    assert {row[name] for name in ADDED[3:]} == {""}


def test_a_fee_that_has_grown_is_charged_the_difference_in_the_words_of_its_first_charge() -> None:
    grown = changes({"change": "grown", "amount_cents": 300, "owner": "LAW"})
    known = charges(OLD, {"amount_cents": 200, "movement": 2, "term": "2265", "billed_cents": 1200})
    row = lowered(grown, known).passed.iloc[0]
    assert (row["kind"], row["amount_cents"], row["movement"]) == ("charge", 300, 2)
    assert row[list(AS_SENT)].to_dict() == {**known.iloc[0][list(AS_SENT)].to_dict(), "effective_date": ""}


@pytest.mark.parametrize("change", ["grown", "fallen", "gone"])
def test_a_change_of_a_fee_without_a_charge_is_held(change: str) -> None:
    cents = 300 if change == "grown" else -300
    outcome = lowered(changes({"change": change, "amount_cents": cents}), charges({**OLD, "fee_id": "F2"}))
    assert code_of(outcome) == "LOWER-NO-CHARGE"
    assert "3.00" in why_of(outcome)


def test_a_growth_that_a_snapshot_could_not_show_rightly_is_held_and_only_there() -> None:
    grown = changes({"change": "grown", "amount_cents": 300})
    over = {**OLD, "paid_cents": 1200}
    assert code_of(lowered(grown, charges({**over, **CASHNET}))) == "GROWN-OVERPAID"
    assert len(lowered(grown, charges(over)).passed) == 1
    assert len(lowered(grown, charges({**OLD, **CASHNET, "paid_cents": 1000})).passed) == 1


# -- the means by which a debt falls, in their order


def test_at_a_snapshot_system_a_fall_is_a_credit_that_needs_no_means_of_its_own() -> None:
    fall = changes({"amount_cents": -400, "system": "cashnet"})
    row = lowered(fall, charges({**OLD, **CASHNET}), without_credits()).passed.iloc[0]
    assert (row["kind"], row["amount_cents"], row["against"], row["undoes"]) == ("credit", -400, "F1", "")
    assert (row["item_code"], row["item_type"]) == ("LIB-OVERDUE", "")


def test_without_reversals_a_fall_is_one_credit_line_of_the_campus_item_type() -> None:
    row = lowered(changes({"amount_cents": -1000, "change": "gone"}), charges(OLD)).passed.iloc[0]
    assert (row["kind"], row["amount_cents"], row["item_type"]) == ("credit", -1000, "820000207000")
    assert (row["bursar_id"], row["account_type"], row["fund"], row["term"]) == ("1234567", "SFS", "GF001", "2262")


def test_a_whole_charge_is_reversed_with_everything_as_it_was_sent() -> None:
    second = {"amount_cents": 250, "movement": 2, "term": "2265", "item_type": "300000007001", "account_type": "LIB"}
    known = charges({**OLD, "billed_cents": 1250}, {**second, "billed_cents": 1250})
    row = lowered(changes({"amount_cents": -250, "movement": 3}), known, REVERSALS).passed.iloc[0]
    assert (row["kind"], row["amount_cents"], row["undoes"], row["movement"]) == ("reversal", -250, "F1-2", 3)
    assert row[list(AS_SENT)].to_dict() == known.iloc[1][list(AS_SENT)].to_dict()


def three(*cents: int, **said: Any) -> pd.DataFrame:
    """A fee charged so many times, all of it billed."""
    return charges(
        *(
            {"amount_cents": each, "movement": number, "billed_cents": sum(cents), **said}
            for number, each in enumerate(cents, 1)
        )
    )


@pytest.mark.parametrize(
    ("charged", "fall", "undone"),
    [
        ((500, 500, 500), 500, ["F1-3"]),
        ((500, 500, 500), 1000, ["F1-3", "F1-2"]),
        ((1000, 300, 500), 1300, ["F1-2", "F1"]),
        ((800, 500, 300), 800, ["F1-3", "F1-2"]),
        ((700, 500, 300), 1500, ["F1-3", "F1-2", "F1"]),
    ],
)
def test_whole_charges_that_add_up_to_the_fall_are_reversed_the_newest_first(
    charged: tuple[int, ...], fall: int, undone: list[str]
) -> None:
    outcome = lowered(changes({"amount_cents": -fall, "movement": 4, "version": 4}), three(*charged), REVERSALS)
    assert outcome.passed["undoes"].tolist() == undone
    assert set(outcome.passed["kind"]) == {"reversal"}
    assert outcome.passed["movement"].tolist() == list(range(4, 4 + len(undone)))
    assert outcome.passed["version"].tolist() == list(range(4, 4 + len(undone)))
    assert outcome.passed["content"].nunique() == len(undone)
    assert outcome.boxes == {}


@pytest.mark.parametrize("fall", [100, 499, 501, 1499])
def test_a_fall_that_no_whole_charges_make_up_is_a_credit_never_a_reversal_and_a_new_charge(fall: int) -> None:
    outcome = lowered(changes({"amount_cents": -fall}), three(500, 500, 500), REVERSALS)
    assert only(outcome.passed, "kind", "amount_cents", "undoes") == [("credit", -fall, "")]


def test_a_charge_is_reversed_once() -> None:
    known = charges({**OLD, "billed_cents": 1000}, {**OLD, "movement": 2, "reversed": True, "billed_cents": 1000})
    assert lowered(changes({"amount_cents": -1000}), known, REVERSALS).passed["undoes"].tolist() == ["F1"]
    both = changes({"amount_cents": -500, "version": 2}, {"amount_cents": -500, "version": 3})
    assert lowered(both, three(500, 500), REVERSALS).passed["undoes"].tolist() == ["F1-2", "F1"]


def test_a_charge_that_any_payment_has_touched_is_never_reversed() -> None:
    known = three(1000, 500, paid_cents=1)
    assert lowered(changes({"amount_cents": -500}), known, REVERSALS).passed["kind"].tolist() == ["credit"]


@pytest.mark.parametrize("sent_on", ["", "2026-01-06", "2026-01-07"])
def test_a_reversal_waits_for_a_day_after_the_one_its_charge_arrived_on(sent_on: str) -> None:
    outcome = lowered(changes({"amount_cents": -1000}), charges({**OLD, "sent_on": sent_on}), REVERSALS)
    assert code_of(outcome, "waiting") == "LOWER-LATER"
    assert outcome.boxes["waiting"]["amount_cents"].tolist() == [-1000]


def test_a_change_that_waited_as_one_and_goes_out_in_parts_is_withdrawn_as_one() -> None:
    held = {"known": "pending", "content": "fallen:" + "ab" * 24}
    waited = changes({"amount_cents": -800, "movement": 4, "version": 4, **held})
    outcome = lowered(waited, three(800, 500, 300), REVERSALS)
    assert only(outcome.passed, "version", "movement", "known", "amount_cents") == [(5, 4, "", -300), (6, 5, "", -500)]
    assert only(outcome.boxes["withdrawn"], "version", "code", "amount_cents") == [(4, "CHANGE-SPLIT", -800)]
    assert [len(content) for content in outcome.passed["content"]] == [len(held["content"])] * 2
    assert set(outcome.passed["content"].str.split(":").str[0]) == {"fallen"}


def test_a_change_that_waited_and_is_one_line_keeps_its_version() -> None:
    waited = changes({"amount_cents": -1000, "version": 3, "known": "pending", "content": "as held"})
    outcome = lowered(waited, charges(OLD), REVERSALS)
    assert only(outcome.passed, "version", "known", "content") == [(3, "pending", "as held")]
    assert outcome.boxes == {}


def test_two_changes_of_one_fee_have_movements_and_versions_of_their_own() -> None:
    both = changes(
        {"amount_cents": -800, "movement": 4, "version": 4, "known": "pending"},
        {"amount_cents": -700, "movement": 4, "version": 5, "known": "pending"},
    )
    outcome = lowered(both, three(800, 500, 300, 700), REVERSALS)
    assert outcome.passed["movement"].tolist() == [4, 5, 6]
    assert outcome.passed["version"].tolist() == [6, 7, 5]


@pytest.mark.parametrize(
    ("at", "reason"),
    [(without_credits(), "no credit item type for OVERDUEFINE"), (campus(layout="peoplesoft/asu"), "takes no credits")],
)
def test_a_fall_without_any_means_is_held_with_both_figures(at: Loaded, reason: str) -> None:
    outcome = lowered(changes({"amount_cents": -250}), charges(OLD), at)
    assert code_of(outcome) == "FALL-NO-CREDIT"
    assert all(part in why_of(outcome) for part in ("2.50", "10.00", reason))


def test_reversals_that_the_layout_does_not_serve_are_not_made() -> None:
    outcome = lowered(
        changes({"amount_cents": -1000}), charges(OLD), campus(layout="peoplesoft/cornell", reversals=True)
    )
    assert outcome.passed["kind"].tolist() == ["credit"]


# -- never more than was billed


def test_a_fall_that_payments_have_overtaken_is_a_refund_request_with_the_figures() -> None:
    outcome = lowered(changes({"amount_cents": -1000, "change": "gone"}), charges({**OLD, "paid_cents": 700}))
    assert code_of(outcome) == "REFUND-REQUEST"
    assert all(cents in why_of(outcome) for cents in ("10.00", "3.00", "7.00"))


def test_what_is_still_unpaid_may_fall_beside_a_payment() -> None:
    row = lowered(changes({"amount_cents": -300}), charges({**OLD, "paid_cents": 700}), REVERSALS).passed.iloc[0]
    assert (row["kind"], row["amount_cents"]) == ("credit", -300)


def test_two_falls_of_one_fee_do_not_take_together_more_than_is_left() -> None:
    both = changes({"amount_cents": -600, "version": 2}, {"amount_cents": -600, "version": 3})
    outcome = lowered(both, charges(OLD))
    assert outcome.passed["version"].tolist() == [2]
    assert only(outcome.boxes["held"], "version", "code") == [(3, "CREDIT-EXCEEDS")]


def test_a_fall_that_takes_part_of_what_a_fee_has_grown_by_tonight_waits_until_that_is_charged() -> None:
    both = changes({"amount_cents": -1200, "version": 2}, {"change": "grown", "amount_cents": 500, "version": 3})
    outcome = lowered(both, charges(OLD))
    assert only(outcome.passed, "kind", "amount_cents", "movement") == [("charge", 500, 2)]
    assert outcome.boxes["waiting"]["code"].tolist() == ["LOWER-LATER"]
    small = changes({"amount_cents": -1000}, {"change": "grown", "amount_cents": 500, "version": 3})
    assert only(lowered(small, charges(OLD)).passed, "amount_cents", "movement") == [(500, 2), (-1000, 3)]


def test_of_a_fee_that_has_grown_and_fallen_the_growth_has_the_newest_version() -> None:
    fall = {"amount_cents": -1500, "movement": 4, "version": 3, "original_cents": 1500}
    grown = {"change": "grown", "amount_cents": 300, "movement": 3, "version": 4, "original_cents": 1800}
    outcome = lowered(changes(fall, grown), three(1000, 500), REVERSALS)
    assert only(outcome.passed, "amount_cents", "movement", "version", "original_cents") == [
        (300, 3, 6, 1800),
        (-500, 4, 3, 1500),
        (-1000, 5, 5, 1500),
    ]
    assert outcome.boxes == {}


def test_a_growth_that_the_ledger_holds_leaves_its_version_to_be_newer_than_a_fall() -> None:
    grown = {"change": "grown", "amount_cents": 300, "known": "pending", "content": "grown:" + "ab" * 24}
    outcome = lowered(changes({"amount_cents": -400, "version": 3, "movement": 3}, grown), charges(OLD))
    assert only(outcome.passed, "amount_cents", "version", "known", "content") == [
        (300, 4, "", grown["content"]),
        (-400, 3, "", "says F1 3 -400"),
    ]
    assert only(outcome.boxes["withdrawn"], "version", "code") == [(2, "CHANGE-RENUMBERED")]
    held = changes({"amount_cents": -1200, "version": 3, "movement": 3}, grown)
    assert lowered(held, charges(OLD)).passed["version"].tolist() == [2]


def test_a_fee_that_its_report_leaves_out_falls_in_the_words_of_its_charge() -> None:
    silent = {"amount_cents": -1000, "change": "gone", "fee_type": "", "owner": "", "fee_date": ""}
    known = charges({**OLD, "barcode": "3900001", "owner": "LAW", "fee_date": "2025-12-30"})
    said = ["fee_type", "owner", "barcode", "fee_date"]
    assert only(lowered(changes(silent), known).passed, *said) == [("OVERDUEFINE", "LAW", "3900001", "2025-12-30")]
    held = lowered(changes(silent), known.assign(paid_cents=700)).boxes["held"]
    assert only(held, *said) == [("OVERDUEFINE", "LAW", "3900001", "2025-12-30")]
    stranger = lowered(changes({**silent, "fee_id": "F7"}), known).boxes["held"]
    assert only(stranger, *said) == [("", "", "", "")]


def test_a_fee_that_was_held_without_its_day_gets_the_day_of_its_charge() -> None:
    kept = {"amount_cents": -1000, "change": "gone", "known": "pending", "fee_date": ""}
    known = charges({**OLD, "fee_date": "2025-12-30"})
    assert only(lowered(changes(kept), known).passed, "fee_type", "fee_date") == [("OVERDUEFINE", "2025-12-30")]


# -- credits that do not say what they are for

BOOK = {"source": "report", "barcode": "3900001", "title_hash": "t1"}
OTHER_BOOK = {"source": "report", "barcode": "3900002", "title_hash": "t2"}


def test_a_credit_is_placed_where_one_charge_alone_fits_and_stays_a_movement_of_its_own() -> None:
    row = lowered(changes(credit(400, **BOOK)), charges({**OLD, **BOOK})).passed.iloc[0]
    assert (row["kind"], row["against"], row["fee_id"], row["movement"]) == ("credit", "F1", "C1", 1)
    assert (row["amount_cents"], row["system"], row["item_type"]) == (-400, "peoplesoft", "820000207000")


def test_a_credit_worth_a_whole_charge_reverses_it_where_reversals_are_on() -> None:
    row = lowered(changes(credit(1000)), charges(OLD), REVERSALS).passed.iloc[0]
    assert (row["kind"], row["undoes"], row["fee_id"], row["item_type"]) == ("reversal", "F1", "C1", "300000007000")


def test_a_credit_never_reverses_several_charges_for_an_export_says_each_fee_once() -> None:
    row = lowered(changes(credit(1000, **BOOK)), three(500, 500, **BOOK), REVERSALS).passed.iloc[0]
    assert (row["kind"], row["amount_cents"]) == ("credit", -1000)


@pytest.mark.parametrize(
    "other",
    [{"patron_id": "009999999"}, {"patron_id_type": "01"}, {"source": "elsewhere"}, OTHER_BOOK],
)
def test_a_charge_of_another_patron_source_or_item_never_fits(other: dict[str, str]) -> None:
    outcome = lowered(changes(credit(400, **BOOK)), charges({**OLD, **other}))
    assert code_of(outcome) == "CREDIT-UNRESOLVED"
    assert "no charge fits" in why_of(outcome)


@pytest.mark.parametrize(
    ("said", "apart"),
    [
        ({"barcode": "3900001"}, {"barcode": "3900001"}),
        ({"title_hash": "t1"}, {"title_hash": "t1"}),
        ({"barcode": "3900001", "title_hash": "t1"}, {"title_hash": "t1"}),
        ({}, {"amount_cents": 400, "billed_cents": 400}),
        ({}, {"amount_cents": 400, "billed_cents": 400, "barcode": "3900001"}),
    ],
)
def test_of_several_charges_barcode_or_title_or_amount_tell_which(said: dict[str, str], apart: dict[str, Any]) -> None:
    known = charges({**OLD, "fee_id": "A"}, {**OLD, "fee_id": "B", "term": "2265", **apart}, {**OLD, "fee_id": "D"})
    assert lowered(changes(credit(400, **said)), known).passed["against"].tolist() == ["B"]


@pytest.mark.parametrize(
    ("said", "apart", "others"),
    [
        ({"fee_type": "OTHER"}, {"fee_type": "OTHER"}, {}),
        ({}, {"amount_cents": 400, "billed_cents": 400}, {}),
        ({}, {}, {"billed_cents": 0}),
    ],
)
def test_of_several_charges_for_one_item_type_then_amount_then_what_is_billed_tell_which(
    said: dict[str, str], apart: dict[str, Any], others: dict[str, Any]
) -> None:
    book = {**OLD, **BOOK}
    every = ({**book, **others, "fee_id": "A"}, {**book, "term": "2265", **apart, "fee_id": "B"}, {**book, **others})
    assert lowered(changes(credit(400, **BOOK, **said)), charges(*every)).passed["against"].tolist() == ["B"]


@pytest.mark.parametrize(
    ("said", "charged"),
    [
        ({}, {}),
        ({}, BOOK),
        (BOOK, {}),
        (BOOK, {"amount_cents": 400, "billed_cents": 400}),
        ({"barcode": "39"}, {"title_hash": "t1"}),
    ],
)
def test_a_lone_charge_is_no_evidence_and_is_named_to_people(said: dict[str, str], charged: dict[str, Any]) -> None:
    outcome = lowered(changes(credit(400, **said)), charges({**OLD, **charged, "source": "report", "fee_id": "A"}))
    assert code_of(outcome) == "CREDIT-UNRESOLVED"
    assert all(part in why_of(outcome) for part in ("4.00", "A (", "unpaid"))


def test_a_charge_that_is_withdrawn_is_not_named_as_one_that_a_credit_may_be_for() -> None:
    outcome = lowered(changes(credit(400)), charges({**OLD, "fee_id": "A", "billed_cents": 0}))
    assert why_of(outcome).endswith("no charge fits")


def test_the_charges_of_a_user_name_are_found_in_any_case() -> None:
    guest = {"patron_id_type": "userName", "patron_id": "Guest@Example.edu"}
    now = {**guest, "patron_id": "guest@example.EDU", **BOOK}
    assert lowered(changes(credit(400, **now)), charges({**OLD, **guest, **BOOK})).passed["against"].tolist() == ["F1"]
    tonight = {**now, "change": "new", "amount_cents": 1000, "fee_id": "F9", "movement": 1, "version": 1, "system": ""}
    assert lowered(changes({**tonight, **guest}, credit(400, **now)), charges()).boxes["waiting"]["code"].tolist() == [
        "CREDIT-WAITS"
    ]


def test_the_item_counts_before_the_amount() -> None:
    known = charges({**OLD, **BOOK, "fee_id": "A"}, {"amount_cents": 400, "fee_id": "B"})
    assert lowered(changes(credit(400, **BOOK)), known).passed["against"].tolist() == ["A"]


def test_of_charges_that_nobody_can_tell_apart_the_oldest_is_credited() -> None:
    known = charges(
        {**OLD, "fee_id": "B", "sent_on": "2026-01-04"},
        {**OLD, "fee_id": "A", "sent_on": "2026-01-05"},
        {**OLD, "fee_id": "D", "sent_on": ""},
    )
    each = changes(credit(1000), credit(1000, fee_id="C2"), credit(1000, fee_id="C3"))
    assert lowered(each, known).passed["against"].tolist() == ["B", "A", "D"]
    book = known.assign(barcode="3900001", title_hash="t1").astype({"barcode": "str", "title_hash": "str"})
    first = changes(credit(600, **BOOK), credit(600, fee_id="C2", **BOOK))
    assert lowered(first, book).passed["against"].tolist() == ["B", "A"]


@pytest.mark.parametrize("apart", [{"item_type": "300000007001"}, {"term": "2265"}, {"paid_cents": 1}])
def test_charges_that_differ_to_the_bursar_are_named_and_the_credit_held(apart: dict[str, Any]) -> None:
    known = charges({**OLD, "fee_id": "A"}, {**OLD, "fee_id": "B", **apart})
    outcome = lowered(changes(credit(1000)), known)
    assert code_of(outcome) == "CREDIT-UNRESOLVED"
    assert all(part in why_of(outcome) for part in ("fits several", "A (10.00", "B (10.00"))


def test_of_many_charges_five_are_named() -> None:
    known = charges(*({**OLD, "fee_id": f"N{number}", "term": f"226{number}"} for number in range(8)))
    for cents in (1000, 400):
        why = why_of(lowered(changes(credit(cents)), known))
        assert [f"N{number}" in why for number in range(8)] == [True] * 5 + [False] * 3
        assert "3 more" in why


def test_a_person_says_which_charge_a_credit_is_for() -> None:
    known = charges({**OLD, "fee_id": "A"}, {**OLD, "fee_id": "B", "term": "2265"})
    waiting = changes(credit(1000, known="pending"))
    said = decisions(("report", "C1", 1, "A"), ("report", "C1", 1, "B"), ("report", "C1", 2, "A"))
    assert lowered(waiting, known, said=said).passed["against"].tolist() == ["B"]
    also = decisions(("report", "C1", 1, "B"), ("report", "C1", 1, ""))
    assert lowered(waiting, known, said=also).passed["against"].tolist() == ["B"]
    outcome = lowered(waiting, known, said=decisions(("report", "C1", 1, "Z")))
    assert code_of(outcome) == "CREDIT-UNRESOLVED"
    assert "Z" in why_of(outcome)


def test_a_credit_for_a_charge_of_tonight_waits_for_it() -> None:
    tonight = {**BOOK, "change": "new", "amount_cents": 1000, "fee_id": "F9", "movement": 1, "version": 1, "system": ""}
    loose = charges({**OLD, "fee_id": "A"})
    outcome = lowered(changes(tonight, credit(1000, **BOOK)), loose)
    assert outcome.passed["fee_id"].tolist() == ["F9"]
    assert only(outcome.boxes["waiting"], "code", "why") == [
        ("CREDIT-WAITS", "it waits for fee F9, which is not charged yet")
    ]
    other = lowered(changes({**tonight, "patron_id": "009999999"}, credit(1000, **BOOK)), charges())
    assert other.boxes["held"]["code"].tolist() == ["CREDIT-UNRESOLVED"]
    fine = {**tonight, "amount_cents": 500}
    older = lowered(changes(fine, credit(1000, **BOOK)), charges({**OLD, **BOOK, "fee_id": "A"}))
    assert older.passed["against"].tolist() == ["F9", "A"]


def test_a_credit_that_names_no_item_is_held_where_a_fee_that_is_not_charged_has_its_amount_too() -> None:
    new = {"change": "new", "fee_id": "F7", "movement": 1, "version": 1, "system": "", "amount_cents": 1000}
    outcome = lowered(changes(new, credit(1000)), charges(OLD))
    assert only(outcome.passed, "fee_id") == [("F7",)]
    assert outcome.boxes["held"]["code"].tolist() == ["CREDIT-UNRESOLVED"]
    outcome = lowered(changes(credit(1000)), charges(OLD), held=changes(new))
    assert why_of(outcome) == (
        "a credit of 10.00: it may be for any of these: F1 (10.00, unpaid), F7 (10.00, not charged yet)"
    )
    for apart in ({"amount_cents": 999}, {"patron_id": "7"}, {"source": "other"}):
        assert len(lowered(changes(credit(1000)), charges(OLD), held=changes({**new, **apart})).passed) == 1
    item = {"barcode": "39001"}
    assert len(lowered(changes(credit(1000, **item)), charges({**OLD, **item}), held=changes(new)).passed) == 1


@pytest.mark.parametrize("cents", [1000, 400])
def test_a_credit_is_held_where_a_fee_that_is_not_charged_is_for_the_same_item_and_amount_as_the_charge(
    cents: int,
) -> None:
    twin = {**BOOK, "change": "new", "fee_id": "F7", "movement": 1, "version": 1, "system": "", "amount_cents": 1000}
    known, given_credit = charges({**OLD, **BOOK}), credit(cents, **BOOK)
    says = "it may be for any of these: F1 (10.00, unpaid), F7 (10.00, not charged yet)"
    for outcome in (
        lowered(changes(twin, given_credit), known),
        lowered(changes(given_credit), known, held=changes(twin)),
    ):
        assert outcome.boxes["held"]["code"].tolist() == ["CREDIT-UNRESOLVED"]
        assert why_of(outcome).endswith(says)
    for apart in ({"amount_cents": 999}, {"patron_id": "7"}, {"source": "other"}, OTHER_BOOK):
        outcome = lowered(changes(given_credit), known, held=changes({**twin, **apart}))
        assert outcome.passed["against"].tolist() == ["F1"]


def test_a_credit_of_the_amount_of_a_held_fee_is_put_on_no_larger_charge_of_the_same_item() -> None:
    lost = {**BOOK, "change": "new", "fee_id": "F7", "movement": 1, "version": 1, "system": "", "amount_cents": 400}
    outcome = lowered(changes(credit(400, **BOOK)), charges({**OLD, **BOOK}), held=changes(lost))
    assert code_of(outcome) == "CREDIT-UNRESOLVED"
    assert "F1 (10.00, unpaid), F7 (4.00, not charged yet)" in why_of(outcome)
    fine = charges({**OLD, **BOOK}, {"amount_cents": 300, **BOOK, "fee_id": "F2"})
    both = lowered(changes(credit(300, **BOOK)), fine, held=changes(lost))
    assert both.passed["against"].tolist() == ["F2"]


def test_a_credit_larger_than_what_is_left_is_held_and_where_money_came_it_is_a_refund_request() -> None:
    known = charges({**OLD, **BOOK})
    assert code_of(lowered(changes(credit(1001, **BOOK)), known)) == "CREDIT-EXCEEDS"
    assert code_of(lowered(changes(credit(400, **BOOK)), known.assign(paid_cents=700))) == "REFUND-REQUEST"


def test_two_credits_of_one_night_do_not_take_together_more_than_one_charge() -> None:
    outcome = lowered(changes(credit(700, **BOOK), credit(700, fee_id="C2", **BOOK)), charges({**OLD, **BOOK}))
    assert outcome.passed["fee_id"].tolist() == ["C1"]
    assert only(outcome.boxes["held"], "fee_id", "code") == [("C2", "CREDIT-EXCEEDS")]


def test_two_credits_of_one_night_do_not_reverse_one_charge_twice_even_while_the_first_waits() -> None:
    known = charges({**OLD, "sent_on": "2026-01-06"})
    outcome = lowered(changes(credit(1000), credit(1000, fee_id="C2")), known, REVERSALS)
    assert outcome.boxes["waiting"]["fee_id"].tolist() == ["C1"]
    assert only(outcome.boxes["held"], "fee_id", "code") == [("C2", "CREDIT-EXCEEDS")]


def test_a_fall_and_a_credit_for_the_same_return_count_once() -> None:
    fall = {"amount_cents": -1000, "change": "gone", **BOOK}
    known = charges({**OLD, **BOOK}, {**OLD, **OTHER_BOOK, "fee_id": "F2"})
    outcome = lowered(changes(credit(1000, fee_id="Z1", **BOOK), fall), known)
    assert outcome.passed["against"].tolist() == ["F1"]
    assert outcome.boxes["held"]["code"].tolist() == ["CREDIT-EXCEEDS"]
    later = lowered(changes(credit(1000, **BOOK)), charges({**OLD, **BOOK, "billed_cents": 0}))
    assert code_of(later) == "CREDIT-EXCEEDS"


def test_a_credit_that_takes_nothing_off_is_held() -> None:
    assert code_of(lowered(changes(credit(-400)), charges(OLD))) == "CREDIT-UNRESOLVED"


def test_a_held_credit_stays_as_it_came() -> None:
    given_row = changes(credit(400))
    held = lowered(given_row, charges()).boxes["held"]
    assert held[list(tables.CHANGES.names)].equals(given_row[list(tables.CHANGES.names)])


# -- laws

AMOUNTS = st.sampled_from([100, 200, 300, 500, 700])
CHARGED = st.fixed_dictionaries(
    {
        "fee_id": st.sampled_from(["F1", "F2", "F3"]),
        "amount_cents": AMOUNTS,
        "sent_on": st.sampled_from(["2026-01-05", "2026-01-06", ""]),
        "reversed": st.booleans(),
        "barcode": st.sampled_from(["", "39"]),
    }
)
CHANGED = st.one_of(
    st.builds(
        lambda fee, cents, known: {"fee_id": fee, "amount_cents": -cents, "known": known},
        st.sampled_from(["F1", "F2", "F3", "F4"]),
        AMOUNTS,
        st.sampled_from(["", "pending"]),
    ),
    st.builds(lambda cents, book: credit(cents, barcode=book), AMOUNTS, st.sampled_from(["", "39"])),
    st.just({"change": "new", "amount_cents": 500, "fee_id": "N", "movement": 1, "version": 1, "system": ""}),
    st.just({"change": "grown", "amount_cents": 200}),
)


def sent(rows: list[dict[str, Any]], paid: dict[str, int]) -> pd.DataFrame:
    """Charges of several fees, billed as far as they are not reversed."""
    billed: dict[str, int] = {}
    count: dict[str, int] = {}
    for row in rows:
        fee = row["fee_id"]
        billed[fee] = billed.get(fee, 0) + (0 if row["reversed"] else row["amount_cents"])
        row["movement"] = count[fee] = count.get(fee, 0) + 1
    figures = [{"billed_cents": billed[row["fee_id"]], "paid_cents": paid.get(row["fee_id"], 0)} for row in rows]
    return charges(*({**row, **figure} for row, figure in zip(rows, figures, strict=True)))


def changed(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Changes with versions of their own, and credits with ids of their own."""
    numbered = [{**row, "version": number + 10} for number, row in enumerate(rows)]
    own = {"N", "C1"}
    return changes(
        *(
            {**row, "fee_id": f"{row.get('fee_id', 'F1')}{row['version'] if row.get('fee_id') in own else ''}"}
            for row in numbered
        )
    )


def seen(outcome: Outcome) -> list[str]:
    """All of an outcome in an order that does not hang on that of the rows."""
    names = ["source", "fee_id", "version", "amount_cents", "movement", "content"]
    more = {"passed": ["kind", "against", "undoes", "item_type"]}
    return sorted(
        f"{box} {row}"
        for box, frame in outcome.all_rows()
        for row in only(frame, *names, *more.get(box, ["code", "why"]))
    )


@settings(max_examples=30)
@given(
    st.lists(CHARGED, max_size=6),
    st.dictionaries(st.sampled_from(["F1", "F2"]), AMOUNTS),
    st.lists(CHANGED, max_size=6),
    st.sampled_from([CREDITS, REVERSALS]),
    st.integers(0, 1000),
)
def test_whatever_comes_no_debt_is_lowered_below_what_was_paid_and_not_a_cent_is_lost(
    rows: list[dict[str, Any]], paid: dict[str, int], tonight: list[dict[str, Any]], at: Loaded, seed: int
) -> None:
    known, given_changes = sent([dict(row) for row in rows], paid), changed(tonight)
    outcome = lowered(given_changes, known, at)
    counted = [frame["amount_cents"].sum() for box, frame in outcome.all_rows() if box != "withdrawn"]
    assert sum(counted) == given_changes["amount_cents"].sum()
    falls = outcome.passed[outcome.passed["amount_cents"] < 0].groupby("against")["amount_cents"].sum()
    left = {fee: billed - money for fee, billed, money in only(known, "fee_id", "billed_cents", "paid_cents")}
    assert all(-fall <= left[str(fee)] for fee, fall in falls.items())
    undone = outcome.passed.loc[outcome.passed["kind"] == "reversal", ["undoes", "amount_cents"]]
    free = known[~known["reversed"] & (known["paid_cents"] == 0) & known["sent_on"].isin(["2026-01-05"])]
    assert undone["undoes"].is_unique
    assert {(name, -cents) for name, cents in only(undone, "undoes", "amount_cents")} <= set(
        only(free, "reference", "amount_cents")
    )
    assert not outcome.passed.duplicated(["source", "fee_id", "movement"]).any()
    assert not outcome.passed.duplicated(["source", "fee_id", "version"]).any()
    again = lowered(given_changes.sample(frac=1, random_state=seed), known.sample(frac=1, random_state=seed), at)
    assert seen(again) == seen(outcome)
