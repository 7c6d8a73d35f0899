"""The second opinion finds what was planted, tells no values, and never takes silence for consent."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from pipeline import stages
from pipeline.adapters import suites, validation
from pipeline.adapters.expectations import GreatExpectations
from pipeline.adapters.suites import NOTE, STOP, UNANSWERED
from pipeline.findings import catalogue
from pipeline.tables import FEES, MOVEMENTS, checked
from tests.two_systems import TwoSystems

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import pandas as pd

    from pipeline.findings import Finding, Outcome
    from pipeline.ports.outside import SecondOpinion

SHA = "0123456789abcdef" * 4


def good_fees(rows: int = 4) -> pd.DataFrame:
    """Fees 9001, 9002, ... without any fault."""
    return checked(
        FEES.frame(
            {
                "source": ["export"] * rows,
                "lists": ["export"] * rows,
                "file_sha": [SHA] * rows,
                "line": range(7, rows + 7),
                "patron_id": cycle(rows, "000112233", "lib user 7", "b@example.edu"),
                "fee_id": [str(9001 + row) for row in range(rows)],
                "fee_type": cycle(rows, "OVERDUEFINE", "LOSTITEMPROCESSFEE"),
                "owner": cycle(rows, "MAIN", "LAW"),
                "currency": ["USD"] * rows,
                "amount_cents": cycle(rows, 1, 50, 12500, 1_000_000),
                "version": cycle(rows, 1, 1, 2),
                "content": [SHA[::-1]] * rows,
                "fee_date": cycle(rows, "2026-11-02", "2024-02-29", "2026-12-31"),
            }
        ),
        FEES,
        "test",
    )


def good_charges(rows: int = 4) -> pd.DataFrame:
    """One movement for each of the good fees."""
    fees = good_fees(rows)
    return checked(
        MOVEMENTS.frame(
            {
                **{str(name): fees[name] for name in fees.columns},
                "bursar_id": fees["patron_id"],
                "against": fees["fee_id"],
                "movement": cycle(rows, 1, 1, 2),
                "kind": cycle(rows, "charge", "reversal", "credit"),
                "amount_cents": cycle(rows, 1, -50, -12500, 1_000_000, -1, -1_000_000),
                "system": ["peoplesoft"] * rows,
                "reference": [str(9001 + row).rjust(30, "0") for row in range(rows)],
                "item_type": cycle(rows, "500000000001", ""),
                "item_code": cycle(rows, "", "LIBFINE"),
                "term": cycle(rows, "2267", ""),
                "effective_date": ["2026-11-02"] * rows,
                "due_date": cycle(rows, "2026-11-02", "2027-01-15", ""),
                "payments_to": cycle(rows, "api", "record", "import_file"),
            }
        ),
        MOVEMENTS,
        "test",
    )


def cycle(rows: int, *values: object) -> list[object]:
    return [values[row % len(values)] for row in range(rows)]


def spoilt(frame: pd.DataFrame, row: int = 1, /, **cells: Any) -> pd.DataFrame:
    """Put wrong values into one row; without a word it is that of fee 9002."""
    for column, value in cells.items():
        frame.loc[row, column] = value
    return frame


def rules(found: list[Finding]) -> dict[str, str]:
    return {finding.where.rpartition(" ")[2]: finding.code for finding in found}


def figures(found: list[Finding]) -> dict[str, str]:
    return {finding.where.rpartition(" ")[2]: finding.text.rpartition(": ")[2] for finding in found}


FEES_PLANTED: dict[str, dict[str, Any]] = {
    "fee-once": {"fee_id": "9001", "version": 1},
    "fee-id-shape": {"fee_id": "90 03"},
    "patron-id-shape": {"patron_id": "000112233 "},
    "fee-type-present": {"fee_type": ""},
    "owner-present": {"owner": ""},
    "amount-plausible": {"amount_cents": 0},
    "one-currency": {"currency": "EUR"},
    "currency-shape": {"currency": "usd"},
    "fee-date-shape": {"fee_date": "2026-13-01"},
    "fee-date-present": {"fee_date": ""},
    "version-counts": {"version": 0},
    "version-whole": {"version": -1, "lists": "open_now"},
    "content-shape": {"content": SHA.upper()},
    "file-sha-shape": {"file_sha": SHA[1:]},
    "only-readable": {"unreadable": "no amount"},
}

CHARGES_PLANTED: dict[str, dict[str, Any]] = {
    "reference-once": {"reference": "9001".rjust(30, "0"), "kind": "charge", "amount_cents": 50},
    "movement-once": {"fee_id": "9001", "movement": 1},
    "reference-length": {"reference": "9" * 31},
    "reference-shape": {"reference": "9005\t"},
    "movement-counts": {"movement": 0},
    "amount-positive": {"amount_cents": -50, "kind": "charge"},
    "amount-negative": {"amount_cents": 50, "kind": "credit"},
    "amount-plausible": {"amount_cents": 1_000_001, "kind": "charge"},
    "kind-known": {"kind": "Charge", "amount_cents": -50},
    "one-system": {"system": "cashnet"},
    "one-currency": {"currency": "EUR"},
    "item-present": {"item_type": "", "item_code": ""},
    "term-shape": {"term": "22670"},
    "effective-date-shape": {"effective_date": "02.11.2026", "due_date": ""},
    "due-date-shape": {"due_date": "2027-1-1"},
    "due-not-before-effective": {"due_date": "2026-11-01"},
    "payments-way": {"payments_to": ""},
}

TOLD_OTHERWISE = {
    "fee-once": "2 of 16 rows (9001, 9001)",
    "fee-id-shape": "1 of 16 rows (row 3)",
    "reference-once": "2 of 18 rows (9001, 9002)",
    "movement-once": "2 of 18 rows (9001, 9001)",
    "one-system": "found 2",
}
"""Faults of two rows, of the id itself, or of the table as a whole; every other fault is told by its row's fee id."""

