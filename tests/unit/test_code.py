"""Every movement in the words of its system: as sent where it was sent, by dated tables where it is new, else held."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import tables
from pipeline.campus.settings import Due, IdRule
from pipeline.findings import catalogue
from pipeline.stages.code import code
from pipeline.stages.due import due_date, term_of
from pipeline.stages.ids import written_by
from tests.samples import sample_campus
from tests.unit.policy_kit import a_campus, movements

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
CAMPUS = sample_campus()

AS_SENT: dict[str, Any] = {
    "movement": 2,
    "item_type": "300000009999",
    "account_type": "OLD",
    "fund": "OLD FUND",
    "term": "2222",
    "label": "Old words",
    "bursar_id": "1234567",
}
"""What a later movement brings along of a charge that was sent under another campus file."""


def coded(campus: Loaded, *rows: dict[str, Any], today: date = TODAY) -> Outcome:
    """Code movements to PeopleSoft, and see that not one is lost and no helper column stays behind."""
    given = movements(*({"system": "peoplesoft", **row} for row in rows))
    outcome = code(given, campus, today)
    assert sum(len(frame) for _, frame in outcome.all_rows()) == len(given)
    for box, frame in outcome.all_rows():
        assert set(frame.columns) == {*tables.MOVEMENTS.names, *(() if box == "passed" else ("code", "why"))}
    assert {code for frame in outcome.boxes.values() for code in frame["code"]} <= set(catalogue())
    return outcome


def only(outcome: Outcome) -> dict[str, Any]:
    """Give the one row that passed."""
    assert outcome.boxes == {}, outcome.boxes["held"][["code", "why"]].to_dict("records")
    (row,) = outcome.passed.to_dict("records")
    return {str(name): value for name, value in row.items()}


def held(outcome: Outcome) -> list[tuple[str, str]]:
    """Give code and sentence of what is held."""
    frame = outcome.boxes["held"]
    return list(zip(frame["code"], frame["why"], strict=True))


def test_a_first_charge_is_said_in_the_words_of_the_campus_file() -> None:
    row = only(coded(CAMPUS, {"fee_id": "77"}))
    assert {
        "item_type": "300000007000",
        "item_code": "",
        "term": "2257",
        "effective_date": "2025-09-12",
        "due_date": "2026-02-25",
        "label": "Overdue fine",
        "description": "Overdue fine 039080036507785",
        "reference": "77",
        "against": "77",
        "undoes": "",
        "bursar_id": "001234567",
        "payments_to": "api",
    }.items() <= row.items()


def test_a_snapshot_gets_its_item_code_and_no_due_date() -> None:
    row = only(coded(CAMPUS, {"system": "cashnet", "patron_id": "guest"}))
    assert (row["item_type"], row["item_code"], row["due_date"]) == ("", "LIB-OVERDUE", "")


def test_a_later_charge_keeps_what_was_sent_and_gets_a_reference_of_its_own() -> None:
    row = only(coded(CAMPUS, {"fee_id": "77", "lists": "open_now", **AS_SENT}))
    assert {name: row[name] for name in AS_SENT} == AS_SENT
    assert (row["reference"], row["effective_date"], row["due_date"]) == ("77-2", "2026-01-06", "2026-02-25")


def test_a_reversal_repeats_the_reference_it_undoes_and_all_that_was_sent() -> None:
    undone = {**AS_SENT, "kind": "reversal", "fee_id": "77", "undoes": "77", "amount_cents": -1250, "movement": 3}
    row = only(coded(CAMPUS, undone))
    assert {name: row[name] for name in undone} == undone
    assert (row["reference"], row["due_date"]) == ("77", "")


CREDIT: dict[str, Any] = {"kind": "credit", "amount_cents": -300, "movement": 2, "term": "2222", "fee_id": "77"}
TAKES_CREDITS = """
[systems.peoplesoft]
layout = "mine/credits"
"""


def takes_credits(folder: Path, text: str = "") -> Loaded:
    """A campus whose PeopleSoft layout has a file for credits."""
    from pipeline.files import resource

    shipped = resource("schemas/layouts/peoplesoft/default.toml").read_text("utf-8")
    begin, rest = shipped.split("[outgoing.kinds]\n", 1)
    kinds, rest = rest.split("\n\n", 1)
    if "credit =" not in kinds:
        kinds += '\ncredit = "credits"'
        rest = rest.replace('reversal = "Y" }', 'reversal = "Y", credit = "N" }')
    own = folder / "schemas/layouts/mine/credits.toml"
    own.parent.mkdir(parents=True)
    own.write_text(f"{begin}[outgoing.kinds]\n{kinds}\n\n{rest}", "utf-8")
    return a_campus(folder, text + TAKES_CREDITS)


def test_a_credit_gets_the_credit_item_type_of_what_it_lowers(tmp_path: Path) -> None:
    row = only(coded(takes_credits(tmp_path), {**CREDIT, "lists": "open_now"}))
    assert (row["item_type"], row["term"], row["reference"]) == ("820000207000", "2222", "77-2")
    assert (row["effective_date"], row["due_date"]) == ("2026-01-06", "")


def test_a_credit_row_of_an_export_has_its_own_day_and_reference(tmp_path: Path) -> None:
    row = only(coded(takes_credits(tmp_path), {**CREDIT, "movement": 1, "against": "55", "account_type": "SFS"}))
    assert (row["against"], row["reference"], row["effective_date"]) == ("55", "77", "2025-09-12")
    assert (row["item_type"], row["account_type"]) == ("820000207000", "SFS")


def test_a_credit_without_a_credit_item_type_is_held(tmp_path: Path) -> None:
    rule = '[fee_types.FINE]\nlabel = "Fine"\ncodes = { peoplesoft = { item_type = "300000007000" } }\n'
    outcome = coded(
        takes_credits(tmp_path, rule), {**CREDIT, "fee_type": "FINE", "owner": "LAW"}, {**CREDIT, "fee_type": "GONE"}
    )
    assert held(outcome) == [
        ("CODE-NO-CREDIT-TYPE", "no credit item type of peoplesoft for type FINE of 'LAW'"),
        ("CODE-NO-CREDIT-TYPE", "no credit item type of peoplesoft for type GONE of 'MAIN'"),
    ]


@pytest.mark.parametrize("change", [CREDIT, {**AS_SENT, "movement": 2}, {**CREDIT, "movement": 1, "against": "55"}])
def test_what_changes_a_row_of_a_snapshot_needs_no_code_of_its_own(change: dict[str, Any]) -> None:
    row = only(coded(CAMPUS, {**change, "system": "cashnet", "fee_type": "GONE", "barcode": "9" * 99}))
    assert row["kind"] == change.get("kind", "charge")


# ---- codes by owner and day

RULES = """
[[codes]]
system = "peoplesoft"
owner = ["LAW"]
item_type = "300000008000"
until = 2026-06-30

