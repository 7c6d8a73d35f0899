from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast
from xml.etree import ElementTree as ET

import pytest

from pipeline.files import AlreadyThereError
from pipeline.sandbox.export_job import NAMESPACE, ExportJob, Loaded
from pipeline.sandbox.records import Switches, User
from pipeline.stages.arrival_counts import Counters, counters
from tests.unit.sandbox_kit import STUDENT, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pipeline.sandbox.alma import Alma
    from pipeline.sandbox.records import Exported

JOB = ExportJob("BURSAR_EXPORT", "15216075870006761", "1694532126")
ORDER = [
    *("fineFeeComment", "fineFeeType", "owneredEntity", "lastTransactionDate", "itemTitle", "itemCallNumebr"),
    *("itemLibrary", "itemLocation", "itemInternalLocation", "itemDueDate", "itemBarcode", "compositeSum"),
    "bursarTransactionId",
]


def with_fees(alma: Alma) -> None:
    world = alma.world
    world.add_fee(STUDENT, "OVERDUEFINE", 12345, owner="RTC", title="Ecology <&> saguaro /", barcode="0039080036507785")
    world.add_fee(STUDENT, "OTHER", 50)
    world.add_fee(STUDENT, "CREDIT", -325, comment="item returned")
    world.add_fee(world.add_user(User("guest@box.example", (), "Gast", "Müller")), "OTHER", 300)


