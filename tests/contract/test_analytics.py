"""The Analytics of the box, asked by the product's own place through a whole look at a feed: all of it or nothing."""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import date
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import pytest

from pipeline.adapters.alma import AlmaSettings
from pipeline.adapters.analytics import AnalyticsPlace, SavedReport
from pipeline.adapters.pace import Pace
from pipeline.campus.sources import AnalyticsReport, AsOf, Columns
from pipeline.money import Tally
from pipeline.readers import report, report_count
from pipeline.sandbox.analytics import ROWSET, active_fees
from pipeline.sandbox.mischief import (
    CUT_ANSWER,
    GENERAL_ERROR,
    HTML_PAGE,
    NO_REPORT,
    SERVER_ERROR,
    TIMEOUT,
    TOO_MANY,
    Call,
    Mischief,
)
from pipeline.stages.feed import Feed
from pipeline.stages.retry import WAITS_S
from pipeline.tables import tally
from tests.fakes.clock import FakeClock
from tests.unit.fetch_kit import Desk, codes, names
from tests.unit.sandbox_kit import KEY, STUDENT, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.ports.outside import Clock
    from pipeline.sandbox.alma import Alma

PATH = "/shared/Library & more/Reports/Open fees"
FEED = Feed("charges", "fines", "fines_*.xml", quiet_s=0, same_name="news")
SOURCE = AnalyticsReport(
    kind="analytics",
    path=PATH,
    lists="open_now",
    patron_id_type="01",
    as_of=AsOf(lag_days=1),
    columns=Columns(
        fee_id=("Fine Fee Id",),
        patron_id=("Primary Identifier",),
        fee_type=("Fine Fee Type",),
        original=("Original Amount",),
        remaining=("Remaining Amount",),
        date=("Fine Fee Creation Date",),
        barcode=("Barcode",),
    ),
)
WRONG = (TIMEOUT, TOO_MANY, GENERAL_ERROR, HTML_PAGE, NO_REPORT, SERVER_ERROR, CUT_ANSWER)


def place(alma: Alma, clock: Clock, *, path: str = PATH, key: str = KEY, day: int = 2) -> AnalyticsPlace:
    saved = SavedReport("fines", path, limit=25)
    return AnalyticsPlace(AlmaSettings(alma.url, key), Pace(25, clock), saved, date(2026, 3, day), clock)


class Night(Desk):
    """A desk whose feed is the report of the box; every look asks anew."""

    def __init__(self, archive: Path, alma: Alma) -> None:
        super().__init__(archive, FEED)
        self.alma = alma

    def ask(self, **more: int | str) -> tuple[list[str], list[str]]:
        """Look once; give the names that are new, and what was found."""
        with closing(place(self.alma, self.clock, **more)) as here:  # type: ignore[arg-type]
            self.place = here
            got = self.look()
        return names(got.new), codes(got)


@contextmanager
def report_of(fees: int, archive: Path) -> Iterator[Night]:
    with running() as (alma, _):
        alma.analytics.reports[PATH] = lambda: active_fees(alma.world)
        for cents in range(101, 101 + fees):
            alma.world.add_fee(STUDENT, "OVERDUEFINE", cents, creation_time="2026-02-01T10:00:00.000Z")
        yield Night(archive, alma)


def rows(whole: bytes) -> int:
    return len(list(ET.fromstring(whole).iter(f"{{{ROWSET}}}Row")))  # noqa: S314 - the box's own answer


def test_a_report_of_four_pages_comes_home_as_one_file_and_the_same_one_counts_once_a_day(tmp_path: Path) -> None:
    with report_of(80, tmp_path) as night:
        assert night.ask() == (["fines_20260302.xml"], [])
        assert [rows(path.read_bytes()) for path in tmp_path.glob("in/*/*/*")] == [80]
        assert night.ask() == ([], ["FETCH-AGAIN"])
        night.alma.world.add_fee(STUDENT, "OVERDUEFINE", 999)
        assert night.ask() == (["fines_20260302.xml"], []), "other content under the name of the day is news"
        assert night.ask(day=3) == ([], ["FETCH-AGAIN"])
    assert len(night.kept()) == 2


def test_a_report_without_rows_is_a_report(tmp_path: Path) -> None:
    with report_of(0, tmp_path) as night:
        assert night.ask() == (["fines_20260302.xml"], [])
        assert [rows(path.read_bytes()) for path in tmp_path.glob("in/*/*/*")] == [0]


@pytest.mark.parametrize("wrong", WRONG, ids=[one.answer.value for one in WRONG])
def test_a_third_page_that_fails_for_good_changes_nothing(tmp_path: Path, wrong: Mischief) -> None:
    with report_of(80, tmp_path) as night:
        for _ in range(len(WAITS_S) + 1):
            night.alma.mischiefs.order(wrong, call=Call.ANALYTICS, after=2)
        assert night.ask() == ([], ["FETCH-BUSY"])
        assert (night.kept(), night.book.rows) == ([], {})
        assert night.ask() == (["fines_20260302.xml"], [])


@pytest.mark.parametrize("wrong", WRONG, ids=[one.answer.value for one in WRONG])
def test_a_third_page_that_fails_once_is_got_over_by_asking_for_all_of_it_again(
    tmp_path: Path, wrong: Mischief
) -> None:
    with report_of(80, tmp_path) as night:
        night.alma.mischiefs.order(wrong, call=Call.ANALYTICS, after=2)
        assert night.ask() == (["fines_20260302.xml"], [])
        assert [rows(path.read_bytes()) for path in tmp_path.glob("in/*/*/*")] == [80]
        assert [entry.call for entry in night.alma.journal] == [Call.ANALYTICS] * 7


@pytest.mark.parametrize("wrong", [{"path": "/users/mine"}, {"key": "OTHER"}])
def test_a_report_that_is_not_shared_or_a_wrong_key_is_told_at_once(tmp_path: Path, wrong: dict[str, str]) -> None:
    with report_of(3, tmp_path) as night:
        assert night.ask(**wrong) == ([], ["FETCH-REFUSED"])
        assert len(night.alma.journal) == 1, "nobody asks again"


def test_what_came_home_is_read_and_counted_as_the_report_that_it_is(tmp_path: Path) -> None:
    with report_of(80, tmp_path) as night:
        night.ask()
        owed = [fee.balance_cents for fee in night.alma.world.fees.values()]
    (path,) = tmp_path.glob("in/*/*/*")
    read = report.read(path, source="fines", report=SOURCE, file_sha="f" * 64, came_on="2026-03-02", currency="USD")
    assert (sorted(read.rows["amount_cents"]), read.as_of) == (sorted(owed), "2026-03-01")
    assert set(read.rows["unreadable"]) == {""}
    assert report_count.count(path, SOURCE) == Tally(80, sum(owed)) == tally(read.rows)


def test_a_place_asks_nothing_before_it_is_looked_at() -> None:
    with running() as (alma, _):
        place(alma, FakeClock()).close()
        assert alma.journal == []
