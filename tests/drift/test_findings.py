"""Every finding that the program can make stands in the catalogue with what to do about it, and no other does."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pipeline.cli import coming
from pipeline.findings import BOXES, Entry, Finding, Level, Scope, catalogue
from pipeline.ports.ledger import FeeState, PaymentState, PostingState, TaskState, UploadState

if TYPE_CHECKING:
    from collections.abc import Iterator

TOP = Path(__file__).parents[2]
CATALOGUE = TOP / "schemas/findings.toml"
LIKE_A_CODE = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)+", re.ASCII)
WELL_SPELLED = re.compile(r"[A-Z][A-Z0-9]*(-[A-Z0-9]+)*[?]?", re.ASCII)

PLACES = {"Finding": 0, "Hold": 0, "hold": 1, "put": 2}
"""Calls that take a code, and where among their arguments it stands."""

NOT_FINDINGS = {
    "API-RESERVE": "how the Alma adapter names a refusal; a stage makes its own finding of it, as of the next four",
    "CLOSED-FEE": "the same, for a fee that Alma does not show because it is closed",
    "NOT-OUR-CALL": "the same, for a call that is none of our three",
    "OTHER-PATRON": "the same, for an answer about somebody else",
    "WRONG-INSTITUTION": "the same, for an answer of another institution",
    "LIB-OVERDUE": "an item code, in the example of a campus file",
    "YYYY-MM-DD": "how a date may be written in a file",
}
"""Words that are spelled like a code and are none."""


ALARMS = {"POST-DOUBLE", "POST-MISMATCH"}
"""Stops about one payment: its patron's money rests, nobody else's, and the operator must know before the morning."""


def texts(tree: ast.AST) -> Iterator[ast.Constant]:
    """Give every text of a module that is not its own description."""
    described = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in described:
            yield node


def arguments(tree: ast.AST) -> Iterator[ast.expr]:
    """Give what stands where a call takes a code."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = PLACES.get(name, len(node.args))
            yield from node.args[place : place + 1]


def codes(source: str) -> set[str]:
    """Give every code that a module uses: what is spelled like one, and what is given where one is taken."""
    tree = ast.parse(source)
    given = {one.value for one in arguments(tree) if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return given | {text.value for text in texts(tree) if LIKE_A_CODE.fullmatch(str(text.value))}  # type: ignore[misc]


def made_up(source: str) -> list[int]:
    """Give the lines where a code is put together while running, so that nobody could look it up here."""
    built = (ast.JoinedStr, ast.BinOp)
    return [one.lineno for one in arguments(ast.parse(source)) if isinstance(one, built)]


def modules() -> dict[str, str]:
    """Every module that may make a finding; the sandbox plays the world outside and makes none."""
    paths = sorted((TOP / "pipeline").rglob("*.py"))
    inside = [path for path in paths if "sandbox" not in path.relative_to(TOP).parts]
    return {str(path.relative_to(TOP)): path.read_text("utf-8") for path in inside}


def test_every_code_that_is_used_stands_in_the_catalogue() -> None:
    known = {*catalogue(), *NOT_FINDINGS}
    missing = {f"{name}: {code}" for name, source in modules().items() for code in codes(source) - known}
    assert sorted(missing) == []


def test_every_entry_of_the_catalogue_is_used() -> None:
    used = {str(text.value) for source in modules().values() for text in texts(ast.parse(source))}
    assert sorted(set(catalogue()) - used) == []


def test_no_code_is_put_together_while_running() -> None:
    assert [f"{name}:{line}" for name, source in modules().items() for line in made_up(source)] == []


def test_every_word_that_is_said_to_be_no_finding_is_still_used_and_is_none() -> None:
    used = {code for source in modules().values() for code in codes(source)}
    assert sorted(set(NOT_FINDINGS) - used) == []
    assert set(NOT_FINDINGS) & set(catalogue()) == set()


PLANTED = [
    ('Finding("PLANTED", "x", "y")', {"PLANTED"}),
    ('rows.hold(bad, "PLANTED", "why")', {"PLANTED"}),
    ('rows.put("excluded", bad, "PLANTED-TWO", "why")', {"PLANTED-TWO"}),
    ('book.move(posting, code="PLANTED-TWO")', {"PLANTED-TWO"}),
    ('CODE = "PLANTED-TWO"\nraise RefusedFileError(CODE, "why")', {"PLANTED-TWO"}),
    ('def f():\n    """PLANTED-TWO"""', set()),
    ('rows.put("excluded", bad, code, "why")', set()),
    ('print("NOT BALANCED")', set()),
]


@pytest.mark.parametrize(("source", "found"), PLANTED, ids=[source for source, _ in PLANTED])
def test_a_planted_code_is_seen(source: str, found: set[str]) -> None:
    assert codes(source) == found


@pytest.mark.parametrize("source", ['Finding(f"POST-{what}", "x", "y")', 'rows.hold(bad, "POST-" + what, "why")'])
def test_a_code_put_together_is_seen(source: str) -> None:
    assert made_up(source) == [1]


@pytest.mark.parametrize("entry", catalogue().values(), ids=list(catalogue()))
def test_an_entry_says_what_it_means_and_what_to_do(entry: Entry) -> None:
    assert WELL_SPELLED.fullmatch(entry.code)
    assert len(entry.means) > 10
    assert len(entry.do) > 5
    assert not entry.means.endswith(".")
    assert not entry.do.endswith(".")


@pytest.mark.parametrize("entry", catalogue().values(), ids=list(catalogue()))
def test_only_a_row_is_held_and_more_than_a_row_is_stopped(entry: Entry) -> None:
    if entry.level is Level.HOLD:
        assert entry.scope is Scope.ROW
    if entry.level is Level.STOP and entry.code not in ALARMS:
        assert entry.scope is not Scope.ROW


def test_an_entry_has_these_keys_and_no_other() -> None:
    table = tomllib.loads(CATALOGUE.read_text("utf-8"))
    keys = {"level", "scope", "means", "do"}
    assert {code: set(row) ^ keys for code, row in table.items() if set(row) - {"yes"} != keys} == {}
    assert [code for code, row in table.items() if "yes" in row and (row["yes"], row["level"]) != (True, "hold")] == []


def test_a_code_outside_the_catalogue_is_a_bug_that_shows() -> None:
    with pytest.raises(KeyError):
        _ = Finding("NOT-THERE", "x", "y").entry


def test_the_boxes_are_those_of_the_design() -> None:
    design, more = ("held", "waiting", "excluded", "unchanged", "duplicate"), ("withdrawn", "continued")
    assert (*design, *more) == BOXES


def test_what_happens_next_is_known_for_every_state_of_everything() -> None:
    assert set(coming.FEES) == set(FeeState)
    assert set(coming.PAYMENTS) == set(PaymentState)
    assert set(coming.POSTINGS) == set(PostingState)
    assert set(coming.UPLOADS) == set(UploadState)
    assert set(coming.TASKS) == set(TaskState)
