"""What a second opinion checks: suites of expectations as data, and what is told when one of them fails.

A suite is a JSON file in Great Expectations' own notation (``type``, ``kwargs``, ``meta``).  Every expectation says in
its ``meta`` by which ``rule`` it is known, whether a failure is a ``note`` or a ``stop``, and in plain words what is
wrong when it fails.  Findings hold counts and our own ids, never a value of the table.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipeline import files
from pipeline.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

NOTE, STOP, UNANSWERED = "GX-NOTE", "GX-STOP", "GX-UNANSWERED"
CODES = {"note": NOTE, "stop": STOP}

NAMED_AT_MOST = 5
"""So many rows are named in a finding; the count says how many there are."""

ID = re.compile(r"[0-9A-Za-z][0-9A-Za-z._:-]{0,39}", re.ASCII)
"""What looks like an id of ours may be named; any other row is told by its place in the table."""


class SuiteError(ValueError):
    """A suite cannot be used; the text names the suite and what is wrong with it."""


@dataclass(frozen=True)
class Suite:
    """A named list of expectations.  ``ids`` is the column whose text names a row in a finding."""

    name: str
    ids: str
    expectations: Sequence[Mapping[str, Any]]

    @property
    def columns(self) -> list[str]:
        """The columns that the suite looks at; a table may leave out all others."""
        named = {self.ids}
        for expectation in self.expectations:
            named.update(_columns(expectation["kwargs"]))
        return sorted(named)

    @property
    def rules(self) -> dict[str, Mapping[str, Any]]:
        """Each expectation's ``meta`` by its rule."""
        return {expectation["meta"]["rule"]: expectation["meta"] for expectation in self.expectations}


def _columns(kwargs: Mapping[str, Any]) -> Iterator[str]:
    yield from (kwargs[key] for key in ("column", "column_A", "column_B") if key in kwargs)
    yield from kwargs.get("column_list", ())
    if "row_condition" in kwargs:
        yield kwargs["row_condition"]["column"]["name"]


def load(name: str, folder: Path | None = None) -> Suite:
    """Load the suite ``name`` from ``folder``, or else from the product.  Raises SuiteError."""
    try:
        path = folder / f"{name}.json" if folder else files.resource(f"schemas/expectations/{name}.json")
        return read(name, json.loads(path.read_text(encoding="utf-8")))
    except (OSError, json.JSONDecodeError) as error:
        message = f"suite {name}: cannot be read ({type(error).__name__})"
        raise SuiteError(message) from error


def read(name: str, raw: Mapping[str, Any]) -> Suite:
    """Check a suite as it stands in its file.  Raises SuiteError."""
    try:
        suite = Suite(name, raw["meta"]["ids"], raw["expectations"])
        complete = [(one["type"], one["meta"]["says"], suite.columns) for one in suite.expectations]
        levels = {one["meta"]["level"] for one in suite.expectations}
        own_rules = len(suite.rules) == len(complete)
    except (KeyError, TypeError) as error:
        message = f"suite {name}: {error} is missing; each expectation has type, kwargs, meta.rule, .level and .says"
        raise SuiteError(message) from error
    if not complete or not own_rules or not levels <= set(CODES):
        message = f"suite {name}: needs expectations, each with a rule of its own and a level that is note or stop"
        raise SuiteError(message)
    return suite


@dataclass(frozen=True)
class Answer:
    """What became of one expectation, without the values that were looked at.

    ``raised``: it could not be checked.  ``failing`` is None where a whole table is judged by one ``observed`` count.
    """

    rule: str
    raised: bool
    success: bool
    observed: int | None
    failing: int | None
    missing: int
    rows: Sequence[int]

    @property
    def fails(self) -> bool:
        """Empty cells fail too: Great Expectations passes over them, and a table of ours has none."""
        return not self.success or self.missing > 0


def unanswered(subject: str, suite: str, why: str) -> Finding:
    """Say that a check could not be made: a stop of its subject, for silence must never pass for consent."""
    return Finding(UNANSWERED, subject, f"the second opinion on {subject} was not given: {why}", f"suite {suite}")


def findings(suite: Suite, subject: str, frame: pd.DataFrame, answers: Mapping[str, Answer]) -> list[Finding]:
    """Turn answers, by rule, into findings in the suite's order; an expectation without an answer is a stop."""
    found = []
    for rule, meta in suite.rules.items():
        answer = answers.get(rule)
        if answer is None or answer.raised:
            found.append(unanswered(subject, suite.name, f"the expectation {rule} could not be checked"))
        elif answer.fails:
            text = f"{meta['says']}: {_figures(answer, frame[suite.ids])}"
            found.append(Finding(CODES[meta["level"]], subject, text, f"suite {suite.name}, {rule}"))
    return found


def _figures(answer: Answer, ids: pd.Series[Any]) -> str:
    if answer.failing is None:
        return f"found {answer.observed}"
    names = [_name(ids.iloc[row], row) for row in answer.rows[:NAMED_AT_MOST]]
    if len(answer.rows) > NAMED_AT_MOST:
        names.append("...")
    named = f" ({', '.join(names)})" if names else ""
    nothing = f", {answer.missing} with nothing at all" if answer.missing else ""
    return f"{answer.failing} of {len(ids)} rows{named}{nothing}"


def _name(text: object, row: int) -> str:
    return text if isinstance(text, str) and ID.fullmatch(text) else f"row {row + 1}"
