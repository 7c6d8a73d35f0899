"""Rows of reports in our own words: labels, days, and what passes as it is."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import tables
from pipeline.campus.policy import Codes, FeeType
from pipeline.stages.normalise import normalise
from tests.samples import sample_campus
from tests.unit.analytics_kit import settings

if TYPE_CHECKING:
    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
TYPES = {
    "OVERDUEFINE": ("Overdue fine", "Mahngeb\u00fchr", "Fine"),
    "LOSTITEMREPLACEMENTFEE": ("Lost item", "Lost item replacement fee", "FINE"),
    "DAMAGEDITEMFINE": ("Damage", "OVERDUEFINE"),
}
GOOD: dict[str, Any] = {
    "source": "open",
    "file_sha": "f" * 64,
    "line": 2,
    "patron_id": "001234567",
    "fee_id": "1001",
    "fee_type": "Overdue fine",
    "fee_time": "2026-01-02",
    "currency": "USD",
    "amount_text": "12.5",
    "amount_cents": 1250,
    "original_cents": 1250,
    "lists": "open_now",
    "as_of": "2026-01-05",
    "content": "c",
    "version": 0,
}


def campus() -> Loaded:
    sample = sample_campus()
    fee_types = {
        code: FeeType(label=labels[0], labels=labels[1:], codes={"peoplesoft": Codes()})
        for code, labels in TYPES.items()
    }
    sources = {**sample.campus.sources, "open": settings(dates=["YYYY-MM-DD", "M/D/YYYY"])}
    return replace(sample, campus=sample.campus.model_copy(update={"fee_types": fee_types, "sources": sources}))


def normalised(*rows: dict[str, Any]) -> Outcome:
    whole = [{**GOOD, **row} for row in rows]
    names = {name for row in whole for name in row}
    blank: dict[str, object] = {"known": "", "fee_date": "", "unreadable": "", "vat_text": ""}
    frame = tables.FEES.frame({name: [row.get(name, blank.get(name)) for row in whole] for name in names})
    return normalise(frame, campus(), TODAY)


def held(row: dict[str, Any]) -> list[str]:
    outcome = normalised(row)
    return outcome.boxes["held"]["code"].tolist() if "held" in outcome.boxes else []


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("Overdue fine", "OVERDUEFINE"),
        ("  overdue   FINE ", "OVERDUEFINE"),
        ("MAHNGEB\u00dcHR", "OVERDUEFINE"),
        ("Lost item replacement fee", "LOSTITEMREPLACEMENTFEE"),
        ("OVERDUEFINE", "OVERDUEFINE"),
        ("DAMAGEDITEMFINE", "DAMAGEDITEMFINE"),
    ],
)
def test_a_label_in_any_language_stands_for_our_code(label: str, code: str) -> None:
    assert normalised({"fee_type": label}).passed["fee_type"].tolist() == [code]


def test_a_label_that_nobody_knows_or_that_two_types_share_is_held_as_it_is_written() -> None:
    outcome = normalised({"fee_type": "Amende"}, {"fee_type": "fine"}, {})
    assert outcome.boxes["held"]["code"].tolist() == ["NORMALISE-UNMAPPED-TYPE"] * 2
    assert outcome.boxes["held"]["fee_type"].tolist() == ["Amende", "fine"]
    assert len(outcome.passed) == 1


def test_an_export_says_codes_and_never_labels() -> None:
    said = {"lists": "export", "source": "alma", "fee_time": "09/12/2025 15:22:06"}
    assert held({**said, "fee_type": "Overdue fine"}) == ["NORMALISE-UNMAPPED-TYPE"]
    assert held({**said, "fee_type": "OVERDUEFINE"}) == []


@pytest.mark.parametrize(
    ("text", "day"),
    [("2026-01-02", "2026-01-02"), ("1/2/2026", "2026-01-02"), ("2026-01-02T08:00:00", "2026-01-02")],
)
def test_a_day_is_read_as_its_source_writes_it(text: str, day: str) -> None:
    assert normalised({"fee_time": text}).passed["fee_date"].tolist() == [day]


@pytest.mark.parametrize(
    "said", [{"fee_time": "09/12/2025 15:22"}, {"fee_time": ""}, {"fee_time": "2026-02-30"}, {"source": "gone"}]
)
def test_another_day_is_held(said: dict[str, Any]) -> None:
    expected = [] if said.get("fee_time") == "09/12/2025 15:22" else ["NORMALISE-DATE"]
    assert held(said) == expected


def test_a_fee_with_nothing_left_to_pay_may_stand_in_a_list_of_what_is_open_and_nowhere_else() -> None:
    nothing = {"amount_cents": 0, "amount_text": "0.0"}
    assert held(nothing) == []
    assert held({**nothing, "lists": "new_since"}) == ["NORMALISE-ZERO-AMOUNT"]


def test_what_is_absent_from_a_report_passes_as_it_is() -> None:
    absent = {"line": 0, "amount_cents": 0, "amount_text": "", "fee_type": "", "fee_time": "", "currency": ""}
    assert normalised(absent).passed["amount_cents"].tolist() == [0]


def test_a_change_of_an_earlier_night_keeps_its_day_and_its_type() -> None:
    pending = {
        "known": "pending",
        "fee_date": "2025-12-01",
        "fee_time": "",
        "fee_type": "OVERDUEFINE",
        "amount_cents": -5,
    }
    passed = normalised({**pending, "source": "gone"}).passed
    assert passed[["fee_date", "fee_type", "amount_cents"]].to_numpy().tolist() == [["2025-12-01", "OVERDUEFINE", -5]]


def test_an_unreadable_row_is_held_with_its_reason() -> None:
    outcome = normalised({"unreadable": "patron id is missing"})
    assert outcome.boxes["held"][["code", "why"]].to_numpy().tolist() == [
        ["READ-UNREADABLE", "line 2: patron id is missing"]
    ]
