"""Normalise, compare and route: what passes, and in which words the rest is held."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import tables
from pipeline.campus.settings import Due
from pipeline.stages.code import code, due_date, term_of
from pipeline.stages.compare import compare
from pipeline.stages.identify import identify
from pipeline.stages.normalise import normalise
from pipeline.stages.route import route
from tests.samples import fees, history, sample_campus

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
CAMPUS = sample_campus()


def identified(*rows: dict[str, Any]) -> pd.DataFrame:
    numbered = [{"fee_id": str(1000 + number), **row} for number, row in enumerate(rows)]
    return identify(fees(*numbered), CAMPUS, TODAY, pending=tables.FEES.empty(), history=history()).passed


def normalised(*rows: dict[str, Any]) -> Outcome:
    return normalise(identified(*rows), CAMPUS, TODAY)


@pytest.mark.parametrize(
    ("row", "code"),
    [
        ({"unreadable": "no amount"}, "READ-UNREADABLE"),
        ({"currency": "EUR"}, "NORMALISE-OTHER-CURRENCY"),
        ({"vat_text": "1.20"}, "NORMALISE-VAT"),
        ({"amount_text": "0"}, "NORMALISE-ZERO-AMOUNT"),
        ({"fee_time": "2025-09-12"}, "NORMALISE-DATE"),
        ({"fee_time": "13/41/2025 10:00:00"}, "NORMALISE-DATE"),
        ({"fee_time": ""}, "NORMALISE-DATE"),
        ({"fee_type": "NOBODY_KNOWS"}, "NORMALISE-UNMAPPED-TYPE"),
    ],
)
def test_what_cannot_be_understood_is_held_and_the_rest_goes_on(row: dict[str, Any], code: str) -> None:
    outcome = normalised(row, {})
    assert outcome.boxes["held"]["code"].tolist() == [code]
    assert len(outcome.passed) == 1


@pytest.mark.parametrize("zone", ["", " EST", " IST", " GMT+03:00"])
def test_the_date_is_the_one_the_source_wrote_whatever_its_zone(zone: str) -> None:
    assert normalised({"fee_time": f"02/23/2022 23:44:33{zone}"}).passed["fee_date"].tolist() == ["2022-02-23"]


def test_an_empty_or_zero_tax_is_no_tax() -> None:
    assert len(normalised({"vat_text": ""}, {"vat_text": "0"}, {"vat_text": "0.00"}).passed) == 3


def test_every_credit_is_held_and_everything_else_becomes_a_first_charge() -> None:
    fresh = normalised(
        {"fee_type": "CREDIT", "amount_text": "-3.25"}, {"amount_text": "-5"}, {"fee_type": "CREDIT"}, {}
    ).passed
    outcome = compare(fresh, CAMPUS, TODAY)
    assert outcome.boxes["held"]["code"].tolist() == ["CREDIT-UNRESOLVED"] * 3
    assert outcome.passed["kind"].tolist() == ["charge"]
    assert outcome.passed["movement"].tolist() == [1]


@pytest.mark.parametrize(
    ("kind", "patron", "system"),
    [
        ("02", "001234567", "peoplesoft"),
        ("02", "00123456", "cashnet"),
        ("02", "0012345678", "cashnet"),
        ("02", "\u0660" * 9, "cashnet"),
        ("01", "001234567", "cashnet"),
        ("userName", "guest@example.edu", "cashnet"),
    ],
)
def test_nine_digits_of_type_02_go_to_peoplesoft_and_everybody_else_to_cashnet(
    kind: str, patron: str, system: str
) -> None:
    movements = compare(normalised({"patron_id_type": kind, "patron_id": patron}).passed, CAMPUS, TODAY).passed
    assert route(movements, CAMPUS, TODAY).passed["system"].tolist() == [system]


def coded(**said: str) -> Outcome:
    charge = compare(normalised(said, {}).passed, CAMPUS, TODAY).passed
    return code(route(charge, CAMPUS, TODAY).passed, CAMPUS, TODAY)


def test_a_fee_before_the_first_term_is_held_and_nothing_else() -> None:
    outcome = coded(fee_time="02/03/1999 10:00:00")
    assert outcome.boxes["held"]["code"].tolist() == ["CODE-NO-TERM"]
    assert len(outcome.passed) == 1


def test_a_value_that_does_not_fit_is_held_with_both_figures() -> None:
    outcome = coded(patron_id_type="userName", patron_id="g" * 65)
    assert outcome.boxes["held"]["code"].tolist() == ["CODE-DOES-NOT-FIT"]
    assert "65" in outcome.boxes["held"]["why"].iloc[0]
    assert "64" in outcome.boxes["held"]["why"].iloc[0]


@pytest.mark.parametrize(
    ("day", "term"), [("1999-12-31", ""), ("2000-01-01", "2002"), ("2025-05-25", "2252"), ("2025-05-26", "2255")]
)
def test_a_term_is_looked_up_by_its_first_day(day: str, term: str) -> None:
    assert term_of(day, CAMPUS.campus.terms) == term


def test_the_table_of_terms_has_an_end() -> None:
    assert term_of("2049-12-31", CAMPUS.campus.terms) == "2497"
    assert term_of("2050-01-01", CAMPUS.campus.terms) == ""


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        (None, ""),
        (Due(days_after=30), "2026-03-02"),
        (Due(day_of_month=25, months_after=1), "2026-02-25"),
        (Due(months_after=1), "2026-02-28"),
        (Due(day_of_month=10, months_after=12), "2027-01-10"),
    ],
)
def test_a_due_date_is_a_rule_of_the_calendar(rule: Due | None, due: str) -> None:
    assert due_date(date(2026, 1, 31), rule) == due
