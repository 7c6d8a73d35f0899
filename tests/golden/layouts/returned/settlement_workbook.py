"""Builds the golden settlement workbook, byte for byte the same each time; typed as XML, as Excel stores it."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'

DAY = 46056
"""2026-02-03, as Excel counts days."""

HEADINGS = [
    "Receipt",
    "Line",
    "EMPLID",
    "Fee ID",
    "Amount",
    "Date Paid",
    "Type",
    "Tender",
    "Item Code",
    "Original",
    "?",
]
"""One of them no layout knows."""

LETTERS = "ABCDEFGHIJK"

Value = str | int | float | tuple[str, str]
"""Text; a number; or what a cell holds besides: ("day", serial), ("formula", text), ("number", as it is written)."""

ROWS: Sequence[Sequence[Value]] = (
    ["R-1", "1", "001234567", "2345678901230001121", 12.5, ("day", str(DAY)), "Payment", "CC", "LIB-OVERDUE", "", ""],
    ["R-1", "2", "001234567", "2345678901240001121", "80.00", "2/3/2026", "Sale", "CC", "LIB-LOST", "", "note"],
    ["R-2", "", "000000042", "", 60, ("day", str(DAY)), "", "ACHWEB", "LIB-LOST", "", ""],
    ["R-3", "", "001234567", "2345678901230001121", -12.5, ("day", str(DAY)), "Refund", "CC", "", "R-1", ""],
    ["R-4", "", "001234567", "2345678901240001121", 80, ("day", str(DAY)), "Void", "CC", "", "R-1", ""],
    ["R-5", "", "000000042", "2345678901250001121", -60, ("day", str(DAY)), "Returned Check", "", "", "R-2", ""],
    ["R-6", "", "000000042", "2345678901250001121", -1, ("day", str(DAY)), "Payment", "", "", "R-2", ""],
    ["R-7", "", "000000042", "2345678901250001121", -60, ("day", str(DAY)), "Chargeback", "", "", "R-2", ""],
    ["", "", "000000043", "2345678901260001121", 30, ("day", str(DAY)), "Write-off", "", "", "", ""],
    ["", "", "000000043", "2345678901260001121", -5, ("day", str(DAY)), "Write-off", "", "", "", ""],
    ["", "", "000000043", "2345678901270001121", 9, ("day", str(DAY)), "Adjustment", "", "", "", ""],
    ["", "", "000000043", "2345678901270001121", -1, ("day", str(DAY)), "Adjustment", "", "", "", ""],
    ["R-8", "", "000000043", "", 2.54, ("day", str(DAY)), "Convenience Fee", "", "CONVFEE", "", ""],
    ["R-9", "", "000000043", "", -2.54, ("day", str(DAY)), "Fee", "", "CONVFEE", "", ""],
    ["R-10", "", "000000043", "2345678901270001121", 0, ("day", str(DAY)), "Payment", "", "", "", ""],
    ["R-11", "", 1234567, ("number", "2.34567890123000E+18"), 5, ("day", str(DAY)), "Payment", "", "", "", ""],
    ["R-12", "", 1234567, ("number", "2345678901230000000"), 5, ("day", str(DAY)), "Payment", "", "", "", ""],
    ["R-13", "", "1234567", "2345678901230000000", 5, ("day", str(DAY)), "Payment", "", "", "", ""],
    ["R-14", "", "1234567", "2.34568E+18", 5, ("day", str(DAY)), "Payment", "", "", "", ""],
    ["R-15", "", "1234567", 123456789012345, 5, ("day", str(DAY)), "Payment", "", "", "", ""],
    ["R-16", "", "1234567", "2345678901230001121", 5.005, ("day", str(DAY)), "Payment", "", "", "", ""],
    ["R-17", "", "1234567", "2345678901230001121", ("formula", "SUM(E5:E6)"), ("day", str(DAY)), "Payment"],
    ["R-18", "", "1234567", "2345678901230001121", "5", ("day", str(DAY)), "Payment", "", "", "", ""],
    ["R-19", "", "1234567", "2345678901230001121", 5, "", "Payment", "", "", "", ""],
    ["R-20", "", "1234567", "2345678901230001121", 5, ("day", str(DAY)), "Gift", "", "", "", ""],
    ["", "", "1234567", "2345678901230001121", 5, ("day", str(DAY)), "Payment", "", "", "", ""],
    ["Total", "", "", "", ("formula", "SUM(E5:E29)")],
)

SHEETS: Mapping[str, tuple[str, Iterable[Sequence[Value]]]] = {
    "About": ("visible", [["Settled by the bursar's office"]]),
    "Old": ("hidden", [HEADINGS, ["R-0", "", "001234567", "", 99, "2/3/2026", "Payment"]]),
    "Settled": ("visible", [["Library settlement"], [], ["3 February 2026"], HEADINGS, *ROWS]),
}


def build() -> bytes:
    """Give the bytes of the workbook: its parts unpacked, each under the same hour."""
    names = list(SHEETS)
    parts = {
        "[Content_Types].xml": _types(len(names)),
        "_rels/.rels": _relations([("officeDocument", "xl/workbook.xml")]),
        "xl/workbook.xml": _book(),
        "xl/_rels/workbook.xml.rels": _relations(
            [
                *(("worksheet", f"worksheets/sheet{number}.xml") for number in range(1, len(names) + 1)),
                ("styles", "styles.xml"),
            ]
        ),
        "xl/styles.xml": _styles(),
        **{f"xl/worksheets/sheet{number}.xml": _sheet(SHEETS[name][1]) for number, name in enumerate(names, 1)},
    }
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name, text in parts.items():
            member = zipfile.ZipInfo(name, (2026, 2, 3, 0, 0, 0))
            member.create_system = 0
            archive.writestr(member, HEAD + text)
    return stream.getvalue()


def _types(sheets: int) -> str:
    over = [("/xl/workbook.xml", "sheet.main"), ("/xl/styles.xml", "styles")]
    over += [(f"/xl/worksheets/sheet{number}.xml", "worksheet") for number in range(1, sheets + 1)]
    inside = "".join(f'<Override PartName="{part}" ContentType="{TYPES}.{kind}+xml"/>' for part, kind in over)
    rels = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    return f'<Types xmlns="{PACKAGE}/content-types">{rels}{inside}</Types>'


def _relations(targets: Sequence[tuple[str, str]]) -> str:
    inside = "".join(
        f'<Relationship Id="rId{number}" Type="{RELATIONS}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate(targets, 1)
    )
    return f'<Relationships xmlns="{PACKAGE}/relationships">{inside}</Relationships>'


def _book() -> str:
    inside = "".join(
        f'<sheet name="{name}" sheetId="{number}" state="{state}" r:id="rId{number}"/>'
        for number, (name, (state, _)) in enumerate(SHEETS.items(), 1)
    )
    return f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>{inside}</sheets></workbook>'


def _styles() -> str:
    """Two ways to show a number: as it is, and as a day (Excel's format 14)."""
    plain = "<fonts><font/></fonts><fills><fill><patternFill/></fill></fills><borders><border/></borders>"
    ways = "".join(f'<xf numFmtId="{number}" fontId="0" fillId="0" borderId="0"/>' for number in (0, 14))
    return f'<styleSheet xmlns="{MAIN}">{plain}<cellXfs count="2">{ways}</cellXfs></styleSheet>'


def _sheet(rows: Iterable[Sequence[Value]]) -> str:
    inside = "".join(_row(number, row) for number, row in enumerate(rows, 1) if row)
    return f'<worksheet xmlns="{MAIN}"><sheetData>{inside}</sheetData></worksheet>'


def _row(number: int, row: Sequence[Value]) -> str:
    cells = (_cell(f"{letter}{number}", value) for letter, value in zip(LETTERS, row, strict=False))
    return f'<row r="{number}">{"".join(cells)}</row>'


def _cell(place: str, value: Value) -> str:
    if value == "":
        return ""
    if isinstance(value, str):
        return f'<c r="{place}" t="inlineStr"><is><t>{escape(value)}</t></is></c>'
    if isinstance(value, int | float):
        return f'<c r="{place}"><v>{value}</v></c>'
    kind, text = value
    inside = f"<f>{text}</f><v>92.5</v>" if kind == "formula" else f"<v>{text}</v>"
    style = ' s="1"' if kind == "day" else ""
    return f'<c r="{place}"{style}>{inside}</c>'
