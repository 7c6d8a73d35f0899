"""What the reader makes of an Alma bursar export, fee by fee."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pipeline.readers import alma_count, alma_export
from tests.unit.alma_kit import (
    ITEM,
    NAMESPACE,
    data,
    export,
    fee,
    header,
    patron,
    read,
    read_text,
    root,
    tallies,
    written,
)

SAMPLES = Path(os.environ.get("BURSAR_SAMPLES") or Path(__file__).parents[3] / "shared" / "samples") / "alma"
NO_ITEM = {**dict.fromkeys(ITEM, "-"), "itemTitle": ""}


def one(folder: Path, text: str) -> dict[str, object]:
    """Read an export that must have exactly one fee."""
    fees = read_text(folder, text)
    assert len(fees) == 1
    return dict(fees.iloc[0])


def test_a_fee_is_read_as_it_is_written(tmp_path: Path) -> None:
    found = one(tmp_path, export(fee()))
    assert {name: found[name] for name in found if name != "file_sha"} == {
        "source": "alma",
        "line": 18,
        "export_number": "198136520006761",
        "patron_id_type": "02",
        "patron_id": "001234567",
        "fee_id": "15216075630006761",
        "fee_type": "OVERDUEFINE",
        "owner": "MAIN",
        "fee_time": "09/12/2025 15:22:06",
        "currency": "USD",
        "amount_text": "12.5",
        "amount_cents": 1250,
        "vat_text": "",
        "barcode": "039080036507785",
        "title": "",
        "title_hash": "",
        "user_group": "",
        "lists": "export",
        "as_of": "",
        "original_cents": 1250,
        "continues": "",
        "comment": "",
        "patron_name": "",
        "unreadable": "",
    }


def test_a_fee_without_an_item_owned_by_the_institution_is_a_fee(tmp_path: Path) -> None:
    found = one(tmp_path, export(fee(**NO_ITEM, libraryId="-", libraryCode="-", fineFeeComment="")))
    assert (found["owner"], found["barcode"], found["unreadable"]) == ("6761", "", "")


def test_the_owner_is_the_fees_and_not_the_patrons(tmp_path: Path) -> None:
    assert one(tmp_path, export(fee(InstitutionId="-", libraryId="-", libraryCode="-")))["owner"] == ""
    assert one(tmp_path, export(fee(InstitutionId="null", libraryCode="-")))["owner"] == ""


@pytest.mark.parametrize(
    ("text", "cents"),
    [("300", 30000), ("0.82", 82), ("0.5", 50), ("65", 6500), ("-3.25", -325), ("-3", -300), ("0", 0), (" 7 ", 700)],
)
def test_an_amount_without_its_zeros_is_whole_cents(tmp_path: Path, text: str, cents: int) -> None:
    found = one(tmp_path, export(fee(sum=text)))
    assert (found["amount_text"], found["amount_cents"], found["unreadable"]) == (text.strip(), cents, "")


@pytest.mark.parametrize("text", ["12,34", "1.234", "1e2", "NaN", "", "\u0661\u0662", "+5", "1 0", "1234567890", ".5"])
def test_what_is_not_whole_cents_is_worth_nothing_and_unreadable(tmp_path: Path, text: str) -> None:
    found = one(tmp_path, export(fee(sum=text)))
    assert (found["amount_text"], found["amount_cents"]) == (text, 0)
    assert str(found["unreadable"]).startswith("sum is")


def test_a_credit_is_a_negative_row(tmp_path: Path) -> None:
    found = one(tmp_path, export(fee(fineFeeType="CREDIT", sum="-100")))
    assert (found["fee_type"], found["amount_cents"], found["unreadable"]) == ("CREDIT", -10000, "")


@pytest.mark.parametrize("time", ["02/23/2022 11:44:33 EST", "03/11/2013 10:16:12 IST", "09/12/2023 15:22:06"])
def test_a_date_is_kept_as_it_is_written(tmp_path: Path, time: str) -> None:
    assert one(tmp_path, export(fee(lastTransactionDate=time)))["fee_time"] == time


def test_ids_are_text_with_their_zeros(tmp_path: Path) -> None:
    text = root(header(), data(patron(fee(bursarTransactionId="INST00019145", itemBarcode="00042"), value="09876")))
    found = one(tmp_path, text)
    assert (found["patron_id"], found["fee_id"], found["barcode"]) == ("09876", "INST00019145", "00042")


def test_blanks_and_line_breaks_around_a_value_are_not_part_of_it(tmp_path: Path) -> None:
    found = one(tmp_path, export(fee(bursarTransactionId="\n\t 77 \n", fineFeeType=" OTHER ")))
    assert (found["fee_id"], found["fee_type"], found["unreadable"]) == ("77", "OTHER", "")


@pytest.mark.parametrize("name", ["itemCallNumebr", "itemCallNumber"])
def test_the_call_number_may_be_spelt_both_ways(tmp_path: Path, name: str) -> None:
    summary = alma_export.Summary()
    path = written(tmp_path, export(fee(**{"itemCallNumebr": "-", name: "QK 1"})))
    assert list(read(path, summary=summary)["unreadable"]) == [""]
    assert summary.unknown == {}


def test_several_lists_and_siblings_and_a_patron_twice_are_all_read(tmp_path: Path) -> None:
    lists = [data(patron(fee(bursarTransactionId=str(number)), value=who)) for number, who in enumerate("abca")]
    fees = read_text(tmp_path, root(header(), *lists))
    assert list(fees["patron_id"]) == ["a", "b", "c", "a"]
    assert list(fees["fee_id"]) == ["0", "1", "2", "3"]
    assert list(fees["unreadable"]) == [""] * 4


def test_the_same_transaction_id_five_times_is_five_rows(tmp_path: Path) -> None:
    fees = read_text(tmp_path, export(*[fee(sum=str(each)) for each in range(5)]))
    assert list(fees["fee_id"]) == ["15216075630006761"] * 5
    assert fees["amount_cents"].sum() == 1000


@pytest.mark.parametrize("parts", [[data(patron(fee())), header("77")], [header("77"), data(patron(fee()))]])
def test_the_number_of_the_export_may_stand_behind_its_data(tmp_path: Path, parts: list[str]) -> None:
    assert one(tmp_path, root(*parts))["export_number"] == "77"


def test_the_number_is_the_same_in_every_part_of_a_large_export_that_says_it_last(tmp_path: Path) -> None:
    many = data(*[patron(*[fee()] * 50) for _ in range(60)])
    path = written(tmp_path, root(many, header("77")))
    limits = alma_export.Limits()
    frames = list(alma_export.read(path, source="alma", file_sha="a" * 64, limits=limits, chunk=500))
    assert len(frames) > 2
    assert {number for frame in frames for number in frame["export_number"]} == {"77"}
    assert sum(map(len, frames)) == 3000


def test_an_export_without_number_or_without_fees_is_an_export(tmp_path: Path) -> None:
    assert one(tmp_path, root(data(patron(fee()))))["export_number"] == ""
    summary = alma_export.Summary()
    assert len(read_text(tmp_path, root(header("5"), data()), summary=summary)) == 0
    assert (summary.export_number, summary.fees) == ("5", 0)


def test_free_text_is_read_only_where_the_campus_keeps_it(tmp_path: Path) -> None:
    path = written(tmp_path, export(fee(fineFeeComment="returned late"), fee(itemTitle="Caf\u00e9 &amp; salt")))
    kept = read(path, keep=frozenset({"title", "comment", "patron_name"}))
    assert list(kept["title"]) == ["Glaciers of the north /", "Caf\u00e9 & salt"]
    assert list(kept["comment"]) == ["returned late", ""]
    assert list(kept["patron_name"]) == ["Nobody, Nora"] * 2
    dropped = read(path)
    assert set(dropped["title"]) | set(dropped["comment"]) | set(dropped["patron_name"]) == {""}


UNREADABLE = [
    (fee(bursarTransactionId="-"), "bursarTransactionId is missing"),
    (fee(bursarTransactionId=None), "bursarTransactionId is missing"),
    (fee(bursarTransactionId="null"), "bursarTransactionId is the word null"),
    (fee(bursarTransactionId="12 34"), "bursarTransactionId has blanks or invisible signs inside"),
    (fee(bursarTransactionId="12\u200e34"), "bursarTransactionId has blanks or invisible signs inside"),
    (fee(bursarTransactionId="12\u008534"), "bursarTransactionId has blanks or invisible signs inside"),
    (fee(fineFeeType="-"), "fineFeeType is missing"),
    (fee(currency="-"), "currency is missing"),
    (fee(sum=None), "sum is missing"),
    (fee(money=" "), "currency is missing; sum is missing"),
    (fee(more="<xb:bursarTransactionId>2</xb:bursarTransactionId>"), "bursarTransactionId stands there twice"),
    (fee(more="<xb:sum>5</xb:sum>"), "sum stands in the wrong place"),
    (fee(more="<xb:compositeSum><xb:sum>5</xb:sum></xb:compositeSum>"), "compositeSum stands there twice"),
    (fee(more="<xb:owneredEntity/>"), "owneredEntity stands there twice"),
    (fee(more="<xb:was><xb:sum>5</xb:sum></xb:was>"), "sum stands in the wrong place"),
    (fee(sum="5</xb:sum><xb:sum>5"), "sum stands there twice"),
    (fee(sum="5<xb:more/>"), "sum has elements inside"),
    (fee(fineFeeType="A<xb:more>B</xb:more>C"), "fineFeeType has elements inside"),
    (fee(more=fee()), "its sum cannot be told: one fee stands inside another"),
    (
        "<xb:userFineFee/>",
        "bursarTransactionId is missing; fineFeeType is missing; currency is missing; sum is missing",
    ),
]


@pytest.mark.parametrize(
    ("text", "why"), UNREADABLE, ids=[f"{number} {why}" for number, (_, why) in enumerate(UNREADABLE)]
)
def test_a_row_that_is_no_fee_says_why_and_the_rest_goes_on(tmp_path: Path, text: str, why: str) -> None:
    path = written(tmp_path, export(fee(bursarTransactionId="1"), text, fee(bursarTransactionId="2")))
    fees = read(path)
    odd = fees.iloc[1:-1]
    assert set(odd["unreadable"]) == {why}
    assert list(fees.iloc[[0, -1]]["fee_id"]) == ["1", "2"]
    assert list(fees.iloc[[0, -1]]["unreadable"]) == ["", ""]
    assert tallies(fees) == alma_count.count(path)


PATRONS = [
    ({"value": "-"}, "patron id is missing"),
    ({"value": None}, "patron id is missing"),
    ({"value": "  "}, "patron id is missing"),
    ({"value": "null"}, "patron id is the word null"),
    ({"value": "a\u00a0b"}, "patron id has blanks or invisible signs inside"),
    ({"id_type": "-"}, "type of the patron's id is missing"),
    ({"value": "1</xb:value><xb:value>2"}, "value of the user stands there twice"),
]


@pytest.mark.parametrize(("said", "why"), PATRONS, ids=[str(said) for said, _ in PATRONS])
def test_a_fee_of_nobody_is_unreadable_and_keeps_its_money(
    tmp_path: Path, said: dict[str, str | None], why: str
) -> None:
    found = one(tmp_path, root(header(), data(patron(fee(), **said))))  # type: ignore[arg-type]
    assert (found["unreadable"], found["amount_cents"]) == (why, 1250)


def test_a_user_name_of_two_words_is_an_id(tmp_path: Path) -> None:
    found = one(tmp_path, root(header(), data(patron(fee(), id_type="userName", value="van Nobody"))))
    assert (found["patron_id"], found["unreadable"]) == ("van Nobody", "")


def test_a_fee_outside_any_patron_belongs_to_nobody(tmp_path: Path) -> None:
    fees = read_text(tmp_path, root(header(), data(patron(fee()), fee(bursarTransactionId="2"))))
    assert list(fees["patron_id"]) == ["001234567", ""]
    assert fees["unreadable"].iloc[1] == "type of the patron's id is missing; patron id is missing"


def test_a_patron_in_an_unknown_wrapper_is_read(tmp_path: Path) -> None:
    summary = alma_export.Summary()
    wrapped = f"<xb:batch>{patron(fee())}</xb:batch>"
    fees = read_text(tmp_path, root(header(), data(wrapped)), summary=summary)
    assert list(fees["unreadable"]) == [""]
    assert summary.unknown == {"batch": 1, "userExportedFineFeesList": 1}


def test_a_fee_without_id_is_called_after_its_file_and_line(tmp_path: Path) -> None:
    fees = read_text(tmp_path, export(fee(bursarTransactionId="-"), fee(bursarTransactionId="null")))
    sha = fees["file_sha"].iloc[0][:12]
    assert list(fees["fee_id"]) == [f"?{sha}-{line}" for line in fees["line"]]
    assert fees["fee_id"].is_unique


def test_the_line_is_where_the_fee_begins(tmp_path: Path) -> None:
    text = export(
        *[
            fee(itemTitle=f"one\n\n  {letter}", bursarTransactionId=str(number))
            for number, letter in enumerate("abc\u00e9")
        ]
    )
    begins = [number for number, line in enumerate(text.splitlines(), 1) if line == "<xb:userFineFee>"]
    assert list(read_text(tmp_path, text)["line"]) == begins


def test_fees_without_id_are_told_apart_in_a_file_without_line_breaks(tmp_path: Path) -> None:
    nameless = fee(bursarTransactionId="-")
    text = root(header(), data(*[patron(nameless, fee(), nameless) for _ in range(600)])).replace("\n", "")
    fees = read_text(tmp_path, text)
    sha = fees["file_sha"].iloc[0][:12]
    assert list(fees["fee_id"].iloc[:3]) == [f"?{sha}-1", "15216075630006761", f"?{sha}-1.3"]
    assert fees.loc[fees["unreadable"] != "", "fee_id"].is_unique


@pytest.mark.parametrize("line_end", ["\r\n", "\r"], ids=["windows", "old mac"])
def test_other_line_ends_are_lines_too(tmp_path: Path, line_end: str) -> None:
    text = root(header(), data(*[patron(fee(), fee()) for _ in range(900)]))
    usual = read_text(tmp_path, text)
    other = read_text(tmp_path, text.replace("\n", line_end))
    assert other.drop(columns="file_sha").equals(usual.drop(columns="file_sha"))


def test_unknown_elements_are_passed_over_and_told(tmp_path: Path) -> None:
    summary = alma_export.Summary()
    more = "<xb:campus>North</xb:campus><xb:deeper><xb:deepest/></xb:deeper><other:x xmlns:other='urn:x'/>"
    path = written(tmp_path, export(fee(more=more), fee(more="<xb:campus/>")))
    assert list(read(path, summary=summary)["unreadable"]) == ["", ""]
    assert summary.unknown == {"campus": 2, "deeper": 1, "deepest": 1, "x of urn:x": 1}
    note = summary.note("f" * 64, path.name)
    assert note is not None
    assert note.text.startswith("EXPORT-1-2.xml: passed over campus (2 times), ")
    assert not note.spoils_file


def test_a_published_export_leaves_nothing_to_tell(tmp_path: Path) -> None:
    summary = alma_export.Summary()
    read_text(tmp_path, export(fee()), summary=summary)
    assert summary.note("f" * 64, "x.xml") is None


def test_comments_and_marked_sections_inside_a_value_are_read_as_xml_means_them(tmp_path: Path) -> None:
    found = one(
        tmp_path, export(fee(sum="1<!-- 9 -->2", fineFeeType="<![CDATA[OTH]]>ER", bursarTransactionId="&#55;7"))
    )
    assert (found["amount_cents"], found["fee_type"], found["fee_id"]) == (1200, "OTHER", "77")


def test_a_mark_like_our_own_in_a_file_means_nothing(tmp_path: Path) -> None:
    marked = fee().replace("<xb:userFineFee>", '<xb:userFineFee alma-bursar-plain="0">')
    fees = read_text(tmp_path, export(fee(), marked, fee()))
    assert list(fees["amount_cents"]) == [1250] * 3
    assert list(fees["unreadable"]) == [""] * 3


ABBREVIATED = [
    ("xb:", "xmlns:xb"),
    ("", "xmlns"),
    ("a.b-c:", "xmlns:a.b-c"),
]


@pytest.mark.parametrize(("prefix", "declared"), ABBREVIATED)
def test_the_namespace_counts_and_not_its_abbreviation(tmp_path: Path, prefix: str, declared: str) -> None:
    text = (
        export(*[fee()] * 3).replace("xmlns:xb", declared).replace("<xb:", f"<{prefix}").replace("</xb:", f"</{prefix}")
    )
    assert list(read_text(tmp_path, text)["amount_cents"]) == [1250] * 3


ENCODINGS = [("utf-8", b""), ("utf-8", b"\xef\xbb\xbf"), ("utf-16", b""), ("iso-8859-1", b""), ("us-ascii", b"")]


@pytest.mark.parametrize(("encoding", "mark"), ENCODINGS, ids=["utf-8", "with a mark", "utf-16", "latin-1", "ascii"])
def test_the_encodings_of_xml_are_read(tmp_path: Path, encoding: str, mark: bytes) -> None:
    letter = "&#233;" if encoding == "us-ascii" else "\u00e9"
    text = export(fee(itemTitle=f"Caf{letter}"), fee(itemTitle="A")).replace("UTF-8", encoding)
    path = written(tmp_path, mark + text.encode(encoding))
    fees = read(path, keep=frozenset({"title"}))
    assert list(fees["title"]) == ["Caf\u00e9", "A"]
    assert tallies(fees) == alma_count.count(path)


def test_the_declaration_may_be_missing(tmp_path: Path) -> None:
    assert len(read_text(tmp_path, root(header(), data(patron(fee())), prologue=""))) == 1


def test_all_fees_of_a_large_export_come_in_their_order(tmp_path: Path) -> None:
    titles = ("Plain", "Caf\u00e9", "Salt &amp; trade", "A &#60; B", "<![CDATA[<b>]]>")
    many = [
        patron(
            *[fee(bursarTransactionId=f"{who}-{each}", itemTitle=titles[(who + each) % 5]) for each in range(3)],
            value=str(who),
        )
        for who in range(1500)
    ]
    path = written(tmp_path, root(header(), data(*many)))
    fees = read(path, chunk=1000)
    assert list(fees["fee_id"]) == [f"{who}-{each}" for who in range(1500) for each in range(3)]
    assert list(fees["patron_id"]) == [str(who) for who in range(1500) for _ in range(3)]
    assert tallies(fees) == alma_count.count(path)
    lines = path.read_text("utf-8").splitlines()
    assert {lines[line - 1] for line in fees["line"]} == {"<xb:userFineFee>"}


def test_the_namespace_is_the_one_of_the_samples() -> None:
    assert NAMESPACE == "http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans"


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no published samples here; name their folder in BURSAR_SAMPLES")
def test_the_published_samples_are_read_whole() -> None:
    found = {path.name: read(path) for path in sorted(SAMPLES.glob("bursar_export_*.xml"))}
    assert {name: len(fees) for name, fees in found.items()} == {
        "bursar_export_itemless.xml": 1,
        "bursar_export_sandbox.xml": 10,
    }
    assert not any((fees["unreadable"] != "").any() for fees in found.values())
    assert {name: int(fees["amount_cents"].sum()) for name, fees in found.items()} == {
        "bursar_export_itemless.xml": 6500,
        "bursar_export_sandbox.xml": 57972,
    }
    for name, fees in found.items():
        assert tallies(fees) == alma_count.count(SAMPLES / name)
