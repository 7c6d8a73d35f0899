"""The second scan, which counts an export's fees and money without the reader: what it sees, and that it has teeth."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pipeline.files import blocks_of
from pipeline.money import Tally
from pipeline.readers import alma_count
from tests.unit.alma_kit import data, export, fee, header, patron, read, root, tallies, written

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


def counted(folder: Path, text: str | bytes) -> dict[str, Tally]:
    return dict(alma_count.count(written(folder, text)))


def usd(rows: int, cents: int) -> dict[str, Tally]:
    return {"USD": Tally(rows, cents)}


def test_fees_are_counted_and_added_up_by_currency(tmp_path: Path) -> None:
    found = counted(tmp_path, export(fee(), fee(sum="-3.25"), fee(currency="EUR", sum="300"), fee(currency="-")))
    assert found == {"USD": Tally(2, 925), "EUR": Tally(1, 30000), "": Tally(1, 1250)}


def test_an_export_without_fees_counts_nothing(tmp_path: Path) -> None:
    assert counted(tmp_path, root(header(), data())) == {}


def test_what_is_no_amount_counts_as_a_row_worth_nothing(tmp_path: Path) -> None:
    texts = ["12,34", "1.234", "1e2", "", "1 0"]
    assert counted(tmp_path, export(*[fee(sum=text) for text in texts], fee(sum="-"), fee(sum=None))) == usd(7, 0)


WRITTEN_OTHERWISE = {
    "character references": fee(sum="&#49;&#x32;.5"),
    "a marked section": fee(sum="<![CDATA[12.5]]>"),
    "a comment inside": fee(sum="12<!-- <xb:sum>9</xb:sum> -->.5"),
    "an instruction inside": fee(sum="12<?x <xb:sum>9</xb:sum> ?>.5"),
    "blanks and line breaks": fee(sum="\n\t12.5\r\n"),
    "an attribute": fee().replace("<xb:sum>", "<xb:sum unit='a > b'>"),
    "attributes of the fee": fee().replace("<xb:userFineFee>", '<xb:userFineFee\n a="/" >'),
    "blanks in end tags": fee().replace("</xb:sum>", "</xb:sum\n>").replace("</xb:userFineFee>", "</xb:userFineFee >"),
    "sum before currency": fee(
        money="<xb:compositeSum><xb:sum>12.5</xb:sum><xb:currency>USD</xb:currency></xb:compositeSum>"
    ),
    "markup in the title": fee(itemTitle="&lt;xb:sum&gt;9&lt;/xb:sum&gt; &amp; more"),
    "markup in a marked section": fee(itemTitle="<![CDATA[<xb:userFineFee><xb:sum>9</xb:sum></xb:userFineFee>]]>"),
    "a commented fee inside": fee(more=f"<!-- {fee(sum='9')} -->"),
    "a commented fee before": f"<!-- {fee(sum='9')} -->{fee()}",
    "an instruction before": f"<?x {fee(sum='9')} ?>{fee()}",
    "another namespace's sum": fee(more="<o:sum xmlns:o='urn:o'>9</o:sum>"),
    "elements without a namespace": fee(more="<sum>9</sum>"),
    "the namespace under another name": fee()
    .replace("xb:", "o:")
    .replace("<o:userFineFee>", '<o:userFineFee xmlns:o="http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans">'),
    "unknown elements": fee(more="<xb:a><xb:b c='1'/><xb:d>e</xb:d></xb:a>"),
    "words like ours": fee(more="<xb:summary>9</xb:summary><xb:userFineFees/><xb:currencyName>x</xb:currencyName>"),
    "text between elements": fee(more="9 and 9"),
}


@pytest.mark.parametrize("name", WRITTEN_OTHERWISE)
def test_a_fee_counts_however_it_is_written(tmp_path: Path, name: str) -> None:
    assert counted(tmp_path, export(fee(), WRITTEN_OTHERWISE[name], fee())) == usd(3, 3750)


IN_DOUBT = {
    "two sums": fee(sum="5</xb:sum><xb:sum>5"),
    "a sum in the wrong place": fee(more="<xb:sum>5</xb:sum>"),
    "a sum in an unknown element": fee(more="<xb:was><xb:sum>5</xb:sum></xb:was>"),
    "two compositeSum": fee(more="<xb:compositeSum/>"),
    "a compositeSum in the wrong place": fee(
        money="<xb:a><xb:compositeSum><xb:sum>5</xb:sum></xb:compositeSum></xb:a>"
    ),
    "an element in the sum": fee(sum="5<xb:a/>"),
    "an element in the currency": fee(currency="<xb:a>USD</xb:a>"),
    "two currencies": fee(currency="USD</xb:currency><xb:currency>USD"),
}


@pytest.mark.parametrize("name", IN_DOUBT)
def test_money_in_doubt_is_worth_nothing_in_no_currency(tmp_path: Path, name: str) -> None:
    assert counted(tmp_path, export(fee(), IN_DOUBT[name], fee())) == {**usd(2, 2500), "": Tally(1, 0)}


def test_fees_inside_fees_are_all_in_doubt(tmp_path: Path) -> None:
    assert counted(tmp_path, export(fee(more=fee(more=fee())), fee())) == {"": Tally(3, 0), **usd(1, 1250)}


def test_an_empty_fee_is_a_row(tmp_path: Path) -> None:
    assert counted(tmp_path, export("<xb:userFineFee/>", "<xb:userFineFee></xb:userFineFee>")) == {"": Tally(2, 0)}


@pytest.mark.parametrize("size", [1, 7, 100, 1000, 1500, 10_000])
def test_it_makes_no_difference_where_the_file_is_cut_into_blocks(
    tmp_path: Path, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = [WRITTEN_OTHERWISE[name] for name in sorted(WRITTEN_OTHERWISE)]
    path = written(tmp_path, root("<!-- <xb:userFineFee> -->", header(), data(patron(*odd, fee(), *odd, fee()))))
    whole = alma_count.count(path)
    monkeypatch.setattr(alma_count, "blocks_of", lambda file: blocks_of(file, size))
    assert alma_count.count(path) == whole == usd(2 * len(odd) + 2, 1250 * (2 * len(odd) + 2))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "iso-8859-1", "us-ascii", "windows-1252"])
def test_other_encodings_are_counted_too(tmp_path: Path, encoding: str) -> None:
    text = export(fee(), fee(sum="&#50;")).replace("UTF-8", encoding.removesuffix("-sig"))
    assert counted(tmp_path, text.encode(encoding)) == usd(2, 1450)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_is_known_without_its_mark(tmp_path: Path, encoding: str) -> None:
    assert counted(tmp_path, export(fee()).replace("UTF-8", "utf-16").encode(encoding)) == usd(1, 1250)


@pytest.mark.parametrize("prefix", ["xb", "", "a.b-c"])
def test_the_namespace_may_be_abbreviated_otherwise(tmp_path: Path, prefix: str) -> None:
    colon = f"{prefix}:" if prefix else ""
    text = export(fee(), fee(more="<xb:a/>")).replace("xmlns:xb", f"xmlns:{prefix}".rstrip(":")).replace("xb:", colon)
    assert counted(tmp_path, text) == usd(2, 2500)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"a,b\n1,2\n", b"PK\x03\x04" + bytes(range(256)), b"<html/>", b"<!--", b"<"]
)
def test_what_is_no_export_counts_nothing_and_does_no_harm(tmp_path: Path, content: bytes) -> None:
    assert counted(tmp_path, content) == {}


def test_a_lost_fee_and_a_lost_cent_are_seen(tmp_path: Path) -> None:
    whole = [fee(bursarTransactionId=str(number)) for number in range(50)]
    assert counted(tmp_path, export(*whole[:-1])) == usd(49, 49 * 1250)
    assert counted(tmp_path, export(*whole[:-1], fee(sum="12.49"))) == usd(50, 50 * 1250 - 1)


@pytest.mark.parametrize("encoding", ["UTF-8", "iso-8859-1"])
@pytest.mark.parametrize("money", [{"sum": "1\xa0"}, {"sum": "1\x85"}, {"currency": "USD\xa0"}])
def test_only_what_xml_calls_a_blank_is_none_of_a_value(
    tmp_path: Path, encoding: str, money: Mapping[str, str]
) -> None:
    """A no-break space behind a sum was a blank to the reader and a letter to this count, and stopped the night."""
    path = written(tmp_path, export(fee(), fee(**money)).replace("UTF-8", encoding).encode(encoding))
    found = read(path)
    assert alma_count.count(path) == tallies(found)
    assert alma_count.count(path)["USD"].cents == 1250
