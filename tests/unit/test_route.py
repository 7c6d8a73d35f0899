"""Which system a debt goes to, who is billed at all, and what waits: the campus's rules, and never a guess."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from pipeline.findings import BOXES, catalogue
from pipeline.stages.acquaint import agree
from pipeline.stages.route import route
from pipeline.stages.wait import last_day
from pipeline.tables import tally
from tests.samples import sample_campus
from tests.unit.policy_kit import PEOPLE_FILE, REPORT, a_campus, known_people, movements

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd

    from pipeline.campus.load import Loaded
    from pipeline.findings import Outcome

TODAY = date(2026, 1, 6)
CAMPUS = sample_campus()
NOBODY = known_people()


def routed(campus: Loaded, *rows: dict[str, Any], people: pd.DataFrame = NOBODY, today: date = TODAY) -> Outcome:
    """Route movements that have no system yet, and see that not one and not one cent is lost."""
    given = movements(*({"system": "", **row} for row in rows))
    outcome = route(given, campus, today, people)
    boxes = [tally(frame) for _, frame in outcome.all_rows()]
    assert (sum(one.count for one in boxes), sum(one.cents for one in boxes)) == (
        len(given),
        given["amount_cents"].sum(),
    )
    assert set(outcome.boxes) <= set(BOXES)
    assert {code for frame in outcome.boxes.values() for code in frame["code"]} <= set(catalogue())
    return outcome


def ends(outcome: Outcome) -> dict[str, str]:
    """Give where every fee ended: its system, or its box and code."""
    found = dict(zip(outcome.passed["fee_id"], outcome.passed["system"], strict=True))
    for box, frame in outcome.boxes.items():
        found |= {fee: f"{box} {code}" for fee, code in zip(frame["fee_id"], frame["code"], strict=True)}
    return found


@pytest.mark.parametrize(
    ("kind", "patron", "system"),
    [
        ("02", "001234567", "peoplesoft"),
        ("02", "00123456", "cashnet"),
        ("02", "0012345678", "cashnet"),
        ("02", "\u0660" * 9, "cashnet"),
        ("01", "001234567", "cashnet"),
        ("userName", "guest@example.edu", "cashnet"),
    ],
)
def test_nine_digits_of_type_02_go_to_peoplesoft_and_everybody_else_to_cashnet(
    kind: str, patron: str, system: str
) -> None:
    assert ends(routed(CAMPUS, {"patron_id_type": kind, "patron_id": patron})) == {"1000": system}


def test_a_debt_without_an_id_has_no_route() -> None:
    assert ends(routed(CAMPUS, {"patron_id": ""})) == {"1000": "held ROUTE-NONE"}


RULES = [
    ('user_group = ["STUDENT", "STAFF"]', {"user_group": "STAFF"}, {"user_group": "GUEST"}),
    ('fee_type = ["OVERDUEFINE"]', {}, {"fee_type": "OTHER"}),
    ('owner = ["LAW"]', {"owner": "LAW"}, {"owner": "MAIN"}),
    ('source = ["alma"]', {}, {"source": "other"}),
    ('min_amount = "5.00"', {"amount_cents": 500}, {"amount_cents": 499}),
    ('min_amount = "5.00"', {"amount_cents": -500}, {"amount_cents": -499}),
    ('max_amount = "5.00"', {"amount_cents": 500}, {"amount_cents": 501}),
    ("min_age_days = 7", {"fee_date": "2025-12-30"}, {"fee_date": "2025-12-31"}),
    ("max_age_days = 7", {"fee_date": "2025-12-30"}, {"fee_date": "2025-12-29"}),
    ("max_age_days = 0", {"fee_date": "2026-01-06"}, {"fee_date": "2026-01-05"}),
    ('id_type = "02"\nid_shape = "999999999"', {}, {"patron_id": "12345678A"}),
]


@pytest.mark.parametrize(("rule", "taken", "left"), RULES)
def test_every_condition_takes_what_fits_and_leaves_what_does_not(
    tmp_path: Path, rule: str, taken: dict[str, Any], left: dict[str, Any]
) -> None:
    told = f'[[routes]]\nto = "cashnet"\n{rule}\n[[routes]]\nto = "peoplesoft"\n'
    campus = a_campus(
        tmp_path, told + PEOPLE_FILE.replace("[people]", '[people]\nsystems = ["cashnet"]\nmax_age_days = 9')
    )
    # The people file knows the debtor, and says no group: the source's own counts.
    outcome = routed(campus, taken, left, people=known_people({}, {"patron_id": "12345678A"}))
    assert ends(outcome) == {"1000": "cashnet", "1001": "peoplesoft"}


def test_the_first_route_that_fits_decides_and_its_number_is_told(tmp_path: Path) -> None:
    campus = a_campus(
        tmp_path,
        '[[routes]]\nto = "excluded"\nmax_amount = "1.00"\n'
        '[[routes]]\nto = "held"\nowner = ["LAW"]\n'
        '[[routes]]\nto = "cashnet"\nmin_amount = "5.00"\n',
    )
    small = {"amount_cents": 100, "owner": "LAW"}
    outcome = routed(campus, small, {"owner": "LAW"}, {}, {"amount_cents": 300})
    assert ends(outcome) == {
        "1000": "excluded ROUTE-EXCLUDED",
        "1001": "held ROUTE-HELD",
        "1002": "cashnet",
        "1003": "held ROUTE-NONE",
    }
    assert outcome.boxes["excluded"]["why"].tolist() == ["route 1 of the campus file says so"]
    assert outcome.boxes["held"]["why"].iloc[0] == "route 2 of the campus file says so"
    assert outcome.boxes["excluded"]["system"].tolist() == [""]


def test_a_debt_that_has_a_debtor_keeps_it_whatever_the_routes_say_by_now(tmp_path: Path) -> None:
    campus = a_campus(tmp_path, '[[routes]]\nto = "held"\n')
    outcome = routed(campus, {"system": "peoplesoft", "patron_id_type": "01", "movement": 2}, {})
    assert ends(outcome) == {"1000": "peoplesoft", "1001": "held ROUTE-HELD"}


def test_no_rows_make_no_boxes() -> None:
    outcome = route(movements(), CAMPUS, TODAY, NOBODY)
    assert len(outcome.passed) == 0
    assert outcome.boxes == {}


# ---- who the debtor is


def with_people(folder: Path, more: str = "") -> Loaded:
    return a_campus(folder, PEOPLE_FILE + more)


@pytest.mark.parametrize(
    ("known", "code"),
    [
        ([{}], ""),
        ([{"patron_id": "1234567"}], "PEOPLE-UNKNOWN"),
        ([{}, {"user_group": "STAFF"}], "PEOPLE-UNKNOWN"),
        ([{}, {}], ""),
        ([{"stale": True}], "PEOPLE-STALE"),
        ([], "PEOPLE-STALE"),
        ([{"name": "Lopez, Ana"}], ""),
        ([{"name": "Anders, Sven"}], "PEOPLE-NAME"),
        ([{"status": "gone"}], "PEOPLE-STATUS"),
    ],
)
def test_nobody_is_billed_whom_the_people_file_does_not_bear_out(
    tmp_path: Path, known: list[dict[str, Any]], code: str
) -> None:
    campus = with_people(tmp_path, 'active = ["", "active"]\n')
    outcome = routed(campus, {"patron_name": "Ana López"}, people=known_people(*known))
    assert ends(outcome) == {"1000": f"held {code}" if code else "peoplesoft"}
    for frame in outcome.boxes.values():
        assert not frame["why"].str.contains("Ana|Lopez|Sven|001234567|gone").any()


def test_a_user_name_is_the_same_persons_in_any_case(tmp_path: Path) -> None:
    rules = '[[routes]]\nto = "cashnet"\nuser_group = ["GUEST"]\n[[routes]]\nto = "peoplesoft"\n'
    campus = a_campus(tmp_path, rules + REPORT + PEOPLE_FILE)
    smith = known_people({"patron_id": "jsmith@x.edu", "user_group": "GUEST", "name": "Smith, Jo"})
    named = {"patron_id": "JSmith@x.edu", "patron_name": "Jo Smith"}
    assert ends(routed(campus, named, {**named, "patron_name": "Ann Lee"}, people=smith)) == {
        "1000": "cashnet",
        "1001": "held PEOPLE-NAME",
    }
    two = known_people({"patron_id": "jsmith@x.edu", "user_group": "GUEST"}, {"patron_id": "JSMITH@x.edu"})
    assert ends(routed(campus, named, people=two)) == {"1000": "held PEOPLE-UNKNOWN"}


def test_only_new_debts_are_held_for_their_debtor(tmp_path: Path) -> None:
    again = {"system": "cashnet", "movement": 2}
    assert ends(routed(with_people(tmp_path), again, {})) == {"1000": "cashnet", "1001": "held PEOPLE-STALE"}


def test_the_people_file_may_be_for_the_debtors_of_one_system(tmp_path: Path) -> None:
    campus = with_people(tmp_path, 'systems = ["peoplesoft"]\n')
    outcome = routed(campus, {"patron_id": "guest"}, {}, people=known_people({"patron_id": "000000001"}))
    assert ends(outcome) == {"1000": "cashnet", "1001": "held PEOPLE-UNKNOWN"}


def test_the_user_group_comes_from_the_people_file_where_the_source_says_none(tmp_path: Path) -> None:
    rules = '[[routes]]\nto = "cashnet"\nuser_group = ["GUEST"]\n[[routes]]\nto = "peoplesoft"\n'
    campus = a_campus(tmp_path, rules + REPORT + PEOPLE_FILE)
    outcome = routed(campus, {}, {"user_group": "STUDENT"}, people=known_people({"user_group": "GUEST"}))
    assert ends(outcome) == {"1000": "cashnet", "1001": "peoplesoft"}
    # The group of the file is not written into the fee: next month the file may say another one.
    assert outcome.passed["user_group"].tolist() == ["", "STUDENT"]


def test_a_people_file_without_groups_routes_nobody_by_them(tmp_path: Path) -> None:
    rules = '[[routes]]\nto = "excluded"\nuser_group = ["GUEST"]\n[[routes]]\nto = "peoplesoft"\n'
    outcome = routed(
        a_campus(tmp_path, rules + REPORT + PEOPLE_FILE), {}, {"user_group": "STUDENT"}, people=known_people({})
    )
    assert ends(outcome) == {"1000": "held PEOPLE-UNKNOWN", "1001": "peoplesoft"}


@pytest.mark.parametrize("rest", ["excluded", "cashnet", "peoplesoft"])
@pytest.mark.parametrize("more", ["", 'systems = ["peoplesoft"]\n'])
def test_whom_the_people_file_does_not_know_today_goes_nowhere_that_a_group_decides(
    tmp_path: Path, rest: str, more: str
) -> None:
    rules = f'[[routes]]\nto = "peoplesoft"\nuser_group = ["STUDENT"]\n[[routes]]\nto = "{rest}"\n'
    campus = a_campus(tmp_path, rules + REPORT + PEOPLE_FILE + more)
    others = known_people({"patron_id": "000000001", "user_group": "STUDENT"})
    assert ends(routed(campus, {}, people=others)) == {"1000": "held PEOPLE-UNKNOWN"}


def test_a_route_may_say_where_those_go_of_whom_no_group_is_known(tmp_path: Path) -> None:
    rules = '[[routes]]\nto = "peoplesoft"\nuser_group = ["STUDENT"]\n[[routes]]\nto = "{}"\n'
    named = rules.format("cashnet") + 'user_group = [""]\n'
    first = '[[routes]]\nto = "cashnet"\nfee_type = ["OVERDUEFINE"]\n' + rules.format("excluded")
    others = known_people({"patron_id": "000000001", "user_group": "STUDENT"})
    for number, routes in enumerate((named, first)):
        folder = tmp_path / str(number)
        folder.mkdir()
        campus = a_campus(folder, routes + REPORT + PEOPLE_FILE + 'systems = ["peoplesoft"]\n')
        assert ends(routed(campus, {"fee_type": "OVERDUEFINE"}, people=others)) == {"1000": "cashnet"}


@pytest.mark.parametrize("other", ['fee_type = ["LOSTITEMREPLACEMENTFEE"]', 'id_type = "01"', 'id_shape = "AAAAAAAAA"'])
def test_a_group_route_that_could_never_take_a_debt_keeps_nobody_back(tmp_path: Path, other: str) -> None:
    rules = f'[[routes]]\nto = "excluded"\nuser_group = ["GUEST"]\n{other}\n[[routes]]\nto = "peoplesoft"\n'
    known = known_people({}, {"patron_id": "000000001", "user_group": "GUEST"})
    outcome = routed(a_campus(tmp_path, rules + REPORT + PEOPLE_FILE), {"fee_type": "OVERDUEFINE"}, people=known)
    assert ends(outcome) == {"1000": "peoplesoft"}


def test_a_person_who_stands_twice_with_one_group_has_that_group(tmp_path: Path) -> None:
    rules = '[[routes]]\nto = "cashnet"\nuser_group = ["GUEST"]\n[[routes]]\nto = "peoplesoft"\n'
    guest = {"patron_id": "JSmith", "user_group": "GUEST"}
    known = known_people(guest, guest, {**guest, "patron_id": "jsmith"})
    campus = a_campus(tmp_path, rules + REPORT + PEOPLE_FILE)
    assert ends(routed(campus, {"patron_id": "jsmith"}, people=known)) == {"1000": "cashnet"}


def test_an_old_people_file_routes_nobody_by_its_groups(tmp_path: Path) -> None:
    rules = '[[routes]]\nto = "excluded"\nuser_group = ["GUEST"]\n[[routes]]\nto = "peoplesoft"\n'
    campus = a_campus(tmp_path, rules + REPORT + PEOPLE_FILE + 'systems = ["cashnet"]\n')
    old = known_people({"user_group": "GUEST", "stale": True})
    assert ends(routed(campus, {}, people=old)) == {"1000": "held PEOPLE-STALE"}
    assert ends(routed(campus, {"user_group": "STUDENT"}, people=old)) == {"1000": "peoplesoft"}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("García-López, José", "jose garcia lopez", True),
        ("STRASSE, ANNA", "Anna Straße", True),
        ("Smith, John", "John Q. Smith", True),
        ("Smith", "John Smith", False),
        ("Smith", "SMITH", True),
        ("John Smith", "Jane Smith", False),
        ("John Paul Smith", "John Peter Smith", False),
        ("王 小明", "小明 王", True),
    ],
)
def test_names_agree_when_their_words_do_in_any_order(one: str, other: str, same: bool) -> None:  # noqa: FBT001
    assert agree(one, other) is same
    assert agree(other, one) is same


# ---- what waits

WAITING = """
[waiting.debits]
min_amount = "5.00"
min_age_days = 7
systems = ["peoplesoft"]

