"""Asking Analytics for a report: whole or not at all, as one file, whatever the other side answers."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from datetime import date
from http.server import ThreadingHTTPServer
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from pipeline.adapters.alma import AlmaSettings
from pipeline.adapters.analytics import AnalyticsPlace, Bounds, SavedReport
from pipeline.adapters.analytics_page import page_of
from pipeline.adapters.pace import SLACK, Pace
from pipeline.adapters.places import Missing
from pipeline.ports.outside import Busy, Refused
from tests.fakes.clock import FakeClock
from tests.fakes.loopback import Server, errors, handler, xml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DAY = date(2026, 3, 2)
NAME = "fines_20260302.xml"
REPORT = SavedReport("fines", "/shared/A & B/Fines 100%", filter='<sawx:expr op="equal"/>', limit=50)
XML = "application/xml;charset=UTF-8"
ROWSET = "urn:schemas-microsoft-com:xml-analysis:rowset"
DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'


def page(*fees: str, token: str = "", finished: str = "true", declared: str = DECLARED, title: str = "") -> bytes:
    """Write one page of a report in the shape of the published examples."""
    shown = f"<ResumptionToken>{token}</ResumptionToken>" if token else ""
    rows = "".join(f"<Row><Column0>0</Column0><Column1>{fee}</Column1>{title}</Row>" for fee in fees)
    return (
        f"{declared}<report><QueryResult>{shown}<IsFinished>{finished}</IsFinished><ResultXml>"
        f'<rowset xmlns="{ROWSET}">{rows}</rowset></ResultXml></QueryResult></report>'
    ).encode()


class Desk:
    """A loopback Analytics, and places that ask it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.clock = FakeClock()
        self.places: list[AnalyticsPlace] = []

    def place(self, report: SavedReport = REPORT, bounds: Bounds | None = None, **more: object) -> AnalyticsPlace:
        settings = AlmaSettings(f"http://127.0.0.1:{self.server.port}", "SECRET", **more)  # type: ignore[arg-type]
        self.places.append(AnalyticsPlace(settings, Pace(5, self.clock), report, DAY, self.clock, bounds))
        return self.places[-1]

    def say(self, *pages: bytes, kind: str = XML) -> None:
        for one in pages:
            self.server.say(200, one, Content_Type=kind)

    def queries(self) -> list[dict[str, list[str]]]:
        return [parse_qs(urlsplit(path).query) for _, path, _ in self.server.asked]


@contextmanager
def listening() -> Iterator[Desk]:
    server = Server()
    http = ThreadingHTTPServer(("127.0.0.1", 0), handler(server))
    server.port = http.server_port
    thread = threading.Thread(target=http.serve_forever, args=(0.01,))
    thread.start()
    desk = Desk(server)
    try:
        yield desk
    finally:
        for place in desk.places:
            place.close()
        server.release.set()
        http.shutdown()
        http.server_close()
        thread.join()


@pytest.fixture
def desk() -> Iterator[Desk]:
    with listening() as one:
        yield one


def three() -> tuple[bytes, bytes, bytes]:
    return page("1", token="T K", finished="false"), page("2", finished="false"), page("3")


def test_the_path_is_said_once_and_the_same_token_after_it_until_the_last_page(desk: Desk) -> None:
    desk.say(*three())
    place = desk.place()
    (listed,) = place.list()
    assert (listed.name, listed.modified) == (NAME, desk.clock.now().timestamp())
    assert desk.queries() == [
        {"path": [REPORT.path], "filter": [REPORT.filter], "limit": ["50"]},
        {"token": ["T K"], "limit": ["50"]},
        {"token": ["T K"], "limit": ["50"]},
    ]
    assert all("+" not in path and "SECRET" not in path for _, path, _ in desk.server.asked)
    assert {asked["Authorization"] for _, _, asked in desk.server.asked} == {"apikey SECRET"}