[[codes]]
system = "peoplesoft"
owner = ["LAW"]
fee_type = ["OVERDUEFINE"]
item_type = "300000008001"
credit_item_type = "820000208001"
account_type = "LAW"
fund = "Law library fund"

[[codes]]
system = "peoplesoft"
fee_type = ["CARDRENEWAL"]
fund = "Cards"
"""


@pytest.mark.parametrize(
    ("row", "today", "said"),
    [
        ({"owner": "MAIN"}, TODAY, ("300000007000", "", "")),
        ({"owner": "LAW"}, date(2026, 6, 30), ("300000008000", "", "")),
        ({"owner": "LAW"}, date(2026, 7, 1), ("300000008001", "LAW", "Law library fund")),
        ({"owner": "LAW", "fee_type": "OTHER"}, date(2026, 7, 1), ("300000007005", "", "")),
        ({"owner": "LAW", "fee_type": "OTHER"}, TODAY, ("300000008000", "", "")),
        ({"fee_type": "CARDRENEWAL"}, TODAY, ("300000007007", "", "Cards")),
    ],
)
def test_the_first_code_rule_that_fits_counts_and_leaves_the_rest_to_the_fee_type(
    tmp_path: Path, row: dict[str, Any], today: date, said: tuple[str, str, str]
) -> None:
    told = only(coded(a_campus(tmp_path, RULES), row, today=today))
    assert (told["item_type"], told["account_type"], told["fund"]) == said


def test_an_unmapped_value_holds_the_row_and_the_rest_goes_on(tmp_path: Path) -> None:
    only_cash = '[fee_types.FINE]\nlabel = "Fine"\ncodes = { cashnet = { item_code = "LIB-FINE" } }\n'
    outcome = coded(a_campus(tmp_path, only_cash), {"fee_type": "FINE"}, {"fee_type": "GONE"}, {})
    assert held(outcome) == [
        ("CODE-UNMAPPED", "no peoplesoft code for type FINE"),
        ("CODE-UNMAPPED", "no peoplesoft code for type GONE"),
    ]
    assert len(outcome.passed) == 1


# ---- terms and days


def test_the_campus_names_the_day_that_picks_the_term(tmp_path: Path) -> None:
    by_fee, by_sent = a_campus(tmp_path), a_campus(tmp_path, '[terms]\nby = "sent_date"\n')
    assert only(coded(by_fee, {}))["term"] == "2257"
    assert only(coded(by_sent, {}))["term"] == "2262"


def test_a_fee_before_the_first_term_is_held_and_nothing_else() -> None:
    outcome = coded(CAMPUS, {"fee_date": "1999-02-03"}, {}, {"fee_date": "1999-02-03", "system": "cashnet"})
    assert held(outcome) == [("CODE-NO-TERM", "no term for 1999-02-03; the term table ends or begins")]
    assert len(outcome.passed) == 2


def test_a_later_movement_is_never_given_a_term_that_its_charge_was_not_sent_with() -> None:
    outcome = coded(CAMPUS, {**AS_SENT, "term": ""})
    assert held(outcome) == [("CODE-NO-TERM", "its charge was sent without a term, and peoplesoft now wants one")]


TERMS = '[terms]\nuntil = 2026-12-31\nstarts = [["2257", 2025-08-16], ["2262", 2026-01-20]]\n'


@pytest.mark.parametrize(
    ("today", "warned"), [(date(2026, 9, 29), False), (date(2026, 9, 30), False), (date(2026, 10, 31), True)]
)
def test_the_end_of_the_term_table_is_told_months_before_and_once_a_night(
    tmp_path: Path,
    today: date,
    warned: bool,  # noqa: FBT001
) -> None:
    outcome = coded(a_campus(tmp_path, TERMS + "warn_months = 2\n"), {}, {}, today=today)
    told = [(finding.code, finding.text) for finding in outcome.findings]
    assert told == ([("TERM-ENDING", "terms.until: the table of terms ends on 2026-12-31")] if warned else [])


def test_a_campus_whose_files_have_no_place_for_the_term_is_not_warned(tmp_path: Path) -> None:
    loaded = a_campus(tmp_path, TERMS)
    cashnet = {"cashnet": loaded.campus.systems["cashnet"]}
    without = replace(loaded, campus=loaded.campus.model_copy(update={"systems": cashnet}))
    after = date(2027, 1, 1)
    assert coded(without, {"system": "cashnet"}, today=after).findings == ()
    assert len(coded(loaded, {"system": "cashnet"}, today=after).findings) == 1


@pytest.mark.parametrize(
    ("day", "term"), [("1999-12-31", ""), ("2000-01-01", "2002"), ("2025-05-25", "2252"), ("2025-05-26", "2255")]
)
def test_a_term_is_looked_up_by_its_first_day(day: str, term: str) -> None:
    assert term_of(day, CAMPUS.campus.terms) == term


def test_the_table_of_terms_has_an_end() -> None:
    assert term_of("2049-12-31", CAMPUS.campus.terms) == "2497"
    assert term_of("2050-01-01", CAMPUS.campus.terms) == ""


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        (None, ""),
        (Due(), "2026-01-31"),
        (Due(days_after=30), "2026-03-02"),
        (Due(day_of_month=25, months_after=1), "2026-02-25"),
        (Due(months_after=1), "2026-02-28"),
        (Due(day_of_month=10, months_after=12), "2027-01-10"),
        (Due(weekend="monday"), "2026-02-02"),
        (Due(weekend="friday"), "2026-01-30"),
        (Due(days_after=1, weekend="monday"), "2026-02-02"),
        (Due(days_after=1, weekend="friday"), "2026-01-30"),
        (Due(days_after=2, weekend="friday"), "2026-02-02"),
    ],
)
def test_a_due_date_is_a_rule_of_the_calendar(rule: Due | None, due: str) -> None:
    assert due_date(date(2026, 1, 31), rule) == due


@pytest.mark.parametrize(
    ("today", "due"),
    [
        (date(2026, 1, 25), "2026-02-25"),
        (date(2026, 1, 26), "2026-03-25"),
        (date(2026, 11, 26), "2027-01-25"),
        (date(2026, 12, 1), "2027-01-25"),
        (date(2026, 12, 31), "2027-02-25"),
    ],
)
def test_arizona_bills_for_the_25th_of_next_month_or_of_the_month_after(today: date, due: str) -> None:
    assert due_date(today, Due(months_after=1, day_of_month=25, next_month_after=25)) == due


# ---- ids and what does not fit


@pytest.mark.parametrize(
    ("rule", "text", "written"),
    [
        (IdRule(), "001234567", "001234567"),
        (IdRule(strip_zeros=True), "001000277", "1000277"),
        (IdRule(strip_zeros=True), "000", ""),
        (IdRule(last=7), "001000277", "1000277"),
        (IdRule(last=7), "101000277", ""),
        (IdRule(last=7), "12345", "12345"),
        (IdRule(pad_to=8), "12345", "00012345"),
        (IdRule(pad_to=8), "123456789", ""),
        (IdRule(strip_zeros=True, pad_to=8), "000012345", "00012345"),
        (IdRule(pad_to=8), "", ""),
    ],
)
def test_an_id_is_padded_and_stripped_and_never_loses_a_digit_that_counts(
    rule: IdRule, text: str, written: str
) -> None:
    assert written_by(text, rule) == written


def test_an_id_that_the_rule_cannot_write_is_held(tmp_path: Path) -> None:
    campus = a_campus(tmp_path, "[systems.peoplesoft.ids]\nlast = 7\n")
    outcome = coded(campus, {"patron_id": "101000277"}, {"patron_id": "001000277"})
    assert held(outcome) == [("CODE-ID", "the id rule of peoplesoft cannot write the id without losing digits")]
    assert outcome.passed["bursar_id"].tolist() == ["1000277"]
    assert outcome.passed["patron_id"].tolist() == ["001000277"]


def test_a_value_that_does_not_fit_is_held_with_both_figures() -> None:
    ((code_, why),) = held(coded(CAMPUS, {"system": "cashnet", "patron_id_type": "userName", "patron_id": "g" * 65}))
    assert code_ == "CODE-DOES-NOT-FIT"
    assert "65" in why
    assert "64" in why


def test_a_reference_of_more_than_thirty_is_held() -> None:
    ((code_, why),) = held(coded(CAMPUS, {"fee_id": "9" * 31}))
    assert (code_, why) == ("CODE-DOES-NOT-FIT", "REF1_DESCR is 31 wide, 30 allowed")


def test_a_kind_that_the_layout_has_no_file_for_is_held() -> None:
    outcome = coded(CAMPUS, {"kind": "waiver", "amount_cents": -100, "term": "2257"})
    assert held(outcome) == [("CODE-DOES-NOT-FIT", "peoplesoft/default has no file for a waiver")]


def test_no_rows_are_no_trouble() -> None:
    assert len(coded(CAMPUS).passed) == 0