[waiting.credits]
min_age_days = 1
"""


def test_debits_and_credits_wait_by_rules_of_their_own_and_say_for_what(tmp_path: Path) -> None:
    outcome = routed(
        a_campus(tmp_path, WAITING),
        {"amount_cents": 499},
        {"fee_date": "2025-12-31"},
        {"fee_date": "2025-12-30", "amount_cents": 500},
        {"amount_cents": 499, "patron_id": "guest"},
        {"kind": "credit", "amount_cents": -100, "system": "peoplesoft", "fee_date": "2026-01-05"},
        {"kind": "reversal", "amount_cents": -100, "system": "peoplesoft", "fee_date": "2026-01-06"},
    )
    assert ends(outcome) == {
        "1000": "waiting WAIT-AMOUNT",
        "1001": "waiting WAIT-AGE",
        "1002": "peoplesoft",
        "1003": "cashnet",
        "1004": "peoplesoft",
        "1005": "waiting WAIT-AGE",
    }
    assert outcome.boxes["waiting"].set_index("fee_id")["why"].to_dict() == {
        "1000": "it waits until it is 5.00 or more",
        "1001": "it waits for 2026-01-07, when it is 7 days old",
        "1005": "it waits for 2026-01-07, when it is 1 days old",
    }


def test_what_says_no_day_is_held_where_its_age_decides_and_nowhere_else(tmp_path: Path) -> None:
    undated = {"kind": "credit", "amount_cents": -100, "system": "peoplesoft", "fee_date": ""}
    outcome = routed(a_campus(tmp_path, WAITING), undated)
    assert ends(outcome) == {"1000": "held NORMALISE-DATE"}
    assert outcome.boxes["held"]["why"].tolist() == ["it says no day, and only what is 1 days old is sent"]
    (tmp_path / "other").mkdir()
    assert ends(routed(a_campus(tmp_path / "other", ""), undated)) == {"1000": "peoplesoft"}


def test_later_movements_wait_too_and_keep_their_debtor(tmp_path: Path) -> None:
    outcome = routed(a_campus(tmp_path, WAITING), {"amount_cents": 10, "system": "peoplesoft", "movement": 2})
    assert ends(outcome) == {"1000": "waiting WAIT-AMOUNT"}
    assert outcome.boxes["waiting"]["system"].tolist() == ["peoplesoft"]


BLACKOUT = (
    "[waiting.debits]\nblackout = [[2026-01-05, 2026-01-09], [2026-01-10, 2026-01-11], [2026-02-01, 2026-02-02]]\n"
)


@pytest.mark.parametrize(
    ("today", "why"),
    [
        (date(2026, 1, 4), None),
        (date(2026, 1, 5), "it waits for 2026-01-12: nothing is sent up to 2026-01-11"),
        (date(2026, 1, 11), "it waits for 2026-01-12: nothing is sent up to 2026-01-11"),
        (date(2026, 1, 12), None),
    ],
)
def test_nothing_is_sent_in_blackout_days_and_the_day_after_is_told(
    tmp_path: Path, today: date, why: str | None
) -> None:
    outcome = routed(a_campus(tmp_path, BLACKOUT), {}, {"kind": "credit", "system": "cashnet"}, today=today)
    told = outcome.boxes["waiting"]["why"].tolist() if "waiting" in outcome.boxes else [None]
    assert told == [why]
    assert outcome.passed["kind"].tolist()[-1] == "credit"


def test_a_blackout_that_begins_within_another_makes_it_longer() -> None:
    first, second, third, fourth, ninth = (date(2026, 1, day) for day in (1, 2, 3, 4, 9))
    assert last_day([(third, ninth), (first, fourth)], second) == ninth
    assert last_day([(first, ninth), (third, fourth)], second) == ninth
    assert last_day([(third, ninth)], second) is None
    assert last_day([], second) is None
