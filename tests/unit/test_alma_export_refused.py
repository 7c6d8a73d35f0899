"""Exports that are refused whole: hostile, cut off, too large, or something else altogether."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from io import BytesIO
from typing import TYPE_CHECKING

import pytest

from pipeline.findings import catalogue
from pipeline.readers import alma_export, refused
from pipeline.readers.alma_export import Limits, RefusedFileError
from tests.unit.alma_kit import NAMESPACE, data, export, fee, header, patron, read, root, written

if TYPE_CHECKING:
    from pathlib import Path

KIB = 1024


def refusal(path: Path, limits: Limits | None = None) -> RefusedFileError:
    """Read a file that must be refused, and give the refusal after a look at its wording."""
    with pytest.raises(RefusedFileError) as caught:
        read(path, limits=limits or Limits())
    text = str(caught.value)
    assert text.startswith(path.name)
    assert "\n" not in text
    assert caught.value.code in catalogue()
    return caught.value


def entities(declared: str, used: str) -> str:
    return (
        export(fee()).replace("<xb:xml-fragment", f"<!DOCTYPE x [{declared}]>\n<xb:xml-fragment").replace("MAIN", used)
    )


LAUGHS = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 12))

HOSTILE: dict[str, tuple[str | bytes, str]] = {
    "billion laughs": (entities(LAUGHS, "&a11;"), refused.DOCTYPE),
    "quadratic blow-up": (entities(f'<!ENTITY a "{"x" * 50_000}">', "&a;" * 10_000), refused.DOCTYPE),
    "external entity": (entities('<!ENTITY a SYSTEM "file:///etc/passwd">', "&a;"), refused.DOCTYPE),
    "parameter entity": (entities('<!ENTITY % a SYSTEM "http://127.0.0.1:9/x"> %a;', "x"), refused.DOCTYPE),
    "external document type": (
        export(fee()).replace("<xb:xml", '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd"><xb:xml', 1),
        refused.DOCTYPE,
    ),
    "bare document type": (export(fee()).replace("<xb:xml", "<!DOCTYPE x><xb:xml", 1), refused.DOCTYPE),
    "unknown entity": (export(fee(itemTitle="&nobody;")), refused.NOT_WHOLE),
    "a hundred thousand deep": (root("<xb:a>" * 100_000 + "</xb:a>" * 100_000), refused.TOO_DEEP),
    "fees in fees": (export("<xb:userFineFee>" * 100 + "</xb:userFineFee>" * 100), refused.TOO_DEEP),
    "patrons in patrons": (
        root("<xb:userExportedFineFeesList>" * 100 + "</xb:userExportedFineFeesList>" * 100),
        refused.TOO_DEEP,
    ),
    "huge text": (export(fee(itemTitle="x" * 12_000_000)), refused.TOO_LONG),
    "huge text in pieces": (export(fee(fineFeeType="x<!---->" * 70_000)), refused.TOO_LONG),
    "huge attribute": (export(fee(more=f'<xb:a b="{"x" * 5_000_000}"/>')), refused.TOO_LONG),
    "huge comment": (root(f"<!-- {'<a> ' * 1_000_000} -->"), refused.TOO_LONG),
    "huge name": (export(fee(more=f"<xb:{'a' * 100_000}/>")), refused.TOO_LONG),
    "a namespace that is not bound": (export(fee(more="<xc:a/>")), refused.NOT_WHOLE),
    "a sign XML does not know": (export(fee(itemTitle="a\x01b")), refused.NOT_WHOLE),
    "a zero byte": (export(fee(itemTitle="a\x00b")), refused.NOT_WHOLE),
    "half a letter": (export(fee(itemTitle="aXb")).encode().replace(b"aXb", b"a\xc3b"), refused.NOT_WHOLE),
    "two roots": (export(fee()) + root(prologue=""), refused.NOT_WHOLE),
    "a fee behind the root": (export(fee()) + fee(), refused.NOT_WHOLE),
    "two thousand unknown elements": (
        export(fee(more="".join(f"<xb:a{n}/>" for n in range(2000)))),
        refused.WRONG_KIND,
    ),
    "an encoding nobody knows": (export(fee()).replace("UTF-8", "x-unheard-of"), refused.NOT_WHOLE),
    "an encoding of many bytes": (export(fee()).replace("UTF-8", "shift_jis"), refused.NOT_WHOLE),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_file_is_refused_whole_with_one_line(tmp_path: Path, name: str) -> None:
    text, code = HOSTILE[name]
    assert refusal(written(tmp_path, text)).code == code


def zipped() -> bytes:
    stream = BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("EXPORT.xml", export(fee()))
    return stream.getvalue()


OTHER: dict[str, tuple[bytes, str]] = {
    "page": (b"<html><body>Sign in</body></html>", refused.WRONG_KIND),
    "page with a document type": (b"<!DOCTYPE html>\n<html></html>", refused.DOCTYPE),
    "table": (b"Transaction Amount,Fine Fee Type\n3.0,Damaged item fine\n" * 3000, refused.WRONG_KIND),
    "archive": (zipped(), refused.WRONG_KIND),
    "json": (b'{"fees": []}', refused.WRONG_KIND),
    "nothing": (b"", refused.EMPTY),
    "blanks": (b"\n\n  \n", refused.WRONG_KIND),
    "print": (b"%PDF-1.7\n" + bytes(range(256)) * 500, refused.WRONG_KIND),
    "zeros": (bytes(200_000), refused.WRONG_KIND),
    "report": (b'<?xml version="1.0"?><report><QueryResult/></report>', refused.WRONG_KIND),
    "root without its namespace": (b"<xml-fragment/>", refused.WRONG_KIND),
    "root of another namespace": (root().replace("http://com", "https://com").encode(), refused.WRONG_KIND),
    "namespace spelt otherwise": (root().replace("xmlbeans", "XmlBeans").encode(), refused.WRONG_KIND),
    "another root of the namespace": (
        f'<xb:userExportedFineFees xmlns:xb="{NAMESPACE}"/>'.encode(),
        refused.WRONG_KIND,
    ),
    "blank before the declaration": (b"\n" + export(fee()).encode(), refused.NOT_WHOLE),
}


@pytest.mark.parametrize("name", OTHER)
def test_something_else_than_an_export_is_refused(tmp_path: Path, name: str) -> None:
    content, code = OTHER[name]
    assert refusal(written(tmp_path, content)).code == code


def test_a_folder_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "gone.xml"):
        with pytest.raises(RefusedFileError, match=f"^{path.name}: cannot be read") as caught:
            list(alma_export.read(path, source="alma", file_sha="", limits=Limits()))
        assert caught.value.code == refused.NOT_READABLE


def test_an_export_cut_off_at_any_byte_is_refused(tmp_path: Path) -> None:
    whole = root(header(), data(patron(fee(itemTitle="Caf\u00e9")), patron(fee(sum="3")))).encode().rstrip()
    path = tmp_path / "EXPORT.xml"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        assert refusal(path).code == (refused.NOT_WHOLE if size else refused.EMPTY)
    path.write_bytes(whole)
    assert len(read(path)) == 2
    path.write_bytes(whole + b"\n \n")
    assert len(read(path)) == 2
    path.write_bytes(whole + b"x")
    assert refusal(path).code == refused.NOT_WHOLE


def test_a_large_export_cut_off_at_its_end_is_refused_though_parts_were_given_before(tmp_path: Path) -> None:
    whole = root(header(), data(*[patron(*[fee()] * 20) for _ in range(150)])).encode()
    path = written(tmp_path, whole[: -len("</xb:xml-fragment>\n") - 1])
    frames = alma_export.read(path, source="alma", file_sha="a" * 64, limits=Limits(), chunk=500)
    assert len(next(frames)) >= 500
    with pytest.raises(RefusedFileError, match="cut off or damaged"):
        list(frames)


def test_the_line_of_a_damage_is_told(tmp_path: Path) -> None:
    text = export(fee(), fee(itemTitle="a < b"))
    line = next(number for number, each in enumerate(text.splitlines(), 1) if "a < b" in each)
    assert str(refusal(written(tmp_path, text))).startswith(f"EXPORT-1-2.xml, line {line}: cut off or damaged")


def test_more_bytes_than_allowed_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, export(fee()))
    size = path.stat().st_size
    assert len(read(path, limits=Limits(max_bytes=size))) == 1
    assert refusal(path, Limits(max_bytes=size - 1)).code == refused.TOO_LARGE


def test_more_fees_than_allowed_are_refused(tmp_path: Path) -> None:
    path = written(tmp_path, export(*[fee()] * 5))
    assert len(read(path, limits=Limits(max_fees=5))) == 5
    assert refusal(path, Limits(max_fees=4)).code == refused.TOO_LARGE


def nested(depth: int) -> str:
    """Write an export whose deepest element is so deep, the root counting as one."""
    inside = depth - 1
    return root("<xb:a>" * inside + "</xb:a>" * inside)


def test_sixty_four_deep_is_read_and_one_more_is_refused(tmp_path: Path) -> None:
    assert len(read(written(tmp_path, nested(64)))) == 0
    assert refusal(written(tmp_path, nested(65))).code == refused.TOO_DEEP
    leaf = root("<xb:userExportedFineFees><xb:exportNumber>" + "<b>" * 62 + "</b>" * 62)
    assert refusal(written(tmp_path, leaf)).code == refused.TOO_DEEP


def test_a_text_of_64_kib_is_read_and_a_longer_one_is_refused(tmp_path: Path) -> None:
    room = len("<xb:fineFeeType>")
    kept = read(written(tmp_path, export(fee(fineFeeType="x" * (64 * KIB - room)))))
    assert len(kept["fee_type"].iloc[0]) == 64 * KIB - room
    assert refusal(written(tmp_path, export(fee(fineFeeType="x" * 64 * KIB)))).code == refused.TOO_LONG


@pytest.mark.parametrize("before", range(900 * KIB, 1030 * KIB, 13 * KIB))
def test_a_long_text_is_seen_wherever_the_file_is_cut_into_blocks(tmp_path: Path, before: int) -> None:
    filler = f"<xb:a>{'x' * 1000}</xb:a>" * (before // 1013)
    assert refusal(written(tmp_path, export(filler, fee(itemTitle="x" * 65 * KIB)))).code == refused.TOO_LONG
    assert len(read(written(tmp_path, export(filler, fee(itemTitle="x" * 60 * KIB))))) == 1


PEAK = """
import sys, tracemalloc
from pathlib import Path
import pandas, pyarrow
from pipeline.readers import alma_count, alma_export
path = Path(sys.argv[1])
def drop():
    return sum(len(frame) for frame in alma_export.read(
        path, source="alma", file_sha="a" * 64, limits=alma_export.Limits(), chunk=2000))
tracemalloc.start()
rows = drop()
read = tracemalloc.get_traced_memory()[1]
tracemalloc.reset_peak()
alma_count.count(path)
print(rows, read, tracemalloc.get_traced_memory()[1])
"""


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    peaks = {}
    for patrons in (2_000, 4_000):
        plain = patron(fee(), fee(), fee())
        odd = patron(fee(itemTitle="a &#38; b"), fee())
        path = written(tmp_path, root(header(), data(*[plain, odd] * (patrons // 2))))
        done = subprocess.run([sys.executable, "-c", PEAK, str(path)], capture_output=True, text=True, check=True)
        rows, *peak = map(int, done.stdout.split())
        assert rows == patrons // 2 * 5
        peaks[patrons] = peak
    for small, large in zip(*peaks.values(), strict=True):
        assert large < 1.1 * small
