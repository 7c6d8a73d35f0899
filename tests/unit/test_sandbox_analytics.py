from __future__ import annotations

from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from pipeline.sandbox.analytics import ROWSET, Heading, Report, active_fees, page_size
from pipeline.sandbox.mischief import NO_REPORT, Call
from tests.unit.sandbox_kit import STUDENT, ask, running

if TYPE_CHECKING:
    from pipeline.sandbox.alma import Alma

PATH = "/shared/Library/Reports/fines"
REPORTS = "/analytics/reports"
HEADING = "{urn:saw-sql}columnHeading"


def of_sixty() -> Report:
    rows = tuple((str(number), None if number % 2 else "MAIN") for number in range(60))
    return Report((Heading("Fine Fee Id"), Heading("Owner & more")), rows)


def page(alma: Alma, **query: str) -> ET.Element:
    return ET.fromstring(ask(alma, "GET", REPORTS, **query).body)  # noqa: S314 - the box's own answer


def rows(page: ET.Element) -> list[dict[str, str | None]]:
    found = page.iter(f"{{{ROWSET}}}Row")
    return [{cell.tag.rpartition("}")[2]: cell.text for cell in row} for row in found]


def headings(page: ET.Element) -> list[str | None]:
    return [element.get(HEADING) for element in page.iter("{http://www.w3.org/2001/XMLSchema}element")]


def test_the_token_and_the_headings_stand_on_the_first_page_only_and_one_token_serves_all() -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = of_sixty()
        first = page(alma, accept="*/*", path=PATH, limit="25")
        token = first.findtext("QueryResult/ResumptionToken")
        assert token
        second, third = (page(alma, accept="*/*", token=token) for _ in range(2))
    assert headings(first) == ["0", "Fine Fee Id", "Owner & more"]
    assert [later.find("QueryResult/ResumptionToken") for later in (second, third)] == [None, None]
    assert [headings(later) for later in (second, third)] == [[], []]
    assert [one.findtext("QueryResult/IsFinished") for one in (first, second, third)] == ["false", "false", "true"]
    assert [row["Column1"] for one in (first, second, third) for row in rows(one)] == [str(n) for n in range(60)]


def test_an_empty_cell_is_left_out_and_the_dummy_column_is_always_there() -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = of_sixty()
        shown = rows(page(alma, accept="*/*", path=PATH))[:2]
    assert shown == [{"Column0": "0", "Column1": "0", "Column2": "MAIN"}, {"Column0": "0", "Column1": "1"}]


def test_a_report_of_one_page_has_no_token_and_an_empty_one_no_row() -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = Report((Heading("Fine Fee Id"),), ())
        empty = page(alma, accept="*/*", path=PATH)
    assert empty.findtext("QueryResult/IsFinished") == "true"
    assert empty.find("QueryResult/ResumptionToken") is None
    assert rows(empty) == []


@pytest.mark.parametrize(("limit", "size"), [("", 25), ("1", 25), ("30", 50), ("1000", 1000), ("9999", 1000)])
def test_rows_come_in_twenty_fives(limit: str, size: int) -> None:
    assert page_size(limit) == size


def test_two_readers_of_one_report_do_not_disturb_each_other() -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = of_sixty()
        tokens = [page(alma, accept="*/*", path=PATH).findtext("QueryResult/ResumptionToken") or "" for _ in range(2)]
        nexts = [rows(page(alma, accept="*/*", token=token))[0]["Column1"] for token in tokens]
    assert len(set(tokens)) == 2
    assert nexts == ["25", "25"]


def test_asked_for_json_the_page_comes_as_a_string_of_xml() -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = of_sixty()
        answer = ask(alma, "GET", REPORTS, path=PATH).json
    assert list(answer) == ["anies"]
    assert answer["anies"][0].startswith("<?xml")


@pytest.mark.parametrize(
    ("query", "code"),
    [({"path": "/users/mine"}, "500"), ({"token": "0"}, "402119"), ({"path": PATH, "filter": "x"}, "402119")],
)
def test_a_path_token_or_filter_that_leads_nowhere_is_refused(query: dict[str, str], code: str) -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = of_sixty()
        refused = ask(alma, "GET", REPORTS, **query)
    assert (refused.status, refused.code) == (400, code)


def test_headings_can_be_left_without_names() -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = of_sixty()
        assert headings(page(alma, accept="*/*", path=PATH, col_names="false")) == [None, None, None]


def test_a_report_of_active_fees_speaks_in_labels_and_knows_no_exported_ones() -> None:
    with running() as (alma, _):
        alma.world.exported(alma.world.add_fee(STUDENT, "OTHER", 100), "BURSAR")
        fee = alma.world.add_fee(STUDENT, "OVERDUEFINE", 1250)
        report = active_fees(alma.world)
    said = (fee.fee_id, "Overdue fine", "Active", "ana@box.example", "2026-03-02", "12.50", "-1", "12.50")
    assert report.rows == (said,)


def test_a_report_made_on_demand_stays_the_same_for_its_reader_while_the_world_goes_on() -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = lambda: active_fees(alma.world)
        for cents in range(101, 131):
            alma.world.add_fee(STUDENT, "OVERDUEFINE", cents)
        first = page(alma, accept="*/*", path=PATH)
        alma.world.add_fee(STUDENT, "OVERDUEFINE", 999)
        rest = page(alma, accept="*/*", token=first.findtext("QueryResult/ResumptionToken") or "")
        again = page(alma, accept="*/*", path=PATH, limit="1000")
    assert (len(rows(first)) + len(rows(rest)), len(rows(again))) == (30, 31)


def test_one_page_may_go_wrong_after_others_went_well() -> None:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = of_sixty()
        alma.mischiefs.order(NO_REPORT, call=Call.ANALYTICS, after=2)
        token = page(alma, accept="*/*", path=PATH).findtext("QueryResult/ResumptionToken") or ""
        answers = [ask(alma, "GET", REPORTS, accept="*/*", token=token) for _ in range(2)]
    assert [(one.status, b"<report>" in one.body) for one in answers] == [(200, True), (200, False)]
