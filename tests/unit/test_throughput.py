"""How many requests a clean night makes, and how fast: on a clock that goes only when somebody waits."""

from __future__ import annotations

import pytest

from tests.throughput import clean_night


@pytest.mark.parametrize(("rate", "status"), [(5, "ACTIVE"), (25, "ACTIVE"), (25, "EXPORTED")])
def test_a_clean_night_keeps_to_the_rate_and_asks_little_more_than_it_pays(rate: int, status: str) -> None:
    night = clean_night(payments=1000, patrons=400, rate=rate, status=status)
    assert night.alma.calls["pay"] == night.verified == 1000
    assert night.alma.calls["get"] == 0
    assert night.per_payment <= 1.5
    assert night.achieved >= 0.95
    assert night.most_in_a_second <= rate


def test_verifying_asks_for_a_hundred_fees_at_a_time() -> None:
    night = clean_night(payments=1000, patrons=400, rate=25)
    assert night.alma.calls["report"] == 10


def test_money_that_names_no_fee_asks_for_each_patrons_fees_of_every_status_once() -> None:
    night = clean_night(payments=250, patrons=100, rate=25, named=False)
    patrons = len(night.alma.fees)
    assert night.alma.calls == {"pay": 250, "list": 4 * min(100, patrons), "report": 3}


def test_after_an_export_that_transfers_its_fees_only_the_first_patron_is_asked_about_every_status() -> None:
    night = clean_night(payments=250, patrons=100, rate=25, status="EXPORTED")
    assert night.alma.calls == {"pay": 250, "list": len(night.alma.fees) + 3, "report": 3}
