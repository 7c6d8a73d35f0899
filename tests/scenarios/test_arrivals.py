"""Whole nights in which something arrives late, edited, split, or not as its job says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.nights import Nights, codes

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline import nightly

FIRST = {"fee_id": "1001"}
SECOND = {"fee_id": "1002", "patron_id": "001234568", "barcode": "039080036507786"}


def stops(night: nightly.Night) -> list[str]:
    return sorted(finding.code for finding in night.findings if finding.stops)


def test_an_export_that_comes_again_with_more_fees_waits_for_one_yes_and_sends_each_fee_once(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", FIRST)
    assert nights.night(1).sent == 1
    nights.exported("b.xml", FIRST, SECOND)
    for day in (2, 3):
        night = nights.night(day)
        assert (stops(night), night.sent, night.exit_code) == (["EXPORT-CHANGED"], 0, 2)
    night = nights.night(4, approved=frozenset({"alma"}))
    assert (stops(night), night.sent) == ([], 1)
    assert codes(night, "CHARGES_OUT", "duplicate") == ["SAME-AGAIN"]
    night = nights.night(5)
    assert (stops(night), night.sent) == ([], 0)
    assert sum(text.count("1001") for text in nights.delivered("peoplesoft/in").values()) == 1
    assert sum(text.count("1002") for text in nights.delivered("peoplesoft/in").values()) == 1


def test_an_export_split_in_two_on_its_first_night_goes_whole(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", FIRST)
    nights.exported("b.xml", SECOND)
    night = nights.night(1)
    assert (stops(night), night.sent) == ([], 1)


def test_a_source_that_is_late_alarms_and_what_waits_goes_out_all_the_same(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", {**FIRST, "fee_type": "NEW_TYPE"})
    nights.night(1)
    nights.say('\n[sources.alma]\nexpected = { by = "00:30" }\n')
    nights.say('\n[fee_types.NEW_TYPE]\nlabel = "New"\ncodes.peoplesoft.item_type = "300000007001"\n')
    night = nights.night(2)
    assert (stops(night), night.sent, night.exit_code) == (["SOURCE-LATE"], 1, 2)
