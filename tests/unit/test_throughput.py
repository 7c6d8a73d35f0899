"""How many requests a clean night makes, and how fast: on a clock that goes only when somebody waits."""

from __future__ import annotations

import pytest

from tests.throughput import clean_night


@pytest.mark.parametrize("rate", [5, 25])
def test_a_clean_night_keeps_to_the_rate_and_asks_little_more_than_it_pays(rate: int) -> None:
    night = clean_night(payments=1000, patrons=400, rate=rate)
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
