"""One debt under two names: what looks like a charge sent already waits for a person, what reopens one is not sent."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import tables
from pipeline.readers.reopens import reference
from pipeline.stages.recognise import recognise
from tests.samples import sample_campus
from tests.unit.back_kit import open_tasks

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.findings import Outcome

TODAY = date(2026, 3, 2)
CAMPUS = sample_campus()

NEW: dict[str, Any] = {
    "source": "alma",
    "file_sha": "f" * 64,
    "fee_id": "2001",
    "content": "c2001",
    "patron_id": "001234567",
    "fee_type": "OVERDUEFINE",
    "fee_date": "2026-03-01",
    "amount_cents": 1250,
    "barcode": "39001",
    "movement": 1,
    "kind": "charge",
    "against": "2001",
    "system": "peoplesoft",
    "bursar_id": "001234567",
    "reference": "2001",
    "payments_to": "api",
    "lists": "export",
}
SENT: dict[str, Any] = {
    "source": "report",
    "fee_id": "1001",
    "system": "peoplesoft",
    "patron_id": "001234567",
    "bursar_id": "",
    "amount_cents": 1250,
    "barcode": "39001",
    "fee_type": "OVERDUEFINE",
    "reference": "1001",
    "billed_cents": 1250,
    "sent_on": "2026-02-01",
    "continued_by": "",
}
FALL: dict[str, Any] = {
    "source": "report",
    "fee_id": "1001",
    "content": "fallen:1",
    "movement": 2,
    "kind": "credit",
    "against": "1001",
    "reference": "1001-2",
    "amount_cents": -1250,
}
REOPENS: dict[str, Any] = {"comment": "reopens 1001"}


def movements(*rows: dict[str, Any]) -> pd.DataFrame:
    filled = [{**NEW, **row} for row in rows]
    return tables.MOVEMENTS.frame({name: [row.get(name, "") for row in filled] for name in {*NEW, *filled[0]}})


def recent(*rows: dict[str, Any]) -> pd.DataFrame:
    import pandas as pd

    filled = [{**SENT, "bursar_id": row.get("patron_id", SENT["patron_id"]), **row} for row in rows]
    kinds = {name: "int64" if name.endswith("_cents") else "str" for name in SENT}
    return pd.DataFrame({name: pd.Series([row[name] for row in filled], dtype=kinds[name]) for name in SENT})


def decisions(*contents: str, against: str = "", code: str = "LOOKS-SENT-ALREADY") -> pd.DataFrame:
    import pandas as pd

    said = [("alma", f"2{one[-3:]}", 1, one, code, against, "ann", "another book") for one in contents]
    names = ["source", "fee_id", "version", "content", "code", "against", "by", "reason"]
    return pd.DataFrame(said, columns=names).astype({"source": "str", "fee_id": "str", "content": "str", "code": "str"})


def elsewhere(*fees: tuple[str, str, str]) -> pd.DataFrame:
    import pandas as pd

    return pd.DataFrame(fees, columns=["source", "fee_id", "system"], dtype="str")


def run(
    new: pd.DataFrame, sent: pd.DataFrame, decided: pd.DataFrame | None = None, other: pd.DataFrame | None = None
) -> Outcome:
    nothing = decisions() if decided is None else decided
    nobody = elsewhere() if other is None else other
    outcome = recognise(new, CAMPUS, TODAY, recent=sent, elsewhere=nobody, decisions=nothing, tasks=open_tasks())
    tables.checked(outcome.passed, tables.MOVEMENTS, "test")
    assert sum(len(frame) for _, frame in outcome.all_rows()) == len(new)
    return outcome


def codes(outcome: Outcome) -> dict[str, list[str]]:
    return {box: rows["code"].tolist() for box, rows in outcome.boxes.items()}


@pytest.mark.parametrize(
    "then",
    [
        {},
        {"source": "alma"},
        {"barcode": "", "fee_type": "OVERDUEFINE"},
        {"fee_type": "OTHER"},
        {"system": "cashnet"},
        {"sent_on": "2026-01-01"},
        {"amount_cents": 1000},
        {"billed_cents": 1000},
    ],
    ids=[
        "other source",
        "entered anew",
        "no barcode",
        "same book, other type",
        "other system",
        "60 days ago",
        "raised since",
        "lowered since",
    ],
)
def test_a_charge_that_looks_like_one_sent_under_another_id_is_held_with_both_shown(then: dict[str, Any]) -> None:
    held = run(movements({}), recent(then)).boxes["held"]
    assert held["code"].tolist() == ["LOOKS-SENT-ALREADY"]
    why = held["why"].iloc[0]
    sent_on = {**SENT, **then}["sent_on"]
    assert all(word in why for word in ("2001", "2026-03-01", "1001", "12.50", sent_on))


@pytest.mark.parametrize(
    "then",
    [
        {"barcode": "39002"},
        {"amount_cents": 1251, "billed_cents": 1251},
        {"patron_id": "001234568"},
        {"source": "alma", "fee_id": "2001"},
        {"sent_on": "2025-12-31"},
        {"barcode": "", "fee_type": "OTHER"},
    ],
    ids=["other book", "other amount", "other patron", "itself", "61 days ago", "no barcode, other type"],
)
def test_a_charge_that_is_another_debt_passes(then: dict[str, Any]) -> None:
    assert len(run(movements({}), recent(then)).passed) == 1


def test_one_person_under_two_ids_is_known_by_the_id_that_the_bursar_is_told() -> None:
    """The source gave a barcode then and a primary id now; the bursar was told the same person both times."""
    then = {"patron_id": "00000001234567", "bursar_id": "1234567"}
    held = run(movements({"bursar_id": "1234567"}), recent(then)).boxes["held"]
    assert held["why"].tolist() == [
        "fee 2001 of 2026-03-01, 12.50, looks like fee 1001 of report, 12.50, sent on 2026-02-01"
    ]
    assert len(run(movements({"bursar_id": "7654321"}), recent(then)).passed) == 1


def test_one_person_under_two_ids_from_two_sources_in_one_night_is_known_too() -> None:
    other = {"source": "report", "fee_id": "3001", "content": "c3001", "patron_id": "b77", "barcode": "39001"}
    both = movements({"bursar_id": "1234567"}, {**other, "bursar_id": "1234567", "reference": "3001"})
    outcome = run(both, recent({}).iloc[:0])
    assert outcome.passed["fee_id"].tolist() == ["2001"]
    assert codes(outcome) == {"held": ["LOOKS-SENT-ALREADY"]}


def test_a_debt_that_both_ids_show_is_named_once() -> None:
    outcome = run(movements({"bursar_id": "1234567"}), recent({"bursar_id": "1234567"}))
    assert codes(outcome) == {"held": ["LOOKS-SENT-ALREADY"]}


def test_two_equal_fines_of_one_night_are_two_debts() -> None:
    both = movements({}, {"fee_id": "2002", "content": "c2002", "barcode": "39002"})
    assert len(run(both, recent({"patron_id": "x"})).passed) == 2


def test_of_several_that_look_alike_the_newest_is_named() -> None:
    sent = recent({"fee_id": "1001", "sent_on": "2026-02-01"}, {"fee_id": "1002", "sent_on": "2026-02-03"})
    assert "1002" in run(movements({}), sent).boxes["held"]["why"].iloc[0]


def test_a_yes_to_just_this_content_lets_it_go() -> None:
    assert len(run(movements({}), recent({}), decisions("c2001")).passed) == 1
    assert "held" in run(movements({"content": "other"}), recent({}), decisions("c2001")).boxes
    assert "held" in run(movements({}), recent({}), decisions("c2001", against="1001")).boxes
    assert "held" in run(movements({}), recent({}), decisions("c2001", code="REOPENS-TWICE")).boxes


def test_a_yes_to_a_fall_is_no_yes_to_lowering_what_another_fee_continues() -> None:
    yes = decisions("fallen:1", code="FALL-TO-APPROVE").assign(source="report", fee_id="1001")
    assert codes(run(movements(FALL), recent({"continued_by": "2009"}), yes)) == {"held": ["FALL-OF-REOPENED"]}


@pytest.mark.parametrize("row", [{"kind": "credit", "amount_cents": -1250}, {"movement": 2, "reference": "2001-2"}])
def test_only_first_charges_are_looked_at(row: dict[str, Any]) -> None:
    then = recent({"amount_cents": row.get("amount_cents", 1250)})
    assert len(run(movements(row), then).passed) == 1


def test_a_fee_that_reopens_a_charge_continues_it_at_its_own_system_and_is_never_sent() -> None:
    old = recent({"system": "cashnet", "sent_on": "2024-01-01", "reference": "1001-2"})
    outcome = run(movements({"comment": "Check came back. Reopens 1001-2, ann"}), old)
    row = outcome.boxes["continued"].iloc[0]
    assert (row["code"], row["system"], row["continues"]) == ("REOPENS", "cashnet", "1001-2")
    assert len(outcome.passed) == 0


def test_what_the_reader_found_in_a_comment_counts_where_comments_are_not_kept() -> None:
    assert "continued" in run(movements({"continues": "1001", "comment": ""}), recent({})).boxes


@pytest.mark.parametrize(
    ("then", "code"),
    [({"reference": "7", "fee_id": "7"}, "REOPENS-UNKNOWN"), ({"patron_id": "somebody"}, "REOPENS-UNKNOWN")],
)
def test_a_fee_that_reopens_what_was_never_sent_for_its_patron_is_held(then: dict[str, Any], code: str) -> None:
    held = run(movements({"comment": "reopens 1001", "barcode": "1"}), recent(then)).boxes["held"]
    assert held["code"].tolist() == [code]


@pytest.mark.parametrize("billed", [0, 500, 1249, 1251, 2000])
def test_a_fee_continues_a_charge_only_where_just_as_much_is_still_billed_for_that(billed: int) -> None:
    held = run(movements(REOPENS), recent({"billed_cents": billed})).boxes["held"]
    assert held["code"].tolist() == ["REOPENS-DIFFERS"]
    assert "12.50" in held["why"].iloc[0]
    assert f"{billed // 100}.{billed % 100:02d}" in held["why"].iloc[0]


def test_what_tonight_adds_to_the_bill_of_the_older_fee_counts() -> None:
    grown = {**FALL, "kind": "charge", "amount_cents": 250}
    assert codes(run(movements(REOPENS, grown), recent({"billed_cents": 1000}))) == {"continued": ["REOPENS"]}
    assert codes(run(movements(REOPENS, grown), recent({}))) == {"held": ["REOPENS-DIFFERS"]}


@pytest.mark.parametrize("fall", [FALL, {**FALL, "source": "alma"}])
def test_what_closes_a_fee_that_is_reopened_the_same_night_is_held_so_that_it_stays_billed(
    fall: dict[str, Any],
) -> None:
    outcome = run(movements(REOPENS, fall), recent({"source": fall["source"]}))
    assert codes(outcome) == {"continued": ["REOPENS"], "held": ["FALL-OF-REOPENED"]}
    assert "12.50 off fee 1001: fee 2001 continues it" in outcome.boxes["held"]["why"].iloc[0]


def test_every_part_of_such_a_fall_is_held() -> None:
    parts = [{**FALL, "movement": number, "amount_cents": cents} for number, cents in ((2, -1000), (3, -250))]
    assert codes(run(movements(REOPENS, *parts), recent({})))["held"] == ["FALL-OF-REOPENED"] * 2


def test_a_fall_that_leaves_just_what_the_new_fee_says_goes_out() -> None:
    outcome = run(movements(REOPENS, FALL), recent({"billed_cents": 2500}))
    assert codes(outcome) == {"continued": ["REOPENS"]}
    assert outcome.passed["kind"].tolist() == ["credit"]


def test_a_fall_of_a_charge_that_an_earlier_night_saw_continued_is_held() -> None:
    known = recent({"continued_by": "2009"})
    assert codes(run(movements(FALL), known)) == {"held": ["FALL-OF-REOPENED"]}
    assert codes(run(movements({**FALL, "against": "1000"}), known)) == {}


def test_a_yes_lets_the_fall_go_and_then_nothing_is_left_to_continue() -> None:
    yes = decisions("fallen:1", code="FALL-OF-REOPENED").assign(source="report", fee_id="1001")
    assert codes(run(movements(FALL), recent({"continued_by": "2009"}), yes)) == {}
    assert codes(run(movements(REOPENS, FALL), recent({}), yes)) == {"held": ["REOPENS-DIFFERS"]}


def test_only_one_fee_continues_a_charge() -> None:
    two = movements(REOPENS, {**REOPENS, "fee_id": "2002", "content": "c2002", "against": "2002", "reference": "2002"})
    assert codes(run(two, recent({}))) == {"held": ["REOPENS-TWICE"] * 2}
    own = codes(run(two, recent({}), decisions("c2002", code="REOPENS-TWICE")))
    assert own == {"continued": ["REOPENS"], "held": ["LOOKS-SENT-ALREADY"]}
    for other in ("LOOKS-SENT-ALREADY", "FALL-TO-APPROVE"):
        assert codes(run(two, recent({}), decisions("c2002", code=other))) == {"held": ["REOPENS-TWICE"] * 2}
    held = run(movements(REOPENS), recent({"continued_by": "2009"})).boxes["held"]
    assert (held["code"].tolist(), "2009" in held["why"].iloc[0]) == (["REOPENS-TWICE"], True)


@pytest.mark.parametrize(
    ("sent", "other"),
    [({"reference": "2001"}, ()), ({}, (("report", "2001", "peoplesoft"),))],
    ids=["sent for this patron", "sent for anybody"],
)
def test_no_yes_lets_a_charge_go_under_a_reference_that_its_system_knows_already(
    sent: dict[str, Any], other: tuple[tuple[str, str, str], ...]
) -> None:
    charge, old = movements({"barcode": "7"}), recent({**sent, "amount_cents": 1})
    for decided in (decisions(), decisions("c2001")):
        held = run(charge, old, decided, elsewhere(*other)).boxes["held"]
        assert held["code"].tolist() == ["REFERENCE-TAKEN"]
        assert "source report has 2001 at peoplesoft too" in held["why"].iloc[0]
    assert codes(run(charge, recent({**sent, "system": "cashnet", "amount_cents": 1}))) == {}


def test_a_fee_that_one_source_has_at_a_system_is_not_billed_at_another_for_a_second_source() -> None:
    charge = movements({"barcode": "7"})
    for old, other in (
        (recent({"fee_id": "2001", "system": "cashnet", "amount_cents": 1}), ()),
        (recent(), (("report", "2001", "cashnet"),)),
    ):
        held = run(charge, old, decisions("c2001"), elsewhere(*other)).boxes["held"]
        assert held["code"].tolist() == ["REFERENCE-TAKEN"]
        assert "source report has 2001 at cashnet too" in held["why"].iloc[0]
    both = movements({"source": "zeta"}, {"source": "beta", "system": "cashnet", "content": "other"})
    outcome = run(both, recent())
    assert (outcome.passed["source"].tolist(), codes(outcome)) == (["beta"], {"held": ["REFERENCE-TAKEN"]})


def test_of_two_sources_with_the_same_fee_tonight_the_first_by_name_sends_it_however_they_came() -> None:
    both = [{"source": "zeta"}, {"source": "beta", "patron_id": "someone", "content": "other"}]
    for order in (both, both[::-1]):
        outcome = run(movements(*order), recent({"fee_id": "1", "reference": "1", "barcode": "1"}))
        assert outcome.passed["source"].tolist() == ["beta"]
        assert codes(outcome) == {"held": ["REFERENCE-TAKEN"]}


def test_the_same_debt_from_two_sources_in_one_night_goes_out_once_however_they_came() -> None:
    both = [{}, {"source": "report", "fee_id": "1999", "against": "1999", "reference": "1999", "content": "c1999"}]
    for order in (both, both[::-1]):
        outcome = run(movements(*order), recent({}).iloc[:0])
        assert outcome.passed["source"].tolist() == ["alma"]
        why = outcome.boxes["held"]["why"].iloc[0]
        assert why == "fee 1999 of 2026-03-01, 12.50, looks like fee 2001 of alma, 12.50, which is new tonight too"
    assert len(run(movements({}, {**both[1], "barcode": "39009"}), recent({}).iloc[:0]).passed) == 2


@pytest.mark.parametrize("comment", ["", "reopens 1001"])
def test_a_user_name_is_the_same_person_in_any_case(comment: str) -> None:
    outcome = run(movements({"patron_id": "Guest@Example", "comment": comment}), recent({"patron_id": "guest@example"}))
    assert codes(outcome) == ({"continued": ["REOPENS"]} if comment else {"held": ["LOOKS-SENT-ALREADY"]})


def test_nothing_sent_before_is_nothing_to_look_like() -> None:
    assert len(run(movements({}), recent({}).iloc[:0]).passed) == 1


@pytest.mark.parametrize(
    ("comment", "found"),
    [("reopens 1001", "1001"), ("REOPENS: F-12_3.", "F-12_3"), ("reopens", ""), ("", ""), ("the library reopens", "")],
)
def test_a_comment_names_what_it_reopens(comment: str, found: str) -> None:
    assert reference(comment) == found
