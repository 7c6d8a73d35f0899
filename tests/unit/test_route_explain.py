"""`bursar route --explain`: route by route, why a fee goes where it goes; and a debtor it has is never another."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, cast

from pipeline import tables
from pipeline.cli.route import Question
from pipeline.ports.ledger import Charged
from tests.unit.policy_kit import PEOPLE_FILE, a_campus, movements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.ports.ledger import InFile, Ledger

TODAY = date(2026, 1, 6)


class Remembered:
    """As much of a ledger as the question asks."""

    def __init__(self, records: Sequence[Mapping[str, str | int]], *rows: dict[str, Any]) -> None:
        self.records = records
        self.rows = movements(*rows)

    def fee_record(self, fee_id: str) -> Sequence[Mapping[str, str | int]]:
        return [one for one in self.records if one["fee_id"] == fee_id]

    def pending_fees(self) -> pd.DataFrame:
        return self.rows[list(tables.FEES.names)]

    def charged(self, system: str, reference: str) -> Charged | None:
        return Charged("alma", reference, system, reference, "001234567", "02", 1250, 0, "api", "USD")

    def charges_of(self, patrons: Sequence[str]) -> pd.DataFrame:
        return self.rows[self.rows["patron_id"].isin(patrons)]

    def files_in(self, role: str, state: str) -> Sequence[InFile]:
        assert (role, state) == ("people", "archived")
        return []


def record(**said: str | int) -> dict[str, str | int]:
    return {
        "fee_id": "1000",
        "source": "alma",
        "version": 1,
        "state": "held",
        "code": "X-1",
        "why": "so",
        "system": "",
        **said,
    }


def told(campus: Loaded, ledger: Remembered, fee: str = "1000") -> list[str]:
    return list(Question(fee, cast("Ledger", ledger), campus, TODAY).told())


ROUTES = """
[[routes]]
to = "excluded"
id_type = "01"
max_amount = "5.00"

[[routes]]
to = "peoplesoft"
id_shape = "999999999"

[[routes]]
to = "cashnet"

[waiting.debits]
min_age_days = 200
"""


def test_a_held_fee_is_told_route_by_route_and_what_a_night_would_do(tmp_path: Path) -> None:
    assert told(a_campus(tmp_path, ROUTES), Remembered([record()], {})) == [
        "fee 1000 of alma, version 1, is held: X-1: so",
        "  route 1 to excluded does not fit: it asks that the id is of type 01 and that the amount is 5.00 or less",
        "  route 2 to peoplesoft fits: it goes to peoplesoft",
        "  route 3 to cashnet would fit, but an earlier one did",
        "  WAIT-AGE: it waits for 2026-03-31, when it is 200 days old",
    ]


def test_a_fee_that_no_route_takes_is_told_so(tmp_path: Path) -> None:
    campus = a_campus(tmp_path, '[[routes]]\nto = "held"\nowner = ["LAW"]\n')
    assert told(campus, Remembered([record()], {})) == [
        "fee 1000 of alma, version 1, is held: X-1: so",
        "  route 1 to held does not fit: it asks that the owning library is LAW",
        "  no route fits: it is held",
        "  ROUTE-NONE: no route fits; its id is of type '02'",
    ]


def test_a_debt_that_was_sent_keeps_its_debtor_whatever_the_routes_say(tmp_path: Path) -> None:
    campus = a_campus(tmp_path, '[[routes]]\nto = "cashnet"\n')
    ledger = Remembered([record(state="charged", system="peoplesoft"), record(version=2)], {"version": 2})
    assert told(campus, ledger) == [
        "fee 1000 of alma went to peoplesoft with its first charge, and so does all that changes it",
        "today's routes, which do not move it:",
        "  route 1 to cashnet fits: it goes to cashnet",
        "fee 1000 of alma, version 2, is held: X-1: so",
        "  it goes to peoplesoft, as its first charge did",
    ]


def test_a_fee_at_rest_is_told_with_its_end(tmp_path: Path) -> None:
    ended = [record(state="rejected", why="by ann: twice billed"), record(version=2, state="excluded")]
    assert told(a_campus(tmp_path), Remembered(ended)) == [
        "fee 1000 of alma, version 1, is rejected: a person rejected it; X-1: by ann: twice billed",
        "fee 1000 of alma, version 2, is excluded: by the campus's policy it never goes out; X-1: so",
    ]


def test_who_is_unknown_is_told_without_a_name(tmp_path: Path) -> None:
    lines = told(a_campus(tmp_path, PEOPLE_FILE), Remembered([record()], {"patron_name": "Ana Lopez"}))
    assert lines[-1] == "  PEOPLE-STALE: no people file of the last 7 days"
    assert not any("Lopez" in line for line in lines)


def test_a_fee_nobody_knows_is_told_nothing_of(tmp_path: Path) -> None:
    assert told(a_campus(tmp_path), Remembered([record()]), "77") == []