NOTES = {"owner-present", "amount-plausible", "fee-date-present", "term-shape", "due-not-before-effective"}


@pytest.mark.parametrize(
    ("name", "table", "planted"),
    [("fees", good_fees, FEES_PLANTED), ("charges", good_charges, CHARGES_PLANTED)],
    ids=["fees", "charges"],
)
def test_every_planted_fault_is_found_in_its_row_and_nowhere_else(
    name: str, table: Callable[[int], pd.DataFrame], planted: dict[str, dict[str, Any]]
) -> None:
    frame = table(len(planted) + 1)
    for row, cells in enumerate(planted.values(), start=1):
        spoilt(frame, row, **cells)
    found = validation.run_suite(frame, suites.load(name), "x")
    told = {rule: f"1 of {len(frame)} rows ({9001 + row})" for row, rule in enumerate(planted, start=1)}
    told["one-currency"] = f"found {frame['currency'].nunique()}"
    assert figures(found) == {rule: TOLD_OTHERWISE.get(rule, text) for rule, text in told.items()}
    assert rules(found) == {rule: NOTE if rule in NOTES else STOP for rule in planted}


@pytest.mark.parametrize(("suite", "table"), [("fees", good_fees), ("charges", good_charges)])
def test_good_tables_are_given_back_without_a_word(suite: str, table: Callable[[], pd.DataFrame]) -> None:
    assert validation.run_suite(table(), suites.load(suite), "x") == []


def test_a_fee_that_its_report_no_longer_mentions_has_no_words_and_is_good() -> None:
    gone = {"line": 0, "fee_type": "", "owner": "", "fee_date": "", "content": "", "version": 0, "lists": "open_now"}
    assert validation.run_suite(spoilt(good_fees(), **gone, amount_cents=0), suites.load("fees"), "fees") == []


def test_nights_whose_debts_rise_fall_and_go_are_never_stopped(tmp_path: Path) -> None:
    said: list[tuple[str, Finding]] = []

    def find(name: str) -> Callable[..., Any]:
        true, suite = stages.find(name), {"normalise": "fees", "code": "charges"}.get(name, "")

        def looked_at(*given: Any, **known: Any) -> Outcome:
            outcome: Outcome = true(*given, **known)
            said.extend((name, one) for one in validation.run_suite(outcome.passed, suites.load(suite), suite))
            return outcome

        return looked_at if suite else true

    nights = TwoSystems(tmp_path, reversals=True)
    nights.find = find
    for fee_id in ("5001", "5002", "5003"):
        nights.owes(fee_id, 5000)
    nights.report("1.csv")
    nights.night(1)
    nights.waived("5001", 5000)
    nights.waived("5002", 1000)
    nights.raised("5003", 500)
    nights.report("2.csv")
    assert nights.night(2).sent == 3
    assert [(stage, one.text) for stage, one in said if one.stops] == []


