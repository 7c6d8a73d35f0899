"""Repetitions are named, contradictions are held, and what waits comes back."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

from pipeline import tables
from pipeline.stages.identify import identify
from tests.samples import fees, history, sample_campus

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)


def identified(read: pd.DataFrame, pending: pd.DataFrame | None = None, known: pd.DataFrame | None = None) -> Outcome:
    nothing = tables.FEES.empty()
    return identify(
        read,
        sample_campus(),
        TODAY,
        pending=nothing if pending is None else pending,
        history=history() if known is None else known,
    )


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
