"""Repetitions are named, contradictions are held, and what waits comes back."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.flow import books
from pipeline.flow.books import Entry
from pipeline.stages.identify import identify
from tests.samples import fees, history, sample_campus
from tests.unit.report_kit import billed, dealt_with, said, stated

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)


def identified(
    read: pd.DataFrame,
    pending: pd.DataFrame | None = None,
    known: pd.DataFrame | None = None,
    *,
    absent: pd.DataFrame | None = None,
    positions: pd.DataFrame | None = None,
    newest: date | None = None,
) -> Outcome:
    nothing = tables.FEES.empty()
    given = {
        "pending": nothing if pending is None else pending,
        "absent": nothing if absent is None else absent,
        "history": history() if known is None else known,
        "positions": billed() if positions is None else positions,
        "figures": dealt_with(newest),
    }
    outcome = identify(read, sample_campus(), TODAY, **given)
    entering = [given["pending"], given["absent"]]
    lines = books.EQUATIONS["identify"](Entry("identify", read, entering, given, outcome, sample_campus()))
    assert [str(line) for line in lines if not line.balanced] == []
    return outcome


def in_ledger(fee: pd.DataFrame, state: str) -> pd.DataFrame:
    rows = [
        {"source": row.source, "fee_id": row.fee_id, "version": row.version, "content": row.content, "state": state}
        for row in fee.itertuples()
    ]
    return history(*({**row, "system": ""} for row in rows))


def codes(outcome: Outcome, box: str) -> list[Any]:
    return outcome.boxes[box]["code"].tolist() if box in outcome.boxes else []


def test_a_new_fee_passes_as_version_one() -> None:
    outcome = identified(fees({}))
    assert outcome.passed["version"].tolist() == [1]
    assert not outcome.boxes


def test_a_repetition_inside_a_night_is_a_duplicate() -> None:
    outcome = identified(fees({}, {"line": 9, "file_sha": "e" * 64}))
    assert len(outcome.passed) == 1
    assert codes(outcome, "duplicate") == ["SAME-AGAIN"]


def test_two_contents_under_one_id_are_both_held() -> None:
    outcome = identified(fees({}, {"amount_text": "14"}, {"fee_id": "1002"}))
    assert outcome.passed["fee_id"].tolist() == ["1002"]
    assert codes(outcome, "held") == ["CONTENT-DIFFERS", "CONTENT-DIFFERS"]
    assert sorted(outcome.boxes["held"]["version"]) == [1, 2]


def test_a_repeated_version_of_a_contradiction_is_named_once() -> None:
    outcome = identified(fees({}, {"amount_text": "14"}, {}))
    assert codes(outcome, "held") == ["CONTENT-DIFFERS", "CONTENT-DIFFERS"]
    assert codes(outcome, "duplicate") == ["SAME-AGAIN"]


def test_what_is_sent_already_is_a_duplicate_and_a_change_of_it_is_held_alone() -> None:
    first = identified(fees({})).passed
    known = in_ledger(first, "charged")
    assert codes(identified(fees({}), known=known), "duplicate") == ["SAME-AGAIN"]
    changed = identified(fees({"amount_text": "99"}), known=known)
    assert codes(changed, "held") == ["CONTENT-DIFFERS"]
    assert changed.boxes["held"]["version"].tolist() == [2]


def test_a_held_fee_comes_back_and_its_repetition_is_a_duplicate() -> None:
    first = identified(fees({})).passed
    pending = first.assign(known="pending").astype({"known": "str"})
    outcome = identified(fees({"line": 4}), pending=pending, known=in_ledger(first, "held"))
    assert outcome.passed["known"].tolist() == ["pending"]
    assert outcome.passed["version"].tolist() == [1]
    assert codes(outcome, "duplicate") == ["SAME-AGAIN"]


def test_a_held_fee_contradicted_tonight_is_held_in_both_versions() -> None:
    first = identified(fees({})).passed
    pending = first.assign(known="pending").astype({"known": "str"})
    outcome = identified(fees({"amount_text": "14"}), pending=pending, known=in_ledger(first, "held"))
    assert len(outcome.passed) == 0
    assert sorted(outcome.boxes["held"]["version"]) == [1, 2]


def test_once_a_person_has_rejected_one_version_the_other_goes() -> None:
    both = identified(fees({}, {"amount_text": "14"})).boxes["held"]
    wrong, right = both[both["version"] == 1], both[both["version"] == 2]
    known = in_ledger(wrong, "rejected")
    pending = right[list(tables.FEES.names)].assign(known="pending").astype({"known": "str"})
    import pandas as pd

    outcome = identified(
        tables.IDENTIFIABLE.empty(),
        pending=pending,
        known=pd.concat([known, in_ledger(right, "held")], ignore_index=True),
    )
    assert outcome.passed["version"].tolist() == [2]


def test_a_user_name_is_the_same_in_any_case_but_an_id_is_not() -> None:
    names = fees({"patron_id_type": "userName", "patron_id": "Ana"}, {"patron_id_type": "userName", "patron_id": "ANA"})
    assert codes(identified(names), "duplicate") == ["SAME-AGAIN"]
    ids = fees({"patron_id": "a1"}, {"patron_id": "A1"})
    assert codes(identified(ids), "held") == ["CONTENT-DIFFERS", "CONTENT-DIFFERS"]


def held(*rows: dict[str, Any]) -> pd.DataFrame:
    """Statements that an earlier night has held."""
    return stated(*({"known": "pending", "version": 1, **row} for row in rows))


def codes_by_fee(outcome: Outcome, box: str) -> list[tuple[str, str]]:
    rows = outcome.boxes[box]
    return sorted(zip(rows["fee_id"].tolist(), rows["code"].tolist(), strict=True))


def test_a_report_says_the_same_every_night_and_none_is_called_a_duplicate() -> None:
    known = in_ledger(stated({"version": 1}), "charged")
    outcome = identified(said({}), known=known)
    assert outcome.passed["version"].tolist() == [2]
    assert not outcome.boxes


def test_a_statement_has_the_version_after_the_highest_that_is_known() -> None:
    outcome = identified(said({}, {"fee_id": "1002"}), positions=billed({"version": 4}))
    assert outcome.passed["version"].tolist() == [5, 1]


def test_a_fee_twice_alike_in_the_newest_reports_counts_once() -> None:
    outcome = identified(said({}, {"file_sha": "b" * 64, "line": 7}))
    assert len(outcome.passed) == 1
    assert codes(outcome, "duplicate") == ["SAME-AGAIN"]


def test_a_fee_said_in_two_ways_by_one_report_is_held_in_both_and_never_gone() -> None:
    outcome = identified(said({}, {"amount_cents": 700, "line": 7}, {"fee_id": "1002"}))
    assert outcome.passed["fee_id"].tolist() == ["1002"]
    assert codes(outcome, "held") == ["CONTENT-DIFFERS", "CONTENT-DIFFERS"]
    assert sorted(outcome.boxes["held"]["version"]) == [1, 2]


def test_of_several_reports_of_open_fees_only_the_newest_counts() -> None:
    older = {"file_sha": "b" * 64, "as_of": "2026-01-03"}
    outcome = identified(said({}, {**older, "amount_cents": 700}, {**older, "fee_id": "1002"}))
    assert outcome.passed["fee_id"].tolist() == ["1001"]
    assert codes_by_fee(outcome, "duplicate") == [("1001", "OLDER-REPORT"), ("1002", "OLDER-REPORT")]


def test_a_report_older_than_one_of_an_earlier_night_says_nothing() -> None:
    assert codes(identified(said({}), newest=date(2026, 1, 6)), "duplicate") == ["OLDER-REPORT"]
    assert len(identified(said({}), newest=date(2026, 1, 5)).passed) == 1


def test_a_report_of_new_fees_is_never_too_old_but_of_one_fee_the_later_word_counts() -> None:
    new = {"lists": "new_since"}
    assert len(identified(said(new), newest=date(2026, 1, 9)).passed) == 1
    both = said({**new, "as_of": "2026-01-03"}, {**new, "amount_cents": 7000, "file_sha": "b" * 64})
    outcome = identified(both)
    assert outcome.passed["amount_cents"].tolist() == [7000]
    assert codes(outcome, "duplicate") == ["OLDER-REPORT"]


def test_a_held_statement_that_is_said_again_keeps_its_version() -> None:
    pending = held({"version": 3})
    outcome = identified(said({}), pending, in_ledger(pending, "held"))
    assert outcome.passed[["version", "known", "line"]].to_numpy().tolist() == [[3, "pending", 2]]
    assert codes(outcome, "duplicate") == ["SAME-AGAIN"]


def test_a_held_statement_is_withdrawn_when_its_report_says_otherwise() -> None:
    pending = held({"version": 3})
    outcome = identified(said({"amount_cents": 4000}), pending, in_ledger(pending, "held"))
    assert outcome.passed[["version", "known"]].to_numpy().tolist() == [[4, ""]]
    assert codes(outcome, "withdrawn") == ["CHANGE-REPLACED"]


def test_a_held_statement_without_a_report_comes_back_by_itself() -> None:
    pending = held({"version": 3})
    outcome = identified(said(), pending, in_ledger(pending, "held"))
    assert outcome.passed["version"].tolist() == [3]
    assert not outcome.boxes


def test_an_older_report_takes_nothing_back() -> None:
    pending = held({"version": 3})
    outcome = identified(said({"amount_cents": 10}), pending, in_ledger(pending, "held"), newest=date(2026, 1, 9))
    assert outcome.passed["version"].tolist() == [3]


def test_a_contradiction_of_a_report_lasts_until_a_newer_report_or_a_person_ends_it() -> None:
    pending = held({}, {"amount_cents": 700, "version": 2})
    known = in_ledger(pending, "held")
    assert codes(identified(said(), pending, known), "held") == ["CONTENT-DIFFERS", "CONTENT-DIFFERS"]
    again = identified(said({}, {"amount_cents": 700}), pending, known)
    assert sorted(again.boxes["held"]["version"]) == [1, 2]
    assert again.boxes["held"]["known"].tolist() == ["pending", "pending"]
    ended = identified(said({}), pending, known)
    assert ended.passed["version"].tolist() == [1]
    assert codes(ended, "withdrawn") == ["CHANGE-REPLACED"]


def test_a_change_found_by_an_earlier_night_is_left_alone() -> None:
    pending = held({"content": "fallen:0", "amount_cents": -500})
    outcome = identified(said({}), pending)
    assert sorted(outcome.passed["amount_cents"]) == [-500, 5000]


def test_what_is_absent_takes_the_place_of_a_held_statement() -> None:
    pending = held({"version": 3})
    gone = stated({"content": "absent", "amount_cents": 0, "version": 0, "line": 0})
    outcome = identified(said(), pending, in_ledger(pending, "held"), absent=gone)
    assert outcome.passed["content"].tolist() == ["absent"]
    assert codes(outcome, "withdrawn") == ["CHANGE-REPLACED"]


def test_rows_without_a_fee_id_do_not_contradict_each_other() -> None:
    outcome = identified(said({"fee_id": "", "unreadable": "no id"}, {"fee_id": "", "amount_cents": 1, "line": 3}))
    assert sorted(outcome.passed["version"]) == [1, 2]


NEW = {"lists": "new_since"}


def test_an_older_report_of_new_fees_says_nothing_of_a_fee_that_a_newer_one_told_of() -> None:
    newer = (
        in_ledger(stated({**NEW, "amount_cents": 7000}), "charged").assign(as_of="2026-01-06").astype({"as_of": "str"})
    )
    outcome = identified(said(NEW, {**NEW, "fee_id": "1002"}), known=newer)
    assert codes_by_fee(outcome, "duplicate") == [("1001", "OLDER-REPORT")]
    assert outcome.passed["fee_id"].tolist() == ["1002"], "it may be the only report that tells of this one"
    assert not identified(said({**NEW, "as_of": "2026-01-06"}), known=newer).boxes
    assert not identified(said({**NEW, "as_of": ""}), known=newer).boxes


def test_an_older_report_of_new_fees_takes_nothing_back_that_a_newer_one_had_held() -> None:
    pending = held({**NEW, "amount_cents": 7000, "as_of": "2026-01-06"})
    known = in_ledger(pending, "held").assign(as_of="2026-01-06").astype({"as_of": "str"})
    outcome = identified(said(NEW), pending, known)
    assert codes(outcome, "duplicate") == ["OLDER-REPORT"]
    assert outcome.passed[["known", "amount_cents"]].to_numpy().tolist() == [["pending", 7000]]


def test_a_row_that_cannot_be_read_is_rejected_once_and_held_again_when_it_says_otherwise() -> None:
    bad = {**NEW, "unreadable": "no amount"}
    known = in_ledger(stated(bad), "rejected")
    assert codes(identified(said(bad), known=known), "duplicate") == ["REJECTED"]
    assert identified(said({**bad, "amount_cents": 1}), known=known).passed["version"].tolist() == [10]
    assert identified(said(NEW), known=known).passed["version"].tolist() == [10]


def test_of_two_rows_of_a_fee_the_one_that_a_person_has_rejected_is_named_and_the_other_goes_on() -> None:
    both = held({}, {"amount_cents": 700, "version": 2})
    known = in_ledger(both, "held").assign(state=["held", "rejected"]).astype({"state": "str"})
    outcome = identified(said({}, {"amount_cents": 700}), both.iloc[:1], known)
    assert codes(outcome, "duplicate") == ["REJECTED", "SAME-AGAIN"]
    assert outcome.passed[["version", "amount_cents", "known"]].to_numpy().tolist() == [[1, 5000, "pending"]]
    three = identified(said({}, {"amount_cents": 700}, {"amount_cents": 800}), both.iloc[:1], known)
    assert codes(three, "held") == ["CONTENT-DIFFERS", "CONTENT-DIFFERS"]


def test_rows_without_an_id_in_two_reports_may_be_two_debts_and_both_stay() -> None:
    bad = {**NEW, "unreadable": "no id"}
    pending = held({**bad, "fee_id": "?aaaaaaaaaaaa-2"})
    outcome = identified(said({**bad, "fee_id": "?bbbbbbbbbbbb-2"}), pending, in_ledger(pending, "held"))
    assert sorted(outcome.passed["fee_id"]) == ["?aaaaaaaaaaaa-2", "?bbbbbbbbbbbb-2"]
