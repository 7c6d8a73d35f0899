"""Rules of a campus file that could never count are mistakes at load: wrong names, columns nobody says, dead routes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import TypeAdapter, ValidationError

from pipeline.campus.load import CampusError
from pipeline.campus.values import DayForm
from pipeline.files import resource
from pipeline.layouts.load import names
from tests.unit.policy_kit import PEOPLE_FILE, REPORT, a_campus

if TYPE_CHECKING:
    from pathlib import Path

ALMA = '[alma]\nurl = "https://api-na.hosted.exlibrisgroup.com"\n'

NO_GROUP = "does not say the user group; name the sources the rule is for, or add [people] with it"
RULES = [
    ('[[routes]]\nto = "peoplesoft"\nfee_type = ["FIEN"]\n', "routes[1].fee_type: there is no fee type called 'FIEN'"),
    ('[[routes]]\nto = "peoplesoft"\nsource = ["alam"]\n', "routes[1].source: there is no source called 'alam'"),
    (
        '[[codes]]\nsystem = "peoplesfot"\nfee_type = ["FIEN"]\n',
        "codes[1].fee_type: there is no fee type called 'FIEN'",
        "codes[1].system: there is no system called 'peoplesfot'",
    ),
    ('[waiting.credits]\nsystems = ["gone"]\n', "waiting.credits.systems: there is no system called 'gone'"),
    (
        '[people]\nconnection = "gone"\nsystems = ["none"]\n',
        "people.connection: there is no connection called 'gone'",
        "people.systems: there is no system called 'none'",
    ),
    (
        '[[routes]]\nto = "peoplesoft"\nuser_group = ["STUDENT"]\n',
        f"routes[1].user_group: source alma {NO_GROUP}",
    ),
    (
        '[systems.held]\nlayout = "peoplesoft/default"\nconnection = "library"\nconstants = { origin_id = "1" }\n',
        "systems.held: is a word of routes already; call the system otherwise",
    ),
    (
        "[systems.cashnet]\nreversals = true\n",
        "systems.cashnet.reversals: cashnet/open_items has no file for a reversal",
    ),
    (
        '[fee_types.OTHER]\nlabels = ["Overdue  fine"]\n[fee_types.OVERDUEFINE]\nlabels = ["overdue FINE", "other"]\n',
        "fee_types.OTHER.labels: 'overdue fine' means OVERDUEFINE already",
        "fee_types.OTHER.labels: 'other' means OVERDUEFINE already",
    ),
    (
        '[people]\nconnection = "library"\nlayout = "peoplesoft/paid"\nactive = ["yes"]\n',
        "people.layout: peoplesoft/paid is no layout of a file of people",
        "people.active: its layout has no column for the status",
    ),
    (
        '[people]\nconnection = "library"\nlayout = "people/x"\n',
        f"people.layout: people/x: no such layout; there are {', '.join(names())}",
    ),
    (
        '[systems.cashnet]\nlayout = "people/default"\n',
        "systems.cashnet.layout: people/default is a layout of files that come back; name it in people",
    ),
    ("[waiting.debits]\nblackout = [[2026-01-05, 2026-01-04]]\n", "waiting.debits: blackout: ends before it begins"),
    (
        "[waiting.debits]\nmin_amount = 5\n",
        "waiting.debits.min_amount: must be an amount in quotes: '5.00' (it says 5)",
    ),
    (
        "[waiting.debits]\nmin_amount = 5.00\n",
        "waiting.debits.min_amount: must be an amount in quotes: '5.00' (it says 5.0)",
    ),
    (
        '[waiting.debits]\nmin_amount = "5"\n',
        "waiting.debits.min_amount: must be an amount with two decimals in quotes: '5.00' (it says '5')",
    ),
    (
        '[[routes]]\nto = "peoplesoft"\nmin_amount = "5.00"\nmax_amount = "4.99"\n',
        "routes[1]: max_amount: is below min_amount, so it takes nobody",
    ),
    (
        '[[routes]]\nto = "peoplesoft"\nmin_age_days = 5\nmax_age_days = 4\n',
        "routes[1]: max_age_days: is below min_age_days, so it takes nobody",
    ),
    (
        '[[codes]]\nsystem = "peoplesoft"\nstarting = 2026-07-01\nuntil = 2026-06-30\n',
        "codes[1]: until: lies before starting",
    ),
]


def wrong_with(folder: Path, text: str) -> list[str]:
    """Give what is wrong with the sample campus when it says ``text``, each with its keys first."""
    try:
        a_campus(folder, text)
    except CampusError as error:
        return [line.split(".toml: ", 1)[1] for line in error.problems]
    return []


@pytest.mark.parametrize(("text", "told"), [(text, list(told)) for text, *told in RULES])
def test_a_rule_that_could_never_count_is_a_mistake_at_load(tmp_path: Path, text: str, told: list[str]) -> None:
    assert wrong_with(tmp_path, text) == told


GROUPS = '[[routes]]\nto = "peoplesoft"\nuser_group = ["STUDENT"]\n'
OWNERS = '[[routes]]\nto = "peoplesoft"\nowner = ["LAW"]\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (
            GROUPS + REPORT,
            "does not say the user group; name its heading in columns.user_group, or add [people] with it",
        ),
        (OWNERS + REPORT, "does not say the owning library; name its heading in columns.owner"),
        (GROUPS + REPORT + 'user_group = ["Group"]\n', ""),
        (OWNERS + REPORT + 'owner = ["Library"]\n', ""),
        (OWNERS, ""),
        (GROUPS + PEOPLE_FILE, ""),
        (GROUPS + PEOPLE_FILE + 'layout = "mine/people"\n', NO_GROUP),
        (
            GROUPS
            + 'source = ["other"]\n'
            + REPORT.replace("sources.alma", "sources.other")
            + 'user_group = ["Group"]\n',
            "",
        ),
        (
            '[[routes]]\nto = "cashnet"\nid_type = "02"\n' + REPORT.replace('patron_id_type = "02"\n', ""),
            "does not say the type of the patron's id; give patron_id_type there",
        ),
        (
            '[[codes]]\nsystem = "peoplesoft"\nowner = ["LAW"]\n[[routes]]\nto = "cashnet"\n' + REPORT,
            "does not say the owning library; name its heading in columns.owner",
        ),
    ],
)
def test_a_rule_on_a_column_that_the_source_does_not_carry_is_a_mistake(tmp_path: Path, text: str, told: str) -> None:
    shipped = resource("schemas/layouts/people/default.toml").read_text("utf-8")
    own = tmp_path / "schemas/layouts/mine/people.toml"
    own.parent.mkdir(parents=True)
    own.write_text(shipped[: shipped.rindex("[[detail.columns]]")], "utf-8")
    assert [line.split(": source alma ")[1] for line in wrong_with(tmp_path, text)] == ([told] if told else [])


def test_a_private_column_is_kept_only_of_a_report_that_has_it(tmp_path: Path) -> None:
    keep = REPORT.replace("lists =", 'keep = ["title", "comment"]\nlists =')
    assert wrong_with(tmp_path, keep + 'title = ["Title"]\n') == [
        "sources.alma.keep: there is no heading for it; name one in columns.comment"
    ]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("", ()),
        (PEOPLE_FILE, ("patron_name",)),
        (PEOPLE_FILE + '[sources.alma]\nkeep = ["patron_name"]\n', ("patron_name",)),
        (PEOPLE_FILE + '[sources.alma]\nkeep = ["title"]\n', ("title", "patron_name")),
        (PEOPLE_FILE + REPORT + 'patron_name = ["Name"]\n[[routes]]\nto = "cashnet"\n', ("patron_name",)),
        (PEOPLE_FILE + REPORT + '[[routes]]\nto = "cashnet"\n', ()),
    ],
)
def test_names_are_kept_where_a_people_file_has_names_to_compare(
    tmp_path: Path, text: str, kept: tuple[str, ...]
) -> None:
    assert a_campus(tmp_path, text).campus.sources["alma"].keep == kept


def test_a_people_file_without_names_has_none_kept(tmp_path: Path) -> None:
    shipped = resource("schemas/layouts/people/default.toml").read_text("utf-8")
    own = tmp_path / "schemas/layouts/mine/people.toml"
    own.parent.mkdir(parents=True)
    columns = shipped.split("[[detail.columns]]")
    own.write_text("[[detail.columns]]".join(one for one in columns if 'from = "name"' not in one), "utf-8")
    campus = a_campus(tmp_path, PEOPLE_FILE + 'layout = "mine/people"\n')
    assert campus.campus.sources["alma"].keep == ()


ANALYTICS = REPORT.replace('"report"\nconnection = "library"\nformat = "csv"', '"analytics"\npath = "/shared/fines"')


def test_an_analytics_report_needs_the_api_and_no_connection(tmp_path: Path) -> None:
    assert wrong_with(tmp_path, ANALYTICS) == ["sources.alma: is asked for through Alma's API; add the table [alma]"]
    assert a_campus(tmp_path, ANALYTICS + ALMA).campus.sources["alma"].kind == "analytics"


@pytest.mark.parametrize("source", [REPORT, ANALYTICS])
def test_payments_of_a_report_cannot_be_posted_without_the_type_of_its_ids(tmp_path: Path, source: str) -> None:
    route = '[[routes]]\nto = "cashnet"\n'
    assert wrong_with(tmp_path, route + source.replace('patron_id_type = "02"\n', "") + ALMA) == [
        "sources.alma.patron_id_type: is missing; payments are posted to Alma by the type of the patron's id"
    ]


AS_OF = [
    ("", 0),
    ("lag_days = 1", 1),
    ('column = "As Of"', 1),
    ('header = "As of"', 1),
    ('lag_days = 0, header = "As of"', 2),
]


@pytest.mark.parametrize(("said", "answers"), AS_OF)
def test_a_report_says_once_which_day_it_describes(tmp_path: Path, said: str, answers: int) -> None:
    text = REPORT.replace("lag_days = 1", said)
    problem = "sources.alma.as_of: say exactly one of lag_days, column and header"
    assert wrong_with(tmp_path, text) == ([] if answers == 1 else [problem])


def test_what_a_report_lists_has_no_default_and_decides_its_amounts(tmp_path: Path) -> None:
    told = []
    for old, new in (
        ('lists = "open_now"\n', ""),
        ('remaining = ["Remaining Amount"]\n', ""),
        ('lists = "open_now"', 'lists = "new_since"'),
    ):
        told += wrong_with(tmp_path, REPORT.replace(old, new))
    assert told == [
        "sources.alma.lists: is missing",
        "sources.alma: columns: an open_now report needs a column for the remaining amount",
        "sources.alma: columns: a new_since report declares the original amount only",
    ]


# ---- routes that are never reached


@pytest.mark.parametrize(
    ("first", "second", "reached"),
    [
        ("", 'owner = ["LAW"]', False),
        ('id_type = "02"', 'id_type = "02"\nid_shape = "999999999"', False),
        ('id_type = "02"\nid_shape = "999999999"', 'id_type = "02"', True),
        ('id_type = "02"', 'id_type = "01"', True),
        ('owner = ["LAW", "MAIN"]', 'owner = ["LAW"]', False),
        ('owner = ["LAW"]', 'owner = ["LAW", "MAIN"]', True),
        ('owner = ["LAW"]', 'fee_type = ["OTHER"]', True),
        ('min_amount = "5.00"', 'min_amount = "10.00"', False),
        ('min_amount = "10.00"', 'min_amount = "9.99"', True),
        ('max_amount = "5.00"', 'max_amount = "4.00"', False),
        ('max_amount = "5.00"', 'min_amount = "1.00"', True),
        ("min_age_days = 7", "min_age_days = 8", False),
        ("min_age_days = 7", "max_age_days = 30", True),
        ("max_age_days = 30", "max_age_days = 29", False),
        ("max_age_days = 30", "max_age_days = 31", True),
        ('source = ["alma"]', 'source = ["alma"]\nowner = ["LAW"]', False),
        ('source = ["alma"]', "", True),
    ],
)
def test_a_route_is_reached_unless_one_before_it_takes_all_that_it_would(
    tmp_path: Path,
    first: str,
    second: str,
    reached: bool,  # noqa: FBT001
) -> None:
    text = f'[[routes]]\nto = "cashnet"\n{first}\n[[routes]]\nto = "peoplesoft"\n{second}\n'
    whom = "all that it would take" if first else "everybody"
    problem = f"routes[2]: is never reached: routes[1] takes {whom}; put that one last"
    assert wrong_with(tmp_path, text) == ([] if reached else [problem])


@pytest.mark.parametrize("form", ["YYYY", "DD.MM", "YYYY-MM-DD-DD", "yyyy-mm-dd", "", "YYYY-MM-DD%"])
def test_a_form_of_dates_that_says_no_day_is_a_mistake_of_the_campus_file(form: str) -> None:
    with pytest.raises(ValidationError, match="must say year, month and day"):
        TypeAdapter(DayForm).validate_python(form)


@pytest.mark.parametrize("form", ["YYYY-MM-DD", "DD.MM.YYYY", "M/D/YYYY", "MMDDYY", "YYYYMMDD"])
def test_a_form_of_dates_may_say_year_month_and_day_in_any_order(form: str) -> None:
    assert TypeAdapter(DayForm).validate_python(form) == form
