"""A stage that loses or makes one row or one cent is named, with the figures, and nothing is sent."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import files, stages
from pipeline.flow import books
from pipeline.flow.books import Entry, UnbalancedError
from pipeline.ports.ledger import UploadState
from pipeline.stages import to_date
from tests.nights import Nights
from tests.samples import sample_campus
from tests.unit.report_kit import TODAY, billed, compared, received, stated
from tests.unit.return_kit import TO_DATE, Counter, cashnet

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from pipeline.findings import Outcome
    from pipeline.ports.ledger import Payment
    from pipeline.stages.to_date import Chain

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


THINKING = ["parse", "identify", "normalise", "compare", "lower", "route", "code", "recognise", "batch"]
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


@pytest.mark.parametrize("stage", THINKING)
def test_after_a_night_that_lost_a_row_an_honest_one_sends_all_of_it(tmp_path: Path, stage: str) -> None:
    nights = Nights(tmp_path, find=robbed(stage, one_row))
    nights.exported("a.xml", *FEES)
    assert nights.night(1).sent == 0
    assert Nights.again(nights).night(2).sent == 2


def test_a_row_of_a_file_that_was_given_up_cannot_be_lost_on_its_way_into_another(tmp_path: Path) -> None:
    nights = Nights(tmp_path, find=robbed("batch", one_row))
    (tmp_path / "exchange/bursar/peoplesoft/in" / "LIB_charges_20260105_0001.dat").write_text("somebody else's")
    nights.exported("a.xml", *FEES[:2])
    Nights.again(nights).night(1)
    with closing(nights.ledger()) as ledger:
        (upload,) = ledger.uploads()
        ledger.move_upload(upload, UploadState.CANCELLED, "ada: not ours", nights.clock.now())
    [finding] = [finding for finding in nights.night(2).findings if finding.stops]
    assert "batch: peoplesoft: given up = sent again" in finding.text
    assert "1 rows and 1250 cents" in finding.text
    assert Nights.again(nights).night(3).sent == 1


REPORT: list[dict[str, Any]] = [
    {"fee_id": "1001", "amount_cents": 7000},
    {"fee_id": "1002", "amount_cents": 3000, "original_cents": 5000},
    {"fee_id": "1003"},
    {"fee_id": "1004"},
]
BILLED: list[dict[str, Any]] = [{"fee_id": "1001"}, {"fee_id": "1002"}, {"fee_id": "1003"}]


def said_wrongly(of: str, outcome: Outcome) -> list[str]:
    """Work out the books of a stage over a report and what the ledger has billed of it; give what does not balance."""
    given, positions = stated(*REPORT), billed(*BILLED)
    true, _ = compared(given, TODAY, positions=positions)
    table = given if of == "compare" else true.passed
    known = {"positions": positions, "receipts": received()}
    lines = books.EQUATIONS[of](Entry(of, table, [], known, outcome, sample_campus()))
    return [str(line) for line in lines if not line.balanced]


@pytest.mark.parametrize("stage", ["compare", "lower"])
@pytest.mark.parametrize(
    ("thief", "loss"),
    [
        (one_row, "1 rows and 2000 cents"),
        (one_cent, "0 rows and 1 cents"),
        (twice, "1 rows and 5000 cents"),
    ],
)
def test_a_change_lost_or_made_between_report_and_movements_is_named(stage: str, thief: Thief, loss: str) -> None:
    true, lines = compared(stated(*REPORT), TODAY, positions=billed(*BILLED))
    assert all(line.balanced for line in lines)
    true = replace(true, passed=true.passed.sort_values("change", ascending=False, ignore_index=True))
    assert true.passed["change"].tolist() == ["new", "grown", "fallen"]
    boxes = true.boxes if stage == "compare" else {}
    assert said_wrongly(stage, replace(true, boxes=boxes)) == []
    [wrong] = said_wrongly(stage, replace(true, passed=thief(true.passed), boxes=boxes))
    assert wrong.startswith(f"{stage}: ")
    assert loss in wrong


def test_a_fall_that_is_called_unchanged_is_named() -> None:
    import pandas as pd

    true, _ = compared(stated(*REPORT), TODAY, positions=billed(*BILLED))
    fall = (true.passed["change"] == "fallen").to_numpy()
    statement = stated(REPORT[1]).assign(code="SAME", why="as billed").astype({"code": "str", "why": "str"})
    unchanged = pd.concat([true.boxes["unchanged"], statement], ignore_index=True)
    wrong = said_wrongly("compare", replace(true, passed=true.passed[~fall], boxes={"unchanged": unchanged}))
    assert any("2000 cents" in line for line in wrong)


def test_a_cent_of_what_is_unchanged_is_named_too() -> None:
    true, _ = compared(stated(*REPORT), TODAY, positions=billed(*BILLED))
    boxes = {"unchanged": one_cent(true.boxes["unchanged"])}
    assert any("0 rows and 1 cents" in line for line in said_wrongly("compare", replace(true, boxes=boxes)))


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


BACK = ("R1,1,SALE,CLOSED,12.50,1001,LIB-LOST", "R2,1,REFUND,CLOSED,-12.50,1001,LIB-LOST")
SO_FAR = """
[[systems.peoplesoft.returns]]
layout = "own/so_far"
connection = "bursar"
folder = "peoplesoft/out"
pattern = "SO_FAR_*.csv"
quiet_s = 0
"""


@pytest.mark.parametrize("stage", ["receive", "enter"])
@pytest.mark.parametrize(
    ("thief", "loss"),
    [(one_row, "1 rows and 1250 cents"), (one_cent, "0 rows and 1 cents"), (twice, "1 rows and 1250 cents")],
)
def test_money_going_back_that_is_lost_or_made_is_named(tmp_path: Path, stage: str, thief: Thief, loss: str) -> None:
    counter = Counter(tmp_path)
    counter.leave("CASHNET_PAYMENTS_1.csv", cashnet(*BACK), at="cashnet/out")
    with pytest.raises(UnbalancedError, match=f"^{stage}: .*{loss}"):
        counter.night(find=robbed(stage, thief))
    if stage == "receive":
        assert counter.ledger.payments == {}
    counter.night()
    assert sorted(one.cents for one in counter.ledger.payments.values()) == [-1250, 1250]


@pytest.mark.parametrize("stage", ["receive", "enter"])
@pytest.mark.parametrize("thief", [one_row, one_cent, twice])
def test_a_difference_of_sums_paid_to_date_that_is_lost_or_made_is_named(
    tmp_path: Path, stage: str, thief: Thief
) -> None:
    counter = Counter(tmp_path, SO_FAR, {"own/so_far": TO_DATE})
    counter.paid("SO_FAR_1.csv", "001234567,1/5/2026,1001,5.00")
    counter.night()
    counter.clear()
    counter.paid("SO_FAR_2.csv", "001234567,1/6/2026,1001,12.50")
    with pytest.raises(UnbalancedError, match=f"^{stage}: "):
        counter.night(find=robbed(stage, thief))
    counter.night()
    assert sorted(one.cents for one in counter.ledger.payments.values()) == [500, 750]


def test_what_earlier_files_had_said_of_a_sum_cannot_be_made_up(tmp_path: Path) -> None:
    counter = Counter(tmp_path, SO_FAR, {"own/so_far": TO_DATE})
    counter.paid("SO_FAR_1.csv", "001234567,1/5/2026,1001,5.00")

    def liar(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.assign(before_cents=frame["before_cents"] + 1)

    with pytest.raises(UnbalancedError, match="0 rows and 1 cents"):
        counter.night(find=robbed("enter", liar))


def forgets(chain: Chain, payment: Payment) -> None:
    """Planted: what was said before counts as nothing."""
    chain.steps, chain.on = chain.steps + 1, max(chain.on, payment.occurred_on)


def doubles(chain: Chain, payment: Payment) -> None:
    """Planted: what was said before counts twice."""
    forgets(chain, payment)
    chain.cents += 2 * payment.cents


@pytest.mark.parametrize("bug", [forgets, doubles])
def test_a_wrong_sum_of_what_was_said_before_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bug: Callable[[Chain, Payment], None]
) -> None:
    counter = Counter(tmp_path, SO_FAR, {"own/so_far": TO_DATE})
    counter.paid("SO_FAR_1.csv", "001234567,1/5/2026,1001,5.00", "001234567,1/5/2026,1002,1.00")
    counter.night()
    monkeypatch.setattr(to_date, "_add", bug)
    counter.paid("SO_FAR_2.csv", "001234567,1/6/2026,1001,7.00", "001234567,1/5/2026,1002,1.00")
    with pytest.raises(UnbalancedError, match=r"^enter: sums: said before = on record: .*[56]00 cents"):
        counter.night()


def test_several_files_of_one_night_are_set_beside_each_other_in_their_order(tmp_path: Path) -> None:
    counter = Counter(tmp_path, SO_FAR, {"own/so_far": TO_DATE})
    counter.paid("SO_FAR_1.csv", "001234567,1/5/2026,1001,5.00")
    counter.night()
    for number, so_far in ((2, "7.00"), (3, "6.50"), (4, "6.50")):
        counter.paid(f"SO_FAR_{number}.csv", f"001234567,1/{number + 4}/2026,1001,{so_far}")
    work = counter.night()
    (line,) = (one for one in work.lines if one.what == "sums: said before = on record")
    assert (line.balanced, line.left.cents) == (True, 500 + 700)
    assert sorted(one.cents for one in counter.ledger.payments.values()) == [-50, 200, 500]


@pytest.mark.parametrize("box", ["held", "duplicate", "excluded", "waiting"])
def test_a_line_of_money_that_is_lost_from_a_box_is_named(tmp_path: Path, box: str) -> None:
    counter = Counter(tmp_path)
    lines = {
        "held": ["R1,1,REFUND,VOID,5.00,1001,LIB-LOST"],
        "duplicate": [BACK[0], BACK[0]],
        "excluded": ["R1,1,SALE,CLOSED,12.50,1001,OTHER"],
        "waiting": [BACK[0]],
    }[box]
    old = "1/5/2025" if box == "waiting" else "1/5/2026"
    counter.leave("CASHNET_PAYMENTS_1.csv", cashnet(*lines).replace("1/5/2026", old), at="cashnet/out")
    stage = "enter" if box in ("duplicate", "waiting") else "receive"

    def find(name: str) -> Callable[..., Any]:
        true = stages.find(name)
        if name != stage:
            return true

        def false(*given: Any, **known: Any) -> Outcome:
            outcome: Outcome = true(*given, **known)
            return replace(outcome, boxes={**outcome.boxes, box: outcome.boxes[box].iloc[:-1]})

        return false

    with pytest.raises(UnbalancedError, match=f"^{stage}: .*1 rows"):
        counter.night(find=find)