def test_the_one_file_holds_every_report_element_as_it_was_received_in_order(desk: Desk, tmp_path: Path) -> None:
    desk.say(*three())
    place = desk.place()
    whole = place.read(NAME)
    stripped = [one.removeprefix(DECLARED.encode()).replace(b"T K", b"") for one in three()]
    assert whole == b"<pages>\n" + b"\n".join(stripped) + b"\n</pages>\n"
    assert [cell.text for cell in ET.fromstring(whole).iter(f"{{{ROWSET}}}Column1")] == ["1", "2", "3"]  # noqa: S314
    assert place.size(NAME) == place.fetch(NAME, tmp_path / "copy") == len(whole)
    assert (tmp_path / "copy").read_bytes() == whole
    assert len(desk.server.asked) == 3, "the report is asked for once"


def test_the_same_report_has_the_same_bytes_whatever_the_token_of_the_day(desk: Desk) -> None:
    desk.say(page("1", token="A", finished="false"), page("2"), page("1", token="\nB ", finished="false"), page("2"))
    assert desk.place().read(NAME) == desk.place().read(NAME)
    assert desk.queries()[3]["token"] == ["B"]


def test_without_a_filter_none_is_sent_and_calls_keep_their_distance(desk: Desk) -> None:
    desk.say(*three())
    desk.place(SavedReport("fines", "/shared/x")).list()
    assert desk.queries()[0] == {"path": ["/shared/x"], "limit": ["1000"]}
    assert desk.clock.slept == pytest.approx([0.2 * SLACK] * 2)


@pytest.mark.parametrize(
    "third",
    [
        page("3")[:-20],
        page("3").replace(b"<rowset", b"<rows").replace(b"</rowset", b"</rows"),
        page("3", finished="perhaps"),
        page("3").replace(b"<IsFinished>true</IsFinished>", b""),
        page("3").replace(b"report>", b"other>"),
        page("3", declared='<?xml version="1.0" encoding="ISO-8859-1"?>'),
        page("3").decode().encode("utf-16"),
        page("3", declared="<!DOCTYPE report>"),
        page("3", declared="<x>" * 70),
        page("3", title="<b>" * 70),
        page("3") + b"<report/>",
        page("2", finished="false"),
        b"",
        b"<html>report</html>",
        xml("402119"),
    ],
)
def test_a_third_page_that_is_no_whole_page_leaves_nothing_on_offer(desk: Desk, third: bytes) -> None:
    desk.say(*three()[:2], third)
    place = desk.place()
    with pytest.raises(Busy) as busy:
        place.list()
    assert "SECRET" not in str(busy.value)
    desk.say(*three())
    assert len(place.list()) == 1, "asked again, the report is fetched from its first page"
    assert "path" in desk.queries()[3]


@pytest.mark.parametrize(
    ("status", "body"), [(500, b"oops"), (503, xml("X")), (400, xml("402119")), (302, b""), (429, xml("PER_SECOND"))]
)
def test_a_refusal_of_the_moment_is_busy(desk: Desk, status: int, body: bytes) -> None:
    desk.say(three()[0])
    desk.server.say(status, body, Content_Type=XML)
    with pytest.raises(Busy):
        desk.place().list()


@pytest.mark.parametrize("how", ["cut", "silent"])
def test_an_answer_that_breaks_off_is_busy(desk: Desk, how: str) -> None:
    desk.server.say(200, page("1"), how, Content_Type=XML)
    with pytest.raises(Busy, match="did not come whole"):
        desk.place().list()


def test_a_time_out_is_busy(desk: Desk) -> None:
    desk.server.say(200, page("1"), "slow", Content_Type=XML)
    with pytest.raises(Busy, match="did not come whole"):
        desk.place(read_s=0.05).list()


@pytest.mark.parametrize("kind", ["text/html", "application/json", ""])
def test_another_type_of_content_is_not_believed(desk: Desk, kind: str) -> None:
    desk.say(page("1"), kind=kind)
    with pytest.raises(Busy, match="instead of XML"):
        desk.place().list()


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_not_let_in_is_refused_for_all(desk: Desk, status: int) -> None:
    desk.server.say(status, xml("INVALID_API_KEY"), Content_Type=XML)
    with pytest.raises(Refused) as refused:
        desk.place().list()
    assert refused.value.scope == "system"


