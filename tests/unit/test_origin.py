"""A file given to a preview is of the source that its name fits, or else of the one that can read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pipeline.campus.sources import AlmaExport, AnalyticsReport, AsOf, Columns, ReportFile
from pipeline.cli.failures import UsageError
from pipeline.cli.origin import reader, sources_of
from tests.samples import sample_campus

if TYPE_CHECKING:
    from pathlib import Path

    from pipeline.campus.settings import Campus
    from pipeline.campus.sources import AnySource

XML = '<?xml version="1.0"?>\n<!-- x --><xb:xml-fragment xmlns:xb="u">'
ROWSET = '\ufeff<?xml version="1.0"?>\n<rowset:rowset xmlns:rowset="u">'
COLUMNS = {"fee_id": ["Fine Fee Id"], "patron_id": ["Id"], "fee_type": ["Type"], "original": ["Amount"]}


def columns(**said: list[str]) -> Columns:
    return Columns.model_validate({**COLUMNS, "date": ["Date"], **said})


def report(pattern: str, form: str = "csv", **said: Any) -> ReportFile:
    plain = {"kind": "report", "format": form, "lists": "new_since", "connection": "library", "pattern": pattern}
    return ReportFile.model_validate({**plain, "columns": columns(), "as_of": AsOf(lag_days=1), **said})


EXPORT = AlmaExport(kind="alma_export", connection="library", pattern="BURSAR_*.xml")
ANALYTICS = AnalyticsReport.model_validate(
    {"kind": "analytics", "lists": "new_since", "path": "/x", "columns": columns(), "as_of": {"lag_days": 1}}
)


def campus(**sources: AnySource) -> Campus:
    return sample_campus().campus.model_copy(update={"sources": sources})


def found(folder: Path, name: str, text: str, said: str = "", /, **sources: Any) -> str:
    path = folder / name
    path.write_text(text, "utf-8")
    return sources_of([path], campus(**sources), said)[0]


def test_the_only_source_there_is_takes_every_file(tmp_path: Path) -> None:
    assert found(tmp_path, "a.dat", "nonsense", alma=EXPORT) == "alma"
    assert found(tmp_path, "b.xml", XML, fines=report("*.csv")) == "fines"


def test_the_name_decides_first(tmp_path: Path) -> None:
    assert found(tmp_path, "new_1.csv", "x", new=report("new_*.csv"), open=report("open_*.csv")) == "new"


@pytest.mark.parametrize(
    ("text", "source"), [(XML, "alma"), (ROWSET, "rows"), ("Id,Type\n", "fines"), ("PK\x03\x04", "book"), ("", "fines")]
)
def test_a_file_of_another_name_is_told_by_what_it_is(tmp_path: Path, text: str, source: str) -> None:
    sources = {
        "alma": EXPORT,
        "fines": report("a*.csv"),
        "book": report("b*.xlsx", "xlsx"),
        "rows": report("c", "rowset"),
    }
    assert found(tmp_path, "whatever", text, **sources) == source


def test_an_answer_of_analytics_is_of_the_source_that_asks_it(tmp_path: Path) -> None:
    assert found(tmp_path, "page.xml", ROWSET, alma=EXPORT, asked=ANALYTICS) == "asked"


def test_of_two_reports_the_one_whose_headings_stand_there_takes_it(tmp_path: Path) -> None:
    open_now = report("*.csv", lists="open_now", columns=columns(remaining=["Left"]))
    sources = {"new": report("*.csv", columns=columns(date=["Made on"])), "open": open_now}
    text = "Fines\n\nleft, amount ,Type,Id,Date,FINE  FEE ID\n"
    assert found(tmp_path, "x.csv", text.replace(" amount ", "amount"), **sources) == "open"


def test_what_could_be_of_two_sources_is_for_a_person_to_say(tmp_path: Path) -> None:
    sources = {"one": report("*.csv"), "two": report("*.csv")}
    with pytest.raises(UsageError, match="one or two; say which with --source"):
        found(tmp_path, "x.csv", "Fine Fee Id,Id,Type,Amount,Date\n", **sources)
    assert found(tmp_path, "x.csv", "", "two", **sources) == "two"


def test_a_source_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no such source; the campus has alma"):
        found(tmp_path, "x", "", "almo", alma=EXPORT)


def test_what_no_source_can_read_is_left_to_a_reader_that_says_why(tmp_path: Path) -> None:
    assert found(tmp_path, "x.pdf", "%PDF", alma=EXPORT, book=report("b*.xlsx", "xlsx")) == "alma"


def test_every_source_has_its_reader() -> None:
    assert [reader(one) for one in (EXPORT, report("*"), ANALYTICS)] == ["alma_export", "report", "report"]
