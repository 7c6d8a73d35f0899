"""Laws of the export reader, over exports that are as odd as XML allows: nothing is lost, however a file is written."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.files import blocks_of
from pipeline.readers import alma_bytes, alma_count, alma_export, alma_plain, alma_rows
from tests.unit.alma_kit import NIL, data, fee, header, patron, read, root, tallies, written

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from hypothesis.strategies import SearchStrategy

    from pipeline.money import Tally

WHOLE_FILE = 1 << 20

noise = st.sampled_from(
    [
        "<!-- <xb:userFineFee><xb:sum>9</xb:sum></xb:userFineFee> -->",
        f"<!-- {fee(sum='9')} -->",
        "<!---->",
        "<?note <xb:sum>9</xb:sum>?>",
        f"<?note {fee(sum='9')}?>",
    ]
)
signs = st.sampled_from(
    [*"0123459.- ", "&#50;", "&#x33;", "&amp;", "&lt;", "\u00e9", "\u00a0", "\n", "\t", "]", ">", '"']
)
marked = st.sampled_from(
    [
        "<![CDATA[5]]>",
        "<![CDATA[&amp;]]>",
        "<![CDATA[<xb:userFineFee><xb:sum>9</xb:sum></xb:userFineFee>]]>",
        "<![CDATA[]]>",
    ]
)
odd_text = st.lists(signs | noise | marked, max_size=6).map("".join)
amounts = st.sampled_from(["300", "0.82", "-3.25", "0", "12,5", "", " 7 ", "null"]) | odd_text
ids = st.sampled_from(["1001", "INST00019145", "null", "", " 9 ", "1 2", "a\u200eb"]) | odd_text
titles = st.sampled_from(["Glaciers /", "Caf\u00e9 \U0001f4da", "Salt &amp; trade", "a\n\tb", "", "]]&gt;"]) | odd_text
unknown = st.sampled_from(
    [
        "",
        "<xb:campus>North</xb:campus>",
        "<xb:was><xb:sum>5</xb:sum></xb:was>",
        "<xb:was><xb:compositeSum><xb:sum>5</xb:sum></xb:compositeSum></xb:was>",
        "<sum>5</sum>",
        "<o:sum xmlns:o='urn:other'>5</o:sum>",
        "<xb:sum>5</xb:sum>",
        "<xb:sum/>",
        "<xb:currency>EUR</xb:currency>",
        "<xb:compositeSum/>",
        "<xb:itemTitle><xb:sum>5</xb:sum></xb:itemTitle>",
        "<xb:deep>" * 40 + "</xb:deep>" * 40,
        "text in between 5",
        f"<xb:vat{NIL}",
        "<xb:bursarTransactionId>5</xb:bursarTransactionId>",
    ]
)
some_unknown = st.one_of(st.just(""), st.just(""), unknown, noise)


@st.composite
def fees(draw: st.DrawFn) -> str:
    """Write one fee, now and then as Alma would."""
    said: dict[str, str | None] = {"sum": draw(amounts), "bursarTransactionId": draw(ids), "itemTitle": draw(titles)}
    said["currency"] = draw(
        st.sampled_from(["USD", "EUR", "-", "U<!-- -->SD", "&#85;SD", "USD</xb:currency><xb:currency>USD"])
    )
    for name in draw(st.sets(st.sampled_from(["fineFeeComment", "itemBarcode", "vat", "libraryCode", "fineFeeType"]))):
        said[name] = draw(st.none() | st.just("-") | odd_text)
    more = draw(some_unknown) + (draw(fees()) if draw(st.integers(0, 30)) == 17 else "")
    written_fee = fee(**said, more=more)
    for change in draw(st.lists(st.sampled_from(list(CHANGES)), max_size=2)):
        written_fee = written_fee.replace(*CHANGES[change])
    return draw(st.sampled_from([written_fee] * 12 + ["<xb:userFineFee/>", "<xb:userFineFee></xb:userFineFee>"]))


CHANGES: Mapping[str, tuple[str, str]] = {
    "one line": (">\n<", "><"),
    "blanks in end tags": ("</xb:sum>", "</xb:sum >"),
    "attribute": ("<xb:sum>", "<xb:sum a='x/y>z'>"),
    "attribute of the fee": ("<xb:userFineFee>", '<xb:userFineFee a="&lt;">'),
    "compact nil": (NIL, "/>"),
    "spread nil": (' xmlns:xsi="', '\n\t\txmlns:xsi="'),
    "no part": ("compositeSum", "compositeSums"),
    "own name": (
        "<xb:compositeSum>",
        '<xb:compositeSum xmlns:q="http://com/exlibris/urm/rep/externalsysfinesfees/xmlbeans">',
    ),
}


@st.composite
def exports(draw: st.DrawFn) -> str:
    """Write an export with some patrons, several lists, its header anywhere or nowhere."""
    patrons = [
        patron(
            *draw(st.lists(fees() | noise, max_size=4)),
            id_type=draw(st.sampled_from(["02", "userName", "-", None])),
            value=draw(ids | st.just("-")),
            more=draw(some_unknown),
        )
        for _ in range(draw(st.integers(0, 5)))
    ]
    lists = [data(*patrons[:2]), draw(some_unknown), data(*patrons[2:]), draw(fees()) if draw(st.booleans()) else ""]
    lists.insert(draw(st.integers(0, 4)), draw(st.sampled_from([header(), header("5"), ""])))
    declared = draw(st.sampled_from(["", ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"']))
    return root(*lists, declared=declared)


encodings: SearchStrategy[str] = st.sampled_from(["UTF-8", "UTF-8", "utf-16", "us-ascii", "iso-8859-1"])


def encoded(text: str, encoding: str) -> bytes:
    """Put an export into bytes; letters the encoding lacks become references, unless they stand in a marked section."""
    return text.replace("UTF-8", encoding).encode(encoding, "xmlcharrefreplace")


def both(content: bytes, block: int, **more: Any) -> tuple[pd.DataFrame, dict[str, Tally]]:
    """Read and count an export that comes in blocks of some bytes."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = written(Path(folder), content)
        patch.setattr(alma_bytes, "BLOCK", block)
        patch.setattr(alma_count, "blocks_of", lambda file: blocks_of(file, block))
        return read(path, **more), dict(alma_count.count(path))


