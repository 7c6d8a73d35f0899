"""Which movement travels in which file: kinds, twins and parts of a delta; the rows of a full replacement."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline import tables
from pipeline.money import Tally
from pipeline.stages.batch import batch
from pipeline.stages.question import Yes
from pipeline.tables import tally
from tests.unit.movement_kit import campus, movements, rows_of

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
SAMPLE = campus()
AT_CASHNET = {"system": "cashnet", "item_type": "", "item_code": "LIB-OVERDUE"}
SNAPSHOT_ROWS = tables.Table(
    "rows of the newest snapshots",
    tuple(column for column in tables.MOVEMENTS.columns if column.name in {"system", "fee_id", "amount_cents"}),
)


NO = Yes(said=False, asked=())


def standing(last: Tally, made: Tally | None = None, asked: str = "", **said: Yes | bool) -> pd.DataFrame:
    """A newer snapshot that never arrived comes to ``made``; a brake asks about the system ``asked``."""
    import pandas as pd

    usual = {"snapshot": True, "unsent": made is not None, "unread": False, "yes": NO, **said}
    both = {"system": pd.Series(["cashnet", "peoplesoft"], dtype="str")}
    told = {name: pd.Series([value, NO if name == "yes" else False]) for name, value in usual.items()}
    newest = {"last": last.count, "last_cents": last.cents, "made": 0, "made_cents": 0}
    newest |= {"made": made.count, "made_cents": made.cents} if made else {}
    return pd.DataFrame(
        both | told | newest | {"was": "", "owed": 0, "owed_cents": 0, "asked": both["system"] == asked}
    )


def batched(
    tonight: pd.DataFrame,
    *,
    owed: tuple[tuple[str, int], ...] = (),
    last: tuple[tuple[str, int], ...] | None = None,
    again: tuple[dict[str, Any], ...] = (),
    at: Loaded = SAMPLE,
    **said: Any,
) -> Outcome:
    """Batch tonight's movements, and ``again`` those of files that were given up.

    At CASHNet so much was owed before, and the newest file says ``last``, or the same; the rest goes to ``standing``.
    """
    items = movements(*({**AT_CASHNET, "fee_id": fee, "amount_cents": cents} for fee, cents in owed), *again)
    newest = owed if last is None else last
    rows = rows_of(
        SNAPSHOT_ROWS, [{"system": "cashnet", "fee_id": fee, "amount_cents": cents} for fee, cents in newest]
    )
    depends = standing(tally(rows), **said)
    return batch(tonight, at, TODAY, repeated=items, last_snapshots=rows, standing=depends)


def filed(outcome: Outcome) -> list[list[str]]:
    """The references of each file, sorted."""
    rows = outcome.passed
    return [sorted(rows.loc[rows["batch"] == number, "reference"]) for number in range(len(outcome.planned or ()))]


def snapshot_of(outcome: Outcome) -> dict[str, int]:
    """The rows of the snapshot file: fee id and cents."""
    rows = outcome.passed[outcome.passed["batch"] == list(outcome.planned or ()).index(("cashnet", "charge"))]
    return dict(zip(rows["fee_id"], rows["amount_cents"], strict=True))


def reversal(fee: str, **said: Any) -> dict[str, Any]:
    whole = {"kind": "reversal", "amount_cents": -500, "movement": 2, "fee_id": fee, "undoes": fee, "reference": fee}
    return {**whole, **said}


def later(fee: str, cents: int, **said: Any) -> dict[str, Any]:
    """A movement that changes the row of a fee at CASHNet."""
    kind = "charge" if cents > 0 else "credit"
    return {**AT_CASHNET, "fee_id": fee, "amount_cents": cents, "kind": kind, "movement": 2, **said}


# -- delta


def test_nothing_makes_no_file() -> None:
    outcome = batched(movements())
    assert (len(outcome.passed), outcome.planned, outcome.boxes, outcome.findings) == (0, (), {}, ())


def test_a_file_has_one_kind() -> None:
    tonight = movements(
        {"fee_id": "A", "amount_cents": 100},
        {"fee_id": "B", "amount_cents": -100, "kind": "credit", "movement": 2},
        reversal("D"),
        {"fee_id": "E", "amount_cents": 100, "movement": 3},
    )
    outcome = batched(tonight)
    assert outcome.planned == (("peoplesoft", "charge"), ("peoplesoft", "credit"), ("peoplesoft", "reversal"))
    assert filed(outcome) == [["A", "E-3"], ["B-2"], ["D"]]


def test_a_kind_that_the_layout_does_not_serve_is_held_and_the_rest_goes_out() -> None:
    tonight = movements({"fee_id": "A", "amount_cents": 100}, {"fee_id": "B", "amount_cents": -100, "kind": "credit"})
    outcome = batched(tonight, at=campus(layout="peoplesoft/asu"))
    assert filed(outcome) == [["A"]]
    assert outcome.boxes["held"]["code"].tolist() == ["OUTPUT-NO-KIND"]
    assert outcome.boxes["held"]["why"].tolist() == ["a credit has no place in the files of peoplesoft/asu"]


def test_reversals_that_the_bursar_could_not_tell_apart_travel_in_separate_files() -> None:
    alike = [reversal(f"A{number}") for number in (3, 1, 2)]
    tonight = movements(*alike, reversal("B", bursar_id="7654321"), reversal("C", term="2265"))
    outcome = batched(tonight)
    assert outcome.planned == (("peoplesoft", "reversal"),) * 3
    assert filed(outcome) == [["A1", "B", "C"], ["A2"], ["A3"]]
    assert filed(batched(movements(reversal("A"), reversal("B", item_type="300000007001")))) == [["A", "B"]]


def test_what_stood_in_files_that_were_given_up_goes_before_what_is_new_in_files_of_its_own() -> None:
    given_up = ({"fee_id": "A", "amount_cents": 100}, reversal("B"), reversal("C"))
    outcome = batched(movements({"fee_id": "D", "amount_cents": 50}), again=given_up)
    assert filed(outcome) == [["A"], ["B"], ["C"], ["D"]]
    assert outcome.passed["carried"].tolist() == [False, True, True, True]
    assert [(one.code, one.text) for one in outcome.findings] == [
        ("OUTPUT-AGAIN", "peoplesoft: into new files go 3 rows, -9.00, of files that were given up")
    ]
    assert filed(batched(movements(), again=given_up)) == [["A"], ["B"], ["C"]]


def test_what_was_given_up_waits_while_a_person_is_asked_about_its_system() -> None:
    given_up = ({"fee_id": "A", "amount_cents": 100}, {"fee_id": "B", "amount_cents": 50})
    waits = batched(movements(), again=given_up, asked="peoplesoft")
    assert (filed(waits), waits.findings) == ([], ())
    assert filed(batched(movements(), again=given_up, asked="cashnet")) == [["A", "B"]]


def test_what_was_given_up_and_has_no_place_in_the_layout_any_more_stops_its_system() -> None:
    lost = {"fee_id": "A", "amount_cents": -100, "kind": "credit", "movement": 2}
    tonight = movements({"fee_id": "B", "amount_cents": 50})
    outcome = batched(tonight, again=(lost,), at=campus(layout="peoplesoft/asu"))
    assert (filed(outcome), outcome.boxes["held"]["code"].tolist()) == ([], ["OUTPUT-STOPPED"])
    assert [one.code for one in outcome.findings] == ["OUTPUT-AGAIN-NO-KIND"]


def test_charges_and_credits_alike_share_a_file() -> None:
    assert filed(batched(movements(*({"fee_id": fee, "amount_cents": 1} for fee in "AB")))) == [["A", "B"]]


def short() -> Loaded:
    """A campus whose PeopleSoft loads a format that takes a thousand rows a file."""
    return campus(layout="cashnet/batch_15", constants={"department": "LIB"})


@pytest.mark.parametrize(
    ("count", "sizes"), [(999, [999]), (1000, [1000]), (1001, [1000, 1]), (2500, [1000, 1000, 500])]
)
def test_a_file_is_cut_where_the_system_takes_no_more_lines(count: int, sizes: list[int]) -> None:
    tonight = movements(*({"fee_id": f"{number:05}", "amount_cents": 1} for number in range(count)))
    outcome = batched(tonight.sample(frac=1, random_state=1), at=short())
    files = filed(outcome)
    assert [len(file) for file in files] == sizes
    assert [reference for file in files for reference in file] == sorted(tonight["reference"])


# -- snapshot


def test_a_first_charge_has_a_row_and_what_was_owed_is_carried() -> None:
    tonight = movements({**AT_CASHNET, "fee_id": "N", "amount_cents": 300})
    outcome = batched(tonight, owed=(("A", 500), ("B", 700)))
    assert snapshot_of(outcome) == {"N": 300, "A": 500, "B": 700}
    assert dict(zip(outcome.passed["fee_id"], outcome.passed["carried"], strict=True)) == {
        "N": False,
        "A": True,
        "B": True,
    }


def test_every_later_movement_changes_the_carried_row_and_has_none_of_its_own() -> None:
    tonight = movements(
        later("A", -200),
        later("A", -100, movement=3),
        later("B", 250),
        {**later("C1", -700, against="D"), "movement": 1},
    )
    outcome = batched(tonight, owed=(("A", 500), ("B", 700), ("D", 900), ("E", 50)))
    assert snapshot_of(outcome) == {"A": 200, "B": 950, "D": 200, "E": 50}
    folded = outcome.passed[outcome.passed["batch"] == tables.FOLDED]
    assert folded["amount_cents"].tolist() == [-200, -100, 250, -700]
    assert not folded["carried"].any()
    assert outcome.planned == (("cashnet", "charge"),)


def test_a_fee_of_which_nothing_is_left_disappears() -> None:
    outcome = batched(movements(later("A", -500)), owed=(("A", 500), ("B", 700), ("D", 700)))
    assert snapshot_of(outcome) == {"B": 700, "D": 700}


def test_a_fee_of_the_same_id_at_another_source_is_left_alone() -> None:
    tonight = movements(later("A", -200, source="elsewhere"))
    assert batched(tonight, owed=(("A", 500),)).planned == ()


def test_a_paid_fee_that_has_grown_comes_back_under_the_reference_of_its_first_charge() -> None:
    outcome = batched(movements(later("P", 300, movement=4)), owed=(("A", 500),))
    [row] = outcome.passed[outcome.passed["carried"] & (outcome.passed["fee_id"] == "P")].to_dict("records")
    assert (row["reference"], row["movement"], row["amount_cents"], row["kind"]) == ("P", 1, 300, "charge")
    assert snapshot_of(outcome) == {"A": 500, "P": 300}


def test_a_snapshot_that_says_what_the_newest_one_says_is_not_sent_again() -> None:
    assert batched(movements(), owed=(("A", 500),)).planned == ()
    assert batched(movements(), owed=(("A", 500),), last=(("A", 600),)).planned == (("cashnet", "charge"),)
    assert batched(movements(), owed=(("A", 500),), made=Tally(1, 500)).planned == (("cashnet", "charge"),)


def test_a_stopped_snapshot_holds_its_new_rows_and_those_that_have_no_file() -> None:
    tonight = movements(
        {**AT_CASHNET, "fee_id": "N", "amount_cents": 300}, later("A", -200), {"fee_id": "S", "amount_cents": 100}
    )
    outcome = batched(tonight, owed=(("A", 500),), unread=True)
    assert [finding.code for finding in outcome.findings] == ["SNAPSHOT-UNREAD"]
    assert outcome.passed["fee_id"].tolist() == ["S"]
    assert sorted(outcome.boxes["held"]["fee_id"]) == ["A", "N"]
    assert set(outcome.boxes["held"]["code"]) == {"OUTPUT-STOPPED"}


WERE = tuple((f"N{number}", 100) for number in range(10))


@pytest.mark.parametrize(
    ("owed", "credited", "stops"),
    [
        (9, 0, False),
        (5, 0, False),
        (4, 0, True),
        (10, 9, False),
        (5, 4, False),
        (4, 1, True),
        (10, 10, True),
        (0, 0, True),
    ],
)
def test_a_snapshot_shrunk_by_more_than_tonights_credits_needs_a_person_and_an_empty_one_always(
    owed: int, credited: int, *, stops: bool
) -> None:
    tonight = movements(*(later(fee, -cents) for fee, cents in WERE[:credited]))
    outcome = batched(tonight, owed=WERE[:owed], last=WERE)
    assert [finding.code for finding in outcome.findings] == ["SNAPSHOT-SMALLER"] * stops
    assert len(outcome.boxes.get("held", ())) == (credited if stops else 0)
    asked = Yes(said=True, asked=[finding.text for finding in outcome.findings])
    yes = batched(tonight, owed=WERE[:owed], last=WERE, yes=asked)
    assert [finding.code for finding in yes.findings] == ["SNAPSHOT-APPROVED"] * stops
    assert len(yes.passed) == owed
    assert sum(snapshot_of(yes).values()) == 100 * (owed - credited)


def test_a_yes_to_a_smaller_snapshot_is_none_to_one_that_has_shrunk_more_since() -> None:
    yes = Yes(said=True, asked=[batched(movements(), owed=WERE[:4], last=WERE).findings[0].text])
    again = batched(movements(), owed=WERE[:3], last=WERE, yes=yes)
    assert [(one.code, one.stops) for one in again.findings] == [("SNAPSHOT-SMALLER", True)]
    assert "the last run did not ask this" in again.findings[0].text
    unread = batched(movements(), owed=WERE[:4], last=WERE, yes=yes, unread=True)
    assert [one.code for one in unread.findings] == ["SNAPSHOT-UNREAD"]


@pytest.mark.parametrize(
    ("owed", "credited", "made", "stops"),
    [(4, 0, 4, False), (5, 0, 4, False), (3, 0, 4, True), (4, 1, 4, True), (0, 0, 0, False), (0, 0, 1, True)],
)
def test_a_smaller_snapshot_that_was_let_go_and_did_not_arrive_is_asked_about_once(
    owed: int, credited: int, made: int, *, stops: bool
) -> None:
    tonight = movements(*(later(fee, -cents) for fee, cents in WERE[:credited]))
    outcome = batched(tonight, owed=WERE[:owed], last=WERE, made=Tally(made, made * 100))
    assert [finding.code for finding in outcome.findings] == ["SNAPSHOT-SMALLER"] * stops
    assert outcome.planned == (() if stops else (("cashnet", "charge"),))


# -- laws

ROWS = st.lists(
    st.one_of(
        st.builds(lambda cents: {"amount_cents": cents}, st.integers(1, 900)),
        st.builds(lambda cents: {"amount_cents": -cents, "kind": "credit", "movement": 2}, st.integers(1, 900)),
        st.builds(lambda term: reversal("R", term=term), st.sampled_from(["2262", "2265"])),
        st.builds(lambda cents: {**AT_CASHNET, "amount_cents": cents}, st.integers(1, 900)),
        st.builds(lambda fee, cents: later("", cents, against=fee), st.sampled_from("AB"), st.integers(-200, -1)),
    ),
    max_size=12,
)


@settings(max_examples=30)
@given(ROWS, st.integers(0, 1000))
def test_every_movement_is_in_one_file_or_folded_and_the_order_of_the_rows_does_not_matter(
    rows: list[dict[str, Any]], seed: int
) -> None:
    tonight = movements(
        *({**row, "fee_id": f"F{number:02}", "reference": f"F{number:02}"} for number, row in enumerate(rows))
    )
    owed = (("A", 5000), ("B", 5000))
    outcome = batched(tonight, owed=owed)
    new = outcome.passed[~outcome.passed["carried"]]
    assert sorted(new["fee_id"]) == sorted(tonight["fee_id"])
    assert new["amount_cents"].sum() == tonight["amount_cents"].sum()
    files = outcome.passed[outcome.passed["batch"] != tables.FOLDED]
    assert len(files.drop_duplicates(["batch", "kind"])) == len(outcome.planned or ())
    undone = files[files["kind"] == "reversal"]
    assert not undone.duplicated(["batch", "bursar_id", "term", "item_type"]).any()
    if ("cashnet", "charge") in (outcome.planned or ()):
        debt = tonight.loc[tonight["system"] == "cashnet", "amount_cents"].sum() + 10000
        assert sum(snapshot_of(outcome).values()) == debt
    assert filed(batched(tonight.sample(frac=1, random_state=seed), owed=owed)) == filed(outcome)
