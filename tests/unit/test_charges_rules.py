"""Normalise: what passes, and in which words the rest is held."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.stages.normalise import normalise
from tests.samples import fees, sample_campus

if TYPE_CHECKING:
    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
CAMPUS = sample_campus()


def normalised(*rows: dict[str, Any]) -> Outcome:
    numbered = [{"fee_id": str(1000 + number), "lists": "export", **row} for number, row in enumerate(rows)]
    texts = {"fee_date": "", "continues": "", "known": ""}
    identified = fees(*numbered).assign(version=1, **texts).astype(dict.fromkeys(texts, "str"))
    return normalise(identified, CAMPUS, TODAY)


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
