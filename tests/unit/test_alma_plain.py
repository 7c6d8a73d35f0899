"""Which fees are read by the pattern for plain ones, and which are left to the parser."""

from __future__ import annotations

import pytest

from pipeline.readers import alma_places as places
from pipeline.readers.alma_plain import SCHEMA, PlainFees, Values
from tests.unit.alma_kit import ITEM, NAMESPACE, NIL, fee

UNWANTED = frozenset(places.KEPT.values())
NO_ITEM = {**dict.fromkeys(ITEM, "-"), "itemTitle": ""}


def plain(
    text: str | bytes, declared: dict[str, str] | None = None, unwanted: frozenset[int] = UNWANTED
) -> tuple[str, list[Values]]:
    """Take the plain fees out of a text; give what is left, and what the fees said."""
    block = text if isinstance(text, bytes) else text.encode()
    left, fees = PlainFees(declared or {"xb": NAMESPACE}, unwanted).taken_out(block)
    return left.decode("latin-1"), list(fees.values())


PLAIN = {
    "as published": fee(),
    "without an item": fee(**NO_ITEM),
    "of the institution": fee(libraryId="-", libraryCode="-"),
    "on one line": fee().replace(">\n<", "><"),
    "with tabs": fee().replace(">\n<", ">\n\t\t\t<"),
    "with older nils": fee().replace(NIL, "/>"),
    "with nils on two lines": fee().replace(' xmlns:xsi="', '\n\t\t\txmlns:xsi="').replace("/>", " />"),
    "with letters beyond ASCII in its title": fee(itemTitle="Caf\u00e9 \u6f22\u5b57"),
    "with a reference in its title": fee(itemTitle="Salt &amp; trade &lt;1900&gt;"),
    "with a title on two lines": fee(itemTitle="Salt\n\t: a history"),
    "without parts that a fee needs": fee(bursarTransactionId="-", currency="-", sum="-"),
    "with the other call number": fee(itemCallNumebr="-", itemCallNumber="QK 1"),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_fee_written_as_alma_writes_it_is_read_by_the_pattern(name: str) -> None:
    left, fees = plain(f"<a/>{PLAIN[name]}<b/>")
    lines = "\n" * (PLAIN[name].count("\n") - 1)
    assert left == f'<a/><xb:userFineFee alma-bursar-plain="0"{lines}/>\n<b/>'
    assert len(fees) == 1


NOT_PLAIN = {
    "an attribute": fee().replace("<xb:sum>", "<xb:sum a='1'>"),
    "an attribute of its own": fee().replace("<xb:userFineFee>", "<xb:userFineFee a='1'>"),
    "a reference in a value": fee(sum="&#50;"),
    "a letter beyond ASCII in a value": fee(bursarTransactionId="\u00e9"),
    "a comment": fee(sum="1<!-- 2 -->"),
    "a marked section": fee(itemTitle="<![CDATA[A & B]]>"),
    "a reference nobody knows": fee(itemTitle="&nobody;"),
    "a number that is no sign": fee(itemTitle="&#0;"),
    "an end of a marked section": fee(itemTitle="]]>"),
    "a control sign": fee(itemTitle="a\x01b"),
    "a sign that is none": fee(itemTitle="a\ufffeb"),
    "an unknown element": fee(more="<xb:a/>"),
    "two sums": fee(sum="1</xb:sum><xb:sum>2"),
    "another order": fee(money="<xb:compositeSum><xb:sum>1</xb:sum><xb:currency>USD</xb:currency></xb:compositeSum>"),
    "text between elements": fee(more="text"),
    "a wrong end": fee().replace("</xb:itemTitle>", "</xb:itemTitles>"),
    "a nil nobody declared": fee(vat="-").replace(NIL, ' xsi:nil="true"/>'),
}


@pytest.mark.parametrize("name", NOT_PLAIN)
def test_anything_else_is_left_to_the_parser(name: str) -> None:
    assert plain(NOT_PLAIN[name]) == (NOT_PLAIN[name].encode().decode("latin-1"), [])


@pytest.mark.parametrize("bad", [b"\xc3", b"\xed\xa0\x80", b"\xf8\x88\x80\x80\x80", b"\x80", b"\xc0\xaf"])
def test_bytes_that_are_no_letter_are_left_to_the_parser(bad: bytes) -> None:
    assert plain(fee(itemTitle="aXb").encode().replace(b"aXb", b"a" + bad + b"b"))[1] == []


def test_a_nil_that_the_root_declared_is_plain() -> None:
    text = fee().replace(NIL, ' xsi:nil="true"/>')
    assert len(plain(text, {"xb": NAMESPACE, "xsi": SCHEMA})[1]) == 1
    assert len(plain(fee(), {"xb": NAMESPACE, "xsi": SCHEMA})[1]) == 1
    assert plain(text, {"xb": NAMESPACE, "xsi": "urn:other"})[1] == []


@pytest.mark.parametrize("prefix", ["", "a.b-c"])
def test_the_files_own_abbreviation_is_used(prefix: str) -> None:
    text = fee().replace("xb:", f"{prefix}:" if prefix else "")
    assert len(plain(text, {prefix: NAMESPACE})[1]) == 1
    assert plain(fee(), {prefix: NAMESPACE})[1] == []


def test_what_nobody_wants_is_not_even_collected() -> None:
    said = fee(fineFeeComment="owes me", itemTitle="Glaciers")
    dropped, kept = plain(said)[1][0], plain(said, unwanted=frozenset())[1][0]
    assert dropped == (
        "",
        "OVERDUEFINE",
        "6761",
        "MAIN",
        "09/12/2025 15:22:06",
        "",
        ITEM["itemBarcode"],
        "USD",
        "12.5",
        None,
        "15216075630006761",
    )
    assert kept == ("owes me", *dropped[1:5], "Glaciers", *dropped[6:])


def test_a_fee_that_a_block_cuts_in_two_is_left_to_the_parser() -> None:
    text = fee() + fee()
    assert len(plain(text[: len(fee()) + 100])[1]) == 1
    assert len(plain(text[100:])[1]) == 1
