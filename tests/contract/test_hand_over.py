"""Payments handed over to the Alma of the box, who is looked at through the real client, whatever she may be like."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from pipeline.adapters.alma import AlmaHttp, AlmaSettings
from pipeline.adapters.pace import Pace
from pipeline.sandbox import mischief
from pipeline.sandbox.alma import Alma
from pipeline.sandbox.mischief import Call, Mischief
from pipeline.sandbox.records import Switches
from tests.handing_over import Rig
from tests.unit.sandbox_kit import KEY

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def rig(folder: Path, switches: Switches) -> Iterator[tuple[Rig, Alma]]:
    """One exported fee of 10.00 and a payment of it, and Alma behind her web address."""
    made = Rig(folder, switches=switches)
    box = Alma(made.world, KEY)
    box.start()
    try:
        with AlmaHttp(AlmaSettings(box.url, KEY, reserve=0), Pace(1000, made.clock)) as alma:
            made.alma = alma
            made.owes("B1", 1000)
            yield made, box
    finally:
        box.stop()


@pytest.mark.parametrize("exported", ["transferred_payable", "transferred_unpayable"])
@pytest.mark.parametrize("export_shows", [True, False], ids=["trace", "no-trace"])
@pytest.mark.parametrize("get_closed", [True, False], ids=["closed-shown", "closed-refused"])
@pytest.mark.parametrize("cents", [400, 1000], ids=["part", "all"])
def test_a_transferred_fee_is_paid_once_and_seen(
    tmp_path: Path, exported: str, cents: int, *, export_shows: bool, get_closed: bool
) -> None:
    switches = Switches(exported=exported, export_shows=export_shows, get_closed=get_closed)  # type: ignore[arg-type]
    with rig(tmp_path, switches) as (made, _):
        made.pays("K1", cents=cents)
        made.run(1)
        made.import_all()
        made.run(2)
        made.import_all()
        assert (made.states(), made.paid(), made.credits()) == ({"K1": "verified"}, cents, 0)


@pytest.mark.parametrize("export_shows", [True, False], ids=["trace", "no-trace"])
def test_a_fee_that_the_export_has_closed_is_held_and_makes_no_credit(tmp_path: Path, *, export_shows: bool) -> None:
    with rig(tmp_path, Switches(exported="closed", export_shows=export_shows)) as (made, _):
        made.pays("K1")
        made.run(1)
        made.import_all()
        assert (made.states(), made.paid(), made.credits()) == ({"K1": "held"}, 0, 0)
        assert [one.code for one in made.findings] == ["FEE-CLOSED"]


@pytest.mark.parametrize("wrong", mischief.EVERY, ids=str)
@pytest.mark.parametrize("night", [1, 2], ids=["before", "after"])
def test_whatever_goes_wrong_with_a_look_it_is_paid_once_and_seen_in_the_end(
    tmp_path: Path, wrong: Mischief, night: int
) -> None:
    with rig(tmp_path, Switches()) as (made, box):
        made.pays("K1")
        for day in (1, 2, 3, 4):
            if day == night:
                box.mischiefs.order(wrong, call=Call.LIST_FEES)
            made.run(day)
            made.import_all()
        assert (made.states(), made.paid(), made.credits()) == ({"K1": "verified"}, 1000, 0)