def local(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def fees(path: Path) -> Iterator[ET.Element]:
    return ET.parse(path).iter(f"{{{NAMESPACE}}}userFineFee")  # noqa: S314 - the box's own file


def test_the_export_file_has_the_published_shape(tmp_path: Path) -> None:
    with running() as (alma, _):
        with_fees(alma)
        path = alma.export(JOB, tmp_path)
    root = ET.parse(path).getroot()  # noqa: S314 - the box's own file
    first, second, credit = fees(path)
    assert path.name == "BURSAR_EXPORT-15216075870006761-1694532126.xml"
    assert (local(root), [local(child) for child in root]) == ("xml-fragment", ["userExportedFineFees"] * 2)
    assert [local(child) for child in root[0]] == ["exportNumber"]
    assert [local(child) for child in first] == ORDER
    assert [local(child) for child in second] == [
        name for name in ORDER if not name.startswith("item") or name == "itemTitle"
    ]
    assert [fee.findtext(f".//{{{NAMESPACE}}}sum") for fee in (first, second, credit)] == ["123.45", "0.5", "-3.25"]
    assert first.findtext(f"{{{NAMESPACE}}}itemTitle") == "Ecology <&> saguaro /"
    assert first.findtext(f"{{{NAMESPACE}}}lastTransactionDate") == "03/02/2026 03:00:00"


@pytest.mark.parametrize(
    ("id_type", "value", "institution"), [("02", "001234567", "6761"), ("userName", STUDENT.primary_id, "null")]
)
def test_the_match_id_type_says_who_is_exported_and_how(
    tmp_path: Path, id_type: str, value: str, institution: str
) -> None:
    job = ExportJob("P", "1", "2", id_type)
    with running() as (alma, _):
        with_fees(alma)
        root = ET.parse(alma.export(job, tmp_path)).getroot()  # noqa: S314 - the box's own file
    user = root.find(f".//{{{NAMESPACE}}}user")
    assert user is not None
    assert [text.strip() for text in user.itertext()] == [id_type, value, institution]
    assert ("guest@box.example" in list(root.itertext())) == (id_type == "userName")


@pytest.mark.parametrize(
    ("exported", "status", "balance"),
    [("closed", "CLOSED", 0), ("transferred_payable", "EXPORTED", 12345), ("transferred_unpayable", "EXPORTED", 12345)],
)
def test_the_export_itself_changes_the_fees_and_finds_nothing_the_second_time(
    tmp_path: Path, exported: str, status: str, balance: int
) -> None:
    with running(Switches(exported=cast("Exported", exported))) as (alma, _):
        with_fees(alma)
        written = list(fees(alma.export(JOB, tmp_path)))
        again = list(fees(alma.export(ExportJob("BURSAR_EXPORT", "2", "3"), tmp_path)))
        known = {fee.bursar_id: fee for fee in alma.world.fees.values() if fee.bursar_id}
    assert (len(written), len(again)) == (3, 0)
    assert {fee.findtext(f"{{{NAMESPACE}}}bursarTransactionId") for fee in written} == set(known)
    assert all(fee.status == status and fee.bursar_id != fee.fee_id for fee in known.values())
    assert max(fee.balance_cents for fee in known.values()) == balance


def test_a_disputed_fee_is_not_exported_and_no_file_is_overwritten(tmp_path: Path) -> None:
    with running() as (alma, _):
        alma.world.dispute(alma.world.add_fee(STUDENT, "OTHER", 100))
        assert list(fees(alma.export(JOB, tmp_path))) == []
        with pytest.raises(AlreadyThereError):
            alma.export(JOB, tmp_path)


def test_an_alma_loaded_from_an_export_agrees_with_the_alma_that_wrote_it(tmp_path: Path) -> None:
    with running() as (writer, _), running() as (reader, _):
        with_fees(writer)
        path = writer.export(JOB, tmp_path)
        first, again = reader.load_from_export(path), reader.load_from_export(path)
        told = [
            sorted(
                (fee.bursar_id, fee.kind, fee.balance_cents, fee.status, fee.creation_time, fee.barcode, fee.owner)
                for fee in alma.world.fees.values()
                if fee.bursar_id
            )
            for alma in (writer, reader)
        ]
        assert (first, again) == (Loaded(3, 0, 0), Loaded(0, 3, 0))
        assert told[0] == told[1]
        assert {fee.primary_id for fee in reader.world.fees.values()} == {STUDENT.primary_id}


def test_loading_leaves_out_what_no_alma_could_have_exported_and_makes_the_patrons(tmp_path: Path) -> None:
    def fee(sum_: str, currency: str, number: str) -> str:
        return (
            f"<xb:userFineFee><xb:fineFeeType>OTHER</xb:fineFeeType><xb:lastTransactionDate>soon</xb:lastTransactionDate>"
            f"<xb:compositeSum><xb:currency>{currency}</xb:currency><xb:sum>{sum_}</xb:sum></xb:compositeSum>"
            f"<xb:bursarTransactionId>{number}</xb:bursarTransactionId></xb:userFineFee>"
        )

    path = tmp_path / "export.xml"
    rows = fee("5", "USD", "1") + fee("5", "USD", "1") + fee("6", "USD", "1") + fee("0", "USD", "2")
    rows += fee("5", "EUR", "3") + fee("five", "USD", "4")
    path.write_text(
        f'<xb:xml-fragment xmlns:xb="{NAMESPACE}"><xb:userExportedFineFees><xb:userExportedList>'
        "<xb:userExportedFineFeesList><xb:user><xb:type>02</xb:type><xb:value>900</xb:value></xb:user>"
        f"<xb:patronName>Smith, Josh</xb:patronName><xb:finefeeList>{rows}</xb:finefeeList>"
        "</xb:userExportedFineFeesList></xb:userExportedList></xb:userExportedFineFees></xb:xml-fragment>"
    )
    with running() as (alma, _):
        loaded = alma.load_from_export(path)
        josh = alma.world.find_user("900", "02")
        assert loaded == Loaded(2, 1, 3)
        assert josh == User("02-900@box.example", (("02", "900"),), "Josh", "Smith")
        assert [fee.bursar_id for fee in alma.world.fees_of(josh, "EXPORTED")] == ["1", "1"]


def test_a_job_that_is_asked_to_says_how_many_fees_and_patrons_it_exported(tmp_path: Path) -> None:
    with running() as (alma, _):
        with_fees(alma)
        path = alma.export(replace(JOB, counters="job.json"), tmp_path)
    assert counters(tmp_path / "job.json") == Counters(JOB.job_id, len(list(fees(path))), 1, "COMPLETED_SUCCESS")
