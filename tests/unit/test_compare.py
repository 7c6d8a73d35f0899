"""From what is said to what has changed: only what nothing of ours explains, once, and to the cent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.samples import history
from tests.unit.report_kit import billed, compared, decided, received, stated

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)


def judged(given: pd.DataFrame, **known: pd.DataFrame) -> Outcome:
    outcome, lines = compared(given, TODAY, **known)
    assert [str(line) for line in lines if not line.balanced] == []
    return outcome


def changes(outcome: Outcome) -> list[tuple[str, int]]:
    rows = outcome.passed.sort_values(["fee_id", "movement"])
    return list(zip(rows["change"].tolist(), rows["amount_cents"].tolist(), strict=True))


def boxed(outcome: Outcome) -> list[tuple[str, str, int]]:
    return [
        (box, code, cents)
        for box, rows in sorted(outcome.boxes.items())
        for code, cents in zip(rows["code"].tolist(), rows["amount_cents"].tolist(), strict=True)
    ]


def test_a_fee_never_billed_is_charged_with_what_is_still_open() -> None:
    outcome = judged(stated({"amount_cents": 3000, "original_cents": 5000}))
    assert changes(outcome) == [("new", 3000)]
    assert outcome.passed[["movement", "system"]].to_numpy().tolist() == [[1, ""]]


def test_a_fee_never_billed_with_nothing_open_is_no_change() -> None:
    assert boxed(judged(stated({"amount_cents": 0, "original_cents": 5000}))) == [("unchanged", "NOTHING-OPEN", 0)]


def test_less_than_nothing_open_is_held() -> None:
    assert boxed(judged(stated({"amount_cents": -700}))) == [("held", "REPORT-NEGATIVE", -700)]


def test_a_fee_as_billed_is_unchanged() -> None:
    assert boxed(judged(stated({}), positions=billed({}))) == [("unchanged", "SAME", 5000)]


def test_a_grown_original_amount_is_charged_for_the_difference_where_its_first_charge_went() -> None:
    outcome = judged(stated({"amount_cents": 7000}), positions=billed({"movement": 2}))
    assert changes(outcome) == [("grown", 2000)]
    assert outcome.passed[["movement", "system"]].to_numpy().tolist() == [[3, "peoplesoft"]]


def test_a_growth_beyond_what_the_original_amount_explains_is_charged_for_what_is_explained() -> None:
    outcome = judged(stated({"amount_cents": 9000, "original_cents": 7000}), positions=billed({}))
    assert changes(outcome) == [("grown", 2000)]


@pytest.mark.parametrize(("open_cents", "change"), [(3000, "fallen"), (0, "gone")])
def test_a_fall_is_what_is_missing(open_cents: int, change: str) -> None:
    outcome = judged(stated({"amount_cents": open_cents, "original_cents": 5000}), positions=billed({}))
    assert changes(outcome) == [(change, open_cents - 5000)]


@pytest.mark.parametrize(
    ("open_cents", "expected"),
    [
        (6000, ("passed", "grown", 1000, 7000)),
        (4000, ("passed", "fallen", -1000, 5000)),
        (0, ("passed", "gone", -5000, 5000)),
    ],
)
def test_a_fee_that_grew_and_fell_comes_to_the_difference(open_cents: int, expected: tuple[str, str, int, int]) -> None:
    outcome = judged(stated({"amount_cents": open_cents, "original_cents": 7000}), positions=billed({}))
    [row] = outcome.passed.to_dict("records")
    assert ("passed", row["change"], row["amount_cents"], row["original_cents"]) == expected
    assert row["movement"] == 2


def test_a_growth_that_was_waived_before_it_was_billed_is_no_change() -> None:
    outcome = judged(stated({"amount_cents": 5000, "original_cents": 7000}), positions=billed({}))
    assert boxed(outcome) == [("unchanged", "SAME", 5000)]


def test_what_was_waived_of_a_growth_comes_back_as_the_growth_it_is() -> None:
    outcome = judged(stated({"amount_cents": 5500, "original_cents": 7000}), positions=billed({}))
    assert changes(outcome) == [("grown", 500)]


@pytest.mark.parametrize(
    ("day", "open_cents", "expected"),
    [
        ("2026-01-04", 3000, [("unchanged", "EXPLAINED", 3000)]),
        ("2026-01-05", 3000, [("unchanged", "EXPLAINED", 3000)]),
        ("2026-01-05", 5000, [("unchanged", "EXPLAINED", 5000)]),
        ("2026-01-06", 5000, [("unchanged", "EXPLAINED", 5000)]),
        ("2026-01-04", 5000, [("held", "RISE-UNEXPLAINED", 2000)]),
    ],
)
def test_what_our_payments_explain_is_no_change_and_yesterday_is_not_read_as_today(
    day: str, open_cents: int, expected: list[Any]
) -> None:
    given = stated({"amount_cents": open_cents, "original_cents": 5000})
    assert boxed(judged(given, positions=billed({}), receipts=received({"day": day}))) == expected


def test_payments_after_the_day_of_the_report_are_in_it_only_in_their_order() -> None:
    paid = received({"day": "2026-01-05", "cents": 1000}, {"day": "2026-01-06", "cents": 500})
    for left in (5000, 4000, 3500):
        given = stated({"amount_cents": left, "original_cents": 5000})
        assert boxed(judged(given, positions=billed({}), receipts=paid))[0][1] == "EXPLAINED"
    given = stated({"amount_cents": 4500, "original_cents": 5000})
    assert changes(judged(given, positions=billed({}), receipts=paid)) == [("fallen", -500)]


def test_a_payment_in_doubt_explains_both_what_it_left_and_what_it_did_not_touch() -> None:
    paid = received({"day": "2026-01-02", "sure": False}, {"day": "2026-01-03", "cents": 1000})
    for left in (4000, 2000):
        given = stated({"amount_cents": left, "original_cents": 5000})
        assert boxed(judged(given, positions=billed({}), receipts=paid))[0][1] == "EXPLAINED"


def test_a_fall_beside_a_payment_of_ours_takes_off_only_what_the_payment_leaves() -> None:
    given = stated({"amount_cents": 0, "original_cents": 5000})
    assert changes(judged(given, positions=billed({}), receipts=received({"day": "2026-01-05"}))) == [("gone", -3000)]


def test_an_overpaid_fee_that_is_closed_is_no_change() -> None:
    given = stated({"amount_cents": 0, "original_cents": 5000})
    paid = received({"cents": 2000})
    outcome = judged(given, positions=billed({"billed_cents": 1000, "lowered_on": "2026-01-02"}), receipts=paid)
    assert boxed(outcome) == [("unchanged", "EXPLAINED", 0)]


def test_a_fee_that_was_withdrawn_and_is_open_again_without_a_raise_waits_for_a_person() -> None:
    taken_back = billed({"billed_cents": 0, "movement": 2, "lowered_on": "2026-01-04"})
    held = judged(stated({}), positions=taken_back).boxes["held"]
    assert held[["code", "amount_cents"]].to_numpy().tolist() == [["RISE-UNEXPLAINED", 5000]]
    yes = decided({"version": 9, "content": held["content"].iloc[0], "code": "RISE-UNEXPLAINED"})
    outcome = judged(stated({}), positions=taken_back, decisions=yes)
    assert changes(outcome) == [("grown", 5000)]
    assert outcome.passed["movement"].tolist() == [3]


@pytest.mark.parametrize("left", [0, 2000])
def test_a_report_no_newer_than_the_withdrawal_bills_nothing_again(left: int) -> None:
    lowered = billed({"billed_cents": left, "movement": 2, "lowered_on": "2026-01-05"})
    assert boxed(judged(stated({}), positions=lowered)) == [("unchanged", "REPORT-BEHIND", 5000)]


def test_a_fee_lowered_in_part_that_rises_again_is_held_until_a_person_says_yes() -> None:
    lowered = billed({"billed_cents": 2000, "movement": 2, "version": 2, "lowered_on": "2026-01-04"})
    held = judged(stated({}), positions=lowered).boxes["held"]
    assert held[["code", "amount_cents"]].to_numpy().tolist() == [["RISE-UNEXPLAINED", 3000]]
    yes = decided({"version": 9, "content": held["content"].iloc[0], "code": "RISE-UNEXPLAINED"})
    assert changes(judged(stated({}), positions=lowered, decisions=yes)) == [("grown", 3000)]


def test_a_report_of_new_fees_tells_of_originals_alone() -> None:
    new = {"lists": "new_since"}
    assert changes(judged(stated(new))) == [("new", 5000)]
    assert boxed(judged(stated(new), positions=billed({"billed_cents": 100}))) == [("unchanged", "SAME", 5000)]
    assert changes(judged(stated({**new, "amount_cents": 6000}), positions=billed({}))) == [("grown", 1000)]
    assert changes(judged(stated({**new, "amount_cents": 4000}), positions=billed({}))) == [("fallen", -1000)]


def test_a_change_of_another_patrons_fee_is_held_and_without_a_change_it_is_a_note() -> None:
    other = {"patron_id": "009999999"}
    assert boxed(judged(stated({**other, "amount_cents": 7000}), positions=billed({}))) == [("held", "MOVED", 2000)]
    outcome = judged(stated(other), positions=billed({}))
    assert [finding.code for finding in outcome.findings] == ["PATRON-MOVED"]
    assert "1001" in outcome.findings[0].text
    assert "009999999" not in outcome.findings[0].text


def test_a_moved_change_that_a_person_lets_pass_goes_out_under_the_id_as_sent() -> None:
    given = stated({"patron_id": "009999999", "amount_cents": 7000})
    held = judged(given, positions=billed({})).boxes["held"]
    yes = decided({"content": held["content"].iloc[0], "code": "MOVED"})
    outcome = judged(given, positions=billed({}), decisions=yes)
    assert outcome.passed["patron_id"].tolist() == ["001234567"]


def test_a_user_name_in_another_case_is_the_same_patron() -> None:
    given = stated({"patron_id_type": "userName", "patron_id": "ANA", "amount_cents": 7000})
    outcome = judged(given, positions=billed({"patron_id_type": "userName", "patron_id": "ana"}))
    assert outcome.passed["patron_id"].tolist() == ["ana"]


def earlier(outcome: Outcome, box: str = "passed") -> pd.DataFrame:
    """What an earlier night found, as the ledger gives it back."""
    rows = outcome.passed if box == "passed" else outcome.boxes[box]
    columns = [name for name in stated({}).columns if name in rows.columns]
    return rows[columns].assign(known="pending").astype({"known": "str"})


def test_a_held_change_that_is_found_again_keeps_its_version() -> None:
    import pandas as pd

    fall = {"amount_cents": 3000, "original_cents": 5000}
    held = earlier(judged(stated({**fall, "version": 2}), positions=billed({})))
    given = pd.concat([stated(fall), held], ignore_index=True)
    outcome = judged(given, positions=billed({"version": 2}))
    assert changes(outcome) == [("fallen", -2000)]
    assert outcome.passed[["version", "known"]].to_numpy().tolist() == [[2, "pending"]]
    assert boxed(outcome) == [("duplicate", "SAME-CHANGE", -2000)]


def test_a_held_change_that_its_source_takes_back_is_withdrawn() -> None:
    import pandas as pd

    held = earlier(judged(stated({"amount_cents": 3000, "original_cents": 5000}), positions=billed({})))
    outcome = judged(pd.concat([stated({}), held], ignore_index=True), positions=billed({}))
    assert changes(outcome) == []
    assert boxed(outcome) == [("unchanged", "SAME", 5000), ("withdrawn", "CHANGE-REPLACED", -2000)]


def test_a_held_change_of_which_no_report_tells_tonight_passes_as_it_is() -> None:
    fall = stated({"amount_cents": 0, "original_cents": 5000, "version": 4})
    outcome = judged(earlier(judged(fall, positions=billed({}))), positions=billed({}))
    assert changes(outcome) == [("gone", -5000)]
    assert outcome.passed[["version", "known", "movement"]].to_numpy().tolist() == [[4, "pending", 2]]


def test_a_held_rise_stays_held_while_no_report_comes() -> None:
    rise = judged(stated({"amount_cents": 6000, "original_cents": 5000}), positions=billed({}))
    again = judged(earlier(rise, "held"), positions=billed({}))
    assert boxed(again) == [("held", "RISE-UNEXPLAINED", 1000)]


def test_two_falls_of_the_same_sum_are_two_changes() -> None:
    first = judged(stated({"amount_cents": 4000, "original_cents": 5000}), positions=billed({})).passed
    charged = history(
        {
            "source": "fines",
            "fee_id": "1001",
            "version": 2,
            "content": first["content"].iloc[0],
            "state": "charged",
            "system": "",
        }
    )
    lowered = billed({"billed_cents": 4000, "movement": 2, "version": 2, "lowered_on": "2026-01-03"})
    second = judged(stated({"amount_cents": 3000, "original_cents": 5000}), positions=lowered, history=charged)
    assert changes(second) == [("fallen", -1000)]


@pytest.mark.parametrize(("state", "code"), [("rejected", "REJECTED"), ("excluded", "SAME-AGAIN")])
def test_what_is_at_rest_stays_so_as_long_as_the_report_says_the_same(state: str, code: str) -> None:
    given = stated({})
    known = history(
        {
            "source": "fines",
            "fee_id": "1001",
            "version": 1,
            "content": given["content"].iloc[0],
            "state": state,
            "system": "",
        }
    )
    assert boxed(judged(given, history=known)) == [("duplicate", code, 5000)]
    other = judged(stated({"amount_cents": 6000}), history=known)
    if state == "rejected":
        assert boxed(other) == [("held", "REJECTED-BEFORE", 6000)], "what a person refused does not slip through"
    else:
        assert changes(other) == [("new", 6000)]


CONTINUING = {"movement": 0, "original_cents": 6000, "billed_cents": 5000}
"""A fee of 60.00 of which 50.00 was open when it came to continue an older debt."""


@pytest.mark.parametrize(
    ("open_cents", "original", "box"),
    [
        (5000, 6000, ("unchanged", "CONTINUED", 5000)),
        (5001, 6001, ("held", "CONTINUED-GROWN", 1)),
        (5001, 6000, ("held", "CONTINUED-GROWN", 1)),
        (4999, 6000, ("held", "CONTINUED-FALLEN", -1)),
        (0, 6000, ("held", "CONTINUED-FALLEN", -5000)),
    ],
)
def test_a_fee_that_continues_an_older_debt_is_never_charged_and_what_befalls_it_is_held(
    open_cents: int, original: int, box: tuple[str, str, int]
) -> None:
    given = stated({"amount_cents": open_cents, "original_cents": original})
    assert boxed(judged(given, positions=billed(CONTINUING))) == [box]


@pytest.mark.parametrize(
    ("open_cents", "box"),
    [
        (3000, ("unchanged", "CONTINUED", 3000)),
        (5000, ("held", "CONTINUED-GROWN", 2000)),
        (2500, ("held", "CONTINUED-FALLEN", -500)),
    ],
)
def test_what_we_paid_on_a_fee_that_continues_a_debt_is_taken_into_account(
    open_cents: int, box: tuple[str, str, int]
) -> None:
    given = stated({"amount_cents": open_cents, "original_cents": 6000})
    assert boxed(judged(given, positions=billed(CONTINUING), receipts=received({}))) == [box]


def test_what_a_person_said_no_to_of_a_fee_that_continues_a_debt_stays_so_while_we_are_paid() -> None:
    known = {"positions": billed({**CONTINUING, "version": 2}), "receipts": received()}
    held = judged(stated({"amount_cents": 2000, "original_cents": 6000}), **known).boxes["held"]
    said = {"source": "fines", "fee_id": "1001", "version": 3, "content": held["content"].iloc[0], "system": ""}
    known |= {"history": history({**said, "state": "rejected"}), "receipts": received({"cents": 2000})}
    outcome = judged(stated({"amount_cents": 0, "original_cents": 6000}), **known)
    assert boxed(outcome) == [("duplicate", "REJECTED", -3000)]


def test_a_change_of_a_fee_that_continues_a_debt_is_held_also_while_no_report_comes() -> None:
    known = {"positions": billed(CONTINUING)}
    held = judged(stated({"amount_cents": 2000, "original_cents": 6000}), **known).boxes["held"]
    again = held.drop(columns=["why", "code"]).assign(known="pending").astype({"known": "str"})
    outcome = judged(again, **known)
    assert boxed(outcome) == [("held", "CONTINUED-FALLEN", -3000)]
    assert outcome.boxes["held"]["why"].tolist() == held["why"].tolist()
    assert "an older debt of 50.00: 30.00 less" in held["why"].iloc[0]


def test_a_statement_held_unread_is_charged_under_its_version_if_it_is_a_new_debt() -> None:
    outcome = judged(stated({"known": "pending", "version": 3}))
    assert outcome.passed[["change", "version", "known"]].to_numpy().tolist() == [["new", 3, "pending"]]


def test_a_statement_held_unread_of_a_charged_debt_is_withdrawn_and_compared() -> None:
    given = stated({"known": "pending", "version": 3, "amount_cents": 7000})
    outcome = judged(given, positions=billed({"version": 3}))
    assert outcome.passed[["change", "amount_cents", "version", "known"]].to_numpy().tolist() == [
        ["grown", 2000, 4, ""]
    ]
    assert boxed(outcome) == [("withdrawn", "STATEMENT-READ", 7000)]


def test_exports_pass_as_they_are_and_what_is_below_nothing_is_a_credit() -> None:
    given = stated(
        {"lists": "export"}, {"lists": "export", "fee_id": "1002", "amount_cents": -300, "fee_type": "CREDIT"}
    )
    assert changes(judged(given)) == [("new", 5000), ("credit", -300)]


def test_fees_of_two_sources_are_two_fees() -> None:
    given = stated({"amount_cents": 7000}, {"source": "law", "amount_cents": 100})
    assert changes(judged(given, positions=billed({}))) == [("new", 100), ("grown", 2000)]


def test_a_rejected_fall_rests_until_the_ledger_has_a_newer_version_of_its_fee() -> None:
    given = stated({"amount_cents": 4000, "original_cents": 5000})
    fall = judged(given, positions=billed({})).passed["content"].iloc[0]
    row = {"source": "fines", "fee_id": "1001", "system": ""}
    rejected = {**row, "version": 2, "content": fall, "state": "rejected"}
    assert boxed(judged(given, positions=billed({}), history=history(rejected))) == [("duplicate", "REJECTED", -1000)]
    newer = {**row, "version": 3, "content": "plain", "state": "withdrawn"}
    known = history(rejected, newer)
    assert changes(judged(given, positions=billed({}), history=known)) == [("fallen", -1000)]
    assert boxed(judged(stated({}), positions=billed({}), history=known)) == [("unchanged", "SAME", 5000)]
    assert boxed(judged(stated({}), positions=billed({}), history=history(rejected))) == [
        ("withdrawn", "REJECTION-OVER", 0)
    ]


def test_a_report_that_may_not_know_of_a_withdrawal_ends_no_rejection() -> None:
    rejected = {"source": "fines", "fee_id": "1001", "version": 3, "content": "gone:1", "state": "rejected"}
    lowered = billed({"billed_cents": 2000, "movement": 2, "lowered_on": "2026-01-05"})
    known = history({**rejected, "system": ""})
    assert boxed(judged(stated({}), positions=lowered, history=known)) == [("unchanged", "REPORT-BEHIND", 5000)]
