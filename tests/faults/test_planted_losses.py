"""A stage that loses or makes one row or one cent is named, with the figures, and nothing is sent."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import files, stages
from tests.nights import Nights

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from pipeline.findings import Outcome

    Thief = Callable[[pd.DataFrame], pd.DataFrame]


def one_row(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.iloc[:-1]


def one_cent(frame: pd.DataFrame) -> pd.DataFrame:
    first = frame.index == 0
    return frame.assign(amount_cents=frame["amount_cents"].mask(first, frame["amount_cents"] - 1))


def twice(frame: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    return pd.concat([frame, frame.iloc[:1]], ignore_index=True)


def robbed(stage: str, thief: Thief) -> Callable[[str], Callable[..., Any]]:
    """Find the stages as they are, but for one, from whose rows something is taken."""

    def find(name: str) -> Callable[..., Any]:
        true = stages.find(name)
        if name != stage:
            return true

        def false(*given: Any, **known: Any) -> Outcome:
            outcome: Outcome = true(*given, **known)
            return replace(outcome, passed=thief(outcome.passed))

        return false

    return find


THINKING = ["parse", "identify", "normalise", "compare", "route", "code", "batch"]
FEES = [{"fee_id": "1001"}, {"fee_id": "1002"}, {"fee_id": "1003", "patron_id": "guest"}]


@pytest.mark.parametrize("stage", THINKING)
@pytest.mark.parametrize(
    ("thief", "loss"),
    [(one_row, "1 rows and 1250 cents"), (one_cent, "0 rows and 1 cents"), (twice, "1 rows and 1250 cents")],
)
def test_a_stage_that_loses_or_makes_a_row_or_a_cent_is_named_with_the_figures(
    tmp_path: Path, stage: str, thief: Thief, loss: str
) -> None:
    nights = Nights(tmp_path, find=robbed(stage, thief))
    nights.exported("a.xml", *FEES)
    night = nights.night(1)
    [finding] = [finding for finding in night.findings if finding.stops]
    assert finding.code == "BOOKS-UNBALANCED"
    assert finding.text.startswith(f"{stage}: ")
    assert loss in finding.text
    assert night.exit_code == 2
    assert nights.delivered("peoplesoft/in") == {}
    assert nights.delivered("cashnet/in") == {}
    honest = Nights.again(nights)
    assert honest.night(2).sent == 2


@pytest.mark.parametrize(
    ("was", "becomes"), [(b"12.50", b"12.49"), (b"\n0012", b"\n"), (b"025.00 00041", b"025.01 00041")]
)
def test_a_file_whose_bytes_are_not_its_rows_is_named_and_does_not_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, was: bytes, becomes: bytes
) -> None:
    true = files.publish

    def false(path: Path, blocks: Any) -> str:
        whole = b"".join(blocks)
        return true(path, [whole.replace(was, becomes, 1)])

    monkeypatch.setattr(files, "publish", false)
    nights = Nights(tmp_path)
    nights.exported("a.xml", *FEES[:2])
    night = nights.night(1)
    stops = [finding for finding in night.findings if finding.stops]
    assert len(stops) == 1
    assert stops[0].text.startswith(("render: ", "LIB_charges"))
    assert nights.delivered("peoplesoft/in") == {}


def test_a_payment_that_the_reader_loses_is_named(tmp_path: Path) -> None:
    nights = Nights(tmp_path)
    nights.exported("a.xml", *FEES)
    nights.night(1)
    thieves = Nights.again(nights, find=robbed("receive", one_row))
    thieves.drop(
        "peoplesoft/out",
        "LIBRARY_PAID_1.csv",
        "Emplid,Date Paid,Reference Number,Charge Amount,Paid Amount,Item Type,Charge Description\n"
        "001234567,01/05/2026,1001,12.50,5.00,300000007000,Overdue fine\n",
    )
    night = thieves.night(2)
    [finding] = [finding for finding in night.findings if finding.stops]
    assert finding.text.startswith("receive: ")
    assert "1 rows and 500 cents" in finding.text
    assert thieves.alma.applied == []
    assert Nights.again(thieves).night(3).posted == 1