@given(exports(), encodings, st.integers(16, 3000))
def test_the_second_scan_finds_what_the_reader_finds(text: str, encoding: str, block: int) -> None:
    found, counted = both(encoded(text, encoding), block)
    assert tallies(found) == counted


@given(exports(), encodings, st.integers(150, 6000))
def test_a_fee_says_the_same_whether_it_is_plain_or_not(text: str, encoding: str, block: int) -> None:
    """A file that is read in one block has its fees read by the parser alone; in small blocks plain ones are not."""
    kept = {"keep": frozenset({"title", "comment", "patron_name"})}
    for keep in ({}, kept):
        alone, other = alma_export.Summary(), alma_export.Summary()
        slow, _ = both(encoded(text, encoding), WHOLE_FILE, summary=alone, **keep)
        fast, _ = both(encoded(text, encoding), block, summary=other, **keep)
        assert slow.to_dict("list") == fast.to_dict("list")
        assert alone == other


@given(st.integers(1, 4), st.integers(0, 4000), st.integers(300, 3000))
def test_no_beginning_of_an_export_passes_for_the_whole(patrons: int, cut: int, block: int) -> None:
    content = root(header(), data(*[patron(fee(), fee(itemTitle="Caf\u00e9"))] * patrons)).encode().rstrip()
    with pytest.raises(alma_export.RefusedFileError):
        both(content[: -1 - cut % (len(content) - 1)], block)


@given(st.binary(max_size=300), st.integers(0, 2000), st.integers(300, 3000))
def test_damaged_bytes_are_refused_or_read_but_never_a_crash(bytes_: bytes, place: int, block: int) -> None:
    content = root(header(), data(patron(fee(), fee()))).encode()
    place %= len(content)
    damaged = content[:place] + bytes_ + content[place + len(bytes_) :]
    with suppress(alma_export.RefusedFileError):
        found, counted = both(damaged, block)
        assert tallies(found) == counted


def test_the_first_law_notices_a_reader_that_loses_a_row_or_a_cent(monkeypatch: pytest.MonkeyPatch) -> None:
    text = root(header(), data(patron(fee(), fee(sum="3"), fee(sum="0.01")))).encode()
    found, counted = both(text, WHOLE_FILE)
    assert tallies(found) == counted
    whole = alma_rows.table
    for lost in (slice(0, 1), slice(1, None), slice(None, -1)):
        monkeypatch.setattr(alma_rows, "table", lambda records, *more, rows=lost: whole(records[rows], *more))
        found, counted = both(text, WHOLE_FILE)
        assert tallies(found) != counted


def test_the_second_law_notices_a_pattern_that_takes_one_value_for_another(monkeypatch: pytest.MonkeyPatch) -> None:
    text = root(header(), data(patron(*[fee()] * 4))).encode()
    slow, _ = both(text, WHOLE_FILE)
    assert both(text, 3000)[0].to_dict("list") == slow.to_dict("list")
    taken = alma_plain.PlainFees.taken_out

    def swapped(fees: alma_plain.PlainFees, block: bytes) -> tuple[bytes, dict[str, alma_plain.Values]]:
        left, values = taken(fees, block)
        return left, {key: (*value[:-1], "another id") for key, value in values.items()}

    monkeypatch.setattr(alma_plain.PlainFees, "taken_out", swapped)
    assert both(text, 3000)[0].to_dict("list") != slow.to_dict("list")
