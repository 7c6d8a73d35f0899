"""What stands in a wrong column, or in a file's name, is nowhere kept: it may be a person's name or a card's number."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.stages.cardguard import covered
from pipeline.stages.discreet import discreet
from tests.unit.return_kit import Counter, cashnet

if TYPE_CHECKING:
    from pathlib import Path

CARD = "4111111111111111"
SALE = "R1,1,SALE,CLOSED,12.50,1001,LIB-LOST"

REASONS = [
    ("BUSDATE 'Lovelace' is not a day like M/D/YYYY", "BUSDATE a text (8 letters) is not a day like M/D/YYYY"),
    ("STATUS is 'Ada O\\'Hara x', not one of CLOSED", "STATUS is a text (9 letters), not one of CLOSED"),
    ('STATUS is "Ada O\'Hara", not one of CLOSED', "STATUS is a text (8 letters), not one of CLOSED"),
    ("AMOUNT '$60.00' is not an amount", "AMOUNT '$60.00' is not an amount"),
    ("RECTYPE is 'Ada', not 'DET' or 'TRL'", "RECTYPE is a text (3 letters), not 'DET' or 'TRL'"),
    ("no rule says what Type Ada Lovelace, a positive amount is", "no rule says what such a row is"),
    ("the money is in Ada Lovelace, not in USD", "the money is in another currency, not in USD"),
    ("the money is in EUR, not in USD", "the money is in EUR, not in USD"),
    ("", ""),
]


@pytest.mark.parametrize(("why", "told"), REASONS)
def test_a_reason_counts_letters_and_keeps_figures(why: str, told: str) -> None:
    assert discreet(why) == told


def test_no_name_reaches_the_ledger_or_a_finding(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    text = (
        cashnet(SALE).replace("1/5/2026", "Lovelace").replace("CLOSED", "Ada Lovelace").replace("T,1,12.50", "T,1,0.00")
    )
    counter.leave("CASHNET_PAYMENTS_1.csv", text, at="cashnet/out")
    night = counter.night()
    kept = [one.why for one in counter.ledger.payments.values()]
    assert kept
    assert all("letters" in why for why in kept)
    assert not [said for said in (*kept, *(one.text for one in night.findings)) if "Lovelace" in said]


def test_a_name_that_is_a_card_s_number_is_refused_before_anything_is_kept_or_printed(tmp_path: Path) -> None:
    counter = Counter(tmp_path)
    counter.leave(f"CASHNET_PAYMENTS_{CARD}.csv", cashnet(SALE), at="cashnet/out")
    night = counter.night()
    (finding,) = night.findings
    assert (finding.code, set(night.unread)) == ("FETCH-CARD-NUMBER", {"cashnet"})
    assert "CASHNET_PAYMENTS_****************.csv" in finding.text
    assert CARD not in str(finding)
    assert not counter.ledger.rows
    assert not [path for path in (tmp_path / "state").rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", ["PAID_20260105093000123.csv", "PAID_4111111111111112.csv", "PAID_1.csv"])
def test_days_and_counters_in_names_are_no_cards(name: str) -> None:
    assert covered(name, ()) == name
    assert covered(f"PAID_{CARD}.csv", {CARD}) == f"PAID_{CARD}.csv", "a fee of ours"