@pytest.mark.parametrize(
    ("suite", "table", "rule"), [("fees", FEES, "some-fees"), ("charges", MOVEMENTS, "some-movements")]
)
def test_an_empty_table_passes_everything_so_it_is_noted(suite: str, table: Any, rule: str) -> None:
    assert rules(validation.run_suite(table.empty(), suites.load(suite), "x")) == {rule: NOTE}


@pytest.mark.parametrize(("suite", "planted"), [("fees", FEES_PLANTED), ("charges", CHARGES_PLANTED)])
def test_a_suite_has_no_rule_that_was_not_tried_with_a_planted_fault(suite: str, planted: dict[str, object]) -> None:
    known = set(suites.load(suite).rules)
    tried_elsewhere = {"some-fees", "some-movements", "fee-id-present", "patron-id-present", "reference-present"}
    assert len(known) >= 8
    assert known - tried_elsewhere == set(planted)


@pytest.mark.parametrize(
    ("suite", "table", "column"),
    [
        ("fees", good_fees, "fee_id"),
        ("fees", good_fees, "patron_id"),
        ("fees", good_fees, "content"),
        ("charges", good_charges, "reference"),
        ("charges", good_charges, "due_date"),
    ],
)
def test_a_cell_with_nothing_in_it_is_a_stop_though_the_library_passes_over_it(
    suite: str, table: Callable[[], pd.DataFrame], column: str
) -> None:
    found = validation.run_suite(spoilt(table(), **{column: None}), suites.load(suite), "x")
    assert STOP in {finding.code for finding in found}
    assert {finding.code for finding in found if rules([finding]).keys() - NOTES} == {STOP}
    if column in ("fee_id", "patron_id", "reference"):
        assert f"{column.replace('_', '-')}-present" in rules(found)


def test_a_finding_says_what_is_wrong_how_often_and_names_rows_by_our_id_only() -> None:
    charges = good_charges()
    charges["payments_to"] = "cash"
    charges.loc[2, "fee_id"] = "=Jane Doe"
    charges.index = [8, 8, 8, 8]
    [finding] = validation.run_suite(charges, suites.load("charges"), "peoplesoft/charges")
    assert finding.code == STOP
    assert finding.subject == "peoplesoft/charges"
    assert finding.text == "it is not said how a payment is settled: 4 of 4 rows (9001, 9002, row 3, 9004)"
    assert finding.where == "suite charges, payments-way"


def test_no_value_of_the_table_ever_stands_in_a_finding() -> None:
    fees, canary = good_fees(), "Zzyzx, Jane\n<script>"
    for column in FEES.columns:
        if column.dtype == "str":
            fees[column.name] = canary
    found = validation.run_suite(fees, suites.load("fees"), "fees")
    assert {"fee-id-shape", "currency-shape", "fee-date-shape", "content-shape", "only-readable"} <= set(rules(found))
    assert not any("Zzyzx" in text or "Jane" in text for one in found for text in (one.text, one.where, one.subject))


BROKEN = {
    "meta": {"ids": "fee_id"},
    "expectations": [
        {
            "type": "expect_column_values_to_match_regex",
            "kwargs": {"column": "fee_id", "regex": "["},
            "meta": {"rule": "bad-regex", "level": "note", "says": "never said"},
        },
        {
            "type": "expect_column_values_to_be_in_set",
            "kwargs": {"column": "currency", "value_set": ["EUR"]},
            "meta": {"rule": "euros", "level": "note", "says": "not euros"},
        },
    ],
}


def test_an_expectation_that_breaks_off_is_a_stop_even_where_its_failure_were_a_note() -> None:
    broken, euros = validation.run_suite(good_fees(), suites.read("broken", BROKEN), "fees")
    assert broken.code == UNANSWERED
    assert "bad-regex" in broken.text
    assert euros.code == NOTE


