"""A system whose layout says everything from one night to the next, or no longer does: nothing is billed twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.files import resource
from tests.nights import Nights

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline import nightly


def turned(night: nightly.Night) -> list[str]:
    return [finding.text for finding in night.findings if finding.code == "SCOPE-TURNED"]


def sent(night: nightly.Night) -> list[int]:
    """How many lines each of tonight's files for CASHNet has."""
    made = night.desks["CHARGES_OUT"].made
    return [batch.count for batch, _, _ in made if batch.system == "cashnet"]


def campus(folder: Path, scope: str) -> Nights:
    """The sample campus, whose CASHNet has a layout of its own, once for each scope; it begins with ``scope``."""
    nights = Nights(folder)
    text = resource("schemas/layouts/cashnet/open_items.toml").read_text("utf-8")
    assert text.count('scope = "snapshot"') == 1
    own = folder / "schemas" / "layouts" / "mine"
    own.mkdir(parents=True)
    for name in ("delta", "snapshot"):
        (own / f"{name}.toml").write_text(text.replace('scope = "snapshot"', f'scope = "{name}"'), "utf-8")
    nights.say(f'\n[systems.cashnet]\nlayout = "mine/{scope}"\n')
    return nights


def turn(nights: Nights) -> None:
    """The campus says the other layout."""
    text = nights.campus_file.read_text("utf-8")
    other = {"mine/delta": "mine/snapshot", "mine/snapshot": "mine/delta"}
    (old,) = (name for name in other if name in text)
    nights.campus_file.write_text(text.replace(old, other[old]), "utf-8")


def guest(fee: str) -> dict[str, Any]:
    return {"patron_id_type": "userName", "patron_id": "guest", "fee_id": fee, "amount_text": "12.50"}


def paid(nights: Nights, fee: str) -> None:
    nights.drop(
        "cashnet/out",
        "CASHNET_PAYMENTS_1.csv",
        "RECTYPE,TX,LINE,TRANSTYPE,STATUS,BUSDATE,CUSTCODE,PMTCODE,ITEMCODE,AMOUNT,REF1TYPE,REF1VAL\r\n"
        f"D,777,1,SALE,CLOSED,1/5/2026,guest,CC,LIB-OVERDUE,12.50,ALMA_FEE_ID,{fee}\r\n"
        "T,1,12.50\r\n",
    )


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        ("delta", "would be billed again"),
        ("snapshot", "no file would bring it again"),
    ],
)
def test_files_that_turn_stop_that_output_until_the_old_layout_is_back(tmp_path: Path, scope: str, says: str) -> None:
    nights = campus(tmp_path, scope)
    nights.exported("a.xml", guest("1001"))
    assert sent(nights.night(1)) == [1]
    turn(nights)
    nights.exported("b.xml", guest("1002"), {"fee_id": "1003"}, number="101")
    for day in (2, 3):
        night = nights.night(day)
        (text,) = turned(night)
        assert text.startswith("cashnet: up to now its files ")
        assert says in text
        assert "12.50" in text
        assert (sent(night), night.exit_code) == ([], 2)
    assert len(nights.delivered("peoplesoft/in")) == 1, "the other system goes on"
    turn(nights)
    night = nights.night(4)
    assert (turned(night), sent(night)) == ([], [1 if scope == "delta" else 2])


@pytest.mark.parametrize("scope", ["delta", "snapshot"])
def test_files_may_turn_where_nothing_is_outstanding(tmp_path: Path, scope: str) -> None:
    nights = campus(tmp_path, scope)
    nights.exported("a.xml", guest("1001"))
    nights.night(1)
    paid(nights, "1001")
    nights.night(2)
    assert sent(nights.night(3, approved=frozenset({"cashnet"}))) == ([0] if scope == "snapshot" else [])
    turn(nights)
    nights.exported("b.xml", guest("1002"), number="101")
    night = nights.night(4)
    assert (turned(night), sent(night)) == ([], [1])


def test_a_first_file_turns_nothing(tmp_path: Path) -> None:
    nights = campus(tmp_path, "snapshot")
    assert turned(nights.night(1)) == []
    turn(nights)
    nights.exported("a.xml", guest("1001"))
    night = nights.night(2)
    assert (turned(night), sent(night)) == ([], [1])


def test_what_a_snapshot_had_that_was_paid_before_it_went_out_is_not_billed_when_files_turn(tmp_path: Path) -> None:
    nights = campus(tmp_path, "snapshot")
    place = tmp_path / "exchange" / "bursar" / "cashnet" / "in"
    place.rmdir()
    nights.exported("a.xml", guest("1001"))
    nights.night(1)
    paid(nights, "1001")
    place.mkdir()
    nights.night(2)
    nights.night(3, approved=frozenset({"cashnet"}))
    turn(nights)
    nights.exported("b.xml", guest("1002"), number="101")
    night = nights.night(4)
    assert sent(night) == [1]
    assert "OUTPUT-AGAIN" not in [one.code for one in night.findings]
