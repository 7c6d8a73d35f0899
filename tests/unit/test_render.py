"""Files are written once, in order and without signs; what the second opinion stops stays here, the folded rows too."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any, cast

from pipeline import tables
from pipeline.findings import Finding
from pipeline.flow.runner import Outside, Work
from pipeline.ports.ledger import Run
from pipeline.stages.render import render
from pipeline.stages.review import review
from tests.fakes.clock import FakeClock
from tests.unit.movement_kit import campus, movements

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.findings import Outcome
    from pipeline.ports.ledger import Batch, Ledger

TODAY = date(2026, 1, 6)
NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
SAMPLE = campus()


class Numbers:
    """A ledger that knows only that seven files of each kind were made before."""

    def next_sequence(self, system: str, kind: str) -> int:
        return 8


@dataclass
class Opinion:
    """A second opinion that says what it was given."""

    says: Sequence[Finding]

    def answers(self) -> Sequence[Finding]:
        return self.says


def desk(tmp_path: Path, *rows: dict[str, Any], planned: tuple[tuple[str, str], ...], says: Sequence[str] = ()) -> Work:
    """A desk with movements, each in the file that its ``batch`` says; the second opinion stops what ``says`` names."""
    import pandas as pd

    plain = [{name: value for name, value in row.items() if name not in ("batch", "carried")} for row in rows]
    table = movements(*plain).assign(
        batch=pd.Series([row.get("batch", 0) for row in rows], dtype="int64"),
        carried=pd.Series([row.get("carried", False) for row in rows], dtype="bool"),
    )
    opinion = Opinion([Finding("GX-STOP", subject, "it looks wrong") for subject in says])
    return Work(
        "CHARGES_OUT",
        replace(SAMPLE, folder=tmp_path),
        TODAY,
        Run(1, TODAY, 1, "night", NOON),
        cast("Ledger", Numbers()),
        Outside(FakeClock(NOON), cast("Any", None), None, cast("Any", opinion)),
        tmp_path / "state" / "run",
        table=table,
        planned=planned,
    )


def made(outcome: Outcome) -> list[tuple[Batch, str]]:
    """The batches and what stands in their files."""
    return [(batch, path.read_text("ascii")) for batch, path, _ in outcome.made or ()]


CREDITS = (("peoplesoft", "credit"),)


def credit(fee: str, cents: int, **said: Any) -> dict[str, Any]:
    return {"fee_id": fee, "amount_cents": -cents, "kind": "credit", "movement": 2, "against": fee, **said}


def test_a_file_says_amounts_without_a_sign_and_the_id_as_the_bursar_writes_it(tmp_path: Path) -> None:
    [(batch, text)] = made(render(desk(tmp_path, credit("A", 250), credit("B", 1000), planned=CREDITS)))
    header, first, second = text.splitlines()
    assert header.startswith("0000000002 0000000000012.50 00041 USD")
    assert first[:50].split() == ["1234567", "300000007000", "SFS", "2262", "000000000002.50"]
    assert second[34:49] == "000000000010.00"
    assert "-" not in header
    assert (batch.count, batch.cents) == (2, -1250)


def test_a_batch_counts_with_signs_as_the_ledger_does(tmp_path: Path) -> None:
    rows = [{"fee_id": "A", "amount_cents": 300}, {"fee_id": "B", "amount_cents": 500}]
    [(batch, _)] = made(render(desk(tmp_path, *rows, planned=(("peoplesoft", "charge"),))))
    assert (batch.count, batch.cents, batch.kind, batch.scope) == (2, 800, "charge", "delta")


def test_the_parts_of_one_kind_have_numbers_and_names_of_their_own(tmp_path: Path) -> None:
    rows = [{**credit(fee, 100), "batch": place} for place, fee in enumerate("ABD")]
    other = {"fee_id": "E", "amount_cents": 100, "batch": 3}
    plan = (*CREDITS * 3, ("peoplesoft", "charge"))
    batches = [batch for batch, _ in made(render(desk(tmp_path, *rows, other, planned=plan)))]
    assert [(batch.kind, batch.sequence, batch.part) for batch in batches] == [
        ("credit", 8, 1),
        ("credit", 9, 2),
        ("credit", 10, 3),
        ("charge", 8, 1),
    ]
    assert len({batch.name for batch in batches}) == 4


def test_the_order_of_the_rows_on_the_desk_does_not_change_a_byte(tmp_path: Path) -> None:
    rows = [credit(fee, 100, patron_id=patron) for fee in "DAB" for patron in ("2", "1")]
    straight = made(render(desk(tmp_path / "a", *rows, planned=CREDITS)))
    turned = made(render(desk(tmp_path / "b", *rows[::-1], planned=CREDITS)))
    assert straight[0][1] == turned[0][1]
    assert [line[52:55].strip() for line in straight[0][1].splitlines()[1:]] == ["A-2", "B-2", "D-2"] * 2


def test_rows_without_a_file_are_written_nowhere(tmp_path: Path) -> None:
    folded = credit("A", 250, batch=tables.FOLDED)
    outcome = render(desk(tmp_path, folded, credit("B", 100), planned=CREDITS))
    assert [batch.count for batch, _ in made(outcome)] == [1]
    assert len(outcome.passed) == 2


CASHNET = {"system": "cashnet", "item_type": "", "item_code": "LIB-OVERDUE"}
BOTH = (("cashnet", "charge"), ("peoplesoft", "charge"))


def reviewed(tmp_path: Path, *says: str) -> Outcome:
    """A night with a snapshot, a movement folded into it, and a file for PeopleSoft, under a second opinion."""
    rows = [
        {**CASHNET, "fee_id": "N", "amount_cents": 300},
        {**CASHNET, "fee_id": "A", "amount_cents": 200, "carried": True},
        {**CASHNET, **credit("A", 100, batch=tables.FOLDED)},
        {"fee_id": "S", "amount_cents": 500, "batch": 1},
    ]
    work = desk(tmp_path, *rows, planned=BOTH, says=says)
    work.made = render(work).made or ()
    return review(work)


def places(rows: pd.DataFrame) -> dict[str, int]:
    return dict(zip(rows["reference"], rows["batch"], strict=True))


def test_without_a_stop_everything_goes_on(tmp_path: Path) -> None:
    outcome = reviewed(tmp_path)
    assert places(outcome.passed) == {"N": 0, "A": 0, "A-2": tables.FOLDED, "S": 1}
    assert outcome.boxes == {}


def test_the_folded_rows_of_a_stopped_snapshot_are_held_and_the_other_files_numbered_anew(tmp_path: Path) -> None:
    outcome = reviewed(tmp_path, "cashnet")
    assert places(outcome.passed) == {"S": 0}
    assert sorted(outcome.boxes["held"]["reference"]) == ["A-2", "N"]
    assert [batch.system for batch, _, _ in outcome.made or ()] == ["peoplesoft"]


def test_folded_rows_stay_folded_when_another_output_is_stopped(tmp_path: Path) -> None:
    outcome = reviewed(tmp_path, "peoplesoft")
    assert places(outcome.passed) == {"N": 0, "A": 0, "A-2": tables.FOLDED}
    assert outcome.boxes["held"]["reference"].tolist() == ["S"]


def test_a_stop_of_the_table_that_all_are_made_of_holds_everything(tmp_path: Path) -> None:
    outcome = reviewed(tmp_path, "fees")
    assert len(outcome.passed) == 0
    assert sorted(outcome.boxes["held"]["reference"]) == ["A-2", "N", "S"]
    assert outcome.made == ()


def test_a_stop_of_everything_holds_folded_rows_of_a_system_without_a_file_tonight(tmp_path: Path) -> None:
    work = desk(tmp_path, {**CASHNET, **credit("A", 100, batch=tables.FOLDED)}, planned=(), says=("fees",))
    outcome = review(work)
    assert outcome.boxes["held"]["reference"].tolist() == ["A-2"]