def test_a_result_without_any_figures_is_no_answer() -> None:
    plain = {"raised_exception": False, "exception_traceback": None, "exception_message": None}
    config = SimpleNamespace(meta={"rule": "r"})
    good = SimpleNamespace(expectation_config=config, success=True, result={"observed_value": 3}, exception_info=plain)
    empty = SimpleNamespace(expectation_config=config, success=True, result={}, exception_info=plain)
    assert [validation.answer_of(one).raised for one in (good, empty)] == [False, True]


def test_an_expectation_that_does_not_exist_is_a_stop() -> None:
    unknown = json.loads(json.dumps(BROKEN).replace("expect_column_values_to_match_regex", "expect_miracles"))
    found = validation.run_suite(good_fees(), suites.read("unknown", unknown), "fees")
    assert [finding.code for finding in found] == [UNANSWERED, NOTE]


def test_a_table_without_a_column_that_the_suite_looks_at_is_a_stop_that_names_it() -> None:
    [finding] = validation.run_suite(good_fees().drop(columns="content"), suites.load("fees"), "fees")
    assert finding.code == UNANSWERED
    assert finding.text.endswith("the table has no column content")


def test_an_expectation_that_got_no_answer_is_a_stop() -> None:
    suite = suites.load("fees")
    found = suites.findings(suite, "fees", good_fees(), {})
    assert [finding.code for finding in found] == [UNANSWERED] * len(suite.rules)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda raw: raw.pop("meta"),
        lambda raw: raw["expectations"].clear(),
        lambda raw: raw["expectations"][0].pop("kwargs"),
        lambda raw: raw["expectations"][0]["meta"].pop("says"),
        lambda raw: raw["expectations"][0]["meta"].update(level="perhaps"),
        lambda raw: raw["expectations"][0]["meta"].update(rule="euros"),
    ],
    ids=["no ids", "nothing to check", "no kwargs", "no words", "odd level", "one rule twice"],
)
def test_a_suite_that_is_not_in_order_is_refused(spoil: Callable[[Any], object]) -> None:
    raw = json.loads(json.dumps(BROKEN))
    spoil(raw)
    with pytest.raises(suites.SuiteError, match="suite mine: "):
        suites.read("mine", raw)


def test_the_codes_stand_in_the_catalogue_and_mean_what_they_do() -> None:
    assert [str(catalogue()[code].level) for code in (NOTE, STOP, UNANSWERED)] == ["note", "stop", "stop"]


# ---- in a process of its own


@pytest.fixture(scope="module")
def opinion(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SecondOpinion]:
    folder = tmp_path_factory.mktemp("suites")
    (folder / "broken.json").write_text(json.dumps(BROKEN), encoding="utf-8")
    (folder / "torn.json").write_text("{", encoding="utf-8")
    for name in ("fees", "charges"):
        raw = {"meta": {"ids": "fee_id"}, "expectations": suites.load(name).expectations}
        (folder / f"{name}.json").write_text(json.dumps(raw), encoding="utf-8")
    with GreatExpectations(suite_folder=folder) as second:
        yield second


def test_the_second_process_finds_what_this_one_finds_in_the_order_of_asking(opinion: SecondOpinion) -> None:
    bad_fees, bad_charges = spoilt(good_fees(), owner="", fee_type=""), spoilt(good_charges(), payments_to="")
    opinion.ask("charges", "peoplesoft/charges", bad_charges)
    opinion.ask("fees", "fees", bad_fees)
    opinion.ask("charges", "cashnet/open_items", good_charges())
    assert opinion.answers() == [
        *validation.run_suite(bad_charges, suites.load("charges"), "peoplesoft/charges"),
        *validation.run_suite(bad_fees, suites.load("fees"), "fees"),
    ]
    assert opinion.answers() == []


def test_a_table_that_is_changed_after_asking_is_checked_as_it_was(opinion: SecondOpinion) -> None:
    fees = good_fees()
    opinion.ask("fees", "fees", fees)
    fees.loc[:, "content"] = "changed"
    fees.loc[:, "amount_cents"] = 0
    assert opinion.answers() == []