@pytest.mark.parametrize("status", [200, 400, 500])
@pytest.mark.parametrize("gateway", [False, True])
def test_a_report_in_no_shared_folder_is_refused_and_the_folder_is_named(
    desk: Desk, status: int, *, gateway: bool
) -> None:
    said = "access denied for user to path X - make sure the report is saved in a shared folder."
    desk.server.say(status, xml("500", said) if gateway else errors("500", message=said), Content_Type=XML)
    with pytest.raises(Refused, match="shared folder") as refused:
        desk.place().list()
    assert (refused.value.scope, refused.value.code) == ("system", "500")


def test_a_title_that_speaks_of_shared_folders_is_a_title(desk: Desk) -> None:
    desk.say(page("1", title="<Column2>Access denied: the shared folder</Column2>"))
    assert len(desk.place().list()) == 1


def test_more_is_announced_and_no_token_given(desk: Desk) -> None:
    desk.say(page("1", finished="false"))
    with pytest.raises(Busy, match="how to ask"):
        desk.place().list()


def test_pages_without_end_are_cut(desk: Desk) -> None:
    desk.say(page("0", token="T", finished="false"), *(page(str(n), finished="false") for n in range(1, 9)))
    with pytest.raises(Refused, match="more than 4 pages") as refused:
        desk.place(bounds=Bounds(pages=4)).list()
    assert (refused.value.scope, len(desk.server.asked)) == ("system", 4)


def test_empty_pages_may_come_while_analytics_is_still_at_it(desk: Desk) -> None:
    empty = page(finished="false")
    desk.say(page(token="T", finished="false"), empty, empty, page("1"))
    assert len(desk.place().list()) == 1


@pytest.mark.parametrize("bounds", [Bounds(page_bytes=300), Bounds(all_bytes=300)])
def test_more_bytes_than_any_report_has_are_refused(desk: Desk, bounds: Bounds) -> None:
    desk.say(page(*map(str, range(20))))
    with pytest.raises(Refused, match="more than 300 bytes") as refused:
        desk.place(bounds=bounds).list()
    assert refused.value.scope == "system"


def test_the_requests_that_are_left_to_others_are_left(desk: Desk) -> None:
    desk.server.say(200, three()[0], Content_Type=XML, X_Exl_Api_Remaining="99")
    with pytest.raises(Refused, match="only 99 requests"):
        desk.place(reserve=100).list()
    desk.server.say(200, page("1"), Content_Type=XML, X_Exl_Api_Remaining="99")
    assert len(desk.place(reserve=100).list()) == 1, "what has come is used"


def test_an_address_without_encryption_is_refused_before_anything_is_sent() -> None:
    clock = FakeClock()
    place = AnalyticsPlace(AlmaSettings("http://alma.example.edu", "K"), Pace(5, clock), REPORT, DAY, clock)
    with pytest.raises(Refused, match="https"):
        place.list()


def test_nothing_can_be_written_moved_or_removed_there(desk: Desk, tmp_path: Path) -> None:
    place = desk.place()
    with pytest.raises(Refused, match="only read"):
        place.write_new("x", tmp_path / "x")
    with pytest.raises(Refused, match="only read"):
        place.rename(NAME, "done/x")
    with pytest.raises(Refused, match="only read"):
        place.remove(NAME)
    assert desk.server.asked == []


def test_another_name_is_not_there_and_a_closed_place_has_forgotten(desk: Desk) -> None:
    desk.say(page("1"), page("1"))
    place = desk.place()
    place.list()
    assert place.size("other.xml") is None
    with pytest.raises(Missing):
        place.read("other.xml")
    place.close()
    place.list()
    assert len(desk.server.asked) == 2


def test_a_byte_order_mark_and_what_stands_around_the_report_are_left_out() -> None:
    body = (
        b"\xef\xbb\xbf<?xml version='1.0' encoding='utf-8'?>\n<!-- one -->\n" + page("1", declared="") + b"\n<!--x-->"
    )
    assert page_of(body).report == page("1", declared="")
    empty = page("1", declared="").replace(b"<QueryResult>", b"<QueryResult><ResumptionToken/>")
    assert (page_of(empty).report, page_of(empty).token) == (empty, "")


def test_cut_anywhere_a_page_is_no_page() -> None:
    whole = page("1", "2", token="T", finished="false")
    for length in range(len(whole)):
        with pytest.raises(Busy):
            page_of(whole[:length])