def test_a_table_of_many_pieces_arrives_whole(opinion: SecondOpinion) -> None:
    charges = good_charges()
    many = charges.loc[charges.index.repeat(20_000)].reset_index(drop=True)
    many["reference"] = many.index.astype("str")
    many["movement"] = many.index + 1
    many.loc[len(many) - 1, "payments_to"] = "cash"
    opinion.ask("charges", "x", many)
    [finding] = opinion.answers()
    assert "1 of 80000 rows (9004)" in finding.text


def test_what_cannot_be_asked_or_checked_is_a_stop_of_its_subject(opinion: SecondOpinion) -> None:
    opinion.ask("fees", "lacking", good_fees().drop(columns="content"))
    opinion.ask("broken", "broken", good_fees())
    opinion.ask("torn", "torn", good_fees())
    opinion.ask("absent", "absent", good_fees())
    mixed = good_fees().astype({"owner": "object"})
    mixed.loc[0, "owner"] = 7
    opinion.ask("fees", "mixed", mixed)
    found = opinion.answers()
    assert {one.subject for one in found if one.code == UNANSWERED} == {"lacking", "broken", "torn", "absent", "mixed"}
    assert all(one.stops for one in found if one.code == UNANSWERED)


def test_an_answer_that_does_not_come_in_time_is_a_stop_and_so_is_all_that_follows() -> None:
    with GreatExpectations(timeout_seconds=0.0) as second:
        second.ask("fees", "fees", good_fees())
        second.ask("charges", "peoplesoft/charges", good_charges())
        found = second.answers()
        second.ask("fees", "again", good_fees())
        found += second.answers()
    assert [(one.code, one.subject) for one in found] == [
        (UNANSWERED, "fees"),
        (UNANSWERED, "peoplesoft/charges"),
        (UNANSWERED, "again"),
    ]
    assert "no answer within 0 seconds" in found[0].text


def test_a_second_process_that_dies_is_a_stop() -> None:
    with GreatExpectations() as second:
        os.kill(second.pid, signal.SIGKILL)
        second.ask("fees", "fees", good_fees())
        [finding] = second.answers()
    assert (finding.code, finding.subject) == (UNANSWERED, "fees")
    assert "its process came to an end" in finding.text


def test_closing_twice_or_asking_after_closing_never_hangs() -> None:
    second = GreatExpectations()
    second.close()
    second.close()
    second.ask("fees", "fees", good_fees())
    assert [finding.code for finding in second.answers()] == [UNANSWERED]


ORPHAN = """
import time
from pipeline.adapters.expectations import GreatExpectations
from pipeline.tables import FEES
if __name__ == "__main__":
    second = GreatExpectations()
    second.ask("fees", "fees", FEES.empty())
    print([finding.code for finding in second.answers()], flush=True)
    time.sleep(600)
"""


def test_when_the_night_is_killed_the_second_process_ends_too_and_leaves_nothing_behind(tmp_path: Path) -> None:
    """It holds the same standard output, so that reading to its end proves that nobody is left who could write."""
    script = tmp_path / "night.py"
    script.write_text(ORPHAN, encoding="utf-8")
    with subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path.cwd())},
    ) as night:
        assert night.stdout is not None
        assert night.stdout.readline() == b"['GX-NOTE']\n"
        night.kill()
        rest, complaints = night.communicate(timeout=60)
    assert (rest, complaints) == (b"", b"")


QUIET = """
import socket, sys

seen = []


def watch(event, args):
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if event in ("socket.connect", "socket.getaddrinfo", "os.mkdir") or writes:
        seen.append(event)


sys.dont_write_bytecode = True
sys.addaudithook(watch)
from pipeline.adapters import suites, validation
from pipeline.tables import FEES, MOVEMENTS
one = FEES.frame({"fee_id": ["1"]})
assert validation.run_suite(one, suites.load("fees"), "fees")
assert validation.run_suite(MOVEMENTS.empty(), suites.load("charges"), "x")
print(seen)
socket.getaddrinfo("127.0.0.1", 9)
print(seen)
"""


def test_a_check_calls_nobody_and_writes_nothing_and_says_nothing() -> None:
    done = subprocess.run([sys.executable, "-c", QUIET], capture_output=True, text=True, check=True, timeout=120)
    assert done.stderr == ""
    assert done.stdout.splitlines() == ["[]", "['socket.getaddrinfo']"]
